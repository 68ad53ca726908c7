"""Builds a plan: values, and the stages that compute them."""

import base64
import math

import numpy as np

NUMBER, TEXT = "number", "text"
OPAQUE = "opaque"  # neither: a column that the pipeline had better not read
ARRAY_MAX = 24  # longer arrays of numbers are packed
SPARSE_MIN = 64  # golden values of wider stages name only what is not 0


class Refused(Exception):
    """What a plan cannot say, by class and place in the pipeline, and what to do instead."""

    def __init__(self, path, what):
        super().__init__(f"{path}: {what}; convert the model to ONNX with skl2onnx, or let the Python engine run it "
                         "(docs/models.md)")


class UnfitRows(ValueError):
    """A sample of rows that the model does not take."""


class Value:
    """A value of the plan: its number, type, width and, when known, golden cells (rows x width)."""

    def __init__(self, number, kind, width, golden=None):
        self.number, self.kind, self.width, self.golden = number, kind, width, golden


def number(value):
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def floats(values):
    values = np.ascontiguousarray(values, dtype="<f8").ravel()
    if values.size > ARRAY_MAX:
        return {"f64": base64.b64encode(values.tobytes()).decode()}
    return [number(value) for value in values]


def ints(values):
    values = np.ascontiguousarray(values, dtype="<i4").ravel()
    if values.size > ARRAY_MAX:
        return {"i32": base64.b64encode(values.tobytes()).decode()}
    return [int(value) for value in values]


def is_missing(value):
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, (float, np.floating)) and value != value)


def texts(values):
    return [None if is_missing(value) else str(value) for value in values]


def golden_texts(cells):
    """Cells of text, with None where they are missing."""
    cells = np.asarray(cells, dtype=object)
    return np.array([[None if is_missing(cell) else str(cell) for cell in row] for row in cells],
                    dtype=object).reshape(cells.shape)


def as_numbers(data):
    """Cells of a matrix of the library, as float64, rows x width."""
    if hasattr(data, "toarray"):
        data = data.toarray()
    cells = np.asarray(data)
    if cells.ndim == 1:
        cells = cells.reshape(-1, 1)
    if cells.dtype == object:
        return np.array([[np.nan if is_missing(cell) else float(cell) for cell in row] for row in cells],
                        dtype=np.float64).reshape(cells.shape)
    return cells.astype(np.float64)


class Builder:
    """The plan as it grows. `rows` is the number of golden rows."""

    def __init__(self, inputs, golden):
        self.inputs, self.stages = [], []
        self.unsure = set()  # golden rows at which the library's answer hangs on its last bit
        self.values = []
        for (name, kind), column in zip(inputs, golden):
            self.inputs.append({"name": name, "type": kind})
            kept = kind if kind in (TEXT, OPAQUE) else NUMBER
            cells = np.array(column, dtype=np.float64 if kept == NUMBER else object).reshape(-1, 1)
            self.values.append(Value(len(self.values), kept, 1, cells))

    def add(self, op, path, sources, width, kind=NUMBER, golden=None, is_shown=True, **constants):
        """A stage; `golden` is what the library computed. Gives its value."""
        stage = {"op": op, "name": path, "in": [source.number for source in sources], **constants}
        if golden is not None:
            if golden.shape[1] != width:
                raise AssertionError(f"{path}: {op} has {width} columns, scikit-learn's result {golden.shape[1]}")
            if is_shown:
                self._show(stage, golden, kind)
        value = Value(len(self.values), kind, width, golden)
        self.values.append(value)
        self.stages.append(stage)
        return value

    @staticmethod
    def _show(stage, golden, kind):
        if kind == TEXT:
            stage["golden_texts"] = texts(golden.ravel())
            return
        filled = np.nonzero((golden != 0) | np.signbit(golden))
        if golden.shape[1] >= SPARSE_MIN and 2 * len(filled[0]) < golden.size:
            stage["golden_sparse"] = {"width": golden.shape[1], "row": ints(filled[0]), "column": ints(filled[1]),
                                      "value": floats(golden[filled])}
        else:
            stage["golden"] = floats(golden)

    def doubt(self, rows):
        """Marks golden rows (a mask) that say nothing: another order of the same sum may answer otherwise."""
        self.unsure.update(np.flatnonzero(rows).tolist())

    def prune(self, *wanted):
        """Drops inputs and stages that the wanted values do not need; numbers the rest anew."""
        inputs = len(self.inputs)
        needed = {value.number for value in wanted}
        for number in range(len(self.values) - 1, inputs - 1, -1):
            if number in needed:
                needed.update(self.stages[number - inputs]["in"])
        kept = sorted(needed)
        places = {number: place for place, number in enumerate(kept)}
        self.stages = [self.stages[number - inputs] for number in kept if number >= inputs]
        for stage in self.stages:
            stage["in"] = [places[number] for number in stage["in"]]
        self.inputs = [self.inputs[number] for number in kept if number < inputs]
        self.values = [self.values[number] for number in kept]
        for value in self.values:
            value.number = places[value.number]

    def select(self, path, columns):
        """One value with the columns [(value, column)], which are of one type."""
        sources = []
        for value, _ in columns:
            if value not in sources:
                sources.append(value)
        if len(sources) == 1 and [column for _, column in columns] == list(range(sources[0].width)):
            return sources[0]
        firsts, width = {}, 0
        for source in sources:
            firsts[source.number] = width
            width += source.width
        golden = None
        if all(source.golden is not None for source in sources):
            golden = np.concatenate([value.golden[:, column:column + 1] for value, column in columns], axis=1)
        order = [firsts[value.number] + column for value, column in columns]
        constants = {} if order == list(range(width)) else {"columns": ints(order)}
        return self.add("select", path, sources, len(columns), sources[0].kind, golden, is_shown=False, **constants)
