"""Writes fitted models as what `seaworthy` runs without Python.

    import seaworthy_export
    seaworthy_export.save(pipeline, "model.plan.json", rows=X_sample)       # scikit-learn, as a plan
    seaworthy_export.save_package(model, "late-3", rows=X_sample)           # and LightGBM, XGBoost, CatBoost

The plan holds typed stages with exact constants, and golden rows: at least 200 inputs (the sample's
rows, and rows made from them with missing values, unseen categories, extremes and the neighbours of
the trees' thresholds) with what scikit-learn computed at every stage. A package holds a model, golden
rows with what its own library says of them, and the contract and profile of the sample. Nothing is
needed beside the library and what the model itself uses. What cannot be written is refused by name:
Refused.
"""

from .builder import Refused, UnfitRows
from .document import dump, save
from .package import save_package

__all__ = ["Refused", "UnfitRows", "dump", "save", "save_package"]
