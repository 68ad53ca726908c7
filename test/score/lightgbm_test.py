"""LightGBM models: the bits of the original library, from its text format."""

import unittest

import lightgbm
import numpy
import pandas
import pyarrow

import boosting

NAMES = ["price", "distance", "zone", "f3"]
BASE = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 7, "min_data_in_leaf": 5,
        "max_cat_threshold": 16}


def training_rows(random, count=800):
    rows = random.normal(size=(count, len(NAMES)))
    rows[:, 2] = random.integers(0, 40, size=count)
    rows[:, 3] = numpy.where(random.random(count) < 0.4, 0.0, rows[:, 3])
    rows[random.random(rows.shape) < 0.08] = numpy.nan
    return rows


def labels(random, rows, kind):
    filled = numpy.nan_to_num(rows)
    signal = filled[:, 0] + numpy.sin(filled[:, 2]) + (rows[:, 3] == 0) - numpy.isnan(rows[:, 1])
    if kind == "binary":
        return (signal + random.normal(size=len(rows)) > 0.3).astype(float)
    if kind == "positive":
        return numpy.exp(signal / 2)
    if kind == "probability":
        return 1 / (1 + numpy.exp(-signal))
    if kind == "classes":
        return numpy.clip(numpy.floor(signal + 0.5), 0, 2)
    if kind == "grades":
        return numpy.clip(numpy.floor(signal + 1), 0, 4)
    return signal


def thresholds(booster):
    found = [[0.5] for _ in NAMES]
    frame = booster.trees_to_dataframe()
    for feature, threshold in zip(frame["split_feature"], frame["threshold"]):
        if isinstance(feature, str) and isinstance(threshold, float):
            found[NAMES.index(feature)].append(threshold)
    return found


MODELS = [
    # name, parameters, labels
    ("regression", {"objective": "regression"}, "real"),
    ("square root", {"objective": "regression", "reg_sqrt": True}, "real"),
    ("l1", {"objective": "regression_l1"}, "real"),
    ("huber", {"objective": "huber"}, "real"),
    ("fair", {"objective": "fair"}, "real"),
    ("quantile", {"objective": "quantile", "alpha": 0.7}, "real"),
    ("mape", {"objective": "mape"}, "positive"),
    ("poisson", {"objective": "poisson"}, "positive"),
    ("gamma", {"objective": "gamma"}, "positive"),
    ("tweedie", {"objective": "tweedie"}, "positive"),
    ("binary", {"objective": "binary"}, "binary"),
    ("binary with a slope", {"objective": "binary", "sigmoid": 1.37}, "binary"),
    ("cross entropy", {"objective": "cross_entropy"}, "probability"),
    ("cross entropy lambda", {"objective": "cross_entropy_lambda"}, "probability"),
    ("classes", {"objective": "multiclass", "num_class": 3}, "classes"),
    ("one versus all", {"objective": "multiclassova", "num_class": 3, "sigmoid": 0.7}, "classes"),
    ("lambdarank", {"objective": "lambdarank"}, "grades"),  # treelite#222
    ("xendcg", {"objective": "rank_xendcg"}, "grades"),
    ("dart", {"objective": "binary", "boosting": "dart", "drop_rate": 0.5}, "binary"),
    ("dart of classes", {"objective": "multiclass", "num_class": 3, "boosting": "dart", "drop_rate": 0.5}, "classes"),
    ("forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6}, "binary"),
    # treelite#133 refused it
    ("forest of classes", {"objective": "multiclass", "num_class": 3, "boosting": "rf", "bagging_freq": 1,
                           "bagging_fraction": 0.6}, "classes"),
    ("goss", {"objective": "binary", "data_sample_strategy": "goss"}, "binary"),
    ("linear trees", {"objective": "regression", "linear_tree": True, "linear_lambda": 0.01}, "real"),
    ("linear trees of classes", {"objective": "multiclass", "num_class": 3, "linear_tree": True}, "classes"),
    ("zero is missing", {"objective": "binary", "zero_as_missing": True}, "binary"),  # treelite#376
    ("nothing is missing", {"objective": "regression", "use_missing": False}, "real"),
    ("wide leaves", {"objective": "regression", "num_leaves": 200, "min_data_in_leaf": 1}, "real"),
    ("one-hot categories", {"objective": "binary", "max_cat_to_onehot": 100}, "binary"),
    ("no splits", {"objective": "regression", "min_gain_to_split": 1e9}, "real"),
]


class LightgbmTest(boosting.BoostingTest):
    def train(self, parameters, kind, rounds=12, categories=(2,)):
        random = numpy.random.default_rng(5)
        rows = training_rows(random)
        group = [20] * (len(rows) // 20) if kind == "grades" else None
        data = lightgbm.Dataset(rows, labels(random, rows, kind), feature_name=NAMES, group=group,
                                categorical_feature=list(categories),
                                params={key: parameters[key] for key in ("zero_as_missing", "linear_tree") if key in parameters})
        return lightgbm.train(BASE | parameters, data, rounds), random

    def compare_booster(self, name, booster, rows):
        path = self.folder / "model.txt"
        booster.save_model(path)
        loaded = lightgbm.Booster(model_file=path)  # some numbers are rounded when they are read
        self.compare(name, path, boosting.table_of(rows, NAMES), loaded.predict(rows, raw_score=True), loaded.predict(rows))

    def test_every_objective_and_booster(self):
        for name, parameters, kind in MODELS:
            with self.subTest(name):
                booster, random = self.train(parameters, kind)
                self.compare_booster(name, booster, boosting.hard_rows(random, thresholds(booster), codes=[2]))

    def test_contributions(self):
        for name in ("binary", "classes", "zero is missing", "forest", "one-hot categories"):
            with self.subTest(name):
                parameters, kind = next((p, k) for n, p, k in MODELS if n == name)
                booster, random = self.train(parameters, kind)
                booster.save_model(self.folder / "model.txt")
                rows = boosting.hard_rows(random, thresholds(booster), infinite=False, codes=[2])[:60]
                theirs = booster.predict(rows, pred_contrib=True)
                self.compare_contributions(self.folder / "model.txt", boosting.table_of(rows, NAMES), theirs)

    def test_thresholds_are_doubles(self):  # treelite#98, #115 and #155
        booster, random = self.train({"objective": "regression"}, "real", categories=())
        self.compare_booster("doubles", booster, boosting.hard_rows(random, thresholds(booster)))

    def test_a_missing_category_is_not_category_zero(self):  # treelite#77 and #277
        rows = numpy.array(30 * [[1.0]] + 30 * [[2]] + 30 * [[0]])
        data = lightgbm.Dataset(rows, numpy.array(60 * [5] + 30 * [10]), feature_name=["x"], categorical_feature=[0])
        booster = lightgbm.train({"verbose": -1}, data, 1)
        booster.save_model(self.folder / "model.txt")
        probe = numpy.array([[numpy.nan], [0.0], [-1], [3], [1e300]])
        self.compare("category zero", self.folder / "model.txt", boosting.table_of(probe, ["x"]),
                     booster.predict(probe, raw_score=True), booster.predict(probe))

    def test_a_value_missing_where_training_had_none_is_zero(self):  # onnxmltools#488
        rows = numpy.array([[1.0, 0.0], [1.0, -1.0], [1.0, -1.0], [2.0, -1.0], [2.0, -1.0]])
        parameters = {"objective": "regression", "min_data_in_bin": 1, "min_data_in_leaf": 1, "learning_rate": 1, "verbose": -1}
        booster = lightgbm.train(parameters, lightgbm.Dataset(rows, [0, 0, 1, 1, 1], feature_name=["x", "y"]), 1)
        splits = booster.trees_to_dataframe().dropna(subset=["threshold"])
        # Zero lies to the right of the split, beside which the file says that missing values go left.
        self.assertIn(("y", "None", "left", True), {(row.split_feature, row.missing_type, row.missing_direction, row.threshold < 0)
                                                    for row in splits.itertuples()})
        booster.save_model(self.folder / "model.txt")
        probe = numpy.array([[1.0, numpy.nan], [2.0, numpy.nan], [numpy.nan, -1.0], [numpy.nan, numpy.nan]])
        self.compare("zero", self.folder / "model.txt", boosting.table_of(probe, ["x", "y"]),
                     booster.predict(probe, raw_score=True), booster.predict(probe))

    def test_values_that_only_doubles_tell_apart(self):  # onnxmltools#708
        hour = numpy.arange(7 * 24 * 12) // 12
        day, hour = hour // 24, hour % 24
        used = numpy.select([(day <= 4) & (hour == at) for at in (8, 12, 14)], [1.0, 2.0, 3.0], 0.0)
        turns = [2 * numpy.pi * day / 7, 2 * numpy.pi * hour / 24]
        rows = numpy.column_stack([wave(turn) for turn in turns for wave in (numpy.sin, numpy.cos)])
        parameters = BASE | {"objective": "quantile", "alpha": 0.95}
        booster = lightgbm.train(parameters, lightgbm.Dataset(rows, used, feature_name=NAMES), 20)
        rounded = rows.astype(numpy.float32)
        self.assertTrue((booster.predict(rows) != booster.predict(rounded)).any())  # float(sin(pi)) is another number
        self.compare_booster("doubles", booster, rows)
        self.compare_booster("floats", booster, rounded.astype(numpy.float64))

    def test_labels_of_pandas_categories(self):  # treelite#342
        random = numpy.random.default_rng(3)
        count = 600
        frame = pandas.DataFrame({
            "x": random.normal(size=count), "color": pandas.Categorical(random.choice(["red", "blue", "gr\u00fcn", ""], count)),
            "size": pandas.Categorical(random.choice([10, 20, 35], count)),
            "flag": pandas.Categorical(random.choice([True, False], count)),
            "share": pandas.Categorical(random.choice([0.5, 1.25, -3.0], count))})
        label = (frame["color"] == "red") + frame["x"] + (frame["size"].astype(int) == 20) - (frame["flag"] == True)  # noqa: E712
        booster = lightgbm.train(BASE, lightgbm.Dataset(frame, label.astype(float)), 12)
        booster.save_model(self.folder / "model.txt")
        rows = frame[:200].copy()
        rows["color"] = pandas.Categorical(random.choice(["red", "blue", "gr\u00fcn", "", "mauve"], 200))  # other codes
        rows.loc[:20, "color"] = None
        rows["size"] = pandas.Categorical(random.choice([35, 7, 10, 20], 200))
        plain = pyarrow.table({"x": rows["x"], "color": rows["color"].astype(object), "size": rows["size"].astype(int),
                               "flag": rows["flag"].astype(bool), "share": rows["share"].astype(float)})
        self.compare("labels", self.folder / "model.txt", plain, booster.predict(rows, raw_score=True), booster.predict(rows))

    def test_the_file_ends_with_the_best_iteration_unless_it_was_told_otherwise(self):
        booster, random = self.train({"objective": "binary"}, "binary")
        rows = boosting.hard_rows(random, thresholds(booster), codes=[2])
        table, path = boosting.table_of(rows, NAMES), self.folder / "model.txt"
        booster.best_iteration = 5
        booster.save_model(path)
        self.compare("best", path, table, booster.predict(rows, raw_score=True), booster.predict(rows))
        booster.save_model(path, num_iteration=-1)
        self.compare("all", path, table, booster.predict(rows, raw_score=True, num_iteration=-1),
                     booster.predict(rows, num_iteration=-1))

    def test_windows_line_ends(self):
        booster, random = self.train({"objective": "binary"}, "binary")
        path = self.folder / "model.txt"
        path.write_bytes(booster.model_to_string().replace("\n", "\r\n").encode())
        rows = boosting.hard_rows(random, thresholds(booster), codes=[2])
        self.compare("windows", path, boosting.table_of(rows, NAMES), booster.predict(rows, raw_score=True), booster.predict(rows))


if __name__ == "__main__":
    unittest.main()
