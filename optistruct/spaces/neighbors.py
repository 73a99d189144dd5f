"""Nearest neighbours: how many are asked, and how they vote."""

from typing import Any

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem
from optistruct.spaces.starts import starting_with

__all__ = ["nearest_neighbors"]


@starting_with(
    {"n_neighbors": 1, "weights": "uniform", "p": 2},
    {"n_neighbors": 5, "weights": "uniform", "p": 2},
    {"n_neighbors": 10, "weights": "distance", "p": 1},
    {"n_neighbors": 25, "weights": "distance", "p": 2},
)
def nearest_neighbors(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest 1 to 50 nearest neighbours, at most half the rows.

    Columns should be on one scale: put the space behind `spaces.scaler` or into
    `spaces.tabular`.
    """
    neighbors = KNeighborsClassifier if problem.is_classification else KNeighborsRegressor
    most = max(1, min(50, problem.rows // 2))
    return neighbors(
        n_neighbors=trial.suggest_int("n_neighbors", 1, most, log=True),
        weights=trial.suggest_categorical("weights", ["uniform", "distance"]),
        p=trial.suggest_categorical("p", [1, 2]),
    )
