"""The container contracts of SageMaker and Vertex AI: the real program as `docker run IMAGE serve` starts it,
with the variables that those clouds set, on folders shaped like /opt/ml."""

import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import unittest

import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import serving
from harness import BINARY, ENVIRONMENT, Server, run
from serving import NAMES

CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
RECORD_IO = {"Content-Type": "application/x-recordio-protobuf"}
# A model whose load takes as long as the test likes.
SLOW = """
import os, time

class Model:
    inputs = ["wind", "hour", "delay"]

    def load(self, folder):
        while os.path.exists(folder + "/../stuck"):
            time.sleep(0.01)

    def predict(self, frame):
        return frame["delay"] * 2
"""
HEALTH, PREDICT = "/v1/endpoints/7/deployedModels/9", "/v1/endpoints/7/deployedModels/9:predict"


def record_class():
    """AWS's message Record, as far as its clients use it, in Google's library."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")

    def message(parent, name, *fields):
        made = parent.add(name=name)
        for number, label, kind, title, of in fields:
            made.field.add(name=title, number=number, label=label, type=kind, **({"type_name": of} if of else {}))
            if label == field.LABEL_REPEATED and kind not in (field.TYPE_MESSAGE, field.TYPE_STRING):
                made.field[-1].options.packed = True
        return made

    one, many = field.LABEL_OPTIONAL, field.LABEL_REPEATED
    for name, kind in (("Float32Tensor", field.TYPE_FLOAT), ("Float64Tensor", field.TYPE_DOUBLE), ("Int32Tensor", field.TYPE_INT32)):
        message(file.message_type, name, (1, many, kind, "values", ""), (2, many, field.TYPE_UINT64, "keys", ""),
                (3, many, field.TYPE_UINT64, "shape", ""))
    tensors = ((2, "Float32Tensor", "float32_tensor"), (3, "Float64Tensor", "float64_tensor"), (7, "Int32Tensor", "int32_tensor"))
    message(file.message_type, "Value", *((number, one, field.TYPE_MESSAGE, title, f".aialgs.data.{name}") for number, name, title in tensors))
    record = message(file.message_type, "Record")
    for number, title, entry in ((1, "features", "FeaturesEntry"), (2, "label", "LabelEntry")):
        nested = message(record.nested_type, entry, (1, one, field.TYPE_STRING, "key", ""), (2, one, field.TYPE_MESSAGE, "value", ".aialgs.data.Value"))
        nested.options.map_entry = True
        record.field.add(name=title, number=number, label=many, type=field.TYPE_MESSAGE, type_name=f".aialgs.data.Record.{entry}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


Record = record_class()


def record_io(records):
    body = b""
    for record in records:
        data = record.SerializeToString()
        body += struct.pack("<II", 0xced7230a, len(data)) + data + b"\0" * (-len(data) % 4)
    return body


def read_record_io(body):
    records = []
    while body:
        magic, length = struct.unpack("<II", body[:8])
        assert magic == 0xced7230a, magic
        records.append(Record.FromString(body[8:8 + length]))
        body = body[8 + length + -length % 4:]
    return records


class Container(Server):
    """`seaworthy serve` with a cloud's variables, and nothing else."""

    def __init__(self, *arguments, **variables):
        self.arguments = [BINARY, "serve", *map(str, arguments)]
        self.environment = {**ENVIRONMENT, "SEAWORTHY_LISTEN": "127.0.0.1:0", "SEAWORTHY_LOG_LEVEL": "error", **variables}

    def __enter__(self):
        self.process = subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True, env=self.environment)
        self.url = self.process.stdout.readline().strip()
        self.address = self.url.removeprefix("http://")
        return self

    def send(self, method, path, body=None, headers=None):
        """Status, headers, bytes."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def wait_ready(self, path="/ping"):
        while self.send("GET", path)[0] != 200:
            assert self.process.poll() is None, "it ended"

    def scores(self, path, body, headers):
        status, _, answer = self.send("POST", path, body, headers)
        assert status == 200, answer
        return [float(line) for line in answer.split()]


def csv(x):
    return "\n".join(",".join("" if numpy.isnan(value) else repr(value) for value in row) for row in x.tolist())


def instances(x):
    return [[None if numpy.isnan(value) else value for value in row] for row in x.tolist()]


class ContainerTest(serving.ModelTest):
    def setUp(self):
        super().setUp()
        self.ml = self.folder / "ml"
        (self.ml / "model").mkdir(parents=True)
        shutil.copy(self.model, self.ml / "model" / "model.txt")
        self.x = serving.rows(50)

    def sagemaker(self, **variables):
        return Container(SEAWORTHY_CONTAINER_ROOT=str(self.ml), **variables)

    def vertex(self, **variables):
        variables = {"AIP_MODE": "PREDICTION", "AIP_HTTP_PORT": "8080", "AIP_ENDPOINT_ID": "7", "AIP_DEPLOYED_MODEL_ID": "9", **variables}
        return Container(SEAWORTHY_CONTAINER_ROOT=str(self.ml), **variables)

    def stick(self):
        """A model that is not loaded before `stuck` is gone; the variables that allow it."""
        python = self.folder / "python"
        python.mkdir()
        (python / "slow.py").write_text(SLOW)
        (self.folder / "stuck").touch()
        environment = os.path.join(os.environ["SW_SOURCE_DIR"], ".deps", "venv")
        config = self.write("server.toml", f'[python]\nfolders = ["{self.folder}"]\n[python.environments]\nvenv = "{environment}"\n')
        code = hashlib.sha256(SLOW.encode()).hexdigest()
        model = {"environment": "venv", "folder": str(python), "entry": "slow:Model", "content": hashlib.sha256(f"{code} slow.py\n".encode()).hexdigest()}
        (self.ml / "model" / "model.txt").write_text(json.dumps({"python": model}))
        return {"SEAWORTHY_CONFIG": str(config)}

    def check_refusals(self, container, table):
        for method, path, body, headers, status, message in table:
            answer = container.send(method, path, body, headers)
            self.assertEqual(answer[0], status, (method, path, body, answer[2]))
            self.assertIn(message.encode(), answer[2])

    def check_close(self, scores):
        self.assertLess(numpy.abs(numpy.array(scores) - self.expected(self.x)).max(), 1e-12)

    def test_sagemaker_every_content_type_has_the_same_bits(self):
        with self.sagemaker() as container:
            container.wait_ready()
            self.assertEqual(container.send("GET", "/ping")[2], b"")
            expected = container.scores("/invocations", csv(self.x), CSV)
            self.check_close(expected)
            libsvm = "\n".join("1 " + " ".join(f"{i}:{value!r}" for i, value in enumerate(row) if not numpy.isnan(value)) for row in self.x.tolist())
            for name in ("text/libsvm", "text/x-libsvm"):
                self.assertEqual(container.scores("/invocations", libsvm, {"Content-Type": name}), expected)
            lines = "\n".join(json.dumps({"features": row}) for row in instances(self.x))
            answer = container.send("POST", "/invocations", lines, {"Content-Type": "application/jsonlines"})
            self.assertEqual([json.loads(line)["score"] for line in answer[2].split()], expected)
            body = json.dumps({"instances": [{"features": row} for row in instances(self.x)]})
            answer = container.send("POST", "/invocations", body, JSON)
            self.assertEqual([row["score"] for row in json.loads(answer[2])["predictions"]], expected)
            answer = container.send("POST", "/invocations", body, {**JSON, "Accept": "text/csv", "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
                                                                   "X-Amzn-SageMaker-Inference-Id": "mine"})
            self.assertEqual([float(line) for line in answer[2].split()], expected)
            self.assertEqual(answer[1]["X-Amzn-SageMaker-Custom-Attributes"], "trace=1")
            self.check_record_io(container, expected)

    def check_record_io(self, container, expected):
        dense = [Record() for _ in self.x]
        sparse = [Record() for _ in self.x]
        for row, wide, thin in zip(self.x.tolist(), dense, sparse):
            wide.features["values"].float64_tensor.values.extend(row)
            kept = [(place, value) for place, value in enumerate(row) if not numpy.isnan(value)]
            thin.features["values"].float32_tensor.keys.extend(place for place, _ in kept)
            thin.features["values"].float32_tensor.values.extend(value for _, value in kept)
            thin.features["values"].float32_tensor.shape.append(len(NAMES))
        for records in (dense, sparse):
            self.assertEqual(container.scores("/invocations", record_io(records), {**RECORD_IO, "Accept": "text/csv"}), expected)
        status, headers, answer = container.send("POST", "/invocations", record_io(dense), RECORD_IO)
        self.assertEqual((status, headers["Content-Type"]), (200, RECORD_IO["Content-Type"]))
        found = read_record_io(answer)
        self.assertEqual([record.label["score"].float32_tensor.values[0] for record in found], [float(numpy.float32(score)) for score in expected])
        self.assertEqual([record.label["predicted_label"].float32_tensor.values[0] for record in found], [float(score >= 0.5) for score in expected])

    def test_sagemaker_refuses(self):
        with self.sagemaker(SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB="1", SAGEMAKER_BATCH_STRATEGY="SingleRecord",
                            SAGEMAKER_MAX_CONCURRENT_TRANSFORMS="2", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/jsonlines") as container:
            container.wait_ready()
            self.assertEqual(container.get("/execution-parameters"),
                             (200, {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 1}))
            self.assertIn("score", json.loads(container.send("POST", "/invocations", "1,2,3", CSV)[2]))
            self.check_refusals(container, (
                ("POST", "/invocations", "1,2,3", {"Content-Type": "application/x-npy"}, 415, "application/x-npy is not read"),
                ("POST", "/invocations", "1,2,3", {}, 415, "(none) is not read"),
                ("POST", "/invocations", "1,2,3", {**CSV, "Accept": "image/png"}, 406, "none of them is written"),
                ("POST", "/invocations", "", CSV, 400, "the body has no rows"),
                ("POST", "/invocations", "wind,hour,delay\n1,2,3", CSV, 400, "line 1, wind"),
                ("POST", "/invocations", "1,2", CSV, 400, "line 1 has 2 cells, expected 3"),
                ("POST", "/invocations", "{", JSON, 400, "request body"),
                ("POST", "/invocations", "3:1", {"Content-Type": "text/libsvm"}, 400, "line 1: there is no column 3"),
                ("POST", "/invocations", b"abc", RECORD_IO, 400, "record 0: the body ends within it"),
                ("POST", "/invocations", "1,2,3\n" * 200_000, CSV, 413, "body_bytes_max"),
                ("POST", "/invocations", "1,2,3", {**CSV, "X-Amzn-SageMaker-Custom-Attributes": "a" * 1025}, 400, "more than 1024 bytes"),
                ("GET", "/invocations", None, {}, 405, "GET"),
                ("POST", "/ping", "", {}, 405, "POST"),
                ("GET", "/v2/models/model", None, {}, 404, "no route"),  # nothing but the contract
                ("GET", "/seaworthy/v1/endpoints", None, {}, 404, "no route"),
                ("GET", "/models", None, {}, 404, "no route")))

    def test_sagemaker_is_not_ready_before_its_model_is_loaded(self):
        with self.sagemaker(**self.stick()) as container:
            status, answer = container.get("/ping")
            self.assertEqual((status, answer["message"]), (503, "the model is still being loaded; try again"))
            self.assertEqual(container.send("POST", "/invocations", "1,2,3", CSV)[0], 503)
            (self.folder / "stuck").unlink()
            container.wait_ready()
            self.assertEqual(container.scores("/invocations", "1,2,3", CSV), [6])
            self.assertEqual(container.stop(), 0)

    def test_sagemaker_ends_when_its_model_cannot_be_loaded(self):
        (self.ml / "model" / "model.txt").write_text("no model")
        done = run("serve", env={"SEAWORTHY_CONTAINER_ROOT": str(self.ml), "SEAWORTHY_LISTEN": "127.0.0.1:0"})
        self.assertEqual(done.code, 3, done.err)
        self.assertIn("is in no format that is read", done.err)
        shutil.rmtree(self.ml / "model")
        done = run("serve", "--container", "sagemaker", "--container-root", self.ml)
        self.assertEqual(done.code, 4, done.err)
        self.assertIn("there is no model in", done.err)

    def test_sagemaker_listens_where_it_is_told_and_drains(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        container = self.sagemaker(SAGEMAKER_BIND_TO_PORT=str(port))
        del container.environment["SEAWORTHY_LISTEN"]
        with container:
            self.assertEqual(container.url, f"http://0.0.0.0:{port}")
            container.address = f"127.0.0.1:{port}"
            container.wait_ready()
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 5\r\n\r\n1,2")
                container.send("GET", "/ping")
                container.process.send_signal(signal.SIGTERM)
                with self.assertRaises(OSError):  # nobody new is let in
                    while True:
                        socket.create_connection(("127.0.0.1", port), timeout=5).close()
                client.sendall(b",3")
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 "))
            self.assertEqual(container.process.wait(timeout=30), 0)

    def check_not_ready_while_others_go_on(self, container, health, path, body, headers):
        container.wait_ready(health)
        container.process.send_signal(signal.SIGTERM)
        while container.send("GET", health)[0] == 200:
            pass
        self.check_refusals(container, (("GET", health, None, {}, 503, "shutting down"),))
        self.assertEqual(container.send("POST", path, body, headers)[0], 200)
        self.assertEqual(container.process.wait(timeout=30), 0)

    def test_a_drain_fails_readiness_first(self):
        delay = {"SEAWORTHY_DRAIN_DELAY": "3s"}
        with self.sagemaker(**delay) as container:
            self.check_not_ready_while_others_go_on(container, "/ping", "/invocations", "1,2,3", CSV)
        with self.vertex(**delay) as container:
            self.check_not_ready_while_others_go_on(container, HEALTH, PREDICT, '{"instances": [[1, 2, 3]]}', JSON)
        model = self.ml / "models" / "one" / "model"
        shutil.copytree(self.ml / "model", model)
        with self.sagemaker(SAGEMAKER_MULTI_MODEL="true", **delay) as container:
            load = json.dumps({"model_name": "one", "url": str(model)})
            self.assertEqual(container.send("POST", "/models", load, JSON)[0], 200)
            self.check_not_ready_while_others_go_on(container, "/ping", "/models/one/invoke", "1,2,3", CSV)

    def test_settings_of_listening_count_in_containers_too(self):
        with self.sagemaker(SEAWORTHY_REQUESTS_PER_SECOND_MAX="1") as container:
            answers = [container.send("GET", "/ping") for _ in range(100)]
            refused = [answer for answer in answers if answer[0] == 429]
            self.assertTrue(refused and b"requests_per_second_max" in refused[0][2], answers[-1])
        for name, value, message in (("TLS_CERT", "cert.pem", "both --tls-cert and --tls-key"), ("LISTEN", "127.0.0.1:0/health", "there is no group health")):
            done = run("serve", env={"SEAWORTHY_CONTAINER_ROOT": str(self.ml), f"SEAWORTHY_{name}": value})
            self.assertNotEqual(done.code, 0)
            self.assertIn(message, done.err)

    def test_a_container_speaks_tls(self):
        serving.certificate(self.folder)
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        with self.sagemaker(SEAWORTHY_TLS_CERT=str(certificate), SEAWORTHY_TLS_KEY=str(key), SEAWORTHY_TLS_ONLY="true") as container:
            self.assertTrue(container.url.startswith("https://127.0.0.1:"), container.url)
            port = int(container.url.rpartition(":")[2])
            context = ssl.create_default_context(cafile=certificate)
            connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=60)
            connection.request("GET", "/execution-parameters")
            self.assertEqual(connection.getresponse().status, 200)
            connection.close()
            container.address = f"127.0.0.1:{port}"
            self.assertEqual(container.send("GET", "/execution-parameters")[0], 400)  # in clear

    def test_sagemaker_takes_packages_and_mlflow_folders(self):
        package = self.folder / "package"
        self.assert_done(run("package", self.model, "--out", package, "--python", os.devnull))
        mlflow = self.folder / "mlflow"
        mlflow.mkdir()
        shutil.copy(self.model, mlflow / "model.lgb")
        (mlflow / "MLmodel").write_text("flavors:\n  lightgbm:\n    data: model.lgb\n    model_class: lightgbm.basic.Booster\n")
        for folder in (package, mlflow):
            shutil.rmtree(self.ml / "model")
            shutil.copytree(folder, self.ml / "model")
            with self.sagemaker() as container:
                container.wait_ready()
                self.check_close(container.scores("/invocations", csv(self.x), CSV))

    def test_multi_model(self):
        for name in ("one", "two"):
            shutil.copytree(self.ml / "model", self.ml / "models" / name / "model")
        shutil.rmtree(self.ml / "model")

        def load(container, name, url):
            return container.send("POST", "/models", json.dumps({"model_name": name, "url": str(url)}), JSON)

        with self.sagemaker(SAGEMAKER_MULTI_MODEL="true") as container:
            self.assertEqual(container.send("GET", "/ping")[0], 200)
            self.assertEqual(container.get("/models"), (200, {"models": []}))
            url = self.ml / "models" / "one" / "model"
            with concurrent.futures.ThreadPoolExecutor() as pool:  # one of them loads it
                statuses = [done[0] for done in pool.map(lambda _: load(container, "one", url), range(4))]
            self.assertEqual(sorted(statuses), [200, 409, 409, 409])
            self.assertEqual(load(container, "two", f"file://{self.ml}/models/two/model")[0], 200)
            self.assertEqual(container.get("/models/one"), (200, {"modelName": "one", "modelUrl": str(url)}))
            self.assertEqual([model["modelName"] for model in container.get("/models")[1]["models"]], ["one", "two"])
            headers = {**CSV, "X-Amzn-SageMaker-Target-Model": "one.tar.gz"}
            self.check_close(container.scores("/models/one/invoke", csv(self.x), headers))
            self.assertEqual(container.send("DELETE", "/models/one")[0], 200)
            shutil.copy(self.model, self.ml / "elsewhere.txt")
            self.check_refusals(container, (
                ("POST", "/models/one/invoke", "1,2,3", CSV, 404, "unknown model one"),
                ("GET", "/models/one", None, {}, 404, "model one is not loaded"),
                ("DELETE", "/models/one", None, {}, 404, "model one is not loaded"),
                ("POST", "/models", "{}", JSON, 400, "model_name"),
                ("POST", "/models", json.dumps({"model_name": "x", "url": str(self.ml / "elsewhere.txt")}), JSON, 400, "lies outside of"),
                ("POST", "/models", json.dumps({"model_name": "x", "url": str(self.ml / "models" / "none")}), JSON, 404, "url"),
                ("POST", "/models/two/invoke", "1", {"Content-Type": "image/png"}, 415, "image/png is not read"),
                ("PUT", "/models", "", {}, 405, "PUT"),
                ("POST", "/invocations", "1,2,3", CSV, 404, "no route")))
            self.assertEqual(load(container, "one", url)[0], 200)

    def test_multi_model_says_507_when_there_is_no_room(self):
        shutil.copytree(self.ml / "model", self.ml / "models" / "one" / "model")
        with self.sagemaker(SAGEMAKER_MULTI_MODEL="true", SEAWORTHY_MEMORY_BYTES_MAX="1MiB") as container:
            body = json.dumps({"model_name": "one", "url": str(self.ml / "models" / "one" / "model")})
            self.check_refusals(container, (("POST", "/models", body, JSON, 507, "limit memory_bytes_max"),
                                            ("GET", "/models/one", None, {}, 404, "")))

    def test_vertex(self):
        with self.vertex() as container:
            container.wait_ready(HEALTH)
            body = json.dumps({"instances": instances(self.x), "parameters": {"x": 1}})
            status, _, answer = container.send("POST", PREDICT, body, JSON)
            self.assertEqual(status, 200)
            self.check_close(json.loads(answer)["predictions"])
            named = json.dumps({"instances": [dict(zip(NAMES, row)) for row in instances(self.x)]})
            self.assertEqual(container.send("POST", PREDICT, named, JSON)[2], answer)
            self.check_refusals(container, (
                ("POST", PREDICT, body, CSV, 415, '"status":"INVALID_ARGUMENT"'),
                ("POST", PREDICT, "", JSON, 400, "request body"),
                ("POST", PREDICT, '{"instances": []}', JSON, 400, "instances is empty"),
                ("POST", PREDICT, '{"instances": [[1]]}', JSON, 400, "has 1 values, the model reads 3"),
                ("POST", PREDICT, '{"instances": [[1, 2, 3]], "parameters": 3}', JSON, 400, "parameters must be"),
                ("GET", PREDICT, None, {}, 405, "GET"),
                ("POST", HEALTH, "", {}, 405, "POST"),
                ("GET", "/ping", None, {}, 404, "no route")))

    def test_vertex_goes_by_its_variables(self):
        with self.vertex(AIP_HEALTH_ROUTE="/alive", AIP_PREDICT_ROUTE="/score", AIP_STORAGE_URI=str(self.ml / "model"),
                         SEAWORTHY_BODY_BYTES_MAX="1KiB") as container:
            container.wait_ready("/alive")
            self.assertEqual(container.send("POST", "/score", '{"instances": [[1, 2, 3]]}', JSON)[0], 200)
            self.check_refusals(container, (("POST", "/score", json.dumps({"instances": instances(self.x)}), JSON, 413, "body_bytes_max"),
                                            ("POST", PREDICT, "{}", JSON, 404, "no route")))

    def test_vertex_is_not_ready_before_its_model_is_loaded(self):
        with self.vertex(**self.stick()) as container:
            self.check_refusals(container, (("GET", HEALTH, None, {}, 503, '"status":"UNAVAILABLE"'),
                                            ("POST", PREDICT, '{"instances": [[1, 2, 3]]}', JSON, 503, "still being loaded")))
            (self.folder / "stuck").unlink()
            container.wait_ready(HEALTH)

    def test_vertex_refuses_a_bucket_and_says_what_to_do(self):
        done = run("serve", env={"AIP_MODE": "PREDICTION", "AIP_ENDPOINT_ID": "7", "AIP_DEPLOYED_MODEL_ID": "9", "AIP_STORAGE_URI": "gs://b/m"})
        self.assertEqual(done.code, 1, done.err)
        self.assertIn("put the model into the image's folder /opt/ml/model", done.err)
        for name, value in (("AIP_MODE", "TRAINING"), ("AIP_HTTP_PORT", "http")):
            done = run("serve", env={"AIP_ENDPOINT_ID": "7", "AIP_DEPLOYED_MODEL_ID": "9", "AIP_MODE": "PREDICTION", name: value})
            self.assertEqual(done.code, 3, done.err)
            self.assertTrue(re.search(f"{name}: expected", done.err), done.err)


if __name__ == "__main__":
    unittest.main()
