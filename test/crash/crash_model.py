"""A disk that remembers what was synced, and the states that a crash of it may leave.

    disk = Disk.load(folder)                  # all that is there is on disk
    for op in read_trace(path):
        disk.apply(op)
    disk.crash(random.Random(7), data="some", names="some").write(other_folder)

What is assumed is what POSIX grants, and no more:

- fsync and fdatasync of a file make what was written to it before durable, and nothing else: not
  its name. fsync of a folder makes the names in it durable. A write under O_DSYNC is durable alone.
- Of anything else any part may survive: of writes any 512-byte sector, each for itself, whatever
  came later; of names (creation, rename, removal) any of them, except that those of one name keep
  their order and a rename never loses the file. Bytes that a lost write was to add read as zeros.
- A sync that failed may have lost what it was to write, and no later sync brings that back.
- A shared, writable mapping may leave anything.
"""

import collections
import os

SECTOR = 512
O_CREAT, O_ACCMODE = 0o100, 0o3

Op = collections.namedtuple("Op", "at kind handle a b bytes")


def read_trace(path):
    """Yields what the shim recorded; a record that the process died in is left out."""
    with open(path, "rb") as file:
        at = 0
        while line := file.readline():
            kind, *numbers = line.split()
            handle, a, b, size = map(int, numbers)
            payload = file.read(size)
            if len(payload) < size:
                return
            yield Op(at, kind.decode(), handle, a, b, payload)
            at += 1


class Change:
    """A write (bytes at an offset), or a new size (bytes is None), that no sync covers yet."""

    __slots__ = ("at", "offset", "bytes", "grows", "durable", "doomed", "skipped")

    def __init__(self, at, offset, data, grows=False, durable=False):
        self.at, self.offset, self.bytes, self.grows = at, offset, data, grows
        self.durable = durable  # survives, though changes before it may not
        self.doomed = False     # a sync of it failed
        self.skipped = False    # a sync of it was left out on purpose

    def apply(self, content):
        if self.bytes is None:
            if len(content) < self.offset:
                content.extend(bytes(self.offset - len(content)))
            elif not self.grows:
                del content[self.offset:]
            return
        put(content, self.offset, self.bytes)

    def apply_torn(self, content, rng, keep):
        """Applies some of its sectors."""
        if self.bytes is None:
            if rng.random() < keep:
                self.apply(content)
            return
        end = self.offset + len(self.bytes)
        start = self.offset
        while start < end:
            stop = min(end, (start // SECTOR + 1) * SECTOR)
            if rng.random() < keep:
                put(content, start, self.bytes[start - self.offset:stop - self.offset])
            start = stop
        if rng.random() < 0.5 and len(content) < end:
            content.extend(bytes(end - len(content)))


def put(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class File:
    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.pending = []
        self.mapped = False

    def sync(self):
        for change in self.pending:
            change.durable = change.durable or not change.doomed
        while self.pending and self.pending[0].durable:
            self.pending.pop(0).apply(self.durable)

    def doom(self):
        for change in self.pending:
            change.doomed = not change.durable

    def size(self):
        size = len(self.durable)
        for change in self.pending:
            if change.bytes is not None:
                size = max(size, change.offset + len(change.bytes))
            else:
                size = max(size, change.offset) if change.grows else change.offset
        return size

    def content(self, keep_change):
        """What is there when `keep_change(change, content)` applies the changes that no sync covers."""
        content = bytearray(self.durable)
        for change in self.pending:
            if change.durable:
                change.apply(content)
            else:
                keep_change(change, content)
        return content


class Folder:
    def __init__(self):
        self.names = {}    # as programs see it: name -> File or Folder
        self.durable = {}


class Naming:
    """Changes of names that happen as one: [(folder, name, node or None)], the new name first."""

    __slots__ = ("at", "changes", "skipped")

    def __init__(self, at, changes):
        self.at, self.changes, self.skipped = at, changes, False

    def touches(self):
        return {(id(folder), name) for folder, name, _ in self.changes}


class Disk:
    def __init__(self):
        self.root = Folder()
        self.pending = []  # Namings, in order
        self.handles = {}  # handle -> (node, path, flags of open)
        self.at = 0
        self.since = 0     # for "newer"

    @staticmethod
    def load(path):
        disk = Disk()
        disk.root = _load(path)
        return disk

    # ---- what the trace says ----

    def apply(self, op):
        self.at = op.at
        getattr(self, "_" + op.kind)(op)

    def _note(self, op):
        pass

    def _open(self, op):
        path = op.bytes.decode()
        if op.b:
            node = File()
            self._name([self._place(path) + (node,)])
        else:
            node = self.find(path)
        self.handles[op.handle] = (node, path, op.a)

    def _write(self, op):
        self.handles[op.handle][0].pending.append(Change(op.at, op.a, op.bytes, durable=op.b == 1))

    def _truncate(self, op):
        self.handles[op.handle][0].pending.append(Change(op.at, op.a, None))

    def _extend(self, op):
        self.handles[op.handle][0].pending.append(Change(op.at, op.a, None, grows=True))

    def _map(self, op):
        self.handles[op.handle][0].mapped = True

    def _sync(self, op):
        node = self.handles[op.handle][0]
        if isinstance(node, File):
            node.sync()
        else:
            self._sync_folder(node)

    def skip(self, op):
        """Leaves a sync out, and marks what it should have made durable."""
        node = self.handles[op.handle][0]
        pending = node.pending if isinstance(node, File) else [
            naming for naming in self.pending if any(folder is node for folder, _, _ in naming.changes)]
        for change in pending:
            change.skipped = True

    def _syncfail(self, op):
        node = self.handles[op.handle][0]
        if isinstance(node, File):
            node.doom()

    def _mkdir(self, op):
        self._name([self._place(op.bytes.decode()) + (Folder(),)])

    def _unlink(self, op):
        self._name([self._place(op.bytes.decode()) + (None,)])

    _rmdir = _unlink

    def _rename(self, op):
        old, new = op.bytes.decode().split("\0")
        self._name([self._place(new) + (self.find(old),), self._place(old) + (None,)])

    def _link(self, op):
        old, new = op.bytes.decode().split("\0")
        self._name([self._place(new) + (self.find(old),)])

    # ---- names ----

    def find(self, path):
        node = self.root
        for part in path.split("/") if path else []:
            node = node.names[part]
        return node

    def _place(self, path):
        folder, _, name = path.rpartition("/")
        return self.find(folder), name

    def _name(self, changes):
        for folder, name, node in reversed(changes):
            if node is None:
                folder.names.pop(name)
            else:
                folder.names[name] = node
        self.pending.append(Naming(self.at, changes))

    def waiting(self, folder):
        """The changes of names in this folder that no sync covers: [(folder, name, node or None)]."""
        return [change for naming in self.pending for change in naming.changes if change[0] is folder]

    def _sync_folder(self, folder):
        for naming in list(self.pending):
            here = [change for change in naming.changes if change[0] is folder]
            # The old name may stay when only the new one's folder was synced; not the other way.
            if any(node is None for _, _, node in here):
                here = naming.changes
            for change in list(here):
                self._persist(naming, change)
        self.pending = [naming for naming in self.pending if naming.changes]

    def _persist(self, naming, change):
        folder, name, node = change
        for earlier in self.pending:
            if earlier is naming:
                break
            for other in [each for each in earlier.changes if each[0] is folder and each[1] == name]:
                self._persist(earlier, other)
        _set(folder.durable, name, node)
        naming.changes = [each for each in naming.changes if each is not change]

    # ---- crashing ----

    def crash(self, rng, data, names):
        """A Crashed disk. `data` and `names` say what survives of what no sync covers: "all", "none",
        "prefix" (what came first, up to some moment, and a part of the next write), "some", what
        was done from `since` on: "newer", or all but what a skipped sync was for: "unskipped", "torn"
        (some sectors of that)."""
        keep_naming = self._naming_keeper(rng, names)
        overlay = {}
        for naming in self.pending:
            if keep_naming(naming):
                for folder, name, node in naming.changes:
                    _set(overlay.setdefault(id(folder), dict(folder.durable)), name, node)
        return Crashed(self.root, overlay, _data_keeper(rng, data, self.at, self.since), rng if data == "some" else None)

    def _naming_keeper(self, rng, names):
        keep = rng.choice((0.2, 0.5, 0.8))
        cut = rng.choice([naming.at for naming in self.pending] + [-1])
        want = {"all": lambda naming: True,
                "none": lambda naming: False,
                "prefix": lambda naming: naming.at <= cut,
                "some": lambda naming: rng.random() < keep,
                "newer": lambda naming: naming.at >= self.since,
                "unskipped": lambda naming: not naming.skipped}[names]
        lost = set()

        def keep_naming(naming):
            touched = naming.touches()
            if want(naming) and not lost & touched:
                return True
            lost.update(touched)
            return False
        return keep_naming

    def now(self):
        """The disk as programs see it."""
        return Crashed(self.root, None, Change.apply, None)


def _data_keeper(rng, data, at, since):
    cut = at - int(rng.expovariate(1 / 30))
    keep = rng.choice((0.1, 0.5, 0.9))
    whole = rng.choice((0.0, 0.7))  # of the writes that are kept or lost as a whole

    def prefix(change, content):
        if change.at < cut:
            change.apply(content)
        elif change.at == cut:
            change.apply_torn(content, rng, 0.5)

    def some(change, content):
        if rng.random() >= whole:
            change.apply_torn(content, rng, keep)
        elif rng.random() < keep:
            change.apply(content)

    def newer(change, content):
        if change.at >= since:
            change.apply(content)

    def unskipped(change, content):
        if not change.skipped:
            change.apply(content)

    def torn(change, content):
        if change.skipped:
            change.apply_torn(content, rng, 0.5)
        else:
            change.apply(content)
    return {"all": Change.apply, "none": lambda change, content: None, "prefix": prefix, "some": some,
            "newer": newer, "unskipped": unskipped, "torn": torn}[data]


class Crashed:
    """A tree of files. `write` puts it into an empty folder, `files` reads it."""

    def __init__(self, root, overlay, keep_change, scramble):
        self.root, self.overlay = root, overlay
        self.keep_change, self.scramble = keep_change, scramble

    def _names(self, folder):
        return folder.names if self.overlay is None else self.overlay.get(id(folder), folder.durable)

    def walk(self):
        """Yields (path, content), or (path, None) for a folder, folders first."""
        waiting = [("", self.root)]
        while waiting:
            path, folder = waiting.pop()
            for name, node in sorted(self._names(folder).items()):
                below = f"{path}/{name}" if path else name
                if isinstance(node, Folder):
                    yield below, None
                    waiting.append((below, node))
                else:
                    content = node.content(self.keep_change)
                    if node.mapped and self.scramble and self.scramble.random() < 0.5:
                        content = self.scramble.randbytes(len(content))
                    yield below, content

    def write(self, path):
        for below, content in self.walk():
            target = os.path.join(path, below)
            if content is None:
                os.mkdir(target, 0o700)
            else:
                with open(target, "wb") as file:
                    file.write(content)

    def files(self):
        return {path: content if content is None else bytes(content) for path, content in self.walk()}


def _set(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _load(path):
    folder = Folder()
    for entry in os.scandir(path):
        if entry.is_dir():
            folder.names[entry.name] = _load(entry.path)
        else:
            with open(entry.path, "rb") as file:
                folder.names[entry.name] = File(file.read())
    folder.durable = dict(folder.names)
    return folder


def differences(path, disk):
    """Where a folder is not what the model says: the shim missed something. Mapped files are left out."""
    wanted, found = disk.now(), _load(path)
    mapped = {below for below, node in _nodes("", disk.root) if isinstance(node, File) and node.mapped}
    have = {below: bytes(node.durable) if isinstance(node, File) else None for below, node in _nodes("", found)}
    want = wanted.files()
    return sorted(below for below in have.keys() | want.keys()
                  if (below in have) != (below in want) or (below not in mapped and have[below] != want[below]))


def _nodes(path, folder):
    for name, node in folder.names.items():
        below = f"{path}/{name}" if path else name
        yield below, node
        if isinstance(node, Folder):
            yield from _nodes(below, node)
