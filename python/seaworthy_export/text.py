"""Text: counts of terms, and their weights."""

import functools
import sys

import numpy as np

from .builder import NUMBER, TEXT, Refused, floats, ints
from .flow import Flow, golden_of
from .walk import transformer

# Patterns that find whole runs of word characters, and the shortest run.
TOKEN_PATTERNS = {r"\b\w\w+\b": 2, r"\w\w+": 2, r"\b\w+\b": 1, r"\w+": 1, r"\b\w\w\w+\b": 3, r"\w{2,}": 2, r"\w{3,}": 3,
                  r"\b\w{2,}\b": 2, r"\b\w{3,}\b": 3}


def _ranges(test):
    """Code points that pass, as [first, last] pairs."""
    flags = np.fromiter((test(chr(point)) for point in range(sys.maxunicode + 1)), dtype=bool, count=sys.maxunicode + 1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    edges[1::2] -= 1
    return ints(edges)


@functools.lru_cache(maxsize=None)
def _words():
    return _ranges(lambda char: char.isalnum() or char == "_")


@functools.lru_cache(maxsize=None)
def _spaces():
    return _ranges(str.isspace)


@functools.lru_cache(maxsize=None)
def _lower():
    """How this Python lower-cases: which characters change, and what a capital sigma looks at."""
    capitals = [point for point in range(sys.maxunicode + 1) if chr(point).lower() != chr(point)]
    return {"capitals": ints(capitals), "small": [chr(point).lower() for point in capitals],
            "cased": _ranges(lambda char: (char + "\u03a3").lower()[-1] == "\u03c2"),
            "ignorable": _ranges(lambda char: ("A" + char + "\u03a3").lower()[-1] == "\u03c2"
                                 and (char + "\u03a3").lower()[-1] != "\u03c2")}


def _token_min(estimator, path):
    if estimator.analyzer != "word":
        return 1
    pattern = estimator.token_pattern
    pattern = pattern[4:] if pattern and pattern.startswith("(?u)") else pattern
    if pattern not in TOKEN_PATTERNS:
        raise Refused(path, f"token_pattern={estimator.token_pattern!r} is not among those that it knows")
    return TOKEN_PATTERNS[pattern]


def _count_constants(estimator, path):
    for name in ("preprocessor", "tokenizer", "strip_accents"):
        if getattr(estimator, name) is not None:
            raise Refused(path, f"{name} is not written")
    if estimator.input != "content" or estimator.analyzer not in ("word", "char", "char_wb"):
        raise Refused(path, f"input={estimator.input!r}, analyzer={estimator.analyzer!r} is not written")
    vocabulary = sorted(estimator.vocabulary_, key=estimator.vocabulary_.get)
    if [int(estimator.vocabulary_[term]) for term in vocabulary] != list(range(len(vocabulary))):
        raise Refused(path, "the vocabulary's numbers have gaps")
    low, high = estimator.ngram_range
    constants = {"analyzer": estimator.analyzer, "token_min": _token_min(estimator, path), "grams_min": int(low),
                 "grams_max": int(high), "is_binary": bool(estimator.binary), "vocabulary": vocabulary}
    if estimator.analyzer == "word":
        constants.update(words=_words(), stop_words=sorted(estimator.get_stop_words() or []))
    else:
        constants["spaces"] = _spaces()
    return {**constants, **(_lower() if estimator.lowercase else {})}


def _counted(builder, estimator, flow, path, data=None):
    from sklearn.feature_extraction.text import CountVectorizer
    if len(flow.columns) != 1 or flow.kinds[0] != TEXT:
        raise Refused(path, "it reads one column of text")
    data = CountVectorizer.transform(estimator, flow.data)
    value = builder.add("count", path, [flow.value(path)], data.shape[1], golden=golden_of(data), **_count_constants(estimator, path))
    return Flow.of(builder, data, value)


@transformer("CountVectorizer")
def count_vectorizer(builder, estimator, flow, path):
    return _counted(builder, estimator, flow, path)


@transformer("TfidfVectorizer")
def tfidf_vectorizer(builder, estimator, flow, path):
    flow = _counted(builder, estimator, flow, path)
    if np.issubdtype(flow.data.dtype, np.integer):
        flow.data = flow.data.astype(np.float64)  # as TfidfTransformer does
    return tfidf_transformer(builder, estimator._tfidf, flow, f"{path}/tfidf")


@transformer("TfidfTransformer")
def tfidf_transformer(builder, estimator, flow, path):
    value = flow.numbers(path)
    data = estimator.transform(flow.data)
    if estimator.sublinear_tf:
        value = builder.add("apply", f"{path}/sublinear", [value], value.width, function="log_count")
    last = {} if estimator.norm else {"golden": golden_of(data)}
    if estimator.use_idf:
        value = builder.add("scale", f"{path}/idf", [value], value.width, NUMBER, multiply=floats(estimator.idf_), **last)
    if estimator.norm:
        value = builder.add("row", f"{path}/norm", [value], value.width, golden=golden_of(data), function=f"unit_{estimator.norm}")
    return Flow.of(builder, data, value)
