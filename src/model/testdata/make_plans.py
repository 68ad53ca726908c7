"""Makes the fuzzer's seeds: plans of small pipelines, with few golden rows. Run from the root:

    PYTHONPATH=python .deps/venv/bin/python src/model/testdata/make_plans.py
"""

import base64
import json
import pathlib

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

import seaworthy_export
from seaworthy_export.thresholds import unpack

FOLDER = pathlib.Path(__file__).parent.parent / "formats/corpus/plan"
ROWS = 3


def shorten(plan):
    """Keeps the first golden rows only."""
    count = None
    for column in plan["golden"]:
        for kind, cells in column.items():
            cells = cells if isinstance(cells, list) else list(unpack(cells))
            count = len(cells)
            column[kind] = [cell if isinstance(cell, (str, type(None))) else
                            "NaN" if np.isnan(cell) else float(cell) for cell in cells[:ROWS]]
    for stage in plan["stages"]:
        stage.pop("golden_sparse", None)
        if "golden" in stage:
            cells = unpack(stage["golden"])
            kept = np.ascontiguousarray(cells[:len(cells) // count * ROWS], dtype="<f8")
            stage["golden"] = {"f64": base64.b64encode(kept.tobytes()).decode()}
        if "golden_texts" in stage:
            stage["golden_texts"] = stage["golden_texts"][:len(stage["golden_texts"]) // count * ROWS]
    return plan


def main():
    random = np.random.RandomState(1)
    rows = pd.DataFrame({"a": random.randn(300), "b": np.where(random.rand(300) < 0.2, np.nan, random.rand(300)),
                         "city": random.choice(["Oslo", "Rome", "a"], 300), "code": random.randint(0, 4, 300)})
    label = (rows.a + (rows.city == "Oslo") > 0.4).astype(int)
    encode = ColumnTransformer([
        ("num", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["a", "b"]),
        ("cat", OneHotEncoder(handle_unknown="ignore"), ["city"])], remainder="passthrough")
    ordinal = ColumnTransformer([
        ("num", MinMaxScaler(clip=True), ["a", "b"]),
        ("cat", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["city", "code"])])
    numbers = rows.drop(columns="city")
    models = {
        "logistic": make_pipeline(encode, LogisticRegression()),
        "forest": make_pipeline(encode, RandomForestClassifier(3, max_depth=3, random_state=0)),
        "boosted": make_pipeline(SimpleImputer(), GradientBoostingRegressor(n_estimators=3, max_depth=2)),
        "histogram": HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, categorical_features=["code"]),
        "multiclass": make_pipeline(ordinal, RandomForestClassifier(2, max_depth=2, random_state=0)),
    }
    for name, estimator in models.items():
        inputs = numbers if name in ("boosted", "histogram") else rows
        target = label + (rows.b.fillna(0) > 0.5) if name == "multiclass" else label
        plan = shorten(seaworthy_export.dump(estimator.fit(inputs, target), inputs))
        (FOLDER / f"{name}.json").write_text(json.dumps(plan, allow_nan=False))


main()
