"""The competitors' way to the same table, each in a process of its own: engines.py ENGINE CASE FOLDER THREADS OUT."""

import pathlib
import sys

from tables import WINDOWS

engine, case, folder, threads, out = sys.argv[1:]
folder = pathlib.Path(folder)
rows, labels = folder / "rows.parquet", folder / "labels.parquet"


def duckdb_join():
    import duckdb

    connection = duckdb.connect(config={"threads": int(threads)})
    connection.sql(f"""
        copy (select l.*, r.v0, r.v1, r.v2 from read_parquet('{labels}') l
              asof left join read_parquet('{rows}') r on l.key = r.key and l.at >= r.time)
        to '{out}' (format parquet)""")


def duckdb_windows():
    import duckdb

    connection = duckdb.connect(config={"threads": int(threads)})
    columns = ", ".join(
        f"count(*) filter (r.time > l.at - interval {seconds} second) n_{name}, sum(v) filter (r.time > l.at - interval {seconds} second) sum_{name},"
        f" avg(v) filter (r.time > l.at - interval {seconds} second) mean_{name}, max(v) filter (r.time > l.at - interval {seconds} second) max_{name}"
        for name, seconds in WINDOWS.items())
    connection.sql(f"""
        copy (select l.number, {columns} from read_parquet('{labels}') l
              left join read_parquet('{rows}') r on l.key = r.key and r.time <= l.at and r.time > l.at - interval 604800 second
              group by l.number)
        to '{out}' (format parquet)""")


def polars_join():
    import polars

    right = polars.read_parquet(rows).sort("time")
    left = polars.read_parquet(labels).sort("at")
    left.join_asof(right, left_on="at", right_on="time", by="key").write_parquet(out)


def polars_windows():
    import polars

    right = polars.read_parquet(rows).with_columns(polars.lit(None, dtype=polars.Int64).alias("number"))
    left = polars.read_parquet(labels).select("key", polars.col("at").alias("time"), polars.lit(None, dtype=polars.Float64).alias("v"), "number")
    both = polars.concat([right, left.select(right.columns)]).sort("key", "time", "number", nulls_last=False)
    v = polars.col("v")
    made = both.with_columns(
        expression
        for name in WINDOWS
        for expression in (
            v.is_not_null().cast(polars.Int64).rolling_sum_by("time", window_size=name).over("key").alias(f"n_{name}"),
            v.rolling_sum_by("time", window_size=name).over("key").alias(f"sum_{name}"),
            v.rolling_mean_by("time", window_size=name).over("key").alias(f"mean_{name}"),
            v.rolling_max_by("time", window_size=name).over("key").alias(f"max_{name}"),
        ))
    made.filter(polars.col("number").is_not_null()).write_parquet(out)


globals()[f"{engine}_{case}"]()
