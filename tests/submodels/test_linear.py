"""Linear models with fewer features, and what they then store; steps of least angle regression."""

import pickle
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import (
    ElasticNet,
    Lars,
    LarsCV,
    Lasso,
    LassoLars,
    LinearRegression,
    LogisticRegression,
    MultiTaskLasso,
    OrthogonalMatchingPursuit,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.resources import count_operations, count_parameters
from optistruct.resources.families.linear import LINEAR
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.families.lars import LarsSubmodels
from optistruct.submodels.families.linear import LinearSubmodels

METHODS = ("predict", "predict_proba", "decision_function")
CLASSIFIERS = [
    LogisticRegression(),
    LogisticRegression(fit_intercept=False),
    LinearSVC(),
    Perceptron(),
    RidgeClassifier(),
    SGDClassifier(average=True, random_state=0),
]
REGRESSORS = [
    LinearRegression(),
    Ridge(fit_intercept=False),
    ElasticNet(0.01),
    OrthogonalMatchingPursuit(n_nonzero_coefs=7),
    LassoLars(0.01),
    LarsCV(cv=3),
    SGDRegressor(random_state=0),
    SGDRegressor(average=True, random_state=0),
]


@pytest.fixture(scope="module")
def wide():
    """(90, 20) numbers, three classes of which, and numbers."""
    X = np.random.default_rng(3).normal(size=(90, 20))
    signal = X[:, :10] @ np.arange(10) / 10
    return X, np.digitize(signal, [-1, 1]), signal


def check(model, X):
    """Compare the one pass and the costs with the submodels built; hand out these."""
    submodels = submodels_of(model)
    methods = [method for method in METHODS if hasattr(model, method)]
    responses = {method: list(submodels.responses(X, method)) for method in methods}
    everything = []
    for place, (submodel, cost) in enumerate(zip(submodels, submodels.costs(), strict=True)):
        built = submodel.materialize()
        everything.append(built)
        assert built.get_params() == model.get_params()
        used = np.any(np.atleast_2d(dense(built)) != 0, axis=0)
        assert used.sum() == submodel.value
        assert cost.parameters == count_parameters(built).total
        assert cost.operations == count_operations(built)
        for method in methods:
            answer = getattr(built, method)(X)
            np.testing.assert_array_equal(responses[method][place], answer, strict=True)
    assert type(everything[-1].coef_) is type(model.coef_)
    np.testing.assert_array_equal(dense(everything[-1]), dense(model), strict=True)
    assert sorted(cost.parameters for cost in submodels.costs()) == [
        cost.parameters for cost in submodels.costs()
    ]
    return everything


def dense(model):
    return model.coef_ if isinstance(model.coef_, np.ndarray) else model.coef_.toarray()


@pytest.mark.parametrize("model", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers(model, classes, wide):
    X, labels, _ = wide
    check(clone(model).fit(X, np.minimum(labels, classes - 1)), X[:30])


@pytest.mark.parametrize("model", REGRESSORS, ids=str)
def test_regressors(model, wide):
    X, _, numbers = wide
    check(clone(model).fit(X, numbers), X[:30])


@pytest.mark.parametrize("model", [Ridge(), MultiTaskLasso(0.01)], ids=str)
def test_several_targets(model, wide):
    X, labels, numbers = wide
    check(model.fit(X, np.column_stack([numbers, labels])), X[:30])


def test_single_precision_stays(wide):
    X, labels, _ = wide
    model = LogisticRegression().fit(X.astype(np.float32), labels)
    assert all(built.coef_.dtype == "f4" for built in check(model, X[:30].astype(np.float32)))


def test_what_is_sparse_already(wide):
    X, labels, _ = wide
    check(LogisticRegression().fit(X, labels).sparsify(), X[:30])


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize("kind", get_args(LINEAR), ids=lambda kind: kind.__name__)
def test_every_linear_model_that_is_counted_holds_submodels(kind):
    model = kind()
    if kind is Lars:
        model.set_params(fit_intercept=False)
    else:
        model.coef_ = np.arange(3.0)
    family = LarsSubmodels if kind is Lars else LinearSubmodels
    assert submodel_parameter(model) == family.parameter


def test_the_largest_coefficient_over_the_classes_counts():
    model = LogisticRegression()
    model.classes_ = np.arange(3)
    model.intercept_ = np.zeros(3)
    model.coef_ = np.array([[1.0, -3, 2, 0], [1, 0, 2, 0], [1.5, 0, 2, 0]])
    submodels = submodels_of(model)
    assert submodels.values == (1, 2, 3)
    kept = [np.flatnonzero(dense(one.materialize()).any(axis=0)).tolist() for one in submodels]
    assert kept == [[1], [1, 2], [0, 1, 2]]


def test_of_features_that_tie_the_first_is_kept(wide):
    model = Ridge().fit(wide[0], wide[2])
    model.coef_ = np.array([1.0, -2, 2, 1, 2])
    assert submodels_of(model).materialize(2).coef_.tolist() == [0, -2, 2, 0, 0]


def test_the_total_falls_where_scikit_learn_can_store_fewer(wide):
    X, labels, numbers = wide
    classifier = submodels_of(LogisticRegression().fit(X, labels))
    assert [cost.parameters for cost in classifier.costs()[:2]] == [2 * 3 + 4 + 3, 2 * 6 + 4 + 3]
    assert {cost.parameters for cost in classifier.costs()[9:]} == {20 * 3 + 3}  # not sparse
    regressor = submodels_of(Ridge().fit(X, numbers))
    assert {cost.parameters for cost in regressor.costs()} == {21}
    assert count_parameters(regressor.materialize(5)).effective == 6


def test_a_small_one_holds_nothing_of_the_large_one(wide):
    X = np.tile(wide[0], 20)
    small = submodels_of(SGDClassifier(average=True).fit(X, wide[1])).materialize(1)
    refit = SGDClassifier(average=False).fit(X, wide[1]).sparsify()
    assert len(pickle.dumps(small)) < len(pickle.dumps(refit)) / 2


@pytest.mark.parametrize("place", [0, -1])
def test_training_a_submodel_further_leaves_the_model_alone(place, wide):
    X, y, _ = wide
    model = SGDClassifier(random_state=0).fit(X, y)
    before = model.decision_function(X)
    built = submodels_of(model)[place].materialize()
    if sparse.issparse(built.coef_):
        built.densify()
    built.partial_fit(X, y)
    np.testing.assert_array_equal(model.decision_function(X), before)


def test_a_model_without_any_coefficient_holds_itself(wide):
    X, _, numbers = wide
    model = Lasso(alpha=1e6).fit(X, numbers)
    submodels = submodels_of(model)
    assert submodels.values == (0,)
    np.testing.assert_array_equal(submodels[0].materialize().predict(X), model.predict(X))


def test_features_without_a_coefficient_are_not_held(wide):
    X, _, numbers = wide
    submodels = submodels_of(Lasso(alpha=0.3).fit(X, numbers))
    used = np.count_nonzero(submodels.model.coef_)
    assert 1 < used < 20
    with pytest.raises(ArgumentError, match=f"n_nonzero_features from 1 to {used}, got 20"):
        submodels.among([1, 20])


@pytest.mark.parametrize("model", [Ridge(), make_pipeline(StandardScaler(), Ridge())], ids=str)
def test_no_parameter_asks_for_fewer_features(model, wide):
    with pytest.raises(SubmodelError, match="no parameter of a Ridge asks for fewer features"):
        submodel_parameter(model)
    submodels = submodels_of(model.fit(wide[0], wide[2]))
    assert submodels.parameter.endswith("n_nonzero_features")
    assert submodels.parameter not in model.get_params()
    assert "not fitted again" in submodels.difference


def test_a_linear_model_that_is_not_fitted():
    with pytest.raises(NotFittedError, match="Ridge instance is not fitted yet"):
        submodels_of(Ridge())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("precompute", ["auto", False])
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(5, 40),
    columns=st.integers(1, 15),
    is_rounded=st.booleans(),
)
def test_steps_of_least_angle_regression(assert_law, precompute, seed, rows, columns, is_rounded):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    X = np.round(X) if is_rounded else X
    y = X[:, 0] + rng.normal(size=rows)
    model = Lars(n_nonzero_coefs=12, fit_intercept=False, precompute=precompute)
    assert_law(model, X, y, X)


def test_a_smaller_lars_is_a_refit_in_all_that_it_knows(wide):
    X, _, numbers = wide
    model = Lars(n_nonzero_coefs=15, fit_intercept=False).fit(X, numbers)
    small = submodels_of(model).materialize(4)
    refit = clone(model).set_params(n_nonzero_coefs=4).fit(X, numbers)
    assert vars(small).keys() == vars(refit).keys()
    for name, value in vars(refit).items():
        np.testing.assert_array_equal(getattr(small, name), value)


@pytest.mark.parametrize("most", [15, 500])
def test_a_path_that_ends_before(most, wide):
    X, numbers = wide[0][:, :6], wide[2]
    submodels = submodels_of(Lars(n_nonzero_coefs=most, fit_intercept=False).fit(X, numbers))
    assert submodels.values == (1, 2, 3, 4, 5, most)
    np.testing.assert_array_equal(submodels.materialize(9).coef_, submodels.model.coef_)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({}, "set fit_intercept=False"),
        ({"fit_intercept": False, "fit_path": False}, "set fit_path=True"),
    ],
)
def test_a_lars_without_what_a_smaller_one_needs_is_refused(settings, remedy):
    with pytest.raises(SubmodelError, match=remedy):
        submodel_parameter(Lars(**settings))


def test_a_lars_of_several_targets_is_refused(wide):
    X, labels, numbers = wide
    model = Lars(fit_intercept=False).fit(X, np.column_stack([numbers, labels]))
    with pytest.raises(SubmodelError, match="predicts several targets"):
        submodels_of(model)
