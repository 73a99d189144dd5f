"""Each count is proved by walking down the trees with exactly the arrays that were counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import Ridge

from optistruct.resources import count_operations, count_parameters, stored_arrays


def trees_of(model):
    return [member.tree_ for member in model.estimators_.ravel()]


def raw_scores(model, X):
    """Sum the leaves that the rows reach by the counted splits, without the initial score."""
    stored = stored_arrays(model)
    places = iter(range(len(stored["feature"])))
    scores = np.zeros((len(X), model.estimators_.size))
    first_leaf = 0
    for which, tree in enumerate(trees_of(model)):
        split = {node: next(places) for node in np.flatnonzero(tree.children_left >= 0)}
        leaf = np.cumsum(tree.children_left < 0) - 1 + first_leaf
        first_leaf = leaf[-1] + 1
        for i, row in enumerate(X.astype(np.float32)):
            node = 0
            while node in split:
                goes_left = row[stored["feature"][split[node]]] <= stored["threshold"][split[node]]
                node = (tree.children_left if goes_left else tree.children_right)[node]
            scores[i, which] = stored["value"][leaf[node]].item()
    assert next(places, None) is None
    assert len(stored["value"]) == first_leaf
    outputs = model.estimators_.shape[1]
    return model.learning_rate * scores.reshape(len(X), -1, outputs).sum(axis=1)


def test_gradient_boosting_regression():
    X, y = load_diabetes(return_X_y=True)
    model = GradientBoostingRegressor(n_estimators=5, max_leaf_nodes=4, random_state=0).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 3 + 4) + 1
    made = raw_scores(model, X).ravel() + stored_arrays(model)["init"].item()
    np.testing.assert_allclose(made, model.predict(X))


def test_gradient_boosting_of_two_classes():
    X, y = load_breast_cancer(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=3, max_leaf_nodes=4).fit(X, y)
    assert count_parameters(model).total == 3 * (2 * 3 + 4) + 1
    share = stored_arrays(model)["init"].item()
    made = raw_scores(model, X).ravel() + np.log(share / (1 - share))
    np.testing.assert_allclose(made, model.decision_function(X))


def test_gradient_boosting_of_three_classes():
    X, y = load_iris(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=4, max_depth=1).fit(X, y)
    assert count_parameters(model).total == 3 * 4 * (2 * 1 + 2) + 3
    made = raw_scores(model, X) + np.log(stored_arrays(model)["init"])
    np.testing.assert_array_equal(made.argmax(axis=1), model.predict(X))


def test_gradient_boosting_from_zero_or_an_estimator():
    X, y = load_diabetes(return_X_y=True)
    zero = GradientBoostingRegressor(n_estimators=3, max_leaf_nodes=4, init="zero").fit(X, y)
    assert count_parameters(zero).total == 3 * (2 * 3 + 4)
    np.testing.assert_allclose(raw_scores(zero, X).ravel(), zero.predict(X))
    ridge = GradientBoostingRegressor(n_estimators=3, max_leaf_nodes=4, init=Ridge()).fit(X, y)
    assert count_parameters(ridge).total == 3 * (2 * 3 + 4) + 11
    [start] = stored_arrays(ridge)["init"].models
    np.testing.assert_allclose(
        raw_scores(ridge, X).ravel() + start.predict(X.astype(np.float32)), ridge.predict(X)
    )
    assert count_operations(ridge) == pytest.approx(paths(ridge, X) + 10)


def paths(model, X):
    """Sum the mean length of the rows' decision paths over the trees."""
    X = X.astype(np.float32)
    return sum(float(tree.decision_path(X).sum(axis=1).mean()) - 1 for tree in trees_of(model))


def test_gradient_boosting_operations_are_mean_paths():
    X, y = load_iris(return_X_y=True)
    model = GradientBoostingClassifier(n_estimators=4, max_depth=3).fit(X, y)
    assert count_operations(model) == pytest.approx(paths(model, X))


def hist_walk(model, X, learnt=()):
    """Sum the leaves that preprocessed rows reach: scores, and the mean number of comparisons."""
    stored = stored_arrays(model)
    parts = {name: iter(array) for name, array in stored.items() if np.ndim(array)}
    scores = np.tile(stored["baseline"], (len(X), 1)).astype(float)
    comparisons = 0
    for round_ in model._predictors:
        for output, predictor in enumerate(round_):
            nodes = predictor.nodes
            kept = [hist_node(node, parts, learnt) for node in nodes]
            for i, row in enumerate(X):
                node = 0
                while "value" not in kept[node]:
                    comparisons += 1
                    side = "left" if hist_goes_left(kept[node], row) else "right"
                    node = nodes[node][side]
                scores[i, output] += kept[node]["value"]
    names = ("feature", "threshold", "category_sets", "direction", "value")
    assert all(next(parts[name], None) is None for name in names)
    return scores, comparisons / len(X)


def hist_node(node, parts, learnt):
    if node["is_leaf"]:
        return {"value": next(parts["value"])}
    kept = {"feature": next(parts["feature"])}
    kind = "category_sets" if node["is_categorical"] else "threshold"
    kept[kind] = next(parts[kind])
    if kept["feature"] in learnt:
        kept["direction"] = next(parts["direction"])
    return kept


def hist_goes_left(kept, row):
    value = row[kept["feature"]]
    if np.isnan(value):
        return kept["direction"]
    if "category_sets" in kept:
        return int(kept["category_sets"][int(value) // 32]) >> (int(value) % 32) & 1
    return value <= kept["threshold"]


def test_hist_regression():
    X, y = load_diabetes(return_X_y=True)
    model = HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=6).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 5 + 6) + 1
    scores, comparisons = hist_walk(model, X)
    np.testing.assert_allclose(scores.ravel(), model.predict(X))
    assert count_operations(model) == pytest.approx(comparisons)


@pytest.mark.parametrize(("load", "outputs"), [(load_breast_cancer, 1), (load_iris, 3)])
def test_hist_classification(load, outputs):
    X, y = load(return_X_y=True)
    model = HistGradientBoostingClassifier(max_iter=4, max_depth=1).fit(X, y)
    assert count_parameters(model).total == 4 * outputs * (2 * 1 + 2) + outputs
    scores, comparisons = hist_walk(model, X)
    chosen = scores.argmax(axis=1) if outputs > 1 else (scores.ravel() > 0).astype(int)
    np.testing.assert_array_equal(chosen, model.predict(X))
    assert count_operations(model) == pytest.approx(comparisons)


def test_hist_directions_count_on_the_feature_with_missing_values_alone():
    X, y = load_diabetes(return_X_y=True)
    X[::4, 2] = np.nan
    y[::4] += 300
    model = HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=6).fit(X, y)
    on_holed = int((stored_arrays(model)["feature"] == 2).sum())
    assert 0 < on_holed < 20
    assert count_parameters(model).total == 4 * (2 * 5 + 6) + 1 + on_holed
    scores, _ = hist_walk(model, X, learnt={2})
    np.testing.assert_allclose(scores.ravel(), model.predict(X))


def test_hist_category_sets_stand_in_the_place_of_thresholds():
    X, y = load_diabetes(return_X_y=True)
    names = np.array(["n", *"abcdefghi"])[np.argsort(np.argsort(X[:, 2])) * 10 // len(y)]
    frame = pd.DataFrame({"age": X[:, 0], "mass": pd.Categorical(names)})
    y = y + 100 * np.isin(names, ["b", "e", "h"])
    model = HistGradientBoostingRegressor(max_iter=3, max_leaf_nodes=5).fit(frame, y)
    sets = len(stored_arrays(model)["category_sets"])
    assert sets
    categories = 10
    assert count_parameters(model).total == 3 * (2 * 4 + 5) + 7 * sets + categories + 1
    stored = stored_arrays(model)
    codes = {name: code for code, name in enumerate(stored["categories"])}
    table = np.column_stack([[codes[name] for name in names], X[:, 0]])
    scores, _ = hist_walk(model, table)
    np.testing.assert_allclose(scores.ravel(), model.predict(frame))


def test_hist_categories_leave_the_missing_one_out():
    X, y = load_iris(return_X_y=True)
    frame = pd.DataFrame({"a": pd.Categorical(np.where(y == 0, None, "x")), "b": X[:, 0]})
    model = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=3).fit(frame, y)
    assert count_parameters(model).by_part["categories"] == 1
