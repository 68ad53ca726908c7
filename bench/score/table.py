"""What the scoring benchmark prints: a line an engine, then ratios, each beside the bar of issue 4."""

import typing

import numpy

WORDS = {"batch_ns": "batch", "one_row_ns": "one row"}


class Bar(typing.NamedTuple):
    key: str          # of figures
    against: str      # "exact": the fastest rival with equal bits; "any": the fastest; "original"; or a rival's name
    least: float      # times faster
    goal: float = 0


class Verdicts:
    """Counts what holds, for the last line."""

    def __init__(self):
        self.held, self.missed = 0, []

    def add(self, title, words, holds):
        self.held += holds
        if not holds:
            self.missed.append(f"{title}: {words}")
        return "held" if holds else "MISSED"

    def print(self):
        print(f"{self.held} bars held, {len(self.missed)} missed", flush=True)
        for missed in self.missed:
            print(f"  {missed}")


def bits(scores, original):
    """Whether scores have the bits of the original's, and else how many differ, by how much."""
    if original is None:
        return "unknown: the original gave none"
    if len(scores) != len(original):
        return f"no: {len(scores)} scores, not {len(original)}"
    differing = int((scores.view(numpy.uint64) != original.view(numpy.uint64)).sum())
    if differing == 0:
        return "yes"
    return f"no: {differing} of {len(scores)} differ, by {numpy.nanmax(numpy.abs(scores - original)):.0e} at most"


def print_engine(name, figures):
    print(f"  {name:34} {figures['one_row_ns']:11,.0f} {figures['batch_ns']:12,.0f}   {figures['bits']}", flush=True)


def print_head(title, said=""):
    print(f"\n{title}" + (f" ({said})" if said else ""))
    print(f"  {'':34} {'one row, ns':>11} {'batch, ns/row':>12}   bits equal to the original?", flush=True)


def rival_of(measured, ours, original, key, against):
    """(name, figure) of whom the bar is against, or None."""
    rivals = {name: figures for name, figures in measured.items() if name != ours}
    if against == "original":
        rivals = {original: rivals[original]} if original in rivals else {}
    elif against == "exact":
        rivals = {name: figures for name, figures in rivals.items() if figures["bits"] == "yes"}
    elif against != "any":
        rivals = {name: figures for name, figures in rivals.items() if name == against}
    return min(((name, figures[key]) for name, figures in rivals.items()), key=lambda rival: rival[1], default=None)


def print_ratios(title, measured, ours, original, bars, verdicts):
    """How many times faster than rivals, and the bars. Equal bits are a bar of their own: `print_bits_bar`."""
    if ours not in measured:
        verdicts.add(title, "seaworthy gave no figures", False)
        return
    for key, words in WORDS.items():
        parts = []
        for against, kind in (("exact", "fastest with equal bits"), ("any", "fastest rival"), ("original", "original")):
            rival = rival_of(measured, ours, original, key, against)
            if rival:
                parts.append(f"{rival[1] / measured[ours][key]:,.1f} x the {kind} ({rival[0]})")
        print(f"  {words}: " + ", ".join(parts))
    for bar in bars:
        rival = rival_of(measured, ours, original, bar.key, bar.against)
        goal = f" (goal {bar.goal:g})" if bar.goal else ""
        kind = {"exact": "the fastest with equal bits", "any": "the fastest rival", "original": original}.get(bar.against, bar.against)
        words = f"{WORDS[bar.key]} at least {bar.least:g}{goal} x {kind}"
        if rival is None:
            print(f"  bar: {words}: {verdicts.add(title, words + ': no such rival ran', False)}, no such rival ran")
            continue
        ratio = rival[1] / measured[ours][bar.key]
        print(f"  bar: {words}: {ratio:,.1f}, {verdicts.add(title, f'{words}: {ratio:,.2f}', ratio >= bar.least)}")


def print_bits_bar(title, measured, ours, verdicts):
    if ours in measured:
        print(f"  bar: the original's bits: {verdicts.add(title, 'bits of the original', measured[ours]['bits'] == 'yes')}")
