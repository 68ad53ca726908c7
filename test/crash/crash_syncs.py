"""What happens when a kind of sync is left out of a recorded run.

A kind is a place in the code, as far as the trace shows it: which file or folder is synced, what
the sync is for, and whether the program was opening, working or closing.
"""

import collections
import re

import crash_model

FILE_POLICIES = (("unskipped", "all"), ("torn", "all"), ("some", "some"))
FOLDER_POLICIES = (("all", "unskipped"), ("all", "none"), ("some", "some"))
SYNCS_MAX = 3  # of one kind that are looked at
POINTS_MAX = 24

Sync = collections.namedtuple("Sync", "run at folder")

# Kinds that lose nothing of what was promised, and why. The test asserts that, too.
NOT_NEEDED = {}

MUST_HAPPEN = set()


def not_needed(kind):
    return next((why for pattern, why in NOT_NEEDED.items() if re.fullmatch(pattern, kind)), None)


def plain(path):
    """A path without what differs between files of one kind."""
    path = re.sub(r"\.tmp-\d+$", ".tmp", path)
    path = re.sub(r"wal-\d+\.log", "wal.log", path)
    path = re.sub(r"seg-[\w-]+\.parquet", "segment.parquet", path)
    path = re.sub(r"^blobs/tmp/\d+", "blobs/tmp/blob", path)
    path = re.sub(r"^blobs/[0-9a-f]{2}(?=/|$)", "blobs/shard", path)
    path = re.sub(r"blobs/shard/[0-9a-f]{62}", "blobs/shard/blob", path)
    path = re.sub(r"^(logbook|small)/streams/[^/]+(/\d+)?",
                  lambda match: "stream/partition" if match[2] else "stream", path)
    return re.sub(r"^small/", "logbook/", path)


def kinds_of(runs):
    """kind -> its syncs, of those that make anything durable."""
    kinds = collections.defaultdict(list)
    for run in runs:
        ops = run.ops()
        ends = last_syncs(ops)
        disk, phase = run.disk(), "open"
        for op in ops:
            if op.kind == "note" and op.bytes.startswith(b"phase "):
                phase = op.bytes.decode().split()[1]
            if op.kind == "sync":
                kind = kind_of(disk, op, phase, ends)
                if kind:
                    kinds[kind].append(Sync(run, op.at, kind.startswith("folder")))
            disk.apply(op)
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


def kind_of(disk, op, phase, ends):
    node, path, flags = disk.handles[op.handle]
    if isinstance(node, crash_model.File):
        if not node.pending:
            return None
        kind = f"file {plain(path)}, {phase}"
        if plain(path).endswith("wal.log") and phase == "work" and op.at in ends:
            kind += ", before the next file"
        return kind
    waiting = disk.waiting(node)
    if not waiting:
        return None
    newest = next(naming for naming in reversed(disk.pending) if waiting[-1] in naming.changes)
    _, name, made = next(change for change in newest.changes if change[0] is node)
    below = plain(f"{path}/{name}" if path else name)
    return f"folder {plain(path) or '.'} for {below.rpartition('/')[2]}{'' if made else ' gone'}, {phase}"


def leave_out(lab, syncs, rng):
    """Crashes after syncs of one kind, none of which happened, in the first run that has them.
    Returns how many states were judged, and the first answer that is not "ok", or None."""
    run = syncs[0].run
    ignored = {sync.at for sync in syncs if sync.run is run}
    points = points_after(run.ops(), sorted(ignored), rng)

    def states():
        for data, names in FOLDER_POLICIES if syncs[0].folder else FILE_POLICIES:
            for at, disk, notes in run.replay(points, ignored):
                yield f"after operation {at}, {data}, {names}", disk.crash(rng, data, names), notes

    before = lab.judged
    for label, answer in lab.judge_all(states()):
        if answer != "ok":
            return lab.judged - before, f"{label}: {answer[:150]}"
    return lab.judged - before, None


def points_after(ops, syncs, rng):
    """Where a sync's absence would show: at the next changes, the next promises of each sort, and
    between this opening of the folder and the next."""
    chosen = syncs if len(syncs) <= SYNCS_MAX else [syncs[0], syncs[-1], *rng.sample(syncs, SYNCS_MAX - 2)]
    points = set()
    for at in chosen:
        after = ops[at + 1:]
        changes = [op.at for op in after if op.kind not in ("note", "open", "map")]
        named = [op.at for op in after if op.kind in ("rename", "unlink", "mkdir")]
        promised, said = {}, [op for op in after if op.kind == "note"]
        for op in said:
            promised.setdefault(op.bytes.split()[1] if op.bytes.startswith((b"ack", b"seen")) else None, op.at)
        closed = [op.at for op in said if op.bytes == b"phase closed\n"]
        points.update([at, *changes[:3], *named[:3], *promised.values(), *closed[:1]])
    return sorted(points if len(points) <= POINTS_MAX else rng.sample(sorted(points), POINTS_MAX))
