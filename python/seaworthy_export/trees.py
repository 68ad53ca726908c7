"""Trees and their ensembles, as the forest that every tree format becomes in Seaworthy."""

import numpy as np

from .builder import Refused, floats, ints, number
from .probabilities import probabilities
from .walk import Model, column, model


def tree_json(tree, leaves, output=0):
    """A scikit-learn tree_; `leaves` has a row of leaf values for each of its nodes."""
    is_leaf = tree.children_left == -1
    return _tree_json(is_leaf, tree.children_left, tree.children_right, tree.feature, tree.threshold,
                      _missing_left(tree), leaves, tree.weighted_n_node_samples, output)


def _missing_left(tree):
    left = getattr(tree, "missing_go_to_left", None)  # scikit-learn 1.3 and later
    return np.zeros(tree.node_count, dtype=int) if left is None else np.asarray(left)


def _tree_json(is_leaf, left, right, feature, threshold, missing_left, leaves, covers, output, more=None):
    """Nodes and leaves are numbered apart, both in the order of the library, which has parents first."""
    inner = np.flatnonzero(~is_leaf)
    places = np.empty(len(is_leaf), dtype=np.int64)
    places[inner] = np.arange(len(inner))
    places[is_leaf] = ~np.arange(int(is_leaf.sum()))
    written = {"feature": ints(feature[inner]), "threshold": floats(threshold[inner]),
               "left": ints(places[np.asarray(left, dtype=np.int64)[inner]]),
               "right": ints(places[np.asarray(right, dtype=np.int64)[inner]]),
               "missing_left": ints(missing_left[inner]), "leaves": floats(leaves[is_leaf]),
               "covers": floats(np.concatenate([covers[inner], covers[is_leaf]])), "output": output}
    if more is not None:
        written.update(more(inner))
    return written


def add_forest(builder, path, source, trees, outputs, golden, leaf_width=1, base=None, divisor=1.0, float_inputs=True,
               **more):
    forest = {"features": source.width, "outputs": outputs, "leaf_width": leaf_width, "float_inputs": float_inputs,
              "divisor": number(divisor), "trees": trees, **more}
    if base is not None:
        forest["base"] = floats(base)
    return builder.add("forest", path, [source], outputs, golden=golden, **forest)


def _required(builder, flow, path, estimator):
    """What the trees' own check of their input refuses."""
    source = flow.numbers(path, float32_allowed=True)
    supports = getattr(estimator, "_support_missing_values", None)  # scikit-learn 1.3 and later
    return builder.add("require", path, [source], source.width, golden=source.golden, is_shown=False,
                       allows_missing=supports is not None and bool(supports(flow.data)), as_float=True)


def class_rows(tree, classes):
    """Leaf rows of a classifier: the share of each class."""
    values = tree.value[:, 0, :classes]
    sums = values.sum(axis=1, keepdims=True)
    return values if np.allclose(sums[tree.children_left == -1], 1) else values / sums  # counts before 1.3


def _proba_model(builder, estimator, flow, path, estimators):
    """Mean of the trees' shares; two classes are one sum."""
    classes = len(estimator.classes_)
    proba = np.asarray(estimator.predict_proba(flow.data))
    source = _required(builder, flow, path, estimators[0])
    divisor = len(estimators)

    def whole():
        trees = [tree_json(each.tree_, class_rows(each.tree_, classes)) for each in estimators]
        return add_forest(builder, path, source, trees, classes, proba, leaf_width=classes, divisor=divisor)

    def positive():
        trees = [tree_json(each.tree_, class_rows(each.tree_, classes)[:, 1:2]) for each in estimators]
        return add_forest(builder, path, source, trees, 1, column(proba, 1), divisor=divisor)

    return Model(estimator.classes_, proba=whole, positive=positive if classes == 2 else None)


@model("DecisionTreeClassifier", "ExtraTreeClassifier")
def tree_classifier(builder, estimator, flow, path):
    return _proba_model(builder, estimator, flow, path, [estimator])


@model("RandomForestClassifier", "ExtraTreesClassifier")
def forest_classifier(builder, estimator, flow, path):
    return _proba_model(builder, estimator, flow, path, list(estimator.estimators_))


def _value_model(builder, estimator, flow, path, estimators):
    def predict():
        golden = np.asarray(estimator.predict(flow.data)).reshape(-1, 1)
        source = _required(builder, flow, path, estimators[0])
        trees = [tree_json(each.tree_, each.tree_.value[:, 0, 0]) for each in estimators]
        return add_forest(builder, path, source, trees, 1, golden, divisor=len(estimators))
    return Model(predict=predict)


@model("DecisionTreeRegressor", "ExtraTreeRegressor")
def tree_regressor(builder, estimator, flow, path):
    return _value_model(builder, estimator, flow, path, [estimator])


@model("RandomForestRegressor", "ExtraTreesRegressor")
def forest_regressor(builder, estimator, flow, path):
    return _value_model(builder, estimator, flow, path, list(estimator.estimators_))


# Gradient boosting.

def _as_matrix(values):
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)


def _boosted(builder, estimator, flow, path):
    """The sum: constants of the first guess, then learning rate x leaf in the order of the stages."""
    first = estimator.init_
    if not (isinstance(first, str) and first == "zero") and type(first).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise Refused(path, f"init={type(first).__name__} is not written")
    outputs = estimator.estimators_.shape[1]
    zeros = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    base = np.asarray(estimator._raw_predict_init(zeros)).ravel()
    source = flow.numbers(path, float32_allowed=True)
    source = builder.add("require", path, [source], source.width, golden=source.golden, is_shown=False,
                         allows_missing=False, as_float=True)
    trees = [tree_json(tree.tree_, estimator.learning_rate * tree.tree_.value[:, 0, 0], k)
             for stage in estimator.estimators_ for k, tree in enumerate(stage)]
    golden = _as_matrix(estimator.decision_function(flow.data) if hasattr(estimator, "classes_") else estimator.predict(flow.data))
    return add_forest(builder, path, source, trees, outputs, golden, base=base)


@model("GradientBoostingClassifier")
def gradient_boosting_classifier(builder, estimator, flow, path):
    raw = _boosted(builder, estimator, flow, path)
    proba = estimator.predict_proba(flow.data)
    if estimator.loss == "exponential":  # expit(2 raw)
        raw2 = builder.add("scale", f"{path}/twice", [raw], 1, golden=raw.golden * 2, multiply=[2.0])
        whole, positive = probabilities(builder, path, raw2, proba)
    else:
        whole, positive = probabilities(builder, path, raw, proba)
    return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=positive)


@model("GradientBoostingRegressor")
def gradient_boosting_regressor(builder, estimator, flow, path):
    raw = _boosted(builder, estimator, flow, path)
    return Model(predict=lambda: raw)


def _bits(words):
    return {"bits": ints(np.asarray(words, dtype=np.uint32).view(np.int32))}


def _histogram_tree(predictor, output):
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    is_category = nodes["is_categorical"].astype(bool) if "is_categorical" in nodes.dtype.names else np.zeros_like(is_leaf)

    def sets(inner):
        if not is_category[inner].any():
            return {}
        places = np.where(is_category[inner], nodes["bitset_idx"][inner].astype(np.int64), -1)
        return {"set": ints(places), "sets": [_bits(row) for row in predictor.raw_left_cat_bitsets]}
    threshold = np.where(is_category, 0.0, nodes["num_threshold"])
    return _tree_json(is_leaf, nodes["left"].astype(np.int64), nodes["right"].astype(np.int64), nodes["feature_idx"],
                      threshold, nodes["missing_go_to_left"], nodes["value"], nodes["count"].astype(np.float64), output, sets)


def _histogram_raw(builder, estimator, flow, path):
    from .walk import walk_transformer
    if getattr(estimator, "_preprocessor", None) is not None:
        flow = walk_transformer(builder, estimator._preprocessor, flow, f"{path}/preprocessor")
    source = flow.numbers(path)
    trees = [_histogram_tree(predictor, k) for stage in estimator._predictors for k, predictor in enumerate(stage)]
    known, _ = estimator._bin_mapper.make_known_categories_bitsets()
    rows, more = iter(known), {}
    if len(known):
        more = {"codes": "known", "known": [_bits(next(rows)) if is_category else {"bits": []}
                                            for is_category in estimator._bin_mapper.is_categorical_]}
    outputs = estimator.n_trees_per_iteration_
    return source, trees, outputs, {"base": np.ravel(estimator._baseline_prediction), "float_inputs": False, **more}


@model("HistGradientBoostingClassifier")
def histogram_classifier(builder, estimator, flow, path):
    source, trees, outputs, more = _histogram_raw(builder, estimator, flow, path)
    golden = _as_matrix(estimator.decision_function(flow.data))
    raw = add_forest(builder, path, source, trees, outputs, golden, **more)
    whole, positive = probabilities(builder, path, raw, estimator.predict_proba(flow.data))
    return Model(estimator.classes_, decision=lambda: raw, proba=whole, positive=positive)


@model("HistGradientBoostingRegressor")
def histogram_regressor(builder, estimator, flow, path):
    source, trees, outputs, more = _histogram_raw(builder, estimator, flow, path)
    golden = _as_matrix(estimator._raw_predict(flow.data))
    raw = add_forest(builder, path, source, trees, outputs, golden, **more)
    if estimator.loss not in ("poisson", "gamma"):
        return Model(predict=lambda: raw)

    def predict():
        golden = _as_matrix(estimator.predict(flow.data))
        return builder.add("apply", f"{path}/exp", [raw], 1, golden=golden, function="exp")
    return Model(predict=predict, decision=lambda: raw)


def _accepts_infinity(estimator):
    try:
        estimator.score_samples(np.full((1, estimator.n_features_in_), np.inf))
        return True
    except ValueError:
        return False


@model("IsolationForest")
def isolation_forest(builder, estimator, flow, path):
    """The tree's part of the depth, then -2^-(depth / expected), then less the offset."""
    from sklearn.ensemble._iforest import _average_path_length
    if not hasattr(estimator, "_decision_path_lengths"):
        raise Refused(path, "IsolationForest of scikit-learn before 1.3")
    source = flow.numbers(path, float32_allowed=True)
    if not _accepts_infinity(estimator):
        source = builder.add("require", path, [source], source.width, golden=source.golden, is_shown=False,
                             allows_missing=True, as_float=True)
    trees = []
    for i, (tree, features) in enumerate(zip(estimator.estimators_, estimator.estimators_features_)):
        depths = estimator._decision_path_lengths[i] + estimator._average_path_length_per_tree[i] - 1.0
        written = tree_json(tree.tree_, depths)
        if estimator._max_features != source.width:
            written["feature"] = ints(np.asarray(features)[tree.tree_.feature[tree.tree_.children_left != -1]])
        trees.append(written)
    denominator = len(estimator.estimators_) * float(_average_path_length([estimator._max_samples])[0])
    if denominator == 0:
        raise Refused(path, "trees of a single sample")
    depth = add_forest(builder, path, source, trees, 1, None)
    share = builder.add("scale", f"{path}/share", [depth], 1, divide=[denominator])
    samples = builder.add("apply", f"{path}/score_samples", [share], 1, golden=_as_matrix(estimator.score_samples(flow.data)),
                          function="isolation")
    decision = builder.add("scale", f"{path}/decision_function", [samples], 1, golden=_as_matrix(estimator.decision_function(flow.data)),
                           subtract=[float(estimator.offset_)])

    def predict():
        inside = builder.add("step", f"{path}/inlier", [decision], 1, threshold=0.0, only_above=False)
        golden = _as_matrix(estimator.predict(flow.data))
        return builder.add("scale", f"{path}/predict", [inside], 1, golden=golden, multiply=[2.0], add=[-1.0])
    return Model(decision=lambda: decision, predict=predict)

