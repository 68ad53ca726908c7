"""python -m seaworthy_export model.pkl --rows rows.parquet --out model.plan.json (or --package FOLDER)

Runs in your own environment: it opens the pickle, which runs code, so open only your own.
"""

import argparse
import pickle
import sys

from . import Refused, UnfitRows, boosters, save, save_package


def _load(path):
    try:
        import joblib  # comes with scikit-learn; reads plain pickles too
        return joblib.load(path)
    except ImportError:
        with open(path, "rb") as file:
            return pickle.load(file)


def _rows(path, estimator):
    import pandas
    readers = {".parquet": pandas.read_parquet, ".csv": pandas.read_csv, ".feather": pandas.read_feather,
               ".arrow": pandas.read_feather, ".jsonl": lambda name: pandas.read_json(name, lines=True)}
    for ending, read in readers.items():
        if path.endswith(ending):
            rows = read(path)
            if boosters.reader_of(estimator) is not None:
                return rows
            names = getattr(estimator, "feature_names_in_", None)
            return rows[list(names)] if names is not None else rows.to_numpy()
    sys.exit(f"{path}: rows are .parquet, .csv, .feather, .arrow or .jsonl")


def main():
    parser = argparse.ArgumentParser(prog="python -m seaworthy_export")
    parser.add_argument("model", help="a pickle or joblib file of a fitted model")
    parser.add_argument("--rows", required=True, help="a sample of its inputs")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--out", help="the plan to write")
    to.add_argument("--package", metavar="FOLDER", help="the package to write; prints its id")
    arguments = parser.parse_args()
    estimator = _load(arguments.model)
    try:
        rows = _rows(arguments.rows, estimator)
        if arguments.package:
            print(save_package(estimator, arguments.package, rows))
        else:
            save(estimator, arguments.out, rows)
    except (Refused, UnfitRows, FileExistsError) as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
