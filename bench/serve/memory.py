"""Start to ready and resident memory; and memory under an hour of mixed load."""

import statistics
import subprocess
import time

import bodies
import load
import machine
import seaworthy
import table

VERSIONS = 10
STARTS = 5
GROWTH_MAX = 1.05
SAMPLE_EVERY_S = 0.5
SWAP_EVERY_S = 1


def start(options, models, scratch, verdicts):
    title = f"start to ready with {VERSIONS} versions"
    table.head(title, f"each live at an endpoint of its own, 100 trees, golden rows replayed; median of {STARTS}")
    names = [f"late_{number}" for number in range(VERSIONS)]
    data = seaworthy.Data(scratch, dict.fromkeys(names, seaworthy.LOG_OFF))
    paths = [models.other(number) if number else models.text for number in range(VERSIONS)]
    for name, path in zip(names, paths):
        data.go_live(name, data.register(name, path))
    took, memory = [], []
    for _ in range(STARTS):
        began = time.monotonic()
        with seaworthy.Server(data, scratch / "server.log") as server:
            took.append((time.monotonic() - began) * 1e3)
            for name, path in zip(names, paths):
                batch = models.batches[0]
                bodies.checked(server.port, "v2", [bodies.v2_json(batch, name)], [models.expected(batch, path)], off_max=bodies.OUR_OFF_MAX)
            memory.append(machine.rss_mb(server.pid))
    print(f"  start to ready, ms: {', '.join(f'{each:.0f}' for each in took)}")
    print(f"  resident after an answer of each, MB: {', '.join(f'{each:.1f}' for each in memory)}")
    verdicts.bar(title, "ready in less than 300 ms", f"{statistics.median(took):.0f} ms", statistics.median(took) < 300)
    verdicts.bar(title, "resident memory less than 80 MB", f"{max(memory):.1f} MB", max(memory) < 80)


class GrpcLoad:
    """h2load at a modest rate; as load.Running."""

    def __init__(self, port, path, seconds, answer_bytes):
        self.answer_bytes = answer_bytes
        command = load.h2load(port, path, "-D", int(seconds), "-c", 4, "-m", 1, "--rps", 50)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait(self):
        return load.h2load_figures(self.process.communicate()[0], self.answer_bytes)


def mixed(options, models, scratch, verdicts):
    title = f"mixed load of {options.mixed_seconds:,} s"
    table.head(title, "V2 JSON, binary of 100 rows, gRPC, KServe V1, a logged endpoint; a swap a second, a scrape twice a second")
    data = seaworthy.Data(scratch, {"late": seaworthy.LOG_OFF, "logged": 'model = "late"'})
    paths = [models.text, models.other(1)]
    versions = [data.register("late", path) for path in paths]
    for endpoint in ("late", "logged"):
        data.go_live(endpoint, versions[0])
    with seaworthy.Server(data, scratch / "server.log", "--loops", 1) as server:
        loads = start_loads(server, models, paths, versions, scratch, options.mixed_seconds)
        memory, swapped, began = [], 0, time.monotonic()
        while (passed := time.monotonic() - began) < options.mixed_seconds:
            memory.append(machine.rss_mb(server.pid))
            load.metrics(server.port)
            if passed > swapped * SWAP_EVERY_S:
                swapped += 1
                server.go_live("late", versions[swapped % 2])
            time.sleep(SAMPLE_EVERY_S)
        done = {name: each.wait() for name, each in loads.items()}
        memory.append(machine.rss_mb(server.pid))
    for name, figures in done.items():
        first = f"; the first: {figures['first_failure'][:200]}" if figures["failures"] else ""
        print(f"  {name:30} {figures['requests']:12,} requests, {figures['failures']} failed{first}")
    quarter = len(memory) // 4
    settled, end = statistics.median(memory[quarter:quarter + max(1, quarter // 2)]), statistics.median(memory[-max(1, quarter // 2):])
    tenths = [f"{memory[len(memory) * tenth // 10]:.0f}" for tenth in range(10)]
    print(f"  {swapped:,} swaps; resident memory, MB, each tenth: {', '.join(tenths)}, {memory[-1]:.0f}; most {max(memory):.0f}")
    failed = sum(figures["failures"] for figures in done.values())
    verdicts.bar(title, "no failed request", failed, failed == 0)
    verdicts.bar(title, f"memory at the end at most {GROWTH_MAX} times that after a quarter", f"{end / settled:.3f}", end <= settled * GROWTH_MAX)


def start_loads(server, models, paths, versions, scratch, seconds):
    """{name: a load at work}, as many requests a second as leave the core some air. The endpoint `late` answers by any of its versions."""
    rows = [row[None, :] for row in models.rows]
    wires = {
        "V2 JSON, one row": ("late", "v2", [bodies.v2_json(row) for row in rows], rows, 5_000),
        "V2 JSON, one row, logged": ("logged", "v2", [bodies.v2_json(row, "logged") for row in rows], rows, 1_000),
        "V2 binary, 100 rows": ("late", "v2", [bodies.v2_binary(batch) for batch in models.batches], models.batches, 500),
        "KServe V1, one row": ("late", "mlflow", [bodies.kserve_v1(row) for row in rows], rows, 500)}
    loads = {}
    for name, (endpoint, wire, requests, inputs, rate) in wires.items():
        expected = {version: [models.expected(each, path, as_float=wire == "v2") for each in inputs]
                    for path, version in list(zip(paths, versions))[:1 if endpoint == "logged" else None]}
        file = load.write(scratch / f"{len(loads)}.requests", requests, server.good_answers(endpoint, wire, requests, expected))
        loads[name] = load.Running(server.port, file, seconds, connections=16, rate=rate)
    message = scratch / "message"
    message.write_bytes(bodies.grpc(models.rows[:1]))
    length = bodies.grpc_answer_bytes(server.port, models.rows[:1], models.expected(models.rows[:1], paths[-1]))
    loads["gRPC, one row"] = GrpcLoad(server.port, message, seconds, length)
    return loads
