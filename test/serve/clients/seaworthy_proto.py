"""Stubs that grpc_tools generates from the server's own seaworthy.proto: `seaworthy_proto.py HOST:PORT FOLDER`, rows on
standard input, what it saw on standard output."""

import json
import math
import sys
import urllib.request

import grpc
from grpc_tools import protoc

ADDRESS, FOLDER = sys.argv[1:]
with urllib.request.urlopen(f"http://{ADDRESS}/seaworthy/v1/seaworthy.proto", timeout=60) as answer, open(f"{FOLDER}/seaworthy.proto", "wb") as file:
    file.write(answer.read())
assert protoc.main(["protoc", f"-I{FOLDER}", f"--python_out={FOLDER}", f"--grpc_python_out={FOLDER}", f"{FOLDER}/seaworthy.proto"]) == 0
sys.path.insert(0, FOLDER)
import seaworthy_pb2 as sw  # noqa: E402
import seaworthy_pb2_grpc  # noqa: E402


def row(values):
    return sw.Row(values={name: sw.Value() if math.isnan(value) else sw.Value(number=value) for name, value in values.items()})


def refusal(call, request):
    try:
        call(request)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


def streamed(stub, rows):
    requests = [sw.PredictRequest(endpoint="late", rows=[row(each)], tag=str(i)) for i, each in enumerate(rows)]
    requests.insert(1, sw.PredictRequest(endpoint="early", rows=requests[0].rows, tag="refused"))
    return [[each.tag, each.refusal.code or each.response.predictions[0].score] for each in stub.PredictStream(iter(requests))]


def told(stub, ids):
    request = sw.LabelRequest(endpoint="late", producer="truth", sequence=1)
    request.labels.extend(sw.LabelRequest.Label(id=each, label=i % 2) for i, each in enumerate(ids))
    first, again = stub.Label(request), stub.Label(request)
    request.labels.add(id="unknown", label=1)
    request.sequence = 2
    unknown = stub.Label(request)
    return [[each.accepted, each.repeated, each.unknown_count, list(each.unknown)] for each in (first, again, unknown)]


def main(names, rows, arrow):
    rows = [dict(zip(names, each)) for each in rows]
    with grpc.insecure_channel(ADDRESS) as channel:
        stub = seaworthy_pb2_grpc.PredictionsStub(channel)
        whole = sw.PredictRequest(endpoint="late", rows=map(row, rows))
        answer = stub.Predict(whole)
        table = stub.Predict(sw.PredictRequest(endpoint="late", arrow=bytes.fromhex(arrow))).arrow
        short = {name: rows[0][name] for name in names[1:]}
        return {"scores": [each.score for each in answer.predictions], "decisions": [each.decision for each in answer.predictions],
                "arms": sorted({each.arm for each in answer.predictions}), "arrow": table.hex(), "stream": streamed(stub, rows[:50]),
                "labels": told(stub, [each.id for each in answer.predictions[:10]]),
                "extra": stub.Predict(sw.PredictRequest(endpoint="late", rows=[row({**rows[1], "wnd": 1.0})])).predictions[0].score,
                "pinned": stub.Predict(sw.PredictRequest(endpoint="late", rows=whole.rows[:1], version=1)).predictions[0].arm,
                "refusals": {"missing": refusal(stub.Predict, sw.PredictRequest(endpoint="late", rows=[row(short)])),
                             "type": refusal(stub.Predict, sw.PredictRequest(endpoint="late", rows=[sw.Row(values={names[0]: sw.Value(text="a")})])),
                             "endpoint": refusal(stub.Predict, sw.PredictRequest(endpoint="early", rows=whole.rows[:1])),
                             "label": refusal(stub.Label, sw.LabelRequest(endpoint="late", labels=[sw.LabelRequest.Label(id="a", label=0.5)]))}}


if __name__ == "__main__":
    print(json.dumps(main(**json.load(sys.stdin))))
