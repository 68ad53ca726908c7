"""What scores a version: the default rule, then what was timed in the background, then the same from the cache."""

import json
import time
import unittest

from harness import EndToEnd, Server, run

TOML = """\
[source.visits]
event_time = "at"
types = { at = "timestamp", user = "string", seconds = "float64", pages = "float64" }
[entity.user]
keys = { user = "string" }
[view.lately]
entity = "user"
source = "visits"
[view.lately.features]
mean_1h = { agg = "mean(seconds)", window = "1h", strict = true }
pages_1h = { agg = "sum(pages)", window = "1h", strict = true }
[service.visits]
features = ["lately.*"]
[training_set.long]
source = "visits"
service = "visits"
moment = "at"
label = "seconds > 4"
label_time = "at"
[recipe.long]
training_set = "long"
library = "lightgbm"
rounds = 30
[recipe.long.params]
objective = "binary"
num_leaves = 7
min_data_in_leaf = 5
[endpoint.long]
"""
COLUMNS = ("lately.mean_1h", "lately.pages_1h")
VERSION = "/seaworthy/v1/models/long/versions/1"
ROWS = [{name: (i * step) % 83 / 7 for name, step in zip(COLUMNS, (17, 29))} for i in range(300)]


class EngineTest(EndToEnd):
    def serve(self):
        return Server(self.data, "--clock", "manual")

    def train(self, server):
        server.post("/seaworthy/v1/clock", {"now": "2013-06-02T00:00:00Z"})
        status, answer = server.post("/seaworthy/v1/config", {"toml": TOML})
        self.assertEqual(status, 200, answer)
        rows = [{"at": f"2013-06-01T{6 + i // 60:02}:{i % 60:02}:00Z", "user": "ann", "seconds": i * i % 9, "pages": i * 5 % 11}
                for i in range(600)]
        status, answer = server.post("/seaworthy/v1/sources/visits/rows", {"rows": rows})
        self.assertEqual(status, 200, answer)
        trained = server.job("/seaworthy/v1/train", {"recipe": "long"})["result"]
        status, answer = server.post("/seaworthy/v1/models/long/versions", {"package_id": trained["package_id"]})
        self.assertEqual(status, 200, answer)
        server.post(VERSION + "/override", {"reason": "a test"})

    def engine(self, server):
        status, answer = server.get(VERSION)
        self.assertEqual(status, 200, answer)
        return answer["engine"]

    def wait_until_timed(self, server):
        deadline = time.monotonic() + 60
        while "timed" not in self.engine(server):  # when: known once the choice is kept, just after it is made
            self.assertLess(time.monotonic(), deadline, "the engine was never timed")
            time.sleep(0.02)
        return self.engine(server)

    def timed_by(self, server):
        """How many engines this process has timed."""
        return int(server.get("/metrics")[1].partition("\nflow_engines_timed_total ")[2].split()[0])

    def served_scores(self, server):
        """In one request, then row by row: both ways of the engine score."""
        scores = []
        for rows in (ROWS, *([row] for row in ROWS[:40])):
            status, answer = server.post("/seaworthy/v1/endpoints/long/predict", {"rows": rows})
            self.assertEqual(status, 200, answer)
            scores += [each["score"] for each in answer["predictions"]]
        return scores

    def scores_of_file(self):
        """The scores of the rows and what scored them, by a process of its own."""
        self.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS))
        done = self.assert_done(run("predict", "--data", self.data, "--model", "long:1", "--in", self.folder / "rows.jsonl",
                                    "--out", self.folder / "scores.csv", "--json"))
        scores = [float(line) for line in (self.folder / "scores.csv").read_text().split()[1:]]
        return scores, json.loads(done.out)["engine"]

    def test_is_timed_in_the_background_and_cached_for_the_next_start(self):
        with self.serve() as server:
            self.train(server)
            untimed = self.engine(server)
            self.assertEqual((untimed["engine"], untimed["chosen"]), ("forest", "default rule"))
            self.assertEqual((untimed["exactness"], untimed["verified"]), ("exact", True))
            self.assertGreaterEqual(untimed["golden_rows"], 200)
            self.assertIn("LightGBM", untimed["golden_from"])
            self.assertEqual(self.timed_by(server), 0, "what is not served is not timed")
        before, by = self.scores_of_file()
        self.assertIn("default rule", by["why"])
        expected = before + before[:40]

        with self.serve() as server:
            status, answer = server.post("/seaworthy/v1/endpoints/long/live", {"version": 1})
            self.assertEqual(status, 200, answer)
            self.assertEqual(self.served_scores(server), expected)
            timed = self.wait_until_timed(server)
            self.assertEqual(timed["chosen"], "timed")
            self.assertEqual(timed["timed"], "2013-06-02T00:00:00Z")
            for which in ("one_row", "many_rows"):
                times = timed["ns_a_row"][which]
                self.assertEqual(times[timed[which]], min(times.values()), timed)
                self.assertGreater(min(times.values()), 0)
            self.assertEqual(self.served_scores(server), expected)
            self.assertEqual(self.timed_by(server), 1)

        with self.serve() as server:
            cached = self.engine(server)
            self.assertEqual(cached["chosen"], "cached")
            self.assertEqual({key: cached[key] for key in ("one_row", "many_rows", "many_rows_from", "ns_a_row", "timed", "cpu")},
                             {key: timed[key] for key in ("one_row", "many_rows", "many_rows_from", "ns_a_row", "timed", "cpu")})
            self.assertEqual(self.served_scores(server), expected)
            shown = self.assert_done(server.cli("models", "show", "long", "1")).out
            self.assertRegex(shown, r"(?m)^  chosen +cached: timed 2013-06-02T00:00:00Z, on \S.*$")
            self.assertRegex(shown, rf"(?m)^  one row +{timed['one_row']} \(.* \d+ ns.*\)$")
            self.assertRegex(shown, r"(?m)^  golden rows +\d+ from LightGBM")
            self.assertEqual(self.timed_by(server), 0)
        after, by = self.scores_of_file()
        self.assertIn("timed earlier", by["why"])
        self.assertEqual(after, before)

    def test_a_package_that_does_not_load_is_shown_with_the_reason(self):
        with self.serve() as server:
            self.train(server)
            package = server.get(VERSION)[1]["package_id"]
        (self.data / "blobs" / package[:2] / package[2:]).unlink()
        with self.serve() as server:
            self.assertIn(package[:12], self.engine(server)["error"])
            self.assertIn("error", self.assert_done(server.cli("models", "show", "long", "1")).out)


if __name__ == "__main__":
    unittest.main()
