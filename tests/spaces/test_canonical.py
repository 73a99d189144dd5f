"""Tests of optistruct.spaces.canonical and of optistruct.spaces.inactive."""

import os
import re
import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from optuna.samplers import RandomSampler
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.spaces import Problem, inactive_parameters, structure_key

TREE = DecisionTreeClassifier
FOREST = RandomForestClassifier
KNN = KNeighborsClassifier


def named(parameter: Any) -> str:
    """Name a case the same way in every process: without addresses, sets in order."""
    text = str(sorted(parameter) if isinstance(parameter, set) else parameter)
    return re.sub(r" at 0x[0-9a-f]+", "", text)


class Twice(FOREST):
    """A class of its own may read any parameter, `n_jobs` too."""


class Remembers(BaseEstimator):
    def __init__(self, depth: int = 1) -> None:
        self.depth = depth
        self._seen = object()


class TestEqualStructures:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (TREE(max_depth=3), TREE(max_depth=np.int64(3))),
            (Ridge(alpha=0.5), Ridge(alpha=np.float64(0.5))),
            (FOREST(n_jobs=1), FOREST(n_jobs=4, verbose=2)),
            (LGBMClassifier(n_jobs=1), LGBMClassifier(n_jobs=2)),
            (SVC(cache_size=100), SVC()),
            (TREE(class_weight={1: 2.0, 0: 1.0}), TREE(class_weight={0: 1.0, 1: 2.0})),
            (make_pipeline(PCA(2), TREE()), Pipeline([("a", PCA(2)), ("b", TREE())])),
            (
                Pipeline([("scale", "passthrough"), ("pca", None), ("model", TREE())]),
                Pipeline([("model", TREE())], memory="/tmp/cache", verbose=True),
            ),
            (
                VotingClassifier([("a", SVC(kernel="linear", gamma=2.0)), ("b", TREE())]),
                VotingClassifier([("a", SVC(kernel="linear", degree=5)), ("b", TREE())]),
            ),
            (
                FunctionTransformer(np.log1p, kw_args={"where": True}),
                FunctionTransformer(np.log1p, kw_args={"where": True}),
            ),
        ],
    )
    def test_have_equal_keys(self, one: Any, other: Any) -> None:
        key = structure_key(one)
        assert key is not None
        assert key == structure_key(other)

    @pytest.mark.parametrize("family", spaces.FAMILIES)
    def test_of_every_family_keep_their_key_when_cloned(self, family: str) -> None:
        problem = Problem("binary", 90, 4, 2, categorical=(0,), empty=(3,))
        space = spaces.tabular(spaces.FAMILIES[family])
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        keys, answers = set(), set()
        for _ in range(6):
            trial = study.ask()
            made = spaces.build(space, trial, problem, 0)
            answers.add(tuple(trial.params.items()))
            keys.add(structure_key(made))
            assert structure_key(made) == structure_key(clone(made))
        assert None not in keys
        assert len(keys) == len(answers)
        assert all(len(key) == 32 and int(key, 16) >= 0 for key in keys if key)


class TestOtherStructures:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (TREE(), TREE(max_depth=3)),
            (TREE(random_state=0), TREE(random_state=1)),
            (FOREST(max_features=1), FOREST(max_features=1.0)),
            (FOREST(bootstrap=1), FOREST(bootstrap=True)),
            (SVC(kernel="rbf", gamma=1.0), SVC(kernel="rbf", gamma=2.0)),
            (SVC(kernel="poly", degree=2), SVC(kernel="poly", degree=3)),
            (SVC(), SVR()),
            (KNN(leaf_size=10), KNN(leaf_size=20)),  # a tree of another size and speed
            (make_pipeline(PCA(2), TREE()), make_pipeline(PCA(3), TREE())),
            (make_pipeline(PCA(2), MinMaxScaler()), make_pipeline(MinMaxScaler(), PCA(2))),
            (make_pipeline(TREE()), TREE()),  # a wrapper is part of the size
            (StandardScaler(), StandardScaler().set_output(transform="pandas")),
            (Twice(n_jobs=1), Twice(n_jobs=2)),
            (FunctionTransformer(np.log1p), FunctionTransformer(np.log)),
            (FunctionTransformer(partial(np.clip, a_min=0)), FunctionTransformer(np.clip)),
            (
                ColumnTransformer([("a", PCA(1), [0, 1])]),
                ColumnTransformer([("a", PCA(1), slice(0, 2))]),
            ),
            (
                MLPClassifier(hidden_layer_sizes=(12, 3)),
                MLPClassifier(hidden_layer_sizes=(1, 23)),
            ),
            (TREE(class_weight={"a": 1}), TREE(class_weight={"b": 1})),
        ],
    )
    def test_have_other_keys(self, one: Any, other: Any) -> None:
        keys = {structure_key(one), structure_key(other)}
        assert len(keys) == 2
        assert None not in keys

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.tuples(inner, inner)
                | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        st.text(max_size=4),
    )
    def test_have_other_keys_wherever_a_value_differs(self, value: Any, text: str) -> None:
        def key(given: Any) -> str | None:
            return structure_key(FunctionTransformer(kw_args={"given": given}))

        assert key(value) == key(value)
        different = [value, [value], (value,), {"given": value}, [value, text], repr(value)]
        assert len({key(other) for other in different}) == len(different)

    def test_arrays_count_with_type_shape_and_values(self) -> None:
        arrays: list[Any] = [
            np.zeros(4),
            np.zeros((2, 2)),
            np.zeros(4, dtype=np.float32),
            np.ones(4),
            np.array([None, "a"], dtype=object),
            [0.0] * 4,
        ]
        keys = {structure_key(FunctionTransformer(kw_args={"a": array})) for array in arrays}
        assert len(keys) == len(arrays)
        assert None not in keys


class TestUnstable:
    @pytest.mark.parametrize(
        "estimator",
        [
            FunctionTransformer(lambda X: X),
            FunctionTransformer(kw_args={"by": object()}),
            FunctionTransformer("abc".lower),
            TREE(random_state=np.random.RandomState(0)),
            ColumnTransformer([("a", PCA(1), make_column_selector("a"))]),
            make_pipeline(PCA(1), FunctionTransformer(lambda X: X)),
            Remembers(),
            FunctionTransformer(kw_args={"a": np.zeros(2, dtype=[("x", "f8")])}),
        ],
        ids=lambda estimator: type(estimator).__name__,
    )
    def test_parts_give_no_key(self, estimator: Any) -> None:
        assert structure_key(estimator) is None

    def test_classes_of_a_function_or_a_script_give_no_key(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Local(TREE):
            pass

        assert structure_key(Local()) is None
        assert structure_key(Twice()) is not None
        monkeypatch.setattr(Twice, "__module__", "__main__")
        assert structure_key(Twice()) is None

    def test_a_fitted_tree_gives_no_key(self) -> None:
        fitted = TREE().fit([[0], [1]], [0, 1])
        assert structure_key(fitted) is None
        assert structure_key(make_pipeline(fitted)) is None
        boosting = LGBMClassifier(n_estimators=1, min_child_samples=1, verbose=-1)
        assert structure_key(boosting.fit(np.arange(20).reshape(-1, 1), [0, 1] * 10)) is None

    def test_a_list_that_holds_itself_gives_no_key(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        assert structure_key(FunctionTransformer(kw_args={"a": endless})) is None


_IN_ANOTHER_PROCESS = """
from sklearn.compose import ColumnTransformer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import SVC
from optistruct.spaces import structure_key
weights = {name: 1.0 for name in ("a", "b", "c")}
encode = ColumnTransformer([("one", OneHotEncoder(), {"city", "plan", "shop"})], remainder="drop")
print(structure_key(make_pipeline(encode, SelectKBest(f_classif, k=2), SVC(class_weight=weights))))
"""


def test_is_the_same_in_every_process() -> None:
    keys = {
        subprocess.run(
            [sys.executable, "-c", _IN_ANOTHER_PROCESS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert len(keys) == 1
    assert len(keys.pop()) == 32


CASES: list[tuple[Any, dict[str, Any]]] = [
    (SVC(kernel="linear"), {"gamma": 3.0, "degree": 5, "coef0": 2.0}),
    (SVC(kernel="rbf"), {"degree": 5, "coef0": 2.0}),
    (SVC(kernel="sigmoid"), {"degree": 5}),
    (SVR(kernel="linear"), {"gamma": 3.0, "degree": 5, "coef0": 2.0}),
    (KNN(metric="manhattan"), {"p": 5}),
    (KNN(algorithm="brute"), {"leaf_size": 3}),
    (LogisticRegression(), {"intercept_scaling": 5.0}),
    (SGDClassifier(loss="log_loss"), {"l1_ratio": 0.9, "eta0": 0.5, "power_t": 0.1}),
    (SGDClassifier(learning_rate="constant"), {"power_t": 0.9, "epsilon": 3.0}),
    (SGDClassifier(learning_rate="adaptive"), {"power_t": 0.9, "validation_fraction": 0.5}),
    (
        MLPClassifier((3,), solver="lbfgs", max_iter=20),
        {
            "batch_size": 7,
            "beta_1": 0.5,
            "beta_2": 0.5,
            "early_stopping": True,
            "epsilon": 0.1,
            "learning_rate": "adaptive",
            "learning_rate_init": 0.5,
            "momentum": 0.1,
            "n_iter_no_change": 2,
            "nesterovs_momentum": False,
            "power_t": 0.1,
            "shuffle": False,
            "validation_fraction": 0.5,
        },
    ),
    (
        MLPClassifier((3,), max_iter=20),
        {
            "learning_rate": "adaptive",
            "max_fun": 2,
            "momentum": 0.1,
            "nesterovs_momentum": False,
            "power_t": 0.1,
            "validation_fraction": 0.5,
        },
    ),
    (
        MLPClassifier((3,), solver="sgd", max_iter=20),
        {"beta_1": 0.5, "beta_2": 0.5, "epsilon": 0.1, "max_fun": 2, "power_t": 0.1},
    ),
    (
        HistGradientBoostingClassifier(early_stopping=False, max_iter=3),
        {"n_iter_no_change": 1, "validation_fraction": 0.5, "tol": 0.5, "scoring": "accuracy"},
    ),
    (GradientBoostingClassifier(n_estimators=5), {"validation_fraction": 0.5, "tol": 0.9}),
    (GradientBoostingRegressor(n_estimators=5), {"alpha": 0.1}),
    (LGBMClassifier(n_estimators=5, n_jobs=1, verbose=-1), {"subsample": 0.3}),
    (PCA(2, svd_solver="full"), {"tol": 1.0, "iterated_power": 3, "n_oversamples": 2}),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
class TestInactiveParameters:
    @pytest.mark.parametrize(("estimator", "changes"), CASES, ids=named)
    def test_change_neither_the_key_nor_a_prediction(
        self, estimator: Any, changes: dict[str, Any], binary: Any
    ) -> None:
        X, y = binary
        assert changes.keys() <= inactive_parameters(estimator)
        one = clone(estimator)
        one.set_params(**{"random_state": 0} if "random_state" in one.get_params() else {})
        other = clone(one).set_params(**changes)
        assert structure_key(one) == structure_key(other)
        for model in (one, other):
            model.fit(X, y)
        ask = next(
            name
            for name in ("decision_function", "predict_proba", "predict", "transform")
            if hasattr(one, name)
        )
        np.testing.assert_array_equal(getattr(one, ask)(X), getattr(other, ask)(X))

    @pytest.mark.parametrize(
        ("estimator", "active"),
        [
            (SVC(kernel="poly"), {"gamma", "degree", "coef0"}),
            (SVC(kernel=np.dot), {"gamma", "degree", "coef0"}),
            (KNN(), {"p", "leaf_size"}),
            (LogisticRegression(solver="liblinear"), {"intercept_scaling", "l1_ratio"}),
            (LogisticRegression(solver="saga"), {"l1_ratio"}),
            (SGDClassifier("huber", penalty="elasticnet"), {"l1_ratio", "epsilon"}),
            (SGDClassifier(learning_rate="invscaling"), {"eta0", "power_t"}),
            (SGDClassifier(early_stopping=True), {"validation_fraction"}),
            (SGDClassifier(), {"n_iter_no_change", "tol"}),
            (MLPClassifier(), {"n_iter_no_change", "beta_1", "batch_size"}),
            (MLPClassifier(solver="sgd", learning_rate="invscaling"), {"power_t", "momentum"}),
            (HistGradientBoostingClassifier(), {"tol", "scoring", "validation_fraction"}),
            (GradientBoostingClassifier(n_iter_no_change=3), {"tol", "validation_fraction"}),
            (GradientBoostingRegressor(loss="huber"), {"alpha"}),
            (LGBMClassifier(subsample_freq=1), {"subsample"}),
            (LGBMClassifier(boosting_type="rf"), {"subsample"}),
            (LGBMClassifier(bagging_freq=1), {"subsample"}),
            (PCA(), {"tol", "iterated_power"}),
            (FOREST(bootstrap=False), {"max_samples", "oob_score"}),  # which it refuses then
            (Twice(), {"n_jobs", "verbose"}),
        ],
        ids=named,
    )
    def test_are_not_those_that_are_read(self, estimator: Any, active: set[str]) -> None:
        assert not active & inactive_parameters(estimator)

    @pytest.mark.parametrize(
        "active",
        [
            FOREST(bootstrap=False),
            SVC(kernel="linear"),
            MLPClassifier(),
            LGBMClassifier(),
            HistGradientBoostingClassifier(early_stopping=False),
            GradientBoostingRegressor(),
        ],
        ids=named,
    )
    def test_are_parameters(self, active: Any) -> None:
        assert inactive_parameters(active) <= active.get_params().keys()
