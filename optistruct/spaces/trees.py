"""One decision tree: its depth, its leaves, and how few rows a leaf may hold."""

from typing import Any

from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem
from optistruct.spaces.starts import starting_with

__all__ = ["decision_tree"]


@starting_with(
    {"max_depth": 2, "max_leaf_nodes": 4, "min_samples_leaf": 5},
    {"max_depth": 5, "max_leaf_nodes": 24, "min_samples_leaf": 5},
    {"max_depth": 24, "max_leaf_nodes": 2048, "min_samples_leaf": 1},
)
def decision_tree(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest a decision tree of depth 1 to 24 with 2 to 2,048 leaves."""
    tree = DecisionTreeClassifier if problem.is_classification else DecisionTreeRegressor
    return tree(
        max_depth=trial.suggest_int("max_depth", 1, 24),
        max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 2, 2048, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 64, log=True),
    )
