"""Writes the XGBoost models and golden rows that xgboost_test.cc replays.

Run with the project's environment: .deps/venv/bin/python src/model/testdata/make_xgboost.py
The files are committed: golden rows come from the original library, never from our own engine.
Each rows file: the inputs, then XGBoost's margins and predictions, all as C hexadecimal numbers.
"""

import pathlib

import numpy
import xgboost

HERE = pathlib.Path(__file__).parent
NAMES = ["price", "distance", "zone"]


def make_rows(random, count):
    rows = random.normal(size=(count, 3)).astype(numpy.float32)
    rows[:, 2] = random.integers(0, 30, size=count)
    rows[random.random(rows.shape) < 0.1] = numpy.nan
    return rows


def write(name, parameters, make_labels, random, form, categories=True):
    rows = make_rows(random, 400)
    types = ["float", "float", "c" if categories else "float"]
    options = {"feature_names": NAMES, "feature_types": types, "enable_categorical": categories}
    data = xgboost.DMatrix(rows, make_labels(numpy.nan_to_num(rows)), **options)
    base = {"max_depth": 3, "seed": 3, "nthread": 1, "verbosity": 0, "max_cat_to_onehot": 2}
    booster = xgboost.train(base | parameters, data, 3)
    booster.save_model(HERE / f"xgboost_{name}.{form}")
    probe = make_rows(random, 60)
    probe[0] = [1e-45, -1e-45, 16777216]
    probe[1] = [-0.0, 3e38, -1]
    probe[2] = [0.0, -3e38, 29.9]
    matrix = xgboost.DMatrix(probe, **options)
    raw, final = booster.predict(matrix, output_margin=True), booster.predict(matrix)
    columns = numpy.column_stack([probe, raw.reshape(60, -1), final.reshape(60, -1)]).astype(float)
    lines = [" ".join("nan" if numpy.isnan(x) else x.hex() for x in row) for row in columns.tolist()]
    (HERE / f"xgboost_{name}.rows").write_text("\n".join(lines) + "\n")


def main():
    random = numpy.random.default_rng(20130102)
    write("binary", {"objective": "binary:logistic"}, lambda x: (x[:, 0] + numpy.sin(x[:, 2]) > 0) * 1.0, random, "json")
    write("classes", {"objective": "multi:softprob", "num_class": 3}, lambda x: numpy.floor(x[:, 2] / 10), random, "ubj")
    write("dart", {"booster": "dart", "rate_drop": 0.5, "one_drop": True}, lambda x: x[:, 0] + x[:, 1], random, "json")
    write("vectors", {"multi_strategy": "multi_output_tree"}, lambda x: x[:, :2], random, "ubj", categories=False)
    write("linear", {"booster": "gblinear", "objective": "count:poisson"}, lambda x: numpy.exp(x[:, 0] / 3), random,
          "json", categories=False)


main()
