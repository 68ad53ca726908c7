"""Traces: what a collector of OpenTelemetry gets of requests over HTTP/1.1, HTTP/2 and gRPC, read by
OpenTelemetry's own messages."""

import base64
import contextlib
import http.server
import json
import subprocess
import threading
import time
import unittest

import grpc
import tritonclient.grpc as triton
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

import grpc_test
import serving

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNSAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-00"
PREDICT = "/seaworthy/v1/endpoints/late/predict"
ROW = {"rows": [{"wind": 1.0, "hour": 2.0, "delay": 3.0}]}


def read(body):
    """OTLP's JSON as its message: ids are hexadecimal there, and base64 in protobuf's own JSON."""
    def walk(value):
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        ids = ("traceId", "spanId", "parentSpanId")
        return {key: base64.b64encode(bytes.fromhex(item)).decode() if key in ids else walk(item) for key, item in value.items()}
    return json_format.ParseDict(walk(json.loads(body)), trace_service_pb2.ExportTraceServiceRequest())


def attributes(of):
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in of.attributes}


class Collector:
    """Keeps what is posted to it; answers 503 as often as it is told first."""

    def __init__(self, failures=0):
        self.spans, self.resources, self.headers, self.posts = [], [], [], 0
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.posts += 1
                status = 503 if collector.posts <= failures else 200
                if status == 200 and self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json":
                    for part in read(body).resource_spans:
                        collector.resources.append(attributes(part.resource))
                        for scope in part.scope_spans:
                            collector.spans.extend(scope.spans)
                    collector.headers.append(dict(self.headers))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def named(self, name, count=1):
        """Waits for so many spans of that name."""
        for _ in range(1000):
            found = [span for span in list(self.spans) if span.name == name]
            if len(found) >= count:
                return found
            time.sleep(0.01)
        raise AssertionError(f"{name}: {sorted(span.name for span in self.spans)}")

    def children(self, span):
        return {child.name: child for child in list(self.spans) if child.parent_span_id == span.span_id}


class TracesTest(serving.ServingTest):
    @contextlib.contextmanager
    def traced(self, *arguments, failures=0):
        with Collector(failures) as collector:
            with self.server("--otlp-endpoint", collector.url, *arguments) as server:
                yield server, collector

    def assert_prediction(self, collector, span, request_id):
        """The stages of one prediction hang on its request, one after the other."""
        collector.named("output", len(collector.named("predict")))
        predict = collector.children(span)["predict"]
        self.assertEqual(predict.trace_id, span.trace_id)
        known = attributes(predict)
        self.assertEqual((known["seaworthy.endpoint"], known["seaworthy.version"], known["seaworthy.rows"]), ("late", 1, 1))
        if request_id:
            self.assertEqual(known["seaworthy.request_id"], request_id)
        stages = collector.children(predict)
        self.assertEqual(set(stages), {"input", "queue", "score", "output"})
        times = [predict.start_time_unix_nano]
        for name in ("input", "queue", "score", "output"):
            self.assertEqual(stages[name].start_time_unix_nano, times[-1])
            times.append(stages[name].end_time_unix_nano)
        self.assertEqual(times, sorted(times))
        self.assertEqual(times[-1], predict.end_time_unix_nano)
        self.assertLessEqual(span.start_time_unix_nano, predict.start_time_unix_nano)
        self.assertLess(abs(span.start_time_unix_nano - time.time_ns()), 60e9)

    def test_a_request_over_http_1_is_a_span_with_its_stages(self):
        with self.traced("--otlp-headers", "api-key=se%20cret") as (server, collector):
            status, answer = server.post(PREDICT, ROW, {"traceparent": PARENT, "tracestate": "vendor=x"})
            self.assertEqual(status, 200)
            (span,) = collector.named("POST /seaworthy/v1/endpoints/{endpoint}/predict")
            self.assertEqual(span.trace_id.hex(), PARENT[3:35])
            self.assertEqual(span.parent_span_id.hex(), PARENT[36:52])
            self.assertEqual(span.trace_state, "vendor=x")
            self.assertEqual(span.kind, trace_pb2.Span.SPAN_KIND_SERVER)
            known = attributes(span)
            self.assertEqual(known["http.request.method"], "POST")
            self.assertEqual(known["http.route"], "/seaworthy/v1/endpoints/{endpoint}/predict")
            self.assertEqual(known["http.response.status_code"], 200)
            self.assertEqual(known["url.path"], PREDICT)
            self.assertEqual(known["network.protocol.version"], "1.1")
            self.assertEqual(known["seaworthy.request_id"], answer["request_id"])
            self.assert_prediction(collector, span, answer["request_id"])
            self.assertEqual(collector.resources[0]["service.name"], "seaworthy")
            self.assertTrue(collector.resources[0]["service.version"])
            self.assertEqual(collector.headers[0]["api-key"], "se cret")

    def test_a_request_over_http_2_begins_a_trace_of_its_own(self):
        with self.traced() as (server, collector):
            done = subprocess.run(["curl", "-s", "--http2-prior-knowledge", "-d", json.dumps(ROW), server.url + PREDICT],
                                  capture_output=True, text=True, check=True)
            (span,) = collector.named("POST /seaworthy/v1/endpoints/{endpoint}/predict")
            self.assertEqual(span.parent_span_id, b"")
            self.assertEqual(len(span.trace_id), 16)
            self.assertEqual(attributes(span)["network.protocol.version"], "2")
            self.assertRegex(attributes(span)["user_agent.original"], "^curl/")
            self.assert_prediction(collector, span, json.loads(done.stdout)["request_id"])

    def test_a_call_of_grpc_follows_the_conventions_of_rpc(self):
        with self.traced() as (server, collector), triton.InferenceServerClient(server.address) as client:
            client.infer("late", grpc_test.columns(serving.rows(1)), headers={"traceparent": PARENT})
            with self.assertRaises(triton.InferenceServerException):
                client.infer("nobody", grpc_test.columns(serving.rows(1)))
            good, bad = collector.named("inference.GRPCInferenceService/ModelInfer", 2)
            self.assertEqual(good.trace_id.hex(), PARENT[3:35])
            known = attributes(good)
            self.assertEqual(known["rpc.system.name"], "grpc")
            self.assertEqual(known["rpc.method"], "inference.GRPCInferenceService/ModelInfer")
            self.assertEqual(known["rpc.response.status_code"], grpc.StatusCode.OK.name)
            self.assertEqual(attributes(bad)["rpc.response.status_code"], grpc.StatusCode.NOT_FOUND.name)
            self.assert_prediction(collector, good, None)

    def test_a_failed_prediction_says_why(self):
        with self.traced() as (server, collector):
            self.assertEqual(server.post(PREDICT, {"rows": [{"wind": 1.0}]}, {"traceparent": PARENT})[0], 400)
            (predict,) = collector.named("predict")
            self.assertEqual(attributes(predict)["error.type"], "INVALID_ARGUMENT")
            self.assertEqual(predict.status.code, trace_pb2.Status.STATUS_CODE_ERROR)

    def test_the_ratio_is_of_requests_whose_client_does_not_say(self):
        with self.traced("--trace-ratio", "0") as (server, collector):
            server.post(PREDICT, ROW)
            server.post(PREDICT, ROW, {"traceparent": UNSAMPLED})
            server.post(PREDICT, ROW, {"traceparent": "00-rubbish"})
            server.get("/health", {"traceparent": PARENT})
            collector.named("GET /health")
            server.stop()
            self.assertEqual([span.name for span in collector.spans], ["GET /health"])

    def test_a_collector_that_fails_is_asked_again_and_the_end_sends_what_is_left(self):
        with self.traced(failures=2) as (server, collector):
            for _ in range(3):
                server.get("/health")
            server.stop()
            self.assertEqual(len(collector.named("GET /health", 3)), 3)
            self.assertGreaterEqual(collector.posts, 3)

    def test_a_collector_that_is_not_there_costs_no_request(self):
        with self.server("--otlp-endpoint", "http://127.0.0.1:1") as server:
            for _ in range(20):
                self.assertEqual(server.post(PREDICT, ROW)[0], 200)
            self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
