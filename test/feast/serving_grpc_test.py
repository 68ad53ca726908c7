"""Feast's two gRPC services by the stubs that its own package carries."""

import pathlib
import sys
import unittest

import grpc
from feast.protos.feast.serving.GrpcServer_pb2 import PushRequest, WriteToOnlineStoreRequest
from feast.protos.feast.serving.GrpcServer_pb2_grpc import GrpcFeatureServerStub
from feast.protos.feast.serving.ServingService_pb2 import FeatureList, FieldStatus, GetFeastServingInfoRequest, GetOnlineFeaturesRequest
from feast.protos.feast.serving.ServingService_pb2_grpc import ServingServiceStub
from feast.protos.feast.types.Value_pb2 import RepeatedValue, Value

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import repository  # noqa: E402
from harness import ENVIRONMENT, EndToEnd, Server  # noqa: E402


class ServingGrpcTest(EndToEnd):
    def setUp(self):
        super().setUp()
        repo = self.folder / "repo"
        repo.mkdir()
        repository.apply(repo, ENVIRONMENT)
        server = self.enterContext(Server(self.data, "--feast-repo", repo))
        channel = self.enterContext(grpc.insecure_channel(server.address))
        self.serving, self.writes = ServingServiceStub(channel), GrpcFeatureServerStub(channel)

    def ask(self, stub, *features, **entities):
        return stub.GetOnlineFeatures(GetOnlineFeaturesRequest(
            features=FeatureList(val=features), entities={name: RepeatedValue(val=[Value(int64_val=value) for value in values]) for name, values in entities.items()}))

    def test_what_is_written_is_read(self):
        self.assertTrue(self.serving.GetFeastServingInfo(GetFeastServingInfoRequest()).version)
        stamp = repository.NOW.isoformat()
        pushed = self.writes.Push(PushRequest(stream_feature_view="pushed_fresh", to="online", features={
            "driver_id": "7", "event_timestamp": stamp, "level": str(2**53 + 1), "word": "seven"}))
        self.assertTrue(pushed.status)
        written = self.writes.WriteToOnlineStore(WriteToOnlineStoreRequest(feature_view_name="fresh", typed_features={
            "driver_id": Value(int64_val=8), "event_timestamp": Value(string_val=stamp), "level": Value(int64_val=8), "word": Value(string_val="eight")}))
        self.assertTrue(written.status)
        for stub in (self.serving, self.writes):
            answer = self.ask(stub, "fresh:level", "fresh:word", driver_id=[7, 8, 9])
            self.assertEqual(list(answer.metadata.feature_names.val), ["driver_id", "level", "word"])
            _, levels, words = answer.results
            self.assertEqual([value.int64_val for value in levels.values], [2**53 + 1, 8, 0])
            self.assertEqual([value.WhichOneof("val") for value in words.values][:2], ["string_val", "string_val"])
            self.assertEqual(list(levels.statuses), [FieldStatus.PRESENT, FieldStatus.PRESENT, FieldStatus.NOT_FOUND])
            self.assertEqual(levels.event_timestamps[0].seconds, int(repository.NOW.timestamp()))

    def test_mistakes_are_told(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.ask(self.serving, "nothing:level", driver_id=[7])
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)
        self.assertIn("Feature view nothing does not exist in project credit", raised.exception.details())
        with self.assertRaises(grpc.RpcError) as raised:
            self.ask(self.serving, "fresh:nothing", driver_id=[7])
        self.assertIn(raised.exception.code(), (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT))


if __name__ == "__main__":
    unittest.main()
