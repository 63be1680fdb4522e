"""chat_helper.py: trimtab-chat, spoken to directly, for the tests that are scripts."""

import json
import os
import subprocess

PROGRAM = os.path.join(os.environ["TRIMTAB_BUILD"], "trimtab-chat")
EXISTS = os.path.exists(PROGRAM)


class Helper:
    """`with Helper() as helper:` - ended by closing its input."""

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def ask(self, what, **request):
        """The answer; None where it has died."""
        self.process.stdin.write((json.dumps({"do": what, **request}) + "\n").encode())
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        return json.loads(line) if line else None

    def open(self, template, bos="", eos="", **other):
        return self.ask("open", template=template, bos=bos, eos=eos, **other)

    def prompt(self, request, **other):
        """What the conversation is laid out as, or None."""
        answer = self.ask("render", requests=[request], **other)
        return answer["results"][0].get("prompt") if answer and "results" in answer else None
