"""Scores golden rows with a model's own library, for `seaworthy register`, `seaworthy package` and the exporter.

The program runs this file with the user's Python; seaworthy_export imports it. The request comes on standard input and the answer goes to
standard output, as JSON; null is a missing value. Nothing is needed beside the library and numpy
(and pandas, where a model has categories with labels).

    request: {"format", "model": PATH, "columns": [{"name", "is_label", "values": [...]}]}
    answer:  {"library": "lightgbm 4.7.0", "rows": [...], "predictions": [...], "raw": [...] or null,
              "refused": "what the library said of the rows that it refused"}  or  {"error": "..."}

`rows` are those that the library took; scores are theirs, those of a row side by side.

Of a graph of models (docs/models.md, "Pipelines of models") the request is {"format": "graph", "graph", "columns",
"members": {NODE: {"format", "model", "inputs", "labels", "encoding", "names", "tolerance", "stored", "from"}},
"tolerance"}: each library scores its members, and Composition puts them together. Left out are rows whose score
rounding may turn the other way: those that come out otherwise when members' scores move within their tolerance.
"""

import collections
import json
import sys

try:
    import numpy
except ImportError:
    json.dump({"error": f"{sys.executable} has no numpy"}, sys.stdout)
    sys.exit()

NAMES = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}  # of what JSON has no number for


def numbers_of(column):
    return numpy.array([numpy.nan if value is None else value for value in column["values"]], dtype=numpy.float64)


def matrix_of(columns):
    return numpy.column_stack([numbers_of(column) for column in columns])


def category_of(values, labels):
    """A pandas categorical of these labels; 10.0 is the label 10, 1 the label True."""
    import pandas
    known = {label: label for label in labels}
    return pandas.Categorical([known.get(value) for value in values], categories=labels)


class LightGbm:
    def __init__(self, path):
        import lightgbm
        self.library = f"lightgbm {lightgbm.__version__}"
        self.booster = lightgbm.Booster(model_file=path, params={"verbosity": -1})

    def rows(self, columns):
        labels = self.booster.pandas_categorical
        if not labels:
            return matrix_of(columns)
        import pandas
        left = list(labels)
        frame = {}
        for column in columns:
            frame[column["name"]] = category_of(column["values"], left.pop(0)) if column["is_label"] else numbers_of(column)
        return pandas.DataFrame(frame)

    def score(self, columns):
        rows = self.rows(columns)
        return (self.booster.predict(rows, num_threads=1, validate_features=False),
                self.booster.predict(rows, num_threads=1, validate_features=False, raw_score=True))


class XgBoost:
    def __init__(self, path):
        import xgboost
        self.library = f"xgboost {xgboost.__version__}"
        self.xgboost = xgboost
        self.booster = xgboost.Booster({"nthread": 1}, model_file=path)
        best = self.booster.attr("best_iteration")
        self.trees = {"iteration_range": (0, int(best) + 1)} if best is not None else {}

    def stored_labels(self):
        if not hasattr(self.booster, "get_categories"):
            return {}
        stored = self.booster.get_categories(export_to_arrow=True).to_arrow()
        return {name: labels.to_pylist() for name, labels in stored if labels is not None}

    def matrix(self, columns):
        names, types = self.booster.feature_names, self.booster.feature_types
        labels = self.stored_labels() if types and "c" in types else {}
        if not labels:
            return self.xgboost.DMatrix(matrix_of(columns), feature_names=names, feature_types=types, nthread=1,
                                        enable_categorical=True)
        import pandas
        frame = {name: category_of(column["values"], labels[name]) if name in labels else numbers_of(column)
                 for name, column in zip(names, columns)}
        return self.xgboost.DMatrix(pandas.DataFrame(frame), enable_categorical=True, nthread=1)

    def score(self, columns):
        matrix = self.matrix(columns)
        return self.booster.predict(matrix, **self.trees), self.booster.predict(matrix, output_margin=True, **self.trees)


def leaves_of(node):
    """Of a tree of CatBoost's JSON that is not oblivious, from left to right."""
    if "left" in node:
        return leaves_of(node["left"]) + leaves_of(node["right"])
    value = node["value"]
    return list(value) if isinstance(value, list) else [value]


class CatBoost:
    PROBABILITIES = {"Logloss", "CrossEntropy", "Focal", "MultiClass", "MultiClassOneVsAll", "MultiLogloss",
                     "MultiCrossEntropy"}

    def __init__(self, path):
        import catboost
        self.library = f"catboost {catboost.__version__}"
        self.catboost = catboost
        self.model = catboost.CatBoost()
        self.model.load_model(path, format="json")
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        self.loss = document.get("model_info", {}).get("params", {}).get("loss_function", {}).get("type", "")
        self.restore(document)

    def restore(self, document):
        """CatBoost reads the numbers of its own JSON one unit in the last place beside what it wrote: puts
        back what it wrote."""
        trees = document.get("oblivious_trees")
        written = [value for tree in trees for value in tree["leaf_values"]] if trees else []
        for tree in document.get("trees", []):
            written += leaves_of(tree)
        read = self.model.get_leaf_values()
        if len(written) == len(read) and numpy.allclose(written, read, rtol=1e-14, atol=0):
            self.model.set_leaf_values(numpy.array(written))
        scale, bias = document.get("scale_and_bias", [1, []])
        if bias:
            self.model.set_scale_and_bias(float(scale), [float(value) for value in bias])

    def score(self, columns):
        import pandas
        categories = self.model.get_cat_feature_indices()
        # CatBoost wants the features' names, where they have some.
        frame = pandas.DataFrame({name: column["values"] if place in categories else numbers_of(column)
                                  for place, (name, column) in enumerate(zip(self.model.feature_names_, columns))})
        pool = self.catboost.Pool(frame, cat_features=categories, thread_count=1)
        raw = self.model.predict(pool, prediction_type="RawFormulaVal", thread_count=1)
        if self.loss in self.PROBABILITIES:
            predictions = self.model.predict(pool, prediction_type="Probability", thread_count=1)
            return (predictions[:, 1] if raw.ndim == 1 else predictions), raw
        if self.loss in ("Poisson", "Tweedie"):
            return self.model.predict(pool, prediction_type="Exponent", thread_count=1), raw
        return raw, raw


class Onnx:
    TYPES = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64, "tensor(int64)": numpy.int64,
             "tensor(int32)": numpy.int32, "tensor(bool)": numpy.bool_, "tensor(string)": numpy.object_}

    def __init__(self, path):
        import onnxruntime
        self.library = f"onnxruntime {onnxruntime.__version__}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it refuses is told in the answer
        self.session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def feeds(self, columns):
        left, feeds = list(columns), {}
        for value in self.session.get_inputs():
            width = value.shape[1] if len(value.shape) == 2 else 1
            block = [left.pop(0) for _ in range(width)]
            kind = self.TYPES[value.type]
            if kind is numpy.object_:
                cells = numpy.array([column["values"] for column in block], dtype=object).T
            else:
                cells = matrix_of(block)
                if kind not in (numpy.float32, numpy.float64) and numpy.isnan(cells).any():
                    raise ValueError(f"{value.name} has no missing values")
                cells = cells.astype(kind)
            feeds[value.name] = cells if len(value.shape) == 2 else cells[:, 0]
        return feeds

    def runs(self, feeds):
        """One row a call, where the model's number of rows is fixed."""
        if self.session.get_inputs()[0].shape[0] != 1:
            return self.session.run(None, feeds)
        rows = len(next(iter(feeds.values())))
        parts = [self.session.run(None, {name: cells[row:row + 1] for name, cells in feeds.items()}) for row in range(rows)]
        return [numpy.concatenate([numpy.asarray(part[i]) for part in parts]) for i in range(len(parts[0]))]

    def score(self, columns):
        answers, is_classifier = [], False
        for value, answer in zip(self.session.get_outputs(), self.runs(self.feeds(columns))):
            is_maps = isinstance(answer, list) and answer and isinstance(answer[0], dict)  # of ZipMap
            is_classifier |= is_maps or "prob" in value.name.lower()
            answers.append(numpy.array([list(row.values()) for row in answer]) if is_maps else numpy.asarray(answer))
        floating = [answer for answer in answers if numpy.issubdtype(answer.dtype, numpy.floating)]
        chosen = floating or [answer for answer in answers if numpy.issubdtype(answer.dtype, numpy.number)]
        predictions = numpy.column_stack([answer.reshape(len(answer), -1) for answer in chosen])
        has_labels = len(floating) == 1 and len(answers) > 1
        return (predictions[:, 1] if is_classifier and has_labels and predictions.shape[1] == 2 else predictions), None


SCORERS = {"lightgbm": LightGbm, "xgboost": XgBoost, "catboost": CatBoost, "onnx": Onnx}


def slack_of(values, tolerance):
    """How far each value may be from what it stands for."""
    spacing = numpy.spacing(numpy.abs(values).astype(numpy.float32)) if tolerance["in_float"] else numpy.spacing(numpy.abs(values))
    return numpy.maximum(tolerance["ulps"] * spacing.astype(float), tolerance["relative"] * numpy.maximum(1, numpy.abs(values)))


def moved(values, tolerance, sign):
    """The values, as far up or down as their tolerance; a probability stays one."""
    other = values + sign * slack_of(values, tolerance)
    inside = (values >= 0) & (values <= 1)
    return numpy.where(inside, numpy.clip(other, 0, 1), numpy.where(numpy.isfinite(values), other, values))


ROUNDING = {"ulps": 2, "in_float": False, "relative": 0}  # of an exponential or logarithm
STEPS = {
    "clip": lambda x, step: numpy.clip(x, step.get("min", -numpy.inf), step.get("max", numpy.inf)),
    "linear": lambda x, step: step.get("slope", 1) * x + step.get("intercept", 0),
    "log": lambda x, step: numpy.log(x),
    "exp": lambda x, step: numpy.exp(x),
    "logit": lambda x, step: numpy.log(x / (1 - x)),
    "sigmoid": lambda x, step: 1 / (1 + numpy.exp(-x)),
    "threshold": lambda x, step: numpy.where(numpy.isnan(x), numpy.nan, (x >= step["at"]).astype(float)),
}


class Composition:
    """A graph, node by node as docs/models.md says, of all rows at once."""

    def __init__(self, request):
        self.nodes, self.output = request["graph"]["node"], request["graph"]["graph"]["output"]
        self.members, self.tolerance = request["members"], request["tolerance"]
        self.scorers = {name: SCORERS[member["format"]](member["model"])
                        for name, member in self.members.items() if member["stored"] is None}
        libraries = [scorer.library for scorer in self.scorers.values()]
        libraries += [member["from"] for member in self.members.values() if member["stored"] is not None]
        self.library = ", ".join(sorted(set(libraries))) or f"numpy {numpy.__version__}"

    def score(self, columns):
        self.columns = {column["name"]: column for column in columns}
        self.known = {}  # what libraries said of the request's own columns
        with numpy.errstate(all="ignore"):
            scores = self.evaluate([0] * len(self.nodes))
            is_stable = numpy.ones(len(scores), dtype=bool)
            allowed = slack_of(scores, self.tolerance)
            for signs in ([1], [-1], [1, -1], [-1, 1]):
                other = self.evaluate((signs * len(self.nodes))[:len(self.nodes)])
                same = (other == scores) | (numpy.isnan(other) & numpy.isnan(scores)) | (numpy.abs(other - scores) <= allowed)
                is_stable &= same.all(axis=1)
        return numpy.column_stack([scores, is_stable]), None

    def evaluate(self, signs):
        self.signs, self.values = dict(zip(self.nodes, signs)), {}
        return self.node(self.output)

    def node(self, name):
        if name not in self.values:
            node = self.nodes[name]
            kind = next(kind for kind in ("model", "mean", "vote", "cascade", "apply") if kind in node)
            self.values[name] = getattr(self, kind)(name, node)
        return self.values[name]

    # ---- where numbers come from ----

    def names(self, name):
        node = self.nodes[name]
        if "model" in node:
            return self.members[name]["names"]
        below = node.get("mean", node.get("cascade", []))
        return next((names for names in map(self.names, below) if names), [])

    def source(self, text):
        """A node's outputs, one of them, or a column."""
        name, _, output = text.partition(".")
        if text in self.nodes:
            return self.node(text)
        if name not in self.nodes:
            return numbers_of(self.columns[text])[:, None]
        outputs, names = self.node(name), self.names(name)
        is_named = len(names) == outputs.shape[1] and output in names
        return outputs[:, [names.index(output) if is_named else int(output)]]

    def column(self, name, source, is_label, categories):
        """A member's column: of `source`, or of the request by its own name."""
        if source is not None and source.partition(".")[0] in self.nodes:
            return {"name": name, "is_label": False, "values": [None if x != x else x for x in self.source(source)[:, 0].tolist()]}
        values = self.columns[source or name]["values"]
        if categories is not None:
            values = [categories.index(value) if value in categories else None for value in values]
        return {"name": name, "is_label": is_label, "values": values}

    # ---- nodes ----

    def model(self, name, node):
        member, given = self.members[name], node.get("inputs", {})
        sources = [given] if isinstance(given, str) else given.values()
        reads_nodes = any(text.partition(".")[0] in self.nodes for text in sources)
        if reads_nodes or name not in self.known:
            self.known[name] = self.ask(name, node, member, given)
        return moved(self.known[name], member["tolerance"], self.signs[name])

    def ask(self, name, node, member, given):
        if member["stored"] is not None:
            return numpy.column_stack([numbers_of(self.columns[column]) for column in member["stored"]])
        if isinstance(given, str):
            width = self.node(given).shape[1]
            given = {column: f"{given}.{place}" for place, column in zip(range(width), member["inputs"])}
        columns = [self.column(column, given.get(column), is_label, member["encoding"].get(column))
                   for column, is_label in zip(member["inputs"], member["labels"])]
        predictions, raw = self.scorers[name].score(columns)
        chosen = numpy.asarray(raw if node.get("output") == "raw" else predictions, dtype=float)
        return chosen.reshape(len(chosen), -1)

    def mean(self, name, node):
        values = [self.node(each) for each in node["mean"]]
        weights = node.get("weights") or [1] * len(values)
        mean = weights[0] * values[0]
        for weight, value in zip(weights[1:], values[1:]):
            mean = mean + weight * value
        return mean / sum(weights)

    def vote(self, name, node):
        values = [self.node(each) for each in node["vote"]]
        choices = [(value[:, 0] > 0.5).astype(int) if value.shape[1] == 1 else value.argmax(axis=1) for value in values]
        winners = [numpy.bincount(row).argmax() for row in numpy.column_stack(choices)]
        return numpy.where(numpy.isnan(numpy.hstack(values)).any(axis=1), numpy.nan, winners)[:, None]

    def cascade(self, name, node):
        values = [self.node(each) for each in node["cascade"]]
        answer = values[-1]
        for value, wanted in reversed(list(zip(values, node["confidence"]))):
            confidence = numpy.maximum(value, 1 - value)[:, 0] if value.shape[1] == 1 else value.max(axis=1)
            is_sure = ((value >= 0) & (value <= 1)).all(axis=1) & (confidence >= wanted)
            answer = numpy.where(is_sure[:, None], value, answer)
        return answer

    def apply(self, name, node):
        values = numpy.hstack([self.source(text) for text in node["apply"]])
        for step in node.get("steps", []):
            values = STEPS[step["op"]](values, step)
            if step["op"] in ("log", "exp", "logit", "sigmoid"):
                values = moved(values, ROUNDING, self.signs[name])
        return values


def taken(scorer, columns, rows):
    """(rows that the library takes, their scores), and what it said of another one."""
    part = [{**column, "values": [column["values"][row] for row in rows]} for column in columns]
    try:
        predictions, raw = scorer.score(part)
        return [(rows, numpy.asarray(predictions, dtype=float), None if raw is None else numpy.asarray(raw, dtype=float))], ""
    except Exception as error:  # whatever the library throws: a row of its own is refused
        if len(rows) == 1:
            return [], f"{type(error).__name__}: {error}"
    half = len(rows) // 2
    first, said_first = taken(scorer, columns, rows[:half])
    second, said_second = taken(scorer, columns, rows[half:])
    return first + second, said_first or said_second


Scores = collections.namedtuple("Scores", "library rows predictions raw refused")


def scores_of(form, path, columns):
    """What the library says of the columns' rows, without those that it refuses: rows x outputs; raw may be None."""
    scorer = SCORERS[form](path)
    parts, refused = taken(scorer, columns, list(range(len(columns[0]["values"]))))
    if not parts:
        return Scores(scorer.library, [], None, None, refused)
    rows, predictions, raw = zip(*parts)
    return Scores(scorer.library, sum(rows, []), beside(predictions), None if raw[0] is None else beside(raw), refused)


def beside(parts):
    return numpy.concatenate([part.reshape(len(part), -1) for part in parts])


def plain(values):
    return [value if numpy.isfinite(value) else NAMES[str(value)] for value in values.ravel().tolist()]


def graph_scores(request):
    """Those of a graph, without the rows that rounding may turn."""
    composition, columns = Composition(request), request["columns"]
    parts, refused = taken(composition, columns, list(range(len(columns[0]["values"]))))
    if not parts:
        return Scores(composition.library, [], None, None, refused)
    rows, predictions, _ = zip(*parts)
    predictions = beside(predictions)
    is_stable = predictions[:, -1] == 1
    rows = [row for row, stays in zip(sum(rows, []), is_stable) if stays]
    return Scores(composition.library, rows, predictions[is_stable, :-1], None, refused)


def answer(request):
    if request["format"] == "graph":
        scores = graph_scores(request)
    else:
        scores = scores_of(request["format"], request["model"], request["columns"])
    if not scores.rows:
        return {"error": f"{scores.library} refuses every golden row: {scores.refused or 'rounding decides all of them'}"}
    return {"library": scores.library, "rows": scores.rows, "predictions": plain(scores.predictions),
            "raw": None if scores.raw is None else plain(scores.raw), "refused": scores.refused}


def main():
    request, out = json.load(sys.stdin), sys.stdout
    sys.stdout = sys.stderr  # libraries print
    try:
        found = answer(request)
    except ImportError as error:
        found = {"error": f"{sys.executable} has no {error.name or error}"}
    except Exception as error:  # the model does not load: say why, where it is read
        found = {"error": f"{type(error).__name__}: {error}"}
    json.dump(found, out)


if __name__ == "__main__":
    main()
