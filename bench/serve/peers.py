"""The competitors, each in a process tree of its own on the server's core, one worker and one thread of scoring each.

    with Field(models, scratch) as field:
        peers, absent = field.start([FastApi, Triton])    # peer.pid, peer.port, peer.grpc_port
"""

import json
import pathlib
import shutil
import sys

import machine
from machine import Absent

HERE = pathlib.Path(__file__).resolve().parent / "peers"
ENVIRONMENT = pathlib.Path(sys.prefix)
START_SECONDS_MAX = 240  # MLflow takes a minute on a busy machine


class Peer:
    """Starts in `__init__`; `wait` returns when it answers, Absent when it does not."""

    name = ""
    ready = "/v2/health/ready"

    def __init__(self, models, scratch):
        self.models, self.folder = models, pathlib.Path(scratch) / type(self).__name__
        self.folder.mkdir()
        self.port, self.grpc_port, self.metrics_port = (machine.free_port() for _ in range(3))
        path = {"PATH": f"{ENVIRONMENT}/bin:/usr/bin:/bin"}
        self.process = machine.Process(self.command(), self.folder / "log", env=path | self.env(), cwd=self.folder)
        self.pid = self.process.pid

    def env(self):
        return {}

    def wait(self):
        self.process.wait_for(lambda: machine.answers(f"http://127.0.0.1:{self.port}{self.ready}"), START_SECONDS_MAX)
        return self


class FastApi(Peer):
    name = "FastAPI + uvicorn, ONNX Runtime"

    def env(self):
        return {"MODEL": str(self.models.onnx)}

    def command(self):
        return [ENVIRONMENT / "bin/uvicorn", "--app-dir", HERE, "fastapi_app:app", "--port", self.port, "--no-access-log", "--log-level", "warning"]


class Triton(Peer):
    name = "Triton, Python backend, ONNX Runtime"

    packages = next((ENVIRONMENT / "lib").glob("python3*/site-packages"))

    def env(self):
        return {"PYTHONPATH": str(self.packages), "LD_LIBRARY_PATH": str(self.packages / "nvidia_pytriton.libs")}

    def command(self):
        tree = self.packages / "pytriton" / "tritonserver"
        # The stub of this Python lies beside the backend, which is where it is looked for.
        backends = self.folder / "backends"
        shutil.copytree(tree / "backends" / "python", backends / "python")
        stub = tree / "python_backend_stubs" / f"{sys.version_info[0]}.{sys.version_info[1]}" / "triton_python_backend_stub"
        shutil.copy(stub, backends / "python")
        model = self.folder / "models" / "late"
        (model / "1").mkdir(parents=True)
        shutil.copy(HERE / "triton_model.py", model / "1" / "model.py")
        (model / "config.pbtxt").write_text(
            'backend: "python"\nmax_batch_size: 0\ninstance_group [{ kind: KIND_CPU, count: 1 }]\n'
            f'parameters {{ key: "model" value: {{ string_value: "{self.models.onnx}" }} }}\n'
            f'input [{{ name: "input" data_type: TYPE_FP32 dims: [-1, {self.models.columns}] }}]\n'
            'output [{ name: "prediction" data_type: TYPE_FP32 dims: [-1] }]\n')
        for program in (tree / "bin" / "tritonserver", backends / "python" / "triton_python_backend_stub"):
            program.chmod(0o755)
        return [tree / "bin" / "tritonserver", "--model-repository", self.folder / "models", "--backend-directory", backends, "--http-address", "127.0.0.1",
                "--http-port", self.port, "--grpc-address", "127.0.0.1", "--grpc-port", self.grpc_port, "--allow-metrics", "false", "--log-info", "false"]


class MlServer(Peer):
    name = "MLServer, LightGBM"

    def command(self):
        settings = {"parallel_workers": 0, "host": "127.0.0.1", "http_port": self.port, "grpc_port": self.grpc_port, "metrics_port": self.metrics_port,
                    "debug": False}
        (self.folder / "settings.json").write_text(json.dumps(settings))
        model = {"name": "late", "implementation": "mlserver_lightgbm.LightGBMModel", "parameters": {"uri": str(self.models.text)}}
        (self.folder / "model-settings.json").write_text(json.dumps(model))
        return [ENVIRONMENT / "bin/mlserver", "start", self.folder]


class MlFlow(Peer):
    name = "mlflow models serve, LightGBM"
    ready = "/ping"

    def env(self):
        return {"MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db"}

    def command(self):
        return [ENVIRONMENT / "bin/mlflow", "models", "serve", "-m", self.models.mlflow, "-p", self.port, "--env-manager", "local", "--workers", "1"]


class Field:
    """The competitors that were asked for, running until the end of the block."""

    def __init__(self, models, scratch):
        self.models, self.scratch, self.peers, self.absent = models, scratch, {}, {}

    def start(self, kinds):
        """([those that answer], [(name, why) of the others]). They start together; what runs already is not started again."""
        for kind in kinds:
            if kind in self.peers or kind in self.absent:
                continue
            try:
                self.peers[kind] = kind(self.models, self.scratch)
            except OSError as error:
                self.absent[kind] = str(error)
        for kind in [kind for kind in kinds if kind in self.peers]:
            try:
                self.peers[kind].wait()
            except Absent as why:
                self.peers.pop(kind).process.stop()
                self.absent[kind] = str(why)
        return [self.peers[kind] for kind in kinds if kind in self.peers], [(kind.name, self.absent[kind]) for kind in kinds if kind in self.absent]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for peer in self.peers.values():
            peer.process.stop()
