"""The wires of instances, each by its own client, unmodified: boto3, MLflow's, Google's; and the same
rows through every wire."""

import json
import urllib.error
import urllib.request
import unittest

import boto3
import botocore.config
import botocore.exceptions
import google.api_core.exceptions
import numpy
import pandas
import pyarrow
import pyarrow.ipc
import tritonclient.http as triton
from google.auth.credentials import AnonymousCredentials
from google.cloud.aiplatform_v1.services.prediction_service import PredictionServiceClient
from google.cloud.aiplatform_v1.services.prediction_service.transports import PredictionServiceRestTransport
from google.protobuf import json_format, struct_pb2
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

import serving
from serving import NAMES

PARENT = "projects/p/locations/l/endpoints/"


def runtime(server):
    """boto3's client of sagemaker-runtime; it needs no account."""
    config = botocore.config.Config(retries={"max_attempts": 1, "mode": "standard"})
    return boto3.client("sagemaker-runtime", endpoint_url=server.url, region_name="us-east-1", config=config,
                        aws_access_key_id="none", aws_secret_access_key="none")


def vertex(server):
    transport = PredictionServiceRestTransport(host=server.address, url_scheme="http", credentials=AnonymousCredentials())
    return PredictionServiceClient(transport=transport)


def plain(x):
    """Rows for JSON: null for NaN."""
    return [[None if numpy.isnan(value) else value for value in row] for row in x.tolist()]


def csv(x):
    return "\n".join(",".join("" if numpy.isnan(value) else repr(value) for value in row) for row in x.tolist())


class WiresTest(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.x = serving.rows(1000)

    def test_boto3(self):
        with self.server() as server:
            client = runtime(server)
            answer = client.invoke_endpoint(EndpointName="late", ContentType="text/csv", Body=csv(self.x[:3]), InferenceId="mine")
            self.assertEqual(answer["InvokedProductionVariant"], "1")
            self.assertEqual([float(line) for line in answer["Body"].read().split()], self.scores(server, self.x[:3]))
            answer = client.invoke_endpoint(EndpointName="late", ContentType="application/json", TargetVariant="1",
                                            Body=json.dumps({"instances": [{"features": row} for row in plain(self.x[:3])]}))
            self.assertEqual([row["score"] for row in json.load(answer["Body"])["predictions"]], self.scores(server, self.x[:3]))
            status, labelled = server.post("/seaworthy/v1/endpoints/late/labels", {"labels": [{"id": "mine-1", "label": 1}]})
            self.assertEqual((status, labelled["accepted"]), (200, 1))
            for body, endpoint, message in (("1,2", "late", "has 2 cells, expected 3"), ("", "late", "no rows"), ("1,2,3", "early", "unknown model")):
                with self.assertRaises(botocore.exceptions.ClientError) as refused:
                    client.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)
                self.assertEqual(refused.exception.response["Error"]["Code"], "ValidationError")
                self.assertIn(message, str(refused.exception))

    def test_mlflow(self):
        with self.server() as server:
            host, port = server.address.split(":")
            client = ScoringServerClient(host, int(port))
            client.wait_server_ready(timeout=10)
            client.ping()
            frame = pandas.DataFrame(self.x, columns=NAMES)[["hour", "delay", "wind"]]  # another order
            answer = client.invoke(frame).get_predictions(predictions_format="ndarray")
            self.assertEqual(numpy.ravel(answer).tolist(), self.scores(server, self.x))
            with self.assertRaisesRegex(Exception, "wnd"):
                client.invoke(frame.rename(columns={"wind": "wnd"}))

    def test_google(self):
        with self.server() as server:
            client = vertex(server)
            instances = [json_format.ParseDict(dict(zip(NAMES, row)), struct_pb2.Value()) for row in plain(self.x[:50])]
            answer = client.predict(endpoint=PARENT + "late", instances=instances)
            self.assertEqual(list(answer.predictions), self.scores(server, self.x[:50]))
            self.assertEqual(answer.model_version_id, "1")
            with self.assertRaises(google.api_core.exceptions.NotFound):
                client.predict(endpoint=PARENT + "early", instances=instances)
            with self.assertRaises(google.api_core.exceptions.BadRequest) as refused:
                client.predict(endpoint=PARENT + "late", instances=[json_format.ParseDict([1.0], struct_pb2.Value())])
            self.assertIn("has 1 values, the model reads 3", str(refused.exception))

    def scores(self, server, x):
        """What our own wire answers."""
        rows = [{name: value for name, value in zip(NAMES, row) if value is not None} for row in plain(x)]
        status, answer = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": rows})
        self.assertEqual(status, 200, answer)
        return [row["score"] for row in answer["predictions"]]

    def raw(self, server, path, body, content_type="application/json"):
        request = urllib.request.Request(server.url + path, body.encode(), {"Content-Type": content_type})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()

    def arrow(self, server, table, query=""):
        sink = pyarrow.BufferOutputStream()
        with pyarrow.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        request = urllib.request.Request(f"{server.url}/seaworthy/v1/endpoints/late/predict{query}", sink.getvalue().to_pybytes(),
                                         {"Content-Type": "application/vnd.apache.arrow.stream"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return pyarrow.ipc.open_stream(answer.read()).read_all()

    def test_our_own_wire_takes_tables(self):
        with self.server() as server:
            table = pyarrow.table({"note": ["a", "b"], "delay": pyarrow.array([1, 2], pyarrow.int32()), "wind": [0.5, None], "hour": [3.0, 4.0]})
            answer = self.arrow(server, table, "?version=1&prediction_id=mine")
            self.assertEqual(answer["id"].to_pylist(), ["mine-0", "mine-1"])
            self.assertEqual(answer["arm"].to_pylist(), ["pinned", "pinned"])
            x = numpy.array([[0.5, 3, 1], [numpy.nan, 4, 2]])
            self.assertEqual(answer["score"].to_pylist(), self.scores(server, x))
            for body, content_type in (("wind,hour\n1,2\n", "text/csv"), ("hello", "application/vnd.apache.arrow.stream")):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    self.raw(server, "/seaworthy/v1/endpoints/late/predict", body, content_type)
                self.assertEqual(refused.exception.code, 400)
                refused.exception.close()

    def test_the_same_rows_through_every_wire_have_the_same_bits(self):
        with self.server() as server:
            x, instances = self.x, plain(self.x)
            columns = {name: [row[i] for row in instances] for i, name in enumerate(NAMES)}
            named = [dict(zip(NAMES, row)) for row in instances]
            predictions = {
                "TensorFlow Serving, instances": ("/v1/models/late:predict", {"instances": named}, "predictions"),
                "KServe V1": ("/v1/models/late:predict", {"instances": instances}, "predictions"),
                "TensorFlow Serving, inputs": ("/v1/models/late/versions/1:predict", {"inputs": columns}, "outputs"),
                "TensorFlow Serving, regress": ("/v1/models/late:regress", {"examples": named}, "results"),
                "MLflow, split": ("/invocations", {"dataframe_split": {"columns": NAMES, "data": instances}}, "predictions"),
                "MLflow, records": ("/invocations", {"dataframe_records": named}, "predictions"),
                "MLflow, inputs": ("/invocations", {"inputs": columns}, "predictions"),
                "Vertex": (f"/v1/{PARENT}late:rawPredict", {"instances": named}, "predictions")}
            found = {name: json.loads(self.raw(server, path, json.dumps(body)))[key] for name, (path, body, key) in predictions.items()}
            text = csv(x)
            found["MLflow, CSV"] = json.loads(self.raw(server, "/invocations", ",".join(NAMES) + "\n" + text, "text/csv"))["predictions"]
            found["SageMaker, CSV"] = [float(line) for line in self.raw(server, "/endpoints/late/invocations", text, "text/csv").split()]
            table = pyarrow.table({name: x[:, i] for i, name in enumerate(NAMES)})
            found["ours, Arrow"] = self.arrow(server, table)["score"].to_pylist()
            ours = self.raw(server, "/seaworthy/v1/endpoints/late/predict", ",".join(NAMES) + "\n" + text, "text/csv")
            found["ours, CSV"] = [float(line.split(",")[1]) for line in ours.splitlines()[1:]]
            lines = "\n".join(json.dumps({"features": row}) for row in instances)
            lines = self.raw(server, "/endpoints/late/invocations", lines, "application/jsonlines")
            found["SageMaker, JSON lines"] = [json.loads(line)["score"] for line in lines.split()]
            with triton.InferenceServerClient(server.address) as client:
                for real in ("FP32", "FP64"):
                    matrix = triton.InferInput("input", list(x.shape), real)
                    matrix.set_data_from_numpy(x.astype({"FP32": numpy.float32, "FP64": numpy.float64}[real]))
                    found[f"Open Inference, {real}"] = client.infer("late", [matrix]).as_numpy("prediction").tolist()
            expected = self.scores(server, x)
            self.assertGreater(len(set(expected)), 400)
            for name, scores in found.items():
                self.assertEqual(scores, expected, name)

    def test_shared_paths_please_every_client(self):
        with self.server() as server:
            status, model = server.get("/v1/models/late")
            self.assertEqual((status, model["ready"], model["model_version_status"][0]["state"]), (200, True, "AVAILABLE"))
            self.assertEqual(server.get("/v1/models"), (200, {"models": ["late"]}))
            self.assertEqual(server.get("/ping"), (200, "\n"))
            self.assertEqual(server.get("/health")[0], 200)


if __name__ == "__main__":
    unittest.main()
