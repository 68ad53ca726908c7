"""A server that has no room for another model refuses to load it, says why, and lives."""

import json
import re
import sys
import unittest

import lightgbm
import numpy

import serving
from serving import NAMES, run

PREDICT = "/seaworthy/v1/endpoints/late/predict"
ROWS = {"rows": [{"wind": 0.5, "hour": 1, "delay": -1}]}


def scores(answer):
    return [(row["version"], row["score"]) for row in answer[1]["predictions"]]


class MemoryTest(serving.ServingTest):
    def register_large(self):
        """Version 2, of some megabytes, by a process that has all the memory of the machine."""
        random = numpy.random.default_rng(3)
        x = random.normal(size=(6000, len(NAMES)))
        booster = lightgbm.train({"objective": "binary", "num_leaves": 255, "num_threads": 1, "verbose": -1, "seed": 1},
                                 lightgbm.Dataset(x, x[:, 0] * x[:, 1] + x[:, 2] > random.normal(size=6000), feature_name=NAMES), 200)
        path = self.folder / "large.txt"
        booster.save_model(path)
        self.assert_done(run("register", "late", path, "--python", sys.executable, "--data", self.data))
        self.assert_done(run("models", "override", "late", "2", "--reason", "a test", "--data", self.data))
        return path.stat().st_size

    def memory(self, server):
        return server.get("/seaworthy/v1/doctor")[1]["facts"]["memory"]

    def metric(self, server, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", server.get("/metrics")[1], re.M).group(1))

    def test_a_load_is_refused_and_the_old_version_answers(self):
        size = self.register_large()
        with self.server() as server:
            used = self.memory(server)["used"]
        with self.server("--memory-bytes-max", used + 2 * size) as server:
            before = server.post(PREDICT, ROWS)
            self.assertEqual(before[0], 200)
            status, answer = server.post("/seaworthy/v1/endpoints/late/live", {"version": 2})
            self.assertEqual((status, answer["error"]["code"]), (429, "RESOURCE_EXHAUSTED"), answer)
            self.assertRegex(answer["error"]["message"], r"^version 2 of model late: no room for package \w+: it may take [\d.]+ MiB while it is "
                             r"loaded and [\d.]+ MiB after; [\d.]+ MiB of [\d.]+ MiB are used \(late/1 live [\d.]+ MiB, the rest [\d.]+ MiB\)")
            done = server.cli("rollout", "live", "late", 2)
            self.assertNotEqual(done.code, 0)
            self.assertIn("no room for package", done.err)
            self.assertEqual(scores(server.post(PREDICT, ROWS)), scores(before))
            self.assertEqual(self.metric(server, 'model_refused_total{limit="memory_bytes_max"}'), 2)
            self.assertEqual(self.metric(server, "model_memory_max_bytes"), used + 2 * size)
            self.assertGreater(self.metric(server, 'serve_version_memory_bytes{endpoint="late",version="1"}'), 10_000)
            self.assertEqual([version["name"] for version in self.memory(server)["versions"]], ["late/1 live"])
        with self.server() as server:  # by default there is room
            self.assertEqual(server.post("/seaworthy/v1/endpoints/late/live", {"version": 2})[0], 200)
            self.assertGreater(self.metric(server, 'serve_version_memory_bytes{endpoint="late",version="2"}'), size / 4)

    def test_a_restart_without_room_lives_and_says_what_is_not_ready(self):
        with self.server("--memory-bytes-max", "1MiB") as server:
            self.assertEqual(server.get("/health")[0], 200)
            for status, answer in (server.post(PREDICT, ROWS), server.post("/v2/repository/models/late/load", {}), server.get("/v2/models/late/ready")):
                self.assertEqual(status, 503, answer)
                self.assertIn("no room for package", json.dumps(answer))
            done = server.cli("register", "late", self.model, "--python", sys.executable)
            self.assertNotEqual(done.code, 0)
            self.assertIn("limit memory_bytes_max", done.err)
        with self.server() as server:
            self.assertEqual(server.post(PREDICT, ROWS)[0], 200)


if __name__ == "__main__":
    unittest.main()
