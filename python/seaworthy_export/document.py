"""Writes the whole document."""

import json
import warnings

import numpy as np

from . import curves, linear, others, text, transformers, trees, wrappers  # noqa: F401: they register writers
from .builder import TEXT, Builder, Refused, floats
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


class Plan:
    """A plan and what scikit-learn computed for its golden rows: `raw` and `prediction` are the values that the
    two kinds of output are."""

    def __init__(self, estimator, rows):
        import sklearn
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            self.table = Table(estimator, rows)
            columns = _golden_columns(estimator, self.table)
            self.builder, made, self.raw, self.prediction = _walk(estimator, self.table, columns)
            if self.builder.unsure:
                columns = _at_least([np.delete(column, sorted(self.builder.unsure)) for column in columns])
                self.builder, made, self.raw, self.prediction = _walk(estimator, self.table, columns)
            self.builder.prune(self.raw, self.prediction)
        self.library = f"scikit-learn {sklearn.__version__}"
        self.estimator = type(estimator).__name__
        self.classes = [] if made is None or made.classes is None else [str(label) for label in made.classes]

    @property
    def inputs(self):
        """The values that are columns of a request's rows."""
        return self.builder.values[:len(self.builder.inputs)]

    def text(self):
        golden = [{"texts" if value.kind == TEXT else "numbers": _cells(value)} for value in self.inputs]
        document = {**FORMAT, "library": self.library, "estimator": self.estimator, "inputs": self.builder.inputs,
                    "golden": golden, "stages": self.builder.stages, "raw": self.raw.number,
                    "prediction": self.prediction.number, "classes": self.classes}
        return json.dumps(document, ensure_ascii=False, allow_nan=False)


def _golden_columns(estimator, table):
    if table.count == 0:
        raise Refused("rows", "the sample has no rows")
    sample = accepted(table, [column[:32] for column in table.columns], _accepts(estimator))
    if not len(sample[0]):
        raise Refused("rows", "the estimator refuses the sample's own rows")
    builder = _walk(estimator, table, sample)[0]
    return _at_least(accepted(table, candidates(table, find_thresholds(builder)), _accepts(estimator)))


def _at_least(columns):
    """As many rows as a package needs, again and again if need be."""
    if not len(columns[0]):
        raise Refused("rows", "none has an answer that does not hang on the last bit")
    if len(columns[0]) >= ROWS_MIN:
        return columns
    repeat = np.resize(np.arange(len(columns[0])), ROWS_MIN)
    return [column[repeat] for column in columns]


def _cells(value):
    return list(value.golden.ravel()) if value.kind == TEXT else floats(value.golden)


def dump(estimator, rows):
    """The plan as a dict. `rows` is a sample of what the fitted estimator is called with: a DataFrame, an
    array, or a list of texts."""
    return json.loads(Plan(estimator, rows).text())


def save(estimator, path, rows):
    """Writes the fitted estimator as a plan. Raises Refused, which names what cannot be written."""
    text = Plan(estimator, rows).text()
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
