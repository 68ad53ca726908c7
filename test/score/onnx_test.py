"""ONNX models of PyTorch, TensorFlow and scikit-learn: ONNX Runtime's own bits, and the framework's
scores within a tolerance."""

import json
import pathlib
import shutil
import subprocess
import unittest

import catboost
import numpy
import onnx
import onnxruntime
import pyarrow
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import scoring

HERE = pathlib.Path(__file__).resolve().parent
DEPS = HERE.parent.parent / ".deps"
COLUMNS = 6
ROWS = 1000
# Of float32 models: frameworks order sums in another way than ONNX Runtime does.
RELATIVE = 2e-5


def by_onnxruntime(path, feeds, output=0):
    """What ONNX Runtime itself answers with one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # skl2onnx declares wrong sizes for several targets
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)[output]


class OnnxTest(scoring.ScoreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        random = numpy.random.default_rng(7)
        cls.rows = random.normal(size=(ROWS, COLUMNS)).astype(numpy.float32)
        cls.codes = random.integers(0, 5, size=ROWS)
        cls.models = pathlib.Path.cwd() / "models"
        cls.models.mkdir(exist_ok=True)
        numpy.save(cls.models / "rows.npy", cls.rows)
        numpy.save(cls.models / "codes.npy", cls.codes)

    def table(self, prefix="x_", rows=None):
        rows = self.rows if rows is None else rows
        return {f"{prefix}{i}": rows[:, i].astype(numpy.float64) for i in range(rows.shape[1])}

    def scores(self, model, table, count):
        scores = self.predict(model, table)
        names = ["prediction"] if count == 1 else [f"prediction_{k}" for k in range(count)]
        self.assertEqual(list(scores), names)
        return numpy.column_stack([scores[name] for name in names])

    def check(self, model, table, feeds, framework=None, output=0, columns=slice(None)):
        """One batch, and some rows alone: each as ONNX Runtime has them."""
        expected = by_onnxruntime(model, feeds, output)
        expected = expected.reshape(len(expected), -1)[:, columns]
        ours = self.scores(model, table, expected.shape[1])
        self.assert_same_bits(ours.ravel(), expected.ravel(), model.name)
        if framework is not None:
            theirs = framework.reshape(ours.shape)
            far = numpy.abs(ours - theirs) / numpy.maximum(1, numpy.abs(theirs))
            self.assertLess(far.max(), RELATIVE, model.name)
        for row in (0, ROWS - 1):
            one = {name: values[row:row + 1] for name, values in table.items()}
            expected = by_onnxruntime(model, {name: value[row:row + 1] for name, value in feeds.items()}, output)
            self.assert_same_bits(self.scores(model, one, ours.shape[1]).ravel(),
                                  expected.reshape(1, -1)[:, columns].ravel(), f"{model.name}, row {row} alone")
        return ours

    # ---- PyTorch ----

    def test_pytorch(self):
        subprocess.run(["/usr/bin/python3", HERE / "torch_models.py", self.models], check=True, capture_output=True)
        model = {name: self.models / f"{name}.onnx" for name in ("regression", "classes", "embedding", "one_row")}
        torch = {name: numpy.load(self.models / f"{name}.npy") for name in model}
        with self.subTest("regression"):
            scores = self.check(model["regression"], self.table(), {"x": self.rows}, torch["regression"])
            self.assertGreater(scores.std(), 0.5)
        with self.subTest("classes"):
            self.check(model["classes"], self.table(), {"x": self.rows}, torch["classes"])
        with self.subTest("embedding"):
            self.check(model["embedding"], {"code": self.codes, **self.table()},
                       {"x": self.rows, "code": self.codes.reshape(-1, 1)}, torch["embedding"])
            self.assert_fails(model["embedding"], {**self.table(), "code": self.codes + 0.5}, "the ONNX model reads int64")
            self.assert_fails(model["embedding"], {**self.table(), "code": self.codes + 5}, "ONNX Runtime refused (scoring)")
        with self.subTest("one row"):
            rows = self.rows[:20]
            expected = [by_onnxruntime(model["one_row"], {"x": rows[i:i + 1]})[0, 0] for i in range(20)]
            self.assert_same_bits(self.predict(model["one_row"], self.table(rows=rows))["prediction"], expected)
        with self.subTest("weights in another file"):
            self.check_weights_elsewhere(model["regression"])

    def check_weights_elsewhere(self, path):
        folder = self.folder / "split"
        folder.mkdir()
        onnx.save(onnx.load(path), folder / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
        self.check(folder / "model.onnx", self.table(), {"x": self.rows})
        shutil.move(folder / "weights.bin", self.folder / "weights.bin")
        (folder / "weights.bin").symlink_to(self.folder / "weights.bin")
        self.assert_fails(folder / "model.onnx", self.table(), "not followed")

    def assert_fails(self, model, table, message, env=None):
        scoring.write_table(pyarrow.table(table), self.folder / "bad.parquet")
        done = scoring.run("predict", "--model", model, "--in", self.folder / "bad.parquet",
                           "--out", self.folder / "bad.out.parquet", env=env)
        self.assertNotEqual(done.code, 0)
        self.assertIn(message, done.err)

    # ---- TensorFlow ----

    def test_tensorflow(self):
        python = DEPS / "venv-tf" / "bin" / "python"
        subprocess.run([python, HERE / "tensorflow_models.py", self.models], check=True, capture_output=True)
        path = self.models / "tensorflow.onnx"
        subprocess.run([python, "-m", "tf2onnx.convert", "--saved-model", self.models / "saved_model", "--opset", "17",
                        "--output", path], check=True, capture_output=True)
        scores = self.check(path, self.table(), {"x": self.rows}, numpy.load(self.models / "tensorflow.npy"))
        self.assertTrue(((scores > 0) & (scores < 1)).all())

    # ---- scikit-learn through skl2onnx ----

    def save(self, name, model, **options):
        path = self.models / f"{name}.onnx"
        path.write_bytes(skl2onnx.to_onnx(model, target_opset=17, **options).SerializeToString())
        return path

    def test_sklearn_classifiers(self):
        label = (self.rows[:, 0] * self.rows[:, 1] > 0).astype(int)
        for zip_map in (True, False):
            with self.subTest(zip_map=zip_map):
                two = GradientBoostingClassifier(n_estimators=20, random_state=7).fit(self.rows, label)
                path = self.save("two", two, X=self.rows[:1], options={"zipmap": zip_map})
                tensor = self.save("two_tensor", two, X=self.rows[:1], options={"zipmap": False})
                expected = by_onnxruntime(tensor, {"X": self.rows}, output=1)[:, 1]
                ours = self.scores(path, self.table("X_"), 1).ravel()
                self.assert_same_bits(ours, expected, "gradient boosting")
                self.assertLess(numpy.abs(ours - two.predict_proba(self.rows)[:, 1]).max(), 1e-5)
        three = RandomForestClassifier(n_estimators=15, max_depth=6, random_state=7).fit(self.rows, label + (self.codes > 3))
        path = self.save("three", three, X=self.rows[:1], options={"zipmap": False})
        self.check(path, self.table("X_"), {"X": self.rows}, three.predict_proba(self.rows), output=1)

    def test_sklearn_regressor_of_two_targets(self):
        targets = numpy.column_stack([self.rows[:, 0], self.rows[:, 1] ** 2])
        model = RandomForestRegressor(n_estimators=10, max_depth=5, random_state=7).fit(self.rows, targets)
        path = self.save("targets", model, X=self.rows[:1])
        self.check(path, self.table("X_"), {"X": self.rows}, model.predict(self.rows))

    def test_a_column_an_input(self):
        import pandas
        table = pandas.DataFrame({"heat": self.rows[:, 0], "city": numpy.array(["oslo", "bern", "rome", "kyiv", "lima"])[self.codes],
                                  "floor": self.codes * 3})
        encode = ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), ["city"]),
                                    ("numbers", StandardScaler(), ["heat", "floor"])])
        model = make_pipeline(encode, LogisticRegression()).fit(table, self.rows[:, 0] + self.codes > 2)
        kinds = [("heat", FloatTensorType([None, 1])), ("city", StringTensorType([None, 1])), ("floor", Int64TensorType([None, 1]))]
        path = self.save("columns", model, initial_types=kinds, options={"zipmap": False})
        feeds = {"heat": self.rows[:, :1], "city": table[["city"]].to_numpy(), "floor": table[["floor"]].to_numpy()}
        shuffled = {name: table[name].to_numpy() for name in ("floor", "city", "heat")}
        self.check(path, shuffled, feeds, model.predict_proba(table)[:, 1], output=1, columns=slice(1, 2))
        self.assert_fails(path, {**shuffled, "city": pyarrow.array([None] * ROWS, pyarrow.string())}, "the column city is missing in row 0")
        self.assert_fails(path, {"heat": shuffled["heat"], "city": shuffled["city"]}, "floor")

    # ---- CatBoost's own export ----

    def test_catboost(self):
        """Its classifiers always answer maps."""
        label = (self.rows[:, 0] * self.rows[:, 1] > 0).astype(int) + (self.codes > 3)
        for classes in (2, 3):
            model = catboost.CatBoostClassifier(iterations=10, depth=4, verbose=False, allow_writing_files=False, thread_count=1)
            model.fit(self.rows, numpy.minimum(label, classes - 1))
            path = self.models / f"catboost{classes}.onnx"
            model.save_model(str(path), format="onnx")
            maps = by_onnxruntime(path, {"features": self.rows}, output=1)
            expected = numpy.array([[row[k] for k in range(classes)] for row in maps])
            expected = expected[:, 1:] if classes == 2 else expected
            ours = self.scores(path, self.table("features_"), expected.shape[1])
            self.assert_same_bits(ours.ravel(), expected.ravel(), f"{classes} classes")
            theirs = model.predict_proba(self.rows)[:, 1:] if classes == 2 else model.predict_proba(self.rows)
            self.assertLess(numpy.abs(ours - theirs).max(), 1e-5)

    # ---- What holds for all ----

    def test_hard_values(self):
        """Rounding to float, infinities and NaN reach ONNX Runtime as numpy's astype makes them."""
        model = RandomForestRegressor(n_estimators=10, max_depth=6, random_state=7).fit(self.rows, self.rows[:, 0])
        path = self.save("forest", model, X=self.rows[:1])
        thresholds = numpy.concatenate([tree.tree_.threshold[tree.tree_.feature >= 0] for tree in model.estimators_])
        hard = [0.0, -0.0, 5e-324, 1e-45, 1e-38, 3.5e38, -3.5e38, numpy.inf, -numpy.inf, numpy.nan, 16777217.0]
        values = numpy.concatenate([thresholds, numpy.nextafter(thresholds, 9), numpy.nextafter(thresholds, -9), hard])
        random = numpy.random.default_rng(8)
        rows = random.choice(values, size=(2000, COLUMNS))
        with numpy.errstate(over="ignore"):
            expected = by_onnxruntime(path, {"X": rows.astype(numpy.float32)})
        self.assert_same_bits(self.scores(path, {f"X_{i}": rows[:, i] for i in range(COLUMNS)}, 1).ravel(), expected.ravel())

    def test_many_rows_are_those_of_parts(self):
        model = RandomForestRegressor(n_estimators=10, max_depth=6, random_state=7).fit(self.rows, self.rows[:, 0])
        path = self.save("forest", model, X=self.rows[:1])
        rows = numpy.random.default_rng(9).normal(size=(10_001, COLUMNS)).astype(numpy.float32)
        expected = numpy.concatenate([by_onnxruntime(path, {"X": rows[i:i + 4096]}) for i in range(0, len(rows), 4096)])
        self.assert_same_bits(self.scores(path, self.table("X_", rows), 1).ravel(), expected.ravel())

    def test_names_in_the_model(self):
        model = LogisticRegression().fit(self.rows[:, :2], self.rows[:, 0] > 0)
        path = self.save("named", model, X=self.rows[:1, :2], options={"zipmap": False})
        named = onnx.load(path)
        onnx.helper.set_model_props(named, {"feature_names": json.dumps(["heat", "flow"])})
        onnx.save(named, path)
        self.check(path, {"flow": self.rows[:, 1], "heat": self.rows[:, 0]}, {"X": self.rows[:, :2]},
                   model.predict_proba(self.rows[:, :2])[:, 1], output=1, columns=slice(1, 2))

    def test_without_onnxruntime(self):
        path = self.save("plain", LogisticRegression().fit(self.rows, self.rows[:, 0] > 0), X=self.rows[:1])
        self.assert_fails(path, self.table("X_"), "pip install onnxruntime",
                          env={"SEAWORTHY_ONNXRUNTIME": "/nowhere/libonnxruntime.so"})


if __name__ == "__main__":
    unittest.main()
