"""The families of models that hold submodels; importing this registers all of them."""

from optistruct.submodels.families import (
    adaboost,
    bagging,
    boosting,
    forests,
    lars,
    lightgbm,
    linear,
    neighbors,
    neural,
    pipelines,
    trees,
)

__all__ = [
    "adaboost",
    "bagging",
    "boosting",
    "forests",
    "lars",
    "lightgbm",
    "linear",
    "neighbors",
    "neural",
    "pipelines",
    "trees",
]
