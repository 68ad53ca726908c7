"""Runs one model for Seaworthy: the child's side of src/model/engines/python_engine.h.

The server starts it as `python -I -c THIS`, with a Unix socket as descriptor 3. A message is a kind
(4 bytes) and a length (8 bytes), little-endian, then so many bytes. The kind's low 4 bits say what it
is, the others number the request that it answers. It needs pyarrow, numpy and pandas in the model's own
environment, and mlflow (or mlflow-skinny) for a pyfunc.
"""

import importlib
import importlib.machinery
import json
import os
import socket
import struct
import sys
import traceback

LOAD, SCORE = 1, 2
READY, SCORES, FAILED = 1, 2, 3
HEADER = struct.Struct("<IQ")
ERROR_BYTES_MAX = 4000


class Channel:
    def __init__(self):
        self.socket = socket.socket(fileno=3)
        os.set_inheritable(3, False)

    def receive(self):
        kind, length = HEADER.unpack(self._read(HEADER.size))
        return kind >> 4, kind & 15, self._read(length)

    def send(self, number, kind, content):
        self.socket.sendall(HEADER.pack(number << 4 | kind, len(content)))
        self.socket.sendall(content)

    def _read(self, count):
        content = bytearray(count)
        view = memoryview(content)
        while view:
            got = self.socket.recv_into(view)
            if got == 0:
                sys.exit(0)  # the server went away
            view = view[got:]
        return content


class FreshLoader(importlib.machinery.SourceFileLoader):
    """Compiles a source each time: its folder's __pycache__ is no part of what was checked."""

    def get_code(self, fullname):
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def import_freshly_from(folder):
    def hook(path):
        if os.path.commonpath([os.path.realpath(path), folder]) != folder:
            raise ImportError
        kinds = importlib.machinery
        return kinds.FileFinder(path, (kinds.ExtensionFileLoader, kinds.EXTENSION_SUFFIXES), (FreshLoader, kinds.SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, hook)


def load(order):
    """Gives the function that predicts, and the names of the model's inputs where it has them."""
    folder, entry = order["folder"], order["entry"]
    import_freshly_from(folder)
    if entry == "pyfunc":
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model(folder)
        schema = model.metadata.get_input_schema()
        names = schema.input_names() if schema is not None and schema.has_input_names() else None
        return model.predict, names
    sys.path.insert(0, folder)
    module, name = entry.split(":")
    model = getattr(importlib.import_module(module), name)()
    if hasattr(model, "load"):
        model.load(folder)
    names = getattr(model, "inputs", None)
    return model.predict, None if names is None else list(names)


def predict(call, content, outputs):
    import numpy
    import pyarrow

    with pyarrow.ipc.open_stream(pyarrow.py_buffer(content)) as stream:
        frame = stream.read_all().to_pandas()
    answer = numpy.asarray(call(frame), dtype=numpy.float64)
    if answer.ndim == 1 and outputs == 1:
        answer = answer.reshape(-1, 1)
    if answer.shape != (len(frame), outputs):
        raise ValueError(f"predict answered shape {answer.shape} for {len(frame)} rows of {outputs} predictions")
    columns = {f"prediction_{i}": numpy.ascontiguousarray(answer[:, i]) for i in range(outputs)}
    table = pyarrow.table(columns)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def describe(error):
    lines = traceback.format_exception_only(type(error), error)
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return ("".join(lines).strip()[:ERROR_BYTES_MAX] + where).encode("utf-8", "replace")


def main():
    channel = Channel()
    number, kind, content = channel.receive()
    order = json.loads(content)
    try:
        call, names = load(order)
        import numpy, pandas, pyarrow  # noqa: F401, E401: what is missing shows at once
    except BaseException as error:  # a model may raise SystemExit
        traceback.print_exc()
        channel.send(number, FAILED, describe(error))
        return
    channel.send(number, READY, json.dumps({"inputs": names}).encode())
    while True:
        number, kind, content = channel.receive()
        try:
            answer = SCORES, predict(call, content, order["outputs"])
        except BaseException as error:
            answer = FAILED, describe(error)
        channel.send(number, *answer)


main()
