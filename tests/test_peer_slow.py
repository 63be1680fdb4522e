"""test_peer_slow.py: on the demo model, for the same mix, `trimtab run` chooses the next tokens that Debian's
llama-completion chooses. A few words on they may part: llama.cpp adds a mix's files up in single precision, trimtab in
double, and where two tokens are nearly as likely rounding decides."""
import os
import shutil
import subprocess
import tempfile
import unittest

import built
import peer

TRIMTAB, MODEL = os.environ["TRIMTAB"], os.environ.get("TRIMTAB_MODEL")
TOKENS = "8"
MIX = ("--axis", "language=0.9,optimism_vs_nihilism=-0.7")
PROMPTS = """The lighthouse keeper counted
On the morning of the flood the baker
My grandmother kept a drawer full of
Nobody in the village had ever seen
To mend a broken chair you first
The recipe says to wait until
When the orchestra stopped playing,
A good map is worth more than
Three things can go wrong with a boat:
She opened the letter and
The price of salt had doubled since
In the winter of the long strike
He had learned to whistle before
Dear Sir, I am writing to
The cat, which had slept all day,
If you listen closely, the sea
The first rule of the workshop was
Between the two mountains lay
It took them a week to cross
What the astronomer saw that night
The city was built on
Behind the third door stood
A short history of bread begins
The old bus to the coast
Once the snow had melted, the children
My brother says that trains
The gardener planted the roses
There are seven bridges over
Every clock in the house
The doctor looked at the picture and
After the war the theatre
A spider had spun its web across
The best time to prune a tree is
Her voice on the telephone was
The treasure turned out to be
Under the floor they found
The king had two daughters, and
Rain fell on the tin roof
To get to the harbour, walk
He sold the horse because
The river has changed its course
Most of the stars we see
The teacher wrote one word
In the museum's smallest room
The wind had taken the laundry
For her birthday she wanted
The coffee was cold, the news
An honest carpenter will tell you
The last passenger on the ferry
They named the dog after""".split("\n")


def written(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=built.PATIENCE, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


class Peer(unittest.TestCase):
    def test_same_choices(self):
        self.assertEqual(len(PROMPTS), 50)
        with tempfile.TemporaryDirectory() as folder:
            axes = ("--axis", "language", "--axis", "optimism_vs_nihilism")
            written([TRIMTAB, "train", "-m", MODEL, "-o", folder, *axes, "--samples", "32", "-q"])
            mix = ("--vectors", folder, *MIX)
            options = written([TRIMTAB, "command", *mix]).split(" ")  # the folder's name needs no quotes
            changed, differing = 0, []
            for prompt in PROMPTS:
                common = ("-m", MODEL, "-p", prompt, "-n", TOKENS, "-no-cnv", "--temp", "0", "-t", "2", "-c", "256")
                ours = written([TRIMTAB, "run", *common, *mix])
                theirs = peer.completion(["llama-completion", *common, "--no-warmup", "--no-display-prompt", *options], ours)
                changed += ours != written([TRIMTAB, "run", *common])
                if ours != theirs:
                    differing.append((prompt, ours, theirs))
        for prompt, ours, theirs in differing:
            self.assertEqual(ours.split()[:1], theirs.split()[:1], prompt)
        self.assertLess(len(differing), 5, differing)
        self.assertGreater(changed, 20)  # the mix does something


if __name__ == "__main__":
    if not MODEL:
        built.skip_all("TRIMTAB_MODEL names no model")
    if not shutil.which("llama-completion"):
        built.skip_all("there is no llama-completion")
    unittest.main(verbosity=2)
