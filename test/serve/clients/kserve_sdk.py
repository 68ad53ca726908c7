"""KServe's InferenceRESTClient: `kserve_sdk.py HOST:PORT`, rows on standard input, what it saw on standard output."""

import asyncio
import json
import sys

ADDRESS = sys.argv.pop()  # importing kserve reads the command line

import httpx  # noqa: E402
import numpy  # noqa: E402
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig  # noqa: E402


def request_of(names, rows, binary):
    inputs = []
    for name, values in zip(names, zip(*rows)):
        inputs.append(InferInput(name, [len(rows)], "FP64"))
        inputs[-1].set_data_from_numpy(numpy.array(values, dtype=float), binary_data=binary)
    return InferRequest(model_name="late", infer_inputs=inputs)


async def refusal(call):
    try:
        await call
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]


async def main(url, names, rows):
    seen = {}
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        seen["v1 live"] = await client.is_server_live(url)
        seen["v1 ready"] = await client.is_model_ready(url, "late")
        seen["v1"] = (await client.infer(url, {"instances": rows}, "late"))["predictions"]
        seen["v1 refused"] = await refusal(client.infer(url, {"instances": [[1, 2]]}, "late"))
        seen["v1 unknown"] = await refusal(client.is_model_ready(url, "early"))
        seen["v1 explain"] = await refusal(client.explain(url, "late", {"instances": rows}))
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        seen["v2 live"] = [await client.is_server_live(url), await client.is_server_ready(url)]
        seen["v2 ready"] = [await client.is_model_ready(url, "late"), await client.is_model_ready(url, "early")]
        for binary in (True, False):
            answer = await client.infer(url, request_of(names, rows, binary), "late")
            seen[f"v2 binary {binary}"] = answer.outputs[0].as_numpy().tolist()
        short = request_of(names, rows, True)
        short.inputs.pop()
        seen["v2 refused"] = await refusal(client.infer(url, short, "late"))
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main("http://" + ADDRESS, **json.load(sys.stdin)))))
