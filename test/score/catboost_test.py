"""CatBoost models: the bits of the original library, from its JSON format."""

import json
import unittest

import catboost
import numpy
import pandas
import pyarrow

import boosting

NAMES = ["price", "distance", "zone", "f3"]
BASE = {"iterations": 12, "depth": 4, "random_seed": 7, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
TEXTS = ["red", "blue", "", "gr\u00fcn", "a" * 8, "b" * 20, "c" * 40, "d" * 64, "e" * 65, "f" * 130, "\u6771\u4eac", "1", "-1"]


def labels(random, frame, kind):
    number = numpy.nan_to_num(frame["price"].to_numpy(float))
    signal = number + (frame["color"].str.len() % 3) * 0.7 + (frame["size"] > 4) - 0.5 * frame["zone"].isna()
    signal = signal.to_numpy(float)
    if kind == "binary":
        return (signal + random.normal(size=len(frame)) > 0.5).astype(int)
    if kind == "probability":
        return 1 / (1 + numpy.exp(-signal))
    if kind == "positive":
        return numpy.exp(signal / 2)
    if kind == "classes":
        return numpy.clip(numpy.floor(signal + 0.5), 0, 2).astype(int)
    if kind == "flags":
        return numpy.column_stack([signal > 0, signal > 1]).astype(int)
    if kind == "targets":
        return numpy.column_stack([signal, -number])
    return signal


def frame_of(random, count, near=None):
    frame = pandas.DataFrame({
        "price": random.normal(size=count).astype(numpy.float32), "color": random.choice(TEXTS, count),
        "zone": random.normal(size=count).astype(numpy.float32), "size": random.integers(-3, 9, count)})
    frame.loc[random.random(count) < 0.1, "price"] = numpy.nan
    frame.loc[random.random(count) < 0.1, "zone"] = numpy.nan
    for name, values in (near or {}).items():
        frame[name] = values[: len(frame)]
    return frame


def borders(model):
    features = model["features_info"].get("float_features", [])
    return {feature["feature_name"]: feature["borders"] for feature in features}


def hard_frame(random, model):
    """Rows at and beside every border, with categories that training never saw."""
    found = borders(model)
    near = boosting.hard_rows(random, [found.get(name) or [0.5] for name in ("price", "zone")], numpy.float32)
    frame = frame_of(random, len(near), {"price": near[:, 0], "zone": near[:, 1]})
    unseen = random.random(len(frame)) < 0.2
    frame.loc[unseen, "color"] = "never seen"
    frame.loc[random.random(len(frame)) < 0.1, "size"] = 10**15
    return frame


MODELS = [
    # name, parameters, labels, categories
    ("rmse", {}, "real", []),
    ("min as nan", {"nan_mode": "Min"}, "real", []),
    ("max as nan", {"nan_mode": "Max"}, "real", []),
    ("quantile", {"loss_function": "Quantile:alpha=0.8"}, "real", []),
    ("poisson", {"loss_function": "Poisson"}, "positive", []),
    ("tweedie", {"loss_function": "Tweedie:variance_power=1.4"}, "positive", []),
    ("binary", {"loss_function": "Logloss"}, "binary", []),
    ("cross entropy", {"loss_function": "CrossEntropy"}, "probability", []),
    ("classes", {"loss_function": "MultiClass"}, "classes", []),
    ("one versus all", {"loss_function": "MultiClassOneVsAll"}, "classes", []),
    ("flags", {"loss_function": "MultiLogloss"}, "flags", []),
    ("targets", {"loss_function": "MultiRMSE"}, "targets", []),
    ("stump of nothing", {"iterations": 3, "depth": 1, "l2_leaf_reg": 1e9}, "real", []),
    ("deep", {"depth": 10, "iterations": 4}, "real", []),
    ("depthwise", {"grow_policy": "Depthwise", "loss_function": "Logloss"}, "binary", []),
    ("lossguide", {"grow_policy": "Lossguide", "max_leaves": 13, "depth": 9}, "real", []),
    ("lossguide of classes", {"grow_policy": "Lossguide", "loss_function": "MultiClass"}, "classes", []),
    ("one-hot", {"one_hot_max_size": 255}, "real", ["color", "size"]),
    ("one-hot, depthwise", {"one_hot_max_size": 255, "grow_policy": "Depthwise", "loss_function": "Logloss"}, "binary",
     ["color", "size"]),
    ("statistics", {"loss_function": "Logloss"}, "binary", ["color", "size"]),
    ("statistics of combinations", {"loss_function": "Logloss", "max_ctr_complexity": 4, "depth": 6}, "binary",
     ["color", "size"]),
    ("statistics of reals", {"max_ctr_complexity": 2, "simple_ctr": ["Borders:TargetBorderCount=3", "Buckets", "Counter",
                                                                     "BinarizedTargetMeanValue"]}, "real", ["color", "size"]),
    ("statistics of classes", {"loss_function": "MultiClass", "simple_ctr": ["Borders", "Buckets"]}, "classes",
     ["color", "size"]),
    ("mixed", {"one_hot_max_size": 12, "max_ctr_complexity": 3, "depth": 6, "iterations": 30}, "real", ["color", "size"]),
]
COLUMNS = ["price", "zone"]


class CatboostTest(boosting.BoostingTest):
    def save(self, model, pool):
        path = self.folder / "model.json"
        model.save_model(str(path), format="json", pool=pool)
        return path

    def compare_model(self, name, model, path, rows, categories, kind, ulps_max=2):
        pool = catboost.Pool(rows, cat_features=categories)
        raw = predictions = model.predict(pool, prediction_type="RawFormulaVal")
        if kind in ("binary", "probability"):
            predictions = model.predict(pool, prediction_type="Probability")[:, 1]
        elif kind in ("classes", "flags"):
            predictions = model.predict(pool, prediction_type="Probability")
        elif kind == "positive":
            predictions = model.predict(pool, prediction_type="Exponent")
        self.compare(name, path, pyarrow.Table.from_pandas(rows), raw, predictions, ulps_max=ulps_max)

    def test_models_of_every_kind(self):
        for name, parameters, kind, categories in MODELS:
            with self.subTest(name):
                random = numpy.random.default_rng(11)
                frame = frame_of(random, 500)
                columns = [column for column in frame if column in COLUMNS or column in categories]
                pool = catboost.Pool(frame[columns], labels(random, frame, kind), cat_features=categories)
                model = catboost.CatBoost(BASE | {"loss_function": "RMSE"} | parameters).fit(pool)
                path = self.save(model, pool)
                hard = hard_frame(random, json.loads(path.read_text(encoding="utf-8")))[columns]
                # CatBoost's softmax has an approximate exponential of its own, of which ours has the bits.
                ulps_max = 0 if parameters.get("loss_function") == "MultiClass" else 2
                self.compare_model(name, model, path, hard, categories, kind, ulps_max)

    def test_softmaxes_of_any_number_of_classes(self):  # CatBoost takes four at a time, then the rest
        for classes in range(3, 10):
            with self.subTest(classes):
                random = numpy.random.default_rng(classes)
                frame = frame_of(random, 500)[COLUMNS]
                pool = catboost.Pool(frame, numpy.arange(500) % classes)
                model = catboost.CatBoost(BASE | {"loss_function": "MultiClass", "learning_rate": 0.9}).fit(pool)
                self.compare_model("softmax", model, self.save(model, pool), frame, [], "classes", ulps_max=0)

    def test_statistics_of_combinations_with_numbers_and_exact_values(self):
        random = numpy.random.default_rng(11)
        count, categories = 1500, ["color", "size", "flag"]
        frame = pandas.DataFrame({
            "price": random.normal(size=count).astype(numpy.float32), "color": random.choice(TEXTS, count),
            "size": random.integers(0, 25, count), "flag": random.choice(["yes", "no", "maybe"], count)})
        mixed = (frame["color"].str.len() * 7 + frame["size"] * 3) % 5 > 2
        label = (mixed ^ (frame["flag"] == "yes") ^ (frame["price"] > 0)).astype(int)
        pool = catboost.Pool(frame, label, cat_features=categories)
        model = catboost.CatBoost(BASE | {"loss_function": "Logloss", "max_ctr_complexity": 3, "one_hot_max_size": 4,
                                          "depth": 6, "iterations": 20}).fit(pool)
        path = self.save(model, pool)
        used = {element["combination_element"] for ctr in json.loads(path.read_text(encoding="utf-8"))["features_info"]["ctrs"]
                for element in ctr["elements"]}
        self.assertEqual(used, {"cat_feature_value", "float_feature", "cat_feature_exact_value"})
        rows = frame.copy()
        rows.loc[random.random(count) < 0.2, "color"] = "never seen"
        rows.loc[random.random(count) < 0.1, "price"] = 0.0
        self.compare_model("combinations", model, path, rows, categories, "binary")
        self.check_contributions(model, path, rows, categories)

    def check_contributions(self, model, path, rows, categories):
        theirs = model.get_feature_importance(catboost.Pool(rows, cat_features=categories), type="ShapValues")
        self.compare_contributions(path, pyarrow.Table.from_pandas(rows), theirs)

    def test_contributions_are_catboosts(self):
        for parameters, categories in (({}, []), ({"one_hot_max_size": 255}, ["color", "size"]),
                                       ({"max_ctr_complexity": 1}, ["color", "size"])):
            with self.subTest(str(parameters)):
                random = numpy.random.default_rng(12)
                frame = frame_of(random, 400)
                columns = [column for column in frame if column in COLUMNS or column in categories]
                pool = catboost.Pool(frame[columns], labels(random, frame, "real"), cat_features=categories)
                model = catboost.CatBoost(BASE | {"loss_function": "RMSE"} | parameters).fit(pool)
                self.check_contributions(model, self.save(model, pool), frame[columns][:60], categories)

    def test_contributions_of_other_trees_add_up(self):  # CatBoost's own do not: it loses weights of leaves
        random = numpy.random.default_rng(12)
        frame = frame_of(random, 400)
        pool = catboost.Pool(frame[COLUMNS], labels(random, frame, "real"))
        model = catboost.CatBoost(BASE | {"loss_function": "RMSE", "grow_policy": "Lossguide", "max_leaves": 9}).fit(pool)
        path, table = self.save(model, pool), pyarrow.Table.from_pandas(frame[COLUMNS][:60])
        found = self.predict(path, table, "--contributions")
        total = sum(column for name, column in found.items() if name.startswith("contribution_"))
        numpy.testing.assert_allclose(total, self.scores(path, table, "--raw")[:, 0], atol=1e-12)


if __name__ == "__main__":
    unittest.main()
