"""Feast's rows over SIGKILL: what a push acknowledged is there, and a materialization that was cut off can be made again."""

import datetime
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest
import urllib.error

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import repository  # noqa: E402
from harness import ENVIRONMENT, EndToEnd, Server  # noqa: E402
from online_test import call  # noqa: E402

ROUNDS, WRITERS = 6, 3


class KillTest(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.applied = pathlib.Path(tempfile.mkdtemp(prefix="sw-feast-"))
        repository.apply(cls.applied, ENVIRONMENT)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.applied)

    def setUp(self):
        super().setUp()
        self.repo = self.folder / "repo"
        shutil.copytree(self.applied, self.repo)

    def serve(self):
        return Server(self.data, "--feast-repo", self.repo)

    def levels(self, address, ids):
        status, answer = call(address, "/get-online-features", {"features": ["fresh:level"], "entities": {"driver_id": ids}})
        self.assertEqual(status, 200, answer)
        return dict(zip(ids, answer["results"][1]["values"]))

    def test_what_a_push_acknowledged_is_there(self):
        acknowledged = {}
        for number in range(ROUNDS):
            with self.serve() as server:
                if acknowledged:
                    self.assert_kept(server.address, acknowledged)
                writers = [threading.Thread(target=self.push_until_refused, args=(server.address, writer, number, acknowledged)) for writer in range(WRITERS)]
                for writer in writers:
                    writer.start()
                time.sleep(random.Random(number).uniform(0.3, 1.0))
                server.stop(signal.SIGKILL)
                for writer in writers:
                    writer.join()
        with self.serve() as server:
            self.assert_kept(server.address, acknowledged)
        self.assertGreater(len(acknowledged), 30)

    def assert_kept(self, address, acknowledged):
        found = self.levels(address, list(acknowledged))
        lost = {key: (level, found[key]) for key, level in acknowledged.items() if found[key] is None or found[key] < level}
        self.assertEqual(lost, {})

    def push_until_refused(self, address, writer, number, acknowledged):
        """Its own drivers, several times each, so that rows are written over too."""
        for level in range(number * 100_000, (number + 1) * 100_000):
            driver = writer * 1_000_000 + level % 17 + number
            stamp = (repository.NOW + datetime.timedelta(milliseconds=level)).isoformat()
            try:
                status, _ = call(address, "/push", {"push_source_name": "pushed_fresh", "to": "online", "df": {
                    "driver_id": [driver], "event_timestamp": [stamp], "level": [level], "word": ["x"]}}, timeout=10)
            except (OSError, urllib.error.URLError):
                return
            if status == 200:
                acknowledged[driver] = level

    def test_a_materialization_that_was_cut_off_can_be_made_again(self):
        body = {"start_ts": "2020-01-01T00:00:00", "end_ts": (repository.NOW + datetime.timedelta(days=1)).isoformat()}
        for number in range(3):
            with self.serve() as server:
                # The registry says that the view is being materialized, and Feast's own server believes it too: force.
                status, _ = call(server.address, f"/materialize?async=true&force={str(number > 0).lower()}", body)
                self.assertEqual(status, 202)
                time.sleep(0.01 * number)
                server.stop(signal.SIGKILL)
        with self.serve() as server:
            self.assertEqual(call(server.address, "/materialize?force=true", body)[0], 200)
            ids = list(range(1000, 1060))
            status, answer = call(server.address, "/get-online-features", {"features": ["stats:trips"], "entities": {"driver_id": ids}})
            self.assertEqual((status, answer["results"][1]["values"]), (200, [2**53 + i for i in range(60)]))


if __name__ == "__main__":
    unittest.main()
