"""Prints the reference values that train_test.cc holds, from scikit-learn.

    .deps/venv/bin/python src/train/reference_values.py
"""

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

i = np.arange(300)
hour = (i * 7 % 24).astype(float)
delay = (i * 37 % 101) - 20.0
delay[i % 11 == 3] = np.nan
label = ((hour * 3 + np.nan_to_num(delay, nan=25.0) + i * 53 % 60) > 95).astype(int)
table = np.column_stack([hour, delay])
print("positives", label.sum())
for l2 in (1.0, 20.0):
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=1 / l2, tol=1e-12, max_iter=10000))
    model.fit(table, label)
    fitted = model[-1]
    print("l2", l2, "weights", fitted.coef_.tolist(), "intercept", fitted.intercept_.tolist())
    print("scores", model.predict_proba(table)[:5, 1].tolist())
print("scaler", model[1].mean_.tolist(), model[1].scale_.tolist())
