"""Each count is proved by walking down the trees with exactly the arrays that were counted.

The topology (the children of each node) is the model's own; it doesn't count.
"""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    RandomTreesEmbedding,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from optistruct.resources import count_operations, count_parameters, stored_arrays
from optistruct.resources.families import trees as definition


def leaves_reached(trees, stored, X, learnt=()):
    """Walk each row down each tree: (trees, rows) numbers of leaves, counted over all trees."""
    feature, threshold = iter(stored["feature"]), iter(stored["threshold"])
    direction = iter(stored["direction"])
    reached, before = [], 0
    for tree in trees:
        left, right = tree.children_left, tree.children_right
        split = {}
        for node in np.flatnonzero(left >= 0):
            column, value = next(feature), next(threshold)
            goes_left = bool(next(direction)) if column in learnt else None
            split[node] = (column, value, goes_left)
        number = np.cumsum(left < 0) - 1 + before
        before = number[-1] + 1

        def walk(row, split=split, left=left, right=right):
            node = 0
            while node in split:
                column, value, goes_left = split[node]
                if not np.isnan(row[column]):
                    goes_left = row[column] <= value
                node = (left if goes_left else right)[node]
            return node

        reached.append([number[walk(row)] for row in X.astype(np.float32)])
    assert next(feature, None) is next(threshold, None) is next(direction, None) is None
    return np.array(reached)


def predict(model, trees, X, learnt=()):
    stored = stored_arrays(model)
    values = np.asarray(stored["value"])
    scores = values.reshape(len(values), -1)[leaves_reached(trees, stored, X, learnt)].mean(axis=0)
    return model.classes_[scores.argmax(axis=1)] if hasattr(model, "classes_") else scores.ravel()


def trees_of(model):
    return [tree.tree_ for tree in getattr(model, "estimators_", [model])]


def with_holes(X, y):
    """Make holes in a quarter of the rows, which then go with the few that have large values."""
    X, y = X.copy(), y.copy()
    X[::4, 2] = np.nan
    y[::4] += 300
    return X, y


REGRESSIONS = [
    (DecisionTreeRegressor(max_leaf_nodes=7, random_state=0), 1),
    (ExtraTreeRegressor(max_leaf_nodes=7, random_state=0), 1),
    (RandomForestRegressor(4, max_leaf_nodes=7, random_state=0), 4),
    (ExtraTreesRegressor(4, max_leaf_nodes=7, random_state=0), 4),
]
CLASSIFICATIONS = [
    (DecisionTreeClassifier(max_leaf_nodes=5, random_state=0), 1),
    (ExtraTreeClassifier(max_leaf_nodes=5, random_state=0), 1),
    (RandomForestClassifier(4, max_leaf_nodes=5, random_state=0), 4),
    (ExtraTreesClassifier(4, max_leaf_nodes=5, random_state=0), 4),
]


@pytest.mark.parametrize(("model", "trees"), REGRESSIONS)
def test_regressions_predict_from_the_counted_arrays(model, trees):
    X, y = load_diabetes(return_X_y=True)
    model.fit(X, y)
    assert count_parameters(model).total == trees * (2 * 6 + 7)
    np.testing.assert_allclose(predict(model, trees_of(model), X[::5]), model.predict(X[::5]))


@pytest.mark.parametrize(("model", "trees"), CLASSIFICATIONS)
def test_classifications_store_an_output_a_class(model, trees):
    X, y = load_iris(return_X_y=True)
    y = np.array(["a", "b", "c"])[y]
    model.fit(X, y)
    assert count_parameters(model).total == trees * (2 * 4 + 3 * 5)
    np.testing.assert_array_equal(predict(model, trees_of(model), X), model.predict(X))


@pytest.mark.parametrize("model", [model for model, _ in REGRESSIONS])
def test_directions_of_the_feature_with_missing_values_count_one_more(model):
    X, y = with_holes(*load_diabetes(return_X_y=True))
    model.fit(X, y)
    on_holed = sum(int((tree.feature == 2).sum()) for tree in trees_of(model))
    splits = sum(int((tree.feature >= 0).sum()) for tree in trees_of(model))
    assert 0 < on_holed < splits
    count = count_parameters(model)
    assert count.by_part["direction"] == on_holed
    assert count.total == 2 * splits + on_holed + splits + len(trees_of(model))
    rebuilt = predict(model, trees_of(model), X[::3], learnt={2})
    np.testing.assert_allclose(rebuilt, model.predict(X[::3]))


@pytest.mark.parametrize("depth", [1, None])
@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_nothing_is_learnt_about_missing_values_where_there_are_none(kind, depth):
    X, y = load_diabetes(return_X_y=True)
    X[:, 1] = np.round(X[:, 1], 1)
    for table in (X, sparse.csr_matrix(X)):
        model = kind(8, max_depth=depth, random_state=0).fit(table, y, np.linspace(0, 5, len(y)))
        assert count_parameters(model).by_part["direction"] == 0


def test_a_feature_is_judged_over_the_whole_forest():
    X, y = load_diabetes(return_X_y=True)
    X[::4, 2] = np.nan
    model = RandomForestRegressor(20, max_depth=2, max_features=3, random_state=0).fit(X, y)
    alone = sum(count_parameters(tree).by_part["direction"] for tree in model.estimators_)
    on_holed = sum(int((tree.feature == 2).sum()) for tree in trees_of(model))
    assert alone < on_holed == count_parameters(model).by_part["direction"]


def test_a_tree_of_one_leaf():
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(min_samples_leaf=100).fit(X, y)
    assert count_parameters(model).total == 3
    assert count_operations(model) == 0


def test_a_pruned_tree():
    X, y = load_diabetes(return_X_y=True)
    model = DecisionTreeRegressor(ccp_alpha=60, random_state=0).fit(X, y)
    leaves = model.get_n_leaves()
    assert 2 < leaves < 50
    assert count_parameters(model).total == 2 * (leaves - 1) + leaves


def test_targets_add_up_without_the_padding():
    X, y = load_iris(return_X_y=True)
    many = DecisionTreeRegressor(max_leaf_nodes=5).fit(X, np.column_stack([X[:, 0], X[:, 1]]))
    assert count_parameters(many).total == 2 * 4 + 2 * 5
    unlike = RandomForestClassifier(3, max_leaf_nodes=5, random_state=0)
    unlike.fit(X, np.column_stack([y, y > 0]))
    assert count_parameters(unlike).total == 3 * (2 * 4 + (3 + 2) * 5)
    stored = stored_arrays(unlike)
    reached = leaves_reached(trees_of(unlike), stored, X)
    scores = stored["value"][reached].mean(axis=0)
    made = np.column_stack([scores[:, :3].argmax(axis=1), scores[:, 3:].argmax(axis=1)])
    np.testing.assert_array_equal(made, unlike.predict(X))


def test_an_embedding_stores_no_values():
    X, _ = load_iris(return_X_y=True)
    model = RandomTreesEmbedding(3, max_leaf_nodes=5, random_state=0).fit(X)
    assert count_parameters(model).total == 3 * 2 * 4
    reached = leaves_reached(trees_of(model), stored_arrays(model), X)
    np.testing.assert_array_equal(np.eye(15)[reached].sum(axis=0), model.transform(X).toarray())
    assert count_operations(model) == pytest.approx(mean_path(model, X))


@pytest.mark.parametrize("columns", [1.0, 0.5])
@pytest.mark.parametrize("holes", [False, True])
def test_an_isolation_forest_scores_from_the_counted_arrays(columns, holes):
    X, y = load_diabetes(return_X_y=True)
    if holes:
        X, _ = with_holes(X, y)
    model = IsolationForest(n_estimators=5, max_samples=20, max_features=columns, random_state=0)
    model.set_params(contamination=0.1).fit(X)
    stored = stored_arrays(model)
    on_holed = int((stored["feature"] == 2).sum()) * holes
    assert (on_holed > 0) == holes
    splits = sum(tree.node_count // 2 for tree in trees_of(model))
    assert count_parameters(model).total == 2 * splits + on_holed + (splits + 5) + 2
    reached = leaves_reached(trees_of(model), stored, X, learnt={2} if holes else ())
    depth = np.concatenate([tree.compute_node_depths() for tree in trees_of(model)]) - 1
    is_leaf = np.concatenate([tree.children_left < 0 for tree in trees_of(model)])
    lengths = depth[is_leaf] + average_path(stored["value"])
    normal = average_path(stored["max_samples"])[0]
    scores = -(2 ** -(lengths[reached].mean(axis=0) / normal))
    np.testing.assert_allclose(scores - stored["offset"], model.decision_function(X))


def average_path(rows):
    """Take the mean depth of an unsuccessful search in a random tree of so many rows."""
    several = np.maximum(rows, 3)
    long = 2 * (np.log(several - 1) + np.euler_gamma) - 2 * (several - 1) / several
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, long))


def mean_path(model, X):
    """Sum the mean length of the training rows' decision paths over the trees."""
    rows = getattr(model, "estimators_samples_", [range(len(X))] * len(trees_of(model)))
    X = X.astype(np.float32)
    return sum(
        float(tree.decision_path(X[np.unique(own)]).sum(axis=1).mean()) - 1
        for tree, own in zip(trees_of(model), rows, strict=True)
    )


@pytest.mark.parametrize("model", [model for model, _ in REGRESSIONS])
def test_operations_are_the_mean_paths_of_the_training_rows(model):
    X, y = load_diabetes(return_X_y=True)
    model.fit(X, y)
    assert count_operations(model) == pytest.approx(mean_path(model, X))


def test_operations_do_not_depend_on_weights():
    X, y = load_iris(return_X_y=True)
    model = DecisionTreeClassifier(class_weight={0: 1, 1: 1, 2: 50}, max_depth=3).fit(X, y)
    assert count_operations(model) == pytest.approx(mean_path(model, X))


def test_operations_of_an_isolation_forest_are_those_of_its_trees():
    X, _ = load_iris(return_X_y=True)
    model = IsolationForest(n_estimators=4, max_samples=30, random_state=0).fit(X)
    assert count_operations(model) == pytest.approx(mean_path(model, X))


def test_blocks_of_trees_add_up_to_all(monkeypatch):
    X, y = with_holes(*load_diabetes(return_X_y=True))
    model = RandomForestRegressor(9, max_depth=5, random_state=0).fit(X, y)
    at_once, operations = stored_arrays(model), count_operations(model)
    for nodes in (1, 100):
        monkeypatch.setattr(definition, "_NODES_IN_BLOCK", nodes)
        in_blocks = stored_arrays(model)
        for name, array in at_once.items():
            np.testing.assert_array_equal(in_blocks[name], array)
        assert count_operations(model) == pytest.approx(operations)
