"""FastAPI around ONNX Runtime, as one writes it by hand: Open Inference V2 in JSON. MODEL is the file's path."""

import os

import fastapi
import numpy
import onnxruntime
import pydantic

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
app = fastapi.FastAPI()


class Tensor(pydantic.BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[float]


class Infer(pydantic.BaseModel):
    inputs: list[Tensor]


@app.get("/v2/health/ready")
async def ready():
    return {"ready": True}


@app.post("/v2/models/late/infer")
async def infer(request: Infer):
    rows = numpy.array(request.inputs[0].data, dtype=numpy.float32).reshape(request.inputs[0].shape)
    scores = session.run(["probabilities"], {"input": rows})[0][:, 1]
    return {"model_name": "late", "outputs": [{"name": "prediction", "shape": [len(scores)], "datatype": "FP32", "data": scores.tolist()}]}
