"""`seaworthy predict --model`: formats of files, names of columns, errors."""

import pathlib
import shutil
import unittest

import lightgbm
import numpy
import pyarrow

from scoring import ScoreTest, run

PACKAGE_V0 = pathlib.Path(__file__).resolve().parents[2] / "src/model/testdata/package_v0"


def train(classes=2):
    random = numpy.random.default_rng(7)
    x = random.normal(size=(400, 3))
    sums = x[:, 0] + x[:, 1] * x[:, 2]
    y = numpy.digitize(sums, numpy.quantile(sums, numpy.arange(1, classes) / classes))
    objective = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": classes}
    data = lightgbm.Dataset(x, y, feature_name=["wind", "hour", "delay"])
    return lightgbm.train({**objective, "num_threads": 1, "verbose": -1, "seed": 1}, data, 20)


def rows(count, seed=3):
    random = numpy.random.default_rng(seed)
    x = random.normal(size=(count, 3))
    x[::7, 1] = numpy.nan
    x[0] = [-0.0, 5e-324, 1.7976931348623157e308]
    x[1] = [numpy.inf, -numpy.inf, numpy.nan]
    return x


def table(x):
    """The columns in another order than the model's, and one that it does not read."""
    return pyarrow.table({"note": ["x"] * len(x), "delay": x[:, 2], "wind": x[:, 0], "hour": x[:, 1]})


class PredictTest(ScoreTest):
    def setUp(self):
        super().setUp()
        self.booster = train()
        self.model = self.folder / "model.txt"
        self.booster.save_model(self.model)

    def test_every_format_of_rows_and_scores_gives_the_same_bits(self):
        x = rows(1000)
        expected = self.booster.predict(x, raw_score=True, num_threads=1)
        for name in ("rows.parquet", "rows.csv", "rows.arrow", "rows.feather"):
            for out in ("scores.parquet", "scores.csv", "scores.arrow", "scores.feather"):
                scores = self.predict(self.model, table(x), "--raw", name=name, out=out)
                self.assertEqual(list(scores), ["prediction"])
                self.assert_same_bits(scores["prediction"], expected, f"{name} {out}")
        scores = self.predict(self.model, table(x))
        self.assert_within_ulps(scores["prediction"], self.booster.predict(x, num_threads=1), 2)

    def test_scores_do_not_depend_on_blocks(self):
        x = rows(140_000)
        scores = self.predict(self.model, table(x), "--raw")
        self.assert_same_bits(scores["prediction"], self.booster.predict(x, raw_score=True, num_threads=1))

    def test_several_outputs_are_numbered(self):
        booster = train(classes=3)
        booster.save_model(self.folder / "classes.txt")
        x = rows(100)
        scores = self.predict(self.folder / "classes.txt", table(x), "--raw", "--contributions")
        expected = booster.predict(x, raw_score=True, num_threads=1)
        names = [f"prediction_{k}" for k in range(3)]
        for k in range(3):
            self.assert_same_bits(scores[f"prediction_{k}"], expected[:, k])
            parts = [f"contribution_{k}_{name}" for name in ("wind", "hour", "delay", "bias")]
            numpy.testing.assert_allclose(sum(scores[part] for part in parts), expected[:, k], rtol=1e-12, atol=1e-12)
            names += parts
        self.assertEqual(list(scores), names)

    def test_contributions_are_the_librarys(self):
        x = rows(100)
        scores = self.predict(self.model, table(x), "--contributions", out="scores.csv")
        self.assertEqual(list(scores), ["prediction", "contribution_wind", "contribution_hour", "contribution_delay",
                                        "contribution_bias"])
        theirs = self.booster.predict(x, pred_contrib=True, num_threads=1)
        ours = numpy.stack(list(scores.values())[1:], axis=1)
        numpy.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)

    def test_a_package_folder_scores_by_its_id_and_its_parts(self):
        requests = pyarrow.table({"origin": ["EWR", "JFK", "LGA"], "hour": [0, 3, 6], "wind": [0.0, 1.5, None]})
        scores = self.predict(PACKAGE_V0, requests)["prediction"]
        x = 0.5 + (3 - 9) / 4.5 * 1.25 + (1.5 - 3) / 2 * -0.75 - 0.5
        self.assertAlmostEqual(scores[1], 1 / (1 + numpy.exp(-x)), places=15)
        copy = self.folder / "package"
        shutil.copytree(PACKAGE_V0, copy)
        for part in copy.iterdir():
            bytes_ = part.read_bytes()
            part.write_bytes(bytes_[:-3] + b"xyz")
            done = self.assert_done(run("predict", "--model", copy, "--in", self.folder / "rows.parquet", "--out",
                                        self.folder / "no.csv"), 8)
            self.assertIn(str(copy), done.err)
            part.write_bytes(bytes_)
        self.assertFalse((self.folder / "no.csv").exists())

    def test_mistakes_are_answered_with_what_to_do(self):
        self.write("rows.csv", "wind,hour,delay\n1,2,3\n")
        self.write("few.csv", "winds,hour,delay\n1,2,3\n")
        self.write("text.csv", "wind,hour,delay\nlow,2,3\n")
        self.write("none.csv", "wind,hour,delay\n")
        self.write("not.txt", "hello\n")
        (self.folder / "model.pkl").write_bytes(b"\x80\x04\x95 some pickle")
        self.write("cut.txt", self.model.read_text()[:3000])
        (self.folder / "empty").mkdir()
        cases = (
            ("model.txt", "few.csv", "s.csv", 4, "did you mean winds?"),
            ("model.txt", "text.csv", "s.csv", 3, "wind must be a number"),
            ("model.txt", "none.csv", "s.csv", 3, "no rows"),
            ("model.txt", "absent.csv", "s.csv", 4, "absent.csv"),
            ("model.txt", "rows.csv", "s.xls", 3, "end it in .parquet, .csv, .arrow or .feather"),
            ("model.txt", "rows.csv", "absent/s.csv", 4, "absent"),
            ("not.txt", "rows.csv", "s.csv", 3, "in no format that is read"),
            ("model.pkl", "rows.csv", "s.csv", 3, "pickle"),
            ("cut.txt", "rows.csv", "s.csv", 3, "cut.txt"),
            ("empty", "rows.csv", "s.csv", 3, "without a file id"),
            ("absent.txt", "rows.csv", "s.csv", 4, "no such file"),
        )
        for model, source, out, code, message in cases:
            done = self.assert_done(run("predict", "--model", self.folder / model, "--in", self.folder / source, "--out",
                                        self.folder / out), code)
            self.assertIn(message, done.err)
        self.assertFalse(any(path.name.startswith("s.") for path in self.folder.iterdir()), "nothing is left over")
        for words, message in ((("late", "--model", "m"), "not both"), (("--model", "m"), "--in"), ((), "endpoint")):
            self.assertIn(message, self.assert_done(run("predict", *words), 3).err)

    def test_a_registered_model_is_found_by_name_alias_and_version(self):
        for name, code in (("late", 4), ("late@champion", 4), ("late:1", 4), ("@x", 3), ("late:", 3)):
            self.write("rows.csv", "wind,hour,delay\n1,2,3\n")
            done = run("predict", "--model", name, "--data", self.data, "--in", self.folder / "rows.csv", "--out",
                       self.folder / "s.csv")
            self.assert_done(done, code)


if __name__ == "__main__":
    unittest.main()
