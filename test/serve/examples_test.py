"""docs/serving.md: every example as it stands, and its table of how the wires narrow values."""

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import urllib.request

import numpy
import tritonclient.http as triton

import serving
from container_test import RECORD_IO, Record, record_io
from serving import NAMES

SOURCE = pathlib.Path(os.environ["SW_SOURCE_DIR"])
CLIENTS = SOURCE / ".deps" / "venv-clients" / "bin"
TENSORFLOW = SOURCE / ".deps" / "venv-tf" / "bin"
ROW = {"wind": 0.5, "hour": 3, "delay": -1}


def examples():
    """(heading, text) of each indented block."""
    heading, block = "", []
    for line in [*(SOURCE / "docs" / "serving.md").read_text().splitlines(), ""]:
        if line.startswith("    "):
            block.append(line[4:])
            continue
        if block:
            yield heading, "\n".join(block) + "\n"
            block = []
        if line.startswith("#"):
            heading = line.lstrip("# ")


class ExamplesTest(serving.ServingTest):
    def run_example(self, text):
        environment = {**os.environ, "PATH": f"{CLIENTS}:{os.environ['PATH']}", "AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}
        python = CLIENTS / "python" if re.search(r"kserve|http\.aio", text) else TENSORFLOW / "python" if "tensorflow" in text else sys.executable
        is_shell = text.startswith(("curl", "echo"))
        command = ["bash", "-euc", text] if is_shell else [python, "-W", "ignore", "-c", text]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def score(self, server, row):
        status, answer = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": [row]})
        self.assertEqual(status, 200, answer)
        return answer["predictions"][0]["score"]

    def test_every_example_of_the_page_runs(self):
        self.write("rows.csv", "wind,hour,delay\n0.5,3,-1\n")
        ran = set()
        with self.server() as server:
            port = server.address.rpartition(":")[2]
            for heading, text in examples():
                if text.startswith("docker"):
                    continue  # container_test.py has what it starts
                with self.subTest(heading, text=text):
                    out = self.run_example(text.replace("8420", port))
                    self.assertIn(repr(self.score(server, ROW)), out)
                    ran.add(heading)
        self.assertEqual(len(ran), 6)

    def post(self, server, path, body, headers):
        request = urllib.request.Request(server.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def infer(self, server, datatype, real, wind):
        matrix = triton.InferInput("input", [1, 3], datatype)
        matrix.set_data_from_numpy(numpy.array([[wind, 3, -1]], dtype=real))
        with triton.InferenceServerClient(server.address) as client:
            return client.infer("late", [matrix]).as_numpy("prediction")[0]

    def record_score(self, server, tensor, wind):
        record = Record()
        getattr(record.features["values"], tensor).values.extend([wind, 3, -1])
        body = self.post(server, "/endpoints/late/invocations", record_io([record]), {**RECORD_IO, "Accept": "text/csv"})
        return float(body)

    def test_what_a_wire_narrows(self):
        wind, rounded = self.turning_point()
        with self.server() as server:
            exact, narrowed = (self.score(server, {**ROW, "wind": value}) for value in (wind, rounded))
            self.assertNotEqual(exact, narrowed)
            body = json.dumps({"instances": [[wind, 3, -1]]}).encode()
            kept = {"TensorFlow Serving": json.loads(self.post(server, "/v1/models/late:predict", body, {}))["predictions"][0],
                    "MLflow": json.loads(self.post(server, "/invocations", body, {"Content-Type": "application/json"}))["predictions"][0],
                    "Vertex": json.loads(self.post(server, "/v1/projects/p/locations/l/endpoints/late:rawPredict", body, {}))["predictions"][0],
                    "Open Inference, FP64": self.infer(server, "FP64", numpy.float64, wind),
                    "RecordIO, float64": self.record_score(server, "float64_tensor", wind)}
            for name, text in (("text/csv", f"{wind!r},3,-1"), ("text/libsvm", f"0:{wind!r} 1:3 2:-1")):
                kept[name] = float(self.post(server, "/endpoints/late/invocations", text.encode(), {"Content-Type": name}))
            self.assertEqual(kept, dict.fromkeys(kept, exact))
            inputs = [{"name": name, "shape": [1], "datatype": "FP32", "data": [value]} for name, value in zip(NAMES, (wind, 3, -1))]
            answer = json.loads(self.post(server, "/v2/models/late/infer", json.dumps({"inputs": inputs}).encode(), {}))
            lost = {"Open Inference, FP32": self.infer(server, "FP32", numpy.float32, wind),
                    "Open Inference, FP32 in JSON": answer["outputs"][0]["data"][0],
                    "RecordIO, float32": self.record_score(server, "float32_tensor", wind)}
            self.assertEqual(lost, dict.fromkeys(lost, narrowed))


if __name__ == "__main__":
    unittest.main()
