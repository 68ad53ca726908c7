"""Linear models."""

import numpy as np

from .builder import Refused, as_numbers, floats
from .probabilities import probabilities
from .walk import Model, model


def required(builder, flow, path):
    """What the library's check of its input refuses: NaN and infinities."""
    source = flow.numbers(path)
    return builder.add("require", path, [source], source.width, golden=source.golden, is_shown=False,
                       allows_missing=False, as_float=False)


def matrix(values):
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)


def add_linear(builder, path, source, weights, intercept, golden, **more):
    weights = np.asarray(weights, dtype=np.float64).reshape(-1, source.width)
    intercept = np.broadcast_to(np.asarray(intercept, dtype=np.float64).ravel(), (len(weights),))
    return builder.add("linear", path, [source], len(weights), golden=golden, weights=floats(weights),
                       intercept=floats(intercept), **more)


def _decision(builder, estimator, flow, path):
    source = required(builder, flow, path)
    return add_linear(builder, path, source, estimator.coef_, estimator.intercept_, matrix(estimator.decision_function(flow.data)))


@model("LogisticRegression", "LogisticRegressionCV")
def logistic_regression(builder, estimator, flow, path):
    raw = _decision(builder, estimator, flow, path)
    proba = estimator.predict_proba(flow.data)
    if raw.width > 1 and _is_one_against_rest(estimator):
        whole, positive = one_against_rest(builder, path, raw, proba), None
    else:
        whole, positive = probabilities(builder, path, raw, proba)
    return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=positive)


def _is_one_against_rest(estimator):
    """Before 1.8 multi_class and the solver decided."""
    choice = getattr(estimator, "multi_class", "multinomial")
    return choice == "ovr" or (choice in ("auto", "deprecated", "warn") and estimator.solver == "liblinear")


def one_against_rest(builder, path, raw, proba):
    def whole():
        each = builder.add("apply", f"{path}/sigmoid", [raw], raw.width, function="sigmoid")
        return builder.add("row", f"{path}/share", [each], raw.width, golden=proba, function="share")
    return whole


REGRESSORS = ("LinearRegression", "Ridge", "RidgeCV", "Lasso", "LassoCV", "ElasticNet", "ElasticNetCV", "Lars", "LarsCV",
              "LassoLars", "LassoLarsCV", "LassoLarsIC", "OrthogonalMatchingPursuit", "OrthogonalMatchingPursuitCV",
              "BayesianRidge", "ARDRegression", "HuberRegressor", "SGDRegressor", "PassiveAggressiveRegressor",
              "TheilSenRegressor", "QuantileRegressor", "LinearSVR")


def _one_row(values):
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)


def _regression(builder, estimator, flow, path):
    coef = _one_row(estimator.coef_)
    if coef.ndim == 2 and coef.shape[0] != 1:
        raise Refused(path, "several targets are not written")
    source = required(builder, flow, path)
    cells = as_numbers(flow.data) @ coef.reshape(-1, 1) + np.ravel(estimator.intercept_)
    return add_linear(builder, path, source, coef, estimator.intercept_, cells)


@model(*REGRESSORS)
def linear_regressor(builder, estimator, flow, path):
    def predict():
        coef = _one_row(estimator.coef_)
        if coef.ndim == 2 and coef.shape[0] != 1:
            raise Refused(path, "several targets are not written")
        source = required(builder, flow, path)
        return add_linear(builder, path, source, coef, estimator.intercept_, matrix(estimator.predict(flow.data)))
    return Model(predict=predict)


@model("PoissonRegressor", "GammaRegressor", "TweedieRegressor")
def generalized_regressor(builder, estimator, flow, path):
    raw = _regression(builder, estimator, flow, path)
    if type(estimator).__name__ == "TweedieRegressor" and (
            estimator.link == "identity" or (estimator.link == "auto" and estimator.power <= 0)):
        return Model(predict=lambda: raw)
    return Model(decision=lambda: raw, predict=lambda: builder.add(
        "apply", f"{path}/exp", [raw], 1, golden=matrix(estimator.predict(flow.data)), function="exp"))


def label_of(builder, path, raw, labels):
    """The index of the class that linear scores decide for; `labels` as the library predicts them."""
    if raw.width == 1:
        return builder.add("step", f"{path}/label", [raw], 1, golden=labels, threshold=0.0, only_above=True)
    return builder.add("row", f"{path}/label", [raw], 1, golden=labels, function="argmax")


def _labels(estimator, flow):
    return matrix(np.searchsorted(estimator.classes_, estimator.predict(flow.data)))


@model("LinearSVC", "RidgeClassifier", "RidgeClassifierCV", "Perceptron", "PassiveAggressiveClassifier")
def linear_classifier(builder, estimator, flow, path):
    raw = _decision(builder, estimator, flow, path)
    return Model(estimator.classes_, decision=lambda: raw, predict=lambda: label_of(builder, path, raw, _labels(estimator, flow)))


@model("SGDClassifier")
def sgd_classifier(builder, estimator, flow, path):
    raw = _decision(builder, estimator, flow, path)
    if estimator.loss == "log_loss":
        proba = estimator.predict_proba(flow.data)
        whole, positive = probabilities(builder, path, raw, proba) if raw.width == 1 else \
            (one_against_rest(builder, path, raw, proba), None)
        return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=positive)
    if estimator.loss == "modified_huber":
        return _huber(builder, estimator, flow, path, raw)
    return Model(estimator.classes_, decision=lambda: raw, predict=lambda: label_of(builder, path, raw, _labels(estimator, flow)))


def _huber(builder, estimator, flow, path, raw):
    """(clip(score, -1, 1) + 1) / 2; shares of more classes."""
    proba = estimator.predict_proba(flow.data)
    clipped = builder.add("scale", f"{path}/clip", [raw], raw.width, low=-1.0, high=1.0)
    half = builder.add("scale", f"{path}/half", [clipped], raw.width, subtract=[-1.0] * raw.width, divide=[2.0] * raw.width)
    if raw.width > 1:
        return Model(estimator.classes_, decision=lambda: raw, proba=lambda: builder.add(
            "row", f"{path}/share", [half], raw.width, golden=proba, function="share"))

    def whole():
        other = builder.add("scale", f"{path}/other", [half], 1, golden=proba[:, :1].copy(), multiply=[-1.0], add=[1.0])
        return builder.select(path, [(other, 0), (half, 0)])
    half.golden = proba[:, 1:].copy()
    builder.stages[half.number - len(builder.inputs)]["golden"] = floats(half.golden)
    return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=lambda: half)


@model("LinearDiscriminantAnalysis")
def linear_discriminant(builder, estimator, flow, path):
    raw = _decision(builder, estimator, flow, path)
    whole, positive = probabilities(builder, path, raw, estimator.predict_proba(flow.data))
    return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=positive)


def _only_linear(estimator, path):
    if estimator.kernel != "linear":
        raise Refused(path, f"kernel={estimator.kernel!r} is not written; only linear kernels are")


def _vector_sizes(estimator):
    """libsvm sums over its vectors; their sizes bound how that rounds."""
    vectors, dual = np.abs(_one_row(estimator.support_vectors_)), np.abs(_one_row(estimator.dual_coef_))
    sizes = dual.sum(axis=0) @ vectors
    return {"terms": int(len(vectors)), "sizes": floats(np.broadcast_to(sizes, _one_row(estimator.coef_).shape))}


@model("SVR", "NuSVR")
def svr(builder, estimator, flow, path):
    _only_linear(estimator, path)
    source = required(builder, flow, path)
    value = add_linear(builder, path, source, _one_row(estimator.coef_), estimator.intercept_,
                       matrix(estimator.predict(flow.data)), **_vector_sizes(estimator))
    return Model(predict=lambda: value)


@model("SVC", "NuSVC")
def svc(builder, estimator, flow, path):
    """More than two classes: a decision for each pair of them."""
    _only_linear(estimator, path)
    if estimator.probability is True:
        raise Refused(path, "probability=True; calibrate with CalibratedClassifierCV instead")
    classes, coef = len(estimator.classes_), _one_row(estimator.coef_)
    source = required(builder, flow, path)
    decision = matrix(estimator.decision_function(flow.data))
    if classes == 2:
        raw = add_linear(builder, path, source, coef, estimator.intercept_, decision, **_vector_sizes(estimator))
        return Model(estimator.classes_, decision=lambda: raw, predict=lambda: label_of(builder, path, raw, _labels(estimator, flow)))
    shape = estimator.decision_function_shape
    pairs = add_linear(builder, path, source, coef, estimator.intercept_, decision if shape == "ovo" else matrix(
        estimator._decision_function(as_validated(estimator, flow.data))), **_vector_sizes(estimator))
    raw = pairs if shape == "ovo" else builder.add("row", f"{path}/pairs", [pairs], classes, golden=decision, function="pairs")

    def predict():
        if estimator.break_ties and shape == "ovr":
            return label_of(builder, path, raw, _labels(estimator, flow))
        return builder.add("row", f"{path}/label", [pairs], 1, golden=_labels(estimator, flow), function="pair_votes")
    return Model(estimator.classes_, decision=lambda: raw, predict=predict)


def as_validated(estimator, data):
    return data if hasattr(data, "columns") or hasattr(data, "toarray") else np.asarray(data)
