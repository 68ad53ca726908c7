"""Feast's feature server: the same requests to ours and to PyPI's `feast serve` of the same repository, compared; and the
unmodified SDK against ours. Where we differ, KNOWN says why, and docs/feast.md too."""

import datetime
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import feast
import pyarrow.parquet
from feast import errors

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import repository  # noqa: E402
from harness import ENVIRONMENT, Server  # noqa: E402

REQUESTS = int(os.environ.get("SW_FEAST_REQUESTS", "300"))

# What a client sees differently on purpose: by name, with its reason.
KNOWN = {
    "null": "a value that is null is NULL_VALUE; Feast calls it PRESENT",
    "mistake": "a caller's mistake is 4xx with Feast's error detail; Feast answers most with 500, which its SDK sends three times more",
    "partial key": "a composite entity of which a key is missing is a mistake; Feast finds nothing for it",
    "no rows": "no entities are an empty answer; Feast answers 500",
    "exact numbers": "1.5 is no INT64; Feast stores 1",
    "no entity": "features of no entity are answered without entities; Feast answers 500",
    "on demand": "Python code is not run: 501; Feast runs it",
    "bytes of a flag": "true is no INT64 key; Feast takes it for 1",
}


def call(address, path, body, raw=None, timeout=60):
    request = urllib.request.Request(f"http://{address}{path}", data=raw if raw is not None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json"}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def detail(body):
    try:
        found = json.loads(body)
        return found if isinstance(found, dict) and "class" in found else None
    except (TypeError, ValueError):
        return None


def normalised(status, body):
    """What must be equal: the answer whatever the order of its features (Feast's is a set's), or which mistake it was."""
    if status == 200 and isinstance(body, dict):
        names = body["metadata"]["feature_names"]
        columns = {name: (each["values"], ["PRESENT" if one == "NULL_VALUE" else one for one in each["statuses"]], each["event_timestamps"])
                   for name, each in zip(names, body["results"], strict=True)}
        return 200, columns, body["metadata"].get("feature_view_metadata")
    if status < 400:
        return status, body
    if status == 422 and isinstance(body, dict):
        return 422, body["detail"][0]["type"], body["detail"][0]["loc"][:2] if body["detail"][0]["type"] != "json_invalid" else None
    found = detail(body)
    if found and found["class"] != "FeastError":
        return "error", found["class"], found["message"].split("; did you mean")[0]
    return ("mistake",)


class Story:
    """One repository, our server and Feast's."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)
        (self.path / "ours").mkdir()
        (self.path / "theirs").mkdir()
        # Each its own: what one materializes the other must not see in the registry.
        repository.apply(self.path / "theirs", ENVIRONMENT)
        repository.write_tables(self.path / "ours")
        for name in ("feature_store.yaml", "data/registry.db"):
            (self.path / "ours" / name).parent.mkdir(exist_ok=True)
            (self.path / "ours" / name).write_bytes((self.path / "theirs" / name).read_bytes())
        self.feast = repository.FeastServe(self.path / "theirs", ENVIRONMENT)
        self.server = Server(self.path / "data", "--feast-repo", self.path / "ours").__enter__()
        self.feast.wait()
        self.ours, self.theirs = self.server.address, self.feast.address
        self.everything = {"start_ts": "2020-01-01T00:00:00", "end_ts": (repository.NOW + datetime.timedelta(days=1)).isoformat()}
        for address in (self.ours, self.theirs):
            status, answer = call(address, "/materialize", self.everything)
            assert status == 200, (address, status, answer)

    def stop(self):
        self.server.__exit__()
        self.feast.stop()
        self.folder.cleanup()


class OnlineTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.story = Story()
        cls.ours, cls.theirs = cls.story.ours, cls.story.theirs

    @classmethod
    def tearDownClass(cls):
        cls.story.stop()

    def both(self, path, body, raw=None):
        return call(self.ours, path, body, raw), call(self.theirs, path, body, raw)

    def assert_same(self, path, body, raw=None):
        ours, theirs = self.both(path, body, raw)
        self.assertEqual(normalised(*ours), normalised(*theirs), (path, body if raw is None else raw[:200], ours, theirs))
        return ours

    def get(self, features, entities):
        status, body = call(self.ours, "/get-online-features", {"features": features, "entities": entities})
        self.assertEqual(status, 200, body)
        return {name: each for name, each in zip(body["metadata"]["feature_names"], body["results"], strict=True)}

    def test_generated_requests_get_feasts_answers(self):
        picked = random.Random(20261201)
        seconds = 10
        counts = {}
        for number in range(REQUESTS):
            seconds += 1
            kind, path, body = generate(picked, repository.NOW + datetime.timedelta(seconds=seconds))
            with self.subTest(number=number, kind=kind):
                status, _ = self.assert_same(path, body)
                counts[(kind, status < 400)] = counts.get((kind, status < 400), 0) + 1
        self.assertGreaterEqual(sum(counts.values()), min(REQUESTS, 250))
        for kind in ("get", "service", "push", "write"):
            self.assertGreater(counts.get((kind, True), 0), 5, counts)

    def test_mistakes_are_told(self):
        good = {"entities": {"driver_id": [1000]}, "features": ["stats:trips"]}
        for body in ({**good, "features": ["stats:trip"]}, {**good, "features": ["nowhere:trips"]}, {**good, "features": ["trips"]}, {**good, "features": []},
                     {**good, "features": ["stats:trips", "pairs:trips"]}, {**good, "features": ["stats:trips", "stats:trips"]},
                     {"entities": {"driver_id": [1000]}, "feature_service": "nothing"}, {"entities": {"driver_id": ["x"]}, "features": ["stats:trips"]},
                     {"entities": {"driver_id": [None]}, "features": ["stats:trips"]}, {"entities": {"car_id": ["a"]}, "features": ["stats:trips"]},
                     {"entities": {"driver_id": [1, 2], "car_id": ["a"]}, "features": ["stats:trips"]}, {"features": ["stats:trips"]},
                     {"entities": 5, "features": ["stats:trips"]}, {"entities": {"driver_id": 5}, "features": ["stats:trips"]},
                     {**good, "features": "stats:trips"}, {**good, "features": [5]}, [], {"entities": {}, "features": ["stats:trips"]}):
            with self.subTest(body=body):
                status, answer = self.assert_same("/get-online-features", body)
                self.assertTrue(400 <= status < 500, (status, answer))
        for raw in (b"{", b"", b"[1,", b"\xff\xfe"):
            with self.subTest(raw=raw):
                self.assertEqual(call(self.ours, "/get-online-features", None, raw)[0], 422)
        self.assert_same("/push", {"push_source_name": "nothing", "df": {}})
        self.assert_same("/push", {"push_source_name": "pushed", "df": {}, "to": "nowhere"})
        self.assert_same("/push", {"df": {}})
        self.assert_same("/write-to-online-store", {"feature_view_name": "nothing", "df": {}})
        self.assert_same("/materialize", {"feature_views": ["nothing"], **self.story.everything})
        self.assert_same("/materialize", {"feature_views": ["stats"]})
        self.assert_same("/materialize-incremental", {"feature_views": ["stats"]})

    def test_a_request_of_100_mb_is_refused_and_the_next_is_answered(self):
        raw = b'{"entities":{"driver_id":[' + b"1," * (50 << 20) + b'1]},"features":["stats:trips"]}'
        try:
            status, answer = call(self.ours, "/get-online-features", None, raw)
            self.assertEqual(status, 413, answer)
        except (urllib.error.URLError, ConnectionError):
            pass  # the server closes while the client still sends
        self.assertEqual(self.get(["stats:name"], {"driver_id": [1001]})["name"]["values"], ["d\u00e9 1\n"])

    def test_known_differences(self):
        def statuses(path, body):
            ours, theirs = self.both(path, body)
            return ours[0], theirs[0]
        pairs = {"features": ["pairs:score"]}
        self.assertEqual(statuses("/get-online-features", {**pairs, "entities": {"driver_id": [1000]}}), (400, 200), KNOWN["partial key"])
        self.assertEqual(statuses("/get-online-features", {"features": ["stats:trips"], "entities": {"driver_id": []}}), (200, 500), KNOWN["no rows"])
        self.assertEqual(statuses("/get-online-features", {"features": ["world:level"], "entities": {}}), (200, 500), KNOWN["no entity"])
        self.assertEqual(statuses("/get-online-features", {"features": ["doubled:doubled"], "entities": {"driver_id": [1000]}}), (501, 200), KNOWN["on demand"])
        self.assertEqual(statuses("/get-online-features", {"features": ["stats:rate"], "entities": {"driver_id": [True]}}), (400, 200), KNOWN["bytes of a flag"])
        self.assertEqual(statuses("/push", {"push_source_name": "pushed", "df": frame([900], trips=[1.5])}), (400, 200), KNOWN["exact numbers"])

    def test_values_keep_their_bits(self):
        answer = self.get(["pairs:score", "stats:trips", "stats:days", "stats:tags", "stats:share"], {"driver_id": [1000, 1000, 1001], "car_id": ["a", "b", "a"]})
        self.assertEqual(str(answer["score"]["values"]), "[1.5, None, -0.0]")
        self.assertEqual(answer["score"]["statuses"], ["PRESENT", "NULL_VALUE", "PRESENT"], KNOWN["null"])
        self.assertEqual(answer["trips"]["values"], [2**53, 2**53, 2**53 + 1])
        self.assertEqual(answer["days"]["values"][2], [1, -1])
        self.assertEqual(answer["tags"]["values"][2], ["a", "t1"])
        self.assertEqual(answer["share"]["values"][2], 0.3333333432674408)

    def test_an_older_row_that_comes_later_does_not_win_and_old_rows_expire(self):
        for hours, trips in ((1, 5), (2, 6)):
            body = {"push_source_name": "pushed", "df": frame([901], trips=[trips], at=repository.NOW - datetime.timedelta(hours=hours))}
            self.assertEqual(call(self.ours, "/push", body)[0], 200)
        self.assertEqual(self.get(["stats:trips"], {"driver_id": [901]})["trips"]["values"], [5])
        body = {"push_source_name": "pushed", "df": frame([902], trips=[5], at=repository.NOW - datetime.timedelta(days=3))}
        self.assertEqual(call(self.ours, "/push", body)[0], 200)
        expired = self.get(["stats:trips"], {"driver_id": [902]})["trips"]
        self.assertEqual((expired["values"], expired["statuses"]), ([None], ["OUTSIDE_MAX_AGE"]))

    def test_a_push_to_both_stores_is_in_the_file_and_online(self):
        rows = {"driver_id": [903], "level": [2**60 + 1], "word": ["second"], "event_timestamp": [repository.NOW.isoformat()]}
        for to in ("offline", "online_and_offline"):
            self.assert_same("/push", {"push_source_name": "pushed_fresh", "to": to, "df": rows})
        for folder in ("ours", "theirs"):
            table = pyarrow.parquet.read_table(self.story.path / folder / "fresh.parquet").to_pylist()
            self.assertEqual([row["level"] for row in table], [2**60 + 1, 2**60 + 1, 1])
            self.assertEqual({row["event_timestamp"].replace(tzinfo=datetime.UTC) for row in table}, {repository.NOW})
        self.assertEqual(self.get(["fresh:level"], {"driver_id": [903]})["level"]["values"], [2**60 + 1])
        status, answer = call(self.ours, "/push", {"push_source_name": "pushed_fresh", "to": "online_and_offline", "df": {**rows, "more": [1]}})
        self.assertEqual(status, 400, answer)
        self.assertEqual(len(pyarrow.parquet.read_table(self.story.path / "ours/fresh.parquet")), 3)

    def test_materialization_runs_beside_and_says_so(self):
        status, answer = call(self.ours, "/materialize?async=true", {**self.story.everything, "feature_views": ["pairs"]})
        self.assertEqual((status, answer), (202, {"status": "accepted", "feature_views": ["pairs"]}))
        for _ in range(100):
            status, answer = call(self.ours, "/materialize-incremental?async=true&force=true", {"end_ts": "2040-01-01T00:00:00", "feature_views": ["pairs"]})
            if status == 202:
                break
            time.sleep(0.1)
        self.assertEqual(status, 202, answer)

    def test_every_project_has_a_path_of_its_own(self):
        body = {"features": ["world:level"], "entities": {"driver_id": [1]}}
        self.assertEqual(call(self.ours, f"/feast/{repository.PROJECT}/get-online-features", body)[0], 200)
        status, answer = call(self.ours, "/feast/nowhere/get-online-features", body)
        self.assertEqual((status, detail(answer)["class"]), (404, "ProjectNotFoundException"))
        with urllib.request.urlopen(f"http://{self.ours}/feast/{repository.PROJECT}/health", timeout=10) as answer:
            self.assertEqual(answer.status, 200)


class SdkTest(unittest.TestCase):
    """The SDK with `online_store: {type: remote}`, as its users have it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name)
        (path / "repo").mkdir()
        (path / "client").mkdir()
        repository.apply(path / "repo", ENVIRONMENT)
        cls.server = Server(path / "data", "--feast-repo", path / "repo").__enter__()
        (path / "client" / "feature_store.yaml").write_text(
            f"project: {repository.PROJECT}\nprovider: local\nregistry: {path}/repo/data/registry.db\n"
            f"online_store: {{type: remote, path: {cls.server.url}}}\nentity_key_serialization_version: 3\n")
        cls.store = feast.FeatureStore(repo_path=str(path / "client"))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()
        cls.folder.cleanup()

    def read(self, features, **entities):
        rows = [dict(zip(entities, row, strict=True)) for row in zip(*entities.values(), strict=True)]
        return self.store.get_online_features(features=features, entity_rows=rows).to_dict()

    def test_workflow(self):
        self.assertEqual(self.read(["stats:trips"], driver_id=[1000])["trips"], [None])
        self.store.materialize(repository.NOW - datetime.timedelta(days=1), repository.NOW + datetime.timedelta(minutes=1))
        self.assertEqual(self.read(["stats:trips", "stats:days"], driver_id=[1001, 7]), {"driver_id": [1001, 7], "trips": [2**53 + 1, None], "days": [[1, -1], None]})
        self.assertEqual(self.read(["pairs:score"], driver_id=[1000], car_id=["a"])["score"], [1.5])
        self.store.materialize_incremental(repository.NOW + datetime.timedelta(days=1), feature_views=["stats"])
        rows = frame([1001], trips=[-3])
        import pandas
        table = pandas.DataFrame(rows)
        for column in ("event_timestamp", "created"):
            table[column] = pandas.to_datetime(table[column])
        self.store.push("pushed", table)
        self.assertEqual(self.read(["stats:trips", "stats:name"], driver_id=[1001]), {"driver_id": [1001], "trips": [-3], "name": ["n"]})
        table["trips"] = [-4]
        table["event_timestamp"] += datetime.timedelta(seconds=1)
        self.store.write_to_online_store("stats", table)
        self.assertEqual(self.read(["stats:trips"], driver_id=[1001])["trips"], [-4])
        service = self.store.get_feature_service("v1")
        self.assertEqual(self.read(service, driver_id=[1000], car_id=["a"])["level"], [7])

    def test_mistakes_are_feasts_exceptions(self):
        with self.assertRaises(errors.FeatureViewNotFoundException):
            self.read(["nowhere:trips"], driver_id=[1])
        with self.assertRaises(errors.FeastError):
            self.read(["stats:trip"], driver_id=[1])
        with self.assertRaises(errors.FeastError):
            self.read(["stats:trips"], driver_id=["x"])


def frame(ids, at=None, **more):
    """A data frame of stats as JSON."""
    rows = len(ids)
    stamp = ((at or repository.NOW + datetime.timedelta(seconds=5)).replace(tzinfo=None)).isoformat()
    return {"driver_id": ids, "trips": [1] * rows, "rate": [0.5] * rows, "share": [0.25] * rows, "name": ["n"] * rows, "active": [True] * rows,
            "days": [[1]] * rows, "tags": [["t"]] * rows, "event_timestamp": [stamp] * rows, "created": [stamp] * rows, **more}


def generate(picked, at):
    """One request: its kind, path and body. Times only grow, as Feast's sqlite lets the row win that comes last."""
    drivers = [picked.choice([1000, 1001, 1059, 800, 801, 802, 5]) for _ in range(picked.choice([1, 1, 2, 7]))]
    kind = picked.choice(["get"] * 5 + ["service", "push", "push", "write", "origin", "mistake"])
    if kind in ("push", "write"):
        ids = picked.sample([800, 801, 802, 803], picked.choice([1, 2]))
        body = frame(ids, at, trips=[picked.choice([0, -1, 2**40, 2**31]) for _ in ids], rate=[picked.choice([0.1, -2.5, 1e300, 3]) for _ in ids],
                     share=[picked.choice([0.1, 7, 1e-30]) for _ in ids], name=[picked.choice(["", "x", "\u00fc\"\\", "\U0001f600"]) for _ in ids],
                     active=[picked.choice([True, False]) for _ in ids], days=[picked.choice([[1, 2], [-5]]) for _ in ids])
        if picked.random() < 0.15:
            del body[picked.choice(["trips", "driver_id", "event_timestamp"])]
        if kind == "push":
            return kind, "/push", {"push_source_name": "pushed", "df": body}
        return kind, "/write-to-online-store", {"feature_view_name": "stats", "df": body}
    features = picked.sample(["stats:trips", "stats:rate", "stats:share", "stats:name", "stats:active", "stats:days", "stats:tags", "pairs:score", "world:level"],
                             picked.choice([1, 2, 4]))
    entities = {"driver_id": drivers, "car_id": [picked.choice(["a", "b", "z"]) for _ in drivers]}
    if not any("pairs" in feature for feature in features) and picked.random() < 0.5:
        del entities["car_id"]
    body = {"entities": entities, "features": features, "full_feature_names": picked.random() < 0.3}
    if picked.random() < 0.2:
        body["include_feature_view_version_metadata"] = True
    if kind == "service":
        body = {"entities": {"driver_id": drivers, "car_id": ["a"] * len(drivers)}, "feature_service": "v1"}
    if kind == "origin":
        body = {"entities": {"origin_id": drivers}, "feature_service": "origins", "full_feature_names": picked.random() < 0.5}
    if kind == "mistake":
        body["features"] = [picked.choice(["stats:nothing", "nothing:trips", "trips", "stats:"])]
    if picked.random() < 0.1:
        body["entities"] = {**body["entities"], "unrelated": [1.5] * len(drivers)}
    return kind, "/get-online-features", body


if __name__ == "__main__":
    unittest.main(verbosity=2)
