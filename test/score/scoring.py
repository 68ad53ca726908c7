"""What the tests of this folder share: `seaworthy predict` on rows, and comparison of bits.

    class MyTest(scoring.ScoreTest):
        def test_it(self):
            scores = self.predict(model_path, rows, "--raw")     # rows: a pyarrow table or a dict of columns
            self.assert_same_bits(scores["prediction"], booster.predict(x, raw_score=True))
"""

import pathlib
import sys

import numpy
import pyarrow
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from harness import EndToEnd, run  # noqa: E402, F401


def write_table(table, path):
    write = {".parquet": pyarrow.parquet.write_table, ".csv": pyarrow.csv.write_csv,
             ".arrow": pyarrow.feather.write_feather, ".feather": pyarrow.feather.write_feather}
    write[pathlib.Path(path).suffix](table, str(path))


def read_table(path):
    read = {".parquet": pyarrow.parquet.read_table, ".csv": pyarrow.csv.read_csv,
            ".arrow": pyarrow.feather.read_table, ".feather": pyarrow.feather.read_table}
    return read[pathlib.Path(path).suffix](str(path))


def ulps(a, b):
    """Distances in units in the last place, element by element; 0 for two NaN."""
    def line(x):
        bits = numpy.ascontiguousarray(x, dtype=numpy.float64).view(numpy.int64)
        return numpy.where(bits < 0, numpy.int64(-2**63) - bits, bits)
    a, b = numpy.asarray(a, dtype=numpy.float64), numpy.asarray(b, dtype=numpy.float64)
    distance = numpy.abs(line(a).astype(object) - line(b).astype(object))
    distance[numpy.isnan(a) & numpy.isnan(b)] = 0
    return distance


class ScoreTest(EndToEnd):
    def predict(self, model, rows, *flags, name="rows.parquet", out="scores.parquet"):
        """Columns of the output, as numpy arrays."""
        table = rows if isinstance(rows, pyarrow.Table) else pyarrow.table(rows)
        write_table(table, self.folder / name)
        self.assert_done(run("predict", "--model", model, "--in", self.folder / name, "--out", self.folder / out, *flags))
        scores = read_table(self.folder / out)
        return {column: scores[column].to_numpy() for column in scores.column_names}

    def assert_same_bits(self, ours, theirs, message=""):
        ours, theirs = numpy.asarray(ours, dtype=numpy.float64), numpy.asarray(theirs, dtype=numpy.float64)
        self.assertEqual(ours.shape, theirs.shape)
        different = numpy.flatnonzero(ours.view(numpy.int64) != theirs.view(numpy.int64))
        if len(different):
            row = different[0]
            self.fail(f"{message} {len(different)} of {len(ours)} differ; first row {row}: "
                      f"{float(ours[row])!r}, expected {float(theirs[row])!r}")

    def assert_within_ulps(self, ours, theirs, ulps_max, message=""):
        distance = ulps(ours, theirs)
        self.assertLessEqual(distance.max(), ulps_max, f"{message} at row {distance.argmax()}")
