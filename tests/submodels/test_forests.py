"""Forests within forests: every option of a forest, and what a smaller one must not keep."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier

from optistruct.exceptions import SubmodelError
from optistruct.resources import count_parameters
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.prefixes import PrefixSubmodels
from tests.submodels.conftest import with_holes

CLASSIFIERS = [
    RandomForestClassifier(7, random_state=0),
    RandomForestClassifier(7, bootstrap=False, max_features=2, max_depth=3, random_state=1),
    RandomForestClassifier(7, max_samples=0.4, class_weight="balanced_subsample", random_state=2),
    RandomForestClassifier(7, class_weight="balanced", criterion="entropy", random_state=3),
    ExtraTreesClassifier(7, random_state=4),
    ExtraTreesClassifier(7, bootstrap=True, max_samples=30, ccp_alpha=0.01, random_state=5),
]
REGRESSORS = [
    RandomForestRegressor(7, random_state=0),
    RandomForestRegressor(7, bootstrap=False, max_features=2, max_depth=3, random_state=1),
    RandomForestRegressor(7, max_samples=0.4, criterion="absolute_error", random_state=2),
    ExtraTreesRegressor(7, random_state=4),
    ExtraTreesRegressor(7, bootstrap=True, max_samples=30, ccp_alpha=0.01, random_state=5),
]


@pytest.mark.parametrize("model", CLASSIFIERS)
@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classifiers(task, model, request, assert_law):
    X, y = request.getfixturevalue(task)
    assert_law(model, X[:60], y[:60], X[60:])
    assert_law(model, with_holes(X)[:60], y[:60], with_holes(X)[60:])


@pytest.mark.parametrize("model", REGRESSORS)
def test_regressors(model, regression, assert_law):
    X, y = regression
    assert_law(model, X[:60], y[:60], X[60:])
    if model.criterion == "squared_error":  # the other takes no missing values
        assert_law(model, with_holes(X)[:60], y[:60], with_holes(X)[60:])


def test_a_frame_and_weights_of_rows(multiclass, assert_law):
    X, y = multiclass
    frame = pd.DataFrame(with_holes(X), columns=list("abcd"))
    weights = np.linspace(0, 2, len(y))
    assert_law(CLASSIFIERS[0], frame, y, frame.iloc[::3], sample_weight=weights)


@pytest.mark.parametrize("classes", [["high", "low"], ["mid"]])
def test_a_fold_without_some_of_the_classes(classes, multiclass, assert_law):
    X, y = multiclass
    seen = np.isin(y, classes)
    assert_law(CLASSIFIERS[0], X[seen], y[seen], X)


def test_a_forest_of_one_tree_holds_itself(data, assert_law):
    X, y = data
    kind = RandomForestRegressor if y.dtype == float else RandomForestClassifier
    submodels = assert_law(kind(n_estimators=1, random_state=0), X, y, X)
    assert submodels.values == (1,)


def test_any_of_them_can_be_picked(multiclass, assert_law):
    X, y = multiclass
    assert_law(CLASSIFIERS[0], X, y, X, [3, 4, 4, 6])


def test_directions_count_where_the_trees_so_far_have_learnt_one(regression):
    X, y = regression
    model = RandomForestRegressor(20, max_depth=2, max_features=2, random_state=0)
    model.fit(with_holes(X), y)
    submodels = submodels_of(model)
    by_part = [count_parameters(submodel.materialize()).by_part for submodel in submodels]
    directions = [parts["direction"] for parts in by_part]
    alone = np.cumsum([count_parameters(t).by_part["direction"] for t in model.estimators_])
    assert directions[-1] > alone[-1] > 0  # trees before the one that learnt count too
    assert [cost.parameters for cost in submodels.costs()] == [sum(p.values()) for p in by_part]


def test_a_small_forest_keeps_nothing_of_the_large_one(multiclass):
    X, y = multiclass
    model = RandomForestClassifier(60, oob_score=True, random_state=0).fit(X, y)
    small = submodels_of(model).materialize(2)
    refit = RandomForestClassifier(2, random_state=0).fit(X, y)
    assert small.oob_score is True
    assert set(vars(small)) == set(vars(refit))
    assert len(pickle.dumps(small)) == pytest.approx(len(pickle.dumps(refit)), rel=0.01)
    for rows, same in zip(small.estimators_samples_, refit.estimators_samples_, strict=True):
        np.testing.assert_array_equal(rows, same)


def test_each_tree_is_asked_once(multiclass, monkeypatch):
    X, y = multiclass
    model = RandomForestClassifier(9, random_state=0).fit(X, y)
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
    submodels = submodels_of(RandomForestClassifier(9, random_state=0).fit(X, y))
    monkeypatch.delattr(PrefixSubmodels, "materialize")
    assert len(submodels.costs()) == 9


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_a_fit_that_went_on_is_refused(kind, regression):
    model = kind(3, warm_start=True).fit(*regression)
    with pytest.raises(SubmodelError, match="set warm_start=False"):
        submodels_of(model)
    with pytest.raises(SubmodelError, match="set warm_start=False"):
        submodel_parameter(kind(warm_start=True))


def test_several_targets_are_refused(regression):
    X, y = regression
    model = RandomForestRegressor(3).fit(X, np.column_stack([y, -y]))
    with pytest.raises(SubmodelError, match="several targets"):
        submodels_of(model)
