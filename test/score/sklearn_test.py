"""Fitted scikit-learn pipelines: exported, scored by `seaworthy predict`, compared with scikit-learn.

usage: sklearn_test.py trees ...    (runs TreesTest; every class is a test of its own for ctest)
"""

import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import unittest
import warnings

import numpy as np
import pandas as pd
import pyarrow
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

PYTHON = pathlib.Path(__file__).resolve().parents[2] / "python"
sys.path.insert(0, str(PYTHON))
import sklearn_cases  # noqa: E402
import seaworthy_export  # noqa: E402
from scoring import ScoreTest, run  # noqa: E402
from seaworthy_export.rows import Table, accepted  # noqa: E402

warnings.simplefilter("ignore")
RELATIVE = 1e-10  # of bounded models, whose golden rows are held to much closer bounds


def matrix(values):
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64).reshape(values.shape[0], -1)


def labels(estimator, rows):
    return np.searchsorted(estimator.classes_, estimator.predict(rows)).reshape(-1, 1)


def expected(estimator, rows):
    """What docs/models.md says raw scores and predictions are; None where raw has no name in scikit-learn."""
    decision = matrix(estimator.decision_function(rows)) if hasattr(estimator, "decision_function") else None
    if "Threshold" in type(estimator).__name__:
        return None, labels(estimator, rows)
    if hasattr(estimator, "predict_proba"):
        proba = matrix(estimator.predict_proba(rows))
        proba = proba[:, 1:] if proba.shape[1] == 2 else proba
        return (proba if decision is None else decision), proba
    if hasattr(estimator, "classes_"):
        return decision, labels(estimator, rows)
    if hasattr(estimator, "predict"):
        return decision, matrix(estimator.predict(rows))
    return None, matrix(estimator.transform(rows))


def fresh_rows(rows, fresh, accept, is_exact):
    """Rows that the model never saw, of the same table, with edges and without what it refuses. Huge numbers
    are for exact models: sums of products overflow in another order."""
    if isinstance(rows, list):
        return list(fresh.text.text)[:300] + ["", "\u03a3\u0391\u03a3 \u03a3 \u0391\u03a3", "nothing known", "plane " * 50]
    is_frame = hasattr(rows, "columns")
    table = fresh.numbers
    if is_frame:
        table = next(own for own in (fresh.mixed, fresh.text, fresh.missing) if set(rows.columns) <= set(own.columns))[list(rows.columns)]
        table = table.astype(rows.dtypes.to_dict())
    columns = [np.asarray(table[name], dtype=object) for name in table.columns]
    random = np.random.RandomState(1)
    for column in columns:
        if isinstance(column[1], str):
            column[::11] = "Lima"
        elif not isinstance(column[1], (bool, np.bool_)):
            edges = [0, -1, 50, 1000]
            if isinstance(column[1], float):
                edges = [0.0, -0.0, 5e-324, 1e-310, 0.5, 50.0, -50.0] + ([1e30, -1e30, 1e300, 3.4028235e38] if is_exact else [])
            for i, place in enumerate(random.choice(len(column), 30, replace=False)):
                column[place] = edges[i % len(edges)]
    frame = pd.DataFrame({name: pd.Series(list(column), dtype=table[name].dtype) for name, column in zip(table.columns, columns)})
    holder = Table(None, frame if is_frame else frame.to_numpy())
    return holder.data(accepted(holder, holder.columns, accept))


def as_arrow(rows):
    if isinstance(rows, list):
        return pyarrow.table({"text": rows})
    if not hasattr(rows, "columns"):
        return pyarrow.table({f"x{i}": rows[:, i] for i in range(rows.shape[1])})
    return pyarrow.table({name: pyarrow.array([None if value is None or value != value else value for value in rows[name].astype(object)])
                          for name in rows.columns})


class SklearnTest(ScoreTest):
    def plan(self, estimator, rows):
        path = self.folder / "model.plan.json"
        seaworthy_export.save(estimator, path, rows)
        return path

    def package(self, estimator, rows):
        """What the exporter writes as a package: every load replays its golden rows, from input to prediction."""
        folder = self.folder / "package"
        shutil.rmtree(folder, ignore_errors=True)
        manifest = json.loads((folder / seaworthy_export.save_package(estimator, folder, rows)).read_text())
        golden = (folder / manifest["parts"]["golden"]).read_bytes()
        self.assertIn(b"_expected", golden)
        self.assertIn(b"_raw", golden)
        return folder

    def scores(self, plan, rows, *flags):
        return np.column_stack(list(self.predict(plan, as_arrow(rows), *flags).values()))

    def compare(self, name, ours, theirs, ulps_max):
        self.assertEqual(ours.shape, theirs.shape, name)
        if ulps_max is not None:
            self.assert_within_ulps(ours.ravel(), theirs.ravel(), ulps_max, name)
            return
        close = np.isclose(ours, theirs, rtol=RELATIVE, atol=RELATIVE, equal_nan=True)
        self.assertTrue(close.all(), f"{name}: {ours[~close][:3]} and {theirs[~close][:3]}, at {np.argwhere(~close)[:3]}")

    def check_families(self, *families):
        sample, fresh = sklearn_cases.Tables(), sklearn_cases.Tables(seed=8)
        for name, estimator, rows, is_exact in sklearn_cases.fitted_cases(sample, families):
            with self.subTest(name):
                plan = self.package(estimator, rows)
                tried = fresh_rows(rows, fresh, lambda data: self.accepts(estimator, data), is_exact)
                self.assertGreater(len(tried), 250)
                raw, prediction = expected(estimator, tried)
                # Trees' raw scores have the library's bits; a link is ours, a softmax of several exponentials.
                ulps_max = 2 if prediction.shape[1] == 1 else 4
                self.compare(name, self.scores(plan, tried), prediction, ulps_max if is_exact else None)
                if raw is not None:
                    self.compare(name, self.scores(plan, tried, "--raw"), raw, 0 if is_exact else None)

    @staticmethod
    def accepts(estimator, data):
        try:
            expected(estimator, data)
            return True
        except ValueError:
            return False


class PreprocessingTest(SklearnTest):
    def test_pipelines(self):
        self.check_families(sklearn_cases.preprocessing_cases)


class TransformersTest(SklearnTest):
    def test_transformers(self):
        self.check_families(sklearn_cases.transformer_cases, sklearn_cases.text_cases)


class ModelsTest(SklearnTest):
    def test_linear_and_other_models(self):
        self.check_families(sklearn_cases.linear_cases, sklearn_cases.other_cases)


class TreesTest(SklearnTest):
    def test_trees_and_ensembles(self):
        self.check_families(sklearn_cases.tree_cases)

    def test_missing_values_go_where_a_forest_learned_to_send_them(self):  # sklearn-onnx#1253, treelite#690
        random = np.random.RandomState(0)
        x = random.randn(500, 2)
        gone = random.rand(500, 2) < 0.15
        label = (x[:, 0] > 0.5) | (x[:, 1] < -0.5) | gone.any(axis=1)  # missing is like high, and like low
        x[gone] = np.nan
        forest = RandomForestClassifier(10, max_depth=4, random_state=0).fit(x, label)
        ways = {int(way) for tree in forest.estimators_
                for way, feature in zip(tree.tree_.missing_go_to_left, tree.tree_.feature) if feature >= 0}
        self.assertEqual(ways, {0, 1})
        self.assert_same_bits(self.scores(self.plan(forest, x), x).ravel(), forest.predict_proba(x)[:, 1])


class WrappersTest(SklearnTest):
    def test_wrappers(self):
        self.check_families(sklearn_cases.wrapper_cases)


class ExportTest(SklearnTest):
    def setUp(self):
        super().setUp()
        self.tables = sklearn_cases.Tables()

    def test_scores_do_not_depend_on_the_batch(self):
        t = self.tables
        encoder = dict(sklearn_cases._encoders(t))["standard"]
        many = pd.concat([t.mixed] * 11, ignore_index=True)[:4096]
        for model in (LogisticRegression(), RandomForestRegressor(8, random_state=0)):
            plan = self.plan(make_pipeline(encoder, model).fit(t.mixed, t.binary), t.mixed)
            whole = self.scores(plan, many, "--raw")
            for size in (1, 7, 64, 1000):
                self.assert_same_bits(self.scores(plan, many[:size], "--raw").ravel(), whole[:size].ravel(), f"batch {size}")

    def test_a_tampered_plan_is_refused_where_it_differs(self):
        t = self.tables
        estimator = make_pipeline(SimpleImputer(), StandardScaler(), RandomForestRegressor(3, random_state=0))
        path = self.plan(estimator.fit(t.missing, t.value), t.missing)
        whole = json.loads(path.read_text())
        self.assertGreaterEqual(len(seaworthy_export.thresholds.unpack(whole["golden"][0]["numbers"])), 200)

        def harm(stage, key):
            plan = json.loads(json.dumps(whole))
            own = next(own for own in plan["stages"] if own["op"] == stage)
            own[key][0] = float(np.nextafter(own[key][0], np.inf))
            return plan
        for stage, key in (("impute", "numbers"), ("scale", "subtract"), ("scale", "divide")):
            path.write_text(json.dumps(harm(stage, key)))
            self.write("rows.csv", "a,b,c,n\n1,2,3,4\n")
            done = run("predict", "--model", path, "--in", self.folder / "rows.csv", "--out", self.folder / "s.csv")
            self.assertNotEqual(done.code, 0)
            self.assertIn(f"({stage}, ", done.err)
            self.assertIn("golden row", done.err)

    def test_what_a_plan_cannot_say_is_refused_by_name_and_place(self):
        t = self.tables

        class Own(FunctionTransformer):
            pass
        cases = (
            (make_pipeline(PCA(2), LogisticRegression()), t.numbers, t.binary, "pipeline/pca", "PCA"),
            (make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()), abs(t.numbers), t.binary, "pipeline/functiontransformer", "code of its own"),
            (make_pipeline(Own(), LogisticRegression()), t.numbers, t.binary, "pipeline/own", "Own"),
            (SVC(), t.numbers, t.binary, "model/SVC", "kernel='rbf'"),
            (LinearRegression(), t.numbers, np.column_stack([t.value, t.value]), "model/LinearRegression", "several targets"),
            (make_pipeline(OneHotEncoder(dtype=np.float32), StandardScaler(with_mean=False), LogisticRegression()), t.mixed[["code"]], t.binary, "pipeline/standardscaler", "single precision"),
        )
        for estimator, rows, target, place, reason in cases:
            with self.assertRaises(seaworthy_export.Refused) as raised:
                seaworthy_export.dump(estimator.fit(rows, target), rows)
            self.assertIn(place, str(raised.exception))
            self.assertIn(reason, str(raised.exception))
            self.assertIn("ONNX", str(raised.exception))

    def test_columns_that_the_pipeline_drops_are_no_inputs(self):
        t = self.tables
        rows = t.mixed.assign(when=pd.Timestamp("2013-01-01"), id=[f"flight {i}" for i in range(len(t.mixed))])
        kept = ColumnTransformer([("num", StandardScaler(), ["b", "a"]), ("cat", OneHotEncoder(), ["code"])])
        estimator = make_pipeline(kept, LogisticRegression()).fit(rows, t.binary)
        path = self.plan(estimator, rows)
        self.assertEqual([each["name"] for each in json.loads(path.read_text())["inputs"]], ["a", "b", "code"])
        self.compare("dropped", self.scores(path, t.mixed[["code", "a", "b"]]), matrix(estimator.predict_proba(rows))[:, 1:], None)
        reads_when = make_pipeline(ColumnTransformer([("all", "passthrough", ["a", "when"])]), StandardScaler())
        with self.assertRaisesRegex(seaworthy_export.Refused, "pipeline/standardscaler: a column that holds more than numbers"):
            seaworthy_export.dump(reads_when.fit(rows.assign(when=1.0)), rows.assign(when=[1.0, (2,)] * (len(rows) // 2)))

    def test_a_row_that_scikit_learn_refuses_is_refused(self):
        t = self.tables
        estimator = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(t.mixed[["code"]], t.binary)
        path = self.plan(estimator, t.mixed[["code"]])
        self.write("rows.csv", "code\n10\n20\n11\n")
        done = run("predict", "--model", path, "--in", self.folder / "rows.csv", "--out", self.folder / "s.csv")
        self.assertNotEqual(done.code, 0)
        self.assertIn("row 2: pipeline/onehotencoder: column 0 is 11, a category that the library does not know", done.err)

    def test_the_command_exports_a_pickle(self):
        t = self.tables
        estimator = HistGradientBoostingClassifier(max_iter=5).fit(t.missing, t.binary)
        (self.folder / "model.pkl").write_bytes(pickle.dumps(estimator))
        t.missing.to_parquet(self.folder / "rows.parquet")
        command = [sys.executable, "-m", "seaworthy_export", "model.pkl", "--rows", "rows.parquet", "--out", "m.plan.json"]
        subprocess.run(command, cwd=self.folder, check=True, env={**os.environ, "PYTHONPATH": str(PYTHON)})
        self.compare("command", self.scores(self.folder / "m.plan.json", t.missing, "--raw"),
                     matrix(estimator.decision_function(t.missing)), 0)


if __name__ == "__main__":
    sys.argv[1:] = [f"{part.capitalize()}Test" for part in sys.argv[1:]]
    unittest.main(warnings="ignore")
