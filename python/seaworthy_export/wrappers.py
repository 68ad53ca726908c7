"""Models made of other models."""

from .walk import model, walk_model, walk_transformer


@model("Pipeline")
def pipeline(builder, estimator, flow, path):
    for name, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            flow = walk_transformer(builder, step, flow, f"{path}/{name}")
    return walk_model(builder, estimator.steps[-1][1], flow, f"{path}/{estimator.steps[-1][0]}")
