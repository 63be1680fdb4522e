"""test_fault_commands_slow.py: every way to every call of every command that can fail, each in a run of its own. With TRIMTAB_EVERY_CALL=1
each single call fails, also where the way to it is one that others have gone."""

import concurrent.futures
import os
import tempfile
import unittest

import fault_scenarios
import faulty
import faulty_server

EVERY = bool(os.environ.get("TRIMTAB_EVERY_CALL"))


class Commands(unittest.TestCase):
    def test_all_calls_of_each(self):
        with tempfile.TemporaryDirectory(prefix="trimtab-faults-") as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            scenarios = fault_scenarios.all_of_them(folder)
            for scenario, (problems, runs) in zip(scenarios, pool.map(lambda scenario: faulty.try_all(scenario, EVERY), scenarios)):
                print(f"{scenario.name}: {runs} runs, {len(problems)} with a problem", flush=True)
                with self.subTest(scenario.name):
                    self.assertGreater(runs, 20)
                    self.assertEqual(problems, [], "\n".join(problems))


class Start(unittest.TestCase):
    def test_all_calls_of_a_server_that_starts(self):
        with tempfile.TemporaryDirectory(prefix="trimtab-faults-") as folder:
            server = faulty_server.FaultyServer(*faulty_server.prepare(folder))
            self.addCleanup(server.close)
            self.assertIsNone(server.start_up(faulty.RECORD))
            ways = server.panel.ways()
            for fault in ways:
                for nth in faulty.chosen(ways[fault], EVERY):
                    with self.subTest(f"{faulty.NAMES[fault]} at call {nth}"):
                        self.assertIsNone(server.start_up(fault, nth))


if __name__ == "__main__":
    unittest.main(verbosity=2)
