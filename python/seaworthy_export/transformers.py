"""Scalers, imputers, encoders, and what puts steps together."""

import numpy as np

from .builder import NUMBER, TEXT, Refused, floats, golden_texts, ints, is_missing, number, texts
from .flow import Flow, golden_of
from .walk import transformer, walk_transformer


@transformer("Pipeline")
def pipeline(builder, estimator, flow, path):
    for name, step in estimator.steps:
        if step is not None and step != "passthrough":
            flow = walk_transformer(builder, step, flow, f"{path}/{name}")
    return flow


def _indices(estimator, name, columns, flow, path):
    known = getattr(estimator, "_transformer_to_input_indices", {})
    if name in known:
        return list(known[name])
    raise Refused(path, f"the columns {columns!r} cannot be told")


@transformer("ColumnTransformer")
def column_transformer(builder, estimator, flow, path):
    from sklearn.utils import _safe_indexing
    data = estimator.transform(flow.data)
    columns = []
    for name, step, spec in estimator.transformers_:
        indices = _indices(estimator, name, spec, flow, path)
        if (isinstance(step, str) and step == "drop") or not indices:
            continue
        part = flow.take(_safe_indexing(flow.data, indices[0] if _is_single(spec) else indices, axis=1), indices)
        if not (isinstance(step, str) and step == "passthrough"):
            part = walk_transformer(builder, step, part, f"{path}/{name}")
        columns += part.columns
    return Flow(builder, data, columns)


def _is_single(spec):
    return isinstance(spec, (str, int, np.integer)) and not isinstance(spec, bool)


@transformer("FeatureUnion")
def feature_union(builder, estimator, flow, path):
    data, columns = estimator.transform(flow.data), []
    for name, step in estimator.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        part = flow
        if not (isinstance(step, str) and step == "passthrough"):
            part = walk_transformer(builder, step, flow, f"{path}/{name}")
        weight = (estimator.transformer_weights or {}).get(name)
        if weight is not None:
            value = part.numbers(path)
            golden = None if value.golden is None else value.golden * weight
            value = builder.add("scale", f"{path}/{name}/weight", [value], value.width, golden=golden,
                                multiply=floats([weight] * value.width))
            part = Flow.of(builder, None, value)
        columns += part.columns
    return Flow(builder, data, columns)


@transformer("FunctionTransformer")
def function_transformer(builder, estimator, flow, path):
    if estimator.func is not None and not _is_check(estimator.func):
        raise Refused(path, f"FunctionTransformer runs {estimator.func!r}, code of its own")
    return Flow(builder, estimator.transform(flow.data), flow.columns)


def _is_check(function):
    """HistGradientBoosting passes its numeric columns through check_array."""
    return getattr(getattr(function, "func", None), "__name__", "") == "check_array"


# Scalers.

def _scaled(builder, estimator, flow, path, reciprocal=(), **constants):
    """One scale stage; constants that are None are left out."""
    source = flow.numbers(path)
    data = estimator.transform(flow.data)
    shown = {key: floats(value) if np.ndim(value) else number(value)
             for key, value in constants.items() if value is not None}
    return Flow.of(builder, data, builder.add("scale", path, [source], source.width, golden=golden_of(data), **shown))


@transformer("StandardScaler")
def standard_scaler(builder, estimator, flow, path):
    if flow.is_sparse:  # multiplies by the reciprocal
        scale = None if estimator.scale_ is None else 1 / estimator.scale_
        return _scaled(builder, estimator, flow, path, multiply=scale)
    return _scaled(builder, estimator, flow, path, subtract=estimator.mean_ if estimator.with_mean else None,
                   divide=estimator.scale_ if estimator.with_std else None)


@transformer("RobustScaler")
def robust_scaler(builder, estimator, flow, path):
    if flow.is_sparse:
        return _scaled(builder, estimator, flow, path, multiply=1.0 / estimator.scale_ if estimator.with_scaling else None)
    return _scaled(builder, estimator, flow, path, subtract=estimator.center_ if estimator.with_centering else None,
                   divide=estimator.scale_ if estimator.with_scaling else None)


@transformer("MinMaxScaler")
def min_max_scaler(builder, estimator, flow, path):
    low, high = estimator.feature_range if estimator.clip else (None, None)
    return _scaled(builder, estimator, flow, path, multiply=estimator.scale_, add=estimator.min_, low=low, high=high)


@transformer("MaxAbsScaler")
def max_abs_scaler(builder, estimator, flow, path):
    clip = getattr(estimator, "clip", False)
    low, high = (-1.0, 1.0) if clip else (None, None)
    if flow.is_sparse:
        return _scaled(builder, estimator, flow, path, multiply=1.0 / estimator.scale_, low=low, high=high)
    return _scaled(builder, estimator, flow, path, divide=estimator.scale_, low=low, high=high)


# Missing values.

def _marker(flow, index):
    """What a missing value of this column is called in the data; None when it has none."""
    column = _column(flow.data, index)
    return next((cell for cell in column if is_missing(cell)), None), any(is_missing(cell) for cell in column)


def _column(data, index):
    if hasattr(data, "iloc"):
        return list(data.iloc[:, index].astype(object)) if data.ndim == 2 else list(data.astype(object))
    array = np.asarray(data, dtype=object)
    return list(array[:, index] if array.ndim == 2 else array)


def _reads_as_missing(estimator, flow, index):
    """Whether SimpleImputer takes the column's missing text for missing: None is not NaN to it."""
    marker, has_any = _marker(flow, index)
    if not has_any:
        return True
    return (marker is None) == (estimator.missing_values is None)


@transformer("SimpleImputer")
def simple_imputer(builder, estimator, flow, path):
    if isinstance(estimator.missing_values, str):
        raise Refused(path, "missing_values is a text")
    data = estimator.transform(flow.data)
    golden = golden_data(data)
    kept = [i for i, statistic in enumerate(estimator.statistics_)
            if getattr(estimator, "keep_empty_features", False) or not is_missing(statistic)]
    columns, at = [], 0
    for kind, run in flow.runs(path):
        for run in [[index for index in run if index in set(kept)]]:
            if not run:
                continue
            source = builder.select(path, [flow.columns[index] for index in run])
            cells = golden_cells(golden[:, at:at + len(run)], kind)
            value = _impute(builder, estimator, flow, path, run, source, kind, cells)
            columns += [(value, i) for i in range(len(run))]
            at += len(run)
    if estimator.indicator_ is not None:
        flow_columns = _indicated(builder, estimator, flow, path, golden_cells(golden[:, at:], NUMBER))
        columns += flow_columns
    return Flow(builder, data, columns)


def _impute(builder, estimator, flow, path, run, source, kind, cells):
    if kind == TEXT:
        fills = [estimator.statistics_[i] if _reads_as_missing(estimator, flow, i) else None for i in run]
        return builder.add("impute", path, [source], len(run), TEXT, cells, texts=texts(fills))
    missing = {} if is_missing(estimator.missing_values) else {"missing": number(estimator.missing_values)}
    fills = [float(estimator.statistics_[i]) for i in run]
    return builder.add("impute", path, [source], len(run), NUMBER, cells, numbers=floats(fills), **missing)


def _indicated(builder, estimator, flow, path, cells):
    features = list(estimator.indicator_.features_)
    missing = {} if is_missing(estimator.missing_values) else {"missing": number(estimator.missing_values)}
    columns = []
    for at, index in enumerate(features):
        if flow.kinds[index] == TEXT and not _reads_as_missing(estimator, flow, index):
            raise Refused(path, "add_indicator over a text column whose missing values it does not see")
        source = builder.select(path, [flow.columns[index]])
        value = builder.add("missing", f"{path}/indicator", [source], 1, NUMBER, cells[:, at:at + 1], **missing)
        columns.append((value, 0))
    return columns


@transformer("MissingIndicator")
def missing_indicator(builder, estimator, flow, path):
    data = estimator.transform(flow.data)

    class Wrapper:
        indicator_, missing_values = estimator, estimator.missing_values
    return Flow(builder, data, _indicated(builder, Wrapper, flow, path, golden_of(data)))


def golden_data(data):
    """The library's cells as an array of rows, of numbers or objects."""
    if hasattr(data, "toarray"):
        return data.toarray()
    return np.asarray(data)


def golden_cells(cells, kind):
    return golden_texts(cells) if kind == TEXT else golden_of(cells)


# Encoders. Where a category goes is asked of the encoder itself, one category at a time.

class Probe:
    """Calls an encoder with chosen cells in all columns at once."""

    def __init__(self, estimator, flow, path):
        self.estimator, self.flow, self.path = estimator, flow, path
        flow.check(path)
        self.categories = [list(own) for own in estimator.categories_]
        self.present = [[category for category in own if not is_missing(category)] for own in self.categories]
        if any(not own for own in self.present):
            raise Refused(path, "a column has no categories that are not missing")

    def rows(self, cells):
        """Transforms rows of cells, one list a column; the result as float64."""
        import warnings
        table = np.empty((len(cells[0]), len(cells)), dtype=object)
        for i, own in enumerate(cells):
            table[:, i] = own
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return golden_of(self.estimator.transform(table))

    def known(self):
        longest = max(map(len, self.present))
        return self.rows([own + [own[0]] * (longest - len(own)) for own in self.present])

    def one(self, column, cell):
        """A row in which only this column is special; None when it is refused."""
        try:
            return self.rows([[cell] if i == column else [own[0]] for i, own in enumerate(self.present)])[0]
        except ValueError:
            return None

    def unknown(self, column):
        if self.flow.kinds[column] == TEXT:
            return self.one(column, "unseen \u2603")
        own = {float(category) for category in self.present[column]}
        return self.one(column, next(x for x in (i + 0.5 for i in range(len(own) + 1)) if x not in own))

    def missing(self, column):
        marker, has_any = _marker(self.flow, column)
        wanted = [category for category in self.categories[column] if is_missing(category)]
        if len(wanted) > 1:
            raise Refused(self.path, "an encoder tells None from NaN")
        if not has_any:
            marker = wanted[0] if wanted else np.nan
        if self.flow.kinds[column] != TEXT:
            marker = np.nan
        return self.one(column, marker)

    def categories_json(self, column):
        own = self.present[column]
        if self.flow.kinds[column] == TEXT:
            return {"texts": texts(own)}
        numbers = [float(category) for category in own]
        if any(abs(category) > 2**53 for category in numbers):
            raise Refused(self.path, "categories are integers beyond 2^53")
        return {"numbers": floats(numbers)}


NOWHERE, REFUSED = -1, -2


def _place(row, first, width):
    """Where in its part of the row the 1 is."""
    if row is None:
        return REFUSED
    places = np.flatnonzero(row[first:first + width])
    return int(places[0]) if len(places) else NOWHERE


@transformer("OneHotEncoder")
def one_hot_encoder(builder, estimator, flow, path):
    data = estimator.transform(flow.data)
    probe, widths = Probe(estimator, flow, path), list(estimator._n_features_outs)
    known, first, columns = probe.known(), 0, []
    for i, width in enumerate(widths):
        places = [_place(row, first, width) for row in known[:len(probe.present[i])]]
        columns.append({**probe.categories_json(i), "places": ints(places), "width": int(width),
                        "unknown": _place(probe.unknown(i), first, width),
                        "missing_place": _place(probe.missing(i), first, width)})
        first += width
    return _encoded(builder, flow, path, "one_hot", columns, widths, data)


def _encoded(builder, flow, path, op, columns, widths, data):
    """A stage for each run of columns of one type."""
    golden, made, first = golden_of(data), [], 0
    for _, run in flow.runs(path):
        source = builder.select(path, [flow.columns[index] for index in run])
        width = int(sum(widths[index] for index in run))
        if width:
            value = builder.add(op, path, [source], width, golden=golden[:, first:first + width],
                                columns=[columns[index] for index in run])
            made += [(value, i) for i in range(width)]
        first += width
    return Flow(builder, data, made)


def _lookups(builder, estimator, flow, path, widths):
    data = estimator.transform(flow.data)
    probe = Probe(estimator, flow, path)
    known, columns = probe.known(), []

    def own(row, i):
        return row[first:first + widths[i]]
    first = 0
    for i, width in enumerate(widths):
        column = {**probe.categories_json(i), "width": int(width),
                  "values": floats(known[:len(probe.present[i]), first:first + width])}
        for key, row in (("unknown", probe.unknown(i)), ("missing_values", probe.missing(i))):
            if row is not None:
                column[key] = floats(own(row, i))
        columns.append(column)
        first += width
    return _encoded(builder, flow, path, "lookup", columns, widths, data)


@transformer("OrdinalEncoder")
def ordinal_encoder(builder, estimator, flow, path):
    return _lookups(builder, estimator, flow, path, [1] * len(estimator.categories_))


@transformer("TargetEncoder")
def target_encoder(builder, estimator, flow, path):
    if estimator.target_type_ == "multiclass":  # feature by feature, its classes side by side
        return _lookups(builder, estimator, flow, path, [len(estimator.classes_)] * len(estimator.categories_))
    return _lookups(builder, estimator, flow, path, [1] * len(estimator.categories_))
