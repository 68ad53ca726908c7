"""Writes the whole document."""

import json
import warnings

import numpy as np

from . import curves, linear, others, text, transformers, trees, wrappers  # noqa: F401: they register writers
from .builder import Builder, Refused
from .flow import Flow
from .rows import ROWS_MIN, Table, accepted, candidates
from .thresholds import find_thresholds
from .walk import is_model, walk_model, walk_transformer

FORMAT = {"format_name": "seaworthy/plan", "format_version": 0, "reader_min": 0}


def _walk(estimator, table, columns):
    """The builder with every stage, the model, and its raw and prediction values."""
    builder = Builder(list(zip(table.names, table.kinds)), table.plan_columns(columns))
    flow = Flow.of(builder, table.data(columns), *builder.values)
    steps = list(estimator.steps) if type(estimator).__name__ == "Pipeline" else [(type(estimator).__name__, estimator)]
    path = "pipeline" if len(steps) > 1 else "model"
    for name, step in steps[:-1]:
        if step is not None and step != "passthrough":
            flow = walk_transformer(builder, step, flow, f"{path}/{name}")
    name, last = steps[-1]
    if not is_model(last):
        flow = walk_transformer(builder, last, flow, f"{path}/{name}")
        value = flow.numbers(path)
        return builder, None, value, value
    made = walk_model(builder, last, flow, f"{path}/{name}")
    return (builder, made, *_outputs(builder, made, path))


def _outputs(builder, made, path):
    """What `prediction` and `raw` are (docs/models.md)."""
    if made.classes is None:
        prediction = made.predict()
        return (made.decision() if made.decision else prediction), prediction
    if made.proba is None:
        prediction = made.predict()
        return (made.decision() if made.decision else prediction), prediction
    if len(made.classes) == 2:
        prediction = made.positive() if made.positive else builder.select(path, [(made.proba(), 1)])
    else:
        prediction = made.proba()
    return (made.decision() if made.decision else prediction), prediction


def _accepts(estimator):
    def accept(data):
        try:
            method = getattr(estimator, "predict_proba", None) or getattr(estimator, "predict", None) or estimator.transform
            method(data)
            return True
        except (ValueError, TypeError, OverflowError):
            return False
    return accept


def dump(estimator, rows):
    """The plan as a dict. `rows` is a sample of what the fitted estimator is called with: a DataFrame, an
    array, or a list of texts."""
    import sklearn
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        table = Table(estimator, rows)
        if table.count == 0:
            raise Refused("rows", "the sample has no rows")
        sample = accepted(table, [column[:32] for column in table.columns], _accepts(estimator))
        if not len(sample[0]):
            raise Refused("rows", "the estimator refuses the sample's own rows")
        builder = _walk(estimator, table, sample)[0]
        columns = accepted(table, candidates(table, find_thresholds(builder)), _accepts(estimator))
        if len(columns[0]) < ROWS_MIN:
            repeat = np.resize(np.arange(len(columns[0])), ROWS_MIN)
            columns = [column[repeat] for column in columns]
        builder, made, raw, prediction = _walk(estimator, table, columns)
        builder.prune(raw, prediction)
    golden = [{"texts" if value.kind == "text" else "numbers": _cells(value)} for value in builder.values[:len(builder.inputs)]]
    return {**FORMAT, "library": f"scikit-learn {sklearn.__version__}", "estimator": type(estimator).__name__,
            "inputs": builder.inputs, "golden": golden, "stages": builder.stages, "raw": raw.number,
            "prediction": prediction.number,
            "classes": [] if made is None or made.classes is None else [str(label) for label in made.classes]}


def _cells(value):
    from .builder import floats
    return list(value.golden.ravel()) if value.kind == "text" else floats(value.golden)


def save(estimator, path, rows):
    """Writes the fitted estimator as a plan. Raises Refused, which names what cannot be written."""
    text = json.dumps(dump(estimator, rows), ensure_ascii=False, allow_nan=False)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
