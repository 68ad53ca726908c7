"""Graphs of models: scores beside numpy on the libraries' own predictions, as a file, a package and an endpoint;
and every example of docs/models.md."""

import json
import os
import pathlib
import sys
import unittest

import lightgbm
import numpy
import pyarrow
import xgboost
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import scoring
from harness import Server, run

ROOT = pathlib.Path(os.environ["SW_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "python"))
import seaworthy_export  # noqa: E402

NAMES = ["wind", "hour", "delay"]
CASCADE = '[node.cheap]\nmodel = "cheap.txt"\n[node.strong]\nmodel = "strong.ubj"\n[node.answer]\ncascade = ["cheap", "strong"]\nconfidence = 0.8\n'


def examples():
    """The graphs that docs/models.md shows."""
    section = (ROOT / "docs" / "models.md").read_text().split("\n## Pipelines of models\n")[1].split("\n## ")[0]
    block = []
    for line in [*section.splitlines(), ""]:
        if line.startswith("    "):
            block.append(line[4:])
        elif block:
            if block[0].startswith("["):
                yield "\n".join(block) + "\n"
            block = []


def logit(p):
    return numpy.log(p / (1 - p))


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


class GraphTest(scoring.ScoreTest):
    def setUp(self):
        super().setUp()
        random = numpy.random.default_rng(11)
        self.x = random.normal(size=(1000, 4)).astype(numpy.float32).astype(float)  # and "gust"
        self.x[::7, 1] = numpy.nan
        y = self.x[:, 0] + numpy.nan_to_num(self.x[:, 1]) * self.x[:, 2] > 0.1
        self.cheap = self.lightgbm("cheap.txt", y, 4)
        self.third = self.lightgbm("third.txt", self.x[:, 2] > 0.3, 9)
        self.strong = xgboost.train({"objective": "binary:logistic", "nthread": 1, "seed": 1},
                                    xgboost.DMatrix(self.x[:, :3], y, feature_names=NAMES), 20)
        self.strong.save_model(self.folder / "strong.ubj")
        self.table = pyarrow.table(dict(zip([*NAMES, "gust"], self.x.T)))

    def lightgbm(self, name, y, rounds):
        data = lightgbm.Dataset(self.x[:, :3], y, feature_name=NAMES)
        booster = lightgbm.train({"objective": "binary", "num_threads": 1, "verbose": -1, "seed": 1}, data, rounds)
        booster.save_model(self.folder / name)
        return booster

    def of(self, booster, x=None, **more):
        x = self.x[:, :3] if x is None else x
        if isinstance(booster, xgboost.Booster):
            return booster.predict(xgboost.DMatrix(x, feature_names=NAMES)).astype(float)
        return booster.predict(x, num_threads=1, **more)

    def cascade(self, confidence):
        cheap = self.of(self.cheap)
        return numpy.where(numpy.maximum(cheap, 1 - cheap) >= confidence, cheap, self.of(self.strong))

    def register(self, text, name="late", python=sys.executable, *flags):
        path = self.write("graph.toml", text)
        done = self.assert_done(run("register", name, path, "--python", python, "--data", self.data, "--json", *flags))
        return json.loads(done.out)

    def expected_of_examples(self):
        cheap, strong, third = self.of(self.cheap), self.of(self.strong), self.of(self.third)
        chained = numpy.column_stack([self.x[:, 3], self.x[:, 1], self.of(self.cheap, raw_score=True)])
        votes = (cheap > 0.5).astype(int) + (strong > 0.5) + (third > 0.5)
        return [(cheap + 3 * strong) / 4, (votes >= 2).astype(float), self.cascade(0.9), self.of(self.strong, chained),
                sigmoid(1.2 * logit(numpy.clip(cheap, 0.001, 0.999)) - 0.1)]

    def test_every_example_of_the_page_scores_as_numpy_does(self):
        graphs, expected = list(examples()), self.expected_of_examples()
        self.assertEqual(len(graphs), len(expected))
        for text, scores in zip(graphs, expected):
            with self.subTest(text.splitlines()[-2]):
                found = self.predict(self.write("graph.toml", text), self.table)["prediction"]
                self.assertLess(numpy.abs(found - scores).max(), 2.5e-7)  # XGBoost predicts in float: 2 ulp of it
                self.assertGreater(len(numpy.unique(found)), 1)

    def test_every_example_is_verified_by_the_libraries(self):
        for text in examples():
            with self.subTest(text.splitlines()[-2]):
                version = self.register(text)
                self.assertIs(version["verified"], True, version)
                self.assertIn("lightgbm 4", version["golden_from"])
                self.assertEqual(version["format"], "graph")
                self.assertEqual(version["lineage"]["origin"]["members"]["first"]["model"], "cheap.txt")

    def test_a_cascade_and_a_mean_on_endpoints(self):
        mean = CASCADE.replace('cascade = ["cheap", "strong"]\nconfidence = 0.8', 'mean = ["cheap", "strong"]')
        expected = {"late": self.cascade(0.8), "both": (self.of(self.cheap) + self.of(self.strong)) / 2}
        self.assert_done(run("apply", self.write("seaworthy.toml", "[endpoint.late]\n[endpoint.both]\n"), "--data", self.data))
        for name, text in (("late", CASCADE), ("both", mean)):
            self.assertIs(self.register(text, name)["verified"], True)
            for command in (("models", "override", name, "1", "--reason", "a test"), ("rollout", "live", name, "1")):
                self.assert_done(run(*command, "--data", self.data))
        rows = [{name: None if value != value else value for name, value in zip(NAMES, row)} for row in self.x[:300].tolist()]
        for name in ("cheap.txt", "strong.ubj", "graph.toml"):
            (self.folder / name).unlink()  # the package has all that it needs
        with Server(self.data) as server:
            for name, scores in expected.items():
                status, answer = server.post(f"/seaworthy/v1/endpoints/{name}/predict", {"rows": rows})
                self.assertEqual(status, 200, answer)
                found = numpy.array([each["score"] for each in answer["predictions"]])
                self.assertLess(numpy.abs(found - scores[:300]).max(), 2.5e-7)
                # The same bits one by one.
                for row, together in zip(rows[:20], found):
                    alone = server.post(f"/seaworthy/v1/endpoints/{name}/predict", {"rows": [row]})[1]
                    self.assertEqual(alone["predictions"][0]["score"], together)

    def test_members_may_be_registered_and_keep_their_identity(self):
        cheap = json.loads(self.assert_done(run("register", "cheap", self.folder / "cheap.txt", "--python", sys.executable,
                                                "--data", self.data, "--json")).out)
        text = CASCADE.replace("cheap.txt", "cheap:1")
        path = self.write("graph.toml", text)
        with Server(self.data) as server:
            done = self.assert_done(server.cli("register", "late", path, "--python", sys.executable, "--json"))
            refused = server.cli("register", "late", self.write("other.toml", text.replace("cheap:1", "absent")))
            self.assertIn("other.toml:2: node.cheap.model", refused.err)
            late = server.cli("register", "later", self.write("more.toml", '[node.a]\nmodel = "late"\n'), "--json")
            self.assertIn("no member of a graph", late.err)
        version = json.loads(done.out)
        self.assertIs(version["verified"], True, version)
        self.assertEqual(version["lineage"]["origin"]["members"]["cheap"]["package_id"], cheap["package_id"])

    def test_a_package_folder_is_whole(self):
        made = json.loads(self.assert_done(run("package", self.write("graph.toml", CASCADE), "--out", self.folder / "package",
                                               "--python", sys.executable, "--json")).out)
        expected = self.predict(self.folder / "graph.toml", self.table)["prediction"]
        for name in ("cheap.txt", "strong.ubj", "graph.toml"):
            (self.folder / name).unlink()
        self.assert_same_bits(self.predict(self.folder / "package", self.table)["prediction"], expected)
        version = json.loads(self.assert_done(run("register", "late", self.folder / "package", "--data", self.data, "--json")).out)
        self.assertEqual(version["package_id"], made["package_id"])
        # As a member it is refused.
        done = run("package", self.write("outer.toml", '[node.a]\nmodel = "package"\n'), "--out", self.folder / "outer")
        self.assertIn("no member of a graph", done.err)

    def test_a_plan_brings_its_own_golden_rows(self):
        frame = self.table.select(NAMES).to_pandas().fillna(0)
        plan = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, frame["wind"] > 0)
        seaworthy_export.save(plan, str(self.folder / "plan.json"), rows=frame)
        version = self.register(CASCADE.replace("cheap.txt", "plan.json"))
        self.assertIs(version["verified"], True, version)
        self.assertIn("scikit-learn", version["golden_from"])
        self.assertIn("xgboost", version["golden_from"])
        self.assertEqual(version["exactness"], "bounded")

    def test_a_composition_that_is_not_numpys_is_refused(self):
        """The graph's own golden rows are compared: another confidence in the script is noticed."""
        change = self.write("change.py", "import sys\nsys.stdout.write(sys.stdin.read().replace('\"confidence\":[0.8]', '\"confidence\":[0.6]'))\n")
        wrapper = self.folder / "python"
        wrapper.write_text(f'#!/bin/sh\n{sys.executable} {change} | {sys.executable} "$@"\n')
        wrapper.chmod(0o755)
        done = run("register", "late", self.write("graph.toml", CASCADE), "--python", wrapper, "--data", self.data)
        self.assertNotEqual(done.code, 0)
        self.assertIn("golden row", done.err)

    def test_what_is_wrong_is_told_with_its_line(self):
        cases = (("[node.a]\nmean = [\"b\"]\n[node.b]\nmean = [\"a\"]\n", "every node is read by another"),
                 (CASCADE.replace("cheap.txt", "absent.txt"), "graph.toml:2: node.cheap.model: no such file or folder"),
                 (CASCADE.replace("0.8", "2"), "graph.toml:7: node.answer.confidence: expected 0 to 1, found 2"),
                 (CASCADE + "weights = [1]\n", "graph.toml:8: node.answer.weights: is unknown here"),
                 (CASCADE.replace('"strong"]', '"strong.7"]'), "node.answer: strong.7 is no node"),
                 (CASCADE.replace('model = "strong.ubj"', 'model = "strong.ubj"\ninputs = { speed = "gust" }'), "the model reads no such column"),
                 ("[node.a\n", "graph.toml:1"))
        for text, why in cases:
            with self.subTest(why):
                done = run("package", self.write("graph.toml", text), "--out", self.folder / "package", "--python", sys.executable)
                self.assertNotEqual(done.code, 0)
                self.assertIn(why, done.err)

    def test_without_a_library_it_is_unverified_and_says_why(self):
        version = self.register(CASCADE, python="/no/such/python")
        self.assertIs(version["verified"], False)
        self.assertIn("there is no program", version["unverified"])


if __name__ == "__main__":
    unittest.main()
