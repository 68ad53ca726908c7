"""Packages that `seaworthy_export` writes: loaded, verified, scored and registered without a Python of the server's,
and the same as those that `seaworthy package` makes."""

import hashlib
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import unittest

import catboost
import lightgbm
import numpy
import pandas
import pyarrow
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import scoring
from harness import Server, run

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"
sys.path.insert(0, str(PYTHON))
import seaworthy_export  # noqa: E402

TEXTS = ["late", "early", "gr\u00fcn", ""]


def frame_of(count=500, seed=5):
    random = numpy.random.default_rng(seed)
    frame = pandas.DataFrame({
        "wind": random.normal(size=count), "hour": random.integers(0, 24, count), "color": random.choice(TEXTS, count),
        "size": random.choice([10, 20, 35], count), "flag": random.random(count) < 0.4})
    frame.loc[random.random(count) < 0.1, "wind"] = numpy.nan
    signal = frame["wind"].fillna(0.3) + (frame["color"] == "late") + (frame["size"] == 20) - frame["flag"]
    return frame, numpy.digitize(signal, [0.2, 1.0])


def as_arrow(frame):
    return pyarrow.table({name: pyarrow.array([None if value is None or value != value else value for value in frame[name].astype(object)])
                          for name in frame.columns})


def pipeline_of(model):
    return make_pipeline(ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["wind", "hour"]), ("flag", "passthrough", ["flag"]),
        ("categories", OneHotEncoder(handle_unknown="ignore"), ["color", "size"])]), model)


class Folder:
    """A package folder, to read and to change."""

    def __init__(self, path):
        self.path = path

    @property
    def manifest(self):
        return json.loads((self.path / (self.path / "id").read_text().strip()).read_text())

    def part(self, name):
        return (self.path / self.manifest["parts"][name]).read_bytes()

    def replace(self, name, data):
        """Puts other bytes in, under the names that they have by their content."""
        manifest = self.manifest
        manifest["parts"][name] = self._put(data)
        (self.path / "id").write_text(self._put(json.dumps(manifest).encode()))

    def _put(self, data):
        name = hashlib.sha256(data).hexdigest()
        (self.path / name).write_bytes(data)
        return name


class ExportTest(scoring.ScoreTest):
    def setUp(self):
        super().setUp()
        self.frame, self.classes = frame_of()
        self.fresh = frame_of(seed=6)[0]
        self.fresh.loc[:20, "color"] = "never seen"
        self.binary = (self.classes > 0).astype(int)
        self.made = self.folder / "package"

    def export(self, model, rows=None):
        return seaworthy_export.save_package(model, self.made, self.frame if rows is None else rows)

    def assert_verified(self, package_id, library, exactness="exact"):
        done = self.assert_done(run("register", "m", self.made, "--data", self.data, "--json"))
        version = json.loads(done.out)
        self.assertEqual(version["package_id"], package_id)
        self.assertIs(version["verified"], True, version)
        shown = json.loads(self.assert_done(run("models", "show", "m", str(version["version"]), "--data", self.data, "--json")).out)
        engine = shown["engine"]
        self.assertEqual((engine["exactness"], engine["verified"]), (exactness, True), engine)
        self.assertTrue(engine["golden_from"].startswith(library), engine)
        self.assertGreaterEqual(engine["golden_rows"], 200)

    def scores(self, table, *flags):
        return numpy.column_stack(list(self.predict(self.made, table, *flags).values()))

    def assert_same_rows(self, table, raw, predictions):
        raw, predictions = (numpy.asarray(each, dtype=float).reshape(table.num_rows, -1) for each in (raw, predictions))
        self.assert_same_bits(self.scores(table, "--raw").ravel(), raw.ravel(), "raw")
        ours = self.scores(table)
        if predictions.astype(numpy.float32).astype(float).tobytes() == predictions.tobytes():  # of XGBoost
            ours, predictions = (each.astype(numpy.float32) for each in (ours, predictions))
            numpy.testing.assert_array_max_ulp(ours, predictions, 2, dtype=numpy.float32)
        else:
            self.assert_within_ulps(ours.ravel(), predictions.ravel(), 4)

    # ---- scikit-learn ----

    def test_a_pipeline_of_trees_has_its_bits(self):
        model = pipeline_of(RandomForestRegressor(12, random_state=1)).fit(self.frame, self.classes)
        self.assert_verified(self.export(model), "scikit-learn")
        expected = model.predict(self.fresh)
        self.assert_same_rows(as_arrow(self.fresh), expected, expected)

    def test_a_pipeline_of_several_classes(self):
        model = pipeline_of(RandomForestClassifier(12, random_state=1)).fit(self.frame, self.classes)
        self.assert_verified(self.export(model), "scikit-learn")
        expected = model.predict_proba(self.fresh)
        self.assert_same_rows(as_arrow(self.fresh), expected, expected)

    def test_a_linear_pipeline_is_bounded(self):
        model = pipeline_of(LogisticRegression()).fit(self.frame, self.binary)
        self.assert_verified(self.export(model), "scikit-learn", "bounded")
        numpy.testing.assert_allclose(self.scores(as_arrow(self.fresh))[:, 0], model.predict_proba(self.fresh)[:, 1], rtol=1e-12)

    def test_it_is_what_the_program_makes_of_the_plan_and_the_sample(self):
        self.frame["far"] = [0.001 * i for i in range(len(self.frame) - 1)] + [1e5]  # a finding of the profile
        self.frame["sum"] = numpy.resize([1e5, 123456.0, 1e-4, 0.00012, 2.5e-7, 1e22, 2.0**60, -0.0, 0.0], len(self.frame))
        model = pipeline_of(RandomForestClassifier(5, random_state=1))
        model.steps[0][1].transformers.append(("more", "passthrough", ["far", "sum"]))
        model.fit(self.frame, self.binary)
        self.export(model)
        seaworthy_export.save(model, self.folder / "model.plan.json", self.frame)
        scoring.write_table(as_arrow(self.frame), self.folder / "sample.parquet")
        self.assert_done(run("package", self.folder / "model.plan.json", "--rows", self.folder / "sample.parquet", "--out",
                             self.folder / "theirs", "--python", "/no/such/python"))
        ours, theirs = Folder(self.made), Folder(self.folder / "theirs")
        self.assertEqual(ours.part("model"), theirs.part("model"))
        self.assertEqual(ours.part("golden"), theirs.part("golden"))
        for part in ("profile", "contract"):
            self.assertEqual(json.loads(ours.part(part)), json.loads(theirs.part(part)), part)
        self.assertIn("lies", json.loads(ours.part("profile"))["columns"][-2]["findings"][0])
        for key in ("format_name", "format_version", "reader_min", "model_format", "inputs", "encoding", "golden_from"):
            self.assertEqual(ours.manifest[key], theirs.manifest[key])

    # ---- boosters ----

    def test_lightgbm_with_labels_of_categories(self):
        own = {name: pandas.CategoricalDtype(sorted(set(self.frame[name]))) for name in ("color", "size")}
        frame, fresh = self.frame.astype(own), self.fresh.astype(own)
        for name, parameters, target in (("binary", {"objective": "binary"}, self.binary),
                                         ("classes", {"objective": "multiclass", "num_class": 3}, self.classes)):
            with self.subTest(name):
                self.made = self.folder / name
                booster = lightgbm.train({**parameters, "verbose": -1, "num_threads": 1}, lightgbm.Dataset(frame, target), 10)
                self.assert_verified(self.export(booster, frame), "lightgbm")
                self.assert_same_rows(as_arrow(self.fresh), booster.predict(fresh, raw_score=True), booster.predict(fresh))
        with self.assertRaisesRegex(seaworthy_export.UnfitRows, "columns of dtype category"):
            seaworthy_export.save_package(booster, self.folder / "other", self.frame)

    def test_lightgbm_of_an_array(self):
        rows = self.frame[["wind", "hour"]].to_numpy()
        model = lightgbm.LGBMClassifier(n_estimators=10, n_jobs=1, verbose=-1).fit(rows, self.binary)
        self.assert_verified(self.export(model, rows), "lightgbm")
        fresh = self.fresh[["wind", "hour"]].to_numpy()
        table = pyarrow.table({f"Column_{i}": fresh[:, i] for i in range(2)})
        self.assert_same_rows(table, model.predict(fresh, raw_score=True), model.predict_proba(fresh)[:, 1])
        golden = Folder(self.made).part("golden")
        dumped = model.booster_.dump_model()["tree_info"][0]["tree_structure"]
        self.assertIn(numpy.float64(dumped["threshold"]).tobytes(), golden)
        self.assertIn(numpy.nextafter(dumped["threshold"], numpy.inf).tobytes(), golden)

    def test_xgboost(self):
        # XGBoost damages labels outside of ASCII (docs/models.md).
        labelled = self.frame.drop(columns=["flag"]).replace({"color": {"gr\u00fcn": "green"}}).astype({"color": "category"})
        cases = (("gbtree", {"objective": "binary:logistic"}, labelled, self.binary),
                 ("dart", {"objective": "multi:softprob", "num_class": 3, "booster": "dart"}, self.frame[["wind", "hour"]], self.classes),
                 ("gblinear", {"objective": "reg:squarederror", "booster": "gblinear"}, self.frame[["hour", "size"]], self.classes))
        for name, parameters, frame, target in cases:
            with self.subTest(name):
                self.made = self.folder / name
                matrix = xgboost.DMatrix(frame, target, enable_categorical=True)
                booster = xgboost.train({**parameters, "nthread": 1, "verbosity": 0}, matrix, 8)
                self.assert_verified(self.export(booster, frame), "xgboost")
                self.assert_same_rows(as_arrow(frame), booster.predict(matrix, output_margin=True), booster.predict(matrix))

    def test_xgboost_that_stopped_early(self):
        rows = self.frame[["wind", "hour"]]
        model = xgboost.XGBClassifier(n_estimators=100, early_stopping_rounds=2, learning_rate=0.9, n_jobs=1)
        model.fit(rows[:300], self.binary[:300], eval_set=[(rows[300:], self.binary[300:])], verbose=False)
        self.assertLess(model.best_iteration + 1, model.get_booster().num_boosted_rounds())
        self.assert_verified(self.export(model, rows), "xgboost")
        self.assert_same_rows(as_arrow(rows), model.predict(rows, output_margin=True), model.predict_proba(rows)[:, 1])

    def test_catboost(self):
        frame = self.frame.drop(columns=["flag"])
        for loss, target in (("Logloss", self.binary), ("MultiClass", self.classes), ("RMSE", self.classes)):
            with self.subTest(loss):
                self.made = self.folder / loss
                model = catboost.CatBoost({"loss_function": loss, "iterations": 8, "verbose": 0, "thread_count": 1, "random_seed": 1,
                                           "allow_writing_files": False}).fit(catboost.Pool(frame, target, cat_features=["color", "size"]))
                self.assert_verified(self.export(model), "catboost")  # its columns are found by name
                fresh = self.fresh.drop(columns=["flag"])
                raw = model.predict(fresh, prediction_type="RawFormulaVal", thread_count=1)
                predictions = raw if loss == "RMSE" else model.predict(fresh, prediction_type="Probability", thread_count=1)
                self.assert_same_rows(as_arrow(fresh), raw, predictions[:, 1] if loss == "Logloss" else predictions)

    # ---- a package is what it was ----

    def refusal(self):
        table = as_arrow(self.fresh[:5])
        scoring.write_table(table, self.folder / "rows.parquet")
        done = run("predict", "--model", self.made, "--in", self.folder / "rows.parquet", "--out", self.folder / "s.parquet")
        self.assertNotEqual(done.code, 0)
        return done.err

    def test_a_tampered_package_is_refused(self):
        booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1},
                                 lightgbm.Dataset(self.frame[["wind", "hour"]], self.binary), 10)
        self.export(booster)
        whole = self.folder / "whole"
        shutil.copytree(self.made, whole)
        for part in ("model", "golden", "contract", "profile"):
            with self.subTest(part):
                path = self.made / Folder(self.made).manifest["parts"][part]
                path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
                self.assertIn(f"the bytes of part {part} are not", self.refusal())
                shutil.copy(whole / path.name, path)
        text = Folder(self.made).part("model").decode()
        leaf = next(line for line in text.splitlines() if line.startswith("leaf_value="))
        values = leaf.removeprefix("leaf_value=").split()
        moved = "leaf_value=" + " ".join([repr(float(values[0]) + 1e-12), *values[1:]])
        Folder(self.made).replace("model", text.replace(leaf, moved, 1).encode())  # all names fit their bytes
        self.assertRegex(self.refusal(), "golden row [0-9]+ expects")

    def test_a_tampered_stage_is_refused_by_name(self):
        model = pipeline_of(RandomForestRegressor(3, random_state=1)).fit(self.frame, self.classes)
        self.export(model)
        plan = json.loads(Folder(self.made).part("model"))
        scale = next(stage for stage in plan["stages"] if stage["op"] == "scale")
        scale["subtract"][0] = float(numpy.nextafter(scale["subtract"][0], 99))
        Folder(self.made).replace("model", json.dumps(plan).encode())
        self.assertIn("(scale, ", self.refusal())

    def test_a_folder_keeps_its_package(self):
        rows = self.frame[["wind", "hour"]].fillna(0)
        model = LogisticRegression().fit(rows, self.binary)
        self.assertEqual(self.export(model, rows), self.export(model, rows))  # again: the same bytes
        with self.assertRaisesRegex(FileExistsError, "holds another package"):
            self.export(LogisticRegression(C=0.1).fit(rows, self.binary), rows)
        self.assertEqual(len(list(self.made.iterdir())), 6)  # id, manifest and four parts: nothing is left over

    def test_rows_that_do_not_fit_are_told(self):
        numbers = self.frame[["wind", "hour"]]
        booster = lightgbm.train({"verbose": -1, "num_threads": 1}, lightgbm.Dataset(numbers, self.binary), 2)
        for rows, why in ((self.frame[["wind"]], "the model reads wind, hour; the sample has wind"), (numbers[:0], "there are none"),
                          (numbers.assign(hour=pandas.Timestamp("2013-01-01")), "hour holds neither")):
            with self.assertRaisesRegex(seaworthy_export.UnfitRows, why):
                self.export(booster, rows)
        model = RandomForestRegressor(2).fit(numbers.fillna(0).rename(columns={"hour": "_raw"}), self.binary)
        with self.assertRaisesRegex(seaworthy_export.UnfitRows, "may not be called _raw"):
            self.export(model, numbers.fillna(0).rename(columns={"hour": "_raw"}))
        self.assertFalse(self.made.exists())

    # ---- where it goes ----

    def test_nothing_is_needed_beside_the_library(self):
        code = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "pyarrow", "polars", "lightgbm", "xgboost", "catboost", "onnx", "onnxruntime"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Only())
import numpy, sklearn.linear_model, seaworthy_export
rows = numpy.random.RandomState(1).randn(300, 2)
model = sklearn.linear_model.LogisticRegression().fit(rows, rows[:, 0] > 0)
print(seaworthy_export.save_package(model, sys.argv[1], rows))
"""
        done = subprocess.run([sys.executable, "-c", code, str(self.made)], check=True, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(PYTHON)})
        self.assert_verified(done.stdout.strip(), "scikit-learn", "bounded")

    def test_the_command_writes_a_package_that_a_server_takes(self):
        booster = lightgbm.LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1).fit(self.frame[["wind", "hour"]], self.binary)
        (self.folder / "model.pkl").write_bytes(pickle.dumps(booster))
        self.frame.to_parquet(self.folder / "rows.parquet")
        command = [sys.executable, "-m", "seaworthy_export", "model.pkl", "--rows", "rows.parquet", "--package", "package"]
        done = subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True,
                              env={**os.environ, "PYTHONPATH": str(PYTHON)})
        with Server(self.data) as server:
            version = json.loads(self.assert_done(server.cli("register", "late", self.made, "--json")).out)
            self.assertEqual((version["package_id"], version["verified"]), (done.stdout.strip(), True))


if __name__ == "__main__":
    unittest.main()
