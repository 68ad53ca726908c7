"""`seaworthy predict --contributions` beside the libraries' own SHAP values, more closely than the tests of each format.

Tolerances are parts of `size`: the sum over trees of a tree's greatest leaf, which bounds every
contribution and every partial sum of them.

LightGBM and CatBoost compute in double. Ours are within about (depth + trees) * 2^-53 of the true
values; LightGBM's UNWIND subtracts, and loses more on deep trees: 1e-13 is a thousand roundings, and
1e-11 is for trees of 400 leaves.

XGBoost 3.2 computes and adds in float: each tree's values are rounded a few times a level and then
added to a sum of floats. 2^-22 a tree allows four roundings of 2^-24 of the size for each.
"""

import unittest

import catboost
import lightgbm
import numpy
import pyarrow
import xgboost

import scoring

COUNT, NAMES = 2500, ["wind", "hour", "code", "delay", "visits", "age"]
DOUBLE, DEEP_DOUBLE, FLOAT_A_TREE = 1e-13, 1e-11, 2.0**-22


def data(seed=5):
    random = numpy.random.default_rng(seed)
    rows = random.normal(size=(COUNT, 6)).astype(numpy.float32).astype(float)
    rows[:, 2] = random.integers(0, 30, COUNT)
    rows[:, 4] = random.poisson(2, COUNT)
    filled = numpy.array(rows)
    rows[random.random((COUNT, 6)) < 0.06] = numpy.nan
    signal = filled[:, 0] * filled[:, 1] + numpy.sin(filled[:, 2]) + numpy.isnan(rows[:, 4]) + numpy.abs(filled[:, 3])
    return rows, signal + random.normal(size=COUNT) / 4


ROWS, SIGNAL = data()
PROBE = numpy.concatenate([ROWS[:300], data(6)[0][:100]])
LABELS = {"real": SIGNAL, "binary": SIGNAL > 1, "classes": numpy.digitize(SIGNAL, [0.4, 1.4])}


def table_of(rows):
    return pyarrow.table({name: pyarrow.array(rows[:, i], from_pandas=True) for i, name in enumerate(NAMES)})


class ContributionsTest(scoring.ScoreTest):
    def compare(self, path, theirs, tolerance, raw_tolerance):
        """Beside `theirs` (rows x outputs x columns and bias), and their sums beside our own raw scores."""
        found = self.predict(path, table_of(PROBE), "--raw", "--contributions")
        ours = numpy.column_stack([v for name, v in found.items() if name.startswith("contribution_")]).reshape(theirs.shape)
        self.assertGreater(numpy.abs(theirs[..., :-1]).max(), 0.1)  # they say something
        self.assertLess(numpy.abs(ours - theirs).max(), tolerance)
        raw = numpy.column_stack([v for name, v in found.items() if name.startswith("prediction")]).reshape(theirs.shape[:-1])
        self.assertLess(numpy.abs(ours.sum(axis=-1) - raw).max(), raw_tolerance)

    def test_lightgbm(self):
        for name, parameters, kind, part in (
                ("regression", {}, "real", DOUBLE), ("binary", {"objective": "binary"}, "binary", DOUBLE),
                ("classes", {"objective": "multiclass", "num_class": 3}, "classes", DOUBLE),
                ("dart", {"boosting": "dart"}, "real", DOUBLE),
                ("forest", {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}, "real", DOUBLE),
                ("zero is missing", {"zero_as_missing": True}, "real", DOUBLE),
                ("deep", {"num_leaves": 400, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0}, "real", DEEP_DOUBLE)):
            with self.subTest(name):
                base = {"num_leaves": 31, "verbose": -1, "num_threads": 1, "seed": 3, "deterministic": True}
                train = lightgbm.Dataset(ROWS, LABELS[kind].astype(float), feature_name=NAMES, categorical_feature=[2],
                                         params={"zero_as_missing": "zero_as_missing" in parameters})
                booster = lightgbm.train(base | parameters, train, 15)
                path = self.folder / "model.txt"
                booster.save_model(path)
                theirs = booster.predict(PROBE, pred_contrib=True).reshape(len(PROBE), -1, len(NAMES) + 1)
                leaves = booster.trees_to_dataframe()
                leaves = leaves[leaves["split_feature"].isna()]
                size = leaves["value"].abs().groupby(leaves["tree_index"]).max().sum()
                self.compare(path, theirs, part * size, part * size)

    def test_xgboost(self):
        for name, parameters, kind in (
                ("regression", {}, "real"), ("binary", {"objective": "binary:logistic"}, "binary"),
                ("classes", {"objective": "multi:softprob", "num_class": 3}, "classes"),
                ("dart", {"booster": "dart", "rate_drop": 0.3}, "real"), ("deep", {"max_depth": 14}, "real"),
                ("leaf-wise", {"grow_policy": "lossguide", "max_leaves": 64, "max_depth": 0}, "real"),
                ("light leaves", {"objective": "binary:logistic", "min_child_weight": 0, "max_depth": 10}, "binary"),
                ("parallel trees", {"num_parallel_tree": 3, "subsample": 0.5, "colsample_bynode": 0.7}, "real")):
            with self.subTest(name):
                types = ["c" if column == "code" else "q" for column in NAMES]
                train, probe = (xgboost.DMatrix(rows, label=label, feature_names=NAMES, feature_types=types, enable_categorical=True)
                                for rows, label in ((ROWS, LABELS[kind]), (PROBE, None)))
                booster = xgboost.train({"nthread": 1, "seed": 3} | parameters, train, 15)
                path = self.folder / "model.json"
                booster.save_model(path)
                theirs = booster.predict(probe, pred_contribs=True, strict_shape=True).astype(float)
                frame = booster.trees_to_dataframe()
                leaves = frame[frame["Feature"] == "Leaf"]
                trees = leaves["Tree"].nunique()
                size = leaves["Gain"].abs().groupby(leaves["Tree"]).max().sum() + 1
                self.compare(path, theirs, FLOAT_A_TREE * trees * size, FLOAT_A_TREE * trees * size)

    def test_catboost(self):
        for name, parameters, kind in (
                ("regression", {"loss_function": "RMSE"}, "real"), ("binary", {"loss_function": "Logloss"}, "binary"),
                ("classes", {"loss_function": "MultiClass"}, "classes"),
                ("deep", {"loss_function": "RMSE", "depth": 10}, "real"),
                ("missing above all", {"loss_function": "RMSE", "nan_mode": "Max"}, "real"),
                ("biased", {"loss_function": "RMSE"}, "real")):
            with self.subTest(name):
                pool = catboost.Pool(ROWS, LABELS[kind].astype(float), feature_names=NAMES)
                model = catboost.CatBoost({"iterations": 15, "thread_count": 1, "random_seed": 3, "verbose": False,
                                           "allow_writing_files": False} | parameters).fit(pool)
                if name == "biased":
                    model.set_scale_and_bias(1, -2.5)
                path = self.folder / "model.json"
                model.save_model(str(path), format="json", pool=pool)
                theirs = numpy.asarray(model.get_feature_importance(catboost.Pool(PROBE, feature_names=NAMES), type="ShapValues"))
                theirs = theirs.reshape(len(PROBE), -1, len(NAMES) + 1)
                size = sum(numpy.abs(leaves).max() for leaves in numpy.split(
                    model.get_leaf_values(), numpy.cumsum(model.get_tree_leaf_counts() * theirs.shape[1])[:-1])) + 3
                self.compare(path, theirs, DOUBLE * size, DOUBLE * size)

    def test_what_has_no_contributions_says_so(self):
        train = {"linear_tree": False}
        for linear in (False, True):
            train["linear_tree"] = linear
            booster = lightgbm.train({"verbose": -1, "num_threads": 1} | train, lightgbm.Dataset(ROWS, SIGNAL, params=train), 3)
            path = self.folder / "model.txt"
            text = booster.model_to_string()
            path.write_text("\n".join(line for line in text.split("\n") if not line.startswith(("leaf_count", "internal_count"))))
            scoring.write_table(pyarrow.table({f"Column_{i}": PROBE[:, i] for i in range(6)}), self.folder / "rows.parquet")
            done = scoring.run("predict", "--model", path, "--in", self.folder / "rows.parquet", "--out", self.folder / "out.csv",
                               "--contributions")
            self.assertNotEqual(done.code, 0)
            self.assertIn("linear leaves" if linear else "save it again", done.err)
            self.assertFalse((self.folder / "out.csv").exists())


if __name__ == "__main__":
    unittest.main()
