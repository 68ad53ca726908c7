"""The engines of the scoring benchmark, each as a function of rows.

A function returns (name, {one_row_ns, batch_ns}, raw scores of all rows), or None where it cannot read
the model. Engines with a C interface run in score_program; the rest in this process, where the cost of
their Python call counts, as it does for their users. CPU time, one thread, the least of several passes.
"""

import json
import os
import pathlib
import subprocess
import time

import numpy

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

BATCH = 4096
ONE_ROW_SAMPLE = 2048


def for_model(path, root, scratch):
    """The original library first."""
    is_lightgbm = path.suffix == ".txt"
    original = "lightgbm" if is_lightgbm else "xgboost"
    yield lambda rows: in_program(root, scratch, original, original, path, library_of(original), rows)
    yield lambda rows: in_program(root, scratch, "seaworthy", "seaworthy", path, "-", rows)
    yield lambda rows: tl2cgen_engine(root, scratch, path, is_lightgbm, rows)
    if is_lightgbm:
        yield lambda rows: lleaves_engine(root, scratch, path, rows, one_block=True)
        yield lambda rows: lleaves_engine(root, scratch, path, rows, one_block=False)
    yield lambda rows: lignum_engine(path, rows, compiled=False)
    yield lambda rows: lignum_engine(path, rows, compiled=True)
    yield lambda rows: onnx_engine(path, is_lightgbm, rows)


def library_of(name):
    if name == "lightgbm":
        import lightgbm
        return str(pathlib.Path(lightgbm.__file__).parent / "lib" / "lib_lightgbm.so")
    import xgboost
    return str(pathlib.Path(xgboost.__file__).parent / "lib" / "libxgboost.so")


def in_program(root, scratch, name, kind, model, library, rows):
    rows.tofile(scratch / "rows.f64")
    program = root / "build" / "release" / "bin" / "score_program"
    done = subprocess.run(["taskset", "-c", "1", program, kind, model, library, scratch / "rows.f64", str(rows.shape[1]),
                           scratch / "scores.f64"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"  {name}: {done.stderr.strip()[:200]}")
        return None
    return name, json.loads(done.stdout), numpy.fromfile(scratch / "scores.f64")


def in_process(name, predict, rows):
    """`predict` maps rows to raw scores."""
    def seconds_of(batch, count):
        best = float("inf")
        for _ in range(3):
            before = time.process_time()
            for first in range(0, count, batch):
                predict(rows[first:first + batch])
            best = min(best, time.process_time() - before)
        return best
    scores = numpy.concatenate([numpy.asarray(predict(rows[first:first + BATCH]), dtype=float).reshape(-1)
                                for first in range(0, len(rows), BATCH)])
    return name, {"one_row_ns": seconds_of(1, ONE_ROW_SAMPLE) / ONE_ROW_SAMPLE * 1e9,
                  "batch_ns": seconds_of(BATCH, len(rows)) / len(rows) * 1e9}, scores


def tl2cgen_engine(root, scratch, path, is_lightgbm, rows):
    import tl2cgen
    import treelite
    if path.stat().st_size > 5_000_000:
        print("  tl2cgen: not compiled, the model is too large for a C compiler in minutes")
        return None
    load = treelite.frontend.load_lightgbm_model if is_lightgbm else treelite.frontend.load_xgboost_model
    tl2cgen.generate_c_code(load(str(path)), dirpath=str(scratch / "tl2cgen"), params={})
    sources = sorted((scratch / "tl2cgen").glob("*.c"))
    subprocess.run(["gcc", "-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", "-o", scratch / "tl2cgen.so", *sources], check=True)
    kind = "tl2cgen" if is_lightgbm else "tl2cgen-float"
    return in_program(root, scratch, "tl2cgen 1.0, gcc -O3", kind, path, scratch / "tl2cgen.so", rows)


def lleaves_engine(root, scratch, path, rows, one_block):
    import lleaves
    name = "lleaves 1.3, one block" if one_block else "lleaves 1.3"
    if path.stat().st_size > 5_000_000:
        print(f"  {name}: not compiled, the model is too large for LLVM in minutes")
        return None
    model = lleaves.Model(model_file=str(path))
    code = scratch / ("one.o" if one_block else "blocks.o")
    model.compile(cache=str(code), raw_score=True, **({"fblocksize": 1 << 20} if one_block else {}))
    subprocess.run(["gcc", "-shared", "-o", f"{code}.so", code, "-lm"], check=True)
    return in_program(root, scratch, name, "lleaves", path, f"{code}.so", rows)


def lignum_engine(path, rows, compiled):
    import lignum
    name = "lignum 0.3, compiled" if compiled else "lignum 0.3, interpreter"
    if compiled and path.stat().st_size > 5_000_000:
        print(f"  {name}: not compiled, the model is too large for a C compiler in minutes")
        return None
    model = lignum.load(str(path))
    if compiled:
        model.compile()
    return in_process(f"{name} (Python)", lambda part: model.predict(part, raw_score=True, n_jobs=1), rows)


def onnx_engine(path, is_lightgbm, rows):
    import onnxruntime
    model = to_onnx(path, is_lightgbm, rows.shape[1])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    output = session.get_outputs()[-1].name
    floats = rows.astype(numpy.float32)

    def predict(part):
        probability = session.run([output], {name: part})[0][:, 1].astype(float)
        return numpy.log(probability / (1 - probability))  # for the distance only; the timing is of run
    return in_process("ONNX Runtime 1.32 (Python)", predict, floats)


def to_onnx(path, is_lightgbm, columns):
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType
    types = [("input", FloatTensorType([None, columns]))]
    if is_lightgbm:
        import lightgbm
        return onnxmltools.convert_lightgbm(lightgbm.Booster(model_file=str(path)), initial_types=types, zipmap=False).SerializeToString()
    import xgboost
    booster = xgboost.Booster(model_file=str(path))
    booster.feature_names = [f"f{i}" for i in range(columns)]
    return onnxmltools.convert_xgboost(booster, initial_types=types).SerializeToString()
