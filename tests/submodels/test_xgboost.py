"""Rounds within an XGBoost model: objectives, samplings, categories, and what is refused."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from xgboost import XGBClassifier, XGBRanker, XGBRegressor, XGBRFClassifier
from xgboost.callback import EarlyStopping

from optistruct.exceptions import SubmodelError
from optistruct.submodels import submodel_parameter, submodels_of
from tests.submodels.conftest import half_squared_error, shuffled

VALUES = (1, 2, 6, 9)


def classifier(**parameters: Any) -> Any:
    return XGBClassifier(**{"n_estimators": 9, "max_depth": 3, "n_jobs": 1, **parameters})


def regressor(**parameters: Any) -> Any:
    return XGBRegressor(**{"n_estimators": 9, "max_depth": 3, "n_jobs": 1, **parameters})


def mixed() -> tuple[Any, Any]:
    """Make a table of numbers, some missing, and of categories, some missing."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "number": np.where(rng.random(300) < 0.2, np.nan, rng.normal(size=300)),
            "other": rng.normal(size=300),
            "letter": pd.Categorical(rng.choice([*"abcdefghij"], 300)),
            "many": pd.Categorical(rng.choice([f"v{k}" for k in range(70)], 300)),
        }
    )
    table.loc[table.index % 9 == 0, "letter"] = np.nan
    score = table["number"].fillna(1.5) + table["letter"].cat.codes % 3
    return table, score.to_numpy() + rng.normal(size=300) / 3


class TestKeepsTheLaw:
    @pytest.mark.parametrize(
        "settings",
        [
            {"subsample": 0.6, "colsample_bytree": 0.5},
            {"num_parallel_tree": 3, "subsample": 0.6, "colsample_bynode": 0.5},
            {"tree_method": "approx", "grow_policy": "lossguide", "max_leaves": 5},
            {"tree_method": "exact", "gamma": 0.5},
            {"reg_alpha": 0.5, "max_delta_step": 0.3},
        ],
    )
    @pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
    def test_of_classes(self, assert_law: Any, load: Any, settings: Any) -> None:
        assert_law(classifier(**settings), *shuffled(load), VALUES)

    @pytest.mark.parametrize(
        "objective",
        ["reg:absoluteerror", "reg:pseudohubererror", "count:poisson", "reg:gamma", "reg:tweedie"],
    )
    def test_of_numbers(self, assert_law: Any, objective: str) -> None:
        assert_law(regressor(objective=objective), *shuffled(load_diabetes), VALUES)

    @pytest.mark.parametrize(
        "settings",
        [
            {"objective": "multi:softmax"},
            {"multi_strategy": "multi_output_tree"},
            {"base_score": 0.4},
        ],
    )
    def test_of_other_settings(self, assert_law: Any, settings: Any) -> None:
        assert_law(classifier(**settings), *shuffled(load_iris), VALUES)

    def test_of_several_quantiles(self, assert_law: Any) -> None:
        model = regressor(objective="reg:quantileerror", quantile_alpha=[0.2, 0.8])
        assert_law(model, *shuffled(load_diabetes), VALUES)

    def test_of_an_objective_of_ones_own(self, assert_law: Any) -> None:
        assert_law(regressor(objective=half_squared_error), *shuffled(load_diabetes), VALUES)

    def test_of_tables_of_categories_and_missing_values(self, assert_law: Any) -> None:
        X, y = mixed()
        model = regressor(n_estimators=15, enable_categorical=True, max_cat_to_onehot=2)
        assert_law(model, X[:200], y[:200], X[200:], range(1, 16))

    def test_of_single_rows_and_rounds(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_iris)
        assert_law(classifier(n_estimators=1), X, y, held_out[:1], [1])

    def test_of_trees_without_a_split(self, assert_law: Any) -> None:
        assert_law(regressor(gamma=1e9), *shuffled(load_diabetes), VALUES)

    def test_of_fewer_classes_in_a_fold(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_iris)
        assert_law(classifier(), X[y < 2], y[y < 2], held_out, VALUES)

    def test_of_ranks(self) -> None:
        X, y, held_out = shuffled(load_iris)
        query = np.arange(len(X)) // 40
        model = XGBRanker(n_estimators=9, max_depth=3, n_jobs=1)
        submodels = submodels_of(clone(model).fit(X, y, qid=query)).among(VALUES)
        for value, response in zip(VALUES, submodels.responses(held_out, "predict"), strict=True):
            refit = clone(model).set_params(n_estimators=value).fit(X, y, qid=query)
            np.testing.assert_array_equal(response, refit.predict(held_out), strict=True)


class TestTheSubmodel:
    def test_holds_what_a_refit_holds(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        rows = {"eval_set": [(X[:40], y[:40])], "verbose": False}
        model = regressor().fit(X, y, **rows)
        built = submodels_of(model).materialize(4)
        refit = clone(model).set_params(n_estimators=4).fit(X, y, **rows)
        assert built.get_booster().save_raw() == refit.get_booster().save_raw()
        assert built.evals_result() == refit.evals_result()
        assert built.get_params() == refit.get_params()
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))

    def test_shares_no_further_parameters(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        model = regressor(process_type="default").fit(X, y)
        submodels_of(model).materialize(2).set_params(refresh_leaf=0)
        assert "refresh_leaf" not in model.get_params()

    def test_knows_the_categories_of_its_table(self) -> None:
        X, y = mixed()
        model = regressor(enable_categorical=True).fit(X, y)
        built = submodels_of(model).materialize(4)
        refit = clone(model).set_params(n_estimators=4).fit(X, y)
        assert built.get_booster().save_raw() == refit.get_booster().save_raw()
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))
        X["letter"] = X["letter"].cat.reorder_categories([*"jihgfedcba"])
        np.testing.assert_array_equal(built.predict(X), refit.predict(X))

    def test_is_found_where_nobody_has_asked_before(self) -> None:
        program = (
            "from xgboost import XGBRegressor\n"
            "class Mine(XGBRegressor): pass\n"
            "from optistruct.submodels import submodel_parameter\n"
            "print(submodel_parameter(Mine(n_estimators=3)))\n"
        )
        told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        assert told.stdout == "n_estimators\n", told.stderr

    def test_the_default_number_of_rounds_is_known(self) -> None:
        X, y, _ = shuffled(load_iris)
        assert submodels_of(classifier(n_estimators=None).fit(X, y)).span() == (1, 100)


class TestRefuses:
    @pytest.mark.parametrize(
        ("structure", "reason"),
        [
            (classifier(booster="gblinear"), "every round changes the coefficients"),
            (classifier(booster="dart"), "set booster='gbtree'"),
            (classifier(early_stopping_rounds=3), "set early_stopping_rounds=None"),
            (regressor(callbacks=[EarlyStopping(rounds=3)]), "set early_stopping_rounds=None"),
            (XGBRFClassifier(), "divides what its leaves answer by the number of trees"),
        ],
    )
    def test_by_parameters(self, structure: Any, reason: str) -> None:
        with pytest.raises(SubmodelError, match=reason):
            submodel_parameter(structure)

    def test_continued_training(self) -> None:
        X, y, _ = shuffled(load_diabetes)
        first = regressor().fit(X, y)
        with pytest.raises(SubmodelError, match="has 18 rounds, not n_estimators of them"):
            submodels_of(regressor().fit(X, y, xgb_model=first))

    def test_what_is_not_fitted(self) -> None:
        with pytest.raises(NotFittedError):
            submodels_of(classifier())
