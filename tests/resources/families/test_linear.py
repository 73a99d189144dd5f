"""Each count is proved by rebuilding `predict` from exactly the arrays that were counted."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.utils import all_estimators

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays

pytestmark = [
    pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

REGRESSORS = {
    "ARDRegression": {},
    "BayesianRidge": {},
    "ElasticNet": {"alpha": 0.001},
    "ElasticNetCV": {"cv": 2, "alphas": 5},
    "GammaRegressor": {"alpha": 0.001},
    "HuberRegressor": {"max_iter": 1000},
    "Lars": {},
    "LarsCV": {"cv": 2},
    "Lasso": {"alpha": 1.0},
    "LassoCV": {"cv": 2, "alphas": 5},
    "LassoLars": {"alpha": 0.1},
    "LassoLarsCV": {"cv": 2},
    "LassoLarsIC": {},
    "LinearRegression": {},
    "OrthogonalMatchingPursuit": {"n_nonzero_coefs": 3},
    "OrthogonalMatchingPursuitCV": {"cv": 2},
    "PassiveAggressiveRegressor": {"random_state": 0},
    "PoissonRegressor": {"alpha": 0.001},
    "QuantileRegressor": {"alpha": 0.001},
    "Ridge": {},
    "RidgeCV": {},
    "SGDRegressor": {"random_state": 0},
    "TheilSenRegressor": {"random_state": 0, "max_subpopulation": 50},
    "TweedieRegressor": {"alpha": 0.001, "link": "log"},
}
MULTI_TASK = {
    "MultiTaskElasticNet": {"alpha": 0.1},
    "MultiTaskElasticNetCV": {"cv": 2, "alphas": 5},
    "MultiTaskLasso": {"alpha": 0.1},
    "MultiTaskLassoCV": {"cv": 2, "alphas": 5},
}
CLASSIFIERS = {
    "LogisticRegression": {"max_iter": 500},
    "LogisticRegressionCV": {
        "cv": 2,
        "Cs": 2,
        "l1_ratios": (0.0,),
        "scoring": "accuracy",
        "use_legacy_attributes": False,
    },
    "PassiveAggressiveClassifier": {"random_state": 0},
    "Perceptron": {"random_state": 0},
    "RidgeClassifier": {},
    "RidgeClassifierCV": {},
    "SGDClassifier": {"random_state": 0},
}
INVERSE_LINKS = {"GammaRegressor", "PoissonRegressor", "TweedieRegressor"}


def make(name, **settings):
    return getattr(linear_model, name)(**settings)


def scores(model, X):
    stored = arrays(model)
    return X @ np.transpose(stored["coef"]) + stored.get("intercept", 0.0)


def choose(model, made):
    """Name the class with the largest score; one column is the second class's margin over 0."""
    if made.ndim == 1 or made.shape[1] == 1:
        return model.classes_[(made.ravel() > 0).astype(int)]
    return model.classes_[made.argmax(axis=1)]


def test_every_linear_model_of_scikit_learn_is_proved_here():
    listed = all_estimators(type_filter=["classifier", "regressor"])
    linear = {name for name, kind in listed if kind.__module__.startswith("sklearn.linear_model")}
    proved = REGRESSORS.keys() | MULTI_TASK.keys() | CLASSIFIERS.keys()
    assert linear - {"RANSACRegressor"} <= proved


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", REGRESSORS)
def test_regressions_predict_from_the_counted_arrays(name, intercept):
    if not hasattr(linear_model, name):
        pytest.skip("this scikit-learn has no such model")
    X, y = load_diabetes(return_X_y=True)
    model = make(name, fit_intercept=intercept, **REGRESSORS[name])
    model.fit(X[:150], y[:150])
    made = scores(model, X)
    np.testing.assert_allclose(np.exp(made) if name in INVERSE_LINKS else made, model.predict(X))
    count = count_parameters(model)
    assert count.total == 10 + intercept
    assert count.effective == np.count_nonzero(model.coef_) + intercept
    assert count.exact
    assert count_operations(model) == 10


@pytest.mark.parametrize("name", MULTI_TASK)
def test_regressions_of_several_targets_have_a_set_for_each(name):
    X, y = load_diabetes(return_X_y=True)
    targets = np.column_stack([y, -y, y**2])[:100]
    model = make(name, **MULTI_TASK[name]).fit(X[:100], targets)
    np.testing.assert_allclose(scores(model, X), model.predict(X))
    assert count_parameters(model).total == 3 * (10 + 1)
    assert count_operations(model) == 30


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3)])
@pytest.mark.parametrize("name", [*CLASSIFIERS, "LinearSVC"])
def test_classifiers_choose_by_the_counted_arrays(name, task, outputs, intercept):
    if name != "LinearSVC" and not hasattr(linear_model, name):
        pytest.skip("this scikit-learn has no such model")
    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X), np.array(["a", "b", "c"])[y]
    if task == "binary":
        X, y = X[50:], y[50:]
    settings = CLASSIFIERS.get(name, {})
    make_model = LinearSVC if name == "LinearSVC" else getattr(linear_model, name)
    model = make_model(fit_intercept=intercept, **settings).fit(X, y)
    np.testing.assert_array_equal(choose(model, scores(model, X)), model.predict(X))
    assert count_parameters(model).total == outputs * (4 + intercept)
    assert count_operations(model) == outputs * 4


@pytest.mark.parametrize("intercept", [True, False])
def test_linear_support_vector_regression(intercept):
    X, y = load_diabetes(return_X_y=True)
    model = LinearSVR(fit_intercept=intercept, random_state=0).fit(X, y)
    np.testing.assert_allclose(scores(model, X), model.predict(X))
    assert count_parameters(model).total == 10 + intercept
    assert count_operations(model) == 10


def test_sparse_coefficients_count_as_the_arrays_that_they_are():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = linear_model.SGDClassifier(penalty="l1", alpha=0.05, random_state=0).fit(X, y)
    expected, dense = model.predict(X), count_parameters(model)
    kept = np.count_nonzero(model.coef_)
    assert 0 < kept < 30
    model.sparsify()
    stored = arrays(model)
    coef = sparse.csr_array(
        (stored["coef"], stored["coef_indices"], stored["coef_indptr"]), shape=(1, 30)
    )
    made = X @ coef.toarray().T + stored["intercept"]
    np.testing.assert_array_equal(choose(model, made), expected)
    assert dense.total == 30 + 1
    assert dense.effective == kept + 1
    assert count_parameters(model).total == 2 * kept + 2 + 1
    assert count_operations(model) == kept
