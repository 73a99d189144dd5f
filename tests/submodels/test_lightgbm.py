"""Rounds within a LightGBM model: what LightGBM can do, where it stops, and what is refused."""

import pickle
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import NotFittedError

from optistruct.exceptions import SubmodelError
from optistruct.submodels import submodel_parameter, submodels_of
from optistruct.submodels.families import lightgbm as family
from optistruct.submodels.families import lightgbm_trees
from tests.submodels.conftest import half_squared_error, shuffled

QUIET = {"n_jobs": 1, "verbose": -1}
VALUES = (1, 2, 7, 12)


def classifier(**parameters: Any) -> Any:
    return LGBMClassifier(**{"n_estimators": 12, "num_leaves": 7, **QUIET, **parameters})


def regressor(**parameters: Any) -> Any:
    return LGBMRegressor(**{"n_estimators": 12, "num_leaves": 7, **QUIET, **parameters})


def mixed(n: int = 300) -> tuple[Any, Any]:
    """Make a table of numbers, some missing, and of categories, some missing."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "whole": rng.integers(0, 5, n),
            "letter": pd.Categorical(rng.choice([*"abcdefghij"], n)),
            "many": pd.Categorical(rng.choice([f"v{k}" for k in range(70)], n)),
        }
    )
    table.loc[table.index % 9 == 0, "letter"] = np.nan
    score = table["number"].fillna(1.5) + table["letter"].cat.codes % 3
    return table, score.to_numpy() + rng.normal(size=n) / 3


SAMPLINGS = {
    "bagging": {"subsample": 0.6, "subsample_freq": 2, "colsample_bytree": 0.5},
    "balanced bagging": {"subsample_freq": 1, "pos_bagging_fraction": 0.5},
    "features by node": {"feature_fraction_bynode": 0.4, "extra_trees": True},
    "goss": {"data_sample_strategy": "goss", "learning_rate": 0.3, "min_child_samples": 5},
    "goss as a boosting": {"boosting_type": "goss", "learning_rate": 0.3, "min_child_samples": 5},
    "random forest": {"boosting_type": "rf", "subsample": 0.6, "subsample_freq": 1},
    "quantized": {"use_quantized_grad": True},
}


class TestKeepsTheLaw:
    @pytest.mark.parametrize("sampling", SAMPLINGS.values(), ids=SAMPLINGS)
    def test_of_two_classes(self, assert_law: Any, sampling: Any) -> None:
        submodels = assert_law(classifier(**sampling), *shuffled(load_breast_cancer, 130), VALUES)
        assert submodels.difference is None

    @pytest.mark.parametrize("most", [1, 1000])
    def test_where_the_leaves_of_all_trees_would_take_too_much_memory(
        self, assert_law: Any, most: int, monkeypatch: Any
    ) -> None:
        monkeypatch.setattr("optistruct.submodels.families.lightgbm._MOST_LEAVES", most)
        assert_law(classifier(), *shuffled(load_iris, 130), VALUES)

    @pytest.mark.parametrize("sampling", ["bagging", "goss", "random forest"])
    def test_of_three_classes(self, assert_law: Any, sampling: str) -> None:
        assert_law(classifier(**SAMPLINGS[sampling]), *shuffled(load_iris, 130), VALUES)

    @pytest.mark.parametrize(
        "objective",
        ["l2", "l1", "huber", "fair", "quantile", "mape", "poisson", "gamma", "tweedie"],
    )
    def test_of_numbers(self, assert_law: Any, objective: str) -> None:
        assert_law(regressor(objective=objective), *shuffled(load_diabetes, 130), VALUES)

    @pytest.mark.parametrize(
        "settings",
        [
            {"reg_sqrt": True},
            {"boost_from_average": False},
            {"monotone_constraints": [1, 0, -1, 0, 0, 0, 0, 0, 0, 0], "path_smooth": 2.0},
            {"linear_tree": True},
            {
                "linear_tree": True,
                "boosting_type": "rf",
                "bagging_fraction": 0.7,
                "bagging_freq": 1,
            },
        ],
    )
    def test_of_other_settings(self, assert_law: Any, settings: Any) -> None:
        assert_law(regressor(**settings), *shuffled(load_diabetes, 130), VALUES)

    @pytest.mark.parametrize("objective", ["cross_entropy", "cross_entropy_lambda"])
    def test_of_a_chance(self, assert_law: Any, objective: str) -> None:
        X, y, held_out = shuffled(load_diabetes, 130)
        assert_law(regressor(objective=objective), X, y / 400, held_out, VALUES)

    @pytest.mark.parametrize(
        "settings",
        [
            {"sigmoid": 2.5},
            {"is_unbalance": True},
            {"objective": "regression"},
            {"objective": "multiclass", "num_class": 2},
            {"objective": "multiclassova", "num_class": 2},
            {"class_weight": "balanced"},
            {"pred_early_stop": True, "pred_early_stop_margin": 0.1, "pred_early_stop_freq": 2},
        ],
    )
    def test_of_other_settings_of_two_classes(self, assert_law: Any, settings: Any) -> None:
        assert_law(classifier(**settings), *shuffled(load_breast_cancer, 130), VALUES)

    @pytest.mark.parametrize("settings", [{"objective": "multiclassova"}, {"linear_tree": True}])
    def test_of_other_settings_of_three_classes(self, assert_law: Any, settings: Any) -> None:
        assert_law(classifier(**settings), *shuffled(load_iris, 130), VALUES)

    def test_of_an_objective_of_ones_own(self, assert_law: Any) -> None:
        assert_law(regressor(objective=half_squared_error), *shuffled(load_diabetes, 130), VALUES)

    @pytest.mark.parametrize("parameters", [{}, {"max_cat_to_onehot": 20}, {"linear_tree": True}])
    def test_of_tables_of_categories_and_missing_values(
        self, assert_law: Any, parameters: Any
    ) -> None:
        X, y = mixed()
        model = regressor(min_child_samples=5, min_data_per_group=5, **parameters)
        assert_law(model, X[:200], y[:200], X[200:], VALUES)

    def test_of_labels_that_are_words(self, assert_law: Any) -> None:
        X, y = mixed()
        words = np.array(["low", "middle", "high"])[np.digitize(y, [0.5, 2.0])]
        model = classifier(min_child_samples=5)
        assert_law(model, X[:200], words[:200], X[200:], VALUES)
        is_high = np.where(words == "high", "yes", "no")
        assert_law(model, X[:200], is_high[:200], X[200:], VALUES)

    def test_of_single_rows_and_trees(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_diabetes, 130)
        assert_law(regressor(n_estimators=1), X, y, held_out[:1], [1])

    def test_of_ranks(self) -> None:
        X, y, held_out = shuffled(load_iris, 130)
        model = LGBMRanker(n_estimators=12, num_leaves=4, **QUIET)
        submodels = submodels_of(clone(model).fit(X, y, group=[30, 40, 60])).among(VALUES)
        for value, response in zip(VALUES, submodels.responses(held_out, "predict"), strict=True):
            refit = clone(model).set_params(n_estimators=value).fit(X, y, group=[30, 40, 60])
            np.testing.assert_array_equal(response, refit.predict(held_out), strict=True)

    def test_plain_trees_are_counted_without_being_written(self) -> None:
        X, y, _ = shuffled(load_diabetes, 130)
        submodels = submodels_of(regressor(n_estimators=12).fit(X, y))
        counted = submodels.parameters()
        assert "_added_costs" not in vars(submodels)
        assert counted == [cost.parameters for cost in submodels.costs()]
        assert submodels.among([]).parameters() == []

    def test_answers_are_the_same_however_many_are_made_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        X, y, held_out = shuffled(load_iris, 130)
        submodels = submodels_of(classifier(n_estimators=12).fit(X, y))
        answers = list(submodels.responses(held_out, "predict_proba"))
        monkeypatch.setattr(family, "_AT_ONCE", 100)
        again = list(submodels.responses(held_out, "predict_proba"))
        np.testing.assert_array_equal(again, answers, strict=True)

    def test_costs_are_the_same_however_many_rounds_are_written_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        X, y = mixed()
        submodels = submodels_of(regressor(n_estimators=40, min_child_samples=5).fit(X, y))
        costs = submodels.costs()
        for buffer in (30_000, 5_000):  # several rounds at once; the head alone is longer
            monkeypatch.setattr(lightgbm_trees, "_BUFFER", buffer)
            assert submodels_of(submodels.model).costs() == costs


class TestStopsByItself:
    def test_the_values_beyond_stand_for_the_whole(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_breast_cancer, 130)
        model = classifier(n_estimators=200, min_child_weight=3, learning_rate=0.3)
        submodels = assert_law(model, X, y, held_out, (1, 10, 30, 100, 200))
        assert submodels.difference is None
        assert 10 < submodels.model.n_estimators_ < 100
        assert submodels.span() == (1, 200)
        every = submodels_of(submodels.model)
        assert len(every) == submodels.model.n_estimators_
        assert every.values[-2:] == (len(every) - 1, 200)

    def test_no_split_at_all(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_diabetes, 130)
        model = regressor(min_child_samples=100, colsample_bytree=0.5)
        submodels = assert_law(model, X, y, held_out, (1, 3, 12))
        assert submodels.difference is None
        assert submodels_of(submodels.model).values == (12,)

    def test_what_is_drawn_may_differ_from_a_refit(self) -> None:
        X, y, held_out = shuffled(load_breast_cancer, 130)
        model = classifier(
            n_estimators=100, min_child_weight=3, learning_rate=0.3, colsample_bytree=0.2
        ).fit(X, y)
        rounds = model.n_estimators_
        assert 1 < rounds < 100
        submodels = submodels_of(model)
        assert submodels.difference is not None
        assert f"in {100 - rounds} of 100 rounds" in submodels.difference
        built = submodels.materialize(100)
        np.testing.assert_array_equal(built.predict(held_out), model.predict(held_out))


class TestTheSubmodel:
    def test_is_written_as_a_refit_is(self) -> None:
        X, y = mixed()
        model = regressor(min_child_samples=5).fit(X, y)
        built = submodels_of(model).materialize(5)
        refit = clone(model).set_params(n_estimators=5).fit(X, y)
        assert built.booster_.model_to_string() == refit.booster_.model_to_string()
        assert len(pickle.dumps(built)) <= len(pickle.dumps(refit))
        assert built.n_estimators_ == 5
        assert [*built.feature_names_in_] == [*X.columns]
        assert clone(built).get_params() == refit.get_params()

    def test_leaves_parameters_that_were_set_later_to_the_model(self) -> None:
        X, y, _ = shuffled(load_iris, 130)
        model = classifier().set_params(n_estimators=9).fit(X, y)
        assert submodels_of(model).materialize(4).get_params()["n_estimators"] == 4
        assert model.get_params()["n_estimators"] == 9

    def test_keeps_what_evaluations_told_of_its_rounds(self) -> None:
        X, y, _ = shuffled(load_diabetes, 130)
        rows = {"eval_X": (X[:40],), "eval_y": (y[:40],)}
        model = regressor().fit(X, y, **rows)
        built = submodels_of(model).materialize(5)
        refit = clone(model).set_params(n_estimators=5).fit(X, y, **rows)
        assert built.evals_result_ == refit.evals_result_
        assert built.best_score_ == refit.best_score_

    def test_knows_the_classes_of_its_fold(self, assert_law: Any) -> None:
        X, y, held_out = shuffled(load_iris, 130)
        assert_law(classifier(), X[y > 0], y[y > 0], held_out, VALUES)


class TestRefuses:
    @pytest.mark.parametrize(
        ("parameters", "reason"),
        [
            ({"boosting_type": "dart"}, "set boosting_type='gbdt'"),
            ({"boosting": "dart"}, "set boosting='gbdt'"),
            ({"boosting_type": "DART"}, "set boosting_type='gbdt'"),
            ({"early_stopping_round": 5}, "leave early_stopping_round out"),
            ({"n_iter_no_change": 5}, "leave n_iter_no_change out"),
            ({"num_boost_round": 5}, "give the number of rounds as n_estimators"),
        ],
    )
    def test_by_parameters(self, parameters: Any, reason: str) -> None:
        with pytest.raises(SubmodelError, match=reason):
            submodel_parameter(classifier(**parameters))

    def test_what_a_subclass_tells_of_itself(self) -> None:
        class Dart(LGBMClassifier):
            def get_params(self, deep: bool = True) -> dict[str, Any]:
                return {**super().get_params(deep), "boosting_type": "dart"}

        with pytest.raises(SubmodelError, match="set boosting_type='gbdt'"):
            submodel_parameter(Dart())

    def test_early_stopping(self) -> None:
        X, y, _ = shuffled(load_breast_cancer, 130)
        stopping = lightgbm.early_stopping(3, verbose=False)
        rows = {"eval_X": (X[100:],), "eval_y": (y[100:],)}
        model = classifier(n_estimators=300).fit(X[:100], y[:100], callbacks=[stopping], **rows)
        with pytest.raises(SubmodelError, match="fit it without early stopping"):
            submodels_of(model)

    def test_continued_training(self) -> None:
        X, y, _ = shuffled(load_breast_cancer, 130)
        first = classifier().fit(X, y)
        with pytest.raises(SubmodelError, match="has 24 rounds, n_estimators is 12"):
            submodels_of(classifier().fit(X, y, init_model=first))

    def test_what_is_not_fitted(self) -> None:
        with pytest.raises(NotFittedError):
            submodels_of(classifier())
