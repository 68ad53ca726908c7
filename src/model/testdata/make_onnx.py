"""Writes the ONNX models that onnx_test.cc and onnx_engine_test.cc read, and the fuzzer's seeds.

Run with the project's environment: .deps/venv/bin/python src/model/testdata/make_onnx.py
Weights are small integers, so that what each model answers can be told by heart.
"""

import json
import pathlib
import shutil

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

HERE = pathlib.Path(__file__).parent / "onnx"
CORPUS = pathlib.Path(__file__).parents[1] / "formats" / "corpus" / "onnx"


def make(name, nodes, inputs, outputs, weights=(), metadata=None):
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(numpy.asarray(value), key) for key, value in weights])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    if metadata:
        helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")
    return model


def dot(rows, name, shape_out=("N", 1), metadata=None):
    """x[rows, 3] -> x0 + 10 x1 + 100 x2 + 0.5."""
    return make(name, [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
                [("x", TensorProto.FLOAT, [rows, 3])], [("y", TensorProto.FLOAT, shape_out)],
                [("w", numpy.float32([[1], [10], [100]])), ("b", numpy.float32([0.5]))], metadata)


def columns():
    """One input a column, each of another type: a + 2 b + 1000 [c == "cold"] + 10 d + 100 e + f."""
    ml = {"domain": "ai.onnx.ml"}
    nodes = [
        helper.make_node("Cast", ["a"], ["a_"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["b", "b"], ["b_"]),
        helper.make_node("LabelEncoder", ["c"], ["c_"], keys_strings=["cold"], values_floats=[1000.0], default_float=0.0, **ml),
        helper.make_node("Cast", ["c_"], ["c__"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["d", "ten"], ["d_"]),
        helper.make_node("Cast", ["d_"], ["d__"], to=TensorProto.DOUBLE),
        helper.make_node("Cast", ["e"], ["e_"], to=TensorProto.DOUBLE),
        helper.make_node("Mul", ["e_", "hundred"], ["e__"]),
        helper.make_node("Cast", ["f"], ["f_"], to=TensorProto.DOUBLE),
        helper.make_node("Sum", ["a_", "b_", "c__", "d__", "e__", "f_"], ["total"]),
        helper.make_node("Neg", ["total"], ["negative"]),
    ]
    kinds = [("a", TensorProto.FLOAT), ("b", TensorProto.DOUBLE), ("c", TensorProto.STRING), ("d", TensorProto.INT64),
             ("e", TensorProto.BOOL), ("f", TensorProto.INT32)]
    make("columns", nodes, [(name, kind, ["N", 1]) for name, kind in kinds],
         [("total", TensorProto.DOUBLE, ["N", 1]), ("negative", TensorProto.DOUBLE, ["N", 1])],
         [("ten", numpy.int64([10])), ("hundred", numpy.float64([100]))])


def greedy():
    """Asks for as many values as its input says, or as many rounds."""
    make("values", [helper.make_node("Squeeze", ["x"], ["n"]), helper.make_node("Unsqueeze", ["n", "zero"], ["shape"]),
                    helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
                    helper.make_node("ReduceSum", ["zeros"], ["sum"], keepdims=0), helper.make_node("Cast", ["x"], ["x_"], to=TensorProto.FLOAT),
                    helper.make_node("Add", ["x_", "sum"], ["y"])],
         [("x", TensorProto.INT64, [1, 1])], [("y", TensorProto.FLOAT, [1, 1])], [("zero", numpy.int64([0]))])
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["sum", "one"], ["sum_on"])], "round",
        [helper.make_tensor_value_info("round", TensorProto.INT64, []), helper.make_tensor_value_info("go", TensorProto.BOOL, []),
         helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor_value_info("go_on", TensorProto.BOOL, []), helper.make_tensor_value_info("sum_on", TensorProto.FLOAT, [1, 1])],
        [numpy_helper.from_array(numpy.float32([[1]]), "one")])
    for name, least in (("rounds", 0), ("endless", 10**15)):
        make(name, [helper.make_node("Squeeze", ["x"], ["n"]), helper.make_node("Add", ["n", "least"], ["count"]),
                    helper.make_node("Loop", ["count", "go", "nothing"], ["y"], body=body)],
             [("x", TensorProto.INT64, [1, 1])], [("y", TensorProto.FLOAT, [1, 1])],
             [("go", numpy.array(True)), ("nothing", numpy.float32([[0]])), ("least", numpy.int64(least))])


def external():
    """The weight is in a file of its own, which the fixture's folder has."""
    model = dot("N", "external")
    (HERE / "external.bin").unlink(missing_ok=True)  # it would be appended to
    onnx.save(model, HERE / "external.onnx", save_as_external_data=True, location="external.bin", size_threshold=0)


def classifiers():
    rows = numpy.float32([[0, 0], [0, 1], [4, 0], [4, 1], [9, 0], [9, 1]])
    two = LogisticRegression().fit(rows, numpy.array([0, 0, 0, 1, 1, 1]))
    three = LogisticRegression().fit(rows, numpy.array(["a", "a", "b", "b", "c", "c"]))
    for name, model in (("two", two), ("three", three)):
        for zip_map in (True, False):
            made = to_onnx(model, rows[:1], options={"zipmap": zip_map}, target_opset=17)
            onnx.save(made, HERE / f"{name}_{'maps' if zip_map else 'tensor'}.onnx")


def main():
    HERE.mkdir(exist_ok=True)
    dot("N", "dot")
    dot("N", "named", metadata={"feature_names": json.dumps(["pressure", "heat", "flow"])})
    dot(1, "one_row", shape_out=(1, 1))
    dot(4, "four_rows", shape_out=(4, 1))
    dot("N", "open_output", shape_out=("N", "width"))
    make("open_input", [helper.make_node("ReduceSum", ["x", "axis"], ["y"], keepdims=1)],
         [("x", TensorProto.FLOAT, ["N", "columns"])], [("y", TensorProto.FLOAT, ["N", 1])], [("axis", numpy.int64([1]))])
    make("halves", [helper.make_node("Neg", ["x"], ["y"])], [("x", TensorProto.FLOAT16, ["N", 2])],
         [("y", TensorProto.FLOAT16, ["N", 2])])
    make("picture", [helper.make_node("Neg", ["x"], ["y"])], [("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
         [("y", TensorProto.FLOAT, ["N", 3, 8, 8])])
    columns()
    greedy()
    classifiers()
    CORPUS.mkdir(parents=True, exist_ok=True)
    external()
    for name in ("named", "columns", "two_maps", "external"):
        shutil.copy(HERE / f"{name}.onnx", CORPUS / name)


if __name__ == "__main__":
    main()
