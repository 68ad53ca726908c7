"""Prints the reference values that this room's tests hold, from scipy 1.17 and scikit-learn 1.9.

    .deps/venv/bin/python src/stats/reference_values.py
"""

import numpy as np
from scipy import special, stats
from sklearn.calibration import _SigmoidCalibration
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

i = np.arange(40)
labels = ((i * 7) % 5 >= 2).astype(int)
first = ((i * 37) % 23) / 23.0
second = np.round(0.6 * first + 0.4 * ((i * 11 + 3 * (1 - labels) * 4) % 17) / 17.0, 2)
first = np.round(0.7 * first + 0.3 * (1 - labels) * ((i % 3) / 2), 2)
print("first", first.tolist())
print("second", second.tolist())
print("auc", roc_auc_score(labels, first), roc_auc_score(labels, second))
print("log loss", log_loss(labels, np.clip(first, 1e-15, 1 - 1e-15)))
print("brier", brier_score_loss(labels, first))


def components(scores):
    """DeLong's structural components straight from their definition, in O(n^2)."""
    p, q = scores[labels == 1], scores[labels == 0]
    wins = (p[:, None] > q[None, :]) + 0.5 * (p[:, None] == q[None, :])
    return wins.mean(), wins.mean(1), wins.mean(0)


auc_1, p_1, q_1 = components(first)
auc_2, p_2, q_2 = components(second)
s = np.cov([p_1, p_2]) / len(p_1) + np.cov([q_1, q_2]) / len(q_1)
error = np.sqrt(s[0, 0])
error_difference = np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
print("delong", error, auc_1 - stats.norm.ppf(0.975) * error)
print("delong pair", error_difference, 2 * stats.norm.cdf(-abs(auc_2 - auc_1) / error_difference))

isotonic = IsotonicRegression(out_of_bounds="clip").fit(first, labels)
print("isotonic", isotonic.predict([-1, 0.2, 0.28, 0.33, 0.345, 0.5, 2]).tolist())
platt = _SigmoidCalibration().fit(first, labels)
print("platt", -platt.a_, -platt.b_)

print("ppf", stats.norm.ppf([1e-300, 1e-10, 0.025, 0.4, 0.9, 0.999]).tolist())
print("cdf", stats.norm.cdf([-30, -5, -1, 0.3, 2]).tolist())
beta = [(2, 3, 0.4), (0.5, 0.5, 0.1), (50, 2, 0.99), (1e4, 2e4, 0.334), (1, 1, 0.7), (5, 1e5, 1e-5)]
print("beta", [float(special.betainc(*case)) for case in beta])
for k, n, c in [(0, 10, 0.95), (3, 20, 0.95), (20, 20, 0.9), (57, 12345, 0.99)]:
    print("clopper-pearson", k, n, c, stats.binomtest(k, n).proportion_ci(c, "exact"))

values = np.array([0.1, 0.2, 0.2, 0.9, 1.5, 0.05, 0.3, 4.0, 0.7, 0.35, 2.2, 0.15])
bca = stats.bootstrap((values,), np.mean, n_resamples=200000, method="BCa", rng=1)
print("bca", bca.confidence_interval, bca.standard_error)

x = [(k * 29 % 31) / 31 for k in range(60)]
shares = 0.95 * 0.6 ** np.arange(16)
log_wealth = [sum(np.log1p(c * (v / 0.4 - 1)) for v in x) for c in shares]
print("log e", special.logsumexp(log_wealth) - np.log(16))
