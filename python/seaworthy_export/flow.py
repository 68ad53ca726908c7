"""What flows between the steps of a pipeline: the library's own data, and where in the plan it is."""

import numpy as np

from .builder import NUMBER, OPAQUE, Refused, as_numbers


class Flow:
    """`data` is what scikit-learn passes on for the golden rows; `columns` says for each of its columns
    which column of which value of the plan it is."""

    def __init__(self, builder, data, columns):
        self.builder, self.data, self.columns = builder, data, columns

    @classmethod
    def of(cls, builder, data, *values):
        return cls(builder, data, [(value, column) for value in values for column in range(value.width)])

    @property
    def is_sparse(self):
        return hasattr(self.data, "toarray")

    @property
    def kinds(self):
        return [value.kind for value, _ in self.columns]

    def take(self, data, indices):
        return Flow(self.builder, data, [self.columns[index] for index in indices])

    def value(self, path):
        """All columns as one value, of whatever type they are."""
        self.check(path)
        return self.builder.select(path, self.columns)

    def numbers(self, path, float32_allowed=False):
        """All columns as one value of numbers, in double precision."""
        if any(kind != NUMBER for kind in self.kinds):
            raise Refused(path, "a column that holds more than numbers reaches a step that reads numbers")
        dtypes = getattr(self.data, "dtypes", None)
        dtypes = list(dtypes) if dtypes is not None and hasattr(dtypes, "__iter__") else [self.data.dtype]
        if not float32_allowed and any(dtype in (np.float32, np.float16) for dtype in dtypes):
            raise Refused(path, "it computes in single precision here; keep the columns float64 (dtype=...)")
        return self.value(path)

    def check(self, path):
        if OPAQUE in self.kinds:
            raise Refused(path, "it reads a column that holds neither only numbers nor only text")

    def runs(self, path):
        """Runs of columns of one type: [(kind, [index, ...]), ...]."""
        self.check(path)
        found = []
        for index, kind in enumerate(self.kinds):
            if found and found[-1][0] == kind:
                found[-1][1].append(index)
            else:
                found.append((kind, [index]))
        return found


def golden_of(data):
    return as_numbers(data)
