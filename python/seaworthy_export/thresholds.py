"""Raw values next to which trees decide, so that golden rows can cover them."""

import base64

import numpy as np

EACH_MAX = 5  # thresholds an input


def unpack(values):
    if isinstance(values, dict):
        (kind, text), = values.items()
        return np.frombuffer(base64.b64decode(text), dtype="<f8" if kind == "f64" else "<i4")
    return np.array([float(value) for value in values])


def find_thresholds(builder):
    """{input: [raw values]}: thresholds taken back through scalers, imputers and selections."""
    found = {}
    for stage in builder.stages:
        if stage["op"] != "forest":
            continue
        for tree in stage["trees"]:
            for feature, threshold in zip(unpack(tree["feature"]), unpack(tree["threshold"])):
                raw = _back(builder, stage["in"][0], int(feature), float(threshold))
                if raw is not None:
                    found.setdefault(raw[0], set()).add(raw[1])
    picked = {}
    for index, values in found.items():
        values = sorted(values)
        picked[index] = [values[i] for i in np.unique(np.linspace(0, len(values) - 1, EACH_MAX).astype(int))]
    return picked


def _back(builder, value, column, x):
    inputs = len(builder.inputs)
    while value >= inputs:
        stage = builder.stages[value - inputs]
        op = stage["op"]
        if op == "select":
            column = int(unpack(stage["columns"])[column]) if "columns" in stage else column
        elif op == "scale":
            for key, undo in (("add", np.subtract), ("multiply", np.divide), ("divide", np.multiply), ("subtract", np.add)):
                if key in stage:
                    x = float(undo(x, unpack(stage[key])[column]))
        elif op not in ("impute", "require"):
            return None
        for source in stage["in"]:
            if column < builder.values[source].width:
                value = source
                break
            column -= builder.values[source].width
    return (value, x) if builder.values[value].kind == "number" and np.isfinite(x) else None
