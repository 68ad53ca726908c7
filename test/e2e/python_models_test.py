"""Models that only Python can run, behind an endpoint of the real server: whatever one does wrong is an error of its
own requests, while an endpoint beside it answers as if nothing were."""

import hashlib
import json
import os
import pathlib
import signal
import statistics
import threading
import time
import unittest

import lightgbm
import numpy

import packages
from harness import SANITIZED, EndToEnd, Server

VENV = os.path.join(os.environ["SW_SOURCE_DIR"], ".deps", "venv")
CALL_S = 2  # call_timeout

CODE = """
import os, time

import numpy

class Model:
    inputs = ["x", "what"]

    def load(self, folder):
        if os.path.exists(folder + "/../broken"):
            raise ValueError("no licence")
        while os.path.exists(folder + "/../stuck"):
            time.sleep(0.05)

    def predict(self, frame):
        what = set(frame["what"])
        if "crash" in what:
            os._exit(3)
        if "hang" in what:
            time.sleep(1000)
        if "raise" in what:
            raise ValueError("x is out of its range")
        if "greed" in what:
            everything = []
            while True:
                everything.append(numpy.empty(8 << 20))  # of address space: quick on a busy machine
        if "child" in what and os.fork() == 0:
            time.sleep(1000)
        return frame["x"] * 2
"""

CONFIG = "[endpoint.python]\n[endpoint.trees]\n"


def children_of(pid):
    """The process ids of all that descend from it, by number of the parent."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while True:
        more = {child for child, parent in parents.items() if parent in found} - found
        if not more:
            return found - {pid}
        found |= more


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Load:
    """Threads that ask an endpoint without a pause; what came back, and how long each took."""

    def __init__(self, server, rows, expected, threads=3):
        self.server, self.rows, self.expected = server, rows, expected
        self.wrong, self.seconds, self.stopping = [], [], False
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        while not self.stopping:
            begin = time.monotonic()
            status, answer = self.server.post("/seaworthy/v1/endpoints/trees/predict", {"rows": self.rows})
            self.seconds.append(time.monotonic() - begin)
            if status != 200 or [each["score"] for each in answer["predictions"]] != self.expected:
                self.wrong.append((status, answer))

    def take(self):
        """What it took since the last call."""
        taken, self.seconds = self.seconds, []
        return taken

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        for thread in self.threads:
            thread.join()


class PythonModelsTest(EndToEnd):
    def setUp(self):
        super().setUp()
        self.models = self.folder / "models"
        (self.models / "twice").mkdir(parents=True)
        (self.models / "twice" / "code.py").write_text(CODE)
        self.config = self.folder / "server.toml"
        self.allow(call_timeout=f"{CALL_S}s")

    def allow(self, **settings):
        lines = [f"{name} = {json.dumps(value)}" for name, value in ({"memory_bytes_max": "3GiB"} | settings).items()]
        self.config.write_text("\n".join(["[python]", f'folders = ["{self.models}"]', *lines, "[python.environments]",
                                          f'project = "{VENV}"', ""]))

    def server(self, *arguments):
        return Server(self.data, "--config", self.config, *arguments)

    def python_package(self):
        code = hashlib.sha256(CODE.encode()).hexdigest()
        model = {"environment": "project", "folder": "twice", "entry": "code:Model", "inputs": ["x", "what"],
                 "content": hashlib.sha256(f"{code} code.py\n".encode()).hexdigest()}
        return packages.write(self.data, "python", json.dumps({"python": model}).encode(), {"x": "float64", "what": "string"})

    def trees_package(self):
        """A LightGBM model, some rows and its own scores of them."""
        x = numpy.random.default_rng(4).normal(size=(2000, 3))
        booster = lightgbm.train({"objective": "regression", "verbose": -1, "num_threads": 1},
                                 lightgbm.Dataset(x, x[:, 0] * x[:, 1] + x[:, 2], feature_name=["a", "b", "c"]), 50)
        self.rows = [dict(zip("abc", row)) for row in x[:20].tolist()]
        self.expected = booster.predict(x[:20]).tolist()
        return packages.write(self.data, "lightgbm", booster.model_to_string().encode(), dict.fromkeys("abc", "float64"))

    def go_live(self, server, model, package_id):
        status, version = server.post(f"/seaworthy/v1/models/{model}/versions", {"package_id": package_id})
        if "network namespace" in str(version):
            self.skipTest(version["error"]["message"])
        self.assertLess(status, 300, version)
        server.post(f"/seaworthy/v1/models/{model}/versions/1/override", {"reason": "a test"})
        status, answer = server.post(f"/seaworthy/v1/endpoints/{model}/live", {"version": 1})
        self.assertEqual(status, 200, answer)

    def start_both(self, server):
        self.assertEqual(server.post("/seaworthy/v1/config", {"toml": CONFIG})[0], 200)
        self.go_live(server, "trees", self.trees_package())
        self.go_live(server, "python", self.python_package())

    def ask(self, server, what="fine", x=1.5):
        status, answer = server.post("/seaworthy/v1/endpoints/python/predict", {"rows": [{"x": x, "what": what}]})
        return status, answer["predictions"][0]["score"] if status == 200 else answer["error"]["message"]

    def assert_error(self, server, what, status, text):
        found, message = self.ask(server, what)
        self.assertEqual(found, status, message)
        self.assertIn(text, message)
        self.assertIn("Python model twice", message)

    def await_score(self, server, seconds=60):
        """Asks until it answers again; how long that took."""
        begin = time.monotonic()
        while (answer := self.ask(server)) != (200, 3.0):
            self.assertEqual(answer[0], 503, answer)
            self.assertLess(time.monotonic() - begin, seconds, answer)
            time.sleep(0.05)
        return time.monotonic() - begin

    def assert_gone(self, processes, seconds=10):
        end = time.monotonic() + seconds
        while left := [pid for pid in processes if is_alive(pid)]:
            self.assertLess(time.monotonic(), end, f"still there: {left}")
            time.sleep(0.02)

    def test_what_it_does_wrong_is_its_own_requests_error(self):
        with self.server() as server:
            self.start_both(server)
            self.assertEqual(self.ask(server), (200, 3.0))
            with Load(server, self.rows, self.expected) as load:
                time.sleep(1.5)
                before = load.take()
                self.assert_error(server, "raise", 412, "ValueError: x is out of its range")
                self.assertEqual(self.ask(server), (200, 3.0), "an exception ends no process")
                self.assert_error(server, "greed", 412, "MemoryError")
                self.assertEqual(self.ask(server), (200, 3.0))
                self.crash(server, failures=1, waits=1)
                load.take()
                self.hang(server)
                during = load.take()
                self.assertGreater(self.await_score(server), 0.5)
            self.assertEqual(load.wrong, [])
            self.assertLess(max(during), CALL_S)  # nobody waited for what hung
            if not SANITIZED:
                self.assertLess(statistics.median(during), 10 * statistics.median(before))

    def crash(self, server, failures, waits):
        """Until it answers again, which is no sooner than so many seconds later, however slow this machine is."""
        begin = time.monotonic()
        self.assert_error(server, "crash", 503, "exited with code 3")
        status, message = self.ask(server)
        if status != 200:  # else the seconds were over before it was asked
            self.assertEqual(status, 503, message)
            self.assertIn(f"after {failures} failures in a row; the last: ", message)
            self.await_score(server)
        self.assertGreater(time.monotonic() - begin, 0.9 * waits)

    def hang(self, server):
        """One request hangs, others wait behind it: all are told, about when the call's time is over."""
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.ask(server, "hang"))) for _ in range(12)]
        begin = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertGreater(time.monotonic() - begin, 0.9 * CALL_S)
        self.assertLess(time.monotonic() - begin, 2 * CALL_S + 5)
        self.assertIn(504, [status for status, _ in answers])
        for status, message in answers:
            self.assertIn(status, (503, 504), message)
            self.assertIn("did not answer in the time given", message)

    def test_each_failure_waits_longer(self):
        with self.server() as server:
            self.start_both(server)
            self.crash(server, failures=1, waits=1)
            self.crash(server, failures=2, waits=2)

    def test_a_stop_leaves_no_process_behind(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number=number), self.server() as server:
                if number == signal.SIGTERM:
                    self.start_both(server)
                else:
                    self.await_score(server)
                processes = children_of(server.process.pid)
                self.assertGreaterEqual(len(processes), 1)
                self.assertEqual(server.stop(number), 0 if number == signal.SIGTERM else -number)
                self.assert_gone(processes)

    def test_a_stop_does_not_wait_for_a_model_that_hangs(self):
        self.allow(call_timeout="10m")
        with self.server("--drain-timeout", "1s") as server:
            self.start_both(server)
            self.ask(server, "child")
            hanging = threading.Thread(target=self.ask_until_cut, args=(server,))
            hanging.start()
            time.sleep(0.5)
            processes = children_of(server.process.pid)
            self.assertGreaterEqual(len(processes), 2)
            begin = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begin, 8)
            self.assert_gone(processes)
            hanging.join()

    def ask_until_cut(self, server):
        try:
            self.ask(server, "hang")
        except OSError:
            pass  # cut by the end of the server

    def test_a_model_that_cannot_start_keeps_no_server_down(self):
        with self.server() as server:
            self.start_both(server)
            server.stop()
        broken = self.models / "broken"
        for is_off in (True, False):
            with self.subTest(is_off=is_off):
                if is_off:
                    self.config.write_text("")
                else:
                    self.allow()
                    broken.touch()
                with self.server() as server:
                    status, answer = server.post("/seaworthy/v1/endpoints/trees/predict", {"rows": self.rows})
                    self.assertEqual((status, [each["score"] for each in answer["predictions"]]), (200, self.expected))
                    status, message = self.ask(server)
                    self.assertEqual(status, 503, message)
                    if not is_off:
                        broken.unlink()
                        self.await_score(server)  # it is tried again by itself

    def test_a_model_that_starts_slowly_delays_nobody_else(self):
        with self.server() as server:
            self.start_both(server)
            server.stop()
        stuck = self.models / "stuck"
        stuck.touch()
        begin = time.monotonic()
        with self.server() as server:
            status, _ = server.post("/seaworthy/v1/endpoints/trees/predict", {"rows": self.rows})
            self.assertEqual(status, 200)
            self.assertLess(time.monotonic() - begin, 20)
            status, _ = server.post("/seaworthy/v1/endpoints/trees/labels", {"labels": [{"id": "x", "label": 1}]})
            self.assertEqual(status, 200)
            self.assertEqual(self.ask(server)[0], 503)
            stuck.unlink()
            self.await_score(server)


if __name__ == "__main__":
    unittest.main()
