"""What a sample's columns look like, and what a model may expect of them: src/data/profile.cc and
src/data/contract.cc in Python, with the same numbers."""

import collections
import math

import numpy as np

DISTINCT_MAX = 10_000  # beyond, `distinct` is a lower bound
TOP_MAX = 10
FINDINGS_ROWS = 100  # fewer rows say nothing about outliers
FAR_IQR = 20
QUANTILES = (0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999)
SLACK_IQR = 3.0
CATEGORIES_MAX = 200


def profile_of(columns):
    """The profile of columns (batch.py), as a package's part."""
    return {"rows": len(columns[0].cells) if columns else 0, "columns": [_column(column) for column in columns]}


def contract_of(columns, profile):
    """The contract that a column of `profile` and its values in `columns` give."""
    return {"columns": [_expected(column, seen) for column, seen in zip(columns, profile["columns"])]}


def _expected(column, seen):
    made = {"name": column.name, "type": column.type, "nullable": seen["nulls"] > 0 or seen["rows"] == 0}
    if column.type in ("int64", "float64") and seen["quantiles"]:
        slack = SLACK_IQR * (seen["quantiles"][5] - seen["quantiles"][3])
        made["min"], made["max"] = _number(seen["min"] - slack), _number(seen["max"] + slack)
    categories = {cell for cell in column.cells if cell is not None} if column.type == "string" else ()
    if categories and len(categories) <= CATEGORIES_MAX:
        made["categories"] = sorted(categories)
    return made


def _column(column):
    present = [cell for cell in column.cells if cell is not None]
    made = {"name": column.name, "type": column.type, "rows": len(column.cells), "nulls": len(column.cells) - len(present),
            "nan_or_infinite": 0, "distinct": 0, "distinct_is_exact": True, "min": 0.0, "max": 0.0, "mean": 0.0, "stddev": 0.0,
            "quantiles": [], "top": [], "findings": []}
    _count_distinct(column.type, present, made)
    if column.type != "string":
        _measure(column.type, np.array(present, dtype=np.float64), made)
    _find_general(len(present), made)
    return made


def _count_distinct(kind, present, made):
    # Numbers are told apart by their bits: -0.0 is not 0.0.
    keys = np.array(present, dtype=np.float64).view(np.int64).tolist() if kind == "float64" else present
    shown = dict(zip(keys, present))
    counts = list(collections.Counter(keys).items())  # in the order of their first rows
    kept = counts[:DISTINCT_MAX]
    made["distinct"], made["distinct_is_exact"] = len(kept), len(kept) == len(counts)
    texts = sorted(((_shown(shown[key]), count) for key, count in kept), key=lambda each: (-each[1], each[0]))
    made["top"] = [{"value": text, "count": count} for text, count in texts[:TOP_MAX]]


def _shown(cell):
    """As C++'s std::to_chars prints a number: the shorter of 100 and 1e+02."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return str(cell)
    if not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    text = repr(cell)
    plain = text.removesuffix(".0") if "e" not in text else str(int(cell)) if cell.is_integer() else None
    digits = len(text.split("e")[0].lstrip("-0.").replace(".", "").rstrip("0")) or 1
    scientific = f"{cell:.{digits - 1}e}"
    shorter = scientific if plain is None or len(scientific) < len(plain) else plain
    return shorter if "." in shorter or "e" in shorter else shorter + ".0"


def _quantile(ordered, share):
    """Between order statistics, in a straight line (Hyndman and Fan, type 7)."""
    position = share * (len(ordered) - 1)
    below = int(position)
    part = position - below
    return float(ordered[below] * (1 - part) + ordered[min(below + 1, len(ordered) - 1)] * part)


def _measure(kind, values, made):
    finite = values[np.isfinite(values)]
    made["nan_or_infinite"] = len(values) - len(finite)
    if not len(finite):
        return
    with np.errstate(all="ignore"):
        mean = float(np.cumsum(finite)[-1] / len(finite))  # added in row order
        squares = np.cumsum((finite - mean) * (finite - mean))[-1]
        deviation = math.sqrt(squares / (len(finite) - 1)) if len(finite) > 1 else 0.0
        ordered = np.sort(finite)
        made.update(mean=_number(mean), stddev=_number(deviation), min=float(ordered[0]), max=float(ordered[-1]),
                    quantiles=[_quantile(ordered, share) for share in QUANTILES])
        if kind != "bool":
            _find_far(ordered, made)


def _number(value):
    """As JSON can say it."""
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _find_far(ordered, made):
    """Extreme values that a wide gap parts from the rest, as the 999 of a sensor."""
    iqr = _quantile(ordered, 0.75) - _quantile(ordered, 0.25)
    if len(ordered) < FINDINGS_ROWS or not iqr > 0:
        return
    for count in range(1, len(ordered) // 1000 + 2):
        for gap, value, side in ((ordered[-count] - ordered[-count - 1], ordered[-1], "above"),
                                 (ordered[count] - ordered[count - 1], ordered[0], "below")):
            if gap > FAR_IQR * iqr:
                named, lies = ("value", "lies") if count == 1 else ("values", "lie")
                made["findings"].append(f"{count} {named} at {value:.6g} {lies} {gap / iqr:.0f} IQR {side} the rest")


def _find_general(present, made):
    findings, rows, nulls = made["findings"], made["rows"], made["nulls"]
    if not present and rows:
        findings.append("always null")
    if made["distinct"] == 1 and present > 1:
        findings.append("constant")
    if made["nan_or_infinite"]:
        findings.append(f"{made['nan_or_infinite']} values are NaN or infinite")
    if present and 2 * nulls > rows:
        findings.append(f"{100 * nulls / rows:.1f} % null")
    if made["type"] == "string" and present >= FINDINGS_ROWS and made["distinct_is_exact"] and made["distinct"] == present:
        findings.append("every value is different: an id?")
