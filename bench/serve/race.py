"""Servers under the same load in turns, one table of them, and its bars."""

import pathlib
import subprocess

import bodies
import load
import table

OURS = "seaworthy"
FLOOR = "floor: epoll, nothing parsed"


class Contestant:
    """Something with a port that one of the two load programs is let loose on."""

    def __init__(self, name, pid, port, measure):
        self.name, self.pid, self.port, self.measure, self.rounds = name, pid, port, measure, []


def http_contestant(name, pid, port, path, seconds, connections=load.CONNECTIONS):
    return Contestant(name, pid, port, lambda: load.measure(pid, port, path, seconds, connections))


def interleave(contestants, rounds, warm_up=True):
    """Measures each in turn, so often; a competitor that breaks down is dropped, with why."""
    dropped = []
    for number in range(rounds + warm_up):
        for contestant in list(contestants):
            try:
                measured = contestant.measure()
            except (OSError, ValueError, RuntimeError, subprocess.SubprocessError) as error:
                if contestant.name.startswith(OURS):
                    raise
                contestants.remove(contestant)
                dropped.append((contestant.name, f"broke down under load: {error}"))
                continue
            if number >= warm_up:
                contestant.rounds.append(measured)
    return dropped


def print_contestants(contestants, absent):
    table.contestants_head()
    for contestant in contestants:
        table.contestant(contestant.name, contestant.rounds)
    for name, why in absent:
        table.absent(name, why)


def print_bars(title, contestants, bars, verdicts):
    """`bars`: (a competitor's name, the least ratio), or FLOOR and the most."""
    by_name = {contestant.name: contestant for contestant in contestants}
    ours = by_name[OURS].rounds
    for name, bound in bars:
        if name not in by_name:
            verdicts.bar(title, f"at least {bound} times below {name}", "absent", False)
        elif name == FLOOR:
            above = 1 / table.ratio(ours, by_name[name].rounds)
            verdicts.bar(title, f"at most {bound} times the floor (goal 2)", f"{above:.2f}", above <= bound)
        else:
            below = table.ratio(ours, by_name[name].rounds)
            verdicts.bar(title, f"at least {bound} times below {name}", f"{below:.1f}", below >= bound)
    failed = sum(each["failures"] for each in ours)
    verdicts.bar(title, "no failed request", failed, failed == 0)


class Race:
    """The servers of one table, and those that could not be had."""

    def __init__(self, options, scratch):
        self.options, self.scratch = options, pathlib.Path(scratch)
        self.contestants, self.absent = [], []

    def add(self, server, name, wire, requests, expected, off_max=bodies.OFF_MAX, connections=load.CONNECTIONS):
        """Checks each answer first; a competitor that gives a wrong one is absent with it. Ours fails the run."""
        try:
            parts = bodies.checked(server.port, wire, requests, expected, off_max)
        except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
            if name == OURS:
                raise
            self.absent.append((name, str(error) or type(error).__name__))
            return None
        path = load.write(self.scratch / f"{len(self.contestants)}.requests", requests, [[part] for part in parts])
        self.contestants.append(http_contestant(name, server.pid, server.port, path, self.options.seconds, connections))
        return path
