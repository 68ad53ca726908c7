"""The plan's inputs, and golden rows made from a sample of rows."""

import numpy as np

from .builder import OPAQUE, TEXT, Refused, is_missing

UNSEEN = "unseen \u2603"
BASE_ROWS = 120
ROWS_MIN = 200
ROWS_MAX = 600


class Table:
    """The sample, column by column, and how to give rows to the estimator again."""

    def __init__(self, estimator, rows):
        if hasattr(rows, "to_pandas") and not hasattr(rows, "iloc"):
            rows = rows.to_pandas()  # polars, Arrow
        self.is_frame = hasattr(rows, "columns")
        self.is_series = not self.is_frame and getattr(rows, "ndim", 1) == 1
        if self.is_frame:
            self.names = [str(name) for name in rows.columns]
            self.keys = list(rows.columns)
            self.frame = rows
            columns = [np.asarray(rows[name].astype(object), dtype=object) for name in rows.columns]
        elif self.is_series:
            self.names, columns = [str(getattr(rows, "name", None) or "text")], [np.array(list(rows), dtype=object)]
        else:
            rows = np.asarray(rows)
            names = getattr(estimator, "feature_names_in_", [f"x{i}" for i in range(rows.shape[1])])
            self.names = [str(name) for name in names]
            columns = [rows[:, i].astype(object) for i in range(rows.shape[1])]
            self.dtype = rows.dtype
        if len(set(self.names)) != len(self.names):
            raise Refused("rows", "two columns have one name")
        self.markers = [self._marker(name, column) for name, column in zip(self.names, columns)]
        self.kinds = [self._kind(name, column) for name, column in zip(self.names, columns)]
        self.columns = [self._clean(kind, column) for kind, column in zip(self.kinds, columns)]

    def _marker(self, name, column):
        """What a missing value is called: None and NaN are different to encoders."""
        missing = [cell for cell in column if is_missing(cell)]
        if any(cell is None for cell in missing) and any(cell is not None for cell in missing):
            raise Refused(f"column {name}", "it holds both None and NaN, which scikit-learn tells apart")
        return missing[0] if missing else np.nan

    def _kind(self, name, column):
        present = [cell for cell in column if not is_missing(cell)]
        if all(isinstance(cell, str) for cell in present) and present:
            return TEXT
        if not all(isinstance(cell, (bool, np.bool_, int, float, np.integer, np.floating)) for cell in present):
            return OPAQUE
        if present and all(isinstance(cell, (bool, np.bool_)) for cell in present):
            return "bool"
        if present and all(isinstance(cell, (int, np.integer)) for cell in present):
            if max(abs(int(cell)) for cell in present) > 2**53:
                raise Refused(f"column {name}", "it holds integers beyond 2^53")
            return "int64"
        return "float64"

    def _clean(self, kind, column):
        if kind in (TEXT, OPAQUE):
            return column
        return np.array([np.nan if is_missing(cell) else float(cell) for cell in column], dtype=np.float64)

    @property
    def count(self):
        return len(self.columns[0])

    def data(self, columns):
        """What the estimator is called with. A column is of its sample's type unless a value is missing."""
        made = [self._typed(i, column) for i, column in enumerate(columns)]
        if self.is_frame:
            return type(self.frame)(dict(zip(self.keys, made)))
        if self.is_series:
            return made[0]
        if self.dtype == object or self.dtype.kind in "US":
            return np.array(made, dtype=object).T
        return np.array(made, dtype=np.float64).T

    def _typed(self, index, column):
        kind = self.kinds[index]
        if kind == OPAQUE:
            return list(column)
        if kind == TEXT:
            return np.array([self.markers[index] if is_missing(cell) else cell for cell in column], dtype=object)
        if np.isnan(column).any():
            return column
        return column.astype({"bool": bool, "int64": np.int64, "float64": np.float64}[kind])

    def plan_columns(self, columns):
        """As the plan's golden rows: numbers with NaN, texts with None."""
        return [[None if is_missing(cell) else cell for cell in column] if kind in (TEXT, OPAQUE) else column
                for kind, column in zip(self.kinds, columns)]


def _edits(kind, column, thresholds):
    """Values worth trying in a column, beside its own."""
    if kind == OPAQUE:
        return []
    if kind == TEXT:
        return [None, UNSEEN, "", "0"]
    if kind == "bool":
        return [0.0, 1.0, np.nan]
    present = column[np.isfinite(column)]
    low, high = (present.min(), present.max()) if present.size else (0.0, 1.0)
    span = high - low or 1.0
    edits = [np.nan, low - 10 * span, high + 10 * span, 0.0, low, high, -1.0, 1e6]
    if kind == "int64":
        edits = [np.nan] + [float(round(edit)) for edit in edits[1:]]
    else:
        edits += [1e300, -1e300, 5e-324, np.inf, -np.inf, -0.0]
        for threshold in thresholds:
            edits += [threshold, np.nextafter(threshold, -np.inf), np.nextafter(threshold, np.inf)]
    return edits


def candidates(table, thresholds, seed=0):
    """Columns of rows worth replaying: some of the sample's, then rows with one or two cells edited."""
    random = np.random.RandomState(seed)
    base = np.arange(table.count) if table.count <= BASE_ROWS else random.choice(table.count, BASE_ROWS, replace=False)
    rows = [[column[i] for column in table.columns] for i in base]
    edits = [_edits(kind, column, thresholds.get(i, [])) for i, (kind, column) in enumerate(zip(table.kinds, table.columns))]
    tried = [(index, edit) for index, own in enumerate(edits) for edit in own]
    if len(tried) > ROWS_MAX - len(rows):
        # The first edits of every column before the many thresholds of some.
        tried = [(index, own[k]) for k in range(max(map(len, edits))) for index, own in enumerate(edits) if k < len(own)]
    for index, edit in tried[:ROWS_MAX - len(rows)]:
        row = list(rows[random.randint(len(base))])
        row[index] = edit
        rows.append(row)
    while len(rows) < ROWS_MIN + 40:
        rows.append(list(rows[random.randint(len(base))]))
        for _ in range(min(3, len(edits))):
            index = random.randint(len(edits))
            rows[-1][index] = edits[index][random.randint(min(len(edits[index]), 6))] if edits[index] and random.rand() < 0.4 \
                else table.columns[index][random.randint(table.count)]
    return [np.array([row[i] for row in rows], dtype=object if kind in (TEXT, OPAQUE) else np.float64)
            for i, kind in enumerate(table.kinds)]


def accepted(table, columns, accept):
    """Columns without the rows that the estimator refuses."""
    def good(indices):
        if not len(indices):
            return []
        if accept(table.data([column[indices] for column in columns])):
            return list(indices)
        if len(indices) == 1:
            return []
        half = len(indices) // 2
        return good(indices[:half]) + good(indices[half:])

    # In parts, so that one bad row costs little.
    kept = [index for part in np.array_split(np.arange(len(columns[0])), max(1, len(columns[0]) // 32)) for index in good(part)]
    return [column[kept] for column in columns]
