"""What is served: models of the flights, trained once and kept in build/bench-serve, and rows to ask about."""

import pathlib
import sys

import lightgbm
import numpy

import machine

sys.path.append(str(machine.ROOT / "bench" / "score"))
import flights  # noqa: E402

FOLDER = machine.ROOT / "build" / "bench-serve"
ROWS = 256       # distinct requests of one row
BATCHES = 16     # distinct requests of BATCH rows
BATCH = 100


class Models:
    """The model of 100 trees as every contestant wants it, and rows that no tree has learnt by heart."""

    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        self.numbers, _, self.late = flights.load()
        self.columns = self.numbers.shape[1]
        self.text = train("lightgbm_100.txt", self.numbers, self.late, 100, 31, seed=1)
        self.booster = lightgbm.Booster(model_file=str(self.text), params={"num_threads": 1})
        self.onnx = FOLDER / "lightgbm_100.onnx"
        self.mlflow = FOLDER / "mlflow"
        chosen = numpy.random.default_rng(5).permutation(len(self.numbers))
        whole = self.numbers[chosen][~numpy.isnan(self.numbers[chosen]).any(axis=1)]  # JSON has no NaN
        self.rows, self.batches = whole[:ROWS], whole[ROWS:ROWS + BATCHES * BATCH].reshape(BATCHES, BATCH, self.columns)
        self.convert()

    def convert(self):
        if not self.onnx.exists():
            import onnxmltools
            from onnxmltools.convert.common.data_types import FloatTensorType
            inputs = [("input", FloatTensorType([None, self.columns]))]
            converted = onnxmltools.convert_lightgbm(self.booster, initial_types=inputs, zipmap=False, target_opset=15)
            self.onnx.write_bytes(converted.SerializeToString())
        if not self.mlflow.exists():
            import mlflow.lightgbm
            mlflow.lightgbm.save_model(self.booster, self.mlflow)

    def other(self, number):
        """Another 100 trees: a version unlike the first."""
        return train(f"lightgbm_100_{number}.txt", self.numbers, self.late, 100, 31, seed=1 + number)

    def large(self):
        return train("lightgbm_500.txt", self.numbers, self.late, 500, 255, seed=1)

    def expected(self, rows, path=None, as_float=True):
        """`as_float`: of rows as a float holds them, which is how FP32 arrives."""
        booster = self.booster if path is None else lightgbm.Booster(model_file=str(path), params={"num_threads": 1})
        return booster.predict(rows.astype(numpy.float32).astype(numpy.float64) if as_float else rows, num_threads=1)


def train(name, numbers, label, rounds, leaves, seed):
    path = pathlib.Path(FOLDER) / name
    if not path.exists():
        print(f"bench: training {name}", file=sys.stderr)
        parameters = {"objective": "binary", "num_leaves": leaves, "verbose": -1, "num_threads": 2, "seed": seed, "deterministic": True,
                      "force_col_wise": True, "bagging_fraction": 0.9 if seed > 1 else 1.0, "bagging_freq": 1 if seed > 1 else 0}
        lightgbm.train(parameters, lightgbm.Dataset(numbers, label), rounds).save_model(path)
    return path
