"""Writes a package into a data folder, as docs/architecture.md says that it lies on disk.

    package_id = packages.write(data, "lightgbm", model_bytes, {"x": "float64"})
"""

import hashlib
import json


def write(data, model_format, model, columns):
    """`columns`: the model's inputs and their types. Without golden rows: it needs an override to serve."""
    def put(content):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        name = hashlib.sha256(content).hexdigest()
        path = data / "blobs" / name[:2] / name[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        return name

    contract = [{"name": name, "type": kind, "nullable": True} for name, kind in columns.items()]
    parts = {"model": put(model), "contract": put({"columns": contract}), "profile": put({"rows": 0, "columns": []})}
    return put({"format_name": "seaworthy/package", "format_version": 1, "reader_min": 1, "model_format": model_format,
                "inputs": list(columns), "encoding": {}, "parts": parts, "lineage": None})
