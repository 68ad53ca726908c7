"""Probabilities of raw scores."""

from .walk import column


def probabilities(builder, path, raw, proba):
    """predict_proba of raw scores with a logistic or softmax link: all classes, and the second alone."""
    if raw.width > 1:
        return (lambda: builder.add("row", f"{path}/softmax", [raw], raw.width, golden=proba, function="softmax")), None

    kept = []

    def positive():
        if not kept:
            kept.append(builder.add("apply", f"{path}/sigmoid", [raw], 1, golden=column(proba, 1), function="sigmoid"))
        return kept[0]

    def whole():
        other = builder.add("scale", f"{path}/other", [positive()], 1, golden=column(proba, 0), multiply=[-1.0], add=[1.0])
        return builder.select(path, [(other, 0), (positive(), 0)])
    return whole, positive
