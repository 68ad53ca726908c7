"""Scoring files by `seaworthy predict`, beside the engine's own speed."""

import json
import os
import statistics
import subprocess
import time

import numpy
import pyarrow
import pyarrow.parquet

import bodies
import machine
import table

ROWS = 4_000_000
ENGINE_ROWS = 16_384


def files(options, models, scratch, verdicts):
    title = "file scoring, Parquet to Parquet"
    table.head(title, f"{ROWS:,} rows of {models.columns} float64, one core; the engine: batches of 4,096 rows in memory, one thread")
    rows = models.numbers[numpy.random.default_rng(9).integers(len(models.numbers), size=ROWS)]
    names = models.booster.feature_name()
    source, out = scratch / "rows.parquet", scratch / "scored.parquet"
    pyarrow.parquet.write_table(pyarrow.table(dict(zip(names, rows.T.copy()))), source)
    rows[:ENGINE_ROWS].tofile(scratch / "rows.f64")
    for name, path in (("100 trees x 31 leaves", models.text), ("500 trees x 255 leaves", models.large())):
        engine, cpu, wall = [], [], []
        for _ in range(min(3, options.rounds)):
            engine.append(engine_ns(path, models.columns, scratch))
            used, passed = predict(path, source, out)
            cpu.append(used * 1e9 / ROWS)
            wall.append(passed * 1e9 / ROWS)
        check(models, path, rows[:1000], out)
        speed = statistics.median(a / b for a, b in zip(engine, cpu))
        print(f"  {name}: engine {statistics.median(engine):.0f} ns a row; file {statistics.median(cpu):.0f} ns of CPU a row, "
              f"{statistics.median(wall):.0f} of the clock")
        verdicts.bar(title, f"{name}: at least 60 % of the engine's own speed", f"{100 * speed:.0f} %", speed >= 0.6)


def engine_ns(path, columns, scratch):
    command = ["taskset", "-c", machine.SERVER_CORE, machine.BIN / "score_program", "seaworthy", path, "-", scratch / "rows.f64", columns, 1,
               scratch / "scores.f64"]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["batch_ns"]


def predict(path, source, out):
    """(CPU seconds, seconds of the clock)"""
    command = ["taskset", "-c", machine.SERVER_CORE, machine.BIN / "seaworthy", "predict", "--model", path, "--in", source, "--out", out]
    began = time.monotonic()
    running = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode != 0:
        raise RuntimeError(f"seaworthy predict ends with {running.returncode}")
    return used.ru_utime + used.ru_stime, time.monotonic() - began


def check(models, path, rows, out):
    found = pyarrow.parquet.read_table(out)["prediction"].to_numpy()
    expected = models.expected(rows, path, as_float=False)
    if len(found) != ROWS or not numpy.allclose(found[:len(rows)], expected, rtol=0, atol=bodies.OUR_OFF_MAX):
        raise RuntimeError(f"{out}: {len(found)} predictions, the first {found[:3]}, not {expected[:3]}")
