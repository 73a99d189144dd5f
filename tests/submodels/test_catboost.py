"""Trees within a CatBoost model: settings under which the law holds, and what is refused."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from optistruct.exceptions import ResourceError, SubmodelError
from optistruct.submodels import submodel_parameter, submodels_of
from tests.submodels.conftest import shuffled

FAST = {
    "iterations": 9,
    "learning_rate": 0.1,
    "depth": 3,
    "thread_count": 1,
    "verbose": 0,
    "allow_writing_files": False,
}
VALUES = (1, 2, 6, 9)


def classifier(**parameters: Any) -> Any:
    return CatBoostClassifier(**{**FAST, **parameters})


def regressor(**parameters: Any) -> Any:
    return CatBoostRegressor(**{**FAST, **parameters})


class TestKeepsTheLaw:
    @pytest.mark.parametrize(
        "settings",
        [
            {"boosting_type": "Ordered"},
            {"bootstrap_type": "Bayesian", "bagging_temperature": 2, "has_time": True},
            {"bootstrap_type": "Bernoulli", "subsample": 0.6, "rsm": 0.5},
        ],
    )
    @pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
    def test_of_classes(self, assert_law: Any, load: Any, settings: Any) -> None:
        X, y, held_out = shuffled(load)
        model = classifier(**settings)
        assert_law(model, X, np.array(["a", "b", "c"])[y], held_out, VALUES)
        assert_law(model, X, y, held_out[:1], VALUES)

    @pytest.mark.parametrize(
        "settings",
        [
            {"loss_function": "MAE"},
            {"loss_function": "Quantile:alpha=0.3"},
            {"loss_function": "Poisson", "boost_from_average": False},
            {"sampling_frequency": "PerTree", "random_strength": 5},
        ],
    )
    def test_of_numbers(self, assert_law: Any, settings: Any) -> None:
        assert_law(regressor(**settings), *shuffled(load_diabetes), VALUES)

    def test_of_tables_of_categories_and_missing_values(self, assert_law: Any) -> None:
        rng = np.random.default_rng(1)
        X = pd.DataFrame(
            {
                "number": np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)),
                "letter": rng.choice([*"abcd"], 200),
            }
        )
        y = X["number"].fillna(2) + (X["letter"] == "a")
        model = regressor(one_hot_max_size=10)
        assert_law(model, X[:150], y[:150], X[150:], VALUES, cat_features=["letter"])
        statistics = {"cat_features": ["letter"], "one_hot_max_size": 2}
        submodels = submodels_of(regressor(**statistics).fit(X, y)).among([3, 9])
        refit = regressor(**statistics, iterations=3).fit(X, y)
        np.testing.assert_array_equal(submodels.materialize(3).predict(X), refit.predict(X))
        with pytest.raises(ResourceError, match="target statistics"):
            submodels.costs()

    def test_beyond_the_number_of_trees_from_which_defaults_are_others(
        self, assert_law: Any
    ) -> None:
        given = {"iterations": 203, "leaf_estimation_iterations": 2, "depth": 2}
        assert_law(classifier(**given), *shuffled(load_breast_cancer), (7, 199, 200, 203))
        numbers = regressor(iterations=203, depth=2)
        assert_law(numbers, *shuffled(load_diabetes), (7, 199, 200, 203))

    @pytest.mark.parametrize("name", ["n_estimators", "num_boost_round", "num_trees"])
    def test_of_other_names_of_the_number_of_trees(self, assert_law: Any, name: str) -> None:
        few = {key: value for key, value in FAST.items() if key != "iterations"}
        submodels = assert_law(
            CatBoostRegressor(**few, **{name: 9}), *shuffled(load_diabetes), VALUES
        )
        assert submodels.parameter == name
        assert submodels.materialize(3).get_params()[name] == 3

    def test_a_fit_that_was_ended_holds_every_value(self, assert_law: Any) -> None:
        class End:
            def after_iteration(self, state: Any) -> bool:
                return state.iteration < 5

        submodels = assert_law(
            regressor(), *shuffled(load_diabetes), (2, 5, 7, 9), callbacks=[End()]
        )
        assert submodels_of(submodels.model).values == (1, 2, 3, 4, 9)


class TestTheSubmodel:
    def test_holds_what_a_refit_holds(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        model = regressor(iterations=60).fit(X, y)
        built = submodels_of(model).materialize(4)
        refit = clone(model).set_params(iterations=4).fit(X, y)
        assert built.evals_result_ == refit.evals_result_
        assert built.get_all_params() == refit.get_all_params()
        assert built.get_params() == refit.get_params()
        assert built.tree_count_ == 4
        np.testing.assert_array_equal(built.feature_importances_, refit.feature_importances_)
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit)) + 8

    def test_is_found_where_nobody_has_asked_before(self) -> None:
        program = (
            "from catboost import CatBoostRegressor\n"
            "class Mine(CatBoostRegressor): pass\n"
            "from optistruct.submodels import submodel_parameter\n"
            "print(submodel_parameter(Mine(iterations=3, learning_rate=0.1)))\n"
        )
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert told.stdout == "iterations\n", told.stderr


class TestRefuses:
    def test_defaults_that_depend_on_the_number_of_trees(self) -> None:
        X, y, _ = shuffled(load_breast_cancer)
        submodels_of(classifier(iterations=199, depth=1).fit(X, y))
        with pytest.raises(SubmodelError, match="set leaf_estimation_iterations"):
            submodels_of(classifier(iterations=200, depth=1).fit(X, y))
        letters = pd.DataFrame({"letter": np.where(y, "a", "b"), "number": X[:, 0]})
        model = regressor(iterations=200, depth=1, loss_function="RMSE", cat_features=["letter"])
        with pytest.raises(SubmodelError, match="set max_ctr_complexity"):
            submodels_of(model.fit(letters, y))

    @pytest.mark.parametrize(
        ("structure", "reason"),
        [
            (CatBoostRegressor(learning_rate=0.1), "set iterations"),
            (CatBoostRegressor(iterations=3), "set learning_rate"),
            (classifier(early_stopping_rounds=3), "leave early_stopping_rounds out"),
            (classifier(od_type="Iter"), "leave od_type out"),
            (classifier(use_best_model=True), "leave use_best_model out"),
            (classifier(grow_policy="Lossguide"), "set grow_policy='SymmetricTree'"),
            (classifier(task_type="GPU"), "set task_type='CPU'"),
            (regressor(diffusion_temperature=100.0), "leave diffusion_temperature out"),
            (classifier(posterior_sampling=True), "shrinks the first trees in every round"),
            (regressor(monotone_constraints=[1, 0]), "leave monotone_constraints out"),
        ],
    )
    def test_by_parameters(self, structure: Any, reason: str) -> None:
        with pytest.raises(SubmodelError, match=reason):
            submodel_parameter(structure)

    def test_the_reason_for_a_learning_rate_holds(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        few = {key: value for key, value in FAST.items() if key != "learning_rate"}
        rates = {
            CatBoostClassifier(**{**few, "iterations": n}).fit(X, y > 100).learning_rate_
            for n in (9, 90)
        }
        assert len(rates) == 2

    def test_validation_data(self) -> None:
        X, y, _ = shuffled(load_breast_cancer)
        model = classifier().fit(X, y, eval_set=(X[:40], y[:40]))
        with pytest.raises(SubmodelError, match="fit it without eval_set"):
            submodels_of(model)

    def test_continued_training(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        first = regressor().fit(X, y)
        with pytest.raises(SubmodelError, match="has 18 trees, iterations is 9"):
            submodels_of(regressor().fit(X, y, init_model=first))

    def test_what_is_not_fitted(self) -> None:
        with pytest.raises(NotFittedError, match="CatBoostClassifier"):
            submodels_of(classifier())
