"""Tests of optistruct.resources.parameters.

Each family's count is proved: `predict` is made again, in plain arithmetic, from nothing but arrays
whose sizes sum to the count. The topology of trees and the names of the classes don't count.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
)

from optistruct.exceptions import ResourceError
from optistruct.resources import count_parameters

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def size(*arrays: Any) -> int:
    return sum(np.size(array) for array in arrays)


def pick(model: Any, scores: np.ndarray) -> np.ndarray:
    """Name the class with the largest score; one column is the second class's margin over 0."""
    if scores.ndim == 1 or scores.shape[1] == 1:
        return model.classes_[(scores.ravel() > 0).astype(int)]
    return model.classes_[scores.argmax(axis=1)]


def with_holes_beside_the_few(X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make holes in a quarter of the rows, which then go with the few that have large values."""
    X, y = X.copy(), y.copy()
    missing = np.arange(len(X)) % 4 == 0
    X[missing, 0] = np.nan
    y[missing] += 3
    return X, y


class TestLinear:
    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("kind", [LogisticRegression, RidgeClassifier, SGDClassifier])
    @pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3)])
    def test_classifier(
        self,
        kind: Any,
        task: str,
        outputs: int,
        intercept: bool,
        request: pytest.FixtureRequest,
    ) -> None:
        X, y = request.getfixturevalue(task)
        model = kind(fit_intercept=intercept).fit(X, y)
        coefficients = model.coef_.reshape(outputs, 4)
        biases = model.intercept_ if intercept else np.zeros(0)
        assert count_parameters(model) == size(coefficients, biases) == outputs * (4 + intercept)
        scores = X @ coefficients.T + (biases if intercept else 0)
        np.testing.assert_array_equal(model.predict(X), pick(model, scores))

    @pytest.mark.parametrize("intercept", [True, False])
    @pytest.mark.parametrize("kind", [Ridge, ElasticNet, Lasso, LinearRegression, SGDRegressor])
    def test_regressor(self, kind: Any, intercept: bool, regression: Any) -> None:
        X, y = regression
        model = kind(fit_intercept=intercept).fit(X, y)
        bias = model.intercept_ if intercept else np.zeros(0)
        assert count_parameters(model) == size(model.coef_, bias) == 4 + intercept
        made = X @ model.coef_ + (bias if intercept else 0)
        np.testing.assert_allclose(model.predict(X), made)

    def test_of_several_outputs(self, regression: Any) -> None:
        X, y = regression
        assert count_parameters(Ridge().fit(X, np.column_stack([y, -y, 2 * y]))) == 3 * (4 + 1)


class Tree:
    """A tree that keeps only its counted numbers, beside its topology."""

    def __init__(self, tree: Any, learns_directions: bool) -> None:
        self.left, self.right = tree.children_left, tree.children_right
        self.splits = np.flatnonzero(self.left >= 0)
        self.leaves = np.flatnonzero(self.left < 0)
        self.features = tree.feature[self.splits]
        self.thresholds = tree.threshold[self.splits]
        self.values = tree.value[self.leaves].reshape(len(self.leaves), -1)
        self.directions = tree.missing_go_to_left[self.splits] if learns_directions else []

    @property
    def numbers(self) -> int:
        return size(self.features, self.thresholds, self.values, self.directions)

    def __call__(self, row: np.ndarray) -> np.ndarray:
        node = 0
        while self.left[node] >= 0:
            split = np.searchsorted(self.splits, node)
            value = row[self.features[split]]
            if np.isnan(value):
                goes_left = self.directions[split]
            else:
                goes_left = value <= self.thresholds[split]
            node = (self.left if goes_left else self.right)[node]
        return self.values[np.searchsorted(self.leaves, node)]


def predict_by_trees(model: Any, trees: list[Tree], X: np.ndarray) -> np.ndarray:
    rows = X.astype(np.float32)
    scores = np.mean([[tree(row) for row in rows] for tree in trees], axis=0)
    return model.classes_[scores.argmax(axis=1)] if hasattr(model, "classes_") else scores.ravel()


class TestTree:
    @pytest.mark.parametrize(("task", "classes"), [("binary", 2), ("multiclass", 3)])
    @pytest.mark.parametrize("kind", [DecisionTreeClassifier, ExtraTreeClassifier])
    def test_classifier(
        self, kind: Any, task: str, classes: int, request: pytest.FixtureRequest
    ) -> None:
        X, y = request.getfixturevalue(task)
        model = kind(max_leaf_nodes=9, random_state=0).fit(X, y)
        tree = Tree(model.tree_, learns_directions=False)
        assert count_parameters(model) == tree.numbers == 2 * 8 + classes * 9
        np.testing.assert_array_equal(model.predict(X), predict_by_trees(model, [tree], X))

    def test_regressor(self, regression: Any) -> None:
        X, y = regression
        model = DecisionTreeRegressor(max_leaf_nodes=7, random_state=0).fit(X, y)
        tree = Tree(model.tree_, learns_directions=False)
        assert count_parameters(model) == tree.numbers == 2 * 6 + 7
        np.testing.assert_allclose(model.predict(X), predict_by_trees(model, [tree], X))

    def test_of_one_leaf(self, multiclass: Any) -> None:
        X, y = multiclass
        model = DecisionTreeClassifier(min_samples_leaf=80).fit(X, y)
        assert count_parameters(model) == 3

    def test_with_learnt_directions(self, regression: Any) -> None:
        X, y = with_holes_beside_the_few(*regression)
        model = DecisionTreeRegressor(max_leaf_nodes=6, random_state=0).fit(X, y)
        tree = Tree(model.tree_, learns_directions=True)
        assert count_parameters(model) == tree.numbers == 3 * 5 + 6
        np.testing.assert_allclose(model.predict(X), predict_by_trees(model, [tree], X))

    def test_of_several_outputs(self, regression: Any) -> None:
        X, y = regression
        model = DecisionTreeRegressor(max_leaf_nodes=5).fit(X, np.column_stack([y, -y]))
        assert count_parameters(model) == 2 * 4 + 2 * 5


class TestForest:
    @pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
    @pytest.mark.parametrize("task", ["binary", "multiclass"])
    def test_classifier(self, kind: Any, task: str, request: pytest.FixtureRequest) -> None:
        X, y = request.getfixturevalue(task)
        model = kind(n_estimators=6, max_depth=4, random_state=0).fit(X, y)
        trees = [Tree(member.tree_, learns_directions=False) for member in model.estimators_]
        assert count_parameters(model) == sum(tree.numbers for tree in trees)
        np.testing.assert_array_equal(model.predict(X), predict_by_trees(model, trees, X))

    @pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
    def test_regressor(self, kind: Any, regression: Any) -> None:
        X, y = regression
        model = kind(n_estimators=6, max_depth=4, random_state=0).fit(X, y)
        trees = [Tree(member.tree_, learns_directions=False) for member in model.estimators_]
        assert count_parameters(model) == sum(tree.numbers for tree in trees)
        np.testing.assert_allclose(model.predict(X), predict_by_trees(model, trees, X))

    def test_grows_by_the_trees(self, binary: Any) -> None:
        X, y = binary
        small, large = (
            RandomForestClassifier(n, max_leaf_nodes=4, random_state=0).fit(X, y) for n in (5, 20)
        )
        assert count_parameters(small) == 5 * (2 * 3 + 2 * 4)
        assert count_parameters(large) == 20 * (2 * 3 + 2 * 4)


class HistTree:
    """A tree of histogram gradient boosting that keeps only its counted numbers."""

    def __init__(self, predictor: Any, learns_directions: bool) -> None:
        nodes = predictor.nodes
        self.left, self.right, self.is_leaf = nodes["left"], nodes["right"], nodes["is_leaf"]
        self.features, self.thresholds, self.directions = {}, {}, {}
        self.sets: dict[int, np.ndarray] = {}
        self.values = {}
        for i, node in enumerate(nodes):
            if node["is_leaf"]:
                self.values[i] = node["value"]
                continue
            self.features[i] = node["feature_idx"]
            if node["is_categorical"]:
                self.sets[i] = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
            else:
                self.thresholds[i] = node["num_threshold"]
            if learns_directions:
                self.directions[i] = node["missing_go_to_left"]

    @property
    def numbers(self) -> int:
        words = sum(words.size for words in self.sets.values())
        alone = (self.features, self.thresholds, self.directions, self.values)
        return words + sum(map(len, alone))

    def __call__(self, row: np.ndarray) -> float:
        node = 0
        while not self.is_leaf[node]:
            value = row[self.features[node]]
            if np.isnan(value):
                goes_left = self.directions[node]
            elif node in self.sets:
                goes_left = self.sets[node][int(value) // 32] >> (int(value) % 32) & 1
            else:
                goes_left = value <= self.thresholds[node]
            node = (self.left if goes_left else self.right)[node]
        return self.values[node]


def hist_trees(model: Any, learns_directions: list[bool]) -> list[list[HistTree]]:
    learns = iter(learns_directions)
    return [[HistTree(tree, next(learns)) for tree in round_] for round_ in model._predictors]


def hist_scores(model: Any, rounds: list[list[HistTree]], X: np.ndarray) -> np.ndarray:
    sums = [[[tree(row) for tree in round_] for row in X] for round_ in rounds]
    return np.sum(sums, axis=0) + model._baseline_prediction


def departs_from_majority(predictor: Any) -> bool:
    nodes = predictor.nodes
    return any(
        bool(node["missing_go_to_left"])
        != (nodes[node["left"]]["count"] > nodes[node["right"]]["count"])
        for node in nodes
        if not node["is_leaf"]
    )


class TestHistGradientBoosting:
    @pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3)])
    def test_classifier(self, task: str, outputs: int, request: pytest.FixtureRequest) -> None:
        X, y = request.getfixturevalue(task)
        model = HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=5, min_samples_leaf=3)
        model.fit(X, y)
        rounds = hist_trees(model, [False] * 4 * outputs)
        numbers = sum(tree.numbers for round_ in rounds for tree in round_)
        assert count_parameters(model) == outputs + numbers
        assert numbers == 4 * outputs * (2 * 4 + 5)
        scores = hist_scores(model, rounds, X)
        np.testing.assert_array_equal(model.predict(X), pick(model, scores))

    def test_regressor(self, regression: Any) -> None:
        X, y = regression
        model = HistGradientBoostingRegressor(max_iter=5, max_leaf_nodes=6, min_samples_leaf=3)
        model.fit(X, y)
        rounds = hist_trees(model, [False] * 5)
        assert count_parameters(model) == 1 + 5 * (2 * 5 + 6)
        assert 1 + sum(round_[0].numbers for round_ in rounds) == count_parameters(model)
        np.testing.assert_allclose(model.predict(X), hist_scores(model, rounds, X).ravel())

    def test_with_learnt_directions(self, regression: Any) -> None:
        X, y = with_holes_beside_the_few(*regression)
        model = HistGradientBoostingRegressor(max_iter=4, max_leaf_nodes=6, min_samples_leaf=3)
        model.fit(X, y)
        learnt = [departs_from_majority(tree) for [tree] in model._predictors]
        assert any(learnt)
        rounds = hist_trees(model, [True] * 4)
        expected = [
            round_[0].numbers - (0 if learns else len(round_[0].directions))
            for round_, learns in zip(rounds, learnt, strict=True)
        ]
        assert count_parameters(model) == 1 + sum(expected)
        np.testing.assert_allclose(model.predict(X), hist_scores(model, rounds, X).ravel())

    def test_with_categories(self) -> None:
        rng = np.random.default_rng(0)
        X = np.column_stack([rng.integers(0, 12, 300), rng.normal(size=300)])
        y = np.isin(X[:, 0], [1, 4, 7, 11]) * 5 + X[:, 1]
        model = HistGradientBoostingRegressor(
            max_iter=3, max_leaf_nodes=5, min_samples_leaf=3, categorical_features=[0]
        ).fit(X, y)
        rounds = hist_trees(model, [departs_from_majority(tree) for [tree] in model._predictors])
        sets = sum(len(tree.sets) for [tree] in rounds)
        assert sets
        numbers = sum(tree.numbers for [tree] in rounds)
        categories = 12  # codes of the categories, which the model turns into 0, 1, ...
        assert count_parameters(model) == 1 + categories + numbers
        np.testing.assert_allclose(model.predict(X), hist_scores(model, rounds, X).ravel())


class LightTree:
    """A tree of LightGBM, read from its own dump, that keeps only its counted numbers."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self.nodes = [*self._walk(root)]

    def _walk(self, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for side in ("left_child", "right_child"):
            if side in node:
                yield from self._walk(node[side])

    @property
    def numbers(self) -> int:
        total = 0
        for node in self.nodes:
            if "split_feature" not in node:
                total += 1 + len(node.get("leaf_coeff", [])) + ("leaf_const" in node)
            elif node["decision_type"] == "==":
                words = max(map(int, node["threshold"].split("||"))) // 32 + 1
                total += 1 + words
            else:
                total += 2 + (node["missing_type"] != "None")
        return total

    def __call__(self, row: np.ndarray) -> float:
        node = self.root
        while "split_feature" in node:
            value = row[node["split_feature"]]
            if node["decision_type"] == "==":
                chosen = set(map(int, node["threshold"].split("||")))
                goes_left = not np.isnan(value) and int(value) in chosen
            elif np.isnan(value) and node["missing_type"] == "NaN":
                goes_left = node["default_left"]
            else:
                goes_left = np.nan_to_num(value) <= node["threshold"]
            node = node["left_child" if goes_left else "right_child"]
        return float(node["leaf_value"])


def light_trees(booster: lightgbm.Booster) -> list[LightTree]:
    return [LightTree(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]


def light_scores(trees: list[LightTree], X: np.ndarray, outputs: int = 1) -> np.ndarray:
    values = np.array([[tree(row) for tree in trees] for row in X])
    return values.reshape(len(X), -1, outputs).sum(axis=1)


LIGHT = {"n_estimators": 5, "min_child_samples": 3, "n_jobs": 1, "verbose": -1}


class TestLightGBM:
    @pytest.mark.parametrize(("task", "outputs"), [("binary", 1), ("multiclass", 3)])
    def test_classifier(self, task: str, outputs: int, request: pytest.FixtureRequest) -> None:
        X, y = request.getfixturevalue(task)
        model = lightgbm.LGBMClassifier(num_leaves=5, **LIGHT).fit(X, y)
        trees = light_trees(model.booster_)
        assert len(trees) == 5 * outputs
        assert count_parameters(model) == sum(tree.numbers for tree in trees)
        scores = light_scores(trees, X, outputs)
        np.testing.assert_array_equal(model.predict(X), pick(model, scores))

    def test_regressor(self, regression: Any) -> None:
        X, y = regression
        model = lightgbm.LGBMRegressor(num_leaves=6, **LIGHT).fit(X, y)
        trees = light_trees(model.booster_)
        assert count_parameters(model) == 5 * (2 * 5 + 6)
        assert sum(tree.numbers for tree in trees) == count_parameters(model)
        np.testing.assert_allclose(model.predict(X), light_scores(trees, X).ravel())

    def test_a_booster_counts_as_its_model(self, binary: Any) -> None:
        model = lightgbm.LGBMClassifier(**LIGHT).fit(*binary)
        assert count_parameters(model.booster_) == count_parameters(model) > 0

    def test_with_learnt_directions(self, regression: Any) -> None:
        X, y = regression[0].copy(), regression[1]
        X[::3, 0] = np.nan
        model = lightgbm.LGBMRegressor(num_leaves=6, **LIGHT).fit(X, y)
        trees = light_trees(model.booster_)
        holed = [
            node
            for tree in trees
            for node in tree.nodes
            if node.get("missing_type", "None") != "None"
        ]
        assert 0 < len(holed) < 25
        assert count_parameters(model) == 5 * (2 * 5 + 6) + len(holed)
        assert sum(tree.numbers for tree in trees) == count_parameters(model)
        np.testing.assert_allclose(model.predict(X), light_scores(trees, X).ravel())

    def test_with_categories(self) -> None:
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 70, 2000).astype(float)
        X = np.column_stack([codes, rng.normal(size=2000)])
        y = np.isin(codes, [3, 30, 41, 66]) * 5 + X[:, 1]
        model = lightgbm.LGBMRegressor(num_leaves=8, min_data_per_group=5, cat_smooth=1, **LIGHT)
        model.fit(X, y, categorical_feature=[0])
        trees = light_trees(model.booster_)
        sets = [n for tree in trees for n in tree.nodes if n.get("decision_type") == "=="]
        words = [max(map(int, node["threshold"].split("||"))) // 32 + 1 for node in sets]
        assert max(words) == 3
        numbers = 5 * (2 * 7 + 8) - len(sets) + sum(words)
        assert count_parameters(model) == numbers == sum(tree.numbers for tree in trees)
        np.testing.assert_allclose(model.predict(X), light_scores(trees, X).ravel())

    def test_with_linear_leaves(self, regression: Any) -> None:
        X, y = regression
        model = lightgbm.LGBMRegressor(num_leaves=4, linear_tree=True, **LIGHT).fit(X, y)
        plain = lightgbm.LGBMRegressor(num_leaves=4, **LIGHT).fit(X, y)
        trees = light_trees(model.booster_)
        assert count_parameters(model) == sum(tree.numbers for tree in trees)
        assert count_parameters(model) > count_parameters(plain) == 5 * (2 * 3 + 4)

    def test_of_trees_that_are_one_leaf(self, regression: Any) -> None:
        X, y = regression
        model = lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=89, verbose=-1).fit(X, y)
        assert count_parameters(model) == len(light_trees(model.booster_)) >= 1
        np.testing.assert_allclose(model.predict(X), y.mean())

    def test_counts_no_more_rounds_than_it_predicts_with(self, binary: Any) -> None:
        X, y = binary
        stopped = lightgbm.LGBMClassifier(n_estimators=60, num_leaves=4, n_jobs=1, verbose=-1)
        stopped.fit(
            X[:60],
            y[:60],
            eval_X=(X[60:],),
            eval_y=(1 - y[60:],),  # it cannot learn this: the first round is the best
            callbacks=[lightgbm.early_stopping(3, verbose=False)],
        )
        assert stopped.best_iteration_ == 1
        assert count_parameters(stopped) == light_trees(stopped.booster_)[0].numbers


class TestNeighbors:
    @pytest.mark.parametrize("algorithm", ["brute", "kd_tree", "ball_tree"])
    def test_classifier(self, algorithm: str, multiclass: Any) -> None:
        X, y = multiclass
        model = KNeighborsClassifier(1, algorithm=algorithm).fit(X[:60], y[:60])
        assert count_parameters(model) == size(X[:60], y[:60]) == 60 * 4 + 60
        distances = ((X[60:, None] - X[:60]) ** 2).sum(axis=2)
        np.testing.assert_array_equal(model.predict(X[60:]), y[:60][distances.argmin(axis=1)])

    def test_regressor(self, regression: Any) -> None:
        X, y = regression
        model = KNeighborsRegressor(3).fit(X[:60], y[:60])
        assert count_parameters(model) == 60 * 4 + 60
        nearest = ((X[60:, None] - X[:60]) ** 2).sum(axis=2).argsort(axis=1)[:, :3]
        np.testing.assert_allclose(model.predict(X[60:]), y[nearest].mean(axis=1))

    def test_does_not_depend_on_k(self, binary: Any) -> None:
        counts = {count_parameters(KNeighborsClassifier(k).fit(*binary)) for k in (1, 5, 30)}
        assert counts == {90 * 5}

    def test_of_a_sparse_table_counts_what_is_stored(self) -> None:
        X = sparse.random_array((50, 30), density=0.1, format="csr", random_state=0)
        model = KNeighborsClassifier(3).fit(X, np.arange(50) % 2)
        assert count_parameters(model) == X.nnz + 50 == 150 + 50


class TestPerceptron:
    def test_of_300_units_on_four_columns_and_three_classes_has_2403(self, multiclass: Any) -> None:
        model = MLPClassifier((300,), max_iter=3, random_state=0).fit(*multiclass)
        assert count_parameters(model) == 4 * 300 + 300 + 300 * 3 + 3 == 2403

    @pytest.mark.parametrize("layers", [(5,), (7, 3), (6, 5, 4)])
    def test_classifier(self, layers: tuple[int, ...], multiclass: Any) -> None:
        X, y = multiclass
        model = MLPClassifier(layers, max_iter=30, random_state=0).fit(X, y)
        self.check(model, X, layers, outputs=3)
        np.testing.assert_array_equal(model.predict(X), pick(model, self.forward(model, X)))

    def test_binary_classifier_has_one_output(self, binary: Any) -> None:
        X, y = binary
        model = MLPClassifier((5,), max_iter=30, random_state=0).fit(X, y)
        self.check(model, X, (5,), outputs=1)
        np.testing.assert_array_equal(model.predict(X), pick(model, self.forward(model, X)))

    def test_regressor(self, regression: Any) -> None:
        X, y = regression
        model = MLPRegressor(hidden_layer_sizes=(7, 3), max_iter=30, random_state=0).fit(X, y)
        self.check(model, X, (7, 3), outputs=1)
        np.testing.assert_allclose(model.predict(X), self.forward(model, X).ravel())

    def check(self, model: Any, X: np.ndarray, layers: tuple[int, ...], outputs: int) -> None:
        widths = (X.shape[1], *layers, outputs)
        expected = sum(before * after + after for before, after in pairwise(widths))
        arrays = [*model.coefs_, *model.intercepts_]
        assert count_parameters(model) == expected == sum(map(np.size, arrays))

    def forward(self, model: Any, X: np.ndarray) -> np.ndarray:
        *hidden, last = zip(model.coefs_, model.intercepts_, strict=True)
        for weights, biases in hidden:
            X = np.maximum(X @ weights + biases, 0)
        return X @ last[0] + last[1]


class TestSteps:
    """Each step's transform from the counted arrays alone."""

    @pytest.fixture
    def X(self, table: np.ndarray) -> np.ndarray:
        return table

    def test_standard_scaler(self, X: np.ndarray) -> None:
        both = StandardScaler().fit(X)
        assert count_parameters(both) == size(both.mean_, both.scale_) == 8
        np.testing.assert_allclose(both.transform(X), (X - both.mean_) / both.scale_)
        assert count_parameters(StandardScaler(with_mean=False).fit(X)) == 4
        assert count_parameters(StandardScaler(with_std=False).fit(X)) == 4

    def test_robust_scaler(self, X: np.ndarray) -> None:
        both = RobustScaler().fit(X)
        assert count_parameters(both) == size(both.center_, both.scale_) == 8
        np.testing.assert_allclose(both.transform(X), (X - both.center_) / both.scale_)
        assert count_parameters(RobustScaler(with_centering=False).fit(X)) == 4

    def test_min_max_scaler(self, X: np.ndarray) -> None:
        scaler = MinMaxScaler().fit(X)
        assert count_parameters(scaler) == size(scaler.min_, scaler.scale_) == 8
        np.testing.assert_allclose(scaler.transform(X), X * scaler.scale_ + scaler.min_)

    def test_quantile_transformer(self, X: np.ndarray) -> None:
        ranks = QuantileTransformer(n_quantiles=11).fit(X)
        quantiles, references = ranks.quantiles_, ranks.references_
        assert count_parameters(ranks) == size(quantiles, references) == 11 * 4 + 11
        made = [np.interp(X[:, j], quantiles[:, j], references) for j in range(4)]
        np.testing.assert_allclose(ranks.transform(X), np.transpose(made))

    def test_imputer(self, X: np.ndarray) -> None:
        holed = X.copy()
        holed[::3, 1] = np.nan
        imputer = SimpleImputer(strategy="median").fit(holed)
        assert count_parameters(imputer) == size(imputer.statistics_) == 4
        made = np.where(np.isnan(holed), imputer.statistics_, holed)
        np.testing.assert_allclose(imputer.transform(holed), made)

    def test_pca(self, X: np.ndarray) -> None:
        pca = PCA(3).fit(X)
        assert count_parameters(pca) == size(pca.components_, pca.mean_) == 3 * 4 + 4
        np.testing.assert_allclose(pca.transform(X), (X - pca.mean_) @ pca.components_.T)
        assert count_parameters(PCA(3, whiten=True).fit(X)) == 3 * 4 + 4 + 3

    @pytest.mark.parametrize("kind", [OneHotEncoder, OrdinalEncoder])
    def test_encoder(self, kind: Any) -> None:
        frame = pd.DataFrame({"a": list("xyzx"), "b": [1, 2, 1, 2]})
        assert count_parameters(kind().fit(frame)) == 3 + 2

    def test_selector(self, X: np.ndarray, signal: np.ndarray) -> None:
        selector = SelectKBest(k=2).fit(X, signal > 0)
        kept = selector.get_support(indices=True)
        assert count_parameters(selector) == size(kept) == 2
        np.testing.assert_array_equal(selector.transform(X), X[:, kept])
        assert count_parameters(VarianceThreshold().fit(X)) == 4

    def test_function_has_none(self, X: np.ndarray) -> None:
        assert count_parameters(FunctionTransformer(np.log1p).fit(X)) == 0


class TestCompositions:
    def test_pipeline_is_the_sum_of_its_steps(self, binary: Any) -> None:
        X, y = binary
        model = make_pipeline(StandardScaler(), PCA(2), "passthrough", LogisticRegression())
        model.fit(X, y)
        assert count_parameters(model) == 2 * 4 + (2 * 4 + 4) + (2 + 1)
        assert count_parameters(model) == sum(
            count_parameters(step) for _, step in model.steps if step != "passthrough"
        )

    def test_column_transformer_is_the_sum_of_its_parts(
        self, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, _ = mixed
        model = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "visits"]),
                ("categories", OneHotEncoder(), ["plan", "member"]),
                ("nothing", "drop", ["city"]),
            ]
        )
        assert count_parameters(model.fit(X)) == (2 + 2 * 2) + (2 + 2)

    def test_column_transformer_passes_the_remainder_through_at_no_cost(
        self, table: np.ndarray
    ) -> None:
        model = ColumnTransformer([("scale", StandardScaler(), [0, 2])], remainder="passthrough")
        assert count_parameters(model.fit(table)) == 4

    def test_nested_ones(self, binary: Any) -> None:
        X, y = binary
        inner = make_pipeline(StandardScaler(), PCA(2))
        columns = ColumnTransformer([("inner", inner, [0, 1, 2])], remainder=MinMaxScaler())
        model = make_pipeline(columns, DecisionTreeClassifier(max_leaf_nodes=4)).fit(X, y)
        assert count_parameters(model) == (6 + 2 * 3 + 3) + 2 + (2 * 3 + 2 * 4)


class TestRefusals:
    @pytest.mark.parametrize(
        ("model", "name"),
        [
            (GaussianNB(), r"sklearn\.naive_bayes\.GaussianNB"),
            (SVC(), r"sklearn\.svm\._classes\.SVC"),
            (GaussianProcessRegressor(), r"GaussianProcessRegressor"),
            (make_pipeline(StandardScaler(), GaussianNB()), r"sklearn\.naive_bayes\.GaussianNB"),
            (make_pipeline(FeatureUnion([("s", StandardScaler())]), Ridge()), "FeatureUnion"),
        ],
    )
    def test_unknown_types_are_named(self, model: Any, name: str, binary: Any) -> None:
        with pytest.raises(
            ResourceError, match=f"the parameters of a .*{name} cannot be counted: it has no defin"
        ):
            count_parameters(model.fit(*binary))

    def test_a_type_of_ones_own_is_named(self) -> None:
        class Oracle:
            coef_ = np.ones(3)

        with pytest.raises(ResourceError, match=r"Oracle cannot be counted"):
            count_parameters(Oracle())

    @pytest.mark.parametrize(
        "model",
        [
            DecisionTreeClassifier(),
            RandomForestClassifier(),
            HistGradientBoostingClassifier(),
            lightgbm.LGBMClassifier(),
            KNeighborsClassifier(),
            MLPClassifier(),
            Ridge(),
            make_pipeline(StandardScaler(), Ridge()),
        ],
    )
    def test_unfitted_models_are_refused(self, model: Any) -> None:
        with pytest.raises(NotFittedError, match="is not fitted yet"):
            count_parameters(model)


def test_counts_are_plain_whole_numbers(binary: Any) -> None:
    for model in (DecisionTreeClassifier(), lightgbm.LGBMClassifier(**LIGHT), Ridge()):
        assert type(count_parameters(model.fit(*binary))) is int
