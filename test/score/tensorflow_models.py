"""Trains a small Keras model and stores it as a SavedModel: tensorflow_models.py FOLDER.

Runs in .deps/venv-tf. Reads rows.npy (N x 6, float32) of the folder, writes saved_model/ and what
TensorFlow itself predicts, tensorflow.npy. tf2onnx then makes the ONNX model:

    python -m tf2onnx.convert --saved-model saved_model --opset 17 --output tensorflow.onnx
"""

import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras  # noqa: E402
import numpy  # noqa: E402

FOLDER = pathlib.Path(sys.argv[1])


def main():
    keras.utils.set_random_seed(7)
    rows = numpy.load(FOLDER / "rows.npy")
    scaler = keras.layers.Normalization()
    scaler.adapt(rows)
    model = keras.Sequential([keras.Input((rows.shape[1],), name="x"), scaler, keras.layers.Dense(16, activation="swish"),
                              keras.layers.BatchNormalization(), keras.layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    model.fit(rows, rows[:, 0] * rows[:, 1] > 0, epochs=3, batch_size=128, verbose=0)
    model.export(FOLDER / "saved_model", verbose=False)
    numpy.save(FOLDER / "tensorflow.npy", model.predict(rows, batch_size=len(rows), verbose=0))


if __name__ == "__main__":
    main()
