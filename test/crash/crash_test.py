"""Crash safety of the four stores; README.md says how. usage: crash_test.py BUILD WHAT [--seed N]

WHAT: points    a crash at any of 200 points and more, and again while recovering from it
      syncs     each kind of sync left out: the crash must then lose something
      restarts  the process dies, another goes on, then the power fails
      refusals  the disk refuses to write or to sync
"""

import argparse
import collections
import os
import random
import re
import shutil
import sys
import tempfile
import time

import crash_syncs
from crash_lab import Lab, Run

GENERATIONS = (80, 70, 60)  # crash points in a first run, in one after a crash of it, and so on
POLICIES = ("none", "all", "prefix", "some", "some")
CLEAR = re.compile(r"No space left on device|disk is full|Input/output error|disk I/O error|disk, then restart|free space on the disk", re.I)
NEVER_ENDS = 1_000_000
MEMORY = "/dev/shm"  # nothing here needs a disk: what reaches it is the model's to say
RESTARTS = 40  # of each kind


def report(failures, what):
    for label, answer in failures[:10]:
        print(f"FAILED {label}: {answer}")
    if failures:
        sys.exit(f"{len(failures)} of {what} failed")
    print(f"{what}: all good")


def choose_points(ops, count, rng):
    """Half of them anywhere, half beside a sync or a change of names."""
    edges = [op.at for op in ops if op.kind not in ("write", "note", "map")]
    chosen = set()
    while len(chosen) < min(count, len(ops)):
        at = rng.randrange(len(ops)) if rng.random() < 0.5 else rng.choice(edges) + rng.randrange(-1, 2)
        if 0 <= at < len(ops):
            chosen.add(at)
    return sorted(chosen)


def points(lab, rng):
    before, notes, failures, count = None, b"", [], 0
    for generation, wanted in enumerate(GENERATIONS):
        run = Run(lab, f"generation-{generation}", before, notes)
        words = ("abandon",) if rng.random() < 0.7 else ()
        run.start(rng.randrange(10**6), 2, *words)
        run.check()
        ops = run.ops()
        chosen = choose_points(ops, wanted, rng)
        count += len(chosen)
        after = rng.choice(chosen[len(chosen) // 2:])  # the crash that the next generation begins with

        def states():
            nonlocal before, notes
            for at, disk, said in run.replay(chosen):
                data, names, seed = rng.choice(POLICIES), rng.choice(POLICIES), rng.randrange(10**9)
                label = f"generation {generation}, after operation {at}, data {data}, names {names}, seed {seed}"
                yield label, disk.crash(random.Random(seed), data, names), said
                if at == after:
                    before, notes = lab.path(f"crashed-{generation}"), said
                    os.mkdir(before)
                    disk.crash(rng, "some", "some").write(before)
        failures += [(label, answer) for label, answer in lab.judge_all(states()) if answer != "ok"]
        if failures:
            break
    report(failures, f"{count} crash points")


def syncs(lab, rng):
    first = Run(lab, "first")
    first.start(rng.randrange(10**6), 3, "abandon")
    *_, (_, disk, notes) = first.replay([len(first.ops()) - 1])
    os.mkdir(lab.path("crashed"))
    disk.crash(rng, "all", "all").write(lab.path("crashed"))
    second = Run(lab, "second", lab.path("crashed"), notes)
    second.start(rng.randrange(10**6), 2, "abandon")
    large = Run(lab, "large")
    large.start(rng.randrange(10**6), 2, "bulk", "abandon")
    for run in (first, second, large):
        run.check()
    failures = []
    killed = crash_syncs.killed_runs(lambda name: Run(lab, name), "short", 1)
    killed += crash_syncs.killed_runs(lambda name: Run(lab, name), "quiet", crash_syncs.SECOND_OPENING)
    cuts = crash_syncs.power_cuts_after_kill(killed, rng)
    failures += [(label, answer) for label, answer in lab.judge_all(cuts) if answer != "ok"]
    print(f"{lab.judged} states of {len(killed)} kills, nothing left out: {len(failures)} failed", flush=True)
    kinds = crash_syncs.kinds_of((first, second, large, *killed))
    for kind in sorted(kinds):
        began = time.monotonic()
        tried, found = crash_syncs.leave_out(lab, kind, kinds[kind], rng)
        reason = crash_syncs.not_needed(kind)
        print(f"{kind}: {len(kinds[kind])} syncs, {tried} states, {time.monotonic() - began:.1f} s: "
              f"{found or 'nothing is lost'}" + (f" (expected: {reason})" if reason else ""), flush=True)
        if (found is None) != (reason is not None):
            failures.append((kind, f"left out, {found or 'nothing is lost'}"))
        elif found and kind not in crash_syncs.MUST_HAPPEN:
            failures.append((kind, "is needed: list it in MUST_HAPPEN"))
    failures += [(kind, "the program no longer does this sync") for kind in crash_syncs.MUST_HAPPEN - kinds.keys()]
    report(failures, f"{len(kinds)} kinds of sync")


def restarts(lab, rng):
    """Kills at changes of names, and before syncs."""
    whole = Run(lab, "whole")
    whole.start(1, 1, "short")
    totals = collections.Counter("b" if op.kind == "sync" else "n" for op in whole.ops()
                                 if op.kind not in ("write", "truncate", "extend", "map", "note")
                                 and (op.kind != "open" or op.b))
    kills = [(kind, number) for kind, total in totals.items()
             for number in sorted(rng.sample(range(1, total + 1), min(total, RESTARTS)))]
    failures = []
    for kind, number in kills:
        run = Run(lab, f"killed-{kind}-{number}")
        run.start(1, 1, "short", kill=f"{kind} {number} 0")
        killed = len(run.ops())
        run.start(2, 1, "short", "abandon")
        ops = run.ops()
        acks = [op.at for op in ops[killed:] if op.kind == "note" and not op.bytes.startswith(b"phase")]
        chosen = sorted({rng.choice(acks), len(ops) - 1})

        def states():
            for at, disk, said in run.replay(chosen):
                for data, names in (("none", "none"), ("none", "all"), ("some", "some")):
                    seed = rng.randrange(10**9)
                    label = f"killed at {kind} {number}, power lost after operation {at}, {data}, {names}, seed {seed}"
                    yield label, disk.crash(random.Random(seed), data, names), said
        failures += [(label, answer) for label, answer in lab.judge_all(states()) if answer != "ok"]
        shutil.rmtree(run.folder)
    report(failures, f"{len(kills)} restarts")


def refusals(lab, rng):
    kinds = [("w", "ENOSPC", NEVER_ENDS), ("wn", "ENOSPC", NEVER_ENDS), ("w", "ENOSPC", 3), ("wn", "ENOSPC", 1),
             ("s", "EIO", NEVER_ENDS), ("s", "EIO", 1), ("w", "EIO", 2), ("wns", "EIO", NEVER_ENDS)]
    failures, count, refused = [], 0, collections.Counter()
    for kind, error, times in kinds:
        for turn in range(5):
            label = f"refused {kind} {error} {times} {turn}"
            run = Run(lab, label.replace(" ", "-"))
            run.start(1, 1, "short")
            start = rng.randrange(1, 300 if "w" in kind else 80)
            run.start(2, 2, "refused", refuse=f"{kind} {error} {start} {times}")
            count += 1
            for line in run.said(b"refused"):
                refused[line.split()[1]] += 1
                if not CLEAR.search(line):
                    failures.append((label, f"not clear: {line}"))

            ends = [len(run.ops()) - 1]
            run.start(3, 1, "short", "abandon")  # the disk is well again, and all must be
            ends.append(len(run.ops()) - 1)

            def states():
                for at, disk, said in run.replay(ends):
                    yield f"{label}, after operation {at}", disk.now(), said
                    for data, names in (("none", "none"), ("none", "all"), ("some", "some")):
                        yield f"{label}, after operation {at}, {data}, {names}", disk.crash(rng, data, names), said
            failures += [(where, answer) for where, answer in lab.judge_all(states()) if answer != "ok"]
            shutil.rmtree(run.folder)
    print("refused:", dict(refused))
    if not refused:
        failures.append(("refusals", "the disk refused nothing"))
    report(failures, f"{count} refusals")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build")
    parser.add_argument("what", choices=("points", "syncs", "restarts", "refusals"))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-", dir=MEMORY if os.path.isdir(MEMORY) else None) as folder:
        lab = Lab(arguments.build, folder)
        try:
            globals()[arguments.what](lab, random.Random(arguments.seed))
        finally:
            lab.close()
        print(f"{lab.judged} states judged, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
