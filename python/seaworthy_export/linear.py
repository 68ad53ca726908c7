"""Linear models."""

import numpy as np

from .builder import floats
from .trees import probabilities
from .walk import Model, model


def required(builder, flow, path):
    """What the library's check of its input refuses: NaN and infinities."""
    source = flow.numbers(path)
    return builder.add("require", path, [source], source.width, golden=source.golden, is_shown=False,
                       allows_missing=False, as_float=False)


def matrix(values):
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)


def add_linear(builder, path, source, weights, intercept, golden):
    weights = np.asarray(weights, dtype=np.float64).reshape(-1, source.width)
    intercept = np.broadcast_to(np.asarray(intercept, dtype=np.float64).ravel(), (len(weights),))
    return builder.add("linear", path, [source], len(weights), golden=golden, weights=floats(weights),
                       intercept=floats(intercept))


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
              "LassoLars", "LassoLarsCV", "BayesianRidge", "ARDRegression", "HuberRegressor", "SGDRegressor",
              "QuantileRegressor", "LinearSVR")


@model(*REGRESSORS)
def linear_regressor(builder, estimator, flow, path):
    def predict():
        source = required(builder, flow, path)
        return add_linear(builder, path, source, estimator.coef_, estimator.intercept_, matrix(estimator.predict(flow.data)))
    return Model(predict=predict)
