"""The Open Inference Protocol V2 by Triton's own client, unmodified."""

import unittest

import numpy
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

import serving
from serving import NAMES


def columns(x, datatype="FP64", binary=True):
    real = {"FP64": numpy.float64, "FP32": numpy.float32}[datatype]
    inputs = []
    for i, name in enumerate(NAMES):
        inputs.append(triton.InferInput(name, [len(x)], datatype))
        inputs[-1].set_data_from_numpy(x[:, i].astype(real), binary_data=binary)
    return inputs


class OpenInferenceTest(serving.ServingTest):
    def assert_refused(self, client, message, inputs, model="late", **more):
        with self.assertRaises(InferenceServerException) as refused:
            client.infer(model, inputs, **more)
        self.assertIn(message, str(refused.exception))
        return refused.exception

    def test_tritonclient(self):
        with self.server() as server, triton.InferenceServerClient(server.address) as client:
            self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready("late"))
            self.assertTrue(client.is_model_ready("late", "1"))
            self.assertFalse(client.is_model_ready("late", "2"))
            self.assertEqual(client.get_server_metadata()["name"], "seaworthy")
            metadata = client.get_model_metadata("late")
            self.assertEqual([each["name"] for each in metadata["inputs"]], NAMES)
            self.assertEqual(client.get_model_config("late")["input"][0]["data_type"], "TYPE_FP64")
            self.assertEqual(client.get_model_repository_index()[0]["state"], "READY")
            self.check_scores(client)
            self.check_management(client)
            self.check_outputs(client)
            self.check_refusals(client)

    def check_scores(self, client):
        x = serving.rows(1000)
        expected = self.expected(x)
        for datatype in ("FP64", "FP32"):
            for binary_in in (True, False):
                for binary_out in (True, False):
                    part = slice(None) if binary_in else ~numpy.isnan(x).any(axis=1)  # its JSON has no missing value
                    wanted = [triton.InferRequestedOutput("prediction", binary_data=binary_out)]
                    result = client.infer("late", columns(x[part], datatype, binary_in), outputs=wanted)
                    self.assertLessEqual(self.ulps(result.as_numpy("prediction"), expected[part]), 2, (datatype, binary_in))
        alone = [client.infer("late", columns(x[i:i + 1])).as_numpy("prediction")[0] for i in range(20)]
        whole = client.infer("late", columns(x[:20])).as_numpy("prediction")
        self.assertEqual(alone, whole.tolist())
        for how in ("gzip", "deflate"):
            wanted = [triton.InferRequestedOutput("prediction", binary_data=False)]
            result = client.infer("late", columns(x), outputs=wanted, request_compression_algorithm=how,
                                  response_compression_algorithm=how)
            self.assertLessEqual(self.ulps(result.as_numpy("prediction"), expected), 2, how)
        matrix = triton.InferInput("input-0", [len(x), len(NAMES)], "FP32")
        matrix.set_data_from_numpy(x.astype(numpy.float32))
        self.assertLessEqual(self.ulps(client.infer("late", [matrix]).as_numpy("prediction"), expected), 2)

    def ulps(self, ours, theirs):
        distance = numpy.abs(ours.view(numpy.int64) - numpy.ascontiguousarray(theirs).view(numpy.int64))
        return int(distance.max())

    def check_outputs(self, client):
        x = serving.rows(5)
        names = ["prediction", "decision", "version", "prediction_id"]
        result = client.infer("late", columns(x), request_id="mine", model_version="1",
                              outputs=[triton.InferRequestedOutput(name) for name in names])
        self.assertEqual(result.get_response()["id"], "mine")
        self.assertEqual(result.get_response()["model_version"], "1")
        self.assertEqual(result.as_numpy("decision").tolist(), (result.as_numpy("prediction") >= 0.5).tolist())
        self.assertEqual(result.as_numpy("version").tolist(), [1] * 5)
        self.assertEqual(len(set(result.as_numpy("prediction_id").tolist())), 5)

    def check_management(self, client):
        before = client.get_inference_statistics("late")["model_stats"][0]
        client.infer("late", columns(serving.rows(5)))
        with self.assertRaises(InferenceServerException):
            client.infer("late", columns(serving.rows(5))[:2], model_version="1")
        for statistics in (client.get_inference_statistics(), client.get_inference_statistics("late", "1")):
            after = statistics["model_stats"][0]
            self.assertEqual((after["name"], after["version"]), ("late", "1"))
            self.assertEqual(after["inference_count"] - before["inference_count"], 5)
            self.assertEqual(after["execution_count"] - before["execution_count"], 1)
            self.assertGreater(after["inference_stats"]["compute_infer"]["ns"], before["inference_stats"]["compute_infer"]["ns"])
        self.assertEqual(client.get_trace_settings()["trace_level"], ["OFF"])
        self.assertEqual(client.update_trace_settings("late", {"trace_level": ["OFF"]})["trace_level"], ["OFF"])
        self.assertFalse(client.get_log_settings()["log_info"])  # --log-level warning
        client.load_model("late")
        for refused, message in ((lambda: client.update_trace_settings(settings={"trace_level": ["TIMESTAMPS"]}), "no traces are written"),
                                 (lambda: client.update_log_settings({"log_info": True}), "the setting log_level says"),
                                 (lambda: client.load_model("late", config="{}"), "register a version, and roll it out"),
                                 (lambda: client.load_model("early"), "unknown model early"),
                                 (lambda: client.unload_model("late"), "apply one without it")):
            with self.assertRaises(InferenceServerException) as error:
                refused()
            self.assertIn(message, str(error.exception))

    def check_refusals(self, client):
        x = serving.rows(3)
        good = columns(x)
        self.assert_refused(client, "unknown model early", good, model="early")
        self.assert_refused(client, "has no version 7", good, model_version="7")
        self.assert_refused(client, "input delay is missing", good[:2])
        self.assert_refused(client, "input wind is there twice", [*good, good[0]])
        self.assert_refused(client, "unexpected output score", good, outputs=[triton.InferRequestedOutput("score")])
        text = triton.InferInput("wind", [3], "BYTES")
        text.set_data_from_numpy(numpy.array(["a", "b", "c"], dtype=object))
        self.assert_refused(client, "input wind is BYTES, the model reads FP64", [text, *good[1:]])
        wide = triton.InferInput("input", [3, 2], "FP64")
        wide.set_data_from_numpy(x[:, :2])
        self.assert_refused(client, "expected [rows, 3]", [wide])
        self.assertEqual(client.infer("late", good).as_numpy("prediction").shape, (3,))  # and goes on

    def test_methods_and_paths_that_there_are_not(self):
        with self.server() as server:
            for method, path, status in (("GET", "/v2/models/late/infer", 405), ("POST", "/v2/health/live", 405),
                                         ("GET", "/v2/models/none", 404), ("GET", "/v2/nothing", 404)):
                self.assertEqual(server.request(method, path)[0], status, path)
            status, answer = server.post("/v2/models/late/infer", {"inputs": []})
            self.assertEqual((status, list(answer)), (400, ["error"]))


if __name__ == "__main__":
    unittest.main()
