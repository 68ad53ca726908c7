"""Makes the fuzzer's seeds: plans of small pipelines, with few golden rows. Run from the root:

    PYTHONPATH=python .deps/venv/bin/python src/model/testdata/make_plans.py
"""

import base64
import json
import pathlib

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (GradientBoostingRegressor, HistGradientBoostingClassifier, IsolationForest,
                              RandomForestClassifier, StackingClassifier, VotingClassifier)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (KBinsDiscretizer, MinMaxScaler, Normalizer, OneHotEncoder, OrdinalEncoder,
                                   PolynomialFeatures, PowerTransformer, QuantileTransformer, SplineTransformer,
                                   StandardScaler, TargetEncoder)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

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
        if stage["op"] == "count":  # letters of ASCII will do
            letters = [ord(letter) for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
            stage.update({key: value for key, value in {
                "words": [48, 57, 65, 90, 95, 95, 97, 122], "spaces": [9, 13, 32, 32], "cased": [65, 90, 97, 122],
                "ignorable": [39, 39], "capitals": letters, "small": [chr(letter + 32) for letter in letters]}.items() if key in stage})
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
    }
    wide = make_union(KBinsDiscretizer(3, strategy="uniform"), PowerTransformer(), QuantileTransformer(n_quantiles=9),
                      PolynomialFeatures(2), SplineTransformer(2, degree=2, extrapolation="linear"),
                      SplineTransformer(4, degree=2, extrapolation="periodic"), Normalizer("max"))
    tree = DecisionTreeClassifier(max_depth=2)
    numeric = {
        "boosted": make_pipeline(SimpleImputer(), GradientBoostingRegressor(n_estimators=3, max_depth=2)),
        "histogram": HistGradientBoostingClassifier(max_iter=3, max_leaf_nodes=5, categorical_features=["code"]),
        "bends": make_pipeline(SimpleImputer(), wide, tree),
        "isolation": make_pipeline(SimpleImputer(), IsolationForest(n_estimators=2, max_samples=8)),
        "calibrated": make_pipeline(SimpleImputer(), CalibratedClassifierCV(tree, method="isotonic", cv=2)),
        "neighbors": make_pipeline(SimpleImputer(), KNeighborsRegressor(2, weights="distance")),
        "network": make_pipeline(SimpleImputer(), StandardScaler(), MLPClassifier((2,), max_iter=5)),
        "bayes": make_pipeline(SimpleImputer(), GaussianNB()),
    }
    three = {
        "multiclass": make_pipeline(ordinal, RandomForestClassifier(2, max_depth=2, random_state=0)),
        "pairs": make_pipeline(encode, SVC(kernel="linear", max_iter=50)),
        "votes": make_pipeline(ordinal, SimpleImputer(), VotingClassifier([("t", tree), ("n", KNeighborsClassifier(2))])),
        "stacked": make_pipeline(ordinal, SimpleImputer(), StackingClassifier([("t", tree), ("b", GaussianNB())], LogisticRegression(), cv=2)),
        "target": make_pipeline(ColumnTransformer([("t", TargetEncoder(cv=2), ["city", "code"])]), tree),
    }
    words = pd.DataFrame({"text": [" ".join(random.choice(["a", "Oslo", "late", "b c"], 3)) for _ in range(300)]})
    texts = {
        "words": make_pipeline(ColumnTransformer([("t", TfidfVectorizer(ngram_range=(1, 2), max_features=6, token_pattern=r"\b\w+\b",
                                                                        sublinear_tf=True), "text")]), LogisticRegression()),
        "characters": make_pipeline(ColumnTransformer([("t", CountVectorizer(analyzer="char_wb", ngram_range=(1, 3), max_features=9), "text")]), tree),
    }
    small = label.to_numpy() + (rows.b.fillna(0) > 0.5).to_numpy()
    short = slice(0, 40)  # neighbors keep their rows
    for group, inputs, target in ((models, rows, label), (numeric, numbers, label), (three, rows, small), (texts, words, label)):
        for name, estimator in group.items():
            own = short if name in ("neighbors", "votes", "calibrated", "pairs") else slice(None)
            plan = shorten(seaworthy_export.dump(estimator.fit(inputs[own], target[own]), inputs[own]))
            (FOLDER / f"{name}.json").write_text(json.dumps(plan, allow_nan=False))


main()
