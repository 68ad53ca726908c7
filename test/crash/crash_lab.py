"""Runs the crash program under the shim, and judges what a crash leaves."""

import concurrent.futures
import os
import queue
import shutil
import signal
import subprocess
import tempfile

import crash_model

JUDGES = 2
STATES_WAITING_MAX = 8  # each is a folder of some MiB


class Run:
    """What one process, or several after each other, did to a folder that began as `before`."""

    def __init__(self, lab, name, before=None, notes=b""):
        self.lab, self.name = lab, name
        self.before = before          # a folder that is left alone, or None: empty
        self.earlier_notes = notes    # of the runs that led to `before`
        self.folder = lab.path(name)
        self.trace = lab.path(name + ".trace")
        self.killed_at = 0            # the operation that the first process did not live to do, or 0
        self.killed_before = None     # what kind of sync that was
        assert not os.path.exists(self.trace), f"{name} ran before"
        if before:
            shutil.copytree(before, self.folder)
        else:
            os.mkdir(self.folder)

    def start(self, *words, **shim):
        """Runs the program to its end; returns its exit status. `shim`: settings of the shim."""
        env = self.lab.env(CRASH_SHIM_ROOT=self.folder, CRASH_SHIM_TRACE=self.trace,
                           **{f"CRASH_SHIM_{key.upper()}": value for key, value in shim.items()})
        done = subprocess.run([self.lab.program, "run", self.folder, *map(str, words)], env=env, timeout=300,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if done.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"{self.folder}: exit status {done.returncode}: {self.said(b'problem')} "
                                 f"{done.stderr.decode()[-2000:]}")
        return done.returncode

    def ops(self):
        return list(crash_model.read_trace(self.trace))

    def said(self, start):
        return [op.bytes.decode().rstrip() for op in self.ops() if op.kind == "note" and op.bytes.startswith(start)]

    def disk(self):
        return crash_model.Disk.load(self.before) if self.before else crash_model.Disk()

    def check(self):
        """The shim saw everything: its record leads to the folder that is really there."""
        disk = self.disk()
        for op in self.ops():
            disk.apply(op)
        wrong = crash_model.differences(self.folder, disk)
        if wrong:
            raise AssertionError(f"the shim missed what happened to {wrong}")

    def replay(self, points, ignored=frozenset()):
        """Yields (point, disk, notes) after each operation in `points`; the syncs numbered in `ignored`
        are left out."""
        disk, notes, wanted = self.disk(), [self.earlier_notes], set(points)
        for op in crash_model.read_trace(self.trace):
            if op.at in ignored:
                disk.skip(op)
            else:
                disk.apply(op)
            if op.kind == "note":
                notes.append(op.bytes)
            if op.at in wanted:
                yield op.at, disk, b"".join(notes)


class Lab:
    """A working folder, the program, and processes that judge. One owner."""

    def __init__(self, build, folder):
        self.program = os.path.join(build, "bin/crash_program")
        self.shim = os.path.join(build, "lib/libcrash_shim.so")
        self.folder = os.path.realpath(folder)
        self.pool = concurrent.futures.ThreadPoolExecutor(JUDGES)
        self.judges = queue.Queue()
        for _ in range(JUDGES):
            self.judges.put(subprocess.Popen([self.program, "verify"], env=self.env(), text=True,
                                             stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        self.judged = 0

    def close(self):
        self.pool.shutdown()
        while not self.judges.empty():
            judge = self.judges.get()
            judge.stdin.close()
            judge.wait()

    def path(self, name):
        return os.path.join(self.folder, name)

    def env(self, **more):
        return {**os.environ, "LD_PRELOAD": self.shim, **more}

    def judge(self, crashed, notes):
        """Starts to judge a crashed disk; a future of "ok" or what is wrong."""
        self.judged += 1
        folder = tempfile.mkdtemp(prefix="state-", dir=self.folder)
        crashed.write(folder)
        with open(folder + ".notes", "wb") as file:
            file.write(notes)
        return self.pool.submit(self._ask, folder)

    def _ask(self, folder):
        judge = self.judges.get()
        try:
            judge.stdin.write(f"{folder} {folder}.notes\n")
            judge.stdin.flush()
            answer = judge.stdout.readline().strip()
        finally:
            self.judges.put(judge)
        shutil.rmtree(folder)
        os.remove(folder + ".notes")
        return answer or "the verifier ended"

    def judge_all(self, states):
        """Judges (label, crashed, notes) as they come; yields (label, answer)."""
        waiting = []
        for label, crashed, notes in states:
            waiting.append((label, self.judge(crashed, notes)))
            while len(waiting) >= STATES_WAITING_MAX:
                label, answer = waiting.pop(0)
                yield label, answer.result()
        for label, answer in waiting:
            yield label, answer.result()
