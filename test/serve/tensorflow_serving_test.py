"""TensorFlow Serving over gRPC by its own client, unmodified: the stubs of tensorflow-serving-api, with TensorFlow
to make the tensors, in .deps/venv-tf."""

import json
import os
import pathlib
import subprocess
import unittest

import grpc
import numpy
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import serving
from serving import NAMES

PYTHON = pathlib.Path(os.environ["SW_SOURCE_DIR"]) / ".deps" / "venv-tf" / "bin" / "python"
CLIENT = pathlib.Path(__file__).parent / "clients" / "tensorflow_serving_api.py"


def floats(scores):
    return numpy.array(scores).astype(numpy.float32).astype(float).tolist()


class TensorflowServingTest(serving.ServingTest):
    def ask(self, server, rows, fine):
        done = subprocess.run([PYTHON, "-W", "ignore", CLIENT, server.address], input=json.dumps({"names": NAMES, "rows": rows, "fine": fine}),
                              capture_output=True, text=True, timeout=280, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def scores(self, server, rows):
        """The same rows over REST, which must have the bits of our own JSON."""
        rows = [[None if numpy.isnan(value) else value for value in row] for row in rows]
        status, own = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": [dict(zip(NAMES, row)) for row in rows]})
        self.assertEqual(status, 200, own)
        status, rest = server.post("/v1/models/late:predict", {"instances": rows})
        self.assertEqual(status, 200, rest)
        self.assertEqual([row["score"] for row in own["predictions"]], rest["predictions"])
        return rest["predictions"]

    def test_tensorflows_client(self):
        rows = serving.rows(1000).tolist()
        wind, rounded = self.turning_point()  # a value that a float does not hold, and the float beside it
        with self.server() as server:
            seen, expected = self.ask(server, rows, [wind, 3, -1]), self.scores(server, rows)
            self.assertEqual(seen["fine"], self.scores(server, [[wind, 3, -1], [rounded, 3, -1]]))
            self.check_predictions(seen["predictions"], expected)
            self.check_examples(seen["examples"], expected)
            self.check_refusals(seen["refusals"])
            self.assertEqual((seen["inputs"], seen["outputs"]), (dict.fromkeys(NAMES, "float64"), ["prediction"]))
            self.assertEqual(seen["states"], [[1, 30, 0]])  # AVAILABLE and OK
            with grpc.insecure_channel(server.address) as channel:
                self.check_like_theirs(ProtoReflectionDescriptorDatabase(channel), seen["messages"], seen["enums"])

    def check_predictions(self, seen, expected):
        for wire in ("float64", "float32", "matrix"):
            self.assertEqual(seen[wire], expected, wire)
        self.assertEqual(seen["one value"], expected[:1] * 5)
        self.assertEqual(seen["five values"], expected[:1] * 5)
        self.assertEqual(seen["outputs"]["version"], ["1", "1"])
        self.assertEqual(seen["outputs"]["decision"], [str(score >= 0.5) for score in expected[:2]])
        self.assertEqual((len(set(seen["outputs"]["prediction_id"])), seen["version"]), (2, 1))

    def check_examples(self, seen, expected):
        self.assertEqual(seen["regress"], floats(expected))
        self.assertEqual(seen["multi regress"], floats(expected))
        self.assertEqual(seen["multi classify"], [[["0", no], ["1", yes]] for no, yes in
                                                  zip(floats([1 - score for score in expected]), floats(expected))])
        self.assertEqual(seen["shared classify"][0], floats(expected)[0])

    def check_refusals(self, seen):
        for what, code, message in (("missing", "INVALID_ARGUMENT", "input delay is missing"),
                                    ("unexpected", "INVALID_ARGUMENT", "unexpected input wnd; did you mean wind?"),
                                    ("type", "INVALID_ARGUMENT", "input wind is BYTES, the model reads FP64"),
                                    ("shape", "INVALID_ARGUMENT", "input wind has the shape [1, 2]; expected [rows]"),
                                    ("rows", "INVALID_ARGUMENT", "rows, others have"),
                                    ("size", "RESOURCE_EXHAUSTED", "splat_values_max"),
                                    ("model", "NOT_FOUND", "unknown model early"),
                                    ("label", "NOT_FOUND", "model late has no arm canary"),
                                    ("signature", "INVALID_ARGUMENT", "signature_name other: there is only serving_default"),
                                    ("output", "INVALID_ARGUMENT", "unexpected output nothing"),
                                    ("reload", "UNIMPLEMENTED", "apply a seaworthy.toml")):
            self.assertEqual(seen[what][0], code, (what, seen[what]))
            self.assertIn(message, seen[what][1])

    def check_like_theirs(self, database, messages, enums):
        """Each message of ours, field by field, as tensorflow-serving-api has it."""
        self.assertLess({"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService"}, set(database.get_services()))
        ours = DescriptorPool(database)
        waiting = [ours.FindMessageTypeByName("tensorflow.serving.SignatureDefMap")]
        for service in ("PredictionService", "ModelService"):
            for method in ours.FindServiceByName("tensorflow.serving." + service).methods:
                waiting += [method.input_type, method.output_type]
        seen = set()
        while waiting:
            message = waiting.pop()
            if message.full_name in seen:
                continue
            seen.add(message.full_name)
            for field in message.fields:
                self.assertEqual([field.name, field.type, field.is_repeated], messages[message.full_name][str(field.number)], message.full_name)
                if field.message_type:
                    waiting.append(field.message_type)
        self.assertGreater(len(seen), 40)
        for name, theirs in enums.items():
            values = {value: each.number for value, each in ours.FindEnumTypeByName(name).values_by_name.items()}
            self.assertGreaterEqual(theirs.items(), values.items())
            self.assertGreater(len(values), 5)


if __name__ == "__main__":
    unittest.main()
