"""A small Feast repository for the tests of the feature server: three views, of one entity, of two and of none."""

import datetime
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pyarrow
import pyarrow.parquet

FEAST = pathlib.Path(sys.executable).parent / "feast"
PROJECT = "credit"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)

DEFINITIONS = '''
from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, String, UnixTimestamp

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
car = Entity(name="car", join_keys=["car_id"], value_type=ValueType.STRING)
table = FileSource(name="table", path="stats.parquet", timestamp_field="event_timestamp", created_timestamp_column="created")
stats = FeatureView(
    name="stats", entities=[driver], ttl=timedelta(days=2), source=PushSource(name="pushed", batch_source=table),
    schema=[Field(name="trips", dtype=Int64), Field(name="rate", dtype=Float64), Field(name="share", dtype=Float32), Field(name="name", dtype=String),
            Field(name="active", dtype=Bool), Field(name="days", dtype=Array(Int64)), Field(name="tags", dtype=Array(String))])
pairs = FeatureView(name="pairs", entities=[driver, car], ttl=timedelta(0), schema=[Field(name="score", dtype=Float64), Field(name="trips", dtype=Int32)],
                    source=FileSource(name="pairs_table", path="pairs.parquet", timestamp_field="event_timestamp"))
world = FeatureView(name="world", entities=[], ttl=timedelta(0), schema=[Field(name="level", dtype=Int64)],
                    source=FileSource(name="world_table", path="world.parquet", timestamp_field="event_timestamp"))
fresh = FeatureView(
    name="fresh", entities=[driver], ttl=timedelta(0), schema=[Field(name="level", dtype=Int64), Field(name="word", dtype=String)],
    source=PushSource(name="pushed_fresh", batch_source=FileSource(name="fresh_table", path="fresh.parquet", timestamp_field="event_timestamp")))
v1 = FeatureService(name="v1", features=[stats[["rate", "trips"]], pairs[["score"]], world])
origins = FeatureService(name="origins", features=[stats[["trips"]].with_name("origin").with_join_key_map({"driver_id": "origin_id"})])


@on_demand_feature_view(sources=[stats], schema=[Field(name="doubled", dtype=Float64)], mode="python")
def doubled(inputs):
    return {"doubled": [2 * rate for rate in inputs["rate"]]}
'''


def write_tables(folder, drivers=60):
    ids = list(range(1000, 1000 + drivers))
    stamps = [NOW - datetime.timedelta(minutes=i) for i in range(drivers)]
    table = pyarrow.table({
        "driver_id": pyarrow.array(ids * 2, pyarrow.int64()),
        "event_timestamp": stamps + [stamp - datetime.timedelta(hours=1) for stamp in stamps],
        "created": [NOW] * (2 * drivers),
        "trips": pyarrow.array([2**53 + i for i in range(drivers)] + [0] * drivers, pyarrow.int64()),
        "rate": pyarrow.array([i / 7 for i in range(drivers)] + [0.0] * drivers, pyarrow.float64()),
        "share": pyarrow.array([i / 3 for i in range(drivers)] + [0.0] * drivers, pyarrow.float32()),
        "name": pyarrow.array([f"d\u00e9 {i}\n" for i in range(drivers)] + ["old"] * drivers),
        "active": pyarrow.array([i % 2 == 0 for i in range(2 * drivers)]),
        "days": pyarrow.array([[i, -i] for i in range(2 * drivers)], pyarrow.list_(pyarrow.int64())),
        "tags": pyarrow.array([["a", f"t{i}"] for i in range(2 * drivers)], pyarrow.list_(pyarrow.string())),
    })
    pyarrow.parquet.write_table(table, folder / "stats.parquet")
    pyarrow.parquet.write_table(pyarrow.table({
        "driver_id": pyarrow.array([1000, 1000, 1001], pyarrow.int64()), "car_id": ["a", "b", "a"], "event_timestamp": [NOW] * 3,
        "score": [1.5, float("nan"), -0.0], "trips": pyarrow.array([1, 2, 3], pyarrow.int32())}), folder / "pairs.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"driver_id": pyarrow.array([1], pyarrow.int64()), "event_timestamp": [NOW], "level": pyarrow.array([1], pyarrow.int64()),
                                               "word": ["first"]}), folder / "fresh.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"event_timestamp": [NOW], "level": [7]}), folder / "world.parquet")


def apply(folder, environment):
    """Makes the repository and applies it by the SDK, with sqlite behind it."""
    write_tables(folder)
    (folder / "definitions.py").write_text(DEFINITIONS)
    (folder / "feature_store.yaml").write_text(f"project: {PROJECT}\nprovider: local\nregistry: data/registry.db\n"
                                               "online_store: {type: sqlite, path: data/online.db}\nentity_key_serialization_version: 3\n")
    done = subprocess.run([FEAST, "apply"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class FeastServe:
    """PyPI's own `feast serve` of the same repository."""

    def __init__(self, folder, environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        self.log = (folder / "feast-serve.log").open("wb")
        self.process = subprocess.Popen([FEAST, "serve", "--port", str(port), "--no-access-log", "--worker-connections", "16", "--max-requests", "0"],
                                        cwd=folder, env={**environment, "FEAST_USAGE": "False"}, stdout=self.log, stderr=subprocess.STDOUT,
                                        start_new_session=True)

    def wait(self):
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://{self.address}/health", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError("feast serve does not answer: " + pathlib.Path(self.log.name).read_text()[-2000:])

    def stop(self):
        os.killpg(self.process.pid, 15)
        self.process.wait(timeout=30)
        self.log.close()
