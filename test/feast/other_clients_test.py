"""The native feature store by clients of two other feature stores, unmodified: Tecton's own, and Feast's online store for
Chronon. Both see what `seaworthy features get` answers."""

import datetime
import json
import pathlib
import sys
import unittest

from feast import Entity, FeatureView, Field
from feast.infra.offline_stores.contrib.chronon_offline_store.chronon_source import ChrononSource
from feast.infra.online_stores.chronon_online_store.chronon import ChrononOnlineStore, ChrononOnlineStoreConfig
from feast.infra.key_encoding_utils import EntityKeyProto
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64
from tecton_client import MetadataOptions, TectonClient
from tecton_client.exceptions import BadRequestError, NotFoundError, UnauthorizedError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import EndToEnd, Server, run  # noqa: E402

TOML = """
[source.purchases]
event_time = "at"
dedupe = ["id"]
[source.purchases.types]
id = "string"
at = "timestamp"
user = "int64"
amount = "float64"
cents = "int64"

[entity.user]
keys = { user = "int64" }

[view.spend]
entity = "user"
source = "purchases"
[view.spend.features]
sum_1d = { agg = "sum(amount)", window = "1d" }
cents = { agg = "sum(cents)" }
last = { agg = "value(amount)", ttl = "2d" }

[request.basket]
inputs = { price = "int64" }
[request.basket.features]
dear = "price > 100"

[service.checkout]
features = ["spend.sum_1d", "spend.cents", "spend.last", "basket.dear"]

[service.plain_v1]
features = ["spend.sum_1d", "spend.cents"]
"""
BIG = 2**53 + 1


class OtherClients(EndToEnd):
    def setUp(self):
        super().setUp()
        self.assert_done(run("apply", self.write("seaworthy.toml", TOML), "--data", self.data))
        self.server = self.enterContext(Server(self.data))
        self.headers = {}
        self.now = datetime.datetime.now(datetime.timezone.utc)
        hour_ago = (self.now - datetime.timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        self.ingest({"id": "a", "at": hour_ago, "user": 7, "amount": 0.1, "cents": BIG}, {"id": "b", "at": hour_ago, "user": 7, "amount": 0.2, "cents": 0})

    def ingest(self, *records, **more):
        body = {"workspace_name": "prod", "records": {"purchases": [{"record": record} for record in records]}, **more}
        status, answer = self.server.post("/ingest", body, self.headers)
        self.assertEqual(status, 200, answer)
        return answer

    def native(self, service, row):
        return self.server.post(f"/seaworthy/v1/services/{service}/read", {"rows": [row]}, self.headers)[1]["features"][0]

    def tecton(self, *scopes):
        """Its client has a key always; a server that has keys asks everybody for one."""
        arguments = [argument for scope in scopes or ("features.read", "features.write", "keys.write") for argument in ("--scope", scope)]
        created = self.assert_done(self.server.cli("keys", "create", "client", *arguments, "--json"))
        key = json.loads(created.out)["key"]
        self.headers = {"Authorization": "Tecton-key " + key}
        return TectonClient(url=self.server.url, api_key=key, default_workspace_name="prod")

    def test_tectons_client_reads_what_the_native_route_answers(self):
        client = self.tecton()
        answer = client.get_features(feature_service_name="checkout", join_key_map={"user": 7}, request_context_map={"price": 150},
                                            metadata_options=MetadataOptions.all())
        features = answer.get_features_dict()
        self.assertEqual(features, self.native("checkout", {"user": 7, "price": 150}))
        self.assertEqual(features["spend.sum_1d"], 0.30000000000000004)
        self.assertEqual(features["spend.cents"], BIG)
        self.assertIs(features["basket.dear"], True)
        self.assertTrue(answer.slo_info.slo_eligible)
        self.assertEqual([feature["status"] for feature in answer.metadata["features"]], ["PRESENT"] * 4)
        unknown = client.get_features(feature_service_name="checkout", join_key_map={"user": 8}, metadata_options=MetadataOptions.all())
        self.assertEqual(list(unknown.get_features_dict().values()), [None] * 4)

    def test_what_was_ingested_is_read_at_once(self):
        metrics = self.ingest({"id": "c", "at": self.now.isoformat().replace("+00:00", "Z"), "user": 9, "amount": 5.0, "cents": 3})
        self.assertEqual(metrics["ingestMetrics"]["featureViewIngestMetrics"][0]["onlineRecordIngestCount"], "1")
        answer = self.tecton().get_features(feature_service_name="plain_v1", join_key_map={"user": "9"})
        self.assertEqual(answer.result.features, [5.0, "3"])

    def test_tectons_client_learns_what_a_service_takes(self):
        metadata = self.tecton().get_feature_service_metadata(feature_service_name="checkout")
        self.assertEqual(metadata.input_join_keys, [{"name": "user", "dataType": {"type": "int64"}}])
        self.assertEqual(metadata.input_request_context_keys, [{"name": "price", "dataType": {"type": "int64"}}])
        self.assertEqual([value["name"] for value in metadata.feature_values], ["spend.sum_1d", "spend.cents", "spend.last", "basket.dear"])

    def test_tectons_client_raises_its_own_errors(self):
        client = self.tecton()
        with self.assertRaisesRegex(NotFoundError, "checkout"):
            client.get_features(feature_service_name="chekout", join_key_map={"user": 7})
        with self.assertRaisesRegex(BadRequestError, "joinKeyMap lacks user"):
            client.get_features(feature_service_name="checkout", join_key_map={})
        with self.assertRaisesRegex(BadRequestError, "user"):
            client.get_features(feature_service_name="checkout", join_key_map={"user": "seven"})

    def test_a_key_that_may_only_read_cannot_write(self):
        client = self.tecton("features.read")
        self.assertEqual(client.get_features(feature_service_name="plain_v1", join_key_map={"user": 8}).result.features, [None, None])
        status, answer = self.server.post("/ingest", {"workspace_name": "prod", "records": {}}, self.headers)
        self.assertEqual(status, 403)
        self.assertIn("features.write", answer["requestErrors"][0]["errorMessage"])
        with self.assertRaises(UnauthorizedError):
            TectonClient(url=self.server.url, api_key="any", default_workspace_name="prod").get_features(feature_service_name="plain_v1", join_key_map={"user": 8})

    def test_feasts_client_of_chronon_reads_views_and_services(self):
        for where, names in (({"chronon_group_by": "spend"}, ("sum_1d", "cents")), ({"chronon_join": "plain.v1"}, ("spend_sum_1d", "spend_cents"))):
            source = ChrononSource(name="s", materialization_path="none.parquet", timestamp_field="at", **where)
            view = FeatureView(name="v", entities=[Entity(name="user", join_keys=["user"])], source=source, online=True,
                               schema=[Field(name="user", dtype=Int64), Field(name=names[0], dtype=Float64), Field(name=names[1], dtype=Int64)])
            config = RepoConfig(project="p", provider="local", registry=str(self.folder / "r.db"), entity_key_serialization_version=3,
                                online_store=ChrononOnlineStoreConfig(path=self.server.url))
            keys = [EntityKeyProto(join_keys=["user"], entity_values=[Value(int64_val=user)]) for user in (7, 8)]
            [(_, known), (_, unknown)] = ChrononOnlineStore().online_read(config, view, keys, list(names))
            native = self.native("plain_v1", {"user": 7})
            self.assertEqual((known[names[0]].double_val, known[names[1]].int64_val), (native["spend.sum_1d"], native["spend.cents"]))
            self.assertIsNone(unknown[names[0]].WhichOneof("val"))


if __name__ == "__main__":
    unittest.main()
