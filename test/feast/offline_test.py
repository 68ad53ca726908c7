"""`offline_store: {type: remote}` of the unmodified SDK against our server: historical features held to a plain loop over
the rows, and to Feast's own file store where that is right; writes; pulls; mistakes."""

import datetime
import json
import pathlib
import random
import sys
import tempfile
import unittest
import zoneinfo

import pandas
import pyarrow
import pyarrow.flight
import pyarrow.parquet
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig, errors
from feast.feature_logging import LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.infra.offline_stores.remote import RemoteOfflineStore
from feast.types import Array, Float32, Int32, Int64, String

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import Server  # noqa: E402

START = pandas.Timestamp("2024-03-01", tz="UTC")


def hours(count):
    return START + pandas.Timedelta(hours=count)


def is_null(value):
    return value is None or (not hasattr(value, "__len__") and pandas.isna(value))


def plain(value):
    """As values compare: lists as lists, a missing one as None."""
    if is_null(value):
        return None
    return [plain(each) for each in value] if hasattr(value, "__len__") and not isinstance(value, str) else value


def newest(rows, label, keys, ttl=None):
    """The row that a label sees, by the plain rule."""
    seen = [row for row in rows if all(not is_null(row[key]) and row[key] == label[key] for key in keys)
            and not is_null(row["event_timestamp"]) and row["event_timestamp"] <= label["event_timestamp"]
            and (ttl is None or row["event_timestamp"] >= label["event_timestamp"] - ttl)]
    return max(seen, key=lambda row: (row["event_timestamp"], row["created"]), default=None)


class Repository:
    """A Feast repository in a folder, a server of ours in front of it, and the SDK that asks the server."""

    def __init__(self):
        self.temp = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temp.name)
        (self.folder / "data").mkdir()
        (self.folder / "feature_store.yaml").write_text(
            "project: credit\nprovider: local\nregistry: data/registry.db\nentity_key_serialization_version: 3\n")

    def __enter__(self):
        self.server = Server(self.folder / "sw", "--feast-repo", self.folder).__enter__()
        host, port = self.server.address.split(":")
        self.flight = pyarrow.flight.FlightClient(f"grpc+tcp://{self.server.address}")
        self.store = self.store_with({"type": "remote", "host": host, "port": int(port)})
        self.files = self.store_with({"type": "dask"})
        return self

    def __exit__(self, *_):
        self.flight.close()
        self.server.__exit__()
        self.temp.cleanup()

    def store_with(self, offline_store):
        return FeatureStore(config=RepoConfig(
            project="credit", provider="local", registry=str(self.folder / "data" / "registry.db"), repo_path=self.folder,
            online_store={"type": "sqlite", "path": str(self.folder / "online.db")}, offline_store=offline_store,
            entity_key_serialization_version=3))

    def table(self, name, rows, schema=None):
        table = rows if isinstance(rows, pyarrow.Table) else pyarrow.Table.from_pandas(rows, schema=schema, preserve_index=False)
        pyarrow.parquet.write_table(table, self.folder / "data" / f"{name}.parquet")
        return FileSource(name=name, path=f"data/{name}.parquet", timestamp_field="event_timestamp", created_timestamp_column="created")

    def exchange(self, command, table=None):
        """A command as the SDK sends it, for what the SDK does not ask."""
        table = pyarrow.table({"key": ["mock_key"]}) if table is None else table
        writer, reader = self.flight.do_exchange(pyarrow.flight.FlightDescriptor.for_command(json.dumps(command)))
        writer.begin(table.schema)
        writer.write_table(table)
        writer.done_writing()
        return reader.read_all()


DRIVER = Entity(name="driver", join_keys=["driver_id"])


def view(name, source, schema, entities=(DRIVER,), ttl=None):
    return FeatureView(name=name, entities=list(entities), ttl=ttl or datetime.timedelta(0), source=source, schema=schema)


def history(rows):
    return pandas.DataFrame(rows, columns=["driver_id", "event_timestamp", "created", "trips"])


TRIPS = [Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=Int64)]


class HistoricalFeaturesTest(unittest.TestCase):
    def check(self, frame, answer, rows, keys, features, ttl=None):
        self.assertEqual(len(answer), len(frame))
        for at, label in enumerate(frame.to_dict("records")):
            expected = newest(rows, label, keys, ttl) or {}
            for feature in features:
                self.assertEqual(plain(answer[feature].iloc[at]), plain(expected.get(feature)), (at, label, feature, expected))

    def test_agrees_with_the_plain_rule_on_every_type(self):
        dice = random.Random(3)
        rows = [{"driver_id": dice.choice([1, 2, 3, None]), "region": dice.choice(["a", "ab", "b"]), "event_timestamp": hours(dice.randrange(40)),
                 "created": hours(100) + pandas.Timedelta(seconds=at), "trips": dice.choice([at, None]), "rate": dice.choice([0.5, 0.25]),
                 "word": dice.choice(["x", "y", None]), "list": dice.choice([[1, 2], [], None])} for at in range(400)]
        schema = pyarrow.schema([("driver_id", pyarrow.int32()), ("region", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
                                 ("event_timestamp", pyarrow.timestamp("us", "UTC")), ("created", pyarrow.timestamp("us", "UTC")), ("trips", pyarrow.int32()),
                                 ("rate", pyarrow.float32()), ("word", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())), ("list", pyarrow.list_(pyarrow.int64()))])
        labels = [{"driver_id": dice.choice([1, 2, 3, 9]), "region": dice.choice(["a", "ab", "b", "none"]), "event_timestamp": hours(dice.randrange(60)), "label": at}
                  for at in range(300)]
        frame = pandas.DataFrame(labels)
        ttl = datetime.timedelta(hours=6)
        region = Entity(name="region", join_keys=["region"])
        fields = [Field(name="driver_id", dtype=Int32), Field(name="region", dtype=String), Field(name="trips", dtype=Int32), Field(name="rate", dtype=Float32),
                  Field(name="word", dtype=String), Field(name="list", dtype=Array(Int64))]
        with Repository() as repository:
            source = repository.table("s", pyarrow.Table.from_pylist(rows, schema=schema))
            repository.store.apply([DRIVER, region, view("fresh", source, fields, [DRIVER, region], ttl), view("all", source, fields, [DRIVER, region])])
            for name, limit in (("fresh", ttl), ("all", None)):
                features = ["trips", "rate", "word", "list"]
                table = repository.store.get_historical_features(frame, [f"{name}:{feature}" for feature in features]).to_arrow()
                self.assertEqual([table.schema.field(feature).type for feature in ("trips", "rate", "list")], [pyarrow.int32(), pyarrow.float32(), schema.field("list").type])
                self.check(frame, table.to_pandas(), rows, ["driver_id", "region"], features, limit)
                self.assertEqual(table["label"].to_pylist(), list(range(300)))  # every row, in its place

    def test_agrees_with_feasts_file_store_where_that_is_right(self):
        dice = random.Random(4)
        rows = [(driver, hours(at), hours(at), dice.randrange(1000)) for driver in range(5) for at in range(0, 48, 3)]
        frame = pandas.DataFrame({"driver_id": [at % 5 for at in range(60)], "event_timestamp": [hours(10 + at * 0.5) for at in range(60)]})
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows)), TRIPS, ttl=datetime.timedelta(hours=30))])
            answers = [store.get_historical_features(frame, ["v:trips"], full_feature_names=True).to_df().sort_values(["driver_id", "event_timestamp"])
                       for store in (repository.store, repository.files)]
            self.assertEqual(*[answer[["driver_id", "v__trips"]].values.tolist() for answer in answers])

    def test_corrections_and_redelivered_rows(self):
        rows = [(driver, hours(1), hours(1 + version), 100 * driver + version) for driver in range(60) for version in (0, 2, 1)]
        twice = [(99, hours(1), hours(1), 7)] * 2
        frame = pandas.DataFrame({"driver_id": [*range(60), 99], "event_timestamp": hours(5)})
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows + twice)), TRIPS)])
            answer = repository.store.get_historical_features(frame, ["v:trips"]).to_df()
            self.assertEqual(answer["trips"].tolist(), [100 * driver + 2 for driver in range(60)] + [7])

    def test_what_feast_loses(self):
        """Identical and unmatched labels, null keys, keys that run together, times below the millisecond."""
        rows = [(1, hours(1), hours(1), 1), (1, hours(1) + pandas.Timedelta(nanoseconds=600), hours(1), 2)]
        frame = pandas.DataFrame({"driver_id": pandas.array([1, 1, 1, 1, 5, None], dtype="Int64"), "event_timestamp": [
            hours(1), hours(1), hours(1) + pandas.Timedelta(nanoseconds=599), hours(1) + pandas.Timedelta(nanoseconds=600), hours(2), hours(2)]})
        pairs = pandas.DataFrame({"a": ["1", "12"], "b": ["23", "3"], "event_timestamp": hours(1), "created": hours(1), "trips": [10, 20]})
        a, b = Entity(name="a", join_keys=["a"]), Entity(name="b", join_keys=["b"])
        with Repository() as repository:
            together = [Field(name="a", dtype=String), Field(name="b", dtype=String), Field(name="trips", dtype=Int64)]
            repository.store.apply([DRIVER, a, b, view("v", repository.table("s", history(rows)), TRIPS), view("pairs", repository.table("p", pairs), together, [a, b])])
            answer = repository.store.get_historical_features(frame, ["v:trips"]).to_arrow()
            self.assertEqual(answer["trips"].to_pylist(), [1, 1, 1, 2, None, None])
            asked = pairs[["a", "b"]].iloc[::-1].assign(event_timestamp=hours(2))
            self.assertEqual(repository.store.get_historical_features(asked, ["pairs:trips"]).to_df()["trips"].tolist(), [20, 10])

    def test_times_of_a_zone_are_instants(self):
        zone = zoneinfo.ZoneInfo("America/New_York")
        times = [datetime.datetime(2013, 11, 3, 1, 30, tzinfo=zone, fold=fold) for fold in (0, 1)]
        rows = [(1, pandas.Timestamp(times[0]), hours(0), 1), (1, pandas.Timestamp(times[1]), hours(0), 2)]
        naive = pandas.Timestamp("2013-11-03 05:31")  # UTC
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows)), TRIPS)])
            for moment, expected in ((times[0], 1), (times[1], 2), (naive, 1)):
                frame = pandas.DataFrame({"driver_id": [1], "event_timestamp": [moment]})
                self.assertEqual(repository.store.get_historical_features(frame, ["v:trips"]).to_df()["trips"].tolist(), [expected], moment)

    def test_names_are_mapped(self):
        rows = history([(1, hours(1), hours(1), 10), (2, hours(1), hours(1), 20)]).rename(columns={"driver_id": "id", "trips": "n"})
        with Repository() as repository:
            source = repository.table("s", rows)
            source.field_mapping = {"id": "driver_id", "n": "trips"}
            v = view("v", source, TRIPS)
            service = FeatureService(name="both", features=[v.with_name("from").with_join_key_map({"driver_id": "from_id"}),
                                                            v.with_name("to").with_join_key_map({"driver_id": "to_id"})])
            repository.store.apply([DRIVER, v, service])
            frame = pandas.DataFrame({"driver_id": [1, 2], "event_timestamp": hours(2)})
            self.assertEqual(repository.store.get_historical_features(frame, ["v:trips"]).to_df()["trips"].tolist(), [10, 20])
            frame = pandas.DataFrame({"from_id": [1, 2], "to_id": [2, 3], "event_timestamp": hours(2)})
            answer = repository.store.get_historical_features(frame, service, full_feature_names=True).to_arrow()
            self.assertEqual([answer["from__trips"].to_pylist(), answer["to__trips"].to_pylist()], [[10, 20], [20, None]])

    def test_only_rows_created_by_the_moment(self):
        rows = [(1, hours(1), hours(1), 1), (1, hours(1), hours(9), 2), (2, hours(1), hours(9), 3)]
        frame = pyarrow.table({"driver_id": [1, 2, 1], "event_timestamp": pyarrow.array([hours(5), hours(5), hours(9)], pyarrow.timestamp("ns", "UTC"))})
        command = {"api": "get_historical_features", "project": "credit", "feature_view_names": ["v"], "name_aliases": [None], "feature_refs": ["v:trips"],
                   "full_feature_names": False}
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows)), TRIPS)])
            self.assertEqual(repository.exchange({**command, "filter_by_created_timestamp": True}, frame)["trips"].to_pylist(), [1, None, 2])
            self.assertEqual(repository.exchange(command, frame)["trips"].to_pylist(), [2, 3, 2])

    def test_all_entities_as_of_an_end(self):
        rows = [(1, hours(1), hours(1), 1), (1, hours(5), hours(5), 2), (2, hours(2), hours(2), 3), (3, hours(50), hours(50), 4)]
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows)), TRIPS)])
            answer = repository.store.get_historical_features(features=["v:trips"], start_date=hours(0), end_date=hours(10)).to_df()
            self.assertEqual(sorted(answer[["driver_id", "trips"]].values.tolist()), [[1, 2], [2, 3]])


class WritesTest(unittest.TestCase):
    def test_rows_are_put_into_the_source(self):
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history([(1, hours(1), hours(1), 1)])), TRIPS)])
            repository.store.write_to_offline_store("v", history([(1, hours(3), hours(3), 2)]))
            frame = pandas.DataFrame({"driver_id": [1, 1], "event_timestamp": [hours(2), hours(4)]})
            self.assertEqual(repository.store.get_historical_features(frame, ["v:trips"]).to_df()["trips"].tolist(), [1, 2])
            wrong = history([(1, hours(3), hours(3), 2)]).rename(columns={"trips": "other"})
            with self.assertRaisesRegex(ValueError, "incorrect columns"):
                RemoteOfflineStore.offline_write_batch(repository.store.config, repository.store.get_feature_view("v"), pyarrow.Table.from_pandas(wrong), None)

    def test_logs_and_saved_data_sets(self):
        with Repository() as repository:
            v = view("v", repository.table("s", history([(1, hours(1), hours(1), 1)])), TRIPS)
            service = FeatureService(name="logged", features=[v], logging_config=LoggingConfig(destination=FileLoggingDestination(path="data/logs")))
            saved = FileSource(name="saved", path="data/saved.parquet", timestamp_field="event_timestamp")
            repository.store.apply([DRIVER, v, service, saved])
            repository.store.write_logged_features(pyarrow.table({"driver_id": [1, 2], "v__trips": [3, 4]}), service)
            self.assertEqual(pyarrow.parquet.read_table(repository.folder / "data" / "logs")["v__trips"].to_pylist(), [3, 4])
            job = repository.store.get_historical_features(pandas.DataFrame({"driver_id": [1], "event_timestamp": hours(2)}), ["v:trips"])
            # The SDK names the data source by its path.
            repository.store.apply([FileSource(path="data/saved.parquet", timestamp_field="event_timestamp")])
            job.persist(SavedDatasetFileStorage("data/saved.parquet"))
            self.assertEqual(pyarrow.parquet.read_table(repository.folder / "data" / "saved.parquet")["trips"].to_pylist(), [1])
            with self.assertRaises(errors.SavedDatasetLocationAlreadyExists):
                job.persist(SavedDatasetFileStorage("data/saved.parquet"))
            job.persist(SavedDatasetFileStorage("data/saved.parquet"), allow_overwrite=True)


class PullsTest(unittest.TestCase):
    def test_newest_and_all_rows(self):
        rows = [(1, hours(1), hours(1), 1), (1, hours(1), hours(2), 2), (2, hours(2), hours(2), 3), (2, hours(9), hours(9), 4)]
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history(rows)), TRIPS)])
            source = repository.store.get_data_source("s")
            arguments = (repository.store.config, source, ["driver_id"], ["trips"], "event_timestamp", "created", hours(0), hours(9) - pandas.Timedelta(nanoseconds=1))
            answer = RemoteOfflineStore.pull_latest_from_table_or_query(*arguments).to_df()
            self.assertEqual(sorted(answer[["driver_id", "trips"]].values.tolist()), [[1, 2], [2, 3]])
            answer = RemoteOfflineStore.pull_all_from_table_or_query(*arguments).to_df()
            self.assertEqual(answer["trips"].tolist(), [1, 2, 3])
            types = dict(RemoteOfflineStore().get_table_column_names_and_types_from_data_source(repository.store.config, source))
            self.assertEqual((types["driver_id"], types["event_timestamp"]), ("int64", "timestamp[ns, tz=UTC]"))


class MistakesTest(unittest.TestCase):
    def test_the_sdk_raises_its_own_exceptions(self):
        with Repository() as repository, tempfile.TemporaryDirectory() as outside:
            pandas.DataFrame({"x": [1]}).to_parquet(f"{outside}/secret.parquet")
            secret = FileSource(name="secret", path=f"{outside}/secret.parquet", timestamp_field="event_timestamp")
            repository.files.apply([DRIVER, view("v", repository.table("s", history([(1, hours(1), hours(1), 1)])), TRIPS)])
            frame = pandas.DataFrame({"driver_id": [1], "event_timestamp": hours(2)})
            with self.assertRaises(errors.FeastEntityDFMissingColumnsError):
                repository.store.get_historical_features(frame[["event_timestamp"]], ["v:trips"]).to_df()
            with self.assertRaisesRegex(ValueError, "two columns would be named trips"):
                repository.store.get_historical_features(frame.assign(trips=1), ["v:trips"]).to_df()
            with self.assertRaises(errors.FeatureViewNotFoundException):
                RemoteOfflineStore.offline_write_batch(repository.store.config, view("none", secret, TRIPS), pyarrow.table({"x": [1]}), None)
            for call in (lambda: RemoteOfflineStore().validate_data_source(repository.store.config, secret),
                         lambda: RemoteOfflineStore().get_table_column_names_and_types_from_data_source(repository.store.config, secret)):
                with self.assertRaisesRegex(errors.FeastPermissionError, "outside the folders of tables"):
                    call()

    def test_hostile_commands_are_refused(self):
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history([(1, hours(1), hours(1), 1)])), TRIPS)])
            for command in ([], "x", {}, {"api": 1}, {"api": "rm"}, {"api": "get_historical_features"}, {"api": "pull_latest_from_table_or_query", "data_source_name": "s"},
                            {"api": "get_table_column_names_and_types_from_data_source", "data_source_proto": "{"}):
                with self.assertRaises((pyarrow.ArrowException, KeyError, NotImplementedError)):
                    repository.exchange(command)
            self.assertEqual(repository.server.get("/health")[0], 200)

    def test_clients_before_067(self):
        """DoPut, GetFlightInfo and DoGet; an answer is given once."""
        flight = pyarrow.flight
        command = {"api": "get_historical_features", "project": "credit", "feature_view_names": ["v"], "name_aliases": [None], "feature_refs": ["v:trips"],
                   "full_feature_names": True, "command_id": "1"}
        descriptor = flight.FlightDescriptor.for_command(json.dumps(command))
        frame = pyarrow.Table.from_pandas(pandas.DataFrame({"driver_id": [1], "event_timestamp": hours(2)}))
        with Repository() as repository:
            repository.store.apply([DRIVER, view("v", repository.table("s", history([(1, hours(1), hours(1), 1)])), TRIPS)])
            client = repository.flight
            with self.assertRaises(KeyError):
                client.get_flight_info(descriptor)
            writer, _ = client.do_put(descriptor, frame.schema)
            writer.write_table(frame)
            writer.close()
            self.assertEqual([info.descriptor.command for info in client.list_flights()], [descriptor.command])
            ticket = client.get_flight_info(descriptor).endpoints[0].ticket
            self.assertEqual(client.do_get(ticket).read_all()["v__trips"].to_pylist(), [1])
            with self.assertRaises(KeyError):
                client.do_get(ticket).read_all()
            self.assertEqual([action.type for action in client.list_actions()], ["offline_write_batch", "write_logged_features", "persist"])


if __name__ == "__main__":
    unittest.main()
