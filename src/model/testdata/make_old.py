"""Writes models of older LightGBM and XGBoost, with what these said of golden rows, which exactness_test.cc replays.

Run once for each version, in an environment that has it (numpy below 1.24 for the oldest):

    python src/model/testdata/make_old.py lightgbm      # 2.3.1 and 3.3.5
    python src/model/testdata/make_old.py xgboost       # 1.0.2, 1.7.6 and 2.1.4

The files are committed; they have the library's version in their names. A rows file is as make_lightgbm.py
and make_xgboost.py write it. XGBoost before 1.3 added the intercept last: its model's intercept is 0.
"""

import pathlib
import sys

import numpy

HERE = pathlib.Path(__file__).parent
ROWS = 600
PROBES = 60


def make_rows(random, count, real):
    rows = random.normal(size=(count, 3)).astype(real)
    rows[:, 2] = random.randint(0, 30, size=count)
    rows[random.random_sample(rows.shape) < 0.1] = numpy.nan
    return rows


def labels(rows, classes):
    filled = numpy.nan_to_num(rows)
    signal = filled[:, 0] + numpy.sin(filled[:, 2]) - numpy.isnan(rows[:, 1])
    return numpy.digitize(signal, [-0.5, 0.5]) if classes == 3 else (signal > 0) * 1.0


def write(name, probes, raw, predictions):
    cells = numpy.column_stack([probes, raw.reshape(len(probes), -1), predictions.reshape(len(probes), -1)])
    lines = [" ".join("nan" if numpy.isnan(x) else x.hex() for x in row) for row in cells.astype(float).tolist()]
    (HERE / f"{name}.rows").write_text("\n".join(lines) + "\n")


def lightgbm_model(kind, parameters, classes):
    import lightgbm
    random = numpy.random.RandomState(3)
    rows = make_rows(random, ROWS, float)
    base = {"num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 7, "max_cat_threshold": 16, "min_data_in_leaf": 5}
    booster = lightgbm.train(dict(base, **parameters), lightgbm.Dataset(rows, labels(rows, classes), categorical_feature=[2]), 6)
    name = f"old_lightgbm_{lightgbm.__version__}_{kind}"
    booster.save_model(str(HERE / f"{name}.txt"))
    probes = make_rows(random, PROBES, float)
    probes[:3] = [[1e-36, -1e-36, 3.9], [-numpy.inf, 1e300, -1], [numpy.nan, -0.0, 4e9]]
    loaded = lightgbm.Booster(model_file=str(HERE / f"{name}.txt"))
    write(name, probes, loaded.predict(probes, raw_score=True), loaded.predict(probes))


def xgboost_model(kind, parameters, classes, form):
    import xgboost
    random = numpy.random.RandomState(4)
    rows = make_rows(random, ROWS, numpy.float32)
    names = ["price", "distance", "zone"]
    options = {"feature_names": names}
    if not xgboost.__version__.startswith("1.0"):
        options.update(feature_types=["float", "float", "c"], enable_categorical=True)
    data = xgboost.DMatrix(rows, labels(rows, classes), **options)
    booster = xgboost.train(dict({"max_depth": 3, "seed": 3, "nthread": 1, "tree_method": "hist"}, **parameters), data, 4)
    name = f"old_xgboost_{xgboost.__version__}_{kind}"
    booster.save_model(str(HERE / f"{name}.{form}"))
    probes = make_rows(random, PROBES, numpy.float32)
    probes[:3] = [[1e-45, -1e-45, 16777216], [-0.0, 3e38, -1], [0.0, -3e38, 29.9]]
    matrix = xgboost.DMatrix(probes, **options)
    write(name, probes, booster.predict(matrix, output_margin=True), booster.predict(matrix))


def main():
    if sys.argv[1] == "lightgbm":
        lightgbm_model("binary", {"objective": "binary", "sigmoid": 1.25}, 2)
        lightgbm_model("classes", {"objective": "multiclass", "num_class": 3}, 3)
        return
    import xgboost
    form = "json" if xgboost.__version__.startswith("1.0") else "ubj"
    xgboost_model("binary", {"objective": "binary:logistic", "base_score": 0.5}, 2, "json")
    if form == "ubj":
        xgboost_model("classes", {"objective": "multi:softprob", "num_class": 3, "booster": "dart", "rate_drop": 0.5}, 3, form)


main()
