"""Packages: a model, its golden rows and what its columns look like, as a folder that `seaworthy` loads."""

import hashlib
import json
import os
import pathlib

from . import boosters
from .batch import Column, column_of, encode
from .builder import UnfitRows
from .document import Plan
from .profile import contract_of, profile_of

FORMAT = {"format_name": "seaworthy/package", "format_version": 1, "reader_min": 1}  # src/model/package.h


class Content:
    """What a package is made of. `golden` are the inputs of golden rows; `expected` and `raw` the library's
    scores of them, rows x outputs; `sample` are the inputs' columns of the rows as they come."""

    def __init__(self, form, model, sample, golden, expected, raw, library, estimator):
        self.form, self.model, self.sample, self.golden = form, model, sample, golden
        self.expected, self.raw, self.library, self.estimator = expected, raw, library, estimator

    def scores(self):
        made = []
        for stem, cells in (("_expected", self.expected), ("_raw", self.raw)):
            if cells is None:
                continue
            names = [stem] if cells.shape[1] == 1 else [f"{stem}_{output}" for output in range(cells.shape[1])]
            made += [Column(name, "float64", cells[:, output].tolist()) for output, name in enumerate(names)]
        taken = {column.name for column in made} & {column.name for column in self.golden}
        if taken:
            raise UnfitRows(f"rows: a package's column may not be called {min(taken)}; rename it")
        return made


def _content(model, rows):
    read = boosters.reader_of(model)
    if read is not None:
        booster = read(model, rows)
        return Content(booster.form, booster.model, booster.sample, *booster.golden(), type(model).__name__)
    plan = Plan(model, rows)
    kinds = {each["name"]: each["type"] for each in plan.builder.inputs}
    golden = [column_of(name, kinds[name], value.golden.ravel()) for name, value in zip(kinds, plan.inputs)]
    sample = [column_of(name, kind, plan.table.columns[plan.table.names.index(name)]) for name, kind in kinds.items()]
    return Content("plan", plan.text().encode(), sample, golden, plan.prediction.golden, plan.raw.golden, plan.library,
                   plan.estimator)


def _dump(document):
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _parts(content):
    profile = profile_of(content.sample)
    return {"model": content.model, "contract": _dump(contract_of(content.sample, profile)), "profile": _dump(profile),
            "golden": encode(content.golden + content.scores())}


def _write(path, data):
    """Under its name when it is whole."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)


def save_package(model, folder, rows):
    """Writes a fitted scikit-learn estimator or Pipeline, or a model of LightGBM, XGBoost or CatBoost, as a
    package folder, and gives the package's id. `rows` is a sample of what the model is called with.

    Raises Refused for what cannot be written, UnfitRows for rows that the model does not take, and
    FileExistsError when the folder holds another package."""
    content, folder = _content(model, rows), pathlib.Path(folder)
    parts = _parts(content)
    names = {part: hashlib.sha256(data).hexdigest() for part, data in parts.items()}
    lineage = {"source": "seaworthy_export", "estimator": content.estimator, "library": content.library,
               "sha256": names["model"]}
    manifest = _dump({**FORMAT, "model_format": content.form, "inputs": [column.name for column in content.golden],
                      "encoding": {}, "parts": names, "lineage": lineage, "golden_from": content.library})
    package_id = hashlib.sha256(manifest).hexdigest()
    marker = folder / "id"
    if marker.exists() and marker.read_text().strip() != package_id:
        raise FileExistsError(f"{folder} holds another package; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    for part, data in parts.items():
        _write(folder / names[part], data)
    _write(folder / package_id, manifest)
    _write(marker, f"{package_id}\n".encode())
    return package_id
