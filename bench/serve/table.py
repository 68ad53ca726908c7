"""What the serving benchmark prints: figures of each contestant, ratios, and the bars of issue 5."""

import statistics


class Verdicts:
    """Counts what holds, for the last lines."""

    def __init__(self):
        self.held, self.missed = 0, []

    def bar(self, title, words, figure, holds):
        """Prints one bar beside its figure."""
        print(f"  bar: {words}: {figure}, {'held' if holds else 'MISSED'}", flush=True)
        self.held += holds
        if not holds:
            self.missed.append(f"{title}: {words}: {figure}")

    def print(self):
        print(f"\n{self.held} bars held, {len(self.missed)} missed")
        for missed in self.missed:
            print(f"  {missed}")


def head(title, said=""):
    print(f"\n{title}" + (f" ({said})" if said else ""), flush=True)


def contestants_head():
    print(f"  {'':40} {'CPU us/request':>14} {'least':>8} {'most':>8} {'requests/s':>11} {'p99 ms':>8}  failed")


def contestant(name, rounds):
    """A line: medians over rounds."""
    cpu = [each["cpu_us"] for each in rounds]
    p99 = [each["p99_us"] / 1e3 for each in rounds if "p99_us" in each]
    said = f"{statistics.median(p99):8.2f}" if p99 else f"{'':8}"
    failed = sum(each["failures"] for each in rounds)
    print(f"  {name:40} {statistics.median(cpu):14.2f} {min(cpu):8.2f} {max(cpu):8.2f} {statistics.median([each['per_second'] for each in rounds]):11,.0f} "
          f"{said}  {failed} of {sum(each['requests'] for each in rounds):,}", flush=True)
    first = next((each["first_failure"] for each in rounds if each["failures"]), None)
    if first:
        print(f"    the first: {first[:200]}")


def absent(name, why):
    print(f"  {name:40} absent: {why}", flush=True)


def ratio(ours, theirs):
    """Median of the rounds' ratios of CPU a request, theirs over ours."""
    return statistics.median(other["cpu_us"] / our["cpu_us"] for our, other in zip(ours, theirs, strict=True))
