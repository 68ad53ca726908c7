"""Pipelines of scikit-learn beside ONNX Runtime and scikit-learn itself: imputer, scaler, one-hot codes,
then a model. One row and 4,096 rows a call, in one thread; predictions are compared."""

import json
import pathlib
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

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python"))
import seaworthy_export  # noqa: E402

TRAIN = 50_000
ROWS = 16384
MODELS = {
    "logistic regression": lambda: LogisticRegression(max_iter=300),
    "100 boosted trees x 31": lambda: GradientBoostingClassifier(n_estimators=100, max_leaf_nodes=31, max_depth=None, random_state=1),
    "a forest of 100 x 31": lambda: RandomForestClassifier(100, max_leaf_nodes=31, random_state=1),
}


def fit(model, rows, label):
    prepare = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), flights.NUMBERS),
        ("categories", OneHotEncoder(handle_unknown="ignore"), flights.CATEGORIES)])
    return make_pipeline(prepare, model).fit(rows, label)


def ours(pipeline, sample, rows, scratch):
    seaworthy_export.save(pipeline, scratch / "plan.json", sample)
    rows.to_csv(scratch / "rows.csv", index=False)
    program = ROOT / "build/release/bin/pipeline_program"
    done = subprocess.run(["taskset", "-c", "1", program, scratch / "plan.json", scratch / "rows.csv", scratch / "scores.f64"],
                          capture_output=True, text=True, check=True)
    return "seaworthy", json.loads(done.stdout), numpy.fromfile(scratch / "scores.f64")


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
    return timed("ONNX Runtime", predict, len(rows), engines.ONE_ROW_SAMPLE)


def original(pipeline, rows):
    return timed("scikit-learn", lambda first, count: pipeline.predict_proba(rows[first:first + count])[:, 1], len(rows), 64)


def least_seconds(call, passes):
    """CPU time, and what the call answers."""
    best = float("inf")
    for _ in range(passes):
        before = time.process_time()
        answer = call()
        best = min(best, time.process_time() - before)
    return best, answer


def timed(name, predict, rows, one_row_sample):
    batch_s, scores = least_seconds(lambda: numpy.concatenate([predict(first, engines.BATCH) for first in range(0, rows, engines.BATCH)]), 3)
    one_s, _ = least_seconds(lambda: [predict(row, 1) for row in range(one_row_sample)], 3)
    return name, {"one_row_ns": one_s / one_row_sample * 1e9, "batch_ns": batch_s / rows * 1e9}, scores.astype(numpy.float64)


def run(wanted, numbers, categories, label, scratch):
    """Prints the table of each pipeline whose title is wanted."""
    table = pandas.concat([pandas.DataFrame(numbers, columns=flights.NUMBERS), categories.reset_index(drop=True)], axis=1)
    chosen = numpy.random.default_rng(2).permutation(len(table))
    train, rows = table.iloc[chosen[:TRAIN]], table.iloc[chosen[-ROWS:]].reset_index(drop=True)
    for title, make in MODELS.items():
        title = f"imputer + scaler + one-hot + {title}"
        if not wanted(title):
            continue
        print(title, flush=True)
        pipeline = fit(make(), train, label[chosen[:TRAIN]])
        measured = [original(pipeline, rows), ours(pipeline, train[:2000], rows, scratch), onnx(pipeline, rows)]
        for name, figures, scores in measured:
            apart = numpy.abs(scores - measured[0][2]).max()
            print(f"  {name:28} one row {figures['one_row_ns']:10.0f} ns   batch {figures['batch_ns']:9.0f} ns/row   "
                  f"predictions at most {apart:.0e} apart from scikit-learn's", flush=True)
        for key, words in (("batch_ns", "batch"), ("one_row_ns", "one row")):
            theirs, own, onnxruntime = (figures[key] for _, figures, _ in measured)
            print(f"  {words:8} {onnxruntime / own:6.1f} x ONNX Runtime, {theirs / own:8.1f} x scikit-learn")
