"""Our own gRPC, by stubs that are generated from the file which the server gives out."""

import json
import os
import pathlib
import subprocess
import unittest

import numpy
import pyarrow
import pyarrow.ipc

import serving
from serving import NAMES

PYTHON = pathlib.Path(os.environ["SW_SOURCE_DIR"]) / ".deps" / "venv-clients" / "bin" / "python"
CLIENT = pathlib.Path(__file__).parent / "clients" / "seaworthy_proto.py"


def stream_of(x):
    table = pyarrow.table({name: x[:, i] for i, name in enumerate(NAMES)})
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


class NativeGrpcTest(serving.ServingTest):
    def test_generated_stubs(self):
        x = serving.rows(1000)
        stdin = json.dumps({"names": NAMES, "rows": x.tolist(), "arrow": stream_of(x).hex()})
        with self.server() as server:
            done = subprocess.run([PYTHON, "-W", "ignore", CLIENT, server.address, self.folder], input=stdin, capture_output=True, text=True,
                                  timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            seen = json.loads(done.stdout.splitlines()[-1])
            rows = [{name: None if numpy.isnan(value) else value for name, value in zip(NAMES, row)} for row in x.tolist()]
            status, answer = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": rows})
            self.assertEqual(status, 200, answer)
            expected = [row["score"] for row in answer["predictions"]]
            self.assertEqual(seen["scores"], expected)
            self.assertEqual(seen["decisions"], [row["decision"] for row in answer["predictions"]])
            self.assertEqual((seen["arms"], seen["pinned"]), (["live"], "pinned"))
            self.assertEqual(seen["extra"], expected[1])
            table = pyarrow.ipc.open_stream(bytes.fromhex(seen["arrow"])).read_all()
            self.assertEqual(table["score"].to_pylist(), expected)
            answers = [[str(i), score] for i, score in enumerate(expected[:50])]
            self.assertEqual(seen["stream"], [*answers[:1], ["refused", "NOT_FOUND"], *answers[1:]])
            self.assertEqual(seen["labels"], [[10, False, 0, []], [0, True, 0, []], [10, False, 1, ["unknown"]]])
            self.check_refusals(seen["refusals"], server)

    def check_refusals(self, seen, server):
        """In the words that JSON over HTTP is refused with."""
        for what, code, row in (("missing", "INVALID_ARGUMENT", {"hour": 1.0, "delay": 2.0}), ("type", "INVALID_ARGUMENT", {"wind": "a"})):
            _, refused = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": [row]})
            self.assertEqual(seen[what], [code, refused["error"]["message"]])
        self.assertEqual(seen["endpoint"][0], "NOT_FOUND")
        self.assertEqual(seen["label"][0], "INVALID_ARGUMENT")
        self.assertIn("expected 0 or 1", seen["label"][1])


if __name__ == "__main__":
    unittest.main()
