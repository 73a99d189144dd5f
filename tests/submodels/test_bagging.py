"""Baggings within baggings: any member, any subset of columns, and what a smaller one keeps."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct.exceptions import SubmodelError
from optistruct.resources import count_operations
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.families.bagging import BaggingSubmodels
from tests.submodels.conftest import with_holes

SETTINGS = [
    {},
    {"max_features": 0.5},
    {"bootstrap_features": True, "max_features": 3},
    {"bootstrap": False, "max_samples": 0.6},
]
CLASSIFIERS = [
    None,
    LogisticRegression(),
    RidgeClassifier(),  # has no chances: it votes
    KNeighborsClassifier(3),  # takes no weights: its rows are drawn
    RandomForestClassifier(3, max_depth=2),
    make_pipeline(StandardScaler(), DecisionTreeClassifier(max_depth=3, class_weight="balanced")),
]
REGRESSORS = [
    None,
    Ridge(),
    KNeighborsRegressor(3),
    make_pipeline(StandardScaler(), DecisionTreeRegressor(max_features=2)),
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("member", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classifiers(task, member, settings, request, assert_law):
    X, y = request.getfixturevalue(task)
    assert_law(BaggingClassifier(member, 5, random_state=0, **settings), X[:60], y[:60], X[60:])


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("member", REGRESSORS, ids=str)
def test_regressors(member, settings, regression, assert_law):
    X, y = regression
    assert_law(BaggingRegressor(member, 5, random_state=0, **settings), X[:60], y[:60], X[60:])


@pytest.mark.parametrize("member", [None, DecisionTreeClassifier(max_depth=2, max_features=1)])
def test_trees_learn_their_own_directions_of_missing_values(member, multiclass, assert_law):
    X, y = multiclass
    frame = pd.DataFrame(with_holes(X), columns=list("abcd"))
    model = BaggingClassifier(member, 9, max_features=3, random_state=0)
    submodels = assert_law(model, frame, y, frame.iloc[::3], sample_weight=np.linspace(1, 2, 90))
    trees = [tree.tree_ for tree in submodels.model.estimators_]
    splits = sum(tree.node_count // 2 for tree in trees)
    leaves = splits + len(trees)
    without_directions = 2 * splits + 3 * leaves + 3 * len(trees)
    assert submodels.costs()[-1].parameters > without_directions


def test_members_that_have_not_seen_every_class(multiclass, assert_law):
    X, y = multiclass
    model = BaggingClassifier(KNeighborsClassifier(1), 8, max_samples=4, random_state=0)
    submodels = assert_law(model, X, y, X)
    assert {2, 3} <= {len(member.classes_) for member in submodels.model.estimators_}


@pytest.mark.parametrize("classes", [["high", "low"], ["mid"]])
def test_a_fold_without_some_of_the_classes(classes, multiclass, assert_law):
    X, y = multiclass
    seen = np.isin(y, classes)
    assert_law(BaggingClassifier(n_estimators=4, random_state=0), X[seen], y[seen], X)


@pytest.mark.parametrize("make", [sparse.csr_matrix, sparse.csc_array])
def test_a_sparse_table(make, multiclass, assert_law):
    X, y = multiclass
    table = make(np.where(abs(X) < 0.5, 0, X))
    assert_law(BaggingClassifier(max_features=2, random_state=0), table, y, table, [2, 7])


def test_columns_count_for_all_members_as_soon_as_one_does_not_see_all(regression, assert_law):
    X, y = regression[0][:, :2], regression[1]
    model = BaggingRegressor(Ridge(), 6, bootstrap_features=True, random_state=0)
    submodels = assert_law(model, X, y, X)
    assert submodels.model.estimators_features_[0].tolist() == [0, 1]
    first, second = (cost.parameters for cost in submodels.costs()[:2])
    assert (first, second) == (3, 2 * (3 + 2))


def test_one_member_is_one_submodel(data, assert_law):
    X, y = data
    kind = BaggingRegressor if y.dtype == float else BaggingClassifier
    assert assert_law(kind(n_estimators=1, random_state=0), X, y, X).values == (1,)


def test_several_targets(regression, assert_law):
    X, y = regression
    model = BaggingRegressor(n_estimators=4, max_features=2, random_state=0)
    assert_law(model, X, np.column_stack([y, -y]), X)


def test_a_small_bagging_keeps_nothing_of_the_large_one(multiclass):
    X, y = multiclass
    settings = {"max_features": 2, "random_state": 0}
    model = BaggingClassifier(n_estimators=60, oob_score=True, **settings).fit(X, y)
    small = submodels_of(model).materialize(2)
    refit = BaggingClassifier(n_estimators=2, **settings).fit(X, y)
    assert small.oob_score is True
    assert set(vars(small)) == set(vars(refit))
    assert small._seeds.base is None
    assert len(pickle.dumps(small)) == pytest.approx(len(pickle.dumps(refit)), rel=0.01)
    for rows, same in zip(small.estimators_samples_, refit.estimators_samples_, strict=True):
        np.testing.assert_array_equal(rows, same)


def test_each_member_is_asked_once(multiclass, monkeypatch):
    X, y = multiclass
    model = BaggingClassifier(n_estimators=9, random_state=0).fit(X, y)
    asked = []
    predict_proba = DecisionTreeClassifier.predict_proba

    def recorded(tree, *args, **kwargs):
        asked.append(tree)
        return predict_proba(tree, *args, **kwargs)

    monkeypatch.setattr(DecisionTreeClassifier, "predict_proba", recorded)
    list(submodels_of(model).among([2, 5, 7]).responses(X, "predict"))
    assert asked == model.estimators_[:7]


def test_costs_build_nothing(multiclass, monkeypatch):
    X, y = multiclass
    submodels = submodels_of(BaggingClassifier(LogisticRegression(), random_state=0).fit(X, y))
    monkeypatch.delattr(BaggingSubmodels, "materialize")
    assert submodels.costs()[-1].operations == count_operations(submodels.model)


def test_a_fit_that_went_on_is_refused(regression):
    model = BaggingRegressor(warm_start=True).fit(*regression)
    with pytest.raises(SubmodelError, match="set warm_start=False"):
        submodels_of(model)
    with pytest.raises(SubmodelError, match="set warm_start=False"):
        submodel_parameter(BaggingClassifier(warm_start=True))
