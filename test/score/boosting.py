"""What the tests of gradient boosting libraries share: hard rows, and every score compared.

    class MyTest(boosting.BoostingTest):
        def test_it(self):
            self.compare("binary", "model.txt", table, raw, predictions)

A test trains seeded models with the original library, lets `seaworthy predict` score the saved file
and asks for the same bits of raw scores and for predictions within two units in the last place.
"""

import numpy
import pyarrow

import scoring

TINY = [0.0, -0.0, 1e-35, -1e-35, 1e-36, 5e-324, -5e-324, 1e-45, -1e-45, 1.1754944e-38]
CODES = [-1, -0.5, -1.5, 0.9, 31.99, 255, 65536, 16777215, 16777216, 2147483648, 4294967296, 1e18, -1e18]


def ulps(ours, theirs, real):
    """The greatest distance in units in the last place of the type `real`; -0 is 0, and NaN is NaN."""
    line = {numpy.float32: numpy.int32, numpy.float64: numpy.int64}[real]
    low = int(numpy.iinfo(line).min)
    sides = []
    for values in (ours, theirs):
        bits = numpy.ascontiguousarray(values, dtype=real).view(line).astype(object)
        sides.append(numpy.where(bits < 0, low - bits, bits))
    both_nan = numpy.isnan(ours) & numpy.isnan(theirs)
    return int(numpy.max(numpy.where(both_nan, 0, numpy.abs(sides[0] - sides[1]))))


class BoostingTest(scoring.ScoreTest):
    def scores(self, model, table, *flags):
        """Rows x outputs."""
        found = self.predict(model, table, *flags)
        return numpy.column_stack([column for name, column in found.items() if name.startswith("prediction")])

    def compare(self, name, model, table, raw, predictions, real=numpy.float64, ulps_max=2):
        """All rows as one batch, and one of them alone, beside what the library said."""
        raw, predictions = (numpy.asarray(x).reshape(table.num_rows, -1) for x in (raw, predictions))
        ours = self.scores(model, table, "--raw")
        self.assertEqual(ours.shape, raw.shape, name)
        wrong = [row for row in range(len(raw)) if ulps(ours[row], raw[row], real) != 0]
        if wrong:
            self.fail(f"{name}: {len(wrong)} of {len(raw)} raw scores differ, first row {wrong[0]}: {ours[wrong[0]]} "
                      f"for {raw[wrong[0]]} of {table.slice(wrong[0], 1).to_pylist()}")
        finished = self.scores(model, table)
        self.assertEqual(finished.shape, predictions.shape, name)
        self.assertLessEqual(ulps(finished, predictions, real), ulps_max, f"{name}: predictions")
        alone = self.scores(model, table.slice(table.num_rows // 2, 1), "--raw")
        self.assertEqual(ulps(alone[0], ours[table.num_rows // 2], real), 0, f"{name}: a row alone has another score")

    def compare_contributions(self, model, table, theirs, atol=1e-9):
        """`theirs` is rows x (columns, then the bias), with all of that for each output side by side."""
        found = self.predict(model, table, "--contributions")
        ours = numpy.column_stack([column for name, column in found.items() if name.startswith("contribution_")])
        numpy.testing.assert_allclose(ours, numpy.asarray(theirs).reshape(table.num_rows, -1), atol=atol)


def hard_rows(random, thresholds, real=numpy.float64, infinite=True, codes=()):
    """Rows of every threshold and its neighbours, zeros, denormals, infinities, NaN and random values.

    `thresholds` has a list a column; `codes` are columns of category codes, which get huge, negative
    and fractional ones.
    """
    pools = []
    numpy.seterr(over="ignore")  # the neighbour of the greatest number
    for column, cuts in enumerate(thresholds):
        near = numpy.unique(numpy.array(cuts, dtype=real))
        pool = [near, numpy.nextafter(near, real(numpy.inf)), numpy.nextafter(near, real(-numpy.inf)),
                numpy.array(TINY, dtype=real), random.normal(size=20).astype(real)]
        if column in codes:
            pool += [numpy.array(CODES, dtype=real), numpy.arange(40, dtype=real)]
        if infinite:
            pool.append(numpy.array([numpy.inf, -numpy.inf, 1e300 if real is numpy.float64 else 1e38], dtype=real))
        pool.append(numpy.full(max(2, len(near) // 4), numpy.nan, dtype=real))
        pools.append(numpy.concatenate(pool))
    count = max(map(len, pools))
    return numpy.column_stack([random.permutation(numpy.resize(pool, count)) for pool in pools])


def table_of(rows, names):
    return pyarrow.table({name: pyarrow.array(rows[:, i], from_pandas=True) for i, name in enumerate(names)})
