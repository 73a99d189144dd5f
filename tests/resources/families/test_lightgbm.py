"""Each count is proved by walking down the trees of LightGBM's own dump, number by number.

The counts come from a few trees where they can; so they are compared with those of all trees too.
"""

import lightgbm
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from optistruct.resources import count_operations, count_parameters
from optistruct.resources.families import lightgbm as definition
from optistruct.resources.parameters import _sizes

PLAIN = {"n_estimators": 6, "num_leaves": 5, "n_jobs": 1, "verbose": -1, "random_state": 0}


def dumped(model):
    return [tree["tree_structure"] for tree in model.booster_.dump_model()["tree_info"]]


def numbers(node):
    """Count the numbers of a dumped node and those below that the walk reads."""
    if "split_feature" not in node:
        return 1 + ("leaf_const" in node) + 2 * len(node.get("leaf_coeff", []))
    if node["decision_type"] == "==":
        own = 1 + max(map(int, node["threshold"].split("||"))) // 32 + 1
    else:
        own = 2 + (node["missing_type"] != "None")
    return own + numbers(node["left_child"]) + numbers(node["right_child"])


def walk(node, row):
    """Go down to a leaf: its output, and the comparisons and terms on the way."""
    if "split_feature" not in node:
        terms = list(zip(node.get("leaf_coeff", []), node.get("leaf_features", []), strict=True))
        if "leaf_const" not in node:
            return node["leaf_value"], 0
        return node["leaf_const"] + sum(c * row[f] for c, f in terms), len(terms)
    value = row[node["split_feature"]]
    if node["decision_type"] == "==":
        chosen = set(map(int, node["threshold"].split("||")))
        goes_left = not np.isnan(value) and int(value) in chosen
    elif np.isnan(value) and node["missing_type"] == "NaN":
        goes_left = node["default_left"]
    else:
        goes_left = np.nan_to_num(value) <= node["threshold"]
    output, operations = walk(node["left_child" if goes_left else "right_child"], row)
    return output, operations + 1


def check(model, X, table=None, outputs=1):
    """Compare the count, the prediction and the operations with those of the walk."""
    trees = dumped(model)
    count = count_parameters(model)
    categories = sum(map(len, model.booster_.pandas_categorical or []))
    assert count.total == sum(map(numbers, trees)) + categories
    assert sum(count.by_part.values()) == count.effective == count.total
    walked = np.array([[walk(tree, row) for tree in trees] for row in X])
    scores = walked[:, :, 0].reshape(len(X), -1, outputs).sum(axis=1)
    raw = model.predict(X if table is None else table, raw_score=True)
    np.testing.assert_allclose(scores, raw.reshape(scores.shape))
    assert count_operations(model) == pytest.approx(walked[:, :, 1].sum(axis=1).mean())
    return count


def test_regression():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(**PLAIN).fit(X, y)
    assert check(model, X).total == 6 * (2 * 4 + 5)
    assert count_parameters(model.booster_) == count_parameters(model)
    assert count_operations(model.booster_) == count_operations(model)


def test_two_classes():
    X, y = load_breast_cancer(return_X_y=True)
    check(LGBMClassifier(**PLAIN).fit(X, y), X)


def test_three_classes():
    X, y = load_iris(return_X_y=True)
    model = LGBMClassifier(**{**PLAIN, "num_leaves": 3}).fit(X, y)
    assert check(model, X, outputs=3).total == 3 * 6 * (2 * 2 + 3)


def test_ranking_and_dart():
    X, y = load_iris(return_X_y=True)
    check(LGBMRanker(**PLAIN).fit(X, y, group=[50, 50, 50]), X)
    check(LGBMRegressor(boosting_type="dart", drop_rate=0.9, **PLAIN).fit(X, y), X)


def test_random_forest():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(boosting_type="rf", subsample=0.6, subsample_freq=1, **PLAIN).fit(X, y)
    assert count_parameters(model).total == 6 * (2 * 4 + 5)
    made = np.mean([[walk(tree, row)[0] for tree in dumped(model)] for row in X], axis=1)
    np.testing.assert_allclose(made, model.predict(X))


def test_missing_values_have_a_direction_where_training_had_some():
    X, y = load_diabetes(return_X_y=True)
    X[::3, 2] = np.nan
    model = LGBMRegressor(**PLAIN).fit(X, y)
    on_holed = int(model.booster_.feature_importance()[2])
    assert 0 < on_holed < 6 * 4
    assert check(model, X).total == 6 * (2 * 4 + 5) + on_holed


def test_zeros_that_are_missing_have_a_direction():
    X, y = load_diabetes(return_X_y=True)
    X[::3, 2] = 0
    model = LGBMRegressor(zero_as_missing=True, **PLAIN).fit(X, y)
    full = definition._of_any_trees(model.booster_)
    directed = len(full["direction"])
    assert directed > 0
    assert count_parameters(model).total == 6 * (2 * 4 + 5) + directed


def test_category_sets_stand_in_the_place_of_thresholds():
    X, y = load_diabetes(return_X_y=True)
    codes = np.argsort(np.argsort(X[:, 2])) * 70 // len(y)
    y = y + 200 * np.isin(codes, [3, 30, 41, 66])
    table = np.column_stack([codes.astype(float), X[:, 0]])
    table[::9, 0] = np.nan  # in no set: such a split needs no direction
    model = LGBMRegressor(min_data_per_group=3, min_child_samples=3, cat_smooth=1, **PLAIN)
    model.fit(table, y, categorical_feature=[0])
    count = check(model, table)
    sets = 6 * 4 * 2 - count.by_part["feature"] - count.by_part["threshold"]
    assert 0 < sets < count.by_part["category_sets"] <= 3 * sets


def test_the_categories_of_a_table_count_one_each():
    X, y = load_iris(return_X_y=True)
    kind = np.array(["a", "b", "c", "d"])[np.arange(150) % 4]
    frame = pd.DataFrame({"size": X[:, 0], "kind": pd.Categorical(kind)})
    model = LGBMClassifier(**PLAIN).fit(frame, y > 0)
    codes = np.column_stack([X[:, 0], np.arange(150) % 4])
    assert check(model, codes, table=frame).by_part["categories"] == 4


def test_linear_leaves_add_their_constants_and_terms():
    X, y = load_diabetes(return_X_y=True)
    model = LGBMRegressor(linear_tree=True, **PLAIN).fit(X, y)
    count = check(model, X)
    terms = sum(len(leaf["leaf_coeff"]) for tree in dumped(model) for leaf in leaves(tree))
    assert terms > 0
    assert count.total == 6 * (2 * 4 + 5) + 6 * 5 + 2 * terms


def leaves(node):
    if "split_feature" not in node:
        return [node]
    return leaves(node["left_child"]) + leaves(node["right_child"])


def test_trees_that_are_one_leaf():
    X, y = load_iris(return_X_y=True)
    model = LGBMRegressor(**{**PLAIN, "min_child_samples": 140}).fit(X, y)
    assert count_parameters(model).total == len(dumped(model)) >= 1
    assert count_operations(model) == 0
    np.testing.assert_allclose(model.predict(X), y.mean())


def test_rounds_after_the_best_one_do_not_count():
    X, y = load_breast_cancer(return_X_y=True)
    training = lightgbm.Dataset(X[::2], y[::2])
    booster = lightgbm.train(
        {"objective": "binary", "num_leaves": 5, "num_threads": 1, "verbose": -1},
        training,
        num_boost_round=60,
        valid_sets=[lightgbm.Dataset(X[1::2], y[1::2], reference=training)],
        callbacks=[lightgbm.early_stopping(3, verbose=False)],
        keep_training_booster=True,
    )
    best = booster.best_iteration
    assert 0 < best < booster.current_iteration() == booster.num_trees()
    assert count_parameters(booster).total == best * (2 * 4 + 5)
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    assert len(trees) == best
    walked = np.array([[walk(tree, row) for tree in trees] for row in X[::2]])
    np.testing.assert_allclose(walked[:, :, 0].sum(axis=1), booster.predict(X[::2], raw_score=True))
    assert count_operations(booster) == pytest.approx(walked[:, :, 1].sum(axis=1).mean())


class TestShortcut:
    """What a few trees tell is the count of all of them."""

    def full(self, model):
        stored = definition._of_any_trees(model.booster_)
        return {name: _sizes(part)[0] for name, part in stored.items()}

    def plain(self, model):
        stored = definition._of_plain_trees(model.booster_, [model.n_estimators_])
        return stored and {name: part.number for name, part in stored[0].items()}

    def test_agrees_where_a_feature_is_split_on_once(self):
        X, y = load_diabetes(return_X_y=True)
        rare = np.where(np.arange(len(y)) % 3, 0.0, np.nan)
        X = np.column_stack([X, rare])
        model = LGBMRegressor(
            n_estimators=80, num_leaves=4, feature_fraction=0.2, n_jobs=1, verbose=-1
        ).fit(X, y)
        plain = self.plain(model)
        assert plain is not None
        assert plain["direction"] == model.booster_.feature_importance()[10] > 0
        assert plain == {name: size for name, size in self.full(model).items() if name in plain}

    def test_reads_few_trees(self, monkeypatch):
        X, y = load_diabetes(return_X_y=True)
        model = LGBMRegressor(n_estimators=200, num_leaves=8, n_jobs=1, verbose=-1).fit(X, y)
        read = []
        trees = definition._Trees

        def spy(booster, first_round, rounds):
            read.append(rounds)
            return trees(booster, first_round, rounds)

        monkeypatch.setattr(definition, "_Trees", spy)
        assert count_parameters(model).total == 200 * (2 * 7 + 8)
        assert sum(read) < 20

    @pytest.mark.parametrize("holes_first", [True, False])
    def test_gives_way_where_a_training_went_on_with_other_data(self, holes_first):
        X, y = load_diabetes(return_X_y=True)
        holed = X.copy()
        holed[::3, 2] = np.nan
        tables = [holed, X] if holes_first else [X, holed]
        first = LGBMRegressor(**PLAIN).fit(tables[0], y)
        model = LGBMRegressor(**PLAIN).fit(tables[1], y, init_model=first)
        assert self.plain(model) is None
        assert count_parameters(model).total == sum(self.full(model).values())
        assert count_parameters(model).total == sum(map(numbers, dumped(model)))

    def test_gives_way_where_a_training_went_on_twice(self):
        X, y = load_diabetes(return_X_y=True)
        holed = X.copy()
        holed[::3, 2] = np.nan
        model = None
        for table in (X, holed, X):
            model = LGBMRegressor(**PLAIN).fit(table, y, init_model=model)
        assert count_parameters(model).total == sum(map(numbers, dumped(model)))

    def test_gives_way_where_the_gains_are_not_known(self):
        X, y = load_diabetes(return_X_y=True)
        text = LGBMRegressor(**PLAIN).fit(X, y).booster_.model_to_string()
        header, *trees = text.split("Tree=")
        trees = [
            "\n".join(line for line in tree.splitlines() if not line.startswith("split_gain="))
            for tree in trees
        ]
        text = "Tree=".join([header, *(tree + "\n" for tree in trees)])
        header, _, rest = text.partition("tree_sizes=")
        booster = lightgbm.Booster(model_str=header + rest.partition("\n")[2])
        assert booster.feature_importance().sum() == 0
        assert count_parameters(booster).total == 6 * (2 * 4 + 5)
