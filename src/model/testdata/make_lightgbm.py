"""Writes the LightGBM models and golden rows that lightgbm_test.cc replays.

Run with the project's environment: .deps/venv/bin/python src/model/testdata/make_lightgbm.py
The files are committed: golden rows come from the original library, never from our own engine.
Each rows file: the inputs, then LightGBM's raw score and prediction, all as C hexadecimal doubles.
"""

import pathlib

import lightgbm
import numpy

HERE = pathlib.Path(__file__).parent


def make_rows(random, count):
    rows = random.normal(size=(count, 5))
    rows[:, 2] = random.integers(0, 40, size=count)  # a category
    rows[:, 3] = numpy.where(random.random(count) < 0.5, 0.0, rows[:, 3])
    rows[random.random((count, 5)) < 0.08] = numpy.nan
    return rows


def hex_of(value):
    return "nan" if numpy.isnan(value) else float(value).hex()


def write(name, parameters, random):
    rows = make_rows(random, 3000)
    filled = numpy.nan_to_num(rows)
    margin = filled[:, 0] + numpy.sin(filled[:, 2]) + (rows[:, 3] == 0) - numpy.isnan(rows[:, 4])
    label = margin + random.normal(size=len(rows)) > 0
    data = lightgbm.Dataset(rows, label.astype(float), categorical_feature=[2],
                            params={"zero_as_missing": parameters.get("zero_as_missing", False)})
    base = {"num_leaves": 15, "verbose": -1, "num_threads": 1, "deterministic": True, "seed": 7,
            "max_cat_threshold": 16, "min_data_in_leaf": 5}
    booster = lightgbm.train(base | parameters, data, num_boost_round=12)
    booster.save_model(HERE / f"{name}.txt")
    probe = make_rows(random, 200)
    probe[0] = [1e-36, -1e-36, 3.9, 1e-35, numpy.inf]
    probe[1] = [-numpy.inf, 1e300, -1, -0.0, 5e-324]
    probe[2] = [numpy.nan, numpy.nan, 4e9, numpy.nan, numpy.nan]
    raw, final = booster.predict(probe, raw_score=True), booster.predict(probe)
    lines = [" ".join(map(hex_of, [*row, r, p])) for row, r, p in zip(probe, raw, final)]
    (HERE / f"{name}.rows").write_text("\n".join(lines) + "\n")


def main():
    random = numpy.random.default_rng(20130101)
    write("binary", {"objective": "binary", "sigmoid": 1.25}, random)
    write("zero_as_missing", {"objective": "binary", "zero_as_missing": True}, random)
    write("forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1,
                     "bagging_fraction": 0.7}, random)
    write("regression", {"objective": "regression", "use_missing": False}, random)
    write("poisson", {"objective": "poisson"}, random)


main()
