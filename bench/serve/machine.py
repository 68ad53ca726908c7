"""Processes on cores of their own, the CPU time that they and their children took, and their memory."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / "build" / "release" / "bin"
LOAD_CORE, SERVER_CORE = "0", "1"
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Absent(Exception):
    """A competitor cannot be had; it says why."""


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def stat_fields(pid):
    """Of /proc/PID/stat, from the state (field 3) on; None when the process is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def tree(root):
    """The process and all that descend from it."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        fields = stat_fields(pid)
        if fields:
            children.setdefault(int(fields[1]), []).append(int(pid))
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


def cpu_s(root):
    """User and system time of the tree so far, of those of it that have ended too."""
    fields = filter(None, map(stat_fields, tree(root)))
    return sum(int(ticks) for process in fields for ticks in process[11:15]) * TICK_S


def threads_cpu_s(pid):
    """{thread's id: seconds}, to the nanosecond."""
    times = {}
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            times[task] = int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]) / 1e9
        except OSError:
            pass  # it has just ended
    return times


def rss_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


class Process:
    """A server on the server's core, a process group of its own; what it says goes to a file."""

    def __init__(self, command, log, core=SERVER_CORE, env=None, cwd=None):
        self.log = pathlib.Path(log)
        with self.log.open("w") as out:
            self.running = subprocess.Popen(["taskset", "-c", core, *map(str, command)], stdout=out, stderr=subprocess.STDOUT,
                                            env=os.environ | (env or {}), cwd=cwd, process_group=0)
        self.pid = self.running.pid

    def wait_for(self, is_ready, seconds):
        """Polls; Absent with the last lines of what it said when it ends or time runs out."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.running.poll() is not None:
                raise Absent(f"it ended with {self.running.returncode}: {self.said()}")
            if is_ready():
                return
            time.sleep(0.005)
        raise Absent(f"it was not ready within {seconds} s: {self.said()}")

    def said(self):
        return " / ".join(self.log.read_text(errors="replace").strip().splitlines()[-3:])[-300:]

    def stop(self):
        if self.running.poll() is None:
            os.killpg(self.pid, signal.SIGTERM)
            try:
                self.running.wait(15)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)  # children that outlive it
        except ProcessLookupError:
            pass
        self.running.wait()


def answers(url):
    """True when a GET is answered by 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
