"""Preprocessing steps that may be searched: scaler or none, PCA's width, a selector."""

from functools import partial
from typing import Any

from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_classif, f_regression
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from optistruct.spaces.build import AnyTrial
from optistruct.spaces.problem import Problem

__all__ = ["pca", "scaler", "selector"]

_SCALERS = {
    "none": lambda: None,
    "standard": StandardScaler,
    "robust": RobustScaler,
    "quantile": partial(QuantileTransformer, n_quantiles=100),
}


def scaler(trial: AnyTrial) -> Any:
    """Suggest no scaler, or scaling by deviation, by quartiles or by ranks."""
    return _SCALERS[trial.suggest_categorical("kind", list(_SCALERS))]()


def pca(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest a projection on 1 to all principal components."""
    most = max(1, min(problem.features, problem.rows // 2))
    return PCA(n_components=trial.suggest_int("n_components", 1, most, log=True))


def selector(trial: AnyTrial, problem: Problem) -> Any:
    """Suggest how many columns to keep: those with the largest F statistic."""
    return SelectKBest(
        f_classif if problem.is_classification else f_regression,
        k=trial.suggest_int("k", 1, problem.features, log=True),
    )
