"""Features of entities, and materialization: ours beside PyPI's `feast serve` with sqlite, of the same repository, in one run.

50 int64 features in 5 views of 10,000 entities that are all there, as Feast's own benchmark has them. CPU is of the server's
process tree, by request, from /proc; each server has one core, the load another."""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.request

import pyarrow
import pyarrow.parquet

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "serve"))
import load  # noqa: E402
import machine  # noqa: E402

FEAST = pathlib.Path(sys.executable).parent / "feast"
ENTITIES, VIEWS, FEATURES = 10_000, 5, 10

DEFINITIONS = f"""
from datetime import timedelta
from feast import Entity, FeatureView, Field, FileSource, ValueType
from feast.types import Int64
driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)
for v in range({VIEWS}):
    globals()[f"view{{v}}"] = FeatureView(
        name=f"view{{v}}", entities=[driver], ttl=timedelta(days=300), schema=[Field(name=f"f{{v}}_{{i}}", dtype=Int64) for i in range({FEATURES})],
        source=FileSource(name=f"table{{v}}", path=f"table{{v}}.parquet", timestamp_field="event_timestamp"))
large = FeatureView(name="large", entities=[driver], ttl=timedelta(0), schema=[Field(name=f"g{{i}}", dtype=Int64) for i in range({FEATURES})],
                    source=FileSource(name="large_table", path="large.parquet", timestamp_field="event_timestamp"), online=LARGE)
"""


def table(entities, names):
    now = int(time.time() * 1e6)
    return pyarrow.table({"driver_id": pyarrow.array(range(entities), pyarrow.int64()),
                          "event_timestamp": pyarrow.array([now - i % 1000 for i in range(entities)], pyarrow.timestamp("us", tz="UTC")),
                          **{name: pyarrow.array([i * 31 + k for i in range(entities)], pyarrow.int64()) for k, name in enumerate(names)}})


def make_repository(folder, large):
    folder.mkdir()
    for v in range(VIEWS):
        pyarrow.parquet.write_table(table(ENTITIES, [f"f{v}_{i}" for i in range(FEATURES)]), folder / f"table{v}.parquet")
    pyarrow.parquet.write_table(table(large or 10, [f"g{i}" for i in range(FEATURES)]), folder / "large.parquet")
    (folder / "definitions.py").write_text(DEFINITIONS.replace("LARGE", str(large > 0)))
    (folder / "feature_store.yaml").write_text("project: bench\nprovider: local\nregistry: data/registry.db\n"
                                               "online_store: {type: sqlite, path: data/online.db}\nentity_key_serialization_version: 3\n")
    subprocess.run([FEAST, "apply"], cwd=folder, check=True, capture_output=True)


def post(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return answer.read()


def materialize(port, views):
    """Seconds."""
    begin = time.monotonic()
    post(port, "/materialize", {"start_ts": "2020-01-01T00:00:00", "end_ts": "2040-01-01T00:00:00", "feature_views": views})
    return time.monotonic() - begin


def write_requests(path, rows, count):
    """`count` requests of random entities; a right answer has the values of the first feature."""
    picked = random.Random(7)
    features = [f"view{v}:f{v}_{i}" for v in range(VIEWS) for i in range(FEATURES)]
    requests, good = [], []
    for _ in range(count):
        ids = [picked.randrange(ENTITIES) for _ in range(rows)]
        body = json.dumps({"entities": {"driver_id": ids}, "features": features}).encode()
        requests.append(load.Request("/get-online-features", {"Content-Type": "application/json"}, body))
        good.append([b'"values":[' + ",".join(str(i * 31 + 3) for i in ids).encode() + b"]"])
    return load.write(path, requests, good)


def ours(folder, scratch):
    process = machine.Process([machine.BIN / "seaworthy", "serve", "--data", scratch / "data", "--feast-repo", folder, "--listen", "127.0.0.1:0", "--loops", 1,
                               "--log-level", "warning"], scratch / "ours.log")
    process.wait_for(lambda: "http" in process.log.read_text(), 30)
    return process, int(process.log.read_text().split()[0].rpartition(":")[2])


def theirs(folder, scratch):
    port = machine.free_port()
    process = machine.Process([FEAST, "serve", "--port", port, "--no-access-log", "--max-requests", 0], scratch / "theirs.log", cwd=folder)
    process.wait_for(lambda: machine.answers(f"http://127.0.0.1:{port}/health"), 120)
    return process, port


class Bars:
    def __init__(self):
        self.missed = []

    def say(self, title, figure, holds):
        print(f"  {'holds ' if holds else 'MISSED'}  {title}: {figure}")
        if not holds:
            self.missed.append(title)


def compare(rows, ours_at, theirs_at, options, scratch, factor, bars):
    few, many = write_requests(scratch / f"few{rows}", rows, 20), write_requests(scratch / f"many{rows}", rows, 400)
    feast = load.measure(theirs_at[0].pid, theirs_at[1], few, options.seconds, 1)
    own = load.measure(ours_at[0].pid, ours_at[1], many, options.seconds, 4)
    for name, found in (("feast serve", feast), ("seaworthy", own)):
        print(f"  {name:12} {rows:4} x 50: {found['per_second']:9.1f}/s  CPU {found['cpu_us']:10.1f} us a request, {found['failures']} failures")
        if found["failures"]:
            bars.say(f"{name}: every answer is right", f"{found['failures']} are not", False)
    ratio = feast["cpu_us"] / own["cpu_us"]
    bars.say(f"{rows} x 50: CPU a request at least {factor} times below Feast's", f"{ratio:.0f} times", ratio >= factor)
    return own


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--large", type=int, default=1_000_000, help="entities that are materialized")
    options = parser.parse_args()
    bars = Bars()
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        make_repository(scratch / "theirs", 0)
        make_repository(scratch / "ours", options.large)
        views = [f"view{v}" for v in range(VIEWS)]
        their_server, their_port = theirs(scratch / "theirs", scratch)
        our_server, our_port = ours(scratch / "ours", scratch)
        try:
            slow, fast = materialize(their_port, views), materialize(our_port, views)
            print(f"  materialize {ENTITIES} x 50 in {VIEWS} views: feast serve {slow:.2f} s, seaworthy {fast:.2f} s: {slow / fast:.0f} times")
            compare(1, (our_server, our_port), (their_server, their_port), options, scratch, 100, bars)
            own = compare(100, (our_server, our_port), (their_server, their_port), options, scratch, 200, bars)
            bars.say("100 x 50: at least 4000 requests/s", f"{own['per_second']:.0f}/s", own["per_second"] >= 4000)
            their_server.stop()
            rated = load.Running(our_port, scratch / "many1", options.seconds, 16, 10_000).wait()
            bars.say("1 x 50: p99 < 1 ms at 10000 requests/s", f"{rated['p99_us'] / 1000:.2f} ms at {rated['requests'] / rated['seconds']:.0f}/s",
                     rated["p99_us"] < 1000 and rated["requests"] / rated["seconds"] > 9_000)
            took = materialize(our_port, ["large"])
            bars.say(f"materialize {options.large} entities x {FEATURES}: at least 500000 rows/s", f"{options.large / took:.0f} rows/s, server of {machine.rss_mb(our_server.pid):.0f} MB",
                     options.large / took >= 500_000)
        finally:
            our_server.stop()
            their_server.stop()
    return 1 if bars.missed else 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
