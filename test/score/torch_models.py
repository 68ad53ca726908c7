"""Trains small PyTorch models and exports them by torch.onnx: torch_models.py FOLDER.

Runs under Debian's Python, which has torch. Reads rows.npy (N x 6, float32) and codes.npy (N, int64, 0
to 4) of the folder, writes NAME.onnx and what PyTorch itself predicts for them, NAME.npy.
"""

import pathlib
import sys

import numpy
import torch

FOLDER = pathlib.Path(sys.argv[1])
COLUMNS = 6


class WithEmbedding(torch.nn.Module):
    """Two inputs: numbers, and one column of codes."""

    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(5, 3)
        self.dense = torch.nn.Sequential(torch.nn.Linear(COLUMNS + 3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

    def forward(self, numbers, code):
        return self.dense(torch.cat([numbers, self.table(code.squeeze(1))], dim=1))


def fit(model, inputs, target, loss, steps=150):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(*inputs), target).backward()
        optimizer.step()
    model.eval()


def export(name, model, inputs, input_names, open_rows=True):
    names = [*input_names, "score"]
    axes = {each: {0: "rows"} for each in names} if open_rows else None
    shown = inputs if open_rows else tuple(each[:1] for each in inputs)
    torch.onnx.export(model, shown, FOLDER / f"{name}.onnx", input_names=input_names, output_names=["score"],
                      dynamic_axes=axes, opset_version=14)
    with torch.no_grad():
        numpy.save(FOLDER / f"{name}.npy", model(*inputs).numpy())


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    rows = torch.from_numpy(numpy.load(FOLDER / "rows.npy"))
    codes = torch.from_numpy(numpy.load(FOLDER / "codes.npy")).reshape(-1, 1)
    signal = rows[:, 0] - rows[:, 1] * rows[:, 2] + codes[:, 0]

    regression = torch.nn.Sequential(torch.nn.BatchNorm1d(COLUMNS), torch.nn.Linear(COLUMNS, 32), torch.nn.ReLU(),
                                     torch.nn.Dropout(0.1), torch.nn.Linear(32, 1))
    fit(regression, (rows,), signal.reshape(-1, 1), torch.nn.functional.mse_loss)
    export("regression", regression, (rows,), ["x"])
    export("one_row", regression, (rows,), ["x"], open_rows=False)

    classes = torch.clamp(torch.floor(signal), 0, 2).long()
    logits = torch.nn.Sequential(torch.nn.Linear(COLUMNS, 16), torch.nn.GELU(), torch.nn.Linear(16, 3))
    fit(logits, (rows,), classes, torch.nn.functional.cross_entropy)
    export("classes", torch.nn.Sequential(logits, torch.nn.Softmax(dim=1)).eval(), (rows,), ["x"])

    embedding = WithEmbedding()
    fit(embedding, (rows, codes), signal.reshape(-1, 1), torch.nn.functional.mse_loss)
    export("embedding", embedding, (rows, codes), ["x", "code"])


if __name__ == "__main__":
    main()
