"""test_told_mixes.py: one meaning of a mix however it is named, and what clients learn, and do not learn, of the files behind it."""

import http.client
import json
import os
import tempfile
import threading
import time
import unittest

import built
import serving
from serving import Serving


class Mixes(Serving):
    options = ("-np", "2", "-c", "1024", "--preset", "plain=language=0")

    def text(self, status=200, **fields):
        got, _, answer = self.post("/v1/completions", {"prompt": "The sea", "max_tokens": 12, "temperature": 0, **fields})
        self.assertEqual(got, status, answer)
        return (answer["choices"][0]["text"], answer["steering"]) if status == 200 else answer["error"]["message"]

    def test_value_0_is_the_debias_vector_alone(self):
        """In each way to name a mix, as in `trimtab run`; and none at all is something else."""
        none = self.text(steering={})
        self.assertEqual(none[1], "")
        by_field = self.text(steering={"language": 0})
        self.assertEqual(by_field[1], "language=0")
        for fields in ({"steering": "language=0"}, {"steering": {"ornate": 0}}, {"steering": {"simple": -0.0}}, {"model": "x@language=0"}, {"model": "plain"}):
            with self.subTest(fields):
                self.assertEqual(self.text(**fields), by_field)
        status, _, now = self.post("/v1/steering", {"steering": {"language": 0}})
        try:
            self.assertEqual((status, now["mix"], now["steering"]), (200, "language=0", {"language": 0}))
            self.assertEqual(self.text(), by_field)
        finally:
            self.post("/v1/steering", {"steering": {}})

    def test_an_axis_twice(self):
        self.assertIn("'language' twice", self.text(400, steering={"language": 0.4, "ornate": 0.2}))
        self.assertIn("twice", self.text(400, model="x@language=0.4,language=0.4"))

    def test_default_is_not_changed_by_what_is_refused(self):
        for steering in ({"nowhere": 1}, {"language": 0.1, "ornate": 0.1}, {"language": 1e9}, [1], 7):
            self.assertEqual(self.post("/v1/steering", {"steering": steering})[0], 400)
        self.assertEqual(json.loads(self.server.get("/v1/steering")), {"mix": "", "steering": {}})


class Files(unittest.TestCase):
    """A folder of vectors that changes while it is served."""

    def post(self, server, body, path="/v1/completions"):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=built.PATIENCE)
        connection.request("POST", path, json.dumps({"prompt": "x", "max_tokens": 2, **body}))
        response = connection.getresponse()
        status, text = response.status, response.read().decode()
        connection.close()
        return status, text

    def test_files_stay_out_of_answers(self):
        with tempfile.TemporaryDirectory(prefix="trimtab-secret-") as folder:
            model, files = serving.make_model(folder), serving.make_vectors(os.path.join(folder, "vectors"))
            with serving.Server(model, "--vectors", files) as server:
                self.assertEqual(self.post(server, {"steering": {"language": 0.5}})[0], 200)
                path = os.path.join(files, "tiny-language__ornate.gguf")
                for damage in (b"", b"version https://git-lfs.github.com/spec/v1\n", None):
                    if damage is None:
                        os.unlink(path)
                    else:
                        with open(path, "wb") as file:
                            file.write(damage)
                    for body, way in (({"steering": {"language": 0.6}}, "/v1/completions"), ({"steering": {"language": 0.6}, "stream": True}, "/v1/completions"),
                                      ({"steering": {"language": 0.7}}, "/v1/steering"), ({"model": "x@language=0.8"}, "/v1/completions")):
                        status, text = self.post(server, body, way)
                        self.assertEqual(status, 400, text)
                        self.assertIn("folder of vectors", json.loads(text)["error"]["message"])
                        for secret in (folder, "secret", "gguf"):
                            self.assertNotIn(secret, text)
                self.assertEqual(self.post(server, {"steering": {"language": 0.5}})[0], 200)  # is at hand
                self.assertEqual(self.post(server, {"steering": {"language": -0.6}})[0], 200)  # whose file is as it was

    @unittest.skipIf(built.SANITIZERS, "the sanitizers' own library must be loaded first")
    def test_others_do_not_wait_for_a_disk(self):
        """While one client's vector is read from a slow disk, others are answered, and so is who asks for the server's state."""
        with tempfile.TemporaryDirectory(prefix="trimtab-serve-") as folder:
            model, files = serving.make_model(folder), serving.make_vectors(os.path.join(folder, "vectors"))
            slow = os.path.join(folder, "slow")
            environment = {"LD_PRELOAD": os.path.join(os.environ["TRIMTAB_BUILD"], "tests", "slow_disk.so"), "SLOW_DISK": slow}
            with serving.Server(model, "--vectors", files, "-np", "4", environment=environment) as server:
                self.post(server, {"steering": {"language": -0.5}})
                open(slow, "w").close()
                results, begin = [], time.monotonic()

                def ask(value):
                    results.append((self.post(server, {"steering": {"language": value}})[0], time.monotonic() - begin))

                threads = [threading.Thread(target=ask, args=(value,)) for value in (0.5, 0.5)]
                for thread in threads:
                    thread.start()
                time.sleep(0.3)
                for body in ({}, {"steering": {"language": -0.5}}, {}):
                    self.assertEqual(self.post(server, body)[0], 200)
                    self.assertTrue(server.get("/v1/axes"))
                self.assertEqual(results, [])  # those still wait
                self.assertLess(time.monotonic() - begin, 3)
                for thread in threads:
                    thread.join()
                self.assertEqual([status for status, _ in results], [200, 200])
                self.assertGreater(min(seconds for _, seconds in results), 3)
                self.assertLess(max(seconds for _, seconds in results), 6)  # read once for both

    @unittest.skipIf(built.SANITIZERS, "the sanitizers' own library must be loaded first")
    def test_the_end_comes_while_a_disk_is_slow(self):
        """Who waits for a vector is told so, and the server ends as it should."""
        with tempfile.TemporaryDirectory(prefix="trimtab-serve-") as folder:
            model, files = serving.make_model(folder), serving.make_vectors(os.path.join(folder, "vectors"))
            slow = os.path.join(folder, "slow")
            environment = {"LD_PRELOAD": os.path.join(os.environ["TRIMTAB_BUILD"], "tests", "slow_disk.so"), "SLOW_DISK": slow}
            with serving.Server(model, "--vectors", files, "--grace", "0.1", environment=environment) as server:
                open(slow, "w").close()
                results = []
                threads = [threading.Thread(target=lambda stream=stream: results.append(self.post(server, {"steering": {"language": 0.5}, "stream": stream})))
                           for stream in (False, True)]
                threads.append(threading.Thread(target=lambda: results.append(self.post(server, {"steering": {"language": 0.7}}, "/v1/steering"))))
                for thread in threads:
                    thread.start()
                time.sleep(0.5)
                self.assertEqual(server.end(), 0)
                for thread in threads:
                    thread.join()
                self.assertEqual(sorted(status for status, _ in results)[-2:], [503, 503])


if __name__ == "__main__":
    unittest.main(verbosity=2)
