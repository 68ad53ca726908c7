"""Models of LightGBM, XGBoost and CatBoost: the file that the library saves, and golden rows that it scores.

The library scores its saved file, by the same code as for `seaworthy register` (seaworthy_golden.py).
"""

import json
import pathlib
import tempfile
import warnings

import numpy as np

import seaworthy_golden

from .batch import column_of
from .builder import OPAQUE, TEXT, UnfitRows, is_missing
from .rows import ROWS_MIN, UNSEEN, Table

GOLDEN_MIN, GOLDEN_MAX = 512, 1024
CELLS_MAX = 2_000_000  # of models with thousands of columns
# Zeros and what libraries take for one, denormals, large numbers that a float still holds.
EDGES = (0.0, -0.0, 1e-35, -1e-35, 5e-324, -1e-45, 1.0, -1.0, 0.5, 1e6, -1e6, 1e30, -1e30)
INTEGER_EDGES = (0, 1, -1, 2, 3, 1_000_000)
LABELS_MAX = 1_000  # of a column of text


class Saved:
    """A saved model: `names` are its columns in order, `cuts` the thresholds of each. A column of
    `categories` is one of categories, and the library takes no missing value in it."""

    def __init__(self, form, model, names, cuts, categories=()):
        self.form, self.model, self.names, self.cuts, self.categories = form, model, names, cuts, categories

    def bind(self, rows):
        """Finds the columns in a sample of rows: by name, else by place."""
        table = Table(None, rows)
        known = {name: place for place, name in enumerate(table.names)}
        if all(name in known for name in self.names):
            places = [known[name] for name in self.names]
        elif len(known) == len(self.names):
            places = range(len(self.names))
        else:
            raise UnfitRows(f"rows: the model reads {', '.join(self.names)}; the sample has {', '.join(table.names)}")
        self.kinds = [table.kinds[place] for place in places]
        opaque = [name for name, kind in zip(self.names, self.kinds) if kind == OPAQUE]
        if opaque or not table.count:
            raise UnfitRows(f"rows: {opaque[0]} holds neither only numbers nor only text" if opaque else "rows: there are none")
        self.columns = [table.columns[place] for place in places]
        self.labels = [table.is_frame and str(table.frame.dtypes.iloc[place]) == "category" for place in places]
        self.sample = [column_of(*column) for column in zip(self.names, self.kinds, self.columns)]
        return self

    def golden(self, seed=1):
        """(inputs, predictions, raw scores, the library), of the golden rows that the library takes."""
        cells = self._choose(np.random.RandomState(seed))
        asked = [{"name": name, "is_label": is_label, "values": column.cells}
                 for name, is_label, column in zip(self.names, self.labels, cells)]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / ("model.ubj" if self.form == "xgboost" else "model.json")
            path.write_bytes(self.model)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                scores = seaworthy_golden.scores_of(self.form, str(path), asked)
        if len(scores.rows) < ROWS_MIN:
            raise UnfitRows(f"rows: {scores.library} takes {len(scores.rows)} golden rows, {ROWS_MIN} are needed; of "
                             f"another one it says: {scores.refused}")
        inputs = [column._replace(cells=[column.cells[row] for row in scores.rows]) for column in cells]
        return inputs, scores.predictions, scores.raw, scores.library

    def _choose(self, random):
        """Every other row has a value worth trying in each cell; in the rest such cells are scattered over
        rows as they come. Every value of a column comes once before any comes again."""
        pools = [self._pool(place, random) for place in range(len(self.names))]
        most = max(GOLDEN_MIN, min(GOLDEN_MAX, CELLS_MAX // len(pools)))
        count = int(np.clip(2 * max(map(len, pools)), GOLDEN_MIN, most))
        made = []
        for place, pool in enumerate(pools):
            order = np.concatenate([random.permutation(len(pool)) for _ in range(-(-count // len(pool)))])
            own = self.sample[place].cells
            as_it_comes = (np.arange(count) % 2 == 0) & (random.rand(count) < 0.75)
            made.append(self.sample[place]._replace(cells=[
                own[row // 2 % len(own)] if as_it_comes[row] else pool[order[row]] for row in range(count)]))
        return made

    def _pool(self, place, random):
        kind, cuts, column = self.kinds[place], self.cuts[place], self.columns[place]
        present = [cell for cell in column if not is_missing(cell)]
        if kind == TEXT:
            pool = sorted(set(present))[:LABELS_MAX] + [UNSEEN, ""]
        elif kind == "bool":
            pool = [False, True]
        elif kind == "int64":
            near = [int(np.floor(cut)) + step for cut in cuts if abs(cut) < 2**53 for step in (0, 1)]
            pool = sorted({*near, *INTEGER_EDGES, *map(int, sorted(set(present))[:LABELS_MAX])})
        else:
            pool = _neighbours(cuts) + random.choice(present or [0.0], 16).tolist() + list(EDGES)
        if place not in self.categories:
            pool += [None] * (len(pool) // 10 + 1)
        return pool


def _neighbours(cuts):
    """Thresholds and the numbers beside them, of doubles and of floats: libraries round to float, or do not."""
    cuts = np.array(cuts, dtype=np.float64)
    with np.errstate(all="ignore"):
        rounded = cuts.astype(np.float32)
        near = [cuts] + [np.nextafter(cuts, to) for to in (-np.inf, np.inf)] + \
            [np.nextafter(rounded, np.float32(to)).astype(np.float64) for to in (-np.inf, np.inf)]
    near = np.concatenate(near)
    return near[np.isfinite(near)].tolist()


def _lightgbm(model, rows):
    booster = getattr(model, "booster_", model)
    text, names = booster.model_to_string(), booster.feature_name()
    saved = Saved("lightgbm", text.encode(), names, [[] for _ in names])
    fields = {}
    for line in text.splitlines():
        name, _, values = line.partition("=")
        fields[name] = values.split()
        if name == "decision_type":  # it follows the others; an odd one is of categories
            for feature, cut, decision in zip(fields["split_feature"], fields["threshold"], fields[name]):
                if int(decision) % 2 == 0:
                    saved.cuts[int(feature)].append(float(cut))
    saved.bind(rows)
    if booster.pandas_categorical and len(booster.pandas_categorical) != sum(saved.labels):
        raise UnfitRows("rows: the sample's columns of dtype category must be those that the model was trained with")
    return saved


def _xgboost(model, rows):
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    names = booster.feature_names or [f"f{place}" for place in range(booster.num_features())]
    saved = Saved("xgboost", bytes(booster.save_raw("ubj")), names, [[] for _ in names])
    gradient = json.loads(booster.save_raw("json").decode())["learner"]["gradient_booster"]
    for tree in gradient.get("gbtree", gradient)["model"].get("trees", []):  # of dart, one level down
        kinds = tree.get("split_type") or [0] * len(tree["left_children"])
        for left, feature, cut, kind in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], kinds):
            if left != -1 and kind == 0:
                saved.cuts[feature].append(cut)
    return saved.bind(rows)


def _catboost(model, rows):
    import catboost
    categories = set(model.get_cat_feature_indices())
    saved = Saved("catboost", None, list(model.feature_names_), None, categories).bind(rows)
    saved.cuts = [[] for _ in saved.names]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.json"
        is_named = hasattr(rows, "columns") and all(name in rows.columns for name in saved.names)
        own = rows[saved.names] if is_named else rows
        pool = catboost.Pool(own, cat_features=sorted(categories)) if categories else None
        model.save_model(str(path), format="json", pool=pool)
        saved.model = path.read_bytes()
    for feature in json.loads(saved.model)["features_info"].get("float_features", []):
        saved.cuts[feature["flat_feature_index"]] += feature.get("borders") or []
    return saved


LIBRARIES = {"lightgbm": _lightgbm, "xgboost": _xgboost, "catboost": _catboost}


def reader_of(model):
    """What makes a Saved of the model and a sample of its rows; None when it is of no such library."""
    found = (LIBRARIES.get(parent.__module__.split(".")[0]) for parent in type(model).__mro__)
    return next(filter(None, found), None)
