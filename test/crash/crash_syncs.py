"""What happens when a kind of sync is left out of a recorded run.

A kind is a place in the code, as far as the trace shows it: which file or folder is synced, what
the sync is for, and whether the program was opening, working or closing; or "left over": it syncs
only what a killed process left. A sync that a later one makes up for is looked at where the process
was killed between the two.
"""

import collections
import re
import shutil

import crash_model

FILE_POLICIES = (("unskipped", "all"), ("torn", "all"), ("some", "some"))
FOLDER_POLICIES = (("all", "unskipped"), ("none", "unskipped"), ("all", "none"), ("some", "some"))
KILLED_POLICIES = {True: (("all", "unskipped"), ("all", "none")), False: (("unskipped", "all"), ("some", "some"))}
SYNCS_MAX = 3        # of one kind that are looked at
POINTS_MAX = 20
SECOND_OPENING = 5   # is the fifth phase of the workload
KILLS_MAX = 3        # before one kind of sync, of those after opening
KILLED_RUNS_MAX = 16  # that are looked at for one kind
KILL_AFTER_MAX = 6   # syncs from one that is left out to the kill
EXPECTED_RUNS_MAX = 3  # of a kind that is expected to lose nothing
CUTS_AFTER_KILL = 6  # before so many syncs
SYNCS_AFTER = {True: 40, False: 8}  # one that is left out (is it what a killed process left?), before which the power may fail

Sync = collections.namedtuple("Sync", "run at folder")

# Kinds that lose nothing of what was promised, and why. The test asserts that, too.
NOT_NEEDED = {
    r"file catalog\.sqlite-wal, open": "SQLite's own, of migrations: the next sync of that file, before any promise, covers it",
    r"file online/CLEAN_SHUTDOWN\.tmp, close": "the marker's name says all; it comes with WriteFileAtomic",
    r"folder online for CLEAN_SHUTDOWN, close": "without the marker the online store is rebuilt",
    r"folder (blobs|online) for FORMAT, open": "written again when it is missing",
    r"folder blobs for tmp, open": "made again when it is missing",
    r"folder \. for blobs, open": "the folders made after it, and the next start, sync the same folder",
    r"folder \. for (LOCK|catalog\.sqlite-wal gone), open": "nobody was killed: it finds nothing that counts",
    r"folder stream/partition for (wal\.log|segment\.parquet) gone, open": "a file that comes back is removed again",
}

# Syncs that are needed: the program must do each, and must lose something without it.
MUST_HAPPEN = {
    "file FORMAT.tmp, open",
    "file blobs/FORMAT.tmp, open",
    "file blobs/tmp/blob, work",
    "file catalog.sqlite, close",
    "file catalog.sqlite, open",
    "file catalog.sqlite, work",
    "file catalog.sqlite-wal, left over",
    "file catalog.sqlite-wal, work",
    "file logbook/FORMAT.tmp, open",
    "file online/FORMAT.tmp, open",
    "file online/data.mdb, close",
    "file stream/partition/partition.json.tmp, any time",
    "file stream/partition/segment.parquet.tmp, any time",
    "file stream/partition/wal.log, before the next file",
    "file stream/partition/wal.log, close",
    "file stream/partition/wal.log, close of the data folder",
    "file stream/partition/wal.log, left over",
    "file stream/partition/wal.log, open",
    "file stream/partition/wal.log, work",
    "file stream/partition/wal.log.tmp, any time",
    "file stream/stream.json.tmp, open",
    "folder . for FORMAT, open",
    "folder . for catalog.sqlite-shm, any time",
    "folder . for logbook, open",
    "folder . for online, open",
    "folder ., left over",
    "folder blobs for shard, any time",
    "folder blobs/shard for blob, any time",
    "folder logbook for FORMAT, open",
    "folder logbook for streams, open",
    "folder logbook/streams for stream, open",
    "folder logbook/streams, left over",
    "folder online for CLEAN_SHUTDOWN gone, open",
    "folder online for data.mdb, close",
    "folder stream for partition, open",
    "folder stream for stream.json, open",
    "folder stream, left over",
    "folder stream/partition for partition.json, any time",
    "folder stream/partition for segment.parquet gone, work",
    "folder stream/partition for segment.parquet, any time",
    "folder stream/partition for wal.log, any time",
    "folder stream/partition, left over",
}

# SQLite's own, as it makes a database and as it recovers one: they matter at moments that chance
# seldom meets.
NOT_OURS = re.compile(r"file catalog\.sqlite-journal, .*|folder \. for catalog\.sqlite-journal.*|"
                      r"file catalog\.sqlite, left over")


def not_needed(kind):
    return next((why for pattern, why in NOT_NEEDED.items() if re.fullmatch(pattern, kind)), None)


def plain(path):
    """A path without what differs between files of one kind."""
    path = re.sub(r"\.tmp-\d+$", ".tmp", path)
    path = re.sub(r"^small(?=/|$)", "logbook", path)
    path = re.sub(r"wal-\d+\.log", "wal.log", path)
    path = re.sub(r"seg-[\w-]+\.parquet", "segment.parquet", path)
    path = re.sub(r"^blobs/tmp/\d+", "blobs/tmp/blob", path)
    path = re.sub(r"^blobs/[0-9a-f]{2}(?=/|$)", "blobs/shard", path)
    path = re.sub(r"blobs/shard/[0-9a-f]{62}", "blobs/shard/blob", path)
    return re.sub(r"^logbook/streams/[^/]+(/\d+)?",
                  lambda match: "stream/partition" if match[1] else "stream", path)


def killed_runs(run_of, pace, from_phase):
    """Runs of a process that is killed before a sync, and of another that goes on: before each sync
    of opening, and before some of each kind that comes later."""
    whole = run_of("whole-" + pace)
    whole.start(1, 2, pace)
    named, tried, runs, number, phase = kinds_of_run(whole), collections.Counter(), [], 0, 0
    for op in whole.ops():
        if op.kind == "note" and op.bytes.startswith(b"phase "):
            number, phase = 0, phase + 1
        if op.kind != "sync":
            continue
        number += 1
        kind = named.get(op.at)
        if kind is None or phase < from_phase or (tried[kind] == KILLS_MAX and not kind.endswith("open")):
            continue
        tried[kind] += 1
        run = run_of(f"killed-{pace}-{phase}-{number}")
        run.killed_before = f"{kind} ({pace})"
        run.start(1, 2, pace, kill=f"b {number} {phase}")
        run.killed_at = len(run.ops())
        run.start(2, 1, pace, "abandon")
        shutil.rmtree(run.folder)  # the record is all that is needed
        runs.append(run)
    return runs


def power_cuts_after_kill(runs, rng):
    """States in which what the killed process did is lost as far as no sync covers it, and what the next
    one did is not: before each of its first syncs."""
    for run in runs:
        ops = run.ops()
        points = [op.at - 1 for op in ops[run.killed_at + 1:] if op.kind == "sync"][:CUTS_AFTER_KILL]
        for at, disk, notes in run.replay(points):
            disk.since = run.killed_at
            for data, names in (("all", "newer"), ("newer", "all")):
                label = f"{run.name}, before {run.killed_before}, power lost after operation {at}, {data}, {names}"
                yield label, disk.crash(rng, data, names), notes


def kinds_of_run(run):
    """operation -> kind, of the syncs that make anything durable."""
    ops, kinds = run.ops(), {}
    ends = last_syncs(ops)
    disk, phase = run.disk(), "open"
    for op in ops:
        if op.kind == "note" and op.bytes.startswith(b"phase "):
            phase = op.bytes.decode().split()[1]
        if op.kind == "sync":
            kind = kind_of(disk, op, phase, ends, run.killed_at)
            if kind and not NOT_OURS.fullmatch(kind):
                kinds[op.at] = kind
        disk.apply(op)
    return kinds


def kinds_of(runs):
    kinds = collections.defaultdict(list)
    for run in runs:
        for at, kind in kinds_of_run(run).items():
            kinds[kind].append(Sync(run, at, kind.startswith("folder")))
    return kinds


def last_syncs(ops):
    """Syncs of handles that are not written to again."""
    last = {}
    for op in ops:
        if op.kind in ("write", "open"):
            last.pop(op.handle, None)
        if op.kind == "sync":
            last[op.handle] = op.at
    return set(last.values())


def kind_of(disk, op, phase, ends, killed_at):
    node, path, flags = disk.handles[op.handle]
    if isinstance(node, crash_model.File):
        if not node.pending:
            return None
        if plain(path).startswith("stream/partition/") and ".tmp" in plain(path):
            phase = "any time"
        if node.pending[0].at < killed_at <= op.at and ".tmp" not in path:
            return f"file {plain(path)}, left over"
        last = plain(path).endswith("wal.log") and phase == "work" and op.at in ends
        if phase == "close" and path.startswith("logbook/"):
            return f"file {plain(path)}, close of the data folder"  # small has none
        return f"file {plain(path)}, {'before the next file' if last else phase}"
    waiting = disk.waiting(node)
    if not waiting:
        return None
    newest = next(naming for naming in reversed(disk.pending) if waiting[-1] in naming.changes)
    left_over = newest.at < killed_at <= op.at
    if left_over and not path.startswith("blobs"):
        return f"folder {plain(path) or '.'}, left over"
    _, name, made = next(change for change in newest.changes if change[0] is node)
    below = plain(f"{path}/{name}" if path else name)
    if made and below.startswith(("stream/partition/", "blobs/shard", "catalog.sqlite-shm")):
        phase = "any time"  # one place in the code; when it comes is a matter of threads and kills
    return f"folder {plain(path) or '.'} for {below.rpartition('/')[2]}{'' if made else ' gone'}, {phase}"


def leave_out(lab, kind, syncs, rng):
    """Crashes after syncs of one kind, none of which happened, in some of the runs that have them.
    Returns how many states were judged, and the first answer that is not "ok", or None."""
    before, folder = lab.judged, syncs[0].folder
    for run, numbers in telling_runs(kind, syncs, rng):
        if run.killed_at:
            points, policies = points_after_kill(run, numbers, kind.endswith("left over")), KILLED_POLICIES[folder]
        else:
            points, policies = points_after(run.ops(), numbers, rng), FOLDER_POLICIES if folder else FILE_POLICIES

        def states():
            for at, disk, notes in run.replay(points, frozenset(numbers)):
                for data, names in policies:
                    yield f"{run.name}, after operation {at}, {data}, {names}", disk.crash(rng, data, names), notes

        for label, answer in lab.judge_all(states()):
            if answer != "ok":
                return lab.judged - before, f"{label}: {answer[:150]}"
    return lab.judged - before, None


def telling_runs(kind, syncs, rng):
    """The first whole run that has such syncs, then those that were killed soon after one or have one
    after the kill; first those killed about the same thing, and before kinds apart. Each comes with its
    syncs of the kind."""
    numbers = collections.defaultdict(list)
    for sync in syncs:
        numbers[sync.run].append(sync.at)
    whole = [run for run in numbers if not run.killed_at][:1]
    killed = [run for run in numbers if run.killed_at and told_by_kill(run, numbers[run])]
    rng.shuffle(killed)
    seen = collections.Counter()
    order = {}
    for run in killed:
        order[run] = (not words(kind) & words(run.killed_before), seen[run.killed_before])
        seen[run.killed_before] += 1
    killed.sort(key=order.get)
    return [(run, numbers[run]) for run in whole + killed[:EXPECTED_RUNS_MAX if not_needed(kind) else KILLED_RUNS_MAX]]


def words(kind):
    return set(re.findall(r"[\w./-]+", kind)) - {"folder", "file", "for", "open", "work", "close", "left", "over"}


def told_by_kill(run, numbers):
    if numbers[-1] > run.killed_at:
        return True
    return sum(1 for op in run.ops()[numbers[-1]:run.killed_at] if op.kind == "sync") <= KILL_AFTER_MAX


def points_after_kill(run, numbers, left_over):
    """The syncs after the first that is left out, the first promises of each sort, and the end."""
    start = next((at for at in numbers if at >= run.killed_at), run.killed_at)
    ops, promised = run.ops(), {}
    for op in ops[start:]:
        if op.kind == "note" and op.bytes.startswith(b"ack"):
            promised.setdefault(op.bytes.split()[1], op.at)
    syncs = [op.at - 1 for op in ops[start + 1:] if op.kind == "sync"][:SYNCS_AFTER[left_over]]
    return sorted({*promised.values(), *syncs, len(ops) - 1})


def points_after(ops, syncs, rng):
    """Where a sync's absence would show: at the next changes, the next promises of each sort, and as
    the folder is closed next."""
    chosen = syncs if len(syncs) <= SYNCS_MAX else [syncs[0], syncs[-1], *rng.sample(syncs, SYNCS_MAX - 2)]
    points, closing = set(), set()
    for at in chosen:
        after = ops[at + 1:]
        changes = [op.at for op in after if op.kind not in ("note", "open", "map")]
        named = [op.at for op in after if op.kind in ("rename", "unlink", "mkdir")]
        promised, said = {}, [op for op in after if op.kind == "note"]
        for op in said:
            promised.setdefault(op.bytes.split()[1] if op.bytes.startswith((b"ack", b"seen")) else None, op.at)
        close = next((op.at for op in said if op.bytes == b"phase close\n"), len(ops))
        closed = next((op.at for op in said if op.bytes == b"phase closed\n" and op.at > close), len(ops) - 1)
        points.update([at, *changes[:3], *named[:3], *promised.values()])
        closing.update([closed, *[op.at for op in after if op.kind == "rename" and close < op.at < closed]])
    points -= closing
    return sorted(closing.union(points if len(points) <= POINTS_MAX else rng.sample(sorted(points), POINTS_MAX)))
