"""Tests of optistruct.samplers.surrogate."""

import math

import numpy as np
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from scipy.stats import spearmanr

from optistruct.samplers import surrogate
from optistruct.samplers.columns import Column, Numbers
from optistruct.samplers.surrogate import Surrogate, features


@pytest.fixture
def data() -> tuple[Numbers, Numbers]:
    rng = np.random.default_rng(0)
    X = rng.random((60, 3)).astype(np.float32)
    return X, X[:, 0] + 2 * X[:, 1]


class TestSurrogate:
    @pytest.mark.parametrize("n", [1, 6, 7, 23, 60])
    def test_fitted_in_one_go_is_as_fitted_trial_by_trial(
        self, n: int, data: tuple[Numbers, Numbers], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """How many trials are known is a function of their number."""
        monkeypatch.setattr(surrogate, "_A_LONGER_STEP", 5)
        X, y = data
        gone_on, at_once = Surrogate(3, 8), Surrogate(3, 8)
        for known in range(1, n + 1):
            gone_on.fit(X[:known], y[:known])
        at_once.fit(X[:n], y[:n])
        np.testing.assert_array_equal(gone_on.predict(X), at_once.predict(X))

    def test_is_fitted_when_there_are_enough_new_trials(
        self, data: tuple[Numbers, Numbers], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(surrogate, "_A_LONGER_STEP", 20)
        fitted: list[int] = []

        class Counted(surrogate.ExtraTreeRegressor):  # type: ignore[misc]
            def fit(self, X: Numbers, *args: object, **kwargs: object) -> "Counted":
                fitted.append(len(X))
                return super().fit(X, *args, **kwargs)  # type: ignore[no-any-return]

        monkeypatch.setattr(surrogate, "ExtraTreeRegressor", Counted)
        X, y = data
        trees = Surrogate(0, 2)
        for n in range(1, 61):
            trees.fit(X[:n], y[:n])
        assert fitted[:40] == [n for n in range(1, 21) for _ in range(2)]
        assert fitted[-4:] == [55, 55, 58, 58]

    def test_all_trees_know_all_of_few_trials(self, data: tuple[Numbers, Numbers]) -> None:
        X, y = data
        trees = Surrogate(0, 8)
        for n in (20, 21):
            trees.fit(X[:n], y[:n])
            for optimism in (0, 1):
                np.testing.assert_allclose(trees.predict(X[:n], optimism), y[:n], atol=1e-6)

    def test_is_less_sure_of_what_it_has_not_seen(self, data: tuple[Numbers, Numbers]) -> None:
        X, y = data
        trees = Surrogate(0, 16)
        trees.fit(X[:40], y[:40])
        mean = trees.predict(X[40:])
        assert (trees.predict(X[40:], 1) < mean).all()
        assert np.corrcoef(mean, y[40:])[0, 1] > 0.8

    def test_tells_good_from_better_where_the_bad_are_far_away(
        self, data: tuple[Numbers, Numbers]
    ) -> None:
        """Values that multiply are guessed on a logarithmic scale."""
        X, exponents = data
        y = 10 ** (2 * exponents)
        trees = Surrogate(0, 16)
        trees.fit(X[:40], y[:40])
        good = 40 + np.argsort(y[40:])[:10]
        assert spearmanr(trees.predict(X[good]), y[good]).statistic > 0.9

    def test_is_optimistic_by_no_more_than_the_unit_of_the_scale(
        self, data: tuple[Numbers, Numbers]
    ) -> None:
        X, y = data
        y = 10 ** (2 * y)
        trees = Surrogate(0, 16)
        trees.fit(X[:40], y[:40])
        assert trees.predict(X, 100.0).min() >= y[:40].min() - np.quantile(y[:40], 0.25)

    def test_goes_on_along_a_straight_line(self, data: tuple[Numbers, Numbers]) -> None:
        X, y = data
        trees = Surrogate(0, 16)
        trees.fit(X, y)
        beyond = X[:1] * 0 + 1.5
        assert trees.predict(beyond)[0] > y.max()

    def test_is_a_function_of_its_seed(self, data: tuple[Numbers, Numbers]) -> None:
        X, y = data
        guesses = []
        for seed in (1, 1, 2):
            trees = Surrogate(seed, 4)
            trees.fit(X[:30], y[:30])
            guesses.append(trees.predict(X))
        np.testing.assert_array_equal(guesses[0], guesses[1])
        assert (guesses[0] != guesses[2]).any()


class TestFeatures:
    def test_a_category_is_one_column_a_choice_and_what_is_missing_lies_below(self) -> None:
        columns = [
            Column("kind", CategoricalDistribution(["a", "b", "c"])),
            Column("is", CategoricalDistribution([True, False])),
            Column("n", IntDistribution(0, 4)),
        ]
        rows = np.array([[0, 1, 0.25], [2, 0, math.nan], [math.nan, math.nan, 1]])
        found = features(columns, rows)
        np.testing.assert_array_equal(
            found, [[1, 0, 0, 1, 0.25], [0, 0, 1, 0, -1], [0, 0, 0, -1, 1]]
        )
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
