"""What every built-in family must do; a new one passes this class before it is handed out."""

import json
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from sklearn.base import is_classifier, is_regressor

from optistruct import recipe, spaces
from optistruct.resources import count_parameters, single_threaded
from optistruct.spaces import FAMILIES, Problem, Space

SEED = 7
RANDOM_POINTS = 3

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Corner(BaseSampler):
    """Gives the same end of every range, and the same end of every list of choices."""

    def __init__(self, number: str, choice: int) -> None:
        self.number = number
        self.choice = choice

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        return {}

    def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: Any, trial: Any, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        if isinstance(param_distribution, CategoricalDistribution):
            return param_distribution.choices[self.choice]
        return getattr(param_distribution, self.number)


def ask(sampler: BaseSampler) -> optuna.Trial:
    return optuna.create_study(sampler=sampler).ask()


def corners(space: Space, problem: Problem) -> Iterator[Any]:
    """Build the structures at the bounds, each once."""
    seen = []
    for number in ("low", "high"):
        for choice in (0, -1):
            trial = ask(Corner(number, choice))
            structure = spaces.build(space, trial, problem, SEED)
            if trial.params not in seen:
                seen.append(trial.params)
                yield structure


def random_points(space: Space, problem: Problem, n: int = RANDOM_POINTS) -> Iterator[Any]:
    study = optuna.create_study(sampler=RandomSampler(seed=3))
    for _ in range(n):
        yield spaces.build(space, study.ask(), problem, SEED)


def check_fitted(model: Any, X: Any, y: Any) -> None:
    """See that a fitted model predicts what its task asks for, and can be counted."""
    predicted = model.predict(X)
    assert predicted.shape == (len(y),)
    if is_classifier(model):
        assert set(predicted) <= set(y)
        assert model.predict_proba(X).shape == (len(y), len(set(y)))
    else:
        assert is_regressor(model)
        assert np.isfinite(predicted).all()
    assert count_parameters(model).total >= 1


@pytest.mark.parametrize("family", FAMILIES)
class TestFamily:
    @pytest.fixture
    def space(self, family: str) -> Space:
        return FAMILIES[family]

    def test_fits_and_predicts_at_its_bounds(self, space: Space, data: Any) -> None:
        X, y = data
        built = 0
        for structure in corners(space, Problem.from_data(X, y)):
            check_fitted(structure.fit(X, y), X, y)
            built += 1
        assert built >= 2

    def test_fits_and_predicts_at_random_points(self, space: Space, data: Any) -> None:
        X, y = data
        for structure in random_points(space, Problem.from_data(X, y)):
            check_fitted(structure.fit(X, y), X, y)

    def test_is_of_the_kind_that_the_task_needs(self, space: Space, data: Any) -> None:
        problem = Problem.from_data(*data)
        for structure in random_points(space, problem):
            assert is_classifier(structure) == problem.is_classification
            assert is_regressor(structure) != problem.is_classification

    def test_takes_the_fewest_rows_that_a_fold_may_have(self, space: Space) -> None:
        X = np.random.default_rng(0).normal(size=(8, 2))
        y = np.tile([0, 1], 4)
        for structure in corners(space, Problem.from_data(X, y)):
            check_fitted(structure.fit(X[:4], y[:4]), X[4:], y[4:])

    def test_takes_one_column(self, space: Space, data: Any) -> None:
        X, y = data[0][:, :1], data[1]
        for structure in random_points(space, Problem.from_data(X, y), 2):
            check_fitted(structure.fit(X, y), X, y)

    def test_leaves_nothing_random_without_a_seed(self, space: Space, data: Any) -> None:
        for structure in corners(space, Problem.from_data(*data)):
            seeds = [
                value
                for name, value in structure.get_params().items()
                if name.endswith("random_state")
            ]
            assert seeds == [SEED] * len(seeds)

    def test_builds_and_fits_the_same_from_the_same_trial(
        self, space: Space, multiclass: Any
    ) -> None:
        X, y = multiclass
        problem = Problem.from_data(X, y)
        study = optuna.create_study(sampler=RandomSampler(seed=5))
        trial = study.ask()
        first = spaces.build(space, trial, problem, SEED)
        fixed = optuna.trial.FixedTrial(trial.params)
        second = spaces.build(space, fixed, problem, SEED)
        assert repr(first) == repr(second)
        np.testing.assert_array_equal(first.fit(X, y).predict(X), second.fit(X, y).predict(X))

    def test_returns_a_fresh_unfitted_estimator(self, space: Space, binary: Any) -> None:
        X, y = binary
        problem = Problem.from_data(X, y)
        first, second = random_points(space, problem, 2)
        assert first is not second
        first.fit(X, y)
        assert not any(name.endswith("_") for name in vars(second) if not name.startswith("_"))

    def test_asks_for_one_thread(self, space: Space, data: Any) -> None:
        for structure in random_points(space, Problem.from_data(*data)):
            assert structure.get_params().get("n_jobs") in (None, 1)
            assert single_threaded(structure).get_params().get("n_jobs") in (None, 1)

    def test_searches_at_least_two_parameters_within_bounds(
        self, space: Space, binary: Any
    ) -> None:
        probed = spaces.probe(space, Problem.from_data(*binary), SEED)
        assert len(probed.parameters) >= 2
        for distribution in probed.parameters.values():
            attributes = json.loads(distribution)["attributes"]
            assert len(attributes.get("choices", "ab")) >= 2
            assert attributes.get("low", 0) < attributes.get("high", 1)

    def test_is_known_by_its_name(self, space: Space, family: str) -> None:
        assert spaces.by_name(family) is space
        assert spaces.space_name(space) == family
        assert getattr(spaces, family) is space

    def test_comes_back_from_its_recipe_and_its_pickle(self, space: Space) -> None:
        stored = json.loads(json.dumps(recipe.describe(space)))
        assert recipe.restore(stored) is space
        assert pickle.loads(pickle.dumps(space)) is space

    def test_takes_a_mixed_table_behind_tabular(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, y = mixed
        problem = Problem.from_data(X, y)
        unseen = X.assign(city="Oslo", plan="trial", age=np.nan)
        for structure in random_points(spaces.tabular(space), problem, 2):
            model = structure.fit(X, y)
            check_fitted(model, X, y)
            assert set(model.predict(unseen)) <= {"yes", "no"}
            assert set(model.predict(X.iloc[[0]])) <= {"yes", "no"}

    def test_regresses_on_a_mixed_table_behind_tabular(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X = mixed[0]
        y = X["age"].fillna(40).to_numpy() + 5 * X["member"].to_numpy()
        for structure in random_points(spaces.tabular(space), Problem.from_data(X, y), 2):
            check_fitted(structure.fit(X, y), X, y)

    def test_keeps_its_parameters_behind_tabular(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        problem = Problem.from_data(*mixed)
        bare = spaces.probe(space, problem, SEED).parameters
        assert spaces.probe(spaces.tabular(space), problem, SEED).parameters == bare

    def test_takes_numbers_with_missing_cells_behind_tabular(self, space: Space, data: Any) -> None:
        X, y = data[0].copy(), data[1]
        X[::5, 0] = np.nan
        for structure in random_points(spaces.tabular(space), Problem.from_data(X, y), 2):
            check_fitted(structure.fit(X, y), X, y)

    def test_takes_a_table_of_categories_only(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, y = mixed[0][["city", "member"]], mixed[1]
        for structure in random_points(spaces.tabular(space), Problem.from_data(X, y), 2):
            check_fitted(structure.fit(X, y), X, y)

    def test_takes_a_category_column_without_any_value(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, y = mixed[0].assign(note=pd.Series([None] * len(mixed[0]), dtype=object)), mixed[1]
        for structure in random_points(spaces.tabular(space), Problem.from_data(X, y), 2):
            check_fitted(structure.fit(X, y), X, y)

    def test_takes_a_number_column_without_any_value(
        self, space: Space, mixed: tuple[pd.DataFrame, np.ndarray]
    ) -> None:
        X, y = mixed[0].assign(empty=np.nan), mixed[1]
        for structure in random_points(spaces.tabular(space), Problem.from_data(X, y), 2):
            model = structure.fit(X, y)
            check_fitted(model, X, y)
            assert set(model.predict(X.assign(empty=1.0))) <= {"yes", "no"}

    def test_takes_more_categories_than_boosting_can_tell_apart(self, space: Space) -> None:
        rng = np.random.default_rng(0)
        X = pd.DataFrame({"id": [f"u{i % 300}" for i in range(600)], "n": rng.normal(size=600)})
        X.loc[::11, "id"] = None
        y = rng.random(600) < 0.5
        [structure] = random_points(spaces.tabular(space), Problem.from_data(X, y), 1)
        model = structure.fit(X, y)
        check_fitted(model, X, y)
        assert count_parameters(model).total > 300
