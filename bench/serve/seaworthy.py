"""Our server, on a data folder that the command line fills."""

import json
import pathlib
import subprocess
import sys

import bodies
import load
import machine


def command(*words):
    done = subprocess.run([str(machine.BIN / "seaworthy"), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"seaworthy {' '.join(map(str, words))}: {done.stderr or done.stdout}")
    return done.stdout


LOG_OFF = "log = false"


class Data:
    """A data folder. `endpoints`: {name: text of its table}."""

    def __init__(self, folder, endpoints):
        self.path = pathlib.Path(folder) / "data"
        toml = pathlib.Path(folder) / "seaworthy.toml"
        toml.write_text("".join(f"[endpoint.{name}]\n{table}\n" for name, table in endpoints.items()))
        command("apply", toml, "--data", self.path)

    def register(self, model, path):
        """The version's number. Golden rows come from LightGBM, as users have them."""
        version = json.loads(command("register", model, package(path), "--data", self.path, "--json"))["version"]
        command("models", "override", model, version, "--reason", "a benchmark", "--data", self.path)
        return version

    def go_live(self, endpoint, version):
        command("rollout", "live", endpoint, version, "--data", self.path)


def endpoint_of(path, folder):
    """A data folder with the model live at the endpoint `late`, which logs nothing."""
    data = Data(folder, {"late": LOG_OFF})
    data.go_live("late", data.register("late", path))
    return data


def package(path):
    """The model's package folder, made once: its golden rows take LightGBM a while."""
    folder = path.with_suffix(".package")
    if not folder.exists():
        command("package", path, "--python", sys.executable, "--out", folder)
    return folder


class Server:
    """Running until the end of the block. `start_s`: from exec to the first line, which is its address."""

    def __init__(self, data, log, *arguments, core=machine.SERVER_CORE):
        self.port = machine.free_port()
        self.process = machine.Process([machine.BIN / "seaworthy", "serve", "--data", data.path, "--listen", f"127.0.0.1:{self.port}", "--log-level", "warning",
                                        "--connections-max", "4096", *arguments], log, core)
        self.pid = self.process.pid

    def wait(self):
        self.process.wait_for(lambda: machine.answers(f"http://127.0.0.1:{self.port}/v2/health/ready"), 60)
        return self

    def go_live(self, endpoint, version):
        load.ask(self.port, load.Request(f"/seaworthy/v1/endpoints/{endpoint}/live", bodies.JSON, json.dumps({"version": version}).encode()))

    def good_answers(self, endpoint, wire, requests, expected):
        """Of each request the parts of its right answers, one a version; `expected`: {version: of each request}. The last stays live."""
        parts = []
        for version, scores in expected.items():
            self.go_live(endpoint, version)
            parts.append(bodies.checked(self.port, wire, requests, scores, off_max=bodies.OUR_OFF_MAX))
        return list(zip(*parts))

    def __enter__(self):
        return self.wait()

    def __exit__(self, *_):
        self.process.stop()
