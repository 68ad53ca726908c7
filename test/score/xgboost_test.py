"""XGBoost models: the bits of the original library, from both of its file formats."""

import json
import unittest
import warnings

import numpy
import pandas
import pyarrow
import xgboost

import boosting

warnings.filterwarnings("ignore")  # gblinear and dart are deprecated
NAMES = ["price", "distance", "zone", "f3"]
BASE = {"max_depth": 5, "eta": 0.3, "seed": 7, "nthread": 1, "verbosity": 0}


def labels(random, rows, kind):
    filled = numpy.nan_to_num(rows)
    signal = filled[:, 0] + numpy.sin(filled[:, 2]) - 0.5 * numpy.isnan(rows[:, 3])
    if kind == "binary":
        return (signal + random.normal(size=len(rows)) > 0).astype(float)
    if kind == "positive":
        return numpy.exp(signal / 2) + 0.01
    if kind == "probability":
        return 1 / (1 + numpy.exp(-signal))
    if kind == "classes":
        return numpy.clip(numpy.floor(signal + 1.5), 0, 2)
    if kind == "grades":
        return numpy.clip(numpy.floor(signal + 2), 0, 4)
    if kind == "targets":
        return numpy.column_stack([signal, filled[:, 1], -signal])
    return signal


def training_rows(random, count=600):
    rows = random.normal(size=(count, len(NAMES))).astype(numpy.float32)
    rows[:, 2] = random.integers(0, 40, size=count)
    rows[random.random(rows.shape) < 0.08] = numpy.nan
    return rows


def thresholds(booster):
    found = [[0.5] for _ in NAMES]
    model = json.loads(booster.save_raw("json").decode())["learner"]["gradient_booster"]
    for tree in model.get("gbtree", model)["model"].get("trees", []):
        for left, feature, condition in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1:
                found[feature].append(condition)
    return found


TREES = [
    # name, parameters, labels
    ("squarederror", {"objective": "reg:squarederror"}, "real"),
    ("squaredlogerror", {"objective": "reg:squaredlogerror"}, "positive"),
    ("pseudohuber", {"objective": "reg:pseudohubererror"}, "real"),
    ("absolute", {"objective": "reg:absoluteerror"}, "real"),
    ("quantile", {"objective": "reg:quantileerror", "quantile_alpha": [0.1, 0.5, 0.9]}, "real"),
    ("logistic regression", {"objective": "reg:logistic"}, "probability"),
    ("binary", {"objective": "binary:logistic"}, "binary"),
    ("binary with a base score", {"objective": "binary:logistic", "base_score": 0.1234}, "binary"),
    ("logitraw", {"objective": "binary:logitraw", "base_score": 0.25}, "binary"),
    ("hinge", {"objective": "binary:hinge"}, "binary"),
    ("poisson", {"objective": "count:poisson"}, "positive"),
    ("gamma", {"objective": "reg:gamma"}, "positive"),
    ("tweedie", {"objective": "reg:tweedie", "tweedie_variance_power": 1.3}, "positive"),
    ("cox", {"objective": "survival:cox"}, "positive"),
    ("softmax", {"objective": "multi:softmax", "num_class": 3}, "classes"),
    ("softprob", {"objective": "multi:softprob", "num_class": 3}, "classes"),  # treelite#7
    ("softprob, parallel trees", {"objective": "multi:softprob", "num_class": 3, "num_parallel_tree": 3,
                                  "subsample": 0.7}, "classes"),
    ("pairwise", {"objective": "rank:pairwise"}, "grades"),
    ("ndcg", {"objective": "rank:ndcg"}, "grades"),
    ("map", {"objective": "rank:map"}, "binary"),
    ("dart", {"booster": "dart", "rate_drop": 0.4, "one_drop": True, "objective": "binary:logistic"}, "binary"),
    ("dart of classes", {"booster": "dart", "rate_drop": 0.4, "one_drop": True, "objective": "multi:softprob",
                         "num_class": 3}, "classes"),
    ("random forest", {"num_parallel_tree": 12, "subsample": 0.6, "colsample_bynode": 0.6, "eta": 1}, "real"),
    ("deep", {"max_depth": 0, "grow_policy": "lossguide", "max_leaves": 120}, "real"),
    ("pruned", {"tree_method": "exact", "gamma": 1.5}, "real"),
    ("several targets", {}, "targets"),
    ("vector leaves", {"multi_strategy": "multi_output_tree"}, "targets"),
    ("categories", {"objective": "binary:logistic", "max_cat_to_onehot": 1}, "binary"),
    ("one-hot categories", {"max_cat_to_onehot": 100}, "real"),
]


class XgboostTest(boosting.BoostingTest):
    def compare_booster(self, name, booster, rows, categories=False):
        types = ["float", "float", "c", "float"] if categories else None
        matrix = xgboost.DMatrix(rows, feature_names=NAMES, feature_types=types, enable_categorical=categories)
        raw, predictions = booster.predict(matrix, output_margin=True), booster.predict(matrix)
        self.compare_files(name, booster, boosting.table_of(rows, NAMES), raw, predictions)

    def compare_files(self, name, booster, table, raw, predictions):
        for file in ("model.json", "model.ubj"):
            booster.save_model(self.folder / file)
            self.compare(f"{name}, {file}", self.folder / file, table, raw, predictions, numpy.float32)

    def train(self, parameters, kind, rounds=8, categories=False, seed=5):
        random = numpy.random.default_rng(seed)
        rows = training_rows(random)
        types = ["float", "float", "c", "float"] if categories else None
        data = xgboost.DMatrix(rows, labels(random, rows, kind), feature_names=NAMES, feature_types=types,
                               enable_categorical=categories)
        if parameters.get("objective", "").startswith("rank:"):
            data.set_group([20] * (len(rows) // 20))
        return xgboost.train(BASE | parameters, data, rounds), random

    def test_trees_of_every_objective_and_booster(self):
        for name, parameters, kind in TREES:
            with self.subTest(name):
                categories = "max_cat_to_onehot" in parameters
                booster, random = self.train(parameters, kind, categories=categories)
                rows = boosting.hard_rows(random, thresholds(booster), numpy.float32, infinite=False,
                                          codes=[2] if categories else ())
                self.compare_booster(name, booster, rows, categories)

    # m2cgen#188, leaves#55, treelite#433
    def test_doubles_are_rounded_to_float_before_they_meet_a_threshold(self):
        booster, random = self.train({}, "real")
        rows = boosting.hard_rows(random, thresholds(booster), numpy.float64, infinite=False)
        self.compare_booster("doubles", booster, rows[numpy.abs(numpy.nan_to_num(rows)).max(axis=1) < 3e38])

    def test_linear_boosters(self):  # m2cgen#205
        for parameters, kind in (({"objective": "count:poisson"}, "positive"), ({"objective": "binary:logistic"}, "binary"),
                                 ({"objective": "multi:softprob", "num_class": 3}, "classes")):
            with self.subTest(parameters["objective"]):
                booster, random = self.train(parameters | {"booster": "gblinear"}, kind)
                rows = boosting.hard_rows(random, [[0.5]] * len(NAMES), numpy.float32, infinite=False)
                self.compare_booster("linear", booster, rows)

    def test_contributions(self):
        for name in ("binary", "softprob", "dart", "categories"):
            with self.subTest(name):
                parameters, kind = next((p, k) for n, p, k in TREES if n == name)
                categories = "max_cat_to_onehot" in parameters
                booster, random = self.train(parameters, kind, categories=categories)
                booster.save_model(self.folder / "model.ubj")
                rows = boosting.hard_rows(random, thresholds(booster), numpy.float32, infinite=False)[:60]
                types = ["float", "float", "c", "float"] if categories else None
                matrix = xgboost.DMatrix(rows, feature_names=NAMES, feature_types=types, enable_categorical=categories)
                theirs = booster.predict(matrix, pred_contribs=True)
                self.compare_contributions(self.folder / "model.ubj", boosting.table_of(rows, NAMES), theirs, atol=1e-4)

    def test_the_intercept_of_a_poisson_model(self):  # treelite#585
        booster, random = self.train({"objective": "count:poisson", "base_score": 3000}, "positive")
        rows = boosting.hard_rows(random, thresholds(booster), numpy.float32, infinite=False)
        self.compare_booster("poisson", booster, rows)

    def test_intercepts_of_old_files_are_one_number(self):  # onnxmltools#737
        booster, random = self.train({"objective": "multi:softprob", "num_class": 3, "base_score": 0.25}, "classes")
        rows = boosting.hard_rows(random, thresholds(booster), numpy.float32, infinite=False)
        matrix = xgboost.DMatrix(rows, feature_names=NAMES)
        raw, predictions = booster.predict(matrix, output_margin=True), booster.predict(matrix)
        model = json.loads(booster.save_raw("json").decode())
        model["learner"]["learner_model_param"]["base_score"] = "2.5E-1"
        (self.folder / "old.json").write_text(json.dumps(model))
        self.compare("old", self.folder / "old.json", boosting.table_of(rows, NAMES), raw, predictions, numpy.float32)

    def test_early_stopping_uses_the_best_iteration_as_the_scikit_learn_wrapper_does(self):
        random = numpy.random.default_rng(2)
        rows = training_rows(random)
        label = labels(random, rows, "binary")
        model = xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=3, learning_rate=0.5, n_jobs=1, random_state=1)
        model.fit(rows[:400], label[:400], eval_set=[(rows[400:], label[400:])], verbose=False)
        booster = model.get_booster()
        self.assertLess(model.best_iteration + 1, booster.num_boosted_rounds())
        names = ["f0", "f1", "f2", "f3"]  # a file without names
        raw, predictions = model.predict(rows, output_margin=True), model.predict_proba(rows)[:, 1]
        self.compare_files("early", booster, boosting.table_of(rows, names), raw, predictions)
        booster.set_attr(best_iteration=None)
        matrix = xgboost.DMatrix(rows)
        self.compare_files("all", booster, boosting.table_of(rows, names), booster.predict(matrix, output_margin=True),
                           booster.predict(matrix))

    def test_labels_of_stored_categories(self):
        random = numpy.random.default_rng(3)
        count = 500
        frame = pandas.DataFrame({
            "x": random.normal(size=count).astype(numpy.float32), "size": pandas.Categorical(random.choice([10, 20, 35], count)),
            "color": pandas.Categorical(random.choice(["red", "blue", "green", ""], count)),
            "city": pandas.Categorical(random.choice(["Rome", "Paris", "Oslo"], count))})
        label = (frame["color"] == "red") + frame["x"] + (frame["size"].astype(int) == 20) - (frame["city"] == "Paris")
        booster = xgboost.train(BASE, xgboost.DMatrix(frame, label, enable_categorical=True), 8)
        rows = frame[:200].copy()
        rows["color"] = pandas.Categorical(rows["color"].astype(object), categories=["red", "green", "", "blue"])  # other codes
        rows.loc[:20, "color"] = None
        matrix = xgboost.DMatrix(rows, enable_categorical=True)
        table = pyarrow.table({"x": rows["x"], "size": rows["size"].astype(int), "color": rows["color"].astype(object),
                               "city": rows["city"].astype(object)})
        self.compare_files("labels", booster, table, booster.predict(matrix, output_margin=True), booster.predict(matrix))

    def test_labels_that_xgboost_damaged_are_refused(self):
        random = numpy.random.default_rng(3)
        frame = pandas.DataFrame({"city": pandas.Categorical(random.choice(["K\u00f6ln", "Paris"], 100))})
        booster = xgboost.train(BASE, xgboost.DMatrix(frame, frame["city"] == "Paris", enable_categorical=True), 2)
        booster.save_model(self.folder / "model.json")
        boosting.scoring.write_table(pyarrow.table({"city": ["Paris"]}), self.folder / "rows.parquet")
        done = boosting.scoring.run("predict", "--model", self.folder / "model.json", "--in", self.folder / "rows.parquet",
                                    "--out", self.folder / "scores.parquet")
        self.assertNotEqual(done.code, 0)
        self.assertIn("damage labels outside of ASCII", done.err)


if __name__ == "__main__":
    unittest.main()
