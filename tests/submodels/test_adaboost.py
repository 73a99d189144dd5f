"""Boostings within boostings: how boosting may end, and the order in which weights are summed."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import AdaBoostClassifier, AdaBoostRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct.exceptions import ArgumentError
from optistruct.submodels import submodels_of
from optistruct.submodels.families.adaboost import AdaBoostSubmodels

CLASSIFIERS = [
    AdaBoostClassifier(n_estimators=12, random_state=0),
    AdaBoostClassifier(LogisticRegression(), n_estimators=12, learning_rate=0.3, random_state=0),
    AdaBoostClassifier(
        DecisionTreeClassifier(max_depth=2, max_features=1, class_weight="balanced"),
        n_estimators=12,
        random_state=0,
    ),
]
REGRESSORS = [
    AdaBoostRegressor(n_estimators=12, random_state=0),
    AdaBoostRegressor(Ridge(), n_estimators=12, learning_rate=0.1, loss="square", random_state=0),
    AdaBoostRegressor(
        DecisionTreeRegressor(max_features=1, max_depth=6),
        n_estimators=12,
        loss="exponential",
        random_state=0,
    ),
]


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classifiers(task, model, request, assert_law):
    X, y = request.getfixturevalue(task)
    assert_law(model, X[:60], y[:60], X[60:], [1, 2, 9, 12])


@pytest.mark.parametrize("model", REGRESSORS)
def test_regressors(model, regression, assert_law):
    X, y = regression
    assert_law(model, X[:60], y[:60], X[60:], [1, 2, 9, 12])


def test_a_frame_and_weights_of_rows(multiclass, regression, assert_law):
    X, y = multiclass
    frame = pd.DataFrame(X, columns=list("abcd"))
    weights = np.linspace(0.1, 2, len(y))
    assert_law(CLASSIFIERS[0], frame, y, frame.iloc[::3], [1, 9, 12], sample_weight=weights)
    y = regression[1]
    assert_law(REGRESSORS[0], frame, y, frame.iloc[::3], [1, 9, 12], sample_weight=weights)


def test_many_classes_whose_sums_depend_on_the_order(assert_law):
    X, y = load_digits(return_X_y=True)
    model = AdaBoostClassifier(DecisionTreeClassifier(max_depth=3), n_estimators=30, random_state=0)
    assert_law(model, X[:200], y[:200], X[200:400], [1, 9, 17, 30])


@pytest.mark.parametrize("classes", [["high", "low"], ["mid"]])
def test_a_fold_without_some_of_the_classes(classes, multiclass, assert_law):
    X, y = multiclass
    seen = np.isin(y, classes)
    assert_law(CLASSIFIERS[0], X[seen], y[seen], X)


def test_one_member_is_one_submodel(data, assert_law):
    X, y = data
    kind = AdaBoostRegressor if y.dtype == float else AdaBoostClassifier
    assert assert_law(kind(n_estimators=1, random_state=0), X, y, X).values == (1,)


class TestBoostingThatEndsEarly:
    def test_at_a_member_without_errors(self, assert_law):
        X, y = load_iris(return_X_y=True)
        half = np.random.default_rng(5).permutation(150)[:75]
        member = DecisionTreeClassifier(max_depth=3, random_state=0)
        model = AdaBoostClassifier(member, n_estimators=30, random_state=0)
        submodels = assert_law(model, X[half], y[half], X)
        weights = submodels.model.estimator_weights_
        members = len(submodels.model.estimators_)
        assert submodels.model.estimator_errors_[members - 1] == 0
        assert submodels.values == (*range(1, members), 30)
        assert 1 < members < 20
        assert weights.sum() != weights[:members].sum()  # the zeros change the order of the sum
        assert_law(model, X[half], y[half], X, [members, members + 1, 20, 29, 30])

    def test_at_a_classifier_no_better_than_chance(self, assert_law):
        rng = np.random.default_rng(0)
        X, y = rng.integers(0, 2, (80, 1)).astype(float), rng.integers(0, 2, 80)
        model = AdaBoostClassifier(n_estimators=40, random_state=0)
        submodels = assert_law(model, X, y, X, [1, 15, 20, 21, 22, 30, 40])
        assert len(submodels.model.estimators_) == 21

    def test_at_a_regressor_of_large_errors(self, assert_law):
        rng = np.random.default_rng(3)
        X, y = rng.normal(size=(60, 4)), rng.normal(size=60)
        member = DecisionTreeRegressor(max_depth=1, max_features=1)
        model = AdaBoostRegressor(member, n_estimators=50, random_state=0)
        submodels = assert_law(model, X, y, X)
        members = len(submodels.model.estimators_)
        assert 1 < members < 40
        assert submodels.model.estimator_weights_[members] == 0
        assert_law(model, X, y, X, [members, members + 1, 40, 50])

    def test_at_a_first_regressor_of_large_errors_which_stays(self, regression, assert_law):
        X, y = regression
        member = DummyRegressor(strategy="constant", constant=1e5)
        model = AdaBoostRegressor(member, n_estimators=5, random_state=0)
        submodels = assert_law(model, X, y, X, [1, 3, 5])
        assert submodels.model.estimator_weights_.tolist() == [0] * 5

    def test_what_no_fit_of_the_model_could_have_is_not_held(self, multiclass):
        model = AdaBoostClassifier(DecisionTreeClassifier(), n_estimators=30).fit(*multiclass)
        with pytest.raises(ArgumentError, match="n_estimators from 1 to 30, got 31"):
            submodels_of(model).among([31])


def test_a_small_boosting_keeps_nothing_of_the_large_one(multiclass, regression):
    for kind, (X, y) in ((AdaBoostClassifier, multiclass), (AdaBoostRegressor, regression)):
        small = submodels_of(kind(n_estimators=60, random_state=0).fit(X, y)).materialize(2)
        refit = kind(n_estimators=2, random_state=0).fit(X, y)
        assert small.estimator_weights_.base is None
        assert small.estimator_errors_.base is None
        np.testing.assert_array_equal(small.estimator_weights_, refit.estimator_weights_)
        np.testing.assert_array_equal(small.estimator_errors_, refit.estimator_errors_)
        np.testing.assert_array_equal(small.feature_importances_, refit.feature_importances_)
        assert len(pickle.dumps(small)) == pytest.approx(len(pickle.dumps(refit)), rel=0.01)


@pytest.mark.parametrize(
    ("kind", "member"),
    [(AdaBoostClassifier, DecisionTreeClassifier), (AdaBoostRegressor, DecisionTreeRegressor)],
)
def test_each_member_is_asked_once(kind, member, binary, monkeypatch):
    X, y = binary
    model = kind(n_estimators=9, random_state=0).fit(X, y)
    asked = []
    predict = member.predict

    def recorded(tree, *args, **kwargs):
        asked.append(tree)
        return predict(tree, *args, **kwargs)

    monkeypatch.setattr(member, "predict", recorded)
    list(submodels_of(model).among([2, 5, 7]).responses(X, "predict"))
    assert asked == model.estimators_[:7]


def test_costs_build_nothing(multiclass, monkeypatch):
    submodels = submodels_of(AdaBoostClassifier(n_estimators=9).fit(*multiclass))
    monkeypatch.delattr(AdaBoostSubmodels, "materialize")
    assert len(submodels.costs()) == 9
