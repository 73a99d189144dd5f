"""Tests of optistruct.evaluation.grid."""

from typing import Any

import numpy as np
import optuna
import pytest
from lightgbm import LGBMClassifier
from optuna.trial import FixedTrial, Trial
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from optistruct import spaces
from optistruct.evaluation import Grid, submodel_grid
from optistruct.exceptions import SubmodelError
from optistruct.spaces import Problem, build

PROBLEM = Problem("binary", rows=90, features=4, classes=2)


def grid_of(space: Any, **params: Any) -> Grid | None:
    """Find the grid of the structure that a space builds of parameters."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(params)
    trial: Trial = study.ask()
    structure = build(space, trial, PROBLEM, 0)
    assert {name: trial.params[name] for name in params} == params
    return submodel_grid(space, trial, PROBLEM, 0, structure)


def forest(trial: Any) -> Any:
    return RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 2, 200, log=True),
        max_depth=trial.suggest_int("max_depth", 1, 9),
    )


class TestValues:
    def test_run_from_bound_to_bound_in_equal_ratios(self) -> None:
        grid = grid_of(forest, n_estimators=200)
        assert grid is not None
        assert (grid.parameter, grid.own) == ("n_estimators", 200)
        values = [*grid.smaller, 200]
        assert values[0] == 2
        assert len(values) <= 24
        ratios = np.array(values[12:]) / values[11:-1]
        assert ratios.max() < 1.35
        assert all(type(value) is int for value in grid.smaller)

    def test_are_the_same_for_all_structures(self) -> None:
        few, many = (grid_of(forest, n_estimators=n, max_depth=d) for n, d in ((50, 1), (200, 9)))
        assert few is not None
        assert many is not None
        assert few.smaller == tuple(value for value in many.smaller if value < 50)

    def test_are_those_of_smaller_structures(self) -> None:
        grid = grid_of(forest, n_estimators=7)
        assert grid is not None
        assert grid.smaller == (2, 3, 4, 5)
        assert grid_of(forest, n_estimators=2) is None

    def test_keep_to_the_steps_of_the_space(self) -> None:
        def space(trial: Any) -> Any:
            return RandomForestClassifier(trial.suggest_int("trees", 5, 95, step=15))

        grid = grid_of(space, trees=35)
        assert grid == Grid("trees", 35, (5, 20))

    def test_keep_to_ranges_that_depend_on_them(self) -> None:
        def space(trial: Any) -> Any:
            trees = trial.suggest_int("trees", 10, 300)
            depth = trial.suggest_int("depth", 1, 3 if trees < 50 else 10)
            return RandomForestClassifier(trees, max_depth=depth)

        deep, shallow = (grid_of(space, trees=200, depth=depth) for depth in (8, 2))
        assert deep is not None
        assert shallow is not None
        assert shallow.smaller[0] == 10
        assert deep.smaller == tuple(value for value in shallow.smaller if value >= 50)

    def test_are_as_the_model_has_them(self) -> None:
        def space(trial: Any) -> Any:
            return RandomForestClassifier(int(trial.suggest_float("trees", 10, 40, step=10)))

        grid = grid_of(space, trees=40.0)
        assert grid == Grid("trees", 40, (10, 20, 30))
        assert all(type(value) is int for value in grid.smaller)

    def test_may_be_of_another_type_than_its_own(self) -> None:
        def space(trial: Any) -> Any:
            alpha = trial.suggest_categorical("alpha", [0, 0.001, 0.01])
            return DecisionTreeClassifier(ccp_alpha=alpha)

        assert grid_of(space, alpha=0) == Grid("alpha", 0, (0.01, 0.001))

    def test_of_few_are_all(self) -> None:
        def space(trial: Any) -> Any:
            return AdaBoostClassifier(n_estimators=trial.suggest_int("n", 1, 4))

        assert grid_of(space, n=4) == Grid("n", 4, (1, 2, 3))

    def test_of_a_range_from_0_are_in_equal_steps(self) -> None:
        def space(trial: Any) -> Any:
            return DecisionTreeClassifier(ccp_alpha=trial.suggest_float("alpha", 0.0, 0.23))

        grid = grid_of(space, alpha=0.0)
        assert grid is not None
        np.testing.assert_allclose(grid.smaller, np.linspace(0.23, 0.01, 23))

    def test_of_choices_are_the_choices_that_are_numbers(self) -> None:
        space = spaces.from_grid(RandomForestClassifier(), {"n_estimators": [100, 10, 30]})
        assert grid_of(space, n_estimators=100) == Grid("n_estimators", 100, (10, 30))


class TestParameter:
    def test_bears_the_name_that_the_space_gives_it(self) -> None:
        space = spaces.choice(forest, spaces.linear)
        grid = grid_of(space, family="forest")
        assert grid is not None
        assert grid.parameter == "forest.n_estimators"

    def test_is_found_in_a_pipeline(self) -> None:
        space = spaces.tabular(spaces.random_forest)
        grid = grid_of(space, n_estimators=500)
        assert grid is not None
        assert grid.parameter == "n_estimators"
        assert (grid.smaller[0], grid.own) == (5, 500)

    def test_is_not_another_that_happens_to_have_the_same_value(self) -> None:
        def space(trial: Any) -> Any:
            depth = trial.suggest_int("max_depth", 1, 9)
            return RandomForestClassifier(trial.suggest_int("trees", 1, 9), max_depth=depth)

        grid = grid_of(space, trees=5, max_depth=5)
        assert grid is not None
        assert grid.parameter == "trees"


def fixed(trial: Any) -> Any:
    return RandomForestClassifier(7, max_depth=trial.suggest_int("max_depth", 2, 9))


def drives_another(trial: Any) -> Any:
    trees = trial.suggest_int("trees", 2, 40)
    return RandomForestClassifier(trees, max_depth=1 + trees // 4)


def computed(trial: Any) -> Any:
    return RandomForestClassifier(2 ** trial.suggest_int("log_trees", 1, 6))


def refuses_others(trial: Any) -> Any:
    trees = trial.suggest_int("trees", 2, 40)
    if trees != 40:
        raise ValueError("40 trees or none")
    return RandomForestClassifier(trees)


def asks_for_more(trial: Any) -> Any:
    trees = trial.suggest_int("trees", 2, 40)
    depth = trial.suggest_int("max_depth", 1, 9) if trees < 40 else None
    return RandomForestClassifier(trees, max_depth=depth)


def of_one_value(trial: Any) -> Any:
    return RandomForestClassifier(trial.suggest_int("trees", 10, 10))


def warm(trial: Any) -> Any:
    return RandomForestClassifier(trial.suggest_int("trees", 2, 40), warm_start=True)


def fixed_and_warm(trial: Any) -> Any:
    return RandomForestClassifier(7, max_depth=trial.suggest_int("depth", 8, 9), warm_start=True)


def linear(trial: Any) -> Any:
    return LogisticRegression(C=trial.suggest_float("C", 0.1, 10, log=True))


class TestNone:
    @pytest.mark.parametrize(
        ("space", "params"),
        [
            (fixed, {"max_depth": 7}),
            (drives_another, {"trees": 40}),
            (computed, {"log_trees": 3}),
            (refuses_others, {"trees": 40}),
            (asks_for_more, {"trees": 40}),
            (of_one_value, {"trees": 10}),
            (fixed_and_warm, {"depth": 9}),
            (linear, {"C": 1.0}),
        ],
    )
    def test_where_the_space_does_not_ask_for_them_or_none_are_held(
        self, space: Any, params: Any
    ) -> None:
        assert grid_of(space, **params) is None

    def test_where_a_setting_spoils_them_the_reason_is_told(self) -> None:
        with pytest.raises(SubmodelError, match="set warm_start=False"):
            grid_of(warm, trees=40)

    def test_where_rounds_have_another_name_the_reason_is_told(self) -> None:
        def space(trial: Any) -> Any:
            return LGBMClassifier(num_iterations=trial.suggest_int("rounds", 2, 40))

        with pytest.raises(SubmodelError, match="give the number of rounds as n_estimators"):
            grid_of(space, rounds=40)

    def test_where_catboost_chooses_how_many(self) -> None:
        catboost = pytest.importorskip("catboost")

        def space(trial: Any) -> Any:
            return catboost.CatBoostClassifier(depth=trial.suggest_int("depth", 2, 6))

        assert grid_of(space, depth=6) is None

    def test_where_another_parameter_is_asked_by_a_flag(self) -> None:
        def space(trial: Any) -> Any:
            trees = trial.suggest_categorical("trees", [True, False])
            return RandomForestClassifier(10 if trees else 1)

        assert grid_of(space, trees=True) is None


def test_a_space_whose_numbers_have_no_key_is_compared_as_it_is_written() -> None:
    def space(trial: Any) -> Any:
        trees = trial.suggest_int("trees", 2, 4)
        return RandomForestClassifier(trees, class_weight={0: np.float64(1), 1: object_weight})

    object_weight = np.float32(2)
    grid = grid_of(space, trees=4)
    assert grid == Grid("trees", 4, (2, 3))


def test_a_structure_with_neither_a_key_nor_a_pickle_is_compared_as_it_is_written() -> None:
    def space(trial: Any) -> Any:
        trees = trial.suggest_int("trees", 2, 4)
        return make_pipeline(FunctionTransformer(halve), RandomForestClassifier(trees))

    halve = lambda X: X / 2  # noqa: E731
    grid = grid_of(space, trees=4)
    assert grid == Grid("trees", 4, (2, 3))


def test_a_space_may_hand_out_the_same_object_always() -> None:
    def space(trial: Any) -> Any:
        trees = trial.suggest_int("trees", 2, 4)
        return the_same.set_params(n_estimators=trees, max_depth=1 if trees == 2 else None)

    the_same = RandomForestClassifier()
    assert grid_of(space, trees=4) == Grid("trees", 4, (3,))


def test_what_changes_two_parts_at_once_is_no_submodel() -> None:
    def space(trial: Any) -> Any:
        model = RandomForestClassifier(trial.suggest_int("trees", 2, 4))
        return make_pipeline(SelectFromModel(model), model)

    assert grid_of(space, trees=4) is None


class Counting(RandomForestClassifier):
    asked = 0

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        Counting.asked += 1
        return super().get_params(deep)


def test_values_cost_no_look_at_all_parameters_each() -> None:
    def looks(most: int, values: int) -> int:
        before = Counting.asked
        grid = grid_of(lambda trial: Counting(trial.suggest_int("trees", 1, most)), trees=most)
        assert grid is not None
        assert len(grid.smaller) == values
        return Counting.asked - before

    assert looks(24, values=15) == looks(3, values=2)


def test_a_structure_that_prints_itself_in_its_own_way_is_no_obstacle() -> None:
    class Silent(RandomForestClassifier):
        def __repr__(self) -> str:
            return "a forest"

    def space(trial: Any) -> Any:
        trees = trial.suggest_int("trees", 2, 4)
        return Silent(trees)

    assert grid_of(space, trees=4) == Grid("trees", 4, (2, 3))


def test_it_takes_any_trial() -> None:
    trial = FixedTrial({"n_estimators": 8, "max_depth": 2})
    structure = build(forest, trial, PROBLEM, 0)
    grid = submodel_grid(forest, trial, PROBLEM, 0, structure)
    assert grid is not None
    assert grid.own == 8
