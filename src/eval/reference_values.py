"""Prints the reference values that this room's tests hold, from scipy and scikit-learn, and from
slow definitions where those have none.

    .deps/venv/bin/python src/eval/reference_values.py
"""

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

i = np.arange(240)
day = i // 40
scores = np.round((i * 37 % 101) / 101, 2)
other = np.round((i * 53 % 97) / 97, 2)
labels = ((i * 37 % 101) + (i * 29 % 83) + 6 * day > 105).astype(int)
print("positives", labels.sum())
print("auc", roc_auc_score(labels, scores), "log loss", log_loss(labels, np.clip(scores, 1e-15, 1 - 1e-15)))
print("brier", brier_score_loss(labels, scores), "accuracy", accuracy_score(labels, scores >= 0.4))
decided = scores >= 0.4
print("cost", np.where(decided, 1.0 * (1 - labels), 3.0 * labels).mean())


def auc_error(clusters):
    """Obuchowski's variance with G / (G - 1), straight from the definition."""
    p, q = scores[labels == 1], scores[labels == 0]
    wins = (p[:, None] > q[None, :]) + 0.5 * (p[:, None] == q[None, :])
    auc = wins.mean()
    influence = np.zeros(len(i))
    influence[labels == 1] = (wins.mean(1) - auc) / len(p)
    influence[labels == 0] = (wins.mean(0) - auc) / len(q)
    totals = np.array([influence[clusters == c].sum() for c in np.unique(clusters)])
    return np.sqrt(len(totals) / (len(totals) - 1) * (totals**2).sum())


print("auc error by day", auc_error(day), "t", stats.t.ppf(0.975, 5))
uneven = np.minimum(i // 7, 9)
difference = (other - labels) ** 2 - (scores - labels) ** 2
without = np.array([difference[uneven != c].mean() for c in range(10)])
error = np.sqrt(9 / 10 * ((without - difference.mean()) ** 2).sum())
print("difference", difference.mean(), "jackknife error", error)
print("upper", difference.mean() + stats.t.ppf(0.95, 9) * error)
print("t", [stats.t.ppf(*a) for a in [(0.95, 1), (0.975, 5), (0.999, 30), (0.05, 9), (0.6, 200), (0.9999, 3)]])
