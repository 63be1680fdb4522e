"""test_demo_slow.py: what ./dev demo shows once everything is set up: five beginnings of one story, of which no two are alike, with
vectors made on the spot from the real model; one below the other here, where there is no terminal."""
import os
import re
import subprocess
import tempfile
import unittest

import built

DEMO = os.path.join(os.environ["TRIMTAB_SOURCE"], "scripts", "demo")


class Demo(unittest.TestCase):
    def show(self, folder):
        result = subprocess.run([DEMO, os.environ["TRIMTAB"], folder], capture_output=True, text=True, check=False, timeout=built.PATIENCE,
                                stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_five_stories(self):
        with tempfile.TemporaryDirectory() as folder:
            first = self.show(folder)
            self.assertIn("capturing", first.stderr)
            texts = re.findall(r"^(?:unsteered|simple .*|ornate .*)\n((?:  .*\n)+)", first.stdout, re.MULTILINE)
            self.assertEqual(len(texts), 5, first.stdout)
            self.assertEqual(len(set(texts)), 5, first.stdout)
            self.assertTrue(all(len(text.split()) > 20 for text in texts), first.stdout)

            again = self.show(folder)  # the vectors are there: no second training, the same texts
            self.assertNotIn("capturing", again.stderr)
            self.assertEqual(re.findall(r"^  .*", again.stdout, re.MULTILINE), re.findall(r"^  .*", first.stdout, re.MULTILINE))


if __name__ == "__main__":
    unittest.main(verbosity=2)
