"""Writes the CatBoost models and golden rows that catboost_test.cc replays.

Run with the project's environment: .deps/venv/bin/python src/model/testdata/make_catboost.py
The files are committed: golden rows come from the original library, never from our own engine.
Each rows file: the inputs, then CatBoost's raw values and predictions, all as C hexadecimal numbers;
categories are whole numbers.
"""

import json
import pathlib

import catboost
import numpy
import pandas

HERE = pathlib.Path(__file__).parent


def make_rows(random, count):
    rows = pandas.DataFrame({"price": random.normal(size=count).astype(numpy.float32), "zone": random.integers(0, 12, count),
                             "flag": random.integers(0, 3, count)})
    rows.loc[random.random(count) < 0.1, "price"] = numpy.nan
    return rows


def hex_of(value):
    return "nan" if numpy.isnan(value) else float(value).hex()


def write(name, parameters, random, categories, classes=2):
    rows = make_rows(random, 600)
    score = (rows["zone"] * 7 % 5 > 2).to_numpy() + 0.8 * rows["price"].fillna(0).to_numpy() + (rows["flag"] == 1).to_numpy()
    label = numpy.clip(numpy.floor(score + 0.5), 0, classes - 1).astype(int)
    columns = ["price", *categories]
    pool = catboost.Pool(rows[columns], label, cat_features=categories)
    base = {"iterations": 4, "depth": 3, "random_seed": 3, "thread_count": 1, "verbose": 0, "allow_writing_files": False}
    model = catboost.CatBoost(base | parameters)
    model.fit(pool)
    path = HERE / f"catboost_{name}.json"
    model.save_model(str(path), format="json", pool=pool)
    document = json.loads(path.read_text())
    document["model_info"] = {"params": {"loss_function": document["model_info"]["params"]["loss_function"]}}
    path.write_text(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")
    probe = make_rows(random, 60)
    probe.loc[:3, "zone"] = 99
    final = model.predict(probe[columns], prediction_type="Probability")
    final = final[:, 1] if classes == 2 else final
    raw = model.predict(probe[columns], prediction_type="RawFormulaVal")
    table = numpy.column_stack([probe[columns].to_numpy(float), raw.reshape(60, -1), final.reshape(60, -1)])
    (HERE / f"catboost_{name}.rows").write_text("\n".join(" ".join(map(hex_of, row)) for row in table) + "\n")


def main():
    random = numpy.random.default_rng(20130103)
    write("floats", {"loss_function": "MultiClass"}, random, [], classes=3)
    write("nested", {"loss_function": "Logloss", "grow_policy": "Lossguide", "one_hot_max_size": 20}, random, ["zone"])
    write("statistics", {"loss_function": "Logloss", "max_ctr_complexity": 3, "one_hot_max_size": 3, "iterations": 8,
                         "depth": 4}, random, ["zone", "flag"])


main()
