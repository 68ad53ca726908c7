"""Drives the real binary: runs commands, and servers that speak HTTP.

    with Server(data) as server:
        status, answer = server.post("/seaworthy/v1/clock", {"now": "2013-06-01T00:00:00Z"})
    done = run("models", "list", "--data", data, "--json")
    done.code, done.out, done.err
"""

import collections
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

BINARY = os.environ.get("SEAWORTHY_BINARY") or os.path.join(os.environ["SW_BUILD_DIR"], "bin", "seaworthy")
SANITIZED = any(name in pathlib.Path(BINARY).read_bytes() for name in (b"__asan_init", b"__tsan_init"))
Done = collections.namedtuple("Done", "code out err")

# What a command does must not depend on who runs the tests.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("SEAWORTHY_")}


def run(*arguments, env=None, stdin=""):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, check=False, input=stdin,
                          env={**ENVIRONMENT, **(env or {})}, timeout=120)
    return Done(done.returncode, done.stdout, done.stderr)


class Server:
    def __init__(self, data, *arguments, listen="127.0.0.1:0"):
        self.arguments = [BINARY, "serve", "--data", str(data), "--listen", listen, "--log-level", "warning",
                          *map(str, arguments)]

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http://127.0.0.1:"):
            raise AssertionError(f"the first line is {self.url!r}, exit code {self.process.wait()}")
        self.address = self.url.removeprefix("http://")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()

    def stop(self, number=signal.SIGTERM):
        """Ends it; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body, headers=None):
        return self.request("POST", path, body, headers)

    def job(self, path, body):
        """Starts a job and waits for it: the finished job."""
        status, started = self.post(path, body)
        if status != 202:
            raise AssertionError(f"{path}: {status} {started}")
        return self.get(f"/seaworthy/v1/jobs/{started['job']}?wait=true")[1]

    def cli(self, *arguments, **more):
        return run(*arguments, "--server", self.url, **more)


class EndToEnd(unittest.TestCase):
    """Gives each test an empty folder, and a data folder's name in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sw-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.data = self.folder / "data"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def assert_done(self, done, code=0):
        self.assertEqual(done.code, code, f"{done.out}\n{done.err}")
        return done
