"""Each count is proved by walking down the trees of CatBoost's JSON, number by number."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, count_parameters

catboost = pytest.importorskip("catboost")

PLAIN = {
    "iterations": 5,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
    "random_seed": 0,
}


def written(model, folder):
    model.save_model(str(folder / "model.json"), format="json")
    return json.loads((folder / "model.json").read_text())


def test_symmetric_trees(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    model = catboost.CatBoostRegressor(depth=3, **PLAIN).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 3 + 8) + 2
    assert count_operations(model) == 5 * 3
    made = symmetric(written(model, tmp_path), X)
    np.testing.assert_allclose(made.ravel(), model.predict(X))


def symmetric(json_model, X):
    scale, bias = json_model["scale_and_bias"]
    scores = np.zeros((len(X), len(bias)))
    X = X.astype(np.float32)
    for tree in json_model["oblivious_trees"]:
        leaf = np.zeros(len(X), dtype=int)
        for level, split in enumerate(tree["splits"]):
            column = X[:, split["float_feature_index"]]
            leaf += (column > np.float32(split["border"])).astype(int) << level
        scores += np.reshape(tree["leaf_values"], (-1, len(bias)))[leaf]
    return scale * scores + bias


def test_classes(tmp_path):
    X, y = load_iris(return_X_y=True)
    model = catboost.CatBoostClassifier(depth=2, **PLAIN).fit(X, y)
    assert count_parameters(model).total == 5 * (2 * 2 + 3 * 4) + 3 + 1
    scores = symmetric(written(model, tmp_path), X)
    np.testing.assert_array_equal(scores.argmax(axis=1), model.predict(X).ravel())
    two = catboost.CatBoostClassifier(depth=2, **PLAIN).fit(X, y > 0)
    assert count_parameters(two).total == 5 * (2 * 2 + 4) + 1 + 1


@pytest.mark.parametrize("policy", [{"grow_policy": "Lossguide", "max_leaves": 6}, None])
def test_other_trees(policy, tmp_path):
    X, y = load_diabetes(return_X_y=True)
    policy = policy or {"grow_policy": "Depthwise", "depth": 3}
    model = catboost.CatBoostRegressor(**policy, **PLAIN).fit(X, y)
    json_model = written(model, tmp_path)
    walks = [[walk(tree, row) for tree in json_model["trees"]] for row in X.astype(np.float32)]
    values, asked = np.moveaxis(np.array(walks), 2, 0)
    scale, [bias] = json_model["scale_and_bias"]
    np.testing.assert_allclose(scale * values.sum(axis=1) + bias, model.predict(X))
    leaves = sum(map(leaf_count, json_model["trees"]))
    assert count_parameters(model).total == 2 * (leaves - 5) + leaves + 2
    assert count_operations(model) == pytest.approx(asked.sum(axis=1).mean())


def walk(node, row, asked=0):
    if "value" in node:
        return node["value"], asked
    split = node["split"]
    is_right = row[split["float_feature_index"]] > np.float32(split["border"])
    return walk(node["right" if is_right else "left"], row, asked + 1)


def leaf_count(node):
    return 1 if "value" in node else leaf_count(node["left"]) + leaf_count(node["right"])


@pytest.fixture
def mixed():
    X, y = load_diabetes(return_X_y=True)
    kind = np.array(list("abcd"))[np.argsort(np.argsort(X[:, 2])) * 4 // len(y)]
    return pd.DataFrame({"age": X[:, 0], "kind": kind}), y


def test_one_hot_splits_store_the_category_in_the_place_of_the_border(mixed, tmp_path):
    X, y = mixed
    model = catboost.CatBoostRegressor(
        depth=3, cat_features=["kind"], one_hot_max_size=4, **PLAIN
    ).fit(X, y)
    splits = [s for tree in written(model, tmp_path)["oblivious_trees"] for s in tree["splits"]]
    assert {"OneHotFeature", "FloatFeature"} == {split["split_type"] for split in splits}
    numbers = [split.get("border", split.get("value")) for split in splits]
    assert None not in numbers
    assert count_parameters(model).total == 2 * len(splits) + 5 * 8 + 2


def test_target_statistics_of_categories_are_refused(mixed):
    X, y = mixed
    model = catboost.CatBoostRegressor(
        depth=3, cat_features=["kind"], one_hot_max_size=2, **PLAIN
    ).fit(X, y)
    for count in (count_parameters, count_operations):
        with pytest.raises(ResourceError, match="set one_hot_max_size"):
            count(model)


def test_an_unfitted_model_is_refused():
    for count in (count_parameters, count_operations):
        with pytest.raises(NotFittedError, match="CatBoostRegressor instance is not fitted"):
            count(catboost.CatBoostRegressor())
