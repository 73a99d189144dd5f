"""Boosted trees: scikit-learn's histogram boosting and LightGBM."""

from typing import Any

from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem
from optistruct.spaces.starts import starting_with

__all__ = ["hist_gradient_boosting", "lightgbm"]


@starting_with(
    {
        "max_iter": 10,
        "learning_rate": 0.3,
        "max_leaf_nodes": 4,
        "min_samples_leaf": 20,
        "l2_regularization": 1e-06,
    },
    {
        "max_iter": 50,
        "learning_rate": 0.15,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 10,
        "l2_regularization": 1.0,
    },
    {
        "max_iter": 100,
        "learning_rate": 0.1,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 1e-06,
    },
)
def hist_gradient_boosting(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest histogram gradient boosting of 10 to 500 rounds with 2 to 127 leaves a tree."""
    boosting = (
        HistGradientBoostingClassifier
        if problem.is_classification
        else HistGradientBoostingRegressor
    )
    return boosting(
        max_iter=trial.suggest_int("max_iter", 10, 500, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
        max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 2, 127, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 2, 100, log=True),
        l2_regularization=trial.suggest_float("l2_regularization", 1e-6, 10.0, log=True),
        early_stopping=False,
    )


@starting_with(
    {
        "n_estimators": 10,
        "learning_rate": 0.3,
        "num_leaves": 4,
        "min_child_samples": 20,
        "colsample_bytree": 1.0,
        "reg_lambda": 1e-06,
    },
    {
        "n_estimators": 50,
        "learning_rate": 0.15,
        "num_leaves": 8,
        "min_child_samples": 10,
        "colsample_bytree": 1.0,
        "reg_lambda": 1.0,
    },
    {
        "n_estimators": 100,
        "learning_rate": 0.1,
        "num_leaves": 31,
        "min_child_samples": 20,
        "colsample_bytree": 1.0,
        "reg_lambda": 1e-06,
    },
)
def lightgbm(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest LightGBM of 10 to 500 rounds with 2 to 127 leaves a tree, on one thread."""
    boosting = LGBMClassifier if problem.is_classification else LGBMRegressor
    return boosting(
        n_estimators=trial.suggest_int("n_estimators", 10, 500, log=True),
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
        num_leaves=trial.suggest_int("num_leaves", 2, 127, log=True),
        min_child_samples=trial.suggest_int("min_child_samples", 2, 100, log=True),
        colsample_bytree=trial.suggest_float("colsample_bytree", 0.3, 1.0),
        reg_lambda=trial.suggest_float("reg_lambda", 1e-6, 10.0, log=True),
        n_jobs=1,
        verbose=-1,
    )
