"""An endpoint of the real server: what it takes as a label, and what a restart and an apply do to it."""

import unittest

from harness import EndToEnd, Server

SOURCE = """\
[source.visits]
event_time = "at"
types = { at = "timestamp", user = "string", seconds = "float64" }
[entity.user]
keys = { user = "string" }
[view.lately]
entity = "user"
source = "visits"
[view.lately.features]
mean_1h = { agg = "mean(seconds)", window = "1h" }
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
library = "constant"
"""
ENDPOINT = '[endpoint.long]\nservice = "visits"\ntraining_set = "long"\n[monitor.long]\nendpoint = "long"\n'


class EndpointTest(EndToEnd):
    def apply(self, server, toml):
        status, answer = server.post("/seaworthy/v1/config", {"toml": toml})
        self.assertEqual(status, 200, answer)

    def predict(self, server, *ids):
        return server.post("/seaworthy/v1/endpoints/long/predict", {"rows": [{"user": "ann"}] * len(ids), "ids": ids})

    def label(self, server, **batch):
        return server.post("/seaworthy/v1/endpoints/long/labels", batch)

    def go_live(self, server):
        server.post("/seaworthy/v1/clock", {"now": "2013-06-01T12:00:00Z"})
        self.apply(server, SOURCE + ENDPOINT)
        rows = [{"at": f"2013-06-01T11:{minute}:00Z", "user": "ann", "seconds": minute % 9} for minute in range(10, 50)]
        self.assertEqual(server.post("/seaworthy/v1/sources/visits/rows", {"rows": rows})[0], 200)
        trained = server.job("/seaworthy/v1/train", {"recipe": "long"})["result"]
        server.post("/seaworthy/v1/models/long/versions", {"package_id": trained["package_id"]})
        server.post("/seaworthy/v1/models/long/versions/1/override", {"reason": "a test"})
        status, answer = server.post("/seaworthy/v1/endpoints/long/live", {"version": 1})
        self.assertEqual(status, 200, answer)

    def test_labels_restarts_and_applies(self):
        with Server(self.data, "--clock", "manual") as server:
            self.go_live(server)
            self.assertEqual(self.predict(server, "a", "b")[0], 200)

            status, refused = self.label(server, labels=[{"id": "a", "label": 1}, {"id": "b", "label": 0.5}])
            self.assertEqual(status, 400)
            self.assertIn("labels[1].label: expected 0 or 1, or false or true, found 0.5", refused["error"]["message"])
            batch = {"labels": [{"id": "a", "label": 1}, {"id": "c", "label": 0}], "producer": "truth", "sequence": 1}
            self.assertEqual(self.label(server, **batch)[1]["unknown"], ["c"])
            self.predict(server, "c")
            self.assertEqual(self.label(server, **batch)[1]["accepted"], 2)
            self.assertTrue(self.label(server, **batch)[1]["repeated"])

            server.post("/seaworthy/v1/clock", {"now": "2013-06-02T13:00:00Z"})
            before = server.get("/seaworthy/v1/endpoints/long/monitor")[1]
            self.apply(server, SOURCE)
            self.assertEqual(self.predict(server, "d")[0], 404, "it is no longer declared")
            self.apply(server, SOURCE + ENDPOINT)
            self.assertEqual(self.predict(server, "d")[0], 200)
            server.stop()
        with Server(self.data, "--clock", "manual") as server:
            self.assertEqual(server.get("/seaworthy/v1/endpoints/long/monitor")[1], before)
            self.assertEqual(self.predict(server, "e")[0], 200)


if __name__ == "__main__":
    unittest.main()
