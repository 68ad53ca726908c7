"""Prints what serving costs, beside competitors under the same load in the same run, and the bars of issue 5.

usage: ./dev bench serve [--quick] [--only REGEX] [--hour]     (about 15 minutes; --quick 6; the first time 10 more)

Cores are pinned: the server's is 1, the load's 0. Contestants take turns, five rounds of 3 s after one of warm-up
(--quick: one of 2 s); ratios are medians of the rounds' own. CPU is utime + stime of all processes of a server over
its answers, each of which is compared with the right one. --hour: the mixed load lasts an hour, else a minute.
Models are trained on the flights of 2013 and kept in build/bench-serve. On a busy machine
`setsid -w bash -c 'echo -10 > /proc/self/autogroup; exec ./dev bench serve'` lets it go first.
"""

import argparse
import pathlib
import re
import signal
import sys
import tempfile
import typing

import memory
import models
import peers
import scoring
import speed
import table
import upheaval

BESIDE_PEERS = {"one row": speed.one_row, "hundred rows": speed.hundred_rows, "grpc": speed.grpc}
ALONE = {"log": speed.log_on, "swaps": upheaval.swaps, "loading": upheaval.loading, "start": memory.start, "loops": speed.loops, "files": scoring.files,
         "mixed": memory.mixed}


class Options(typing.NamedTuple):
    rounds: int
    seconds: float        # of a round
    mixed_seconds: float


def main():
    # So that the servers are ended too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=".", help=f"of {', '.join([*BESIDE_PEERS, *ALONE])}")
    parser.add_argument("--hour", action="store_true")
    arguments = parser.parse_args()
    mixed_seconds = 3600 if arguments.hour else 30 if arguments.quick else 60
    options = Options(1, 2, mixed_seconds) if arguments.quick else Options(5, 3, mixed_seconds)
    verdicts, found = table.Verdicts(), models.Models()

    def run(tables, *more):
        for name, measure in tables.items():
            if re.search(arguments.only, name):
                with tempfile.TemporaryDirectory(prefix="bench-serve-") as scratch:
                    measure(options, found, *more, pathlib.Path(scratch), verdicts)
    with tempfile.TemporaryDirectory(prefix="bench-serve-") as scratch, peers.Field(found, scratch) as field:
        run(BESIDE_PEERS, field)
    run(ALONE)
    verdicts.print()


if __name__ == "__main__":
    main()
