"""Loading a package of 1,000 x 31 leaves, golden rows included: how long it takes, and how much memory."""

import json
import pathlib
import subprocess

import lightgbm
import numpy

import flights
import models

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRAIN = 50_000
GOLDEN_ROWS = 1024  # as many as registration writes
TITLE = "load of LightGBM 1,000 x 31"


def program(*arguments):
    command = [ROOT / "build/release/bin/load_program", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def figures(folder, scratch):
    numbers, _, late = flights.load()
    chosen = numpy.random.default_rng(4).permutation(len(numbers))
    train, rows = chosen[:TRAIN], numpy.ascontiguousarray(numbers[chosen[-GOLDEN_ROWS:]])
    path = models.train_lightgbm(folder / "lightgbm_1000.txt", numbers[train], late[train], 1000, num_leaves=31)
    booster = lightgbm.Booster(model_file=str(path), params={"num_threads": 1})
    rows.tofile(scratch / "cells.f64")
    booster.predict(rows).tofile(scratch / "expected.f64")
    booster.predict(rows, raw_score=True).tofile(scratch / "raw.f64")
    package = program("write", scratch / "blobs", path, scratch / "cells.f64", scratch / "expected.f64", scratch / "raw.f64")
    return json.loads(program("load", scratch / "blobs", package))


def run(wanted, folder, scratch, verdicts):
    if not wanted(TITLE):
        return
    print(f"\n{TITLE}, from the blobs of a data folder", flush=True)
    try:
        found = figures(folder, scratch)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"  cannot: {getattr(error, 'stderr', None) or error}")
        verdicts.add(TITLE, "it gave no figures", False)
        return
    mib = {key: found[key] / (1 << 20) for key in ("engine_bytes", "package_bytes", "node_bytes", "leaf_bytes")}
    print(f"  {found['cpu_ms']:.1f} ms of CPU time at the median of 31, {found['wall_ms']:.1f} ms of the clock, {found['golden_rows']} golden rows replayed")
    print(f"  heap: engine {mib['engine_bytes']:.2f} MiB, package {mib['package_bytes']:.2f} MiB; "
          f"as parsed: inner nodes {mib['node_bytes']:.2f} MiB, their leaves {mib['leaf_bytes']:.2f} MiB")
    print(f"  bar: less than 50 ms of CPU time: {verdicts.add(TITLE, 'less than 50 ms', found['cpu_ms'] < 50)}")
    words = f"the package takes at most 2 x the parsed nodes, leaves among them, + 1 MiB = {2 * (mib['node_bytes'] + mib['leaf_bytes']) + 1:.2f} MiB"
    print(f"  bar: {words}: {verdicts.add(TITLE, words, mib['package_bytes'] <= 2 * (mib['node_bytes'] + mib['leaf_bytes']) + 1)}")
