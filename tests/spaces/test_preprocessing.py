"""Tests of optistruct.spaces.preprocessing."""

from typing import Any

import numpy as np
import pytest
from optuna.trial import FixedTrial
from sklearn.feature_selection import f_classif, f_regression
from sklearn.preprocessing import QuantileTransformer, RobustScaler, StandardScaler

from optistruct import spaces
from optistruct.spaces import Problem


class TestScaler:
    @pytest.mark.parametrize(
        ("kind", "made"),
        [
            ("none", type(None)),
            ("standard", StandardScaler),
            ("robust", RobustScaler),
            ("quantile", QuantileTransformer),
        ],
    )
    def test_suggests_each(self, kind: str, made: type) -> None:
        assert type(spaces.scaler(FixedTrial({"kind": kind}))) is made


class TestPca:
    @pytest.mark.parametrize(("rows", "features", "most"), [(100, 4, 4), (10, 40, 5), (1, 3, 1)])
    def test_keeps_no_more_components_than_a_fold_can_have(
        self, rows: int, features: int, most: int
    ) -> None:
        trial = FixedTrial({"n_components": most})
        made = spaces.pca(trial, Problem("regression", rows, features))
        assert made.n_components == most
        distribution = trial.distributions["n_components"]
        assert (distribution.low, distribution.high) == (1, most)

    def test_fits(self, binary: Any) -> None:
        X, y = binary
        made = spaces.pca(FixedTrial({"n_components": 3}), Problem.from_data(X, y))
        assert made.fit_transform(X).shape == (90, 3)


class TestSelector:
    def test_keeps_the_columns_that_tell_most(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(200, 5))
        y = X[:, 3] > 0
        made = spaces.selector(FixedTrial({"k": 1}), Problem.from_data(X, y))
        assert made.fit(X, y).get_support().tolist() == [False, False, False, True, False]

    def test_suits_the_task(self, data: Any) -> None:
        problem = Problem.from_data(*data)
        trial = FixedTrial({"k": 2})
        expected = f_classif if problem.is_classification else f_regression
        assert spaces.selector(trial, problem).score_func is expected
        assert trial.distributions["k"].high == 4
