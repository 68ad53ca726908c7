"""gRPC by clients that we did not write: tritonclient's (blocking, streaming, asyncio), the health checking and
reflection of the gRPC authors; over clear HTTP/2 and over TLS; and a drain that loses no call."""

import asyncio
import queue
import signal
import threading
import time
import unittest

import grpc
import numpy
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from google.protobuf.descriptor_pool import DescriptorPool
from tritonclient.grpc import model_config_pb2, service_pb2
from tritonclient.utils import InferenceServerException

import serving
from serving import NAMES


def columns(x, datatype="FP64", module=triton):
    real = {"FP64": numpy.float64, "FP32": numpy.float32}[datatype]
    inputs = []
    for i, name in enumerate(NAMES):
        inputs.append(module.InferInput(name, [len(x)], datatype))
        inputs[-1].set_data_from_numpy(x[:, i].astype(real))
    return inputs


def http_scores(server, x):
    """The same rows over our own JSON: the bits that every wire must have."""
    rows = [{name: None if numpy.isnan(value) else value for name, value in zip(NAMES, row)} for row in x.tolist()]
    status, answer = server.post("/seaworthy/v1/endpoints/late/predict", {"rows": rows})
    assert status == 200, answer
    return [row["score"] for row in answer["predictions"]]


class GrpcTest(serving.ServingTest):
    def test_tritonclient(self):
        with self.server() as server, triton.InferenceServerClient(server.address) as client:
            self.assertTrue(client.is_server_live() and client.is_server_ready() and client.is_model_ready("late"))
            self.assertFalse(client.is_model_ready("early"))
            self.assertEqual(client.get_server_metadata().name, "seaworthy")
            metadata = client.get_model_metadata("late")
            self.assertEqual([(each.name, each.datatype) for each in metadata.inputs], [(name, "FP64") for name in NAMES])
            config = client.get_model_config("late").config
            self.assertEqual([each.data_type for each in config.input], [model_config_pb2.TYPE_FP64] * 3)
            self.assertEqual([(each.name, each.state) for each in client.get_model_repository_index().models], [("late", "READY")])
            client.load_model("late")
            x = serving.rows(1000)
            self.assertEqual(client.infer("late", columns(x)).as_numpy("prediction").tolist(), http_scores(server, x))
            self.assertEqual(client.infer("late", columns(x, "FP32")).as_numpy("prediction").tolist(), http_scores(server, x))
            packed = client.infer("late", columns(x), compression_algorithm="gzip")
            self.assertEqual(packed.as_numpy("prediction").tolist(), http_scores(server, x))
            matrix = triton.InferInput("input", [3, 3], "FP64")
            matrix.set_data_from_numpy(x[:3])
            wanted = [triton.InferRequestedOutput(name) for name in ("prediction", "decision", "version", "prediction_id")]
            result = client.infer("late", [matrix], outputs=wanted, request_id="mine", parameters={"prediction_id": "p"})
            self.assertEqual(result.as_numpy("prediction").tolist(), http_scores(server, x[:3]))
            self.assertEqual(result.as_numpy("prediction_id").tolist(), [b"p-0", b"p-1", b"p-2"])
            self.assertEqual((result.get_response().id, result.as_numpy("version").tolist()), ("mine", [1, 1, 1]))
            statistics = client.get_inference_statistics("late").model_stats[0]
            self.assertEqual((statistics.version, statistics.inference_stats.success.count), ("1", 8))
            self.check_refusals(client)

    def check_refusals(self, client):
        x = serving.rows(2)
        short = columns(x)
        short[0].set_shape([3])
        text = triton.InferInput("wind", [2], "BYTES")
        text.set_data_from_numpy(numpy.array([b"a", b"b"], dtype=object))
        cases = ((columns(x)[:2], {}, "INVALID_ARGUMENT", "input delay is missing"),
                 (columns(x) + [triton.InferInput("wnd", [2], "FP64").set_data_from_numpy(x[:, 0])], {}, "INVALID_ARGUMENT", "unexpected input wnd"),
                 ([text] + columns(x)[1:], {}, "INVALID_ARGUMENT", "input wind is BYTES, the model reads FP64"),
                 (short, {}, "INVALID_ARGUMENT", "3 values of FP64 are 24 bytes, found 16"),
                 (columns(x), {"model_name": "early"}, "NOT_FOUND", "unknown model early"),
                 (columns(x), {"model_version": "9"}, "NOT_FOUND", "model late has no version 9"),
                 (columns(x), {"outputs": [triton.InferRequestedOutput("nothing")]}, "INVALID_ARGUMENT", "unexpected output nothing"))
        for inputs, more, code, message in cases:
            with self.assertRaises(InferenceServerException) as refused:
                client.infer(**{"model_name": "late", "inputs": inputs, **more})
            self.assertIn(code, refused.exception.status())
            self.assertIn(message, refused.exception.message())
        with self.assertRaises(InferenceServerException) as refused:
            client.unload_model("late")
        self.assertIn("UNIMPLEMENTED", refused.exception.status())

    def test_typed_contents(self):
        """What no client of Triton sends, but KServe's and MLServer's do: values in their own fields."""
        x = serving.rows(5)
        with self.server() as server, grpc.insecure_channel(server.address) as channel:
            infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer",
                                        request_serializer=service_pb2.ModelInferRequest.SerializeToString,
                                        response_deserializer=service_pb2.ModelInferResponse.FromString)
            request = service_pb2.ModelInferRequest(model_name="late", id="7")
            for i, name in enumerate(NAMES):
                tensor = request.inputs.add(name=name, datatype="FP64", shape=[5])
                tensor.contents.fp64_contents.extend(x[:, i])
            answer = infer(request)
            self.assertEqual(list(answer.outputs[0].contents.fp64_contents), http_scores(server, x))
            request.inputs[1].contents.fp64_contents.pop()
            for change, message in ((lambda: None, "input hour: 4 values, its shape is of 5"),
                                    (lambda: request.inputs[1].contents.int_contents.append(1), "not in the field of FP64"),
                                    (lambda: request.raw_input_contents.append(b""), "1 raw_input_contents for 3 inputs")):
                change()
                with self.assertRaises(grpc.RpcError) as refused:
                    infer(request)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
                self.assertIn(message, refused.exception.details())
            info = error_details_pb2.ErrorInfo()
            self.assertTrue(rpc_status.from_call(refused.exception).details[0].Unpack(info))
            self.assertEqual((info.reason, info.domain), ("INVALID_ARGUMENT", "seaworthy"))

    def test_streams(self):
        x = serving.rows(200)
        with self.server() as server, triton.InferenceServerClient(server.address) as client:
            expected = http_scores(server, x)
            heard = queue.Queue()
            client.start_stream(callback=lambda result, error: heard.put((result, error)))
            for i in range(200):
                client.async_stream_infer("late", columns(x[i:i + 1]), request_id=str(i))
            client.async_stream_infer("early", columns(x[:1]), request_id="bad")
            client.async_stream_infer("late", columns(x[:1]), request_id="after")
            for i in range(200):
                result, error = heard.get(timeout=30)
                self.assertIsNone(error)
                self.assertEqual((result.get_response().id, result.as_numpy("prediction").tolist()), (str(i), [expected[i]]))
            self.assertIn("unknown model early", str(heard.get(timeout=30)[1]))
            self.assertEqual(heard.get(timeout=30)[0].get_response().id, "after")  # the stream goes on
            client.stop_stream()

    def test_asyncio(self):
        x = serving.rows(64)

        async def ask(address):
            async with triton_aio.InferenceServerClient(address) as client:
                answers = await asyncio.gather(*(client.infer("late", columns(x[i:i + 1], module=triton_aio)) for i in range(64)))
                return [answer.as_numpy("prediction")[0] for answer in answers]

        with self.server() as server:
            self.assertEqual(asyncio.run(ask(server.address)), http_scores(server, x))

    def test_health_and_reflection(self):
        with self.server("--drain-delay", "2s") as server, grpc.insecure_channel(server.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", "inference.GRPCInferenceService"):
                self.assertEqual(health.Check(health_pb2.HealthCheckRequest(service=service)).status, health_pb2.HealthCheckResponse.SERVING)
            with self.assertRaises(grpc.RpcError) as refused:
                health.Check(health_pb2.HealthCheckRequest(service="none"))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)
            unknown = health.Watch(health_pb2.HealthCheckRequest(service="none"))
            self.assertEqual(next(unknown).status, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
            unknown.cancel()
            database = ProtoReflectionDescriptorDatabase(channel)
            self.assertIn("inference.GRPCInferenceService", database.get_services())
            ours = DescriptorPool(database).FindServiceByName("inference.GRPCInferenceService")
            self.check_like_tritons(ours)
            watch = health.Watch(health_pb2.HealthCheckRequest())
            self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.SERVING)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(next(watch).status, health_pb2.HealthCheckResponse.NOT_SERVING)
            self.assertEqual(server.get("/v2/health/ready")[0], 503)
            self.assertEqual(server.get("/v2/health/live")[0], 200)  # it still answers what comes
            watch.cancel()

    def check_like_tritons(self, ours):
        """Each message of ours, field by field, as tritonclient has it."""
        theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
        seen, waiting = set(), []
        for method in ours.methods:
            other = theirs.methods_by_name[method.name]
            waiting += [(method.input_type, other.input_type), (method.output_type, other.output_type)]
        while waiting:
            mine, other = waiting.pop()
            if mine.full_name in seen:
                continue
            seen.add(mine.full_name)
            for field in mine.fields:
                like = other.fields_by_number[field.number]
                self.assertEqual((field.name, field.type, field.is_repeated), (like.name, like.type, like.is_repeated), mine.full_name)
                if field.message_type:
                    waiting.append((field.message_type, like.message_type))
        self.assertGreater(len(seen), 25)

    def test_cancelled_and_broken_calls(self):
        with self.server() as server, grpc.insecure_channel(server.address) as channel:
            infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
            for _ in range(3000):
                infer.future(b"").cancel()
            with self.assertRaises(grpc.RpcError) as refused:
                infer(b"")
            self.assertEqual(refused.exception.code(), grpc.StatusCode.NOT_FOUND)  # and not cut off as an attacker
            with self.assertRaises(grpc.RpcError) as unknown:
                channel.unary_unary("/inference.GRPCInferenceService/Nothing")(b"")
            self.assertEqual(unknown.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
            with self.assertRaises(grpc.RpcError) as broken:
                infer(b"\xff\xff")
            self.assertEqual(broken.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)

    def test_tls(self):
        serving.certificate(self.folder)
        x = serving.rows(10)
        with self.server("--tls-cert", self.folder / "cert.pem", "--tls-key", self.folder / "key.pem") as server:
            address = "localhost:" + server.address.split(":")[1]
            with triton.InferenceServerClient(address, ssl=True, root_certificates=str(self.folder / "cert.pem")) as client:
                self.assertEqual(client.infer("late", columns(x)).as_numpy("prediction").tolist(), http_scores(server, x))
            with triton.InferenceServerClient(address) as clear:  # on the same port
                self.assertTrue(clear.is_server_live())

    def test_a_drain_loses_no_call(self):
        """Callers that wait for ready go on to the server which takes the port over."""
        x = serving.rows(1)
        with self.server() as first:
            port = first.address.split(":")[1]
            failures, calls, stop = [], [0], threading.Event()

            def call(i):
                request = service_pb2.ModelInferRequest(model_name="late")
                for k, name in enumerate(NAMES):
                    request.inputs.add(name=name, datatype="FP64", shape=[1]).contents.fp64_contents.append(x[0, k] if x[0, k] == x[0, k] else 0.0)
                with grpc.insecure_channel(first.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
                    infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer",
                                                request_serializer=service_pb2.ModelInferRequest.SerializeToString,
                                                response_deserializer=service_pb2.ModelInferResponse.FromString)
                    while not stop.is_set():
                        try:
                            infer(request, wait_for_ready=True, timeout=30)
                            calls[0] += 1
                        except grpc.RpcError as error:
                            failures.append(f"{error.code()} {error.details()}")

            callers = [threading.Thread(target=call, args=(i,)) for i in range(6)]
            for caller in callers:
                caller.start()
            time.sleep(1)
            first.process.send_signal(signal.SIGTERM)
            first.process.wait(timeout=30)
            before = calls[0]
            with self.server(listen=f"127.0.0.1:{port}"):
                time.sleep(3)
                stop.set()
                for caller in callers:
                    caller.join(timeout=60)
            self.assertEqual(failures, [])
            self.assertGreater(before, 100)
            self.assertGreater(calls[0], before + 100)


if __name__ == "__main__":
    unittest.main()
