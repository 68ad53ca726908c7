"""The engines of the scoring benchmark. Each runs in a process of its own:

  engines.py time ENGINE MODEL COMPILED ROWS.npy SCORES.f64   prints {one_row_ns, batch_ns}; raw scores of all rows
  engines.py compile ENGINE MODEL COMPILED                    what it needs beforehand, in the folder COMPILED

Engines with a C interface run in score_program; the rest in Python, where the cost of their Python call
counts, as it does for their users. CPU time, one thread, the least of several passes. A process that ends
with an error says on its last line why the engine cannot do it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 4096
ONE_ROW_SAMPLE = 2048
LONG_ENOUGH_SECONDS = 0.5

OURS = "seaworthy"
# CPU time of a process: what compiles is tried for so long, then its row says so.
COMPILE_SECONDS_MAX = 60
COMPILE_MODEL_BYTES_MAX = 5_000_000  # LightGBM 500 x 255, 13 MB: lleaves is said to take 6 minutes and 14 GB
TIME_SECONDS_MAX = 60


def is_lightgbm(path):
    return path.suffix == ".txt"


def original_of(path):
    return "LightGBM 4.7" if is_lightgbm(path) else "XGBoost 3.2"


def names_for(path):
    """The original library first."""
    return [original_of(path), OURS, *RIVALS]


def library_of(package, file):
    module = __import__(package)
    return pathlib.Path(module.__file__).parent / "lib" / file


def refuse(why):
    sys.exit(f"cannot: {why}")


def outputs_of(path):
    if is_lightgbm(path):
        found = re.search(r"^num_tree_per_iteration=(\d+)", path.read_text()[:4096], re.MULTILINE)
        return int(found.group(1)) if found else 1
    return max(1, int(json.loads(path.read_text())["learner"]["learner_model_param"]["num_class"]))


def in_program(kind, model, library, rows, out):
    cells = out.with_suffix(".cells")
    rows.tofile(cells)
    program = ROOT / "build" / "release" / "bin" / "score_program"
    done = subprocess.run([program, kind, model, library, cells, str(rows.shape[1]), str(outputs_of(model)), out],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        refuse(done.stderr.strip() or f"it ended by signal {-done.returncode}")
    return json.loads(done.stdout) | {"said": done.stderr.strip()}


def in_process(predict, rows, out):
    """`predict` maps rows to raw scores."""
    def seconds_of(batch, count):
        best, passes, start = float("inf"), 0, time.process_time()
        while passes < 3 or time.process_time() - start < LONG_ENOUGH_SECONDS:  # as timing.h
            passes += 1
            before = time.process_time()
            for first in range(0, count, batch):
                predict(rows[first:first + batch])
            best = min(best, time.process_time() - before)
        return best
    parts = [numpy.asarray(predict(rows[first:first + BATCH]), dtype=float).reshape(-1) for first in range(0, len(rows), BATCH)]
    numpy.concatenate(parts).tofile(out)
    before = time.process_time()
    predict(rows[:1])
    is_fast = time.process_time() - before < 50e-6  # then all rows, as score_program: the same few again are learnt by heart
    sample = len(rows) if is_fast else min(len(rows), ONE_ROW_SAMPLE)
    return {"one_row_ns": seconds_of(1, sample) / sample * 1e9, "batch_ns": seconds_of(BATCH, len(rows)) / len(rows) * 1e9}


class Original:
    def time(self, model, compiled, rows, out):
        if is_lightgbm(model):
            return in_program("lightgbm", model, library_of("lightgbm", "lib_lightgbm.so"), rows, out)
        return in_program("xgboost", model, library_of("xgboost", "libxgboost.so"), rows, out)


class Seaworthy:
    def time(self, model, compiled, rows, out):
        return in_program("seaworthy", model, "-", rows, out)


class Tl2cgen:
    def compile(self, model, compiled):
        import tl2cgen
        tl2cgen.generate_c_code(treelite_model(model), dirpath=str(compiled / "source"), params={})
        sources = sorted((compiled / "source").glob("*.c"))
        subprocess.run(["gcc", "-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", "-o", compiled / "model.so", *sources], check=True)

    def time(self, model, compiled, rows, out):
        return in_program("tl2cgen" if is_lightgbm(model) else "tl2cgen-float", model, compiled / "model.so", rows, out)


class TreelitePrediction:
    def time(self, model, compiled, rows, out):
        import treelite
        loaded = treelite_model(model)
        cells = rows if is_lightgbm(model) else rows.astype(numpy.float32)
        return in_process(lambda part: treelite.gtil.predict(loaded, part, nthread=1, pred_margin=True), cells, out)


def treelite_model(model):
    """Treelite 4.4 reads XGBoost up to 3.0: what 3.1 added, and says nothing here, is taken out."""
    import treelite
    if is_lightgbm(model):
        return treelite.frontend.load_lightgbm_model(str(model))
    content = json.loads(model.read_text())
    learner = content["learner"]
    learner["gradient_booster"]["model"].pop("cats", None)
    base = learner["learner_model_param"]["base_score"].strip("[]").split(",")
    if len(set(base)) == 1:
        learner["learner_model_param"]["base_score"] = base[0]
    return treelite.frontend.from_xgboost_json(json.dumps(content))


class Lleaves:
    def __init__(self, **options):
        self.options = options

    def compile(self, model, compiled):
        import lleaves
        if not is_lightgbm(model):
            refuse("lleaves reads LightGBM models only")
        code = compiled / "model.o"
        lleaves.Model(model_file=str(model)).compile(cache=str(code), raw_score=True, **self.options)
        subprocess.run(["gcc", "-shared", "-o", compiled / "model.so", code, "-lm"], check=True)

    def time(self, model, compiled, rows, out):
        return in_program("lleaves", model, compiled / "model.so", rows, out)


class Lignum:
    def time(self, model, compiled, rows, out):
        import lignum
        loaded = lignum.load(str(model))
        return in_process(lambda part: loaded.predict(part, raw_score=True, n_jobs=1), rows, out)


class LignumCompiled:
    def compile(self, model, compiled):
        import lignum
        lignum.load(str(model)).compile(library=str(compiled / "model.so"), work_dir=str(compiled / "work"), jobs=1)

    def time(self, model, compiled, rows, out):
        import lignum
        loaded = lignum.load(str(model), compiled=str(compiled / "model.so"))
        return in_process(lambda part: loaded.predict(part, raw_score=True, n_jobs=1), rows, out)


class OnnxRuntime:
    """The link is taken out of the model, so that raw scores can be compared."""

    def time(self, model, compiled, rows, out):
        import onnxruntime
        proto = to_onnx(model, rows.shape[1])
        for node in proto.graph.node:
            for attribute in node.attribute:
                if attribute.name == "post_transform":
                    attribute.s = b"NONE"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
        name, output, outputs = session.get_inputs()[0].name, session.get_outputs()[-1].name, outputs_of(model)

        def predict(part):
            scores = session.run([output], {name: part})[0]
            return scores[:, -1] if outputs == 1 else scores
        return in_process(predict, rows.astype(numpy.float32), out)


def to_onnx(model, columns):
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType
    types = [("input", FloatTensorType([None, columns]))]
    if is_lightgbm(model):
        import lightgbm
        return onnxmltools.convert_lightgbm(lightgbm.Booster(model_file=str(model)), initial_types=types, zipmap=False)
    import xgboost
    booster = xgboost.Booster(model_file=str(model))
    booster.feature_names = [f"f{i}" for i in range(columns)]
    return onnxmltools.convert_xgboost(booster, initial_types=types)


RIVALS = {
    "tl2cgen 1.0, gcc -O3": Tl2cgen(),
    "treelite 4.4, GTIL (Python)": TreelitePrediction(),
    "lleaves 1.3, one block": Lleaves(fblocksize=1 << 20),
    "lleaves 1.3": Lleaves(),
    "lignum 0.3, interpreter (Python)": Lignum(),
    "lignum 0.3, compiled (Python)": LignumCompiled(),
    "ONNX Runtime 1.32 (Python)": OnnxRuntime(),
}


def engine(name):
    if name == OURS:
        return Seaworthy()
    return RIVALS.get(name) or Original()


def main():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))} if sys.argv[1] == "time" else os.sched_getaffinity(0))
    what, name, model, compiled = sys.argv[1:5]
    model, compiled = pathlib.Path(model), pathlib.Path(compiled)
    if what == "compile":
        if model.stat().st_size > COMPILE_MODEL_BYTES_MAX:
            refuse(f"a model of {model.stat().st_size / 1e6:.0f} MB takes a compiler many minutes")
        return engine(name).compile(model, compiled)
    print(json.dumps(engine(name).time(model, compiled, numpy.load(sys.argv[5]), pathlib.Path(sys.argv[6]))))


if __name__ == "__main__":
    main()
