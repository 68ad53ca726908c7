"""Tables of the benchmark, from seeds: unsorted rows of entities, and labels at moments."""

import numpy
import pyarrow
import pyarrow.parquet

START_US = 1_700_000_000_000_000
DAY_US = 86_400_000_000
WINDOWS = {"1h": 3600, "24h": 86400, "7d": 604800}  # seconds


def times(random, count, days):
    return pyarrow.array(START_US + random.integers(0, days * DAY_US, count), pyarrow.timestamp("us", "UTC"))


def join(folder, rows, labels, keys):
    """The newest of three values of a key."""
    random = numpy.random.default_rng(7)
    pyarrow.parquet.write_table(pyarrow.table({
        "key": random.integers(0, keys, rows), "time": times(random, rows, 365),
        "v0": random.normal(size=rows), "v1": random.integers(0, 1000, rows), "v2": random.random(rows)}), folder / "rows.parquet")
    pyarrow.parquet.write_table(pyarrow.table({
        "number": numpy.arange(labels), "key": random.integers(0, keys, labels), "at": times(random, labels, 365)}), folder / "labels.parquet")


def windows(folder, rows, labels, keys):
    """Amounts of money."""
    random = numpy.random.default_rng(8)
    pyarrow.parquet.write_table(pyarrow.table({
        "key": random.integers(0, keys, rows), "time": times(random, rows, 60),
        "v": numpy.round(random.gamma(2, 30, rows), 2)}), folder / "rows.parquet")
    pyarrow.parquet.write_table(pyarrow.table({
        "number": numpy.arange(labels), "key": random.integers(0, keys, labels), "at": times(random, labels, 60)}), folder / "labels.parquet")
