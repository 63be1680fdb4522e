"""test_template_report.py: the chat templates of models in use, each with the same conversations, against llama-server's
/apply-template and against jinja2. Which templates there are is not the project's: they are looked for in the folder that
TRIMTAB_TEMPLATES names, else in shared/templates beside the source; where there is none the test is skipped."""

import glob
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import built
import chat_helper
import conversations

FOLDER = os.environ.get("TRIMTAB_TEMPLATES") or os.path.join(os.environ["TRIMTAB_SOURCE"], "..", "shared", "templates")
TEMPLATES = sorted(glob.glob(os.path.join(FOLDER, "*.jinja")))
# What llama-server lays out otherwise than jinja2, and what this engine does otherwise than a newer llama-server: each with its
# cause in docs/models.md.
LEAST = 0.95


class Peer:
    """llama-server with a tiny model in a template."""

    def __init__(self, model, template):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["llama-server", "-m", model, "--jinja", "--chat-template-file", template, "--port", str(self.port), "--host", "127.0.0.1",
             "-t", "1", "-c", "256", "-np", "1", "--no-warmup"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ready(self):
        end = time.monotonic() + min(built.PATIENCE, 60)
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                    if answer.status == 200:
                        return True
            except urllib.error.HTTPError as error:
                error.close()
                time.sleep(0.05)
            except OSError:
                time.sleep(0.05)
        return False

    def prompt(self, request):
        body = json.dumps(request).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/apply-template", body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.load(answer)["prompt"]
        except urllib.error.HTTPError as error:
            error.close()
            return None

    def end(self):
        self.process.kill()
        self.process.wait()


def report(rows):
    """Prints a line a template, and returns the shares that are equal."""
    equal, total = {"llama-server": 0, "jinja2": 0}, {"llama-server": 0, "jinja2": 0}
    for name, peer, differing in rows:
        for one, where in differing.items():
            equal[one] += len(conversations.CONVERSATIONS) - len(where)
            total[one] += len(conversations.CONVERSATIONS)
            if where:
                print(f"{name}: not as {one} has it: {', '.join(where)}")
        if not peer:
            print(f"{name}: llama-server does not start with it")
    return {one: equal[one] / total[one] if total[one] else None for one in equal}


@unittest.skipUnless(TEMPLATES, "there is no folder with templates of models in use (TRIMTAB_TEMPLATES)")
@unittest.skipUnless(chat_helper.EXISTS, "trimtab-chat was not built")
class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="trimtab-templates-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.model = built.tiny_model(os.path.join(cls.folder, "tiny.gguf"))

    def differing(self, path):
        """By yardstick, the conversations that are laid out otherwise than it does."""
        with open(path, encoding="utf-8") as file:
            template = file.read()
        result = {"jinja2": [], "llama-server": []}
        peer = Peer(self.model, path)
        with chat_helper.Helper() as helper:
            opened = helper.open(template, "<s>", "</s>", add_bos=True)
            self.assertTrue(opened and "error" not in opened, opened)
            started = peer.ready()
            for name, request in conversations.CONVERSATIONS.items():
                ours = helper.prompt(request)
                told = conversations.as_llama_server(request, opened["thinking"], opened["capabilities"]["supports_typed_content"])
                wanted = conversations.by_jinja2(template, told, "<s>", "</s>")
                if wanted is not None and wanted.startswith("<s>"):
                    wanted = wanted[len("<s>"):]
                theirs = peer.prompt(request) if started else None
                for one, prompt in (("jinja2", wanted), ("llama-server", theirs)):
                    if prompt == ours or (prompt is None and (one == "jinja2" or not started)):
                        continue
                    result[one].append(name)
                    if os.environ.get("TRIMTAB_SHOW"):
                        print(f"--- {os.path.basename(path)}, {name}: {one} {prompt!r}\n+++ here {ours!r}")
        peer.end()
        if not started:
            del result["llama-server"]
        return started, result

    def test_most_are_equal(self):
        rows = []
        for path in TEMPLATES:
            started, differing = self.differing(path)
            rows.append((os.path.basename(path), started, differing))
        shares = report(rows)
        print({one: share and round(share, 4) for one, share in shares.items()})
        self.assertGreaterEqual(shares["llama-server"], LEAST)
        self.assertGreaterEqual(shares["jinja2"], 0.9)


if __name__ == "__main__":
    unittest.main(verbosity=2)
