"""Model folders that MLflow itself writes: what they hold is scored as their library does."""

import logging
import os
import pathlib
import pickle
import sys
import unittest
import warnings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

import catboost  # noqa: E402
import lightgbm  # noqa: E402
import mlflow.catboost  # noqa: E402
import mlflow.lightgbm  # noqa: E402
import mlflow.onnx  # noqa: E402
import mlflow.sklearn  # noqa: E402
import mlflow.xgboost  # noqa: E402
import numpy  # noqa: E402
import onnx  # noqa: E402
import pandas  # noqa: E402
import skl2onnx  # noqa: E402
import xgboost  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.neural_network import MLPRegressor  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402

import scoring  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import seaworthy_export  # noqa: E402

COLUMNS = ["heat", "flow", "pressure"]


class MlflowTest(scoring.ScoreTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        warnings.filterwarnings("ignore")  # again: unittest has set its own
        random = numpy.random.default_rng(7)
        cls.rows = pandas.DataFrame(random.normal(size=(400, 3)), columns=COLUMNS)
        cls.label = (cls.rows["heat"] + random.normal(size=400) * 0.5 > 0).astype(int)

    def save(self, flavor, model, name="model", signed=True, **options):
        path = self.folder / name
        signature = mlflow.models.infer_signature(self.rows, numpy.zeros(len(self.rows)))
        signed_as = {"signature": signature, "input_example": self.rows.head(5)} if signed else {}
        flavor.save_model(model, str(path), pip_requirements=[], **signed_as, **options)
        return path

    def shuffled(self):
        return {name: self.rows[name].to_numpy() for name in reversed(COLUMNS)}

    def scores(self, path, *flags, table=None):
        return self.predict(path, table or self.shuffled(), *flags)["prediction"]

    def assert_refused(self, path, message):
        scoring.write_table(scoring.pyarrow.table(self.shuffled()), self.folder / "rows.parquet")
        done = scoring.run("predict", "--model", path, "--in", self.folder / "rows.parquet", "--out", self.folder / "out.parquet")
        self.assertNotEqual(done.code, 0)
        self.assertIn(message, done.err)

    def test_lightgbm(self):
        booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 7},
                                 lightgbm.Dataset(self.rows, self.label), 15)
        path = self.save(mlflow.lightgbm, booster)
        self.assert_same_bits(self.scores(path, "--raw"), booster.predict(self.rows, raw_score=True))
        self.assert_within_ulps(self.scores(path), booster.predict(self.rows), 2)

    def test_names_come_from_the_signature(self):
        """A model trained on a bare matrix has no names of its own."""
        booster = lightgbm.train({"objective": "regression", "verbose": -1, "num_threads": 1, "seed": 7},
                                 lightgbm.Dataset(self.rows.to_numpy(), self.label), 15)
        self.assertEqual(booster.feature_name()[0], "Column_0")
        path = self.save(mlflow.lightgbm, booster)
        self.assert_same_bits(self.scores(path), booster.predict(self.rows.to_numpy()))

    def test_lightgbm_sklearn_wrapper_is_refused(self):
        model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(self.rows, self.label)
        self.assert_refused(self.save(mlflow.lightgbm, model), "mlflow.lightgbm.log_model(model.booster_, ...)")
        path = self.save(mlflow.lightgbm, model, name="pickled", serialization_format="cloudpickle")
        self.assert_refused(path, "never opened")
        path = self.save(mlflow.lightgbm, model.booster_, name="booster")
        self.assert_within_ulps(self.scores(path), model.predict_proba(self.rows)[:, 1], 2)

    def test_xgboost(self):
        classifier = xgboost.XGBClassifier(n_estimators=10, n_jobs=1, random_state=7).fit(self.rows, self.label)
        margins = classifier.get_booster().predict(xgboost.DMatrix(self.rows), output_margin=True)
        for form in ("json", "ubj"):
            for model in (classifier, classifier.get_booster()):
                with self.subTest(form=form, model=type(model).__name__):
                    path = self.save(mlflow.xgboost, model, name=f"{form}-{type(model).__name__}", model_format=form)
                    self.assert_same_bits(self.scores(path, "--raw"), margins)

    def test_catboost(self):
        model = catboost.CatBoostClassifier(iterations=10, verbose=False, allow_writing_files=False, thread_count=1, random_seed=7)
        model.fit(self.rows, self.label)
        path = self.save(mlflow.catboost, model, name="json", format="json")
        self.assert_same_bits(self.scores(path, "--raw"), model.predict(self.rows, prediction_type="RawFormulaVal"))
        self.assert_refused(self.save(mlflow.catboost, model, name="binary"), 'format="json"')

    def test_onnx(self):
        linear = LogisticRegression().fit(self.rows, self.label)
        made = skl2onnx.to_onnx(linear, self.rows.to_numpy(numpy.float32)[:1], target_opset=17)
        path = self.save(mlflow.onnx, made)
        self.assertLess(numpy.abs(self.scores(path) - linear.predict_proba(self.rows)[:, 1]).max(), 1e-6)

    def test_onnx_weights_in_another_file(self):
        """MLflow's default for weights above 1 KiB."""
        deep = MLPRegressor(hidden_layer_sizes=(64, 64), max_iter=10, random_state=7).fit(self.rows, self.rows["heat"])
        made = skl2onnx.to_onnx(deep, self.rows.to_numpy(numpy.float32)[:1], target_opset=17)
        for tensor in made.graph.initializer:  # as PyTorch writes them: only raw bytes are put elsewhere
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor), tensor.name))
        path = self.save(mlflow.onnx, onnx.ModelProto.FromString(made.SerializeToString()))
        whole = self.save(mlflow.onnx, made, name="one", save_as_external_data=False)
        self.assertGreater(len(list(path.iterdir())), len(list(whole.iterdir())))
        scores = self.scores(path)
        self.assertLess(numpy.abs(scores - deep.predict(self.rows)).max(), 1e-5)
        self.assert_same_bits(self.scores(whole), scores)

    def test_sklearn_through_the_exporter(self):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(self.rows, self.label)
        path = self.save(mlflow.sklearn, model)
        self.assert_refused(path, "seaworthy_export.save(model,")
        seaworthy_export.save(model, str(path / "seaworthy_plan.json"), self.rows)
        self.assertLess(numpy.abs(self.scores(path) - model.predict_proba(self.rows)[:, 1]).max(), 1e-12)

    def test_without_signature(self):
        booster = lightgbm.train({"objective": "regression", "verbose": -1, "num_threads": 1, "seed": 7},
                                 lightgbm.Dataset(self.rows, self.label), 5)
        path = self.save(mlflow.lightgbm, booster, signed=False)
        self.assert_same_bits(self.scores(path), booster.predict(self.rows))

    def test_a_pickle_is_never_opened(self):
        class Bomb:
            def __reduce__(self):
                return (pathlib.Path.touch, (bomb,))
        bomb = self.folder / "went-off"
        path = self.save(mlflow.sklearn, LogisticRegression().fit(self.rows, self.label), serialization_format="pickle")
        (path / "model.pkl").write_bytes(pickle.dumps(Bomb()))
        self.assert_refused(path, "never opened")
        (path / "seaworthy_plan.json").write_bytes(pickle.dumps(Bomb()))
        self.assert_refused(path, "pickle")
        self.assertFalse(bomb.exists())

    def test_paths_that_leave_the_folder_are_refused(self):
        made = skl2onnx.to_onnx(LogisticRegression().fit(self.rows, self.label), self.rows.to_numpy(numpy.float32)[:1], target_opset=17)
        path = self.save(mlflow.onnx, made)
        onnx.save(made, self.folder / "outside.onnx")
        mlmodel = (path / "MLmodel").read_text()
        (path / "MLmodel").write_text(mlmodel.replace("data: model.onnx", "data: ../outside.onnx"))
        self.assert_refused(path, "leaves its folder")


if __name__ == "__main__":
    unittest.main()
