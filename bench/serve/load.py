"""Requests as they go over the wire, and the two programs that send them: serve_load (HTTP/1.1) and h2load (gRPC)."""

import http.client
import json
import re
import signal
import subprocess
import typing

import machine

CONNECTIONS = 64
DATA = {"v2": re.compile(rb'"data": ?\[[^\]]*\]'), "mlflow": re.compile(rb'"predictions": ?\[[^\]]*\]')}


class Request(typing.NamedTuple):
    path: str
    headers: dict
    body: bytes

    def wire(self):
        head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


def ask(port, request):
    """The answer's headers and body; RuntimeError when it is not 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", request.path, request.body, request.headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{request.path} answers {answer.status}: {body[:200]!r}")
    return answer.headers, body


def write(path, requests, good):
    """`good`: of each request the byte strings of which a right answer's body has one."""
    with open(path, "wb") as file:
        for request, answers in zip(requests, good, strict=True):
            wire = request.wire()
            file.write(b"%d %d\n" % (len(wire), len(answers)) + wire)
            for answer in answers:
                file.write(b"%d\n" % len(answer) + answer)
    return path


class Running:
    """serve_load at work; `stop` or `wait` gives what came of it."""

    def __init__(self, port, path, seconds, connections=CONNECTIONS, rate=0, core=machine.LOAD_CORE):
        command = ["taskset", "-c", core, machine.BIN / "serve_load", port, connections, seconds, path, rate]
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)

    def wait(self):
        out, _ = self.process.communicate()
        return json.loads(out)

    def lately(self):
        """Of what was answered since the last call."""
        self.process.send_signal(signal.SIGUSR1)
        return json.loads(self.process.stdout.readline())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.wait()


def measure(pid, port, path, seconds, connections=CONNECTIONS):
    """What serve_load says, with `cpu_us` of the server a request, `loop_us` of its busiest thread, and `per_second`."""
    before, threads = machine.cpu_s(pid), machine.threads_cpu_s(pid)
    done = Running(port, path, seconds, connections).wait()
    used, requests = machine.cpu_s(pid) - before, max(1, done["requests"])
    loop = max(time - threads.get(thread, 0) for thread, time in machine.threads_cpu_s(pid).items())
    return done | {"cpu_us": used * 1e6 / requests, "loop_us": loop * 1e6 / requests, "per_second": done["requests"] / max(1e-9, done["seconds"])}


def h2load(port, path, *more):
    """The command that sends the message of a file over and over."""
    command = ["taskset", "-c", machine.LOAD_CORE, "h2load", *more, "-d", path, "-H", "content-type: application/grpc", "-H", "te: trailers",
               f"http://127.0.0.1:{port}/inference.GRPCInferenceService/ModelInfer"]
    return [str(word) for word in command]


def measure_grpc(pid, port, path, calls, clients, streams, answer_bytes):
    """The same of ModelInfer by h2load. An answer that is an error has no DATA, which is how failures are found."""
    before = machine.cpu_s(pid)
    said = subprocess.run(h2load(port, path, "-n", calls, "-c", clients, "-m", streams), capture_output=True, text=True, check=True).stdout
    used = machine.cpu_s(pid) - before
    return h2load_figures(said, answer_bytes) | {"cpu_us": used * 1e6 / calls}


def h2load_figures(said, answer_bytes):
    """Of what h2load prints. Answers that are errors have no DATA."""
    asked, succeeded = (int(re.search(rf"(\d+) {word}", said)[1]) for word in ("done", "succeeded"))
    data = int(re.search(r"\((\d+)\) data", said)[1])
    return {"requests": succeeded, "failures": max(asked - succeeded, asked - data // answer_bytes),
            "first_failure": f"{data} bytes of data in {asked} answers", "per_second": float(re.search(r"([\d.]+) req/s", said)[1])}


def metrics(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def counter(port, name):
    """The sum over its labels."""
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", metrics(port), re.MULTILINE))


def histogram(port, name="net_request_seconds"):
    """{upper bound: count up to it} of the server's own histogram."""
    return {float(bound): int(count) for bound, count in re.findall(name + r'_bucket\{le="([^"]+)"\} (\d+)', metrics(port))}


def quantile_ms(before, after, q):
    """Between two histograms; within a bucket as if what is in it were spread evenly."""
    rank, below, bottom = q * (after[float("inf")] - before[float("inf")]), 0, 0.0
    for bound in sorted(after):
        count = after[bound] - before[bound]
        if count >= rank:
            share = (rank - below) / max(1, count - below)
            return (bottom + share * (bound - bottom)) * 1e3 if bound != float("inf") else bottom * 1e3
        below, bottom = count, bound
    return bottom * 1e3
