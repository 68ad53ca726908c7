"""What clients get wrong, through each wire: each mistake that some server answers with a prediction or with 500 is
refused here with the right status, in the wire's own form, and says what is wrong. (Measured of Triton, MLServer,
KServe's server and MLflow's: wrong names and types, reordered columns, headless CSV, empty and broken bodies,
numbers out of range, short and long data.)"""

import gzip
import json
import unittest
import urllib.error
import urllib.request

import serving
from serving import NAMES

JSON, CSV = "application/json", "text/csv"
V2, TFS, OURS = "/v2/models/late/infer", "/v1/models/late:predict", "/seaworthy/v1/endpoints/late/predict"
MLFLOW, SAGEMAKER = "/invocations", "/endpoints/late/invocations"
VERTEX = "/v1/projects/p/locations/l/endpoints/late:predict"
ROW = {"wind": 0.5, "hour": 3, "delay": -1}
HUGE = "9" * 400  # no double


def v2(inputs=None, **more):
    return json.dumps({"inputs": inputs if inputs is not None else [column(name, [0.5]) for name in NAMES], **more})


def column(name, data, datatype="FP64", shape=None):
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


def other(changed):
    """The inputs of a good row, but for one."""
    return v2([changed if changed["name"] == name else column(name, [0.5]) for name in NAMES])


def split(columns, *rows):
    return json.dumps({"dataframe_split": {"columns": columns, "data": [list(row) for row in rows]}})


# (wire, what is wrong, path, content type, body, status, what the answer says)
MISTAKES = [
    ("V2", "malformed JSON", V2, JSON, '{"inputs": [', 400, "JSON is refused at line 1"),
    ("V2", "empty body", V2, JSON, "", 400, "JSON is refused"),
    ("V2", "no inputs", V2, JSON, "{}", 400, '"inputs"'),
    ("V2", "inputs of another type", V2, JSON, '{"inputs": 3}', 400, "inputs"),
    ("V2", "no rows", V2, JSON, v2([column(name, [], shape=[0]) for name in NAMES]), 400, "no row"),
    ("V2", "wrong name", V2, JSON, v2([column("wnd", [0.5]), column("hour", [1]), column("delay", [1])]), 400, "unexpected input wnd; did you mean wind?"),
    ("V2", "extra input", V2, JSON, v2([column(name, [0.5]) for name in [*NAMES, "more"]]), 400, "unexpected input more"),
    ("V2", "missing input", V2, JSON, v2([column("wind", [0.5])]), 400, "is missing"),
    ("V2", "input twice", V2, JSON, v2([column(name, [0.5]) for name in [*NAMES, "wind"]]), 400, "wind is there twice"),
    ("V2", "wrong datatype", V2, JSON, other(column("wind", ["a"], "BYTES")), 400, "input wind is BYTES, the model reads FP64"),
    ("V2", "no such datatype", V2, JSON, other(column("wind", [1], "FLOAT")), 400, "datatype FLOAT is none"),
    ("V2", "text in data", V2, JSON, other(column("wind", ["a"])), 400, "FP64 has a value of string"),
    ("V2", "short data", V2, JSON, other(column("wind", [1], shape=[2])), 400, "has 2 values, data has 1"),
    ("V2", "long data", V2, JSON, other(column("wind", [1, 2, 3], shape=[1])), 400, "has 1 values, data has 3"),
    ("V2", "negative size", V2, JSON, other(column("wind", [1], shape=[-1])), 400, "negative size"),
    ("V2", "wrong width", V2, JSON, v2([column("input", [1, 2], shape=[1, 2])]), 400, "[rows, 3]"),
    ("V2", "1e39 into FP32", V2, JSON, other(column("wind", [1e39], "FP32")), 400, "out of FP32's range"),
    ("V2", "integer out of range", V2, JSON, other(column("wind", [300], "INT8")), 400, "out of INT8's range"),
    ("V2", "number that no double holds", V2, JSON, other(column("wind", [1])).replace("[1]}", f"[1e{HUGE}]}}"), 400, "JSON is refused"),
    ("V2", "unknown output", V2, JSON, v2(outputs=[{"name": "nothing"}]), 400, "unexpected output nothing"),
    ("V2", "unknown model", "/v2/models/early/infer", JSON, v2(), 404, "unknown model early; served are late"),
    ("V2", "unknown version", "/v2/models/late/versions/9/infer", JSON, v2(), 404, "no version 9"),
    ("V2", "version that is no number", "/v2/models/late/versions/x/infer", JSON, v2(), 400, "version x"),
    ("TF Serving", "malformed JSON", TFS, JSON, "{", 400, "JSON is refused"),
    ("TF Serving", "empty body", TFS, JSON, "", 400, "JSON is refused"),
    ("TF Serving", "neither instances nor inputs", TFS, JSON, "{}", 400, "instances or inputs"),
    ("TF Serving", "short instance", TFS, JSON, '{"instances": [[1, 2]]}', 400, "has 2 values, the model reads 3"),
    ("TF Serving", "long instance", TFS, JSON, '{"instances": [[1, 2, 3, 4]]}', 400, "has 4 values"),
    ("TF Serving", "text", TFS, JSON, '{"instances": [[1, 2, "x"]]}', 400, "delay"),
    ("TF Serving", "wrong name", TFS, JSON, json.dumps({"instances": [{**ROW, "wnd": 1}]}), 400, "unexpected input wnd"),
    ("TF Serving", "unknown model", "/v1/models/early:predict", JSON, '{"instances": [[1, 2, 3]]}', 404, "early"),
    ("TF Serving", "unknown signature", TFS, JSON, '{"signature_name": "other", "instances": [[1, 2, 3]]}', 400, "other"),
    ("MLflow", "headless CSV", MLFLOW, CSV, "0.5,3,-1\n", 400, "header"),
    ("MLflow", "malformed JSON", MLFLOW, JSON, "{", 400, "JSON is refused"),
    ("MLflow", "empty body", MLFLOW, JSON, "", 400, "JSON is refused"),
    ("MLflow", "wrong name", MLFLOW, JSON, split(["wnd", "hour", "delay"], [1, 2, 3]), 400, "wnd"),
    ("MLflow", "short row", MLFLOW, JSON, split(NAMES, [1, 2]), 400, "row 0 of data must be an array of 3 values"),
    ("MLflow", "text", MLFLOW, JSON, split(NAMES, [1, 2, "x"]), 400, "delay"),
    ("MLflow", "unsupported type", MLFLOW, "application/x-parquet", "PAR1", 415, "x-parquet"),
    ("SageMaker", "short CSV row", SAGEMAKER, CSV, "1,2", 400, "has 2 cells, expected 3"),
    ("SageMaker", "long CSV row", SAGEMAKER, CSV, "1,2,3,4", 400, "has 4 cells, expected 3"),
    ("SageMaker", "text in CSV", SAGEMAKER, CSV, "1,2,x", 400, "x"),
    ("SageMaker", "empty body", SAGEMAKER, CSV, "", 400, "no row"),
    ("SageMaker", "unsupported type", SAGEMAKER, "image/png", "x", 415, "image/png"),
    ("SageMaker", "unknown endpoint", "/endpoints/early/invocations", CSV, "1,2,3", 400, "early"),  # AWS: ValidationError
    ("Vertex", "short instance", VERTEX, JSON, '{"instances": [[1]]}', 400, "has 1 values, the model reads 3"),
    ("Vertex", "no instances", VERTEX, JSON, "{}", 400, "instances"),
    ("Vertex", "unknown endpoint", VERTEX.replace("late", "early"), JSON, '{"instances": [[1, 2, 3]]}', 404, "early"),
    ("ours", "wrong name", OURS, JSON, json.dumps({"rows": [{**ROW, "wind": 1, "wnd": 2}], "more": 1}), 400, "more"),
    ("ours", "missing column", OURS, JSON, json.dumps({"rows": [{"wind": 1, "hour": 2}]}), 400, "delay"),
    ("ours", "text", OURS, JSON, json.dumps({"rows": [{**ROW, "wind": "strong"}]}), 400, "wind"),
    ("ours", "no rows", OURS, JSON, '{"rows": []}', 400, "row"),
    ("ours", "ids of another number", OURS, JSON, json.dumps({"rows": [ROW], "ids": ["a", "b"]}), 400, "1 rows and 2 ids"),
    ("ours", "CSV without a header", OURS, CSV, "1,2,3\n", 400, "header"),
    ("ours", "broken Arrow", OURS, "application/vnd.apache.arrow.stream", "abc", 400, "request body"),
    ("ours", "unknown endpoint", OURS.replace("late", "early"), JSON, json.dumps({"rows": [ROW]}), 404, "early"),
]


def message_of(body):
    """Of each wire's own form of an error; MLflow's server says some as plain text."""
    if not body.startswith("{"):
        return body
    error = json.loads(body)
    for key in ("error", "message", "Message"):
        if key in error:
            return error[key] if isinstance(error[key], str) else error[key]["message"]
    raise AssertionError(f"an error of no known form: {body}")


class MistakesTest(serving.ServingTest):
    def send(self, server, path, content_type, body, headers=None, method="POST"):
        request = urllib.request.Request(server.url + path, body, {"Content-Type": content_type, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def test_each_is_refused(self):
        with self.server() as server:
            for wire, what, path, content_type, body, status, says in MISTAKES:
                with self.subTest(wire=wire, what=what):
                    answered, text = self.send(server, path, content_type, body.encode())
                    self.assertEqual(answered, status, text)
                    self.assertIn(says, message_of(text))

    def test_of_every_wire(self):
        """What HTTP says of any body, before the wire looks at it."""
        good = {V2: v2(), TFS: '{"instances": [[1, 2, 3]]}', MLFLOW: split(NAMES, [1, 2, 3]), SAGEMAKER: json.dumps({"instances": [{"features": [1, 2, 3]}]}),
                VERTEX: '{"instances": [[1, 2, 3]]}', OURS: json.dumps({"rows": [ROW]})}
        with self.server("--body-bytes-max", "64KiB") as server:
            for path, body in good.items():
                with self.subTest(path=path):
                    packed = gzip.compress(body.encode())
                    self.assertEqual(self.send(server, path, JSON, body.encode())[0], 200)
                    self.assertEqual(self.send(server, path, JSON, packed, {"Content-Encoding": "gzip"})[0], 200)
                    for broken in (packed[:-5], packed[:20] + b"\xff\xff" + packed[22:], b"", packed + b"more"):
                        status, text = self.send(server, path, JSON, broken, {"Content-Encoding": "gzip"})
                        self.assertEqual(status, 400, text)
                        message_of(text)
                    bomb = gzip.compress(b" " * 10_000_000)
                    self.assertEqual(self.send(server, path, JSON, bomb, {"Content-Encoding": "gzip"})[0], 413)
                    self.assertEqual(self.send(server, path, JSON, b" " * 100_000)[0], 413)
                    self.assertEqual(self.send(server, path, JSON, body.encode(), {"Content-Encoding": "br"})[0], 415)
                    self.assertEqual(self.send(server, path, JSON, None, method="DELETE")[0], 405)

    def test_columns_in_another_order_are_found_by_name(self):
        with self.server() as server:
            expected = [row["score"] for row in server.post(OURS, {"rows": [ROW]})[1]["predictions"]]
            back = list(reversed(NAMES))
            values = [ROW[name] for name in back]
            answers = {
                V2: (JSON, v2([column(name, [ROW[name]]) for name in back])), TFS: (JSON, json.dumps({"instances": [dict(zip(back, values))]})),
                MLFLOW: (JSON, split(back, values)), OURS: (CSV, ",".join(back) + "\n" + ",".join(map(str, values)) + "\n")}
            for path, (content_type, body) in answers.items():
                status, text = self.send(server, path, content_type, body.encode(), {"Accept": JSON})
                self.assertEqual(status, 200, text)
                self.assertIn(json.dumps(expected[0]), text, path)


if __name__ == "__main__":
    unittest.main()
