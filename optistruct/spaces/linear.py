"""Linear models: logistic regression, ridge and the elastic net."""

from typing import Any

from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem

__all__ = ["linear"]


def linear(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest a linear model with a ridge or an elastic-net penalty.

    A class is predicted by logistic regression. The elastic net sets coefficients to zero, and
    so makes structures of fewer effective parameters. Columns should be on one scale: put the
    space behind `spaces.scaler` or into `spaces.tabular`.
    """
    penalty = trial.suggest_categorical("penalty", ["ridge", "elastic_net"])
    strength = trial.suggest_float("strength", 1e-4, 1e3, log=True)
    l1_ratio = trial.suggest_float("l1_ratio", 0.05, 1.0) if penalty == "elastic_net" else 0.0
    if problem.is_classification:
        solver = "saga" if penalty == "elastic_net" else "lbfgs"
        return LogisticRegression(C=1 / strength, l1_ratio=l1_ratio, solver=solver, max_iter=300)
    if penalty == "ridge":
        return Ridge(alpha=strength)
    return ElasticNet(alpha=strength, l1_ratio=l1_ratio, max_iter=3000)
