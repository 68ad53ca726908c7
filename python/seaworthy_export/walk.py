"""Finds the writer of each fitted estimator."""

import numpy as np

from .builder import Refused

TRANSFORMERS, MODELS = {}, {}


def transformer(*names):
    """Registers fn(builder, estimator, flow, path) -> Flow for scikit-learn's classes of these names."""
    def register(function):
        TRANSFORMERS.update(dict.fromkeys(names, function))
        return function
    return register


def model(*names):
    """Registers fn(builder, estimator, flow, path) -> Model."""
    def register(function):
        MODELS.update(dict.fromkeys(names, function))
        return function
    return register


class Model:
    """A fitted model's outputs, each written when it is asked for.

    decision: what decision_function gives; proba: a probability for each class; predict: a regressor's
    value or the index of a class. `classes` is None for regressors."""

    def __init__(self, classes=None, decision=None, proba=None, predict=None, positive=None):
        self.classes = classes
        self.decision, self.proba, self.predict = _once(decision), _once(proba), _once(predict)
        self.positive = _once(positive)  # the second class's probability, where it comes alone


def _once(function):
    if function is None:
        return None
    kept = []

    def call():
        if not kept:
            kept.append(function())
        return kept[0]
    return call


def _find(table, estimator, path, what):
    cls = type(estimator)
    write = table.get(cls.__name__) if cls.__module__.split(".")[0] == "sklearn" else None
    if write is None:
        raise Refused(path, f"{what} {cls.__module__}.{cls.__name__} is not known to this exporter")
    return write


def walk_transformer(builder, estimator, flow, path):
    return _find(TRANSFORMERS, estimator, path, "the transformer")(builder, estimator, flow, path)


def walk_model(builder, estimator, flow, path):
    is_network = type(estimator).__name__ == "MLPClassifier"  # n_outputs_ counts its classes
    if not is_network and getattr(estimator, "n_outputs_", 1) != 1:
        raise Refused(path, "several targets are not written")
    classes = getattr(estimator, "classes_", None)
    if isinstance(classes, list) or (classes is not None and getattr(classes, "ndim", 1) != 1):
        raise Refused(path, "several targets are not written")
    return _find(MODELS, estimator, path, "the model")(builder, estimator, flow, path)


def is_model(estimator):
    return hasattr(estimator, "predict") and not hasattr(estimator, "transform") or \
        type(estimator).__name__ in MODELS


def column(golden, index):
    return np.ascontiguousarray(golden[:, index:index + 1])
