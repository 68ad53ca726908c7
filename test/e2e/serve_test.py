"""Starting, stopping and refusing: what `seaworthy serve` promises to whoever runs it."""

import http.client
import json
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import BINARY, ENVIRONMENT, SANITIZED, EndToEnd, Server, run


class ServeTest(EndToEnd):
    def assert_resident_below(self, mib, server):
        if not SANITIZED:  # a sanitizer keeps freed memory for a while
            status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            self.assertLess(int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024, mib)

    def test_answers_health_once_the_address_is_printed(self):
        with Server(self.data) as server:
            status, answer = server.get("/health")
            self.assertEqual((status, answer["status"]), (200, "ok"))
            self.assertIn("net_requests_total", server.get("/metrics")[1])
            self.assertEqual(server.stop(), 0)

    @unittest.skipIf(SANITIZED, "a sanitizer takes time and memory of its own")
    def test_starts_in_100_ms_and_idles_below_60_mib(self):
        fastest = 9.0
        for attempt in range(40):  # the machine may be busy with other tests
            if fastest < 0.1:
                break
            begin = time.monotonic()
            with Server(self.folder / f"data{attempt}") as server:
                fastest = min(fastest, time.monotonic() - begin)
                self.assertEqual(server.get("/health")[0], 200)
                self.assert_resident_below(60, server)
        self.assertLess(fastest, 0.1)

    def test_sigterm_lets_a_request_finish(self):
        with Server(self.data) as server:
            host, port = server.address.split(":")
            body = json.dumps({"toml": "", "plan_only": True}).encode()
            with socket.create_connection((host, int(port))) as client:
                head = f"POST /seaworthy/v1/config HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: {len(body)}\r\n\r\n"
                client.sendall(head.encode() + body[:5])
                server.get("/health")
                server.process.send_signal(signal.SIGTERM)
                with self.assertRaises(OSError):  # nobody new is let in
                    while True:
                        socket.create_connection((host, int(port)), timeout=5).close()
                client.sendall(body[5:])
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))
            self.assertEqual(server.process.wait(timeout=30), 0)

    def test_what_was_acknowledged_survives_sigkill(self):
        with Server(self.data, "--clock", "manual") as server:
            server.post("/seaworthy/v1/clock", {"now": "2013-06-01T00:00:00Z"})
            self.assertEqual(server.post("/seaworthy/v1/runs", {"name": "first"})[0], 200)
            server.stop(signal.SIGKILL)
        with Server(self.data, "--clock", "manual") as server:
            self.assertEqual(server.get("/seaworthy/v1/runs")[1]["runs"][0]["name"], "first")
            self.assertEqual(server.get("/seaworthy/v1/clock")[1]["now"], "2013-06-01T00:00:00Z")

    def test_a_body_of_1_gb_is_refused_with_the_limits_name(self):
        with Server(self.data) as server:
            connection = http.client.HTTPConnection(server.address, timeout=60)
            connection.putrequest("POST", "/seaworthy/v1/config")
            connection.putheader("Content-Length", str(1 << 30))
            connection.endheaders()
            answer = connection.getresponse()
            self.assertEqual(answer.status, 413)
            self.assertIn("body_bytes_max", json.loads(answer.read())["error"]["message"])
            connection.close()
            self.assert_resident_below(200, server)

    def test_a_streamed_body_of_1_gb_is_cut_at_the_limit(self):
        def pieces():
            for _ in range(1 << 14):
                yield b"x" * (1 << 16)

        with Server(self.data) as server:
            connection = http.client.HTTPConnection(server.address, timeout=60)
            try:
                connection.request("POST", "/seaworthy/v1/config", pieces(), {"Transfer-Encoding": "chunked"},
                                   encode_chunked=True)
            except OSError:
                pass  # refused while we were still sending
            try:
                answer = connection.getresponse()
                self.assertEqual(answer.status, 413)
                self.assertIn("body_bytes_max", answer.read().decode())
            except (OSError, http.client.HTTPException):
                pass  # the connection was cut: also no growth
            self.assertEqual(server.get("/health")[0], 200)
            self.assert_resident_below(200, server)

    def test_a_second_command_is_told_who_works_on_the_folder(self):
        with Server(self.data) as server:
            done = self.assert_done(run("models", "list", "--data", self.data), 5)
            self.assertIn(f"in use by process {server.process.pid} (seaworthy serve)", done.err)
            self.assertIn("talk to its server", done.err)

    def test_foreign_hosts_and_origins_are_refused_without_a_key(self):
        with Server(self.data) as server:
            for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
                self.assertIn(server.get("/seaworthy/v1/models", headers)[0], (400, 403, 421), headers)
            done = run("serve", "--data", self.folder / "other", "--listen", "0.0.0.0:0")
            self.assert_done(done, 5)
            self.assertIn("key", done.err)

    def test_a_key_opens_and_closes(self):
        key = json.loads(run("keys", "create", "ci", "--scope", "models.read", "--data", self.data, "--json").out)["key"]
        with Server(self.data) as server:
            self.assertEqual(server.get("/seaworthy/v1/models")[0], 401)
            headers = {"Authorization": f"Bearer {key}"}
            self.assertEqual(server.get("/seaworthy/v1/models", headers)[0], 200)
            self.assertEqual(server.get("/seaworthy/v1/streams", headers)[0], 403)
            self.assert_done(server.cli("models", "list", env={"SEAWORTHY_KEY": key}))
            self.assert_done(server.cli("models", "list"), 6)

    def test_an_address_in_use_is_named(self):
        with Server(self.data) as server:
            done = run("serve", "--data", self.folder / "other", "--listen", server.address)
            self.assert_done(done, 7)
            self.assertIn(server.address, done.err)

    def test_many_requests_at_once(self):
        with Server(self.data) as server:
            statuses = []
            threads = [threading.Thread(target=lambda: statuses.append(server.get("/seaworthy/v1/streams")[0]))
                       for _ in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(statuses, [200] * 50)

    def test_logs_are_json_lines_when_nobody_watches(self):
        process = subprocess.Popen([BINARY, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0)
        lines = [json.loads(line) for line in errors.splitlines()]
        self.assertEqual(len(lines), 3, errors)
        self.assertIn("ready", json.dumps(lines[0]))


if __name__ == "__main__":
    unittest.main()
