"""The models of the scoring benchmark: trained on the flights, or public ones from a folder.

A model is trained once and kept in build/bench-score. Public models without real rows beside them get
rows drawn from their own thresholds: hostile to caches and branch prediction, as no rival is favoured.
"""

import json
import pathlib
import typing

import lightgbm
import numpy
import pandas
import xgboost

import flights

ROWS = 16384
NAMED = {"NYC_taxi (lleaves)": "NYC_taxi.txt", "higgs (Treebeard)": "higgs_xgb_model_save.json"}


class Model(typing.NamedTuple):
    title: str
    path: pathlib.Path | None  # None: absent
    rows: numpy.ndarray | None
    said: str = ""             # about the rows


def is_lightgbm(path):
    return path.suffix == ".txt"


def train_lightgbm(path, numbers, label, rounds, **parameters):
    if not path.exists():
        base = {"objective": "binary", "verbose": -1, "num_threads": 2, "seed": 1, "deterministic": True, "force_col_wise": True}
        lightgbm.train(base | parameters, lightgbm.Dataset(numbers, label), rounds).save_model(path)
    return path


def train_xgboost(path, numbers, label, rounds, **parameters):
    if not path.exists():
        base = {"objective": "binary:logistic", "nthread": 2, "seed": 1}
        xgboost.train(base | parameters, xgboost.DMatrix(numbers, label), rounds).save_model(path)
    return path


def flight_models(folder, wanted):
    """Yields the models of the flights whose title is wanted, each trained when it is asked for."""
    numbers, categories, late = flights.load()
    chosen = numpy.random.default_rng(1).permutation(len(numbers))[:ROWS]
    rows = numpy.ascontiguousarray(numbers[chosen])
    # Ten carriers by their flights, and all the others.
    counts = categories["carrier"].value_counts()
    carrier = pandas.Categorical(categories["carrier"], counts.index[:9]).codes
    carrier = numpy.where(carrier < 0, 9, carrier)
    deep = {"num_leaves": 16384, "min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 0, "boosting": "rf", "bagging_freq": 1,
            "bagging_fraction": 0.7, "feature_fraction": 0.7}
    makers = {
        "LightGBM 100 x 31": (train_lightgbm, "lightgbm_31.txt", late, 100, {"num_leaves": 31}),
        "XGBoost 100 x depth 6": (train_xgboost, "xgboost_6.json", late, 100, {"max_depth": 6}),
        "XGBoost 100 x depth 8": (train_xgboost, "xgboost_8.json", late, 100, {"max_depth": 8}),
        "LightGBM 500 x 255": (train_lightgbm, "lightgbm_255.txt", late, 500, {"num_leaves": 255}),
        "LightGBM 50 x 16,384 (random forest)": (train_lightgbm, "lightgbm_deep.txt", late, 50, deep),
        "LightGBM 1,000 x 31, 10 classes": (train_lightgbm, "lightgbm_classes.txt", carrier, 100,
                                            {"num_leaves": 31, "objective": "multiclass", "num_class": 10}),
    }
    for title, (train, name, label, rounds, parameters) in makers.items():
        if wanted(title):
            yield Model(title, train(folder / name, numbers, label, rounds, **parameters), rows)


def public_models(folder, wanted):
    """Yields a model for each file in the folder, and the named ones even when they are not there."""
    found = sorted([*folder.glob("*.txt"), *folder.glob("*.json")]) if folder else []
    titles = {file: title for title, file in NAMED.items()}
    for title, file in NAMED.items():
        if wanted(title) and file not in [path.name for path in found]:
            yield Model(title, None, None)
    for path in found:
        title = titles.get(path.name, path.name)
        if wanted(title):
            yield with_rows(title, path)


def with_rows(title, path):
    """Rows of the folder: PATH.test.sampled.csv or PATH.csv, whose last column is the label."""
    columns = column_count(path)
    for beside in (path.with_name(path.name + ".test.sampled.csv"), path.with_name(path.name + ".rows.csv")):
        if beside.exists():
            table = pandas.read_csv(beside, header=None).to_numpy(dtype=numpy.float64)[:, :columns]
            return Model(title, path, numpy.ascontiguousarray(table), f"{len(table)} rows of {beside.name}")
    return Model(title, path, drawn_rows(path, columns), f"{ROWS} rows drawn from the model's thresholds")


def column_count(path):
    if is_lightgbm(path):
        return lightgbm.Booster(model_file=str(path)).num_feature()
    return xgboost.Booster(model_file=str(path)).num_features()


def drawn_rows(path, columns):
    random = numpy.random.default_rng(3)
    values = thresholds(path, columns)
    draw = numpy.stack([random.choice(own, ROWS) if len(own) else numpy.zeros(ROWS) for own in values], axis=1)
    above = numpy.nextafter(draw, numpy.inf)
    return numpy.ascontiguousarray(numpy.where(random.integers(2, size=draw.shape) == 1, above, draw))


def thresholds(path, columns):
    """Of each column; of a category its codes."""
    values = [[] for _ in range(columns)]
    if is_lightgbm(path):
        for line in path.read_text().splitlines():
            if line.startswith("split_feature="):
                features = [int(word) for word in line.split("=")[1].split()]
            if line.startswith("feature_infos="):
                infos = line.split("=")[1].split()
            if line.startswith("threshold="):
                for feature, word in zip(features, line.split("=")[1].split()):
                    values[feature].append(float(word))
        for column, info in enumerate(infos):
            if not info.startswith("[") and info != "none":
                values[column] = [float(code) for code in info.split(":")]
        return values
    for tree in json.loads(path.read_text())["learner"]["gradient_booster"]["model"]["trees"]:
        for feature, value, left in zip(tree["split_indices"], tree["split_conditions"], tree["left_children"]):
            if left >= 0:
                values[feature].append(numpy.float32(value))
    return values
