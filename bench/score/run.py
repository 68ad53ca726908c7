"""Prints how fast each engine scores the same models and rows, in one thread, as ratios beside the bars of issue 4.

usage: ./dev bench score [--models DIR] [--only REGEX]     (about 6 minutes; the first time 10 more)

Models are trained on the flights of 2013 and kept in build/bench-score, with what rivals compile of them;
`--models DIR` adds public ones (lleaves' NYC_taxi.txt, Treebeard's higgs_xgb_model_save.json, any other LightGBM text
and XGBoost JSON), else the row of these two prints "absent". Rows are distinct and real, missing values included.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

import numpy

import engines
import load
import models
import pipelines
import table
from table import Bar

ROOT = pathlib.Path(__file__).resolve().parents[2]
FASTER = [Bar("batch_ns", "any", 1), Bar("one_row_ns", "any", 1)]
XGBOOST = [Bar("batch_ns", "any", 2), Bar("one_row_ns", "any", 2), Bar("one_row_ns", "original", 20)]
BARS = {
    "LightGBM 100 x 31": [Bar("batch_ns", "exact", 4, 6), Bar("batch_ns", "original", 20, 25), Bar("one_row_ns", "any", 4, 5)],
    "XGBoost 100 x depth 6": XGBOOST,
    "XGBoost 100 x depth 8": XGBOOST,
    "LightGBM 500 x 255": FASTER,
    "LightGBM 50 x 16,384 (random forest)": FASTER,
    "LightGBM 1,000 x 31, 10 classes": FASTER,
}


def child(seconds, *arguments):
    """(its output, None) of a run of engines.py, or (None, why there is none). Each process of it may use so much CPU time."""
    command = [sys.executable, "-W", "ignore", pathlib.Path(engines.__file__), *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds)))
    late = f"its {arguments[0]} step was not done within {seconds} s of CPU time"
    try:
        said, complained = running.communicate(timeout=6 * seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGKILL)  # a C compiler is a child of it
        running.communicate()
        return None, late
    if running.returncode == 0:
        return said, None
    if -running.returncode in (signal.SIGKILL, signal.SIGXCPU) or re.search("Killed|CPU time limit|SIGXCPU", complained):
        return None, late
    # The last line that says something: some errors end by pointing at a place.
    lines = [line for line in complained.splitlines() if re.search("[A-Za-z]{3}", line)] or [f"ended by signal {-running.returncode}"]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return None, (errors or lines)[-1].removeprefix("cannot: ").strip()[:170]


def compiled_folder(folder, name, path):
    code = hashlib.sha256(path.read_bytes() + name.encode()).hexdigest()[:16]
    return folder / "compiled" / f"{re.sub('[^a-z0-9]+', '-', name.lower())}-{code}"


def compile_rivals(folder, found):
    """What rivals need of each model beforehand, once. Where that failed, the file `why` says why, and it is not tried again."""
    def one(name, path):
        compiled = compiled_folder(folder, name, path)
        if (compiled / "done").exists() or (compiled / "why").exists():
            return
        compiled.mkdir(parents=True, exist_ok=True)
        _, why = child(engines.COMPILE_SECONDS_MAX, "compile", name, path, compiled)
        (compiled / ("why" if why else "done")).write_text(why or "")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wanted = [pool.submit(one, name, model.path) for model in found if model.path
                  for name, rival in engines.RIVALS.items() if hasattr(rival, "compile")]
        for number, done in enumerate(concurrent.futures.as_completed(wanted), 1):
            done.result()
            print(f"\rbench: rivals compile: {number} of {len(wanted)}", end="", file=sys.stderr)
    print(file=sys.stderr)


def measure(model, folder, scratch):
    """{engine: {one_row_ns, batch_ns, bits}}; the original library is the first."""
    measured, original = {}, None
    numpy.save(scratch / "rows.npy", model.rows)
    for name in engines.names_for(model.path):
        compiled = compiled_folder(folder, name, model.path)
        why = (compiled / "why").read_text() if (compiled / "why").exists() else None
        if why is None:
            said, why = child(engines.TIME_SECONDS_MAX, "time", name, model.path, compiled, scratch / "rows.npy", scratch / "scores.f64")
        if why is not None:
            print(f"  {name:34} cannot: {why}", flush=True)
            continue
        figures, scores = json.loads(said), numpy.fromfile(scratch / "scores.f64")
        original = scores if name == engines.original_of(model.path) else original
        measured[name] = figures | {"bits": table.bits(scores, original)}
        table.print_engine(name, measured[name])
        if not figures.get("one_row_equal", True):
            print("    its scores of one row and of many differ")
        if name == engines.OURS:
            print(f"    {figures['said']}")
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path)
    parser.add_argument("--only", default=".")
    arguments = parser.parse_args()
    folder = ROOT / "build" / "bench-score"
    folder.mkdir(parents=True, exist_ok=True)

    def wanted(title):
        return re.search(arguments.only, title) is not None
    verdicts = table.Verdicts()
    found = [*models.flight_models(folder, wanted), *models.public_models(arguments.models, wanted)]
    compile_rivals(folder, found)
    with tempfile.TemporaryDirectory(prefix="bench-score-") as scratch:
        for model in found:
            if model.path is None:
                print(f"\n{model.title}: absent")
                continue
            table.print_head(model.title, model.said)
            measured = measure(model, folder, pathlib.Path(scratch))
            table.print_ratios(model.title, measured, engines.OURS, engines.original_of(model.path), BARS.get(model.title, []), verdicts)
            table.print_bits_bar(model.title, measured, engines.OURS, verdicts)
        pipelines.run(wanted, folder, pathlib.Path(scratch), verdicts)
        load.run(wanted, folder, pathlib.Path(scratch), verdicts)
    print()
    verdicts.print()


if __name__ == "__main__":
    main()
