"""Triton's asyncio client: `triton_asyncio.py HOST:PORT`, rows on standard input, what it saw on standard output."""

import asyncio
import json
import sys

import numpy
import tritonclient.http.aio as triton
from tritonclient.utils import InferenceServerException


def inputs_of(names, rows, binary=True):
    inputs = []
    for name, values in zip(names, zip(*rows)):
        inputs.append(triton.InferInput(name, [len(rows)], "FP64"))
        inputs[-1].set_data_from_numpy(numpy.array(values, dtype=float), binary_data=binary)
    return inputs


async def main(address, names, rows):
    seen = {}
    async with triton.InferenceServerClient(address) as client:
        seen["live"] = await client.is_server_live()
        seen["ready"] = [await client.is_server_ready(), await client.is_model_ready("late"), await client.is_model_ready("early")]
        seen["server"] = (await client.get_server_metadata())["name"]
        seen["inputs"] = [each["name"] for each in (await client.get_model_metadata("late"))["inputs"]]
        seen["index"] = [each["name"] for each in await client.get_model_repository_index()]
        for binary in (True, False):
            wanted = [triton.InferRequestedOutput("prediction", binary_data=binary)]
            result = await client.infer("late", inputs_of(names, rows, binary), outputs=wanted)
            seen[f"binary {binary}"] = result.as_numpy("prediction").tolist()
        alone = await asyncio.gather(*(client.infer("late", inputs_of(names, [row])) for row in rows))
        seen["at once"] = [result.as_numpy("prediction")[0] for result in alone]
        try:
            await client.infer("late", inputs_of(names, rows)[:2])
        except InferenceServerException as error:
            seen["refused"] = [error.status(), error.message()]
    return seen


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], **json.load(sys.stdin)))))
