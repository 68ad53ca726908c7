"""Naive Bayes, neighbors, and networks."""

import numpy as np

from .builder import Refused, floats, number
from .linear import add_linear, matrix, required
from .probabilities import probabilities
from .walk import Model, column, model

TIE = 1e-7  # relative: nearer neighbors are at one distance


def _bayes(builder, estimator, path, joint, proba):
    return Model(estimator.classes_, proba=lambda: builder.add("row", f"{path}/proba", [joint], joint.width, golden=proba,
                                                               function="log_share"))


@model("GaussianNB")
def gaussian_nb(builder, estimator, flow, path):
    source = required(builder, flow, path)
    priors = [np.log(prior) - 0.5 * np.sum(np.log(2.0 * np.pi * variances))
              for prior, variances in zip(estimator.class_prior_, estimator.var_)]
    joint = builder.add("gaussian", path, [source], len(priors), golden=matrix(estimator.predict_joint_log_proba(flow.data)),
                        means=floats(estimator.theta_), variances=floats(estimator.var_), priors=floats(priors))
    return _bayes(builder, estimator, path, joint, estimator.predict_proba(flow.data))


def _linear_bayes(builder, estimator, flow, path, source, weights, intercept):
    joint = add_linear(builder, path, source, weights, intercept, matrix(estimator.predict_joint_log_proba(flow.data)))
    return _bayes(builder, estimator, path, joint, estimator.predict_proba(flow.data))


@model("MultinomialNB")
def multinomial_nb(builder, estimator, flow, path):
    return _linear_bayes(builder, estimator, flow, path, required(builder, flow, path), estimator.feature_log_prob_,
                         estimator.class_log_prior_)


@model("ComplementNB")
def complement_nb(builder, estimator, flow, path):
    intercept = estimator.class_log_prior_ if len(estimator.classes_) == 1 else np.zeros(len(estimator.classes_))
    return _linear_bayes(builder, estimator, flow, path, required(builder, flow, path), estimator.feature_log_prob_, intercept)


@model("BernoulliNB")
def bernoulli_nb(builder, estimator, flow, path):
    source = required(builder, flow, path)
    if estimator.binarize is not None:
        source = builder.add("step", f"{path}/binarize", [source], source.width, threshold=number(estimator.binarize), only_above=True)
    absent = np.log(1 - np.exp(estimator.feature_log_prob_))
    return _linear_bayes(builder, estimator, flow, path, source, estimator.feature_log_prob_ - absent,
                         estimator.class_log_prior_ + absent.sum(axis=1))


# Neighbors.

def _ties(estimator, flow):
    """Rows whose last neighbor is about as far away as the next one."""
    if estimator.n_neighbors >= estimator.n_samples_fit_:
        return np.zeros(flow.data.shape[0], dtype=bool)
    distances = estimator.kneighbors(flow.data, estimator.n_neighbors + 1)[0]
    return ~(distances[:, -1] - distances[:, -2] > TIE * distances[:, -1])


def _neighbors(builder, estimator, flow, path, classes, golden):
    metric, power = estimator.effective_metric_, (estimator.effective_metric_params_ or {}).get("p", estimator.p)
    powers = {"euclidean": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0, "l2": 2.0, "chebyshev": np.inf,
              "minkowski": float(power)}
    if powers.get(metric) not in (1.0, 2.0, np.inf) or estimator.weights not in ("uniform", "distance", None):
        raise Refused(path, f"metric={metric!r} with p={power}, weights={estimator.weights!r} is not written")
    table = estimator._fit_X
    table = table.toarray() if hasattr(table, "toarray") else np.asarray(table)
    if np.ndim(estimator._y) != 1:
        raise Refused(path, "several targets are not written")
    source = required(builder, flow, path)
    builder.doubt(_ties(estimator, flow))
    return builder.add("neighbors", path, [source], max(classes, 1), golden=golden, k=int(estimator.n_neighbors),
                       p=number(powers[metric]), by_distance=estimator.weights == "distance", table=floats(table),
                       classes=classes, targets=floats(estimator._y))


@model("KNeighborsClassifier")
def k_neighbors_classifier(builder, estimator, flow, path):
    proba = matrix(estimator.predict_proba(flow.data))
    return Model(estimator.classes_, proba=lambda: _neighbors(builder, estimator, flow, path, len(estimator.classes_), proba))


@model("KNeighborsRegressor")
def k_neighbors_regressor(builder, estimator, flow, path):
    golden = matrix(estimator.predict(flow.data))
    return Model(predict=lambda: _neighbors(builder, estimator, flow, path, 0, golden))


# Networks.

FUNCTIONS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid"}


def _layers(builder, estimator, flow, path):
    """Every layer, with what the library computes there. Gives the last before its activation."""
    value = required(builder, flow, path)
    cells = flow.data.toarray() if hasattr(flow.data, "toarray") else np.asarray(flow.data, dtype=np.float64)
    function = FUNCTIONS.get(estimator.activation)
    for i, (weights, intercept) in enumerate(zip(estimator.coefs_, estimator.intercepts_)):
        cells = cells @ weights + intercept
        value = add_linear(builder, f"{path}/layer{i}", value, weights.T, intercept, cells)
        if i < len(estimator.coefs_) - 1 and function:
            cells = _activated(estimator.activation, cells)
            value = builder.add("apply", f"{path}/layer{i}", [value], value.width, golden=cells, function=function)
    return value


def _activated(name, cells):
    from sklearn.neural_network._base import ACTIVATIONS
    cells = cells.copy()
    ACTIVATIONS[name](cells)
    return cells


@model("MLPClassifier")
def mlp_classifier(builder, estimator, flow, path):
    if estimator._label_binarizer.y_type_.startswith("multilabel"):
        raise Refused(path, "several targets are not written")
    whole, positive = probabilities(builder, path, _layers(builder, estimator, flow, path), estimator.predict_proba(flow.data))
    return Model(estimator.classes_, proba=whole, positive=positive)


@model("MLPRegressor")
def mlp_regressor(builder, estimator, flow, path):
    def predict():
        last = _layers(builder, estimator, flow, path)
        if last.width != 1 or estimator.out_activation_ not in ("identity", "exp"):
            raise Refused(path, f"{last.width} targets, out_activation_={estimator.out_activation_!r} is not written")
        if estimator.out_activation_ == "identity":
            return last
        return builder.add("apply", f"{path}/exp", [last], 1, golden=matrix(estimator.predict(flow.data)), function="exp")
    return Model(predict=predict)
