"""Writes a fitted scikit-learn estimator or Pipeline as a plan, which `seaworthy` runs without Python.

    import seaworthy_export
    seaworthy_export.save(pipeline, "model.plan.json", rows=X_sample)

The plan holds typed stages with exact constants, and golden rows: at least 200 inputs (the sample's
rows, and rows made from them with missing values, unseen categories, extremes and the neighbours of
the trees' thresholds) with what scikit-learn computed at every stage. Nothing is needed beside
scikit-learn and what the pipeline itself uses. What cannot be written is refused by name: Refused.
"""

from .builder import Refused
from .document import dump, save

__all__ = ["Refused", "dump", "save"]
