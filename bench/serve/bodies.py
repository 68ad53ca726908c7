"""The same rows as each wire carries them, and what a right answer to each has."""

import json
import struct

import numpy

import load
from load import Request

GRPC_FRAME_BYTES = 5
OFF_MAX = 1e-5        # of rivals that score in floats
OUR_OFF_MAX = 1e-15   # the exponential is our own: the last bit may differ from LightGBM's
JSON = {"Content-Type": "application/json"}


def v2_json(rows, model="late"):
    tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": rows.ravel().tolist()}
    return Request(f"/v2/models/{model}/infer", JSON, json.dumps({"inputs": [tensor]}).encode())


def v2_binary(rows, model="late"):
    cells = rows.astype("<f4").tobytes()
    tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "parameters": {"binary_data_size": len(cells)}}
    output = {"name": "prediction", "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Request(f"/v2/models/{model}/infer", headers, head + cells)


def mlflow(rows):
    return Request("/invocations", JSON, json.dumps({"inputs": rows.tolist()}).encode())


def kserve_v1(rows, model="late"):
    return Request(f"/v1/models/{model}:predict", JSON, json.dumps({"instances": rows.tolist()}).encode())


def grpc(rows, model="late"):
    """A ModelInfer message with raw contents, in gRPC's frame."""
    from tritonclient.grpc import service_pb2
    message = service_pb2.ModelInferRequest(model_name=model, raw_input_contents=[rows.astype("<f4").tobytes()])
    message.inputs.add(name="input", datatype="FP32", shape=rows.shape)
    encoded = message.SerializeToString()
    return struct.pack(">BI", 0, len(encoded)) + encoded


def grpc_answer_bytes(port, rows, expected):
    """How long a right answer's DATA is. ValueError for a wrong one; grpc's own errors."""
    import tritonclient.grpc as triton
    given = triton.InferInput("input", rows.shape, "FP32")
    given.set_data_from_numpy(rows.astype("<f4"))
    with triton.InferenceServerClient(f"127.0.0.1:{port}") as client:
        answer = client.infer("late", [given])
    found = answer.get_response()
    output = found.outputs[0]
    scores = numpy.frombuffer(found.raw_output_contents[0], {"FP64": "<f8", "FP32": "<f4"}[output.datatype]).astype(float)
    if scores.shape != expected.shape or numpy.abs(scores - expected).max() > 1e-5:
        raise ValueError(f"gRPC answers {scores}, not {expected}")
    return len(found.SerializeToString()) + GRPC_FRAME_BYTES


def scores_in(wire, headers, body):
    """(the scores of an answer, the part of its body that has them)."""
    length = headers.get("Inference-Header-Content-Length")
    if length is not None:
        head, tail = json.loads(body[:int(length)]), body[int(length):]
        kind = {"FP64": "<f8", "FP32": "<f4"}[head["outputs"][0]["datatype"]]
        return numpy.frombuffer(tail, kind).astype(float), tail
    part = load.DATA[wire].search(body).group(0)
    return numpy.ravel(json.loads(b"{" + part + b"}").popitem()[1]).astype(float), part


def checked(port, wire, requests, expected, off_max=OFF_MAX):
    """Asks each once: the parts that right answers have. ValueError for a wrong one."""
    parts = []
    for request, scores in zip(requests, expected, strict=True):
        headers, body = load.ask(port, request)
        found, part = scores_in(wire, headers, body)
        off = numpy.abs(found - scores).max() if found.shape == scores.shape else numpy.inf
        if not off <= off_max:
            raise ValueError(f"an answer is off by {off:.1e}: {body[:200]!r}")
        parts.append(part)
    return parts
