"""seaworthy features history: the point-in-time join of tables, each leak that others let through by its name."""

import csv
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import ENVIRONMENT, BINARY, Server, run

CONFIG = """
[entity.shop]
keys = {{ shop = "int64" }}
[source.sales]
table = "csv:sales.csv"
event_time = "sold"
{source}
[view.spend]
entity = "shop"
source = "sales"
[view.spend.features]
{features}
[service.fraud]
features = ["spend.*"]
"""


class HistoryTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="history-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, header, *rows):
        with open(self.folder / name, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header.split(","), *rows])

    def configure(self, features, source=""):
        (self.folder / "seaworthy.toml").write_text(CONFIG.format(features=features, source=source))

    def history(self, *arguments, labels="labels.csv"):
        done = run("features", "history", "--config", self.folder / "seaworthy.toml", "--service", "fraud", "--labels",
                   self.folder / labels, "--out", self.folder / "out.csv", "--json", *arguments)
        self.assertEqual(done.code, 0, done.err)
        self.said = json.loads(done.out)
        self.warned = done.err
        with open(self.folder / "out.csv", newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def column(self, name, *arguments):
        return [row[name] for row in self.history(*arguments)]

    def test_01_an_event_of_the_future_is_not_seen(self):
        self.configure('last = { agg = "last(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T10:00:00Z", 5), (1, "2024-01-01T12:00:00Z", 7))
        self.write("labels.csv", "shop,at", (1, "2024-01-01T11:59:59Z"), (1, "2024-01-01T12:00:00Z"), (1, "2024-01-01T09:00:00Z"))
        self.assertEqual(self.column("spend.last"), ["5", "7", ""])

    def test_02_a_strict_window_leaves_out_the_labels_own_event(self):
        self.configure('with = { agg = "count(*)", window = "1h" }\nwithout = { agg = "count(*)", window = "1h", strict = true }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T10:00:00Z", 5), (1, "2024-01-01T10:30:00Z", 7))
        self.write("labels.csv", "shop,at", (1, "2024-01-01T10:30:00Z"))
        rows = self.history()
        self.assertEqual((rows[0]["spend.with"], rows[0]["spend.without"]), ("2", "1"))

    def test_03_a_backfilled_row_counts_from_when_it_was_written(self):
        self.configure('last = { agg = "last(amount)" }', 'created_time = "written"')
        self.write("sales.csv", "shop,sold,amount,written", (1, "2024-01-01T10:00:00Z", 5, "2024-01-01T10:00:01Z"),
                   (1, "2024-01-01T11:00:00Z", 99, "2024-03-01T00:00:00Z"))
        self.write("labels.csv", "shop,at", (1, "2024-01-01T12:00:00Z"), (1, "2024-03-01T00:00:00Z"))
        self.assertEqual(self.column("spend.last"), ["5", "99"])
        self.assertEqual(self.said["as"], "known then")
        self.assertEqual(self.column("spend.last", "--as-known-now"), ["99", "99"])
        self.assertEqual(self.said["as"], "known now")

    def test_04_a_daily_snapshot_counts_from_its_publication(self):
        self.configure('day = { agg = "last(amount)" }', 'delay = "30h"')  # of a day, known at six the next morning
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5), (1, "2024-01-02T00:00:00Z", 7))
        self.write("labels.csv", "shop,at", (1, "2024-01-02T12:00:00Z"), (1, "2024-01-03T05:59:59Z"), (1, "2024-01-03T06:00:00Z"))
        self.assertEqual(self.column("spend.day"), ["5", "5", "7"])

    def test_05_a_time_to_live_is_a_window_on_both_sides(self):
        self.configure('fresh = { agg = "last(amount)", window = "1d" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at", (1, "2024-01-01T23:59:59Z"), (1, "2024-01-02T00:00:00Z"))
        self.assertEqual(self.column("spend.fresh"), ["5", ""])

    def test_06_a_statistic_knows_only_what_was_known(self):
        self.configure('mean = { agg = "mean(amount)" }\nspread = { agg = "stddev(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 1), (1, "2024-01-02T00:00:00Z", 3), (1, "2024-01-03T00:00:00Z", 100))
        self.write("labels.csv", "shop,at", (1, "2024-01-02T00:00:00Z"))
        rows = self.history()
        self.assertEqual((rows[0]["spend.mean"], float(rows[0]["spend.spread"])), ("2.0", 2 ** 0.5))

    def test_07_a_dimension_is_what_it_was_at_the_moment(self):
        self.configure('city = { agg = "last(city)" }')
        self.write("sales.csv", "shop,sold,city", (1, "2023-01-01T00:00:00Z", "Bath"), (1, "2024-06-01T00:00:00Z", "York"))
        self.write("labels.csv", "shop,at", (1, "2024-05-31T00:00:00Z"), (1, "2024-06-02T00:00:00Z"))
        self.assertEqual(self.column("spend.city"), ["Bath", "York"])

    def test_08_a_row_that_is_delivered_twice_counts_once(self):
        self.configure('n = { agg = "count(*)" }\nsum = { agg = "sum(amount)" }', 'dedupe = ["sale"]')
        self.write("sales.csv", "sale,shop,sold,amount", ("a", 1, "2024-01-01T00:00:00Z", 5), ("a", 1, "2024-01-01T00:00:00Z", 5),
                   ("b", 1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at", (1, "2024-01-02T00:00:00Z"))
        rows = self.history()
        self.assertEqual((rows[0]["spend.n"], rows[0]["spend.sum"]), ("2", "10"))
        self.assertEqual(self.said["sources"], {"sales": 2})

    def test_09_local_times_are_those_of_their_zone_when_clocks_change(self):
        self.configure('last = { agg = "last(amount)" }', "columns = { utc = \"make_timestamp(2013, 3, 10, hour, minute, 'America/New_York')\" }")
        text = (self.folder / "seaworthy.toml").read_text().replace('event_time = "sold"', 'event_time = "utc"')
        (self.folder / "seaworthy.toml").write_text(text)
        self.write("sales.csv", "shop,hour,minute,amount", (1, 1, 30, 1), (1, 3, 30, 2))  # an hour apart
        self.write("labels.csv", "shop,at", (1, "2013-03-10T06:30:00Z"), (1, "2013-03-10T07:29:59Z"), (1, "2013-03-10T07:30:00Z"))
        self.assertEqual(self.column("spend.last"), ["1", "1", "2"])

    def test_10_a_microsecond_counts(self):
        self.configure('last = { agg = "last(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00.000001Z", 5), (1, "2024-01-01T00:00:00.000003Z", 7))
        self.write("labels.csv", "shop,at", (1, "2024-01-01T00:00:00.000002Z"), (1, "2024-01-01T00:00:00.000000Z"))
        self.assertEqual(self.column("spend.last"), ["5", ""])

    def test_11_a_label_without_any_row_stays(self):
        self.configure('last = { agg = "last(amount)" }\nn = { agg = "count(*)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at,y", (2, "2024-01-02T00:00:00Z", 1), (1, "2024-01-02T00:00:00Z", 0), ("", "2024-01-02T00:00:00Z", 1))
        rows = self.history()
        self.assertEqual([(row["shop"], row["y"], row["spend.last"], row["spend.n"]) for row in rows],
                         [("2", "1", "", "0"), ("1", "0", "5", "1"), ("", "1", "", "0")])

    def test_12_composite_keys_do_not_run_together(self):
        self.configure('last = { agg = "last(amount)" }')
        text = (self.folder / "seaworthy.toml").read_text().replace('{ shop = "int64" }', '{ a = "string", b = "string" }')
        (self.folder / "seaworthy.toml").write_text(text.replace('event_time', 'types = { a = "string", b = "string" }\nevent_time'))
        self.write("sales.csv", "a,b,sold,amount", ("1", "23", "2024-01-01T00:00:00Z", 5), ("12", "3", "2024-01-01T00:00:00Z", 7))
        self.write("labels.csv", "a,b,at", ("12", "3", "2024-01-02T00:00:00Z"), ("1", "23", "2024-01-02T00:00:00Z"), ("123", "", "2024-01-02T00:00:00Z"))
        self.assertEqual(self.column("spend.last"), ["7", "5", ""])

    def test_13_labels_that_are_alike_all_stay(self):
        self.configure('last = { agg = "last(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at", *[(1, "2024-01-02T00:00:00Z")] * 35)
        self.assertEqual(self.column("spend.last"), ["5"] * 35)

    def test_14_a_correction_counts_from_when_it_was_written(self):
        self.configure('sum = { agg = "sum(amount)" }', 'created_time = "written"')
        self.write("sales.csv", "shop,sold,amount,written", (1, "2024-01-01T10:00:00Z", 5, "2024-01-01T10:00:00Z"),
                   (1, "2024-01-01T10:00:00Z", -2, "2024-01-05T00:00:00Z"))
        self.write("labels.csv", "shop,at", *[(1, f"2024-01-0{day}T00:00:00Z") for day in (2, 4, 5, 6)])
        self.assertEqual(self.column("spend.sum"), ["5", "5", "3", "3"])

    def test_15_a_null_takes_no_part(self):
        self.configure('last = { agg = "last(amount)" }\nmean = { agg = "mean(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 4), (1, "2024-01-02T00:00:00Z", ""))
        self.write("labels.csv", "shop,at", (1, "2024-01-03T00:00:00Z"))
        rows = self.history()
        self.assertEqual((rows[0]["spend.last"], rows[0]["spend.mean"]), ("4", "4.0"))

    def test_a_bulk_loaded_table_is_warned_about(self):
        self.configure('last = { agg = "last(amount)" }', 'created_time = "written"')
        self.write("sales.csv", "shop,sold,amount,written", *[(shop, "2024-01-01T00:00:00Z", 5, "2024-06-01T00:00:00Z") for shop in range(4)])
        self.write("labels.csv", "shop,at", *[(shop, "2024-02-01T00:00:00Z") for shop in range(4)], (0, "2024-07-01T00:00:00Z"))
        self.assertEqual(self.column("spend.last"), ["", "", "", "", "5"])
        self.assertIn("view spend: 80.0 % of the labels", self.warned)
        self.assertEqual(len(self.said["warnings"]), 1)
        self.history("--as-known-now")
        self.assertEqual(self.said["warnings"], [])

    def test_the_server_says_the_same(self):
        self.configure('\n'.join(f'{name} = {{ agg = "{agg}" }}' for name, agg in {
            "n": "count(*)", "sum": "sum(amount)", "mean": "mean(amount)", "spread": "stddev(amount)", "kinds": "distinct_count(kind)",
            "median": "quantile(amount, 0.5)", "rate": "ratio(sum(late), count(*))", "last": "last(kind)"}.items())
            + '\nday = { agg = "variance(amount)", window = "2d", hop = "1h" }\nyesterday = { agg = "sum(amount)", window = "1d", tumbling = "last" }')
        rows = [(n % 3, f"2024-01-0{1 + n % 5}T{n % 24:02}:{n % 60:02}:00Z", round(0.1 * (n * 37 % 101), 1), "abc"[n * n % 3], n % 2) for n in range(300)]
        self.write("sales.csv", "shop,sold,amount,kind,late", *rows)
        self.write("labels.csv", "shop,at", *[(shop, "2024-01-06T03:30:00Z") for shop in (2, 0, 1, 7)])
        history = self.history(labels="labels.csv")
        config, data = self.folder / "seaworthy.toml", self.folder / "data"
        with Server(data, "--tables", self.folder) as server:
            self.assertEqual(run("apply", config, "--server", server.url).code, 0)
            done = run("features", "load", "sales", "--server", server.url)
            self.assertEqual(done.code, 0, done.err)
            status, answer = server.post("/seaworthy/v1/services/fraud/read", {
                "rows": [{"shop": int(row["shop"])} for row in history], "time": "2024-01-06T03:30:00Z"})
        self.assertEqual(status, 200, answer)
        for served, joined in zip(answer["features"], history, strict=True):
            for name, value in served.items():
                self.assertEqual(str(value) if isinstance(value, str) else value,
                                 joined[name] if isinstance(value, str) else None if joined[name] == "" else float(joined[name]), name)

    def test_mistakes_are_said_with_their_place(self):
        self.configure('last = { agg = "last(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at,again", (1, "2024-01-03T00:00:00Z", "2024-01-03T00:00:00Z"))
        config = self.folder / "seaworthy.toml"
        self.write("keyless.csv", "shp,at", (1, "2024-01-03T00:00:00Z"))
        self.write("timeless.csv", "shop,at", (1, "soon"))
        self.write("holes.csv", "shop,at,x", (1, "2024-01-03T00:00:00Z", 1), (1, "", 2))

        def says(error, *arguments, service="fraud", labels="labels.csv", out="out.csv"):
            done = run("features", "history", "--config", config, "--service", service, "--labels", self.folder / labels, "--out", self.folder / out, *arguments)
            self.assertNotEqual(done.code, 0)
            self.assertIn(error, done.err)

        says("several columns of times (at, again); name the moment of the prediction by --moment")
        says('no service "fruad"', service="fruad")
        says('did you mean fraud?', service="fruad")
        says('column "shop"', "--moment", "at", labels="keyless.csv")
        says("has no column of times", labels="timeless.csv")
        says('column "at" is string, expected times', "--moment", "at", labels="timeless.csv")
        says("row 2 has no at", labels="holes.csv")
        says("labels-nowhere.csv", labels="labels-nowhere.csv")
        says(".txt", "--moment", "at", out="out.txt")
        self.configure('last = { agg = "last(amout)" }')
        says("seaworthy.toml:12: view.spend.features.last.agg", "--moment", "at")
        done = run("features", "history", "--service", "fraud", "--labels", self.folder / "labels.csv", "--out", self.folder / "x.csv")
        self.assertIn("give --config seaworthy.toml", done.err)
        self.assertFalse((self.folder / "out.csv").exists())

    def test_a_bar_shows_on_a_terminal_and_parquet_is_written(self):
        self.configure('last = { agg = "last(amount)" }')
        self.write("sales.csv", "shop,sold,amount", (1, "2024-01-01T00:00:00Z", 5))
        self.write("labels.csv", "shop,at", (1, "2024-01-02T00:00:00Z"))
        done = subprocess.run([BINARY, "features", "history", "--config", str(self.folder / "seaworthy.toml"), "--service", "fraud", "--labels",
                               str(self.folder / "labels.csv"), "--out", str(self.folder / "out.parquet")], capture_output=True, text=True, env=ENVIRONMENT, check=True)
        self.assertIn("known then", done.stdout)
        import pyarrow.parquet
        table = pyarrow.parquet.read_table(self.folder / "out.parquet")
        self.assertEqual(table.column_names, ["shop", "at", "spend.last"])
        self.assertEqual(table.to_pydict()["spend.last"], [5])


if __name__ == "__main__":
    unittest.main()
