"""Models made of other models."""

import numpy as np

from .builder import Refused, floats, number
from .flow import Flow
from .linear import label_of, matrix
from .walk import Model, column, model, walk_model, walk_transformer


@model("Pipeline")
def pipeline(builder, estimator, flow, path):
    for name, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            flow = walk_transformer(builder, step, flow, f"{path}/{name}")
    return walk_model(builder, estimator.steps[-1][1], flow, f"{path}/{estimator.steps[-1][0]}")


@model("FrozenEstimator")
def frozen(builder, estimator, flow, path):
    return walk_model(builder, estimator.estimator, flow, path)


@model("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV")
def search(builder, estimator, flow, path):
    return walk_model(builder, estimator.best_estimator_, flow, f"{path}/best_estimator_")


def blend(builder, path, values, golden, weights=None, divisor=1.0):
    joined = builder.select(path, [(value, i) for value in values for i in range(value.width)])
    more = {} if weights is None else {"weights": floats(weights)}
    return builder.add("blend", path, [joined], values[0].width, golden=golden, count=len(values), divisor=number(divisor), **more)


def label(builder, made, path):
    """The index of the class that a classifier's predict answers."""
    if made.predict is not None:
        return made.predict()
    if made.decision is not None:
        return label_of(builder, path, made.decision())
    return builder.add("row", f"{path}/label", [made.proba()], 1, function="argmax")


# Calibration.

def _logits(builder, path, value, binary):
    if value.width > 1 and not binary:
        return value
    minus = builder.add("scale", f"{path}/minus", [value], 1, multiply=[-1.0])
    return builder.select(path, [(minus, 0), (value, 0)])


def _temperature(builder, calibrated, made, path, proba):
    beta = float(calibrated.calibrators[0].beta_)
    if made.decision is not None:
        logits = _logits(builder, path, made.decision(), proba.shape[1] == 2)
    else:
        inner = made.proba()
        if inner.width == 2:  # it takes 1 - p for the first
            positive = made.positive() if made.positive else builder.select(path, [(inner, 1)])
            other = builder.add("scale", f"{path}/other", [positive], 1, golden=1 - positive.golden, multiply=[-1.0], add=[1.0])
            inner = builder.select(path, [(other, 0), (positive, 0)])
        cells = None if inner.golden is None else inner.golden + 1e-12
        moved = builder.add("scale", f"{path}/moved", [inner], inner.width, golden=cells, add=[1e-12] * inner.width)
        logits = builder.add("apply", f"{path}/log", [moved], inner.width, golden=None if cells is None else np.log(cells),
                             function="log")
    scaled = builder.add("scale", f"{path}/temperature", [logits], logits.width, multiply=[beta] * logits.width)
    return builder.add("row", f"{path}/softmax", [scaled], scaled.width, golden=proba, function="softmax")


def _curves(builder, calibrated, scores, path, golden):
    """Each class's score through its calibrator."""
    calibrators = calibrated.calibrators
    if calibrated.method == "sigmoid":
        value = builder.add("scale", f"{path}/line", [scores], scores.width, multiply=floats([own.a_ for own in calibrators]),
                            add=floats([own.b_ for own in calibrators]))
        value = builder.add("scale", f"{path}/minus", [value], scores.width, multiply=[-1.0] * scores.width)
        return builder.add("apply", f"{path}/sigmoid", [value], scores.width, golden=golden, function="sigmoid")
    curves = [{"x": floats(own.X_thresholds_), "y": floats(own.y_thresholds_)} for own in calibrators]
    value = builder.add("interpolate", f"{path}/isotonic", [scores], scores.width, curves=curves)
    return builder.add("scale", f"{path}/at_most_1", [value], scores.width, golden=golden, high=1.0)


def _calibrated(builder, calibrated, flow, path, classes):
    made = walk_model(builder, calibrated.estimator, flow, f"{path}/estimator")
    if len(made.classes) != len(classes):
        raise Refused(path, "a calibrated model saw only some of the classes")
    if calibrated.method == "temperature":
        return _temperature(builder, calibrated, made, path, calibrated.predict_proba(flow.data))
    if made.decision is not None:
        scores = made.decision()
    else:
        scores = made.positive() if made.positive else made.proba()
        if len(classes) == 2 and scores.width == 2:
            scores = builder.select(path, [(scores, 1)])
    proba = calibrated.predict_proba(flow.data)
    curved = _curves(builder, calibrated, scores, path, column(proba, 1) if len(classes) == 2 else None)
    if len(classes) > 2:
        return builder.add("row", f"{path}/share", [curved], curved.width, golden=proba, function="share")
    other = builder.add("scale", f"{path}/other", [curved], 1, golden=column(proba, 0), multiply=[-1.0], add=[1.0])
    return builder.select(path, [(other, 0), (curved, 0)])


@model("CalibratedClassifierCV")
def calibrated_classifier(builder, estimator, flow, path):
    each = [_calibrated(builder, own, flow, f"{path}/{i}", estimator.classes_)
            for i, own in enumerate(estimator.calibrated_classifiers_)]
    proba = estimator.predict_proba(flow.data)
    return Model(estimator.classes_, proba=lambda: blend(builder, f"{path}/mean", each, proba, divisor=len(each)))


# Voting and stacking.

def _members(builder, estimator, flow, path):
    names = [name for name, member in estimator.estimators if not (isinstance(member, str) and member == "drop")]
    return [walk_model(builder, member, flow, f"{path}/{name}") for name, member in zip(names, estimator.estimators_)]


@model("VotingClassifier")
def voting_classifier(builder, estimator, flow, path):
    members, weights = _members(builder, estimator, flow, path), estimator._weights_not_none
    total = len(members) if weights is None else float(np.sum(weights))
    if estimator.voting == "soft":
        proba = estimator.predict_proba(flow.data)
        return Model(estimator.classes_, proba=lambda: blend(builder, f"{path}/mean", [own.proba() for own in members], proba,
                                                             weights, total))

    def predict():
        classes = len(estimator.classes_)
        column_of = {"numbers": floats(range(classes)), "places": list(range(classes)), "width": classes, "unknown": -2,
                     "missing_place": -2}
        votes = [builder.add("one_hot", f"{path}/votes", [label(builder, own, path)], classes, columns=[column_of])
                 for own in members]
        counts = blend(builder, f"{path}/counts", votes, None, weights)
        golden = matrix(np.searchsorted(estimator.classes_, estimator.predict(flow.data)))
        return builder.add("row", f"{path}/label", [counts], 1, golden=golden, function="argmax")
    return Model(estimator.classes_, predict=predict)


@model("VotingRegressor")
def voting_regressor(builder, estimator, flow, path):
    members, weights = _members(builder, estimator, flow, path), estimator._weights_not_none
    total = len(members) if weights is None else float(np.sum(weights))
    golden = matrix(estimator.predict(flow.data))
    return Model(predict=lambda: blend(builder, f"{path}/mean", [own.predict() for own in members], golden, weights, total))


def _stacked(builder, estimator, flow, path):
    """What the final estimator reads: each member's answer, without a binary one's first probability."""
    columns, data = [], estimator.transform(flow.data)
    for made, method in zip(_members(builder, estimator, flow, path), estimator.stack_method_):
        if method == "predict_proba" and len(made.classes) == 2:
            value = made.positive() if made.positive else builder.select(path, [(made.proba(), 1)])
        elif method == "predict" and made.classes is not None:
            if list(made.classes) != list(range(len(made.classes))):
                raise Refused(path, "a member answers labels that are not 0, 1, ...")
            value = label(builder, made, path)
        else:
            value = {"predict_proba": made.proba, "decision_function": made.decision, "predict": made.predict}[method]()
        columns += [(value, i) for i in range(value.width)]
    return Flow(builder, data, columns + (flow.columns if estimator.passthrough else []))


@model("StackingClassifier", "StackingRegressor")
def stacking(builder, estimator, flow, path):
    made = walk_model(builder, estimator.final_estimator_, _stacked(builder, estimator, flow, path), f"{path}/final_estimator")
    made.classes = getattr(estimator, "classes_", None)
    return made


# Thresholds.

@model("FixedThresholdClassifier", "TunedThresholdClassifierCV")
def threshold_classifier(builder, estimator, flow, path):
    inner = getattr(estimator, "estimator_", estimator.estimator)
    made = walk_model(builder, inner, flow, f"{path}/estimator")
    methods = estimator._get_response_method()
    methods = [methods] if isinstance(methods, str) else list(methods)
    method = next(name for name in methods if hasattr(inner, name))
    positive = getattr(estimator, "pos_label", None)
    if hasattr(estimator, "_curve_scorer"):
        positive = estimator._curve_scorer._get_pos_label()
    is_first = positive is not None and positive == estimator.classes_[0]
    if method == "predict_proba":
        score = builder.select(path, [(made.proba(), 0)]) if is_first else \
            (made.positive() if made.positive else builder.select(path, [(made.proba(), 1)]))
    else:
        score = made.decision()
        score = builder.add("scale", f"{path}/minus", [score], 1, golden=-score.golden, multiply=[-1.0]) if is_first else score
    threshold = estimator.best_threshold_ if hasattr(estimator, "best_threshold_") else estimator.threshold
    if isinstance(threshold, str):
        threshold = 0.5 if method == "predict_proba" else 0.0

    def predict():
        golden = matrix((estimator.predict(flow.data) == estimator.classes_[1]).astype(float))
        step = builder.add("step", f"{path}/label", [score], 1, golden=None if is_first else golden, threshold=number(threshold),
                           only_above=False)
        if not is_first:
            return step
        return builder.add("scale", f"{path}/label", [step], 1, golden=golden, multiply=[-1.0], add=[1.0])
    return Model(estimator.classes_, decision=lambda: score, predict=predict)
