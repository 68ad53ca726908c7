"""Pipelines of scikit-learn beside ONNX Runtime and scikit-learn itself: imputer, scaler, one-hot codes,
then a model. One row and 4,096 rows a call, in one thread; predictions are compared."""

import json
import os
import pathlib
import pickle
import subprocess
import sys
import time

import numpy
import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import engines
import flights
import table
from table import Bar

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import seaworthy_export  # noqa: E402

TRAIN = 50_000
ROWS = 16384
SCIKIT_LEARN, ONNX_RUNTIME = "scikit-learn 1.9", "ONNX Runtime 1.32 (Python)"
BARS = [Bar("one_row_ns", ONNX_RUNTIME, 20), Bar("one_row_ns", SCIKIT_LEARN, 5000)]
MODELS = {
    "logistic regression": lambda: LogisticRegression(max_iter=300),
    "100 boosted trees x 31": lambda: GradientBoostingClassifier(n_estimators=100, max_leaf_nodes=31, max_depth=None, random_state=1),
    "a forest of 100 x 31": lambda: RandomForestClassifier(100, max_leaf_nodes=31, random_state=1),
}


def fitted(folder, title, rows, label):
    """Fits once; our own file, so that it may be opened as a pickle."""
    path = folder / (title.replace(" ", "_") + ".pickle")
    if not path.exists():
        prepare = ColumnTransformer([
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), flights.NUMBERS),
            ("categories", OneHotEncoder(handle_unknown="ignore"), flights.CATEGORIES)])
        path.write_bytes(pickle.dumps(make_pipeline(prepare, MODELS[title]()).fit(rows, label)))
    return pickle.loads(path.read_bytes())


def ours(pipeline, sample, rows, scratch):
    seaworthy_export.save(pipeline, scratch / "plan.json", sample)
    rows.to_csv(scratch / "rows.csv", index=False)
    program = ROOT / "build/release/bin/pipeline_program"
    done = subprocess.run([program, scratch / "plan.json", scratch / "rows.csv", scratch / "scores.f64"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout), numpy.fromfile(scratch / "scores.f64")


def onnx(pipeline, rows):
    import onnxruntime
    import skl2onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    types = [(name, FloatTensorType([None, 1])) for name in flights.NUMBERS] + \
        [(name, StringTensorType([None, 1])) for name in flights.CATEGORIES]
    model = skl2onnx.to_onnx(pipeline, initial_types=types, options={"zipmap": False}, target_opset=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    columns = {name: rows[name].to_numpy(numpy.float32 if name in flights.NUMBERS else object).reshape(-1, 1) for name in rows.columns}
    feeds = [{name: column[r:r + 1] for name, column in columns.items()} for r in range(len(rows))]

    def predict(first, count):
        feed = feeds[first] if count == 1 else {name: column[first:first + count] for name, column in columns.items()}
        return session.run(["probabilities"], feed)[0][:, 1]
    return timed(predict, len(rows), engines.ONE_ROW_SAMPLE)


def original(pipeline, rows):
    return timed(lambda first, count: pipeline.predict_proba(rows[first:first + count])[:, 1], len(rows), 64)


def least_seconds(call, passes):
    """CPU time, and what the call answers."""
    best, done, start = float("inf"), 0, time.process_time()
    while done < passes or time.process_time() - start < engines.LONG_ENOUGH_SECONDS:
        done += 1
        before = time.process_time()
        answer = call()
        best = min(best, time.process_time() - before)
    return best, answer


def timed(predict, rows, one_row_sample):
    batch_s, scores = least_seconds(lambda: numpy.concatenate([predict(first, engines.BATCH) for first in range(0, rows, engines.BATCH)]), 3)
    one_s, _ = least_seconds(lambda: [predict(row, 1) for row in range(one_row_sample)], 3)
    return {"one_row_ns": one_s / one_row_sample * 1e9, "batch_ns": batch_s / rows * 1e9}, scores.astype(numpy.float64)


def measure(pipeline, sample, rows, scratch):
    """{engine: {one_row_ns, batch_ns, bits}}; an engine that cannot says why."""
    measured, reference = {}, None
    for name, run_engine in {SCIKIT_LEARN: lambda: original(pipeline, rows), engines.OURS: lambda: ours(pipeline, sample, rows, scratch),
                             ONNX_RUNTIME: lambda: onnx(pipeline, rows)}.items():
        try:
            figures, scores = run_engine()
        except Exception as error:  # whatever a library raises: the other rows go on
            print(f"  {name:34} cannot: {type(error).__name__}: {str(error).strip()[-170:]}")
            continue
        reference = scores if name == SCIKIT_LEARN else reference
        measured[name] = figures | {"bits": table.bits(scores, reference)}
        table.print_engine(name, measured[name])
    return measured


def run(wanted, folder, scratch, verdicts):
    """Prints the table of each pipeline whose title is wanted."""
    titles = {f"imputer + scaler + one-hot + {model}": model for model in MODELS}
    if not any(map(wanted, titles)):
        return
    numbers, categories, label = flights.load()
    everything = pandas.concat([pandas.DataFrame(numbers, columns=flights.NUMBERS), categories.reset_index(drop=True)], axis=1)
    chosen = numpy.random.default_rng(2).permutation(len(everything))
    train, rows = everything.iloc[chosen[:TRAIN]], everything.iloc[chosen[-ROWS:]].reset_index(drop=True)
    for title, model in titles.items():
        if not wanted(title):
            continue
        pipeline = fitted(folder, model, train, label[chosen[:TRAIN]])
        table.print_head(title, "predictions")
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(before)})
        measured = measure(pipeline, train[:2000], rows, scratch)
        os.sched_setaffinity(0, before)
        table.print_ratios(title, measured, engines.OURS, SCIKIT_LEARN, BARS, verdicts)
