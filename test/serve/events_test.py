"""The timeline as it happens: server-sent events to curl over HTTP/1.1 and HTTP/2, and `timeline --follow`."""

import json
import os
import pathlib
import queue
import re
import subprocess
import threading
import time
import unittest

import serving
from harness import BINARY, ENVIRONMENT, run

EVENTS = "/seaworthy/v1/events"
WAIT_S = 30


class Lines:
    """The lines that a program prints, as it prints them."""

    def __init__(self, *command):
        self.process = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ENVIRONMENT)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def until(self, wanted):
        """All lines up to the first that `wanted` takes."""
        seen = []
        while not seen or not wanted(seen[-1]):
            seen.append(self.lines.get(timeout=WAIT_S))
            assert seen[-1] is not None, f"it ended after {seen}"
        return seen

    def ends(self):
        """What it still says, once it has ended; its exit code."""
        seen = list(iter(lambda: self.lines.get(timeout=WAIT_S), None))
        return seen, self.process.wait(timeout=WAIT_S)


class Curl(Lines):
    """curl's answer: `head`, and then events."""

    def __init__(self, server, *options, query="", last_id=None):
        header = () if last_id is None else ("-H", f"Last-Event-ID: {last_id}")
        super().__init__("curl", "-sN", "-D", "-", "-H", "Accept-Encoding: gzip", *options, *header, server.url + EVENTS + query)
        self.head = self.until(lambda line: line == "")
        self.id = next(line for line in self.until(lambda line: line.startswith("id: ")) if line.startswith("id: "))[4:]

    def event(self):
        """The next one: (id, type, data)."""
        fields = {}
        while "data" not in fields:
            for line in self.until(lambda line: line == ""):
                name, _, value = line.partition(": ")
                fields[name] = value
        return fields["id"], fields["event"], json.loads(fields["data"])


class EventsTest(serving.ServingTest):
    def version(self, server):
        """One more that may serve; its number."""
        path = "/seaworthy/v1/models/late/versions"
        first = server.get(path)[1]["versions"][0]
        status, made = server.post(path, {"package_id": first["package_id"]})
        self.assertEqual(status, 200, made)
        self.assertEqual(server.post(f"{path}/{made['version']}/override", {"reason": "a test"})[0], 200)
        return made["version"]

    def go_live(self, server, number):
        self.assertEqual(server.post("/seaworthy/v1/endpoints/late/live", {"version": number})[0], 200)

    def await_followers(self, server, count):
        while f"flow_followers {count}\n" not in server.get("/metrics")[1]:
            time.sleep(0.01)

    def test_what_happens_is_streamed(self):
        with self.server("--drain-timeout", "60s") as server:
            for options, status in (("--http1.1",), "HTTP/1.1 200 OK"), (("--http2-prior-knowledge",), "HTTP/2 200"):
                with self.subTest(status):
                    self.check_curl(server, options, status)
            self.await_followers(server, 0)  # who has gone is let go
            self.check_examples(server)
            self.assertEqual(server.get(EVENTS + "?endpoint=latte")[0], 404)
            self.assertEqual(server.post(EVENTS, {})[0], 405)
            self.check_drain(server)

    def check_curl(self, server, options, status):
        number = self.version(server)
        with Curl(server, *options, query="?endpoint=late") as late, Curl(server, *options) as everything:
            self.assertEqual(late.head[0].strip(), status)
            head = "\n".join(late.head).lower()
            for field in ("content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"):
                self.assertIn(field, head)
            self.assertNotIn("content-encoding", head)
            self.go_live(server, number)
            last_id, kind, data = late.event()
            self.assertEqual((kind, data["endpoint"], data["subject"], str(data["number"])), ("live", "late", f"late/{number}", last_id))
            self.assertEqual(everything.event(), (last_id, kind, data))
            begun = late.id
        more = self.version(server)  # while nobody follows
        with Curl(server, *options, last_id=last_id) as back:
            self.assertEqual([back.event()[1] for _ in range(2)], ["registered", "override"])
            self.go_live(server, more)
            self.assertEqual(back.event()[1:2], ("live",))
        with Curl(server, *options, query="?endpoint=late", last_id=begun) as back:
            self.assertEqual([back.event()[2]["subject"] for _ in range(2)], [f"late/{number}", f"late/{more}"])
        with Curl(server, *options, last_id="1000000") as lost:
            self.assertEqual(lost.event()[1], "gap")

    def check_examples(self, server):
        """Those of docs/operations.md."""
        text = (pathlib.Path(os.environ["SW_SOURCE_DIR"]) / "docs" / "operations.md").read_text()
        section = text.split("## Events as they happen")[1].split("\n## ")[0]
        command, curl = re.findall(r"^    ((?:seaworthy|curl) .*)$", section, re.MULTILINE)
        port = server.address.rpartition(":")[2]
        number = self.version(server)
        with Lines("bash", "-c", "exec " + curl.replace("8420", port)) as example, \
                Lines("bash", "-c", "exec " + command.replace("seaworthy", BINARY, 1).replace("8420", port)) as follower:
            self.await_followers(server, 2)
            self.go_live(server, number)
            data = example.until(lambda line: line.startswith("data: "))[-1]
            wanted = json.loads(re.search(r"data: (.*)", section)[1])
            self.assertEqual(list(json.loads(data.removeprefix("data: "))), list(wanted))
            self.assertIn(wanted["summary"].replace("3", str(number)), follower.until(lambda line: True)[0])

    def check_drain(self, server):
        with Curl(server, "--http1.1") as one, Curl(server, "--http2-prior-knowledge") as two:
            begun = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begun, 20)
            for curl in (one, two):
                self.assertEqual(curl.ends()[1], 0, "the answer came to its end")

    def test_the_command_follows_over_a_restart(self):
        self.check_folder()
        with self.server() as server:
            address = server.address
            first, second = self.version(server), self.version(server)
            with Lines(BINARY, "timeline", "--follow", "--endpoint", "late", "--server", server.url) as follower, \
                    Lines(BINARY, "timeline", "--follow", "--json", "--server", server.url) as program:
                self.await_followers(server, 2)
                self.go_live(server, first)
                line = follower.until(lambda line: True)[0]
                self.assertRegex(line, rf"^20..-..-..T\S+Z  live  late  late/{first}  version {first} answers endpoint late$")
                self.assertEqual(json.loads(program.until(lambda line: True)[0])["subject"], f"late/{first}")
                server.stop()
                self.assert_done(run("rollout", "live", "late", second, "--data", self.data))  # while nobody serves
                with serving.Server(self.data, listen=address):
                    self.assertIn(f"late/{second}", follower.until(lambda line: True)[0])
                    self.assertEqual(json.loads(program.until(lambda line: True)[0])["kind"], "live")

    def check_folder(self):
        done = self.assert_done(run("timeline", "--endpoint", "late", "--json", "--data", self.data))
        self.assertEqual([event["kind"] for event in json.loads(done.out)["events"]], ["live"])
        done = self.assert_done(run("timeline", "--data", self.data))
        self.assertIn("ENDPOINT", done.out)
        self.assertIn("--server", run("timeline", "--follow", "--data", self.data).err)
        self.assertEqual(run("timeline", "--follow", "--from", "2013-01-01", "--data", self.data).code, 3)


if __name__ == "__main__":
    unittest.main()
