"""test_fault_serve.py: every call of the server that can fail does, while it answers; and some on its way to the first request (all of
those: test_fault_commands_slow.py)."""

import tempfile
import unittest

import faulty
import faulty_server


class Requests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="trimtab-faults-")
        self.addCleanup(folder.cleanup)
        self.server = faulty_server.FaultyServer(*faulty_server.prepare(folder.name))
        self.addCleanup(self.server.close)

    def test_all_calls(self):
        self.server.start()
        for name in faulty_server.REQUESTS:
            with self.subTest(name):
                self.server.ask(name)
                expected = self.server.ask(name)  # the second one finds the prompt's beginning computed, like all that follow
                self.assertEqual(expected.status, 400 if name == "wrong" else 200, expected.raw)
                ways = self.server.ways(name)
                attempts = [(fault, nth) for fault in ways for nth in faulty.chosen(ways[fault], True)]
                attempts += [(faulty.INTERRUPTED, faulty.ALTERNATE)]
                problems = [self.server.attempt(name, fault, nth, expected) for fault, nth in attempts]
                problems = [problem for problem in problems if problem]
                self.assertGreater(len(attempts), 5)
                self.assertEqual(problems, [], "\n".join(problems))
        self.assertIsNone(self.server.end())

    def test_some_calls_of_the_start(self):
        self.assertIsNone(self.server.start_up(faulty.RECORD))
        ways = self.server.panel.ways()
        for fault in (faulty.MEMORY, faulty.ERROR, faulty.ENGINE):
            numbers = faulty.chosen(ways[fault], False)
            for nth in numbers[:: len(numbers) // 4 + 1]:
                with self.subTest(f"{faulty.NAMES[fault]} at call {nth}"):
                    self.assertIsNone(self.server.start_up(fault, nth))
        self.assertIsNone(self.server.start_up(faulty.INTERRUPTED, faulty.ALTERNATE))


if __name__ == "__main__":
    unittest.main(verbosity=2)
