"""Transformers that bend or multiply columns."""

import numpy as np

from .builder import Refused, floats, ints, number
from .flow import Flow, golden_of
from .linear import required
from .transformers import _scaled
from .walk import transformer


def _stage(builder, estimator, flow, path, op, width, check=True, data=None, golden=None, **constants):
    source = required(builder, flow, path) if check else flow.numbers(path)
    if data is None:
        data = estimator.transform(flow.data)
        golden = golden_of(data)
    return Flow.of(builder, data, builder.add(op, path, [source], width, golden=golden, **constants))


@transformer("Normalizer")
def normalizer(builder, estimator, flow, path):
    return _stage(builder, estimator, flow, path, "row", len(flow.columns), function=f"unit_{estimator.norm}")


@transformer("Binarizer")
def binarizer(builder, estimator, flow, path):
    return _stage(builder, estimator, flow, path, "step", len(flow.columns), threshold=float(estimator.threshold),
                  only_above=True)


@transformer("KBinsDiscretizer")
def k_bins_discretizer(builder, estimator, flow, path):
    edges = [{"values": floats(own[1:-1])} for own in estimator.bin_edges_]
    data = estimator.transform(flow.data)
    source = required(builder, flow, path)
    if estimator.encode == "ordinal":
        golden = golden_of(data)
        return Flow.of(builder, data, builder.add("bins", path, [source], source.width, golden=golden, edges=edges))
    bins = builder.add("bins", path, [source], source.width, edges=edges)
    columns = [{"numbers": floats(np.arange(count)), "places": ints(np.arange(count)), "width": int(count),
                "unknown": -2, "missing_place": -2} for count in estimator.n_bins_]
    value = builder.add("one_hot", f"{path}/onehot", [bins], int(sum(estimator.n_bins_)), golden=golden_of(data),
                        columns=columns)
    return Flow.of(builder, data, value)


@transformer("PowerTransformer")
def power_transformer(builder, estimator, flow, path):
    from scipy import stats
    from scipy.special import boxcox
    function = boxcox if estimator.method == "box-cox" else stats.yeojohnson
    data = estimator.transform(flow.data)
    source = flow.numbers(path)
    cells = golden_of(flow.data)
    bent = np.stack([function(np.ascontiguousarray(cells[:, i]), lmbda) for i, lmbda in enumerate(estimator.lambdas_)], axis=1)
    value = builder.add("power", path, [source], source.width, golden=bent, is_box_cox=estimator.method == "box-cox",
                        lambdas=floats(estimator.lambdas_))
    bent_flow = Flow.of(builder, bent, value)
    return _scaled(builder, estimator._scaler, bent_flow, f"{path}/scaler", subtract=estimator._scaler.mean_,
                   divide=estimator._scaler.scale_) if estimator.standardize else Flow.of(builder, data, value)


@transformer("QuantileTransformer")
def quantile_transformer(builder, estimator, flow, path):
    if flow.is_sparse:
        raise Refused(path, "QuantileTransformer over sparse columns")
    quantiles = np.asarray(estimator.quantiles_)
    return _stage(builder, estimator, flow, path, "quantile", len(flow.columns), check=False,
                  quantiles=[{"values": floats(quantiles[:, i])} for i in range(quantiles.shape[1])],
                  references=floats(estimator.references_), to_normal=estimator.output_distribution == "normal")


@transformer("PolynomialFeatures")
def polynomial_features(builder, estimator, flow, path):
    """Each term is an earlier term times a column: x0 x0 x2 from x0 x0, as scikit-learn multiplies them."""
    powers = estimator.powers_
    data = estimator.transform(flow.data)
    places, earlier, columns, wanted = {}, [], [], []

    def term(power):
        power = tuple(power)
        if power in places:
            return places[power]
        used = [i for i, exponent in enumerate(power) if exponent]
        if not used:
            pair = (-1, -1)
        elif sum(power) == 1:
            pair = (-1, used[0])
        else:
            rest = list(power)
            rest[used[0]] -= 1
            pair = (term(rest), used[0])
        earlier.append(pair[0])
        columns.append(pair[1])
        places[power] = len(earlier) - 1
        return places[power]

    for power in powers:
        wanted.append(term(int(exponent) for exponent in power))
    source = required(builder, flow, path)
    value = builder.add("products", path, [source], len(earlier), earlier=ints(earlier), column=ints(columns))
    golden = golden_of(data)
    if wanted == list(range(len(earlier))):
        value.golden = golden
        builder._show(builder.stages[-1], golden, "number")
    else:
        value = builder.add("select", path, [value], len(wanted), golden=golden, columns=ints(wanted))
    return Flow.of(builder, data, value)


@transformer("SplineTransformer")
def spline_transformer(builder, estimator, flow, path):
    degree, ends, columns = estimator.degree, estimator.degree, []
    bases = estimator.bsplines_[0].c.shape[1]
    for spline in estimator.bsplines_:
        column = {"knots": floats(spline.t), "bases": int(bases)}
        if estimator.extrapolation in ("constant", "linear"):
            low, high = spline.t[ends], spline.t[-ends - 1]
            # scikit-learn raises the degree while it goes through the columns: later ones begin elsewhere.
            ends += estimator.extrapolation == "linear" and ends <= 1
            column.update({"low": floats(spline(low)), "high": floats(spline(high)), "low_slope": floats(spline(low, nu=1)),
                           "high_slope": floats(spline(high, nu=1)), "from": number(low), "to": number(high), "ends": int(ends)})
        columns.append(column)
    zero_missing = getattr(estimator, "handle_missing", "error") == "zeros"
    source = flow.numbers(path) if zero_missing else required(builder, flow, path)
    data = estimator.transform(flow.data)
    width = bases * len(columns)
    constants = {"degree": int(degree), "extrapolation": estimator.extrapolation, "zero_missing": zero_missing, "columns": columns}
    if estimator.include_bias:
        return Flow.of(builder, data, builder.add("spline", path, [source], width, golden=golden_of(data), **constants))
    whole = builder.add("spline", path, [source], width, **constants)
    kept = [i for i in range(width) if (i + 1) % bases != 0]
    value = builder.add("select", path, [whole], len(kept), golden=golden_of(data), columns=ints(kept))
    return Flow.of(builder, data, value)
