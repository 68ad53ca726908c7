"""Fitted estimators of every kind that a plan can hold: (name, estimator, rows, is_exact)."""

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import (ExtraTreesClassifier, ExtraTreesRegressor, GradientBoostingClassifier,
                              GradientBoostingRegressor, HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              IsolationForest, RandomForestClassifier, RandomForestRegressor, StackingClassifier,
                              StackingRegressor, VotingClassifier, VotingRegressor)
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import (ElasticNet, GammaRegressor, Lasso, LinearRegression, LogisticRegression,
                                  PoissonRegressor, Ridge, RidgeClassifier, SGDClassifier, SGDRegressor)
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (KBinsDiscretizer, MaxAbsScaler, MinMaxScaler, Normalizer, OneHotEncoder,
                                   OrdinalEncoder, PolynomialFeatures, PowerTransformer, QuantileTransformer,
                                   RobustScaler, SplineTransformer, StandardScaler, TargetEncoder)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeRegressor

COUNT = 400
WORDS = ("the a late early flight plane Plane delayed DELAYED weather snow \u00dcberraschung stra\u00dfe "
         "\u03a3\u039f\u03a6\u039f\u03a3 na\u00efve x 42 don't").split()


class Tables:
    """One sample of rows with numbers (some missing), categories, codes and text, and labels for it."""

    def __init__(self, seed=7):
        random = np.random.RandomState(seed)
        a, b = random.randn(COUNT), np.exp(random.randn(COUNT))
        city = random.choice(["Oslo", "Rome", "Paris", "Kyiv"], COUNT, p=[0.5, 0.3, 0.15, 0.05]).astype(object)
        self.mixed = pd.DataFrame({
            "a": a, "b": b, "c": np.where(random.rand(COUNT) < 0.15, np.nan, random.rand(COUNT) * 100),
            "n": random.randint(-5, 40, COUNT), "flag": random.rand(COUNT) < 0.4,
            "city": np.where(random.rand(COUNT) < 0.1, None, city), "code": random.choice([10, 20, 30, 99], COUNT)})
        self.numbers = self.mixed[["a", "b", "n"]].astype(float)
        self.missing = self.mixed[["a", "b", "c", "n"]].astype(float)
        self.array = self.numbers.to_numpy()
        self.counts = np.abs(self.numbers.round()).to_numpy()
        self.text = pd.DataFrame({"text": [" ".join(random.choice(WORDS, random.randint(1, 9))) for _ in range(COUNT)],
                                  "a": a})
        score = a + np.log(b) + 0.03 * self.mixed.n + (city == "Oslo") + 0.3 * random.randn(COUNT)
        self.binary = (score > np.median(score)).astype(int)
        self.labels = np.array(["no", "yes"])[self.binary]
        self.three = np.digitize(score, np.quantile(score, [0.33, 0.66]))
        self.value, self.positive = score, np.exp(score / 3)


def _encoders(t):
    numbers, categories = ["a", "b", "c", "n"], ["city", "code"]
    scale = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    yield "standard", ColumnTransformer([("num", scale, numbers), ("cat", OneHotEncoder(handle_unknown="ignore"), categories)])
    yield "minmax-ordinal-remainder", ColumnTransformer([
        ("num", make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), MinMaxScaler(clip=True)), numbers),
        ("cat", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), categories)],
        remainder="passthrough")
    yield "robust-infrequent-drop", ColumnTransformer([
        ("num", make_pipeline(SimpleImputer(), RobustScaler()), ["a", "c"]), ("abs", MaxAbsScaler(), ["b"]),
        ("cat", OneHotEncoder(min_frequency=0.1, handle_unknown="infrequent_if_exist", sparse_output=False), ["city"]),
        ("drop", OneHotEncoder(drop="first", handle_unknown="ignore"), ["code", "flag"])], sparse_threshold=0)
    yield "target-selector", ColumnTransformer([
        ("num", make_pipeline(SimpleImputer(strategy="most_frequent"), StandardScaler()), make_column_selector(dtype_include=np.number)),
        ("cat", TargetEncoder(random_state=0, cv=3), categories)])
    yield "union-imputed-text", make_pipeline(
        ColumnTransformer([("num", SimpleImputer(), numbers),
                           ("cat", make_pipeline(SimpleImputer(strategy="constant", fill_value="none", missing_values=np.nan),
                                                 OneHotEncoder(handle_unknown="ignore", sparse_output=False)), ["city"])]),
        FeatureUnion([("scaled", StandardScaler()), ("again", "passthrough")], transformer_weights={"again": 0.5}))
    yield "sparse-scaled", make_pipeline(
        ColumnTransformer([("cat", OneHotEncoder(handle_unknown="ignore"), categories), ("num", SimpleImputer(), ["c"])], sparse_threshold=1),
        StandardScaler(with_mean=False), MaxAbsScaler())


def preprocessing_cases(t):
    heads = [("logistic", LogisticRegression(max_iter=500), "binary", False), ("tree", DecisionTreeClassifier(max_depth=6, random_state=0), "three", True),
             ("forest", RandomForestRegressor(12, random_state=0), "value", True),
             ("boosted", GradientBoostingClassifier(n_estimators=15, random_state=0), "labels", True)]
    for name, encoder in _encoders(t):
        for head, model, target, is_exact in heads:
            yield f"{name}+{head}", make_pipeline(encoder, model), t.mixed, getattr(t, target), is_exact


def transformer_cases(t):
    def tree():
        return ExtraTreeRegressor(max_depth=8, random_state=0)
    bends = {
        "l1": (Normalizer("l1"), False), "l2": (Normalizer("l2"), False), "max": (Normalizer("max"), True),
        "bins": (KBinsDiscretizer(5, encode="ordinal", strategy="quantile", quantile_method="averaged_inverted_cdf"), True),
        "bins-onehot": (KBinsDiscretizer(4, encode="onehot", strategy="uniform"), True),
        "yeo-johnson": (PowerTransformer(), False), "quantile": (QuantileTransformer(n_quantiles=50), True),
        "quantile-normal": (QuantileTransformer(n_quantiles=50, output_distribution="normal"), False),
        "polynomial": (PolynomialFeatures(3), True), "interactions": (PolynomialFeatures((2, 2), interaction_only=True), True),
        **{f"spline-{how}": (SplineTransformer(4, degree=3, extrapolation=how, include_bias=how != "linear"), True)
           for how in ("constant", "linear", "continue", "periodic", "error")},
        "spline-1": (SplineTransformer(3, degree=1, extrapolation="linear"), True),
    }
    for name, (bend, is_exact) in bends.items():
        yield name, make_pipeline(bend, tree()), t.numbers, t.value, is_exact
    yield "box-cox", make_pipeline(PowerTransformer("box-cox"), Ridge()), t.numbers[["b"]], t.value, False
    yield "indicator", FeatureUnion([("i", MissingIndicator(error_on_new=False)), ("v", SimpleImputer())]), t.missing, None, True
    yield "scaled-array", make_pipeline(StandardScaler(), tree()), t.array, t.value, True


def text_cases(t):
    column = [("text", "text")]
    for name, vectorizer in {
            "count": CountVectorizer(), "count-grams": CountVectorizer(ngram_range=(1, 2), binary=True, stop_words=["the"], token_pattern=r"(?u)\b\w+\b"),
            "count-char": CountVectorizer(analyzer="char", ngram_range=(2, 3), lowercase=False),
            "count-char-wb": CountVectorizer(analyzer="char_wb", ngram_range=(1, 4)), "tfidf": TfidfVectorizer(stop_words="english"),
            "tfidf-sublinear": TfidfVectorizer(sublinear_tf=True, norm="l1", ngram_range=(1, 2), min_df=2),
            "tfidf-plain": make_pipeline(CountVectorizer(), TfidfTransformer(norm=None))}.items():
        union = ColumnTransformer([(name, vectorizer, "text") for name, _ in column], remainder="passthrough")
        is_exact = name.startswith("count") or name == "tfidf-plain"
        yield name, make_pipeline(union, DecisionTreeRegressor(max_depth=5, random_state=0)), t.text, t.value, is_exact
    yield "tfidf-logistic", make_pipeline(TfidfVectorizer(), LogisticRegression()), list(t.text.text), t.binary, False


def linear_cases(t):
    for name, model in {"linear": LinearRegression(), "ridge": Ridge(), "lasso": Lasso(0.01), "elastic": ElasticNet(0.01),
                        "sgd": SGDRegressor(random_state=0), "svr": SVR(kernel="linear", C=0.1), "linear-svr": LinearSVR(random_state=0)}.items():
        yield name, make_pipeline(StandardScaler(), model), t.numbers, t.value, False
    yield "poisson", make_pipeline(StandardScaler(), PoissonRegressor()), t.numbers, t.positive, False
    yield "gamma", make_pipeline(StandardScaler(), GammaRegressor()), t.numbers, t.positive, False
    for target in ("labels", "three"):
        y = getattr(t, target)
        for name, model in {"logistic": LogisticRegression(max_iter=500), "sgd-log": SGDClassifier(loss="log_loss", random_state=0),
                            "sgd-huber": SGDClassifier(loss="modified_huber", random_state=0), "sgd-hinge": SGDClassifier(random_state=0),
                            "svc": SVC(kernel="linear"), "linear-svc": LinearSVC(random_state=0), "ridge": RidgeClassifier()}.items():
            yield f"{name}-{target}", make_pipeline(StandardScaler(), model), t.numbers, y, False
    yield "svc-ovo", make_pipeline(StandardScaler(), SVC(kernel="linear", decision_function_shape="ovo")), t.numbers, t.three, False


def other_cases(t):
    for target in ("labels", "three"):
        y = getattr(t, target)
        for name, model in {"gaussian-nb": GaussianNB(), "multinomial-nb": MultinomialNB(), "bernoulli-nb": BernoulliNB(binarize=1.0),
                            "complement-nb": ComplementNB()}.items():
            yield f"{name}-{target}", model, t.counts, y, False
        for name, model in {"knn": KNeighborsClassifier(), "knn-distance": KNeighborsClassifier(7, weights="distance", p=1),
                            "mlp": MLPClassifier((12, 5), max_iter=60, random_state=0),
                            "mlp-tanh": MLPClassifier((6,), activation="tanh", max_iter=60, random_state=0)}.items():
            yield f"{name}-{target}", make_pipeline(StandardScaler(), model), t.numbers, y, False
    yield "knn-regressor", make_pipeline(StandardScaler(), KNeighborsRegressor(algorithm="brute")), t.numbers, t.value, False
    yield "knn-regressor-distance", make_pipeline(StandardScaler(), KNeighborsRegressor(4, weights="distance")), t.numbers, t.value, False
    yield "mlp-regressor", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8,), activation="logistic", max_iter=60, random_state=0)), t.numbers, t.value, False


def tree_cases(t):
    for name, model in {"tree": DecisionTreeClassifier(random_state=0), "forest": RandomForestClassifier(15, random_state=0),
                        "extra": ExtraTreesClassifier(10, max_leaf_nodes=30, random_state=0),
                        "boosted": GradientBoostingClassifier(n_estimators=10, subsample=0.5, random_state=0),
                        "histogram": HistGradientBoostingClassifier(max_iter=12, random_state=0)}.items():  # sklearn-onnx#1227
        for target in ("labels", "three"):
            yield f"{name}-{target}", model, t.numbers, getattr(t, target), True
    yield "boosted-exponential", GradientBoostingClassifier(loss="exponential", n_estimators=8), t.numbers, t.binary, True
    yield "boosted-zero", GradientBoostingRegressor(loss="huber", init="zero", n_estimators=12, random_state=0), t.numbers, t.value, True
    for name, model in {"tree": DecisionTreeRegressor(random_state=0), "forest": RandomForestRegressor(10, random_state=0),
                        "extra": ExtraTreesRegressor(10, random_state=0),
                        "histogram": HistGradientBoostingRegressor(max_iter=20, random_state=0)}.items():  # sklearn-onnx#1253
        yield f"missing-{name}", model, t.missing, t.value, True
    yield "missing-forest-classifier", RandomForestClassifier(10, random_state=0), t.missing, t.three, True
    yield "histogram-poisson", HistGradientBoostingRegressor(loss="poisson", max_iter=10), t.missing, t.positive, True
    yield "histogram-categories", HistGradientBoostingClassifier(max_iter=20, categorical_features=["city", "code"]), t.mixed, t.binary, True
    yield "isolation", IsolationForest(n_estimators=20, random_state=0), t.numbers, None, False
    yield "isolation-subset", IsolationForest(n_estimators=20, max_features=2, contamination=0.1, random_state=0), t.array, None, False


def wrapper_cases(t):
    logistic, tree = make_pipeline(StandardScaler(), LogisticRegression()), DecisionTreeClassifier(max_depth=4, random_state=0)
    forest = RandomForestClassifier(6, max_depth=4, random_state=0)
    members = [("logistic", logistic), ("tree", tree), ("svc", make_pipeline(StandardScaler(), LinearSVC()))]
    for target in ("labels", "three"):
        y = getattr(t, target)
        for method in ("sigmoid", "isotonic", "temperature"):
            yield f"calibrated-{method}-{target}", CalibratedClassifierCV(forest, method=method, cv=3), t.numbers, y, False
        yield f"calibrated-svc-{target}", CalibratedClassifierCV(LinearSVC(random_state=0), cv=2), t.numbers, y, False
        yield f"voting-soft-{target}", VotingClassifier([("l", logistic), ("t", tree)], voting="soft", weights=[2, 1]), t.numbers, y, False
        yield f"voting-hard-{target}", VotingClassifier([("t", tree), ("f", forest), ("d", DecisionTreeClassifier(max_depth=2))]), t.numbers, y, True
        yield f"stacking-{target}", StackingClassifier(members, LogisticRegression(), cv=2, passthrough=True), t.numbers, y, False
    yield "voting-regressor", VotingRegressor([("r", Ridge()), ("t", DecisionTreeRegressor(max_depth=3))], weights=[1, 3]), t.numbers, t.value, False
    yield "stacking-regressor", StackingRegressor([("t", DecisionTreeRegressor(max_depth=3)), ("r", Ridge())], DecisionTreeRegressor(max_depth=4), cv=2), t.numbers, t.value, False
    yield "fixed-threshold", FixedThresholdClassifier(forest, threshold=0.3), t.numbers, t.binary, True
    yield "fixed-threshold-first", FixedThresholdClassifier(logistic, threshold=0.6, pos_label="no", response_method="predict_proba"), t.numbers, t.labels, False
    yield "tuned-threshold", TunedThresholdClassifierCV(forest, cv=2, thresholds=20), t.numbers, t.binary, True  # sklearn-onnx#1226
    yield "named-pipeline", Pipeline([("scale", StandardScaler()), ("nothing", "passthrough"), ("model", forest)]), t.numbers, t.three, True


FAMILIES = (preprocessing_cases, transformer_cases, text_cases, linear_cases, other_cases, tree_cases, wrapper_cases)


def fitted_cases(tables, families=FAMILIES):
    """(name, fitted estimator, rows, is_exact)"""
    for family in families:
        for name, estimator, rows, target, is_exact in family(tables):
            yield f"{family.__name__.removesuffix('_cases')}/{name}", estimator.fit(rows, target), rows, is_exact
