"""`feast apply` of a small repository with `registry_type: remote` against our server, and beside it with Feast's own file
registry: both must then hold the same, after every edit."""

import datetime
import os
import pathlib
import subprocess
import sys
import unittest

import feast
import pyarrow
import pyarrow.parquet
from feast import errors
from feast.protos.feast.core.Registry_pb2 import Registry
from google.protobuf.message import Message

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import ENVIRONMENT, EndToEnd, Server  # noqa: E402

FEAST = pathlib.Path(sys.executable).parent / "feast"
PROJECT = "credit"

DEFINITIONS = '''
from datetime import timedelta
import pandas
from feast import Entity, FeatureService, FeatureView, Field, FileSource, Project, PushSource, RequestSource
from feast.on_demand_feature_view import on_demand_feature_view
from feast.types import Float64, Int64, String

project = Project(name="credit", description="who pays back")
driver = Entity(name="driver", join_keys=["driver_id"], description="who drives", tags={"team": "rides"})
table = FileSource(name="table", path="PATH", timestamp_field="event_timestamp", created_timestamp_column="created")
pushed = PushSource(name="pushed", batch_source=table)
stats = FeatureView(name="stats", entities=[driver], ttl=timedelta(days=2), source=table, tags={"tier": "1"},
                    schema=[Field(name="driver_id", dtype=Int64), Field(name="trips", dtype=Int64, description="of a day"),
                            Field(name="rate", dtype=Float64), *MORE])
fresh = FeatureView(name="fresh", entities=[driver], source=pushed, schema=[Field(name="driver_id", dtype=Int64), Field(name="rate", dtype=Float64)])
asked = RequestSource(name="asked", schema=[Field(name="fare", dtype=Float64)])


@on_demand_feature_view(sources=[stats, asked], schema=[Field(name="ratio", dtype=Float64)], mode="pandas")
def ratio(inputs: pandas.DataFrame) -> pandas.DataFrame:
    return pandas.DataFrame({"ratio": inputs["rate"] / inputs["fare"]})


everything = FeatureService(name="everything", features=[stats, ratio[["ratio"]]], tags={"v": "1"})
'''


def clear_what_differs(message):
    """Times, ids, pickles, and the order of lists."""
    for field, value in message.ListFields():
        if field.name in ("created_timestamp", "last_updated_timestamp", "last_updated", "version_id", "project_uuid", "body"):
            message.ClearField(field.name)
        elif field.name == "feature_view_proto":
            kind = next(record for record in ("feature_view", "on_demand_feature_view") if record == message.feature_view_type)
            view = getattr(Registry(), kind + "s").add()
            view.ParseFromString(value)
            clear_what_differs(view)
            message.feature_view_proto = view.SerializeToString(deterministic=True)
        elif field.message_type and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                clear_what_differs(each)
        elif field.message_type:
            for each in value.values():
                if isinstance(each, Message):
                    clear_what_differs(each)


def comparable(registry):
    copy = Registry()
    copy.CopyFrom(registry)
    clear_what_differs(copy)
    copy.feature_view_version_history.records.sort(key=str)
    return {field.name: sorted(str(each) for each in value) if field.is_repeated else [str(value)] for field, value in copy.ListFields()}


class RegistryTest(EndToEnd):
    maxDiff = None

    def setUp(self):
        super().setUp()
        self.table = self.folder / "table.parquet"
        now = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        pyarrow.parquet.write_table(pyarrow.table({"driver_id": [1, 2], "trips": [3, 4], "rate": [0.5, 0.25], "kind": ["a", "b"],
                                                   "event_timestamp": [now, now], "created": [now, now]}), self.table)

    def repository(self, name, registry):
        folder = self.folder / name
        folder.mkdir()
        (folder / "feature_store.yaml").write_text(
            f"project: {PROJECT}\nprovider: local\nregistry:\n{registry}\nonline_store:\n  type: sqlite\n  path: {self.folder}/online.db\n"
            "offline_store:\n  type: dask\nentity_key_serialization_version: 3\n")
        return folder

    def feast(self, folder, *command):
        done = subprocess.run([FEAST, *command], cwd=folder, capture_output=True, text=True, timeout=120, check=False,
                              env={**ENVIRONMENT, "FEAST_USAGE": "False", "IS_TEST": "True"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def apply_to_both(self, definitions):
        for folder in (self.ours, self.theirs):
            (folder / "definitions.py").write_text(definitions.replace("PATH", str(self.table)))
            self.feast(folder, "apply")
        self.assert_same()

    def assert_same(self):
        ours = Registry.FromString((self.data / "feast" / "registry.db").read_bytes())
        theirs = Registry.FromString((self.theirs / "registry.db").read_bytes())
        ours, theirs = comparable(ours), comparable(theirs)
        self.assertEqual(ours.keys(), theirs.keys())
        for name, held in ours.items():
            self.assertEqual("\n".join(held), "\n".join(theirs[name]), name)

    def test_a_repository_is_applied_read_edited_and_deleted(self):
        with Server(self.data) as server:
            self.ours = self.repository("ours", f"  registry_type: remote\n  path: {server.address}")
            self.theirs = self.repository("theirs", "  path: registry.db\n  cache_ttl_seconds: 0")
            whole = DEFINITIONS.replace("*MORE", "")
            self.apply_to_both(whole)
            self.check_reads(feast.FeatureStore(repo_path=str(self.ours)), feast.FeatureStore(repo_path=str(self.theirs)))
            self.check_errors(feast.FeatureStore(repo_path=str(self.ours)))
            self.check_command_line()
            # Another schema, a description, a time to live; what is not in the files any more goes.
            grown = DEFINITIONS.replace("*MORE", "Field(name='kind', dtype=String)").replace("who drives", "a driver").replace("days=2", "days=3")
            self.apply_to_both(grown)
            fewer = grown.replace('fresh = FeatureView(name="fresh"', 'fresh = dict(name="fresh"').replace("pushed = PushSource", "pushed = dict")
            self.apply_to_both(fewer)
            self.check_changes(feast.FeatureStore(repo_path=str(self.ours)), feast.FeatureStore(repo_path=str(self.theirs)))
        with Server(self.data) as server:  # what it holds outlives it
            self.assertEqual([each.name for each in self.store(server).list_entities()], ["driver"])
            self.check_deletes(self.store(server))

    def store(self, server):
        text = (self.ours / "feature_store.yaml").read_text().splitlines()
        (self.ours / "feature_store.yaml").write_text("\n".join(f"  path: {server.address}" if "127.0.0.1" in line else line for line in text))
        return feast.FeatureStore(repo_path=str(self.ours))

    def check_reads(self, ours, theirs):
        self.assertEqual(ours.get_entity("driver"), theirs.get_entity("driver"))
        for name in ("stats", "fresh"):
            self.assertEqual(ours.get_feature_view(name), theirs.get_feature_view(name))
        self.assertEqual(ours.get_feature_service("everything"), theirs.get_feature_service("everything"))
        self.assertEqual(ours.get_on_demand_feature_view("ratio").feature_transformation, theirs.get_on_demand_feature_view("ratio").feature_transformation)
        for listing in ("list_entities", "list_feature_views", "list_feature_services", "list_data_sources", "list_on_demand_feature_views"):
            self.assertEqual(sorted(each.name for each in getattr(ours, listing)()), sorted(each.name for each in getattr(theirs, listing)()), listing)
        self.assertEqual(sorted(each.name for each in ours.list_data_sources()), ["asked", "pushed", "table"])
        self.assertEqual([each.name for each in ours.list_feature_views(tags={"tier": "1"})], ["stats"])
        self.assertEqual(ours.list_feature_views(tags={"tier": "2"}), [])
        self.assertEqual(ours.registry.get_any_feature_view("ratio", PROJECT).name, "ratio")
        self.assertEqual(ours.registry.get_project(PROJECT).description, "who pays back")
        self.assertEqual(comparable(ours.registry.proto()).keys(), comparable(theirs.registry.proto()).keys() - {"infra", "feature_view_version_history",
                                                                                                             "project_metadata"})
        self.assertEqual(self.lineage(ours), self.lineage(theirs))

    def lineage(self, store):
        return [sorted(f"{each.source.type} {each.source.name} {each.target.type} {each.target.name}" for each in part)
                for part in store.registry.get_registry_lineage(PROJECT)]

    def check_errors(self, store):
        for exception, ask in ((errors.EntityNotFoundException, store.get_entity), (errors.FeatureViewNotFoundException, store.get_feature_view),
                               (errors.FeatureServiceNotFoundException, store.get_feature_service),
                               (errors.DataSourceObjectNotFoundException, store.get_data_source),
                               (errors.FeatureViewNotFoundException, lambda name: store.registry.get_any_feature_view(name, PROJECT)),
                               (errors.ProjectObjectNotFoundException, store.get_project)):
            with self.assertRaises(exception) as raised:
                ask("nothing")
            self.assertIn("nothing", str(raised.exception))
        with self.assertRaises(errors.ConflictingFeatureViewNames):
            view = feast.FeatureView.from_proto(store.get_feature_view("stats").to_proto())
            view.name = "ratio"
            store.registry.apply_feature_view(view, PROJECT)

    def check_command_line(self):
        self.assertIn("driver", self.feast(self.ours, "entities", "list"))
        self.assertIn("No changes", self.feast(self.ours, "plan"))

    def check_changes(self, ours, theirs):
        self.assertEqual([each.name for each in ours.list_feature_views()], ["stats"])
        self.assertEqual(ours.get_feature_view("stats").current_version_number, theirs.get_feature_view("stats").current_version_number)
        start, end = (datetime.datetime(2026, 1, day, 12, 30, 15, 123456, tzinfo=datetime.timezone.utc) for day in (1, 2))
        for store in (ours, theirs):
            store.registry.apply_materialization(store.get_feature_view("stats"), PROJECT, start, end)
        self.assertEqual(ours.get_feature_view("stats").materialization_intervals, [(start, end)])
        self.assert_same()
        for store in (ours, theirs):  # Another project beside it, by the objects alone.
            store.registry.apply_entity(feast.Entity(name="rider", join_keys=["rider_id"], value_type=feast.ValueType.INT64), "other")
        self.assert_same()

    def check_deletes(self, store):
        store.registry.delete_feature_service("everything", PROJECT)
        store.registry.delete_feature_view("ratio", PROJECT)
        self.assertEqual(store.list_on_demand_feature_views(), [])
        self.assertEqual([each.name for each in store.registry.list_projects()], [PROJECT, "other"])
        store.registry.delete_project(PROJECT)
        with self.assertRaises(errors.ProjectObjectNotFoundException):
            store.get_project(PROJECT)
        left = Registry.FromString((self.data / "feast" / "registry.db").read_bytes())
        self.assertEqual([each.spec.name for each in left.entities], ["rider"])
        self.assertEqual([each.spec.name for each in left.projects] + [each.project for each in left.project_metadata], ["other", "other"])
        for kind in ("data_sources", "feature_views", "on_demand_feature_views", "feature_services"):
            self.assertEqual(len(getattr(left, kind)), 0, kind)
        self.assertEqual(len(left.feature_view_version_history.records), 0)


if __name__ == "__main__":
    os.environ["FEAST_USAGE"] = "False"
    unittest.main()
