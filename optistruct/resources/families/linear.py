"""Linear models: a weighted sum of the features.

| models | stored | operations a row |
|---|---|---|
| regressions and classifiers | coefficients, intercepts; effective: the non-zero | coefficients |
| ... made sparse (`sparsify`) | the sparse matrix's three arrays, intercepts | those stored |

Intercepts count where they are fitted. What only the deviation of a Bayesian regression needs
(`return_std`) isn't counted.
"""

from typing import Any

from sklearn import linear_model
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    GammaRegressor,
    HuberRegressor,
    Lars,
    LassoCV,
    LinearRegression,
    LogisticRegression,
    MultiTaskElasticNetCV,
    MultiTaskLassoCV,
    OrthogonalMatchingPursuit,
    OrthogonalMatchingPursuitCV,
    Perceptron,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    RidgeClassifier,
    RidgeClassifierCV,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TheilSenRegressor,
    TweedieRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from optistruct.resources.families.matrices import matrix
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

LINEAR = (
    ARDRegression
    | BayesianRidge
    | ElasticNet  # and Lasso, and both for several targets
    | ElasticNetCV
    | GammaRegressor
    | HuberRegressor
    | Lars  # and LassoLars, and the variants of both that choose their penalty
    | LassoCV
    | LinearRegression
    | LinearSVC
    | LinearSVR
    | LogisticRegression  # and LogisticRegressionCV
    | MultiTaskElasticNetCV
    | MultiTaskLassoCV
    | OrthogonalMatchingPursuit
    | OrthogonalMatchingPursuitCV
    | Perceptron
    | PoissonRegressor
    | QuantileRegressor
    | Ridge
    | RidgeClassifier
    | RidgeClassifierCV
    | RidgeCV
    | SGDClassifier
    | SGDRegressor
    | TheilSenRegressor
    | TweedieRegressor
)

for _name in ("PassiveAggressiveClassifier", "PassiveAggressiveRegressor"):
    if hasattr(linear_model, _name):  # scikit-learn 1.10 removes them
        LINEAR |= getattr(linear_model, _name)


@stored_arrays.register(LINEAR)
def _linear(model: Any) -> Stored:
    coefficients = matrix("coef", model.coef_)
    intercept = Weights(model.intercept_) if model.fit_intercept else None
    return {**coefficients, "coef": Weights(coefficients["coef"]), "intercept": intercept}


@operations_per_row.register(LINEAR)
def _linear_operations(model: Any) -> float:
    return float(model.coef_.size)
