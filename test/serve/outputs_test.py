"""Models of several outputs a row, through each wire's own client: classes with names (LightGBM), targets
(XGBoost's vector leaves), and a matrix that an ONNX model answers."""

import csv as python_csv
import io
import json
import sys
import time
import unittest
import urllib.error

import lightgbm
import numpy
import onnx
import pandas
import pyarrow
import tritonclient.http as triton
import xgboost
from google.protobuf import json_format, struct_pb2
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from onnx import TensorProto, helper, numpy_helper

import serving
import wires_test
from serving import NAMES
from wires_test import PARENT, csv, plain

CLASSES = ["early", "on time", "late"]
OUTPUTS = {"kinds": 3, "targets": 2, "matrix": 2}  # of each endpoint


def classes(path, x):
    label = (x[:, 0] > 0.3).astype(int) + (x[:, 1] + x[:, 2] > 0.5)
    data = lightgbm.Dataset(x, label, feature_name=NAMES)
    booster = lightgbm.train({"objective": "multiclass", "num_class": 3, "num_threads": 1, "verbose": -1, "seed": 1}, data, 10)
    booster.save_model(path)
    return lambda rows: booster.predict(rows, num_threads=1)


def targets(path, x):
    y = numpy.column_stack([x[:, 0] * x[:, 1], x[:, 2]])
    data = xgboost.DMatrix(x, y, feature_names=NAMES)
    booster = xgboost.train({"multi_strategy": "multi_output_tree", "tree_method": "hist", "nthread": 1, "seed": 1}, data, 10)
    booster.save_model(path)
    return lambda rows: booster.predict(xgboost.DMatrix(rows, feature_names=NAMES)).astype(float)


def matrix(path, x):
    weights = numpy.array([[1, 0.5], [-2, 0.25], [0.75, 3]], numpy.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "matrix", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 2])], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {"feature_names": json.dumps(NAMES)})
    onnx.save(model, path)
    return lambda rows: (rows.astype(numpy.float32) @ weights).astype(float)


class OutputsTest(serving.EndToEnd):
    def setUp(self):
        super().setUp()
        project = self.write("seaworthy.toml", "".join(f"[endpoint.{name}]\n" for name in OUTPUTS))
        self.assert_done(serving.run("apply", project, "--data", self.data))
        self.x = serving.rows(200)
        self.x[::7, 1] = 0.5  # a matrix product of NaN is NaN

    def server(self, endpoint):
        """With its model live, and what the model's own library scores rows with."""
        make, file = {"kinds": (classes, "kinds.txt"), "targets": (targets, "targets.ubj"), "matrix": (matrix, "matrix.onnx")}[endpoint]
        self.library = make(self.folder / file, numpy.random.default_rng(7).normal(size=(400, len(NAMES))))
        names = [word for label in CLASSES for word in ("--output-name", label)] if endpoint == "kinds" else []
        for command in (("register", endpoint, self.folder / file, "--python", sys.executable, *names),
                        ("models", "override", endpoint, "1", "--reason", "a test"), ("rollout", "live", endpoint, "1")):
            self.assert_done(serving.run(*command, "--data", self.data))
        return serving.Server(self.data, "--default-endpoint", endpoint)

    def post(self, server, path, body, content_type="application/json", accept="*/*"):
        request = wires_test.urllib.request.Request(server.url + path, body if isinstance(body, bytes) else body.encode(),
                                                    {"Content-Type": content_type, "Accept": accept})
        with wires_test.urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def ours(self, server, endpoint):
        """Ids, and scores of rows x outputs, as our own wire answers."""
        named = [dict(zip(NAMES, row)) for row in plain(self.x)]
        status, answer = server.post(f"/seaworthy/v1/endpoints/{endpoint}/predict", {"rows": named})
        self.assertEqual(status, 200, answer)
        rows = [row["scores"] for row in answer["predictions"]]
        if endpoint == "kinds":
            self.assertEqual(set(map(tuple, rows)), {tuple(CLASSES)})
            rows = [list(row.values()) for row in rows]
            self.assertEqual([row["class"] for row in answer["predictions"]], [CLASSES[k] for k in numpy.argmax(rows, axis=1)])
        return [row["id"] for row in answer["predictions"]], rows

    def through_every_wire(self, server, endpoint):
        x, instances = self.x, plain(self.x)
        named = [dict(zip(NAMES, row)) for row in instances]
        columns = {name: x[:, i].tolist() for i, name in enumerate(NAMES)}
        found = {}
        for name, path, body, key in (
                ("TensorFlow Serving, instances", f"/v1/models/{endpoint}:predict", {"instances": named}, "predictions"),
                ("KServe V1", f"/v1/models/{endpoint}:predict", {"instances": instances}, "predictions"),
                ("TensorFlow Serving, inputs", f"/v1/models/{endpoint}:predict", {"inputs": columns}, "outputs"),
                ("MLflow, records", "/invocations", {"dataframe_records": named}, "predictions"),
                ("Vertex, raw", f"/v1/{PARENT}{endpoint}:rawPredict", {"instances": named}, "predictions")):
            found[name] = json.loads(self.post(server, path, json.dumps(body)))[key]
        host, port = server.address.split(":")
        frame = pandas.DataFrame(x, columns=NAMES)
        found["MLflow's client"] = numpy.asarray(ScoringServerClient(host, int(port)).invoke(frame).get_predictions("ndarray")).tolist()
        values = [json_format.ParseDict(row, struct_pb2.Value()) for row in named]
        found["Google's client"] = [list(row) for row in wires_test.vertex(server).predict(endpoint=PARENT + endpoint, instances=values).predictions]
        runtime = wires_test.runtime(server)
        for accept, read in (("text/csv", lambda text: [[float(cell) for cell in line.split(",")] for line in text.split()]),
                             ("application/json", lambda text: [row["score"] for row in json.loads(text)["predictions"]]),
                             ("application/jsonlines", lambda text: [json.loads(line)["score"] for line in text.split()])):
            answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=csv(x), Accept=accept)
            found[f"boto3, {accept}"] = read(answer["Body"].read().decode())
        with triton.InferenceServerClient(server.address) as client:
            for binary in (True, False):
                tensor = triton.InferInput("input", list(x.shape), "FP64")
                tensor.set_data_from_numpy(x, binary_data=binary)
                wanted = triton.InferRequestedOutput("prediction", binary_data=binary)
                found[f"Open Inference, binary {binary}"] = client.infer(endpoint, [tensor], outputs=[wanted]).as_numpy("prediction").tolist()
        path, prediction = f"/seaworthy/v1/endpoints/{endpoint}/predict", [f"prediction_{k}" for k in range(OUTPUTS[endpoint])]
        text = self.post(server, path, ",".join(NAMES) + "\n" + csv(x), "text/csv").decode()
        found["ours, CSV"] = [[float(row[name]) for name in prediction] for row in python_csv.DictReader(io.StringIO(text))]
        sink = pyarrow.BufferOutputStream()
        table = pyarrow.table(columns)
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        stream = self.post(server, path, sink.getvalue().to_pybytes(), "application/vnd.apache.arrow.stream")
        found["ours, Arrow"] = pyarrow.ipc.open_stream(stream).read_all().select(prediction).to_pandas().values.tolist()
        return found

    def test_the_same_rows_through_every_wire_have_the_same_bits(self):
        for endpoint, outputs in OUTPUTS.items():
            with self.subTest(endpoint), self.server(endpoint) as server:
                ids, expected = self.ours(server, endpoint)
                self.assertEqual(numpy.shape(expected), (len(self.x), outputs))
                self.assertGreater(len(set(map(tuple, expected))), 100)
                numpy.testing.assert_allclose(expected, self.library(self.x), rtol=1e-6)
                for name, scores in self.through_every_wire(server, endpoint).items():
                    self.assertEqual(scores, expected, name)
                self.assert_all_is_logged(server, endpoint, dict(zip(ids, expected)))

    def assert_all_is_logged(self, server, endpoint, expected):
        logged, tries_until = {}, time.monotonic() + 30  # the log's thread writes when it gets to it
        while len(logged) < len(expected) and time.monotonic() < tries_until:
            status, page = server.get(f"/seaworthy/v1/streams/predictions/{endpoint}?rows_max=10000")
            self.assertEqual(status, 200, page)
            logged = {row["id"]: [row[f"score_{k}"] for k in range(OUTPUTS[endpoint])] for row in page["rows"] if row["id"] in expected}
        self.assertEqual(logged, expected)
        self.assertNotIn("score", page["rows"][0])

    def test_clients_learn_the_shape_and_the_classes(self):
        with self.server("kinds") as server:
            expected = self.ours(server, "kinds")[1]
            with triton.InferenceServerClient(server.address) as client:
                outputs = {output["name"]: output["shape"] for output in client.get_model_metadata("kinds")["outputs"]}
                self.assertEqual(outputs, {"prediction": [-1, 3], "class": [-1], "version": [-1], "prediction_id": [-1]})
                tensor = triton.InferInput("input", list(self.x.shape), "FP64")
                tensor.set_data_from_numpy(self.x)
                found = client.infer("kinds", [tensor], outputs=[triton.InferRequestedOutput("class")]).as_numpy("class")
            greatest = [CLASSES[k] for k in numpy.argmax(expected, axis=1)]
            self.assertGreater(len(set(greatest)), 1)
            self.assertEqual([text.decode() for text in found], greatest)
            examples = [dict(zip(NAMES, row)) for row in plain(self.x)]
            status, answer = server.post("/v1/models/kinds:classify", {"examples": examples})
            self.assertEqual((status, answer["results"]), (200, [[[name, score] for name, score in zip(CLASSES, row)] for row in expected]))
            answer = wires_test.runtime(server).invoke_endpoint(EndpointName="kinds", ContentType="text/csv", Body=csv(self.x), Accept="application/json")
            self.assertEqual([row["predicted_label"] for row in json.load(answer["Body"])["predictions"]], greatest)
            self.assertIn("3: early, on time, late", self.assert_done(server.cli("models", "show", "kinds", "1")).out)

    def test_what_needs_one_score_is_refused_by_name(self):
        with self.server("kinds") as server:
            ids, _ = self.ours(server, "kinds")
            status, answer = server.post("/v1/models/kinds:regress", {"examples": [dict(zip(NAMES, plain(self.x)[0]))]})
            self.assertEqual((status, "regress answers one value a row" in answer["error"]), (400, True), answer)
            status, answer = server.post("/seaworthy/v1/endpoints/kinds/labels", {"labels": [{"id": ids[0], "label": 1}]})
            self.assertEqual(status, 412, answer)
            self.assertIn("endpoint kinds predicts 3 numbers a row", json.dumps(answer))
            project = self.write("watched.toml", "[endpoint.kinds]\n[endpoint.targets]\n[endpoint.matrix]\n[monitor.kinds]\nendpoint = \"kinds\"\n")
            refused = server.cli("apply", project)
            self.assertNotEqual(refused.code, 0)
            self.assertIn("monitor.kinds cannot judge version 1 of endpoint kinds", refused.err)
            self.assertEqual(len(self.ours(server, "kinds")[0]), len(self.x))  # it is served as before
            with self.assertRaises(urllib.error.HTTPError) as failed:
                self.post(server, "/v2/models/kinds/infer", json.dumps({
                    "inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]}], "outputs": [{"name": "decision"}]}))
            self.assertIn("unexpected output decision", failed.exception.read().decode())
            failed.exception.close()


if __name__ == "__main__":
    unittest.main()
