"""Open Inference clients of .deps/venv-clients, unmodified: Triton's asyncio client, KServe's SDK and MLServer's
command line. Each runs in a process of its own: some of them cannot share one."""

import json
import os
import pathlib
import subprocess
import unittest

import serving
from serving import NAMES

CLIENTS = pathlib.Path(os.environ["SW_SOURCE_DIR"]) / ".deps" / "venv-clients" / "bin"


class ClientsTest(serving.ServingTest):
    def setUp(self):
        super().setUp()
        self.x = serving.rows(20)[[i for i in range(20) if i % 7]]  # JSON of these clients has no missing value

    def run_client(self, *command, stdin=""):
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_script(self, name, server):
        script = pathlib.Path(__file__).parent / "clients" / name
        stdin = json.dumps({"names": NAMES, "rows": self.x.tolist()})
        return json.loads(self.run_client(CLIENTS / "python", "-W", "ignore", script, server.address, stdin=stdin).splitlines()[-1])

    def scores(self, server):
        status, answer = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": [dict(zip(NAMES, row)) for row in self.x.tolist()]})
        self.assertEqual(status, 200, answer)
        return [row["score"] for row in answer["predictions"]]

    def test_tritons_asyncio_client(self):
        with self.server() as server:
            seen, expected = self.run_script("triton_asyncio.py", server), self.scores(server)
            self.assertEqual((seen["live"], seen["ready"], seen["server"]), (True, [True, True, False], "seaworthy"))
            self.assertEqual((seen["inputs"], seen["index"]), (NAMES, ["late"]))
            self.assertEqual([seen["binary True"], seen["binary False"], seen["at once"]], [expected] * 3)
            self.assertEqual(seen["refused"], ["400", "input delay is missing"])

    def test_kserves_sdk(self):
        with self.server() as server:
            seen, expected = self.run_script("kserve_sdk.py", server), self.scores(server)
            self.assertEqual([seen["v1 live"], seen["v1 ready"], seen["v2 live"], seen["v2 ready"]], [True, True, [True, True], [True, False]])
            self.assertEqual([seen["v1"], seen["v2 binary True"], seen["v2 binary False"]], [expected] * 3)
            for what, status, message in (("v1 refused", 400, "has 2 values, the model reads 3"), ("v1 unknown", 404, "unknown model early"),
                                          ("v1 explain", 501, "explain"), ("v2 refused", 400, "input delay is missing")):
                self.assertEqual(seen[what][0], status, seen[what])
                self.assertIn(message, seen[what][1])

    def test_mlservers_command_line(self):
        lines = [{"id": str(i), "inputs": [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in zip(NAMES, row)]}
                 for i, row in enumerate(self.x.tolist())]
        lines.append({"id": "short", "inputs": lines[0]["inputs"][:2]})
        source = self.write("requests.json", "".join(json.dumps(line) + "\n" for line in lines))
        answers = self.folder / "answers.json"
        with self.server() as server:
            self.run_client(CLIENTS / "mlserver", "infer", "-u", server.address, "-m", "late", "-i", source, "-o", answers, "--workers", "2")
            found = {}
            for line in answers.read_text().splitlines():
                answer = json.loads(line)
                found[answer["parameters"]["batch_index"]] = answer
            scores = self.scores(server)
            self.assertEqual([found[i]["outputs"][0]["data"][0] for i in range(len(scores))], scores)
            self.assertIn("input delay is missing", found[len(scores)]["error"]["msg"])


if __name__ == "__main__":
    unittest.main()
