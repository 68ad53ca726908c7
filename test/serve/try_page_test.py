"""The page to try an endpoint, in a browser: it draws a form from the endpoint's own document, and predicts."""

import json
import re
import subprocess
import unittest

import serving
from serving import NAMES


class TryPageTest(serving.ServingTest):
    def dom(self, url):
        """The page's elements once its script has run."""
        done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.folder}/browser",
                               "--virtual-time-budget=5000", "--dump-dom", url], capture_output=True, text=True, timeout=120, check=True)
        return done.stdout

    def test_it_draws_a_form_and_predicts(self):
        with self.server() as server:
            page = f"{server.url}/seaworthy/v1/endpoints/late/try"
            dom = self.dom(page)
            for name in NAMES:
                self.assertIn(f'id="in-{name}"', dom)
            self.assertIn("version 1", dom)
            curl = re.search(r"-d '(\{.*\})'", dom)
            status, answer = server.post("/seaworthy/v1/endpoints/late/predict", json.loads(curl.group(1)))
            self.assertEqual(status, 200, answer)
            self.assertIn("unknown model none", self.dom(f"{server.url}/seaworthy/v1/endpoints/none/try"))

    def test_the_document_is_one(self):
        with self.server() as server:
            document = server.get("/seaworthy/v1/endpoints/late/openapi.json")[1]
            self.assertEqual(document["openapi"], "3.1.0")
            row = document["components"]["schemas"]["Row"]
            self.assertEqual(row["required"], NAMES)
            for path in document["paths"]:
                self.assertNotEqual(server.post(path, {})[0], 404, path)


if __name__ == "__main__":
    unittest.main()
