"""Trees within a tree: pruned by our order of pruning, they are those that scikit-learn prunes."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)
from sklearn.tree._tree import ccp_pruning_path

from optistruct.exceptions import ArgumentError, SubmodelError
from optistruct.resources import count_parameters
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.families import trees as family
from optistruct.submodels.pruning import prune
from tests.submodels.conftest import with_holes

CLASSIFIERS = [
    DecisionTreeClassifier(random_state=0),
    DecisionTreeClassifier(class_weight="balanced", max_features=2, random_state=1),
    DecisionTreeClassifier(max_leaf_nodes=12, criterion="entropy", random_state=2),
    ExtraTreeClassifier(random_state=3),
    ExtraTreeClassifier(max_leaf_nodes=15, random_state=4),
]
REGRESSORS = [
    DecisionTreeRegressor(random_state=0),
    DecisionTreeRegressor(max_leaf_nodes=12, criterion="absolute_error", random_state=1),
    DecisionTreeRegressor(monotonic_cst=[1, 0, 0, 0], random_state=2),
    ExtraTreeRegressor(max_depth=5, random_state=3),
    ExtraTreeRegressor(max_leaf_nodes=15, random_state=4),
]


def on_steps(rows=200):
    """Few distinct values, so that many splits are worth exactly the same."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 4, (rows, 5)).astype(float), rng.integers(0, 2, rows)


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


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_splits_of_equal_worth(model, assert_law):
    X, y = on_steps()
    submodels = assert_law(model, X, y, X[::3])
    assert len(submodels) > 3


def test_a_frame_and_weights_of_rows(multiclass, assert_law):
    X, y = multiclass
    frame = pd.DataFrame(with_holes(X), columns=list("abcd"))
    weights = np.linspace(0, 2, len(y))
    assert_law(CLASSIFIERS[0], frame, y, frame.iloc[::3], sample_weight=weights)


def test_directions_count_as_long_as_a_split_that_learnt_one_is_left(multiclass):
    X, y = multiclass
    model = DecisionTreeClassifier(random_state=0).fit(with_holes(X), y)
    submodels = submodels_of(model)
    counts = [count_parameters(submodel.materialize()) for submodel in submodels]
    directions = [count.by_part["direction"] for count in counts]
    assert 0 == directions[0] < directions[-1]
    assert [cost.parameters for cost in submodels.costs()] == [count.total for count in counts]


@pytest.mark.parametrize("classes", [["high", "low"], ["mid"]])
def test_a_fold_without_some_of_the_classes(classes, multiclass, assert_law):
    X, y = multiclass
    seen = np.isin(y, classes)
    assert_law(CLASSIFIERS[0], X[seen], y[seen], X, [1e300, 0.1, 1e-9, 0.0])


def test_values_fall_from_the_root_to_the_tree_as_it_was_fitted(regression):
    X, y = regression
    submodels = submodels_of(DecisionTreeRegressor(random_state=0).fit(X, y))
    assert submodels.values[-1] == 0.0
    assert list(submodels.values) == sorted(set(submodels.values), reverse=True)
    leaves = [submodel.materialize().get_n_leaves() for submodel in submodels]
    assert leaves[0] == 1
    assert leaves == sorted(set(leaves))
    assert submodels.materialize(float("inf")).get_n_leaves() == 1


@pytest.mark.parametrize("model", [*CLASSIFIERS, *REGRESSORS])
def test_the_order_of_pruning_is_the_path_of_scikit_learn(model, regression):
    X, y = on_steps() if "Classifier" in type(model).__name__ else regression
    fitted = clone(model).fit(X, y)
    path = fitted.cost_complexity_pruning_path(X, y).ccp_alphas[1:]
    assert len(path) >= 5
    np.testing.assert_array_equal(prune(fitted.tree_).alphas, np.maximum.accumulate(path))


def test_where_rounding_makes_alphas_fall_on_the_way(regression):
    X, y = regression
    falls = 0
    for seed in range(60):
        leaves = 40 if seed % 2 else None
        model = DecisionTreeRegressor(random_state=seed, max_leaf_nodes=leaves).fit(X, y)
        state = model.tree_.__getstate__()
        nodes = state["nodes"] = state["nodes"].copy()
        last_digits = np.random.default_rng(seed).integers(0, 4, len(nodes))
        nodes["impurity"] = 2.0**50 * (1 + last_digits * 2.0**-51)
        model.tree_.__setstate__(state)
        path = ccp_pruning_path(model.tree_)["ccp_alphas"][1:]
        falls += (np.diff(path) < 0).any()
        np.testing.assert_array_equal(prune(model.tree_).alphas, np.maximum.accumulate(path))
        submodels = submodels_of(model)
        for submodel, answer in zip(submodels, submodels.responses(X, "predict"), strict=True):
            np.testing.assert_array_equal(answer, submodel.materialize().predict(X))
    assert falls


class TestATreeThatWasPruned:
    def test_between_the_alphas_of_splits_it_equals_a_refit(self, regression, assert_law):
        X, y = regression
        alphas = submodels_of(DecisionTreeRegressor(random_state=0).fit(X, y)).values
        between = [(high + low) / 2 for high, low in pairwise(alphas)]
        own = between[len(between) // 3]
        model = DecisionTreeRegressor(ccp_alpha=own, random_state=0)
        submodels = assert_law(model, X, y, X, [alpha for alpha in between if alpha >= own])
        assert len(submodels) > 10

    def test_it_says_that_rounding_decides_at_the_alphas_of_splits(self, regression):
        X, y = regression
        for alpha, difference in ((0.0, None), (0.01, "rounding decides")):
            model = DecisionTreeRegressor(ccp_alpha=alpha, random_state=0).fit(X, y)
            told = submodels_of(model).difference
            assert told is difference or difference in told

    def test_it_does_not_hold_what_was_cut_off(self, regression):
        model = DecisionTreeRegressor(ccp_alpha=0.01).fit(*regression)
        with pytest.raises(ArgumentError, match=r"ccp_alpha from 0\.01 to inf, got 0\.005"):
            submodels_of(model).among([0.1, 0.005])


def test_a_tree_of_one_leaf_holds_itself(multiclass, assert_law):
    X, y = multiclass
    submodels = assert_law(DecisionTreeClassifier(min_samples_leaf=80), X, y, X)
    assert submodels.values == (0.0,)
    assert_law(DecisionTreeClassifier(min_samples_leaf=80), X, y, X, [1.0, 0.0])


def test_a_submodel_of_a_submodel(multiclass):
    X, y = multiclass
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    once = submodels_of(model).materialize(0.03)
    assert model.get_n_leaves() > once.get_n_leaves() > 1
    again = submodels_of(once).materialize(0.06)
    np.testing.assert_array_equal(
        again.predict_proba(X), submodels_of(model).materialize(0.06).predict_proba(X)
    )


def test_the_tree_is_pruned_once(multiclass, monkeypatch):
    X, y = multiclass
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    pruned = []
    monkeypatch.setattr(family, "prune", lambda tree: pruned.append(tree) or prune(tree))
    monkeypatch.delattr(family.TreeSubmodels, "materialize")
    submodels = submodels_of(model).among([0.1, 0.02, 0.0])
    submodels.costs()
    for method in ("predict", "predict_proba"):
        list(submodels.responses(X, method))
    assert pruned == [model.tree_]


def test_several_targets_are_refused(regression):
    X, y = regression
    model = DecisionTreeRegressor().fit(X, np.column_stack([y, -y]))
    with pytest.raises(SubmodelError, match="several targets"):
        submodels_of(model)
    assert submodel_parameter(DecisionTreeRegressor()) == "ccp_alpha"
