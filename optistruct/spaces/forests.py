"""Forests: random forest and extra trees."""

from typing import Any

from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem
from optistruct.spaces.starts import starting_with

__all__ = ["extra_trees", "random_forest"]


@starting_with(
    {"n_estimators": 5, "max_depth": 4, "min_samples_leaf": 4, "max_features": 0.4},
    {"n_estimators": 30, "max_depth": 8, "min_samples_leaf": 2, "max_features": 0.3},
    {"n_estimators": 100, "max_depth": 24, "min_samples_leaf": 1, "max_features": 0.3},
)
def random_forest(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest a random forest of 5 to 500 trees, each of depth 2 to 24."""
    forest = RandomForestClassifier if problem.is_classification else RandomForestRegressor
    return forest(**_forest(trial))


@starting_with(
    {"n_estimators": 5, "max_depth": 4, "min_samples_leaf": 2, "max_features": 0.5},
    {"n_estimators": 30, "max_depth": 8, "min_samples_leaf": 2, "max_features": 0.5},
    {"n_estimators": 100, "max_depth": 24, "min_samples_leaf": 1, "max_features": 0.3},
)
def extra_trees(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest extremely randomised trees, 5 to 500 of them, each of depth 2 to 24."""
    forest = ExtraTreesClassifier if problem.is_classification else ExtraTreesRegressor
    return forest(**_forest(trial))


def _forest(trial: AnyTrial) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 5, 500, log=True),
        "max_depth": trial.suggest_int("max_depth", 2, 24),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 32, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }
