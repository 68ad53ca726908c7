"""Prints what features from tables cost beside DuckDB and Polars, on the same files in the same run.

usage: ./dev bench features [--quick]     (about 2 minutes; the first time one more)

Contestants take turns, five rounds (--quick: two), each a process of its own with two threads, from Parquet to
Parquet. Seconds are of the clock, ratios medians of the rounds' own; memory is the most that was resident. Tables
come from seeds and are kept in build/bench-features. Every answer is compared: joins with DuckDB's, windows with
math.fsum over a sample of labels.
"""

import argparse
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy
import pyarrow.parquet

import tables
from tables import WINDOWS

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "build/bench-features"
SEAWORTHY = ROOT / "build/release/bin/seaworthy"
THREADS = 2
SAMPLE = 2_000  # labels whose sums are computed here

DEFINITIONS = """[entity.key]
keys = {{ key = "int64" }}
[source.rows]
table = "parquet:rows.parquet"
event_time = "time"
[view.v]
entity = "key"
source = "rows"
[view.v.features]
{features}
[service.s]
features = ["v.*"]
"""
FEATURES = {
    "join": [f'v{i} = {{ agg = "last(v{i})" }}' for i in range(3)],
    "windows": [f'{name}_{window} = {{ agg = "{agg}(v)", window = "{window}" }}' for window in WINDOWS
                for name, agg in (("n", "count"), ("sum", "sum"), ("mean", "mean"), ("max", "max"))],
}
SIZES = {"join": (10_000_000, 1_000_000, 100_000), "windows": (2_000_000, 200_000, 10_000)}


def prepare(case):
    folder = FOLDER / case
    if not (folder / "labels.parquet").exists():
        folder.mkdir(parents=True, exist_ok=True)
        getattr(tables, case)(folder, *SIZES[case])
    (folder / "seaworthy.toml").write_text(DEFINITIONS.format(features="\n".join(FEATURES[case])))
    return folder


def command(engine, case, folder, out):
    if engine == "seaworthy":
        return [SEAWORTHY, "features", "history", "--config", folder / "seaworthy.toml", "--service", "s", "--labels", folder / "labels.parquet", "--out", out]
    return [sys.executable, "-W", "ignore", HERE / "engines.py", engine, case, folder, str(THREADS), out]


def measure(engine, case, folder):
    """Seconds, CPU seconds, MB."""
    out = FOLDER / f"{case}-{engine}.parquet"
    began = time.monotonic()
    process = subprocess.Popen(list(map(str, command(engine, case, folder, out))), stdout=subprocess.DEVNULL,
                               env={**os.environ, "POLARS_MAX_THREADS": str(THREADS)})
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{engine}, {case}: exit status {status}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def answer(case, engine):
    table = pyarrow.parquet.read_table(FOLDER / f"{case}-{engine}.parquet")
    return {name.removeprefix("v."): column for name, column in zip(table.column_names, table.sort_by("number").columns)}


def joins_agree():
    ours, theirs = answer("join", "seaworthy"), answer("join", "duckdb")
    return all(ours[name].equals(theirs[name]) for name in ("v0", "v1", "v2"))


def sums(folder):
    """Of a sample of labels and each window: the true sum, rounded once."""
    rows = pyarrow.parquet.read_table(folder / "rows.parquet")
    labels = pyarrow.parquet.read_table(folder / "labels.parquet").slice(0, SAMPLE)
    key, at, v = (rows[name].to_numpy() for name in ("key", "time", "v"))
    of_key = {}
    for row in numpy.flatnonzero(numpy.isin(key, labels["key"].to_numpy())):
        of_key.setdefault(key[row], []).append(row)
    true = {window: [] for window in WINDOWS}
    for wanted, t in zip(labels["key"].to_numpy(), labels["at"].to_numpy()):
        mine = numpy.array(of_key.get(wanted, []), dtype=int)
        for window, seconds in WINDOWS.items():
            inside = mine[(at[mine] <= t) & (at[mine] > t - numpy.timedelta64(seconds, "s"))]
            true[window].append(math.fsum(v[inside]) if len(inside) else None)
    return true


def wrong_sums(engine, true):
    """Share of the sample's sums that are not the true sum rounded once; an empty window counts as right when it is null or 0."""
    got = answer("windows", engine)
    pairs = [(g, t) for window in WINDOWS for g, t in zip(got[f"sum_{window}"].slice(0, SAMPLE).to_pylist(), true[window])]
    return sum(1 for g, t in pairs if (g or 0) != (t or 0)) / len(pairs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true")
    rounds = 2 if parser.parse_args().quick else 5
    failed = False
    for case, words in (("join", "the newest of three values"), ("windows", "count, sum, mean and max over 1 h, 24 h and 7 d")):
        folder = prepare(case)
        rows, labels, keys = SIZES[case]
        print(f"\n{words}: {rows:,} rows x {labels:,} labels x {keys:,} keys, unsorted Parquet to Parquet")
        print(f"  {'':12}{'s':>8}{'CPU s':>8}{'MB':>8}   times seaworthy's seconds")
        measured = {engine: [] for engine in ("seaworthy", "duckdb", "polars")}
        for _ in range(rounds):
            for engine, taken in measured.items():
                taken.append(measure(engine, case, folder))
        for engine, taken in measured.items():
            seconds, cpu, most = (statistics.median(each) for each in zip(*taken))
            ratio = statistics.median(theirs[0] / ours[0] for theirs, ours in zip(taken, measured["seaworthy"]))
            print(f"  {engine:12}{seconds:8.2f}{cpu:8.2f}{most:8.0f}   {ratio:.2f}")
        fastest = min(statistics.median(t[0] / o[0] for t, o in zip(measured[engine], measured["seaworthy"])) for engine in ("duckdb", "polars"))
        memory = min(statistics.median(t[2] / o[2] for t, o in zip(measured[engine], measured["seaworthy"])) for engine in ("duckdb", "polars"))
        print(f"  bar: faster than both: {fastest:.2f} times, {'held' if fastest > 1 else 'MISSED'}")
        if case == "join":
            print(f"  bar: at most half of their memory: {memory:.2f} times ours, {'held' if memory >= 2 else 'MISSED'}")
            agree = joins_agree()
            print(f"  the same values as DuckDB's: {'yes' if agree else 'NO'}")
            failed |= not agree
            continue
        true = sums(folder)
        for engine in measured:
            print(f"  sums of {SAMPLE:,} labels that are not correctly rounded, {engine}: {100 * wrong_sums(engine, true):.1f} %")
        failed |= wrong_sums("seaworthy", true) > 0
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
