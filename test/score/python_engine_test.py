"""Models that only Python can run, by `seaworthy predict --config`: off until allowed, then the library's own numbers."""

import json
import os
import pickle
import re
import time
import unittest

import numpy
import pyarrow
from sklearn.neighbors import KNeighborsClassifier

import scoring

VENV = os.path.join(os.environ["SW_SOURCE_DIR"], ".deps", "venv")

CODE = """
import os, pickle, time

class Neighbours:
    inputs = ["x", "y", "word"]

    def load(self, folder):
        with open(os.path.join(folder, "model.pickle"), "rb") as file:
            self.model = pickle.load(file)

    def predict(self, frame):
        if (frame["word"] == "crash").any():
            os.abort()
        if (frame["word"] == "hang").any():
            time.sleep(1000)
        return self.model.predict_proba(frame[["x", "y"]].to_numpy())
"""


class PythonEngineTest(scoring.ScoreTest):
    def setUp(self):
        super().setUp()
        self.models = self.folder / "models"
        model = self.models / "neighbours"
        model.mkdir(parents=True)
        random = numpy.random.default_rng(3)
        x = random.normal(size=(300, 2))
        self.neighbours = KNeighborsClassifier(7).fit(x, x[:, 0] * x[:, 1] > 0)
        (model / "model.pickle").write_bytes(pickle.dumps(self.neighbours))
        (model / "code.py").write_text(CODE)
        self.x = random.normal(size=(500, 2))
        self.config = self.folder / "server.toml"
        self.allow()
        self.file = self.folder / "neighbours.json"
        self.write({"environment": "project", "folder": "neighbours", "entry": "code:Neighbours", "outputs": 2})

    def allow(self, **settings):
        """A configuration; with the network where this machine cannot take it away."""
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        self.config.write_text("\n".join(["[python]", f'folders = ["{self.models}"]', *lines, "[python.environments]",
                                          f'project = "{VENV}"', ""]))

    def write(self, members):
        self.members = members
        self.file.write_text(json.dumps({"python": members}))

    def table(self, word="fine"):
        return pyarrow.table({"y": self.x[:, 1], "x": self.x[:, 0], "word": [word] * len(self.x)})

    def predict_done(self, *flags, word="fine"):
        scoring.write_table(self.table(word), self.folder / "rows.parquet")
        return scoring.run("predict", "--model", self.file, "--in", self.folder / "rows.parquet", "--out",
                           self.folder / "scores.parquet", *flags)

    def with_content(self):
        """As a user does it: the first refusal says what to add."""
        done = self.predict_done("--config", self.config)
        if "network namespace" in done.err:
            self.allow(network=True)
            done = self.predict_done("--config", self.config)
        self.assertIn("add \"content\"", done.err)
        self.write(self.members | {"content": re.search(r'"content": "([0-9a-f]{64})"', done.err)[1]})

    def test_it_is_off_until_the_configuration_allows_it(self):
        done = self.predict_done()
        self.assertNotEqual(done.code, 0)
        self.assertIn("Python models are off", done.err)
        for members in ({"folder": "../other"}, {"folder": "/etc"}, {"environment": "other"}):
            self.write(self.members | members)
            self.assertIn("python.", self.predict_done("--config", self.config).err)
        self.assertFalse((self.folder / "scores.parquet").exists())

    def test_scores_are_the_models_own(self):
        self.with_content()
        self.assert_done(self.predict_done("--config", self.config))
        scores = scoring.read_table(self.folder / "scores.parquet")
        theirs = self.neighbours.predict_proba(self.x)
        for k in range(2):
            self.assert_same_bits(scores[f"prediction_{k}"].to_numpy(), theirs[:, k])
        (self.models / "neighbours" / "code.py").write_text(CODE + "\n# another\n")
        self.assertIn("has changed", self.predict_done("--config", self.config).err)

    def test_a_crash_and_a_hang_are_errors_that_say_so(self):
        self.with_content()
        crash = self.predict_done("--config", self.config, word="crash")
        self.assertIn("signal 6", crash.err)
        network = "network = true" in self.config.read_text()
        self.allow(call_timeout="300ms", network=network)
        before = time.monotonic()
        self.assertIn("did not answer in the time given", self.predict_done("--config", self.config, word="hang").err)
        self.assertLess(time.monotonic() - before, 60)
        self.assertFalse((self.folder / "scores.parquet").exists())


if __name__ == "__main__":
    unittest.main()
