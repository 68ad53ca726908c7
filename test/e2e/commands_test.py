"""Commands on a data folder and on a server: help, exit codes, listings, bad input."""

import json
import os
import pathlib
import re
import subprocess
import unittest

from harness import EndToEnd, Server, run

TOML = """\
[source.visits]
event_time = "at"
table = "visits.parquet"
types = { at = "timestamp", user = "string", seconds = "float64" }
[entity.user]
keys = { user = "string" }
[view.of_user]
entity = "user"
source = "visits"
[view.of_user.features]
count_1h = { agg = "count(seconds)", window = "1h" }
[service.visits]
features = ["of_user.*"]
"""

LISTINGS = [("features", "sources"), ("features", "services"), ("log", "streams"), ("models", "list"), ("runs", "list"),
            ("keys", "list"), ("rollout", "status"), ("incidents",), ("timeline",), ("endpoints", "list"), ("jobs",),
            ("clock",), ("doctor",)]


def commands(*path):
    """Names of the sub-commands that --help lists."""
    text = run(*path, "--help").out
    part = text.partition("Subcommands:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  ([a-z-]+) ", part, re.MULTILINE)


class CommandsTest(EndToEnd):
    def test_every_command_has_help_and_a_wrong_flag_is_told(self):
        names = commands()
        for wanted in ("serve apply train eval register rollout features monitor incidents predict runs models doctor "
                       "completion keys log").split():
            self.assertIn(wanted, names)
        self.assertNotIn("train-worker", names)
        for name in names:
            self.assert_done(run(name, "--help"))
            for below in commands(name):
                self.assert_done(run(name, below, "--help"))
                self.assert_done(run(name, below, "--no-such-flag"), 2)
        self.assert_done(run("no-such-command"), 2)
        self.assertIn("11  the verdict is undecided", run("--help").out)

    def test_listings_are_tables_for_people_and_json_for_programs(self):
        for words in LISTINGS:
            done = self.assert_done(run(*words, "--data", self.data, "--json"))
            json.loads(done.out)
            self.assert_done(run(*words, "--data", self.data))
        self.assertEqual(run("models", "list", "--data", self.data).out, "(none)\n")

    def test_a_server_and_a_folder_give_the_same_answers(self):
        self.write("seaworthy.toml", TOML)
        self.assert_done(run("apply", self.folder / "seaworthy.toml", "--data", self.data))
        local = run("features", "services", "--data", self.data, "--json").out
        with Server(self.data) as server:
            self.assertEqual(server.cli("features", "services", "--json").out, local)

    def test_where_to_talk_to_must_be_said(self):
        done = self.assert_done(run("models", "list"), 3)
        self.assertIn("--server", done.err)
        self.assert_done(run("models", "list", "--server", "http://127.0.0.1:1"), 7)
        self.assert_done(run("models", "list", env={"SEAWORTHY_DATA": str(self.data)}))

    def test_malformed_toml_names_file_line_key_and_what_was_expected(self):
        cases = [
            ("[source.visits\n", r"bad.toml:1:\d+: at \[source.visits: .*expected.*"),
            ("[source.visits]\nevent_time = at\n", r"bad.toml:2:\d+: at event_time: .*"),
            ("a = 1\n", r"bad.toml:1: a: .*"),
            (TOML.replace('"1h"', '"1 hour"'), r"bad.toml:11: view.of_user.features.count_1h.window: expected a duration.*"),
            (TOML.replace("window =", "windw ="), r"bad.toml:11: view.of_user.features.count_1h.windw: .*window.*"),
            (TOML.replace('source = "visits"', 'source = "visit"'), r"bad.toml:9: view.of_user.source: .*visits.*"),
            (TOML.replace("count(seconds)", "cuont(seconds)"), r"bad.toml:11: view.of_user.features.count_1h.agg: .*"),
            (TOML.replace("event_time", "event_tme"), r"bad.toml:\d+: source.visits.*event_time.*"),
            (TOML + "[monitr.x]\n", r"bad.toml:14: monitr: .*monitor.*"),
        ]
        for text, message in cases:
            self.write("bad.toml", text)
            done = self.assert_done(run("apply", self.folder / "bad.toml", "--data", self.data), 3)
            self.assertRegex(done.err, message)
        self.assertEqual(json.loads(run("doctor", "--data", self.data, "--json").out)["facts"]["configuration"], 0)

    def test_apply_shows_a_plan_and_applies_once(self):
        path = self.write("seaworthy.toml", TOML)
        done = self.assert_done(run("apply", path, "--plan", "--data", self.data))
        self.assertIn("+ source.visits\n", done.out)
        self.assertIn("nothing was applied; version 0 is in force", done.out)
        self.assertIn("applied as version 1", run("apply", path, "--data", self.data).out)
        self.assertIn("nothing to change; version 1", run("apply", path, "--data", self.data).out)
        self.write("seaworthy.toml", TOML.replace('"1h"', '"2h"'))
        done = run("apply", path, "--data", self.data)
        self.assertIn("~ view.of_user\n    features.count_1h.window: 1h -> 2h\n", done.out)
        self.assertIn("! service.visits gives other values than before", done.out)
        self.assertIn("applied as version 2", done.out)

    def test_a_truncated_parquet_file_is_named(self):
        import pyarrow
        import pyarrow.parquet
        table = pyarrow.table({"at": ["2013-06-01T11:00:00Z"] * 1000, "user": [f"u{i}" for i in range(1000)],
                               "seconds": [1.0] * 1000})
        whole = self.folder / "visits.parquet"
        pyarrow.parquet.write_table(table, whole)
        bytes_ = whole.read_bytes()
        self.assert_done(run("apply", self.write("seaworthy.toml", TOML), "--data", self.data))
        for size in (0, 3, len(bytes_) // 2, len(bytes_) - 1):
            whole.write_bytes(bytes_[:size])
            done = self.assert_done(run("features", "load", "visits", "--tables", self.folder, "--data", self.data), 3)
            self.assertIn("visits.parquet", done.err)
        whole.unlink()
        done = run("features", "load", "visits", "--tables", self.folder, "--data", self.data)
        self.assertIn(done.code, (3, 4))
        self.assertIn("visits.parquet", done.err)

    def test_rows_are_pushed_and_read(self):
        self.assert_done(run("apply", self.write("seaworthy.toml", TOML), "--data", self.data))
        table = self.write("rows.csv", "at,user,seconds\n2013-06-01T11:30:00Z,ann,4\n2013-06-01T11:40:00Z,ann,6\n")
        pushed = self.assert_done(run("features", "push", "visits", table, "--data", self.data, "--json"))
        self.assertEqual(json.loads(pushed.out), {"rows": 2, "repeated": 0})
        again = run("features", "push", "visits", table, "--data", self.data, "--json")
        self.assertEqual(json.loads(again.out), {"rows": 0, "repeated": 2})
        read = run("features", "get", "visits", "user=ann", "--time", "2013-06-01T12:00:00Z", "--data", self.data, "--json")
        self.assertEqual(json.loads(read.out)["features"], [{"of_user.count_1h": 2}])
        states = run("features", "get", "visits", "user=ann", "--time", "2013-06-01T12:00:00Z", "--states", "--data", self.data).out
        self.assertRegex(states, r"of_user.count_1h +2 +present +2013-06-01T11:40:00Z")
        log = run("log", "read", "source/visits", "--data", self.data).out.splitlines()
        self.assertEqual([json.loads(line)["user"] for line in log], ["ann", "ann"])

    def test_bad_rows_name_column_and_near_misses(self):
        self.assert_done(run("apply", self.write("seaworthy.toml", TOML), "--data", self.data))
        for text, message in (("at,usr,seconds\n2013-06-01T11:30:00Z,ann,4\n", "user"),
                              ("at,user,seconds\nyesterday,ann,4\n", "at"),
                              ("at,user,seconds\n2013-06-01T11:30:00Z,ann,many\n", "seconds"),
                              ("at,user,seconds\n", "rows.csv")):
            table = self.write("rows.csv", text)
            done = run("features", "push", "visits", table, "--data", self.data)
            self.assertIn(done.code, (3, 4), text)
            self.assertIn(message, done.err)

    def test_apply_checks_the_tables_that_are_there(self):
        path = self.write("seaworthy.toml", TOML.replace("visits.parquet", "visits.csv"))
        apply = ("apply", path, "--plan", "--data", self.data, "--tables", self.folder)
        self.assertIn("warning: ", self.assert_done(run(*apply)).out)
        self.write("visits.csv", "at,usr,seconds\n2013-06-01T11:30:00Z,ann,4\n")
        done = self.assert_done(run(*apply), 4)
        self.assertRegex(done.err, r"seaworthy.toml:\d+: source.visits.table: .*user.*visits.*usr")
        self.write("visits.csv", "at,user,seconds\n2013-06-01T11:30:00Z,ann,4\n")
        self.assertNotIn("warning", self.assert_done(run(*apply)).out)

    def test_mistakes_of_the_first_hour_are_answered_with_what_to_do(self):
        example = pathlib.Path(os.environ.get("SW_SOURCE_DIR", ".")) / "examples/weather/seaworthy.toml"
        self.assert_done(run("apply", example, "--data", self.data))
        for words, code, message in (
                (("train", "rian"), 4, "no recipe rian; did you mean rain?"),
                (("train", "snow"), 4, "no recipe snow; there are rain, "),
                (("train", "rain"), 5, "has no rows yet; load its table (seaworthy features load days)"),
                (("eval", "snow", "rain/1"), 4, "no gate snow; there are rain"),
                (("features", "audit", "rain"), 4, "endpoint rain served nothing yet"),
                (("incidents", "--state", "opn"), 3, "expected open or closed, found opn")):
            self.assertIn(message, self.assert_done(run(*words, "--data", self.data), code).err)
        self.write("seattle-weather.csv", "date,precipitation,temp_max,temp_min,wind,weather\n"
                   "2012/01/01,0,12.8,5.0,4.7,drizzle\n2012/01/02,10.9,10.6,2.8,4.5,rain\n")
        self.assert_done(run("features", "load", "days", "--tables", self.folder, "--data", self.data))
        train = ("train", "rain_constant", "--data", self.data)
        self.assertIn("extra.sky: line 1, column 1: ", self.assert_done(run(*train, "--extra", "sky=wether"), 3).err)
        self.assertIn("none is left to train on", self.assert_done(run(*train, "--held-out", "99999d"), 3).err)
        self.assertIn("version        1\n", self.assert_done(run(*train, "--register", "rain")).out)
        self.assertRegex(run("models", "list", "--data", self.data).out, r"\nrain +1 ")
        self.assertIn("(--against rain/1)", self.assert_done(run("eval", "rain", "rain/1", "--data", self.data), 5).err)

    def test_doctor_explains_where_settings_come_from(self):
        config = self.write("server.toml", "[server]\nloops = 3\n")
        report = json.loads(run("doctor", "--data", self.data, "--config", config, "--json",
                                env={"SEAWORTHY_CLOCK": "manual", "SEAWORTHY_KEY": "secret"}).out)
        settings = {setting["name"]: setting for setting in report["settings"]}
        self.assertEqual(settings["data"]["origin"], "--data")
        self.assertEqual(settings["clock"]["origin"], "SEAWORTHY_CLOCK")
        self.assertEqual(settings["loops"]["origin"], f"{config}:2: server.loops")
        self.assertEqual(settings["workers"]["origin"], "default")
        self.assertNotIn("secret", json.dumps(report))

    def test_doctor_finds_what_is_wrong(self):
        self.assert_done(run("apply", self.write("seaworthy.toml", TOML), "--data", self.data))
        self.assert_done(run("doctor", "--data", self.data))
        done = self.assert_done(run("doctor", "--data", self.data, env={"SEAWORTHY_LISEN": "x"}), 12)
        self.assertIn("SEAWORTHY_LISEN", done.out)
        with Server(self.data):
            done = self.assert_done(run("doctor", "--data", self.data), 12)
            self.assertIn("doctor --server", done.out)
        (self.data / "FORMAT").write_text("seaworthy/data version=9 reader_min=9\n")
        done = self.assert_done(run("doctor", "--data", self.data), 12)
        self.assertIn("format 9", done.out)
        stranger = self.folder / "stranger"
        stranger.mkdir()
        (stranger / "letter.txt").write_text("dear")
        done = self.assert_done(run("doctor", "--data", stranger), 12)
        self.assertIn("letter.txt", done.out)

    def test_completion_scripts_are_valid(self):
        for shell in ("bash", "zsh", "fish"):
            self.assert_done(run("completion", shell))
        subprocess.run(["bash", "-n"], input=run("completion", "bash").out, text=True, check=True)
        probe = run("completion", "bash").out + """
            COMP_WORDS=(seaworthy models sh) COMP_CWORD=2; _seaworthy; echo "${COMPREPLY[@]}"
            COMP_WORDS=(seaworthy models list --js) COMP_CWORD=3; _seaworthy; echo "${COMPREPLY[@]}" """
        done = subprocess.run(["bash"], input=probe, text=True, check=True, capture_output=True)
        self.assertEqual(done.stdout.split(), ["show", "--json"], done.stderr)
        self.assert_done(run("completion", "tcsh"), 3)

    def test_the_api_describes_itself(self):
        with Server(self.data, "--clock", "manual") as server:
            document = server.get("/seaworthy/v1/openapi.json")[1]
        described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        table = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` .* \| ([^|]+) \|$", run("routes").out, re.MULTILINE)
        # gRPC describes itself by reflection.
        listed = {(method, path.replace("...}", "}")) for method, path, what in table if not what.startswith("gRPC ")}
        self.assertGreater(len(listed), 40)
        self.assertEqual(described, listed)


if __name__ == "__main__":
    unittest.main()
