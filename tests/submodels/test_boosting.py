"""Rounds within scikit-learn's boostings: losses, samplings, categories, and what is refused."""

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge

from optistruct.exceptions import SubmodelError
from optistruct.submodels import submodel_parameter, submodels_of
from tests.submodels.conftest import shuffled

VALUES = (1, 2, 6, 9)


def mixed() -> tuple[Any, Any]:
    """Make a table of numbers, some missing, and of categories, some missing."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "number": np.where(rng.random(300) < 0.2, np.nan, rng.normal(size=300)),
            "other": rng.normal(size=300),
            "letter": pd.Categorical(rng.choice([*"abcdefghij"], 300)),
        }
    )
    table.loc[table.index % 9 == 0, "letter"] = np.nan
    score = table["number"].fillna(1.5) + table["letter"].cat.codes % 3
    return table, score.to_numpy() + rng.normal(size=300) / 3


class TestGradientBoosting:
    @pytest.mark.parametrize(
        "settings",
        [
            {"loss": "absolute_error"},
            {"loss": "huber"},
            {"loss": "quantile", "alpha": 0.3},
            {"init": "zero"},
            {"init": Ridge()},
            {"subsample": 0.6, "max_features": 0.5},
            {"max_leaf_nodes": 5, "ccp_alpha": 10.0},
        ],
    )
    def test_of_numbers(self, assert_law: Any, settings: Any) -> None:
        model = GradientBoostingRegressor(n_estimators=9, random_state=0, **settings)
        assert_law(model, *shuffled(load_diabetes), VALUES)

    @pytest.mark.parametrize(
        "settings",
        [{"loss": "exponential"}, {"init": "zero"}, {"subsample": 0.6, "max_features": "sqrt"}],
    )
    def test_of_two_classes(self, assert_law: Any, settings: Any) -> None:
        X, y, held_out = shuffled(load_breast_cancer)
        model = GradientBoostingClassifier(n_estimators=9, random_state=0, **settings)
        assert_law(model, X, np.array(["no", "yes"])[y], held_out, VALUES)
        assert_law(model, X, y, held_out[:1], VALUES)

    @pytest.mark.parametrize("settings", [{}, {"init": "zero", "subsample": 0.6}])
    def test_of_three_classes(self, assert_law: Any, settings: Any) -> None:
        model = GradientBoostingClassifier(n_estimators=9, random_state=0, **settings)
        assert_law(model, *shuffled(load_iris), VALUES)

    def test_of_a_table(self, assert_law: Any) -> None:
        X, y = load_diabetes(return_X_y=True, as_frame=True)
        model = GradientBoostingRegressor(n_estimators=9, random_state=0)
        assert_law(model, X[:120], y[:120], X[120:], VALUES)

    def test_of_a_sparse_table(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_diabetes)
        model = GradientBoostingRegressor(n_estimators=9, random_state=0)
        assert_law(model, csr_array(X), y, csr_array(held_out), VALUES)

    def test_a_fit_that_a_monitor_ends_holds_every_value(self, assert_law: Any) -> None:
        def ends(stage: int, model: Any, state: Any) -> bool:
            return stage == 5

        model = GradientBoostingRegressor(n_estimators=9, random_state=0)
        submodels = assert_law(model, *shuffled(load_diabetes), (2, 6, 8, 9), monitor=ends)
        assert submodels_of(submodels.model).values == (1, 2, 3, 4, 5, 9)

    def test_a_submodel_keeps_what_was_told_of_its_rounds(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        model = GradientBoostingRegressor(n_estimators=9, subsample=0.5, random_state=0).fit(X, y)
        built = submodels_of(model).materialize(4)
        refit = clone(model).set_params(n_estimators=4).fit(X, y)
        for name in ("train_score_", "oob_improvement_", "oob_scores_"):
            np.testing.assert_array_equal(getattr(built, name), getattr(refit, name))
        assert built.oob_score_ == refit.oob_score_
        assert built.n_estimators_ == 4
        assert built.estimators_.base is None
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))


class TestHistGradientBoosting:
    @pytest.mark.parametrize(
        "settings",
        [
            {"loss": "absolute_error"},
            {"loss": "quantile", "quantile": 0.3},
            {"loss": "poisson"},
            {"loss": "gamma"},
            {"max_features": 0.4},
            {"monotonic_cst": [1, -1, *[0] * 8], "interaction_cst": "pairwise"},
        ],
    )
    def test_of_numbers(self, assert_law: Any, settings: Any) -> None:
        model = HistGradientBoostingRegressor(max_iter=9, random_state=0, **settings)
        assert_law(model, *shuffled(load_diabetes), VALUES)

    @pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
    @pytest.mark.parametrize("settings", [{}, {"class_weight": "balanced", "max_features": 0.4}])
    def test_of_classes(self, assert_law: Any, load: Any, settings: Any) -> None:
        X, y, held_out = shuffled(load)
        model = HistGradientBoostingClassifier(max_iter=9, random_state=0, **settings)
        assert_law(model, X, np.array(["a", "b", "c"])[y], held_out, VALUES)
        assert_law(model, X, y, held_out[:1], VALUES)

    def test_of_tables_of_categories_and_missing_values(self, assert_law: Any) -> None:
        X, y = mixed()
        model = HistGradientBoostingRegressor(max_iter=25, max_leaf_nodes=5, random_state=0)
        submodels = assert_law(model, X[:200], y[:200], X[200:], range(1, 26))
        costs = [cost.parameters for cost in submodels.costs()]
        words = HistGradientBoostingClassifier(max_iter=9, random_state=0)
        assert_law(words, X[:200], np.where(y > 1, "high", "low")[:200], X[200:], VALUES)
        assert costs == sorted(costs)

    def test_directions_are_stored_from_where_one_is_learnt(self, assert_law: Any) -> None:
        rng = np.random.default_rng(0)
        X = np.where(rng.random((300, 5)) < 0.02, np.nan, rng.normal(size=(300, 5)))
        y = np.nansum(X * [4, 2, 1, 0.5, 0.2], axis=1)
        model = HistGradientBoostingRegressor(max_iter=20, max_leaf_nodes=3, random_state=0)
        assert_law(model, X, y, X[:9], range(1, 21))

    def test_of_trees_without_a_split(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_diabetes)
        model = HistGradientBoostingRegressor(max_iter=9, min_samples_leaf=100)
        assert_law(model, X, y, held_out, VALUES)

    def test_a_submodel_holds_its_rounds_only(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        model = HistGradientBoostingRegressor(max_iter=9, random_state=0).fit(X, y)
        built = submodels_of(model).materialize(4)
        assert built.n_iter_ == 4
        refit = clone(model).set_params(max_iter=4).fit(X, y)
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))


class TestEarlyStopping:
    """The rows that are held back depend on the seed only, and no round is taken back."""

    @pytest.mark.parametrize("settings", [{}, {"subsample": 0.6, "validation_fraction": 0.3}])
    def test_of_gradient_boosting(self, settings: Any, assert_law: Any) -> None:
        for kind, load in (
            (GradientBoostingClassifier, load_iris),
            (GradientBoostingRegressor, load_diabetes),
        ):
            X, y, held_out = shuffled(load)
            model = kind(n_estimators=40, n_iter_no_change=2, tol=0.05, random_state=0, **settings)
            submodels = assert_law(model, X, y, held_out, [1, 2, 5, 20, 40])
            assert len(submodels.model.estimators_) < 40

    @pytest.mark.parametrize("scoring", ["loss", "accuracy", "neg_log_loss"])
    @pytest.mark.parametrize("held_back", [0.3, None])
    def test_of_histogram_gradient_boosting(
        self, scoring: str, held_back: float | None, assert_law: Any
    ) -> None:
        X, y, held_out = shuffled(load_iris)
        model = HistGradientBoostingClassifier(
            max_iter=40, early_stopping=True, scoring=scoring, validation_fraction=held_back,
            n_iter_no_change=2, tol=0.05, min_samples_leaf=3, random_state=0,
        )  # fmt: skip
        submodels = assert_law(model, X, y, held_out, [1, 2, 5, 20, 40])
        assert submodels.model.n_iter_ < 40

    def test_that_began_by_itself(self) -> None:
        X = np.arange(10_001.0)[:, np.newaxis]
        model = HistGradientBoostingRegressor(max_iter=2, random_state=0).fit(X, X[:, 0])
        assert model.do_early_stopping_
        refit = clone(model).set_params(max_iter=1).fit(X, X[:, 0])
        built = submodels_of(model).materialize(1)
        np.testing.assert_array_equal(built.predict(X), refit.predict(X))
        np.testing.assert_array_equal(built.validation_score_, refit.validation_score_)
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))

    def test_of_an_earlier_fit_of_the_same_model(self) -> None:
        X, y, held_out = shuffled(load_iris)
        model = HistGradientBoostingClassifier(
            max_iter=9, early_stopping=True, scoring="accuracy", random_state=0
        ).fit(X, y)
        model.set_params(early_stopping=False).fit(X, y)
        refit = clone(model).set_params(max_iter=1).fit(X, y)
        built = submodels_of(model).materialize(1)
        np.testing.assert_array_equal(built.predict_proba(held_out), refit.predict_proba(held_out))


class TestRefuses:
    @pytest.mark.parametrize(
        ("structure", "reason"),
        [
            (GradientBoostingRegressor(warm_start=True), "set warm_start=False"),
            (HistGradientBoostingClassifier(warm_start=True), "set warm_start=False"),
        ],
    )
    def test_by_parameters(self, structure: Any, reason: str) -> None:
        with pytest.raises(SubmodelError, match=reason):
            submodel_parameter(structure)

    @pytest.mark.parametrize(
        "structure", [GradientBoostingClassifier(), HistGradientBoostingRegressor()]
    )
    def test_what_is_not_fitted(self, structure: Any) -> None:
        with pytest.raises(NotFittedError):
            submodels_of(structure)
