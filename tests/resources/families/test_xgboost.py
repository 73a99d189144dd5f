"""Each count is proved by walking down the trees of XGBoost's JSON, number by number."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from optistruct.resources import count_operations, count_parameters, stored_arrays

xgboost = pytest.importorskip("xgboost")

PLAIN = {"n_estimators": 5, "max_leaves": 4, "grow_policy": "lossguide", "n_jobs": 1}


def written(model):
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    boosted = learner["gradient_booster"]
    return boosted["model"] if "model" in boosted else boosted["gbtree"]["model"]


def walk(tree, row):
    """Go down by the numbers of the tree: (leaf, splits asked)."""
    starts = dict(zip(tree["categories_nodes"], tree["categories_segments"], strict=True))
    sizes = dict(zip(tree["categories_nodes"], tree["categories_sizes"], strict=True))
    node, asked = 0, 0
    while tree["left_children"][node] >= 0:
        value = row[tree["split_indices"][node]]
        if np.isnan(value):
            goes_left = tree["default_left"][node]
        elif node in starts:
            chosen = tree["categories"][starts[node] : starts[node] + sizes[node]]
            goes_left = int(value) not in chosen
        else:
            goes_left = np.float32(value) < np.float32(tree["split_conditions"][node])
        node = tree["left_children" if goes_left else "right_children"][node]
        asked += 1
    return node, asked


def margins(model, X, weights=None):
    """Sum the leaves of the trees by output, and the initial score as a margin."""
    trees = written(model)["trees"]
    base = np.array(stored_arrays(model)["base_score"])
    scores = np.tile(base, (len(X), 1))
    for i, (tree, output) in enumerate(zip(trees, written(model)["tree_info"], strict=True)):
        for place, row in enumerate(X):
            leaf, _ = walk(tree, row)
            value = tree["split_conditions"][leaf]
            scores[place, output] += value * (1 if weights is None else weights[i])
    return scores


def test_regression():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(**PLAIN).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 3 + 4) + 1
    np.testing.assert_allclose(margins(model, X).ravel(), model.predict(X), rtol=1e-5)
    asked = [sum(walk(tree, row)[1] for tree in written(model)["trees"]) for row in X]
    assert count_operations(model) == pytest.approx(np.mean(asked))
    assert count_parameters(model.get_booster()) == count_parameters(model)
    assert count_operations(model.get_booster()) == count_operations(model)


def test_the_arrays_are_those_of_the_json():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(n_estimators=4, max_depth=3, n_jobs=1).fit(X, y)
    stored = stored_arrays(model)
    trees = written(model)["trees"]
    for name, field, of_splits in [
        ("feature", "split_indices", True),
        ("threshold", "split_conditions", True),
        ("value", "split_conditions", False),
    ]:
        expected = [
            number
            for tree in trees
            for number, left in zip(tree[field], tree["left_children"], strict=True)
            if (left >= 0) == of_splits
        ]
        np.testing.assert_allclose(stored[name], expected, rtol=1e-6)


def test_classes():
    X, y = load_iris(return_X_y=True)
    model = xgboost.XGBClassifier(**PLAIN).fit(X, y)
    leaves = sum(tree["left_children"].count(-1) for tree in written(model)["trees"])
    assert len(written(model)["trees"]) == 15
    assert count_parameters(model).total == 2 * (leaves - 15) + leaves + 3
    np.testing.assert_array_equal(margins(model, X).argmax(axis=1), model.predict(X))
    X, y = load_breast_cancer(return_X_y=True)
    model = xgboost.XGBClassifier(**PLAIN).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 3 + 4) + 1


@pytest.mark.parametrize("method", ["hist", "exact"])
def test_directions_count_on_features_that_have_two(method):
    X, y = load_diabetes(return_X_y=True)
    trees = {"n_estimators": 10, "max_depth": 3, "n_jobs": 1, "tree_method": method}
    model = xgboost.XGBRegressor(**trees).fit(X, y)
    assert count_parameters(model).by_part["direction"] == 0
    X[::3, 2] = np.nan
    y = np.where(np.isnan(X[:, 2]) & (X[:, 3] > 0), y + 200, y)
    model = xgboost.XGBRegressor(**trees).fit(X, y)
    on_holed = int((stored_arrays(model)["feature"] == 2).sum())
    count = count_parameters(model)
    assert count.by_part["direction"] == on_holed > 0
    np.testing.assert_allclose(margins(model, X).ravel(), model.predict(X), rtol=1e-5)


def test_dart_weighs_its_trees():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(booster="dart", rate_drop=0.8, random_state=1, **PLAIN).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 3 + 4) + 5 + 1
    weights = stored_arrays(model)["weight"]
    assert (weights != 1).any()
    np.testing.assert_allclose(margins(model, X, weights).ravel(), model.predict(X), rtol=1e-5)


def test_linear_booster():
    X, y = load_iris(return_X_y=True)
    model = xgboost.XGBClassifier(
        booster="gblinear", updater="coord_descent", n_estimators=5, reg_alpha=0.3, n_jobs=1
    ).fit(X, y)
    count = count_parameters(model)
    assert count.total == 3 * (4 + 1) + 3
    assert count.effective < count.total
    assert count_operations(model) == 3 * 4
    stored = stored_arrays(model)
    weights = stored["coef"].array.reshape(5, 3)
    made = X @ weights[:4] + weights[4] + np.array(stored["base_score"])
    np.testing.assert_allclose(made, model.predict(X, output_margin=True), rtol=1e-4)


def test_rounds_after_the_best_one_do_not_count():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(**{**PLAIN, "n_estimators": 80}, early_stopping_rounds=4)
    model.fit(X[::2], y[::2], eval_set=[(X[1::2], y[1::2])], verbose=False)
    rounds = model.get_booster().num_boosted_rounds()
    best = model.best_iteration + 1
    assert best < rounds
    assert count_parameters(model).total == best * (2 * 3 + 4) + 1
    assert count_parameters(model.get_booster()).total == rounds * (2 * 3 + 4) + 1
    assert count_operations(model) < count_operations(model.get_booster())


def test_forests_count_every_tree():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRFRegressor(**{**PLAIN, "n_estimators": 7}).fit(X, y)
    assert count_parameters(model).total == 7 * (2 * 3 + 4) + 1


def test_trees_of_several_outputs():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y, -y])
    model = xgboost.XGBRegressor(multi_strategy="multi_output_tree", max_depth=2, n_estimators=3)
    model.set_params(n_jobs=1).fit(X, both)
    assert count_parameters(model).total == 3 * (2 * 3 + 2 * 4) + 2
    apart = xgboost.XGBRegressor(max_depth=2, n_estimators=3, n_jobs=1).fit(X, both)
    assert count_parameters(apart).total == 2 * 3 * (2 * 3 + 4) + 2


def test_pruned_nodes_do_not_count():
    X, y = load_diabetes(return_X_y=True)
    model = xgboost.XGBRegressor(
        tree_method="exact", gamma=30000, max_depth=5, n_estimators=3, n_jobs=1
    ).fit(X, y)
    trees = written(model)["trees"]
    assert any(int(tree["tree_param"]["num_deleted"]) for tree in trees)
    splits = sum(left >= 0 for tree in trees for left in tree["left_children"])
    assert count_parameters(model).total == 2 * splits + (splits + 3) + 1
    np.testing.assert_allclose(margins(model, X).ravel(), model.predict(X), rtol=1e-5)


def test_category_sets_stand_in_the_place_of_thresholds():
    X, y = load_diabetes(return_X_y=True)
    codes = np.argsort(np.argsort(X[:, 2])) * 40 // len(y)
    y = y + 200 * np.isin(codes, [3, 30, 39])
    names = np.array([f"c{code:02}" for code in codes])
    frame = pd.DataFrame({"kind": pd.Categorical(names), "age": X[:, 0]})
    model = xgboost.XGBRegressor(enable_categorical=True, **PLAIN).fit(frame, y)
    table = np.column_stack([codes, X[:, 0]]).astype(float)
    np.testing.assert_allclose(margins(model, table).ravel(), model.predict(frame), rtol=1e-5)
    trees = written(model)["trees"]
    words, sets = 0, 0
    for tree in trees:
        for start, size in zip(tree["categories_segments"], tree["categories_sizes"], strict=True):
            words += max(tree["categories"][start : start + size]) // 32 + 1
            sets += 1
    assert 0 < sets < words
    assert count_parameters(model).total == 5 * (2 * 3 + 4) - sets + words + 40 + 1
    assert stored_arrays(model)["category_sets"].size == words


def test_the_package_is_imported_when_a_model_comes_and_not_before():
    code = """
import sys
from optistruct.resources import count_operations, count_parameters
assert "xgboost" not in sys.modules
import numpy as np
import xgboost
X = np.arange(20.0).reshape(-1, 1)
model = xgboost.XGBRegressor(n_estimators=1, max_depth=1, n_jobs=1).fit(X, X.ravel() > 9)
"""
    for first in ("count_operations(model) == 1", "count_parameters(model, exact=False).exact"):
        subprocess.run([sys.executable, "-c", f"{code}assert {first}"], check=True)
