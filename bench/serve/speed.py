"""CPU a request, beside competitors under the same load in the same minutes, and beside our own server set up otherwise."""

import contextlib
import os
import pathlib
import statistics

import bodies
import load
import machine
import peers
import seaworthy
import table
from race import FLOOR, OURS, Contestant, Race, http_contestant, interleave, print_bars, print_contestants


@contextlib.contextmanager
def floor(scratch, *arguments):
    """The bare loop's Contestant parts: pid and port."""
    process = machine.Process([machine.BIN / "serve_floor", *arguments], pathlib.Path(scratch) / "floor.log")
    try:
        process.wait_for(lambda: "http" in process.log.read_text(), 10)
        yield process.pid, int(process.log.read_text().rpartition(":")[2])
    finally:
        process.stop()


def one_row(options, models, field, scratch, verdicts):
    title = "V2 JSON, one row of 12 features, 100 trees, log off"
    table.head(title, f"{load.CONNECTIONS} connections, {len(models.rows)} distinct rows")
    race = Race(options, scratch)
    rows = [row[None, :] for row in models.rows]
    requests, expected = [bodies.v2_json(row) for row in rows], [models.expected(row) for row in rows]
    data = seaworthy.endpoint_of(models.text, scratch)
    found, race.absent = field.start([peers.FastApi, peers.Triton, peers.MlServer, peers.MlFlow])
    with seaworthy.Server(data, race.scratch / "server.log", "--loops", 1) as server, floor(scratch) as (floor_pid, floor_port):
        nothing = load.write(race.scratch / "floor.requests", requests, [[b""]] * len(requests))
        race.contestants.append(http_contestant(FLOOR, floor_pid, floor_port, nothing, options.seconds))
        race.add(server, OURS, "v2", requests, expected, off_max=bodies.OUR_OFF_MAX)
        for peer in found:
            if isinstance(peer, peers.MlFlow):
                # More connections only wait longer.
                race.add(peer, peer.name, "mlflow", [bodies.mlflow(row) for row in rows[:16]], expected[:16], connections=8)
            else:
                race.add(peer, peer.name, "v2", requests, expected)
        before = load.histogram(server.port)
        race.absent += interleave(race.contestants, options.rounds)
        p99 = load.quantile_ms(before, load.histogram(server.port), 0.99)
    print_contestants(race.contestants, race.absent)
    print_bars(title, race.contestants, [(FLOOR, 3), (peers.FastApi.name, 30), (peers.Triton.name, 12)], verdicts)
    verdicts.bar(title, f"p99 by the server's own histogram < 2 ms at {load.CONNECTIONS} connections", f"{p99:.2f} ms", p99 < 2)


def hundred_rows(options, models, field, scratch, verdicts):
    title = "V2 binary, 100 rows"
    table.head(title, f"{load.CONNECTIONS} connections, {len(models.batches)} distinct batches; MLServer's REST takes no binary tensors: JSON there")
    race = Race(options, scratch)
    requests, expected = [bodies.v2_binary(batch) for batch in models.batches], [models.expected(batch) for batch in models.batches]
    data = seaworthy.endpoint_of(models.text, scratch)
    found, race.absent = field.start([peers.Triton, peers.MlServer])
    with seaworthy.Server(data, race.scratch / "server.log", "--loops", 1) as server:
        race.add(server, OURS, "v2", requests, expected, off_max=bodies.OUR_OFF_MAX)
        for peer in found:
            as_json = isinstance(peer, peers.MlServer)
            race.add(peer, peer.name, "v2", [bodies.v2_json(batch) for batch in models.batches] if as_json else requests, expected)
        race.absent += interleave(race.contestants, options.rounds)
    print_contestants(race.contestants, race.absent)
    print_bars(title, race.contestants, [(peers.MlServer.name, 20), (peers.Triton.name, 10)], verdicts)


GRPC_SHAPES = [(64, 1), (8, 8), (1, 32)]
GRPC_FLOOR = "floor: frames counted, nothing decoded"
GRPC_CALLS_LEAST = 640  # of the first round, which says how many a later one has time for


def grpc(options, models, field, scratch, verdicts):
    title = "gRPC ModelInfer, one row, raw contents, log off"
    table.head(title, "h2load; each line: connections x streams on each")
    row = models.rows[:1]
    message = pathlib.Path(scratch) / "message"
    message.write_bytes(bodies.grpc(row))
    data = seaworthy.endpoint_of(models.text, scratch)
    found, absent = field.start([peers.Triton, peers.MlServer])
    contestants = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(seaworthy.Server(data, pathlib.Path(scratch) / "server.log", "--loops", 1))
        length = bodies.grpc_answer_bytes(server.port, row, models.expected(row))
        floor_pid, floor_port = stack.enter_context(floor(scratch, length))
        for clients, streams in GRPC_SHAPES:
            for name, pid, port in ((GRPC_FLOOR, floor_pid, floor_port), (OURS, server.pid, server.port)):
                contestants.append(GrpcContestant(name, pid, port, (message, clients, streams, length), options.seconds))
        for peer in found:
            try:
                length = bodies.grpc_answer_bytes(peer.grpc_port, row, models.expected(row))
            except Exception as error:  # grpc's own, and a wrong answer
                absent.append((peer.name, " ".join(str(error).split())[:200]))
                continue
            contestants.append(GrpcContestant(peer.name, peer.pid, peer.grpc_port, (message, *GRPC_SHAPES[0], length), options.seconds))
        absent += interleave(contestants, options.rounds)
    print_contestants(contestants, absent)
    for clients, streams in GRPC_SHAPES:
        rounds = {name: next(each.rounds for each in contestants if each.name == f"{name}, {clients} x {streams}") for name in (GRPC_FLOOR, OURS)}
        cpu = statistics.median(each["cpu_us"] for each in rounds[OURS])
        above = 1 / table.ratio(rounds[OURS], rounds[GRPC_FLOOR])
        verdicts.bar(title, f"at most 10 us of CPU a call, {clients} connections x {streams} streams", f"{cpu:.2f} ({above:.2f} times the floor)", cpu <= 10)
    failed = sum(each["failures"] for contestant in contestants if contestant.name.startswith(OURS) for each in contestant.rounds)
    verdicts.bar(title, "no failed call", failed, failed == 0)


class GrpcContestant(Contestant):
    """h2load sends a number of calls: all are answered, so that CPU is over the right number."""

    def __init__(self, name, pid, port, message, seconds):
        self.message, self.seconds, self.calls = message, seconds, GRPC_CALLS_LEAST
        super().__init__(f"{name}, {message[1]} x {message[2]}", pid, port, self.ask)

    def ask(self):
        path, clients, streams, answer_bytes = self.message
        done = load.measure_grpc(self.pid, self.port, path, self.calls, clients, streams, answer_bytes)
        self.calls = max(GRPC_CALLS_LEAST, int(done["per_second"] * self.seconds))
        return done


def log_on(options, models, scratch, verdicts):
    """Both endpoints in one server, so that nothing else differs."""
    title = "log on against log off, V2 JSON, one row"
    table.head(title, "CPU of the whole process, the log's threads too")
    data = seaworthy.Data(scratch, {"late": seaworthy.LOG_OFF + "\nmodel = \"late\"", "logged": "model = \"late\""})
    version = data.register("late", models.text)
    for endpoint in ("late", "logged"):
        data.go_live(endpoint, version)
    rows = [row[None, :] for row in models.rows]
    expected = [models.expected(row) for row in rows]
    race = Race(options, scratch)
    with seaworthy.Server(data, race.scratch / "server.log", "--loops", 1) as server:
        for endpoint, name in (("late", OURS), ("logged", "seaworthy, log on")):
            race.add(server, OURS, "v2", [bodies.v2_json(row, endpoint) for row in rows], expected, off_max=bodies.OUR_OFF_MAX)
            race.contestants[-1].name = name
        race.absent += interleave(race.contestants, options.rounds)
        logged, dropped = (load.counter(server.port, f"serve_log_{kind}_total") for kind in ("rows", "dropped_rows"))
    print_contestants(race.contestants, race.absent)
    off, on = (contestant.rounds for contestant in race.contestants)
    loop = statistics.median(b["loop_us"] / a["loop_us"] for a, b in zip(off, on))
    slower = table.ratio(off, on)
    print(f"  the loop's own thread: {loop:.3f} times; rows logged {logged:,.0f}, turned away by a full ring {dropped:,.0f}")
    verdicts.bar(title, "at most 1.15 times the CPU a request", f"{slower:.3f}", slower <= 1.15)


def loops(options, models, scratch, verdicts):
    title = "two loops against one, V2 JSON, one row, log off"
    cores = "1,2" if os.cpu_count() >= 4 else machine.SERVER_CORE
    table.head(title, f"server on core {cores}" + ("" if "," in cores else ": requests/s say nothing here"))
    race = Race(options, scratch)
    rows = [row[None, :] for row in models.rows]
    requests, expected = [bodies.v2_json(row) for row in rows], [models.expected(row) for row in rows]
    with contextlib.ExitStack() as stack:
        for count in (1, 2):
            folder = race.scratch / str(count)
            folder.mkdir()
            data = seaworthy.endpoint_of(models.text, folder)
            server = stack.enter_context(seaworthy.Server(data, folder / "server.log", "--loops", count, core=cores))
            race.add(server, OURS, "v2", requests, expected, off_max=bodies.OUR_OFF_MAX)
            race.contestants[-1].name = f"{count} loop{'s' if count > 1 else ''}"
        race.absent += interleave(race.contestants, options.rounds)
    print_contestants(race.contestants, race.absent)
    ratio = table.ratio(*(contestant.rounds for contestant in race.contestants))
    verdicts.bar(title, "at most 1.15 times one loop's CPU a request", f"{ratio:.3f}", ratio <= 1.15)
