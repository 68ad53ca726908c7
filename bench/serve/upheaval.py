"""What is served while versions are swapped and models are loaded: failures, and the server's own p99."""

import statistics
import time
import typing

import lightgbm

import bodies
import load
import seaworthy
import table

WINDOWS = 5
SWAPS = 1_000
SWAP_EVERY_S = 0.01
REQUESTS_LEAST = 1_000_000
TIMING_SECONDS_MAX = 20
LONG_S = 3600  # the load is stopped before


class Watch:
    """p99 between looks: as clients see it, who wait for a loop that does something else, and by the server's own histogram."""

    def __init__(self, port, running):
        self.port, self.running, self.last = port, running, load.histogram(port)

    def p99_ms(self):
        now = load.histogram(self.port)
        self.last, own = now, load.quantile_ms(self.last, now, 0.99)
        return P99(self.running.lately()["p99_us"] / 1e3, own)


class P99(typing.NamedTuple):
    client: float
    own: float


def print_p99(name, looks):
    clients, own = (", ".join(f"{each:.{digits}f}" for each in column) for column, digits in zip(zip(*looks), (2, 3)))
    print(f"  p99, ms, {name:34} clients': {clients:40} own histogram: {own}")


def times(calm, looks):
    """How many times its calm neighbour's: the clients', the own; medians."""
    return P99(*(statistics.median(b / a for a, b in zip(column, other)) for column, other in zip(zip(*calm), zip(*looks))))


def at_most_doubled(title, words, calm, looks, verdicts):
    ratio = times(calm, looks)
    verdicts.bar(title, f"p99 at most doubled {words}", f"{ratio.client:.2f} times the clients', {ratio.own:.2f} the server's own", max(ratio) <= 2)


def said_of(done):
    first = f"; the first: {done['first_failure'][:200]}" if done["failures"] else ""
    return f"{done['failures']} of {done['requests']:,} requests failed{first}"


def swaps(options, models, scratch, verdicts):
    title = f"{SWAPS:,} swaps under full load"
    table.head(title, f"two versions of 100 trees, V2 JSON, one row, log off; {WINDOWS} times a calm while, then {SWAPS // WINDOWS} swaps")
    data = seaworthy.Data(scratch, {"late": seaworthy.LOG_OFF})
    paths = [models.text, models.other(1)]
    versions = [data.register("late", path) for path in paths]
    data.go_live("late", versions[0])
    with seaworthy.Server(data, scratch / "server.log", "--loops", 1) as server:
        rows = [row[None, :] for row in models.rows]
        requests = [bodies.v2_json(row) for row in rows]
        good = server.good_answers("late", "v2", requests, {version: [models.expected(row, path) for row in rows] for path, version in zip(paths, versions)})
        running = load.Running(server.port, load.write(scratch / "requests", requests, good), LONG_S)
        calm, swapped = [], []
        watch = Watch(server.port, running)
        for _ in range(WINDOWS):
            time.sleep(options.seconds)
            calm.append(watch.p99_ms())
            swap(server, versions, SWAPS // WINDOWS)
            swapped.append(watch.p99_ms())
        while load.histogram(server.port)[float("inf")] < REQUESTS_LEAST * 1.01 and running.process.poll() is None:
            time.sleep(0.2)
        done = running.stop()
    print_p99("calm", calm)
    print_p99("while swapped", swapped)
    print(f"  answers of each version: {done['answers']}")
    verdicts.bar(title, f"none failed of at least {REQUESTS_LEAST:,}", said_of(done), done["failures"] == 0 and done["requests"] >= REQUESTS_LEAST)
    verdicts.bar(title, "both versions answered", done["answers"], min(done["answers"]) > 0)
    at_most_doubled(title, "while swapped", calm, swapped, verdicts)


def swap(server, versions, count):
    """To each version in turn, no more often than every SWAP_EVERY_S."""
    began = time.monotonic()
    for number in range(count):
        server.go_live("late", versions[(number + 1) % 2])
        time.sleep(max(0.0, began + (number + 1) * SWAP_EVERY_S - time.monotonic()))


def loading(options, models, scratch, verdicts):
    title = "a model of 500 trees x 255 leaves loading beside"
    table.head(title, f"{WINDOWS} times a calm while, then one is loaded; the served model has 100 trees, log off")
    data = seaworthy.Data(scratch, {"late": seaworthy.LOG_OFF, "large": ""})
    data.go_live("late", data.register("late", models.text))
    versions = [data.register("large", path) for path in large_models(models, scratch)]
    with seaworthy.Server(data, scratch / "server.log", "--loops", 1) as server:
        rows = [row[None, :] for row in models.rows]
        requests = [bodies.v2_json(row) for row in rows]
        parts = bodies.checked(server.port, "v2", requests, [models.expected(row) for row in rows], off_max=bodies.OUR_OFF_MAX)
        running = load.Running(server.port, load.write(scratch / "requests", requests, [[part] for part in parts]), LONG_S)
        calm, loaded, timed, took = [], [], [], []
        watch = Watch(server.port, running)
        for version in versions:
            time.sleep(options.seconds)
            calm.append(watch.p99_ms())
            engines, began = load.counter(server.port, "flow_engines_timed_total"), time.monotonic()
            server.go_live("large", version)
            took.append((time.monotonic() - began) * 1e3)
            loaded.append(watch.p99_ms())
            until = time.monotonic() + TIMING_SECONDS_MAX
            while load.counter(server.port, "flow_engines_timed_total") == engines and time.monotonic() < until:
                time.sleep(0.05)
            timed.append(watch.p99_ms())
        done = running.stop()
    print_p99("calm", calm)
    print_p99("while loading", loaded)
    print_p99("while its engines are timed after", timed)
    print(f"  a load takes {statistics.median(took):.0f} ms at the median")
    verdicts.bar(title, "none failed", said_of(done), done["failures"] == 0)
    at_most_doubled(title, "while loading", calm, loaded, verdicts)
    at_most_doubled(title, "while its engines are timed", calm, timed, verdicts)


def large_models(models, scratch):
    """Unlike each other, so that each has to be loaded: the last of them has all 500 trees."""
    booster = lightgbm.Booster(model_file=str(models.large()))
    for fewer in reversed(range(WINDOWS)):
        path = models.large().with_name(f"lightgbm_{500 - fewer}.txt")
        if not path.exists():
            booster.save_model(path, num_iteration=500 - fewer)
        yield path
