"""tensorflow-serving-api's stubs: `tensorflow_serving_api.py HOST:PORT`, rows on standard input, what it saw on
standard output."""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import grpc  # noqa: E402
import tensorflow as tf  # noqa: E402
from google.protobuf import wrappers_pb2  # noqa: E402
from tensorflow_serving.apis import (classification_pb2, get_model_metadata_pb2, get_model_status_pb2, inference_pb2,  # noqa: E402
                                     model_management_pb2, model_pb2, model_service_pb2, model_service_pb2_grpc, predict_pb2,
                                     prediction_service_pb2, prediction_service_pb2_grpc, regression_pb2)

LATE = model_pb2.ModelSpec(name="late")


def predict_request(inputs, spec=LATE, **more):
    request = predict_pb2.PredictRequest(model_spec=spec, **more)
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tensor)
    return request


def tensors(names, rows, dtype):
    return {name: tf.make_tensor_proto(list(values), dtype=dtype) for name, values in zip(names, zip(*rows))}


def example(names, row):
    return tf.train.Example(features=tf.train.Features(feature={
        name: tf.train.Feature(float_list=tf.train.FloatList(value=[value])) for name, value in zip(names, row)}))


def refusal(call, request):
    try:
        call(request)
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


def fields():
    """Each message that the services' methods reach, by name: {number: [name, type, is repeated]}."""
    seen, waiting = {}, [get_model_metadata_pb2.SignatureDefMap.DESCRIPTOR]
    for service in (prediction_service_pb2.DESCRIPTOR.services_by_name["PredictionService"],
                    model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]):
        for method in service.methods:
            waiting += [method.input_type, method.output_type]
    while waiting:
        message = waiting.pop()
        if message.full_name in seen:
            continue
        seen[message.full_name] = {field.number: [field.name, field.type, field.is_repeated] for field in message.fields}
        waiting += [field.message_type for field in message.fields if field.message_type]
    enums = {each.full_name: dict(each.values_by_name.items()) for each in
             (tf.compat.v1.TensorInfo.DESCRIPTOR.fields_by_name["dtype"].enum_type,
              get_model_status_pb2.ModelVersionStatus.DESCRIPTOR.enum_types_by_name["State"])}
    return seen, {name: {value: each.number for value, each in values.items()} for name, values in enums.items()}


def scores(stub, inputs):
    return tf.make_ndarray(stub.Predict(predict_request(inputs)).outputs["prediction"]).tolist()


def predictions(stub, names, rows):
    same = [rows[0][:1] + rows[0][1:]] * 5
    one = {name: tf.make_tensor_proto(value, dtype=tf.float64, shape=[5]) for name, value in zip(names, rows[0])}
    assert len(one[names[0]].double_val) == 1
    pinned = model_pb2.ModelSpec(name="late", version=wrappers_pb2.Int64Value(value=1), signature_name="serving_default")
    full = stub.Predict(predict_request(tensors(names, rows[:2], tf.float64), pinned, output_filter=["prediction_id", "decision", "version"]))
    return {"float64": scores(stub, tensors(names, rows, tf.float64)), "float32": scores(stub, tensors(names, rows, tf.float32)),
            "matrix": scores(stub, {"inputs": tf.make_tensor_proto(rows, dtype=tf.float64)}),
            "one value": scores(stub, one), "five values": scores(stub, tensors(names, same, tf.float64)),
            "outputs": {name: tf.make_ndarray(tensor).astype(str).tolist() for name, tensor in full.outputs.items()},
            "version": full.model_spec.version.value}


def examples(stub, names, rows):
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.extend(example(names, row) for row in rows)
    for method in ("classify", "regress"):
        request.tasks.add(model_spec=LATE, method_name="tensorflow/serving/" + method)
    both = stub.MultiInference(request).results
    regressed = stub.Regress(regression_pb2.RegressionRequest(model_spec=LATE, input=request.input)).result
    shared = classification_pb2.ClassificationRequest(model_spec=LATE)
    shared.input.example_list_with_context.context.CopyFrom(example(names[:1], rows[0][:1]))
    shared.input.example_list_with_context.examples.extend(example(names[1:], row[1:]) for row in rows)
    return {"regress": [each.value for each in regressed.regressions],
            "multi regress": [each.value for each in both[1].regression_result.regressions],
            "multi classify": [[[each.label, each.score] for each in row.classes] for row in both[0].classification_result.classifications],
            "shared classify": [row.classes[1].score for row in stub.Classify(shared).result.classifications]}


def refusals(stub, models, names, rows):
    good = tensors(names, rows[:2], tf.float64)
    word = tf.make_tensor_proto(["a", "b"])
    reload = model_management_pb2.ReloadConfigRequest()
    reload.config.model_config_list.config.add(name="late", base_path="/models/late", model_platform="tensorflow")
    return {
        "missing": refusal(stub.Predict, predict_request({name: good[name] for name in names[:2]})),
        "unexpected": refusal(stub.Predict, predict_request({**good, "wnd": good[names[0]]})),
        "type": refusal(stub.Predict, predict_request({**good, names[0]: word})),
        "shape": refusal(stub.Predict, predict_request({**good, names[0]: tf.make_tensor_proto([[1.0, 2.0]])})),
        "rows": refusal(stub.Predict, predict_request({**good, names[2]: tf.make_tensor_proto([1.0])})),
        "size": refusal(stub.Predict, predict_request({**good, names[0]: tf.make_tensor_proto(1.0, shape=[50_000_000])})),
        "model": refusal(stub.Predict, predict_request(good, model_pb2.ModelSpec(name="early"))),
        "label": refusal(stub.Predict, predict_request(good, model_pb2.ModelSpec(name="late", version_label="canary"))),
        "signature": refusal(stub.Predict, predict_request(good, model_pb2.ModelSpec(name="late", signature_name="other"))),
        "output": refusal(stub.Predict, predict_request(good, output_filter=["nothing"])),
        "reload": refusal(models.HandleReloadConfigRequest, reload)}


def main(address, names, rows, fine):
    with grpc.insecure_channel(address) as channel:
        stub, models = prediction_service_pb2_grpc.PredictionServiceStub(channel), model_service_pb2_grpc.ModelServiceStub(channel)
        metadata = stub.GetModelMetadata(get_model_metadata_pb2.GetModelMetadataRequest(model_spec=LATE, metadata_field=["signature_def"]))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        assert metadata.metadata["signature_def"].Unpack(signatures)
        signature = signatures.signature_def["serving_default"]
        status = models.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(model_spec=LATE)).model_version_status
        messages, enums = fields()
        return {"inputs": {name: tf.as_dtype(info.dtype).name for name, info in signature.inputs.items()},
                "outputs": list(signature.outputs), "states": [[each.version, each.state, each.status.error_code] for each in status],
                "predictions": predictions(stub, names, rows), "examples": examples(stub, names, rows),
                "fine": [scores(stub, tensors(names, [fine], dtype))[0] for dtype in (tf.float64, tf.float32)],
                "refusals": refusals(stub, models, names, rows), "messages": messages, "enums": enums}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], **json.load(sys.stdin))))
