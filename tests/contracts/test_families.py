"""What every classifier and regressor of scikit-learn must do when it is counted."""

import inspect
import math
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators

from optistruct.resources import count_operations, count_parameters

CLASSIFIERS = dict(all_estimators(type_filter="classifier"))
REGRESSORS = dict(all_estimators(type_filter="regressor"))
PREDICTORS = CLASSIFIERS | REGRESSORS
SETTINGS: dict[str, dict[str, Any]] = {
    "CCA": {"n_components": 1},
    "ClassifierChain": {"estimator": LogisticRegression()},
    "PLSCanonical": {"n_components": 1},
    "SelfTrainingClassifier": {"estimator": LogisticRegression()},
    "RadiusNeighborsClassifier": {"radius": 50.0},
    "RadiusNeighborsRegressor": {"radius": 50.0},
}
TWO_CLASSES = {"FixedThresholdClassifier", "TunedThresholdClassifierCV"}
SEVERAL_OUTPUTS = {
    "ClassifierChain", "MultiOutputClassifier", "MultiOutputRegressor", "RegressorChain",
    "MultiTaskElasticNet", "MultiTaskElasticNetCV", "MultiTaskLasso", "MultiTaskLassoCV",
}  # fmt: skip


def instance(name: str) -> Any:
    kind = PREDICTORS[name]
    base = LogisticRegression() if name in CLASSIFIERS else Ridge()
    needed = {
        parameter.name: [("one", base), ("two", clone(base))]
        if parameter.name == "estimators"
        else {"fit_intercept": [True, False]}
        if parameter.name in ("param_grid", "param_distributions")
        else base
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    return kind(**needed | SETTINGS.get(name, {}))


def fitted(name: str) -> Any:
    X, y = load_iris(return_X_y=True)
    X, y = X[::3], y[::3]
    if name not in CLASSIFIERS:
        y = X[:, 0] + 0.1 * y
    if name == "IsotonicRegression":
        X = X[:, 0]
    if name in TWO_CLASSES:
        y = (y > 0).astype(int)
    if name in SEVERAL_OUTPUTS:
        y = np.column_stack([y, y > 0]) if name in CLASSIFIERS else np.column_stack([y, -y])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return instance(name).fit(X, y)


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize("name", PREDICTORS)
def test_is_counted_by_a_definition(name: str) -> None:
    model = fitted(name)
    before = pickle.dumps(model)
    count = count_parameters(model)
    assert count.exact
    assert count.total == sum(count.by_part.values())
    assert 1 <= count.effective <= count.total
    operations = count_operations(model)
    assert math.isfinite(operations)
    assert operations >= 0
    assert count_parameters(model) == count
    assert count_parameters(pickle.loads(before)) == count


@pytest.mark.parametrize("name", PREDICTORS)
def test_the_arrays_added_up_are_an_answer_too(name: str) -> None:
    """`exact=False` changes nothing for a type that has a definition."""
    model = fitted(name)
    assert count_parameters(model, exact=False) == count_parameters(model)
