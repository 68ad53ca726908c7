"""Triton's Python backend around ONNX Runtime."""

import json

import onnxruntime
import triton_python_backend_utils as triton


class TritonPythonModel:
    def initialize(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = json.loads(args["model_config"])["parameters"]["model"]["string_value"]
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def execute(self, requests):
        answers = []
        for request in requests:
            rows = triton.get_input_tensor_by_name(request, "input").as_numpy()
            scores = self.session.run(["probabilities"], {"input": rows})[0][:, 1]
            answers.append(triton.InferenceResponse([triton.Tensor("prediction", scores)]))
        return answers
