"""Whole studies that race: what loses is marked, is on no front, and teaches every sampler."""

import pickle
from typing import Any

import numpy as np
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy, objectives, reporting, samplers
from optistruct.evaluation import Evaluation, evaluate, make_plan, means
from optistruct.samplers import RACE
from optistruct.spaces import Problem
from optistruct.unfolding import EVALUATION

FITTED: list[Any] = []
BY_BOTH = (objectives.Score("neg_log_loss"), objectives.ParameterCount())
SAMPLERS = [name for name in samplers.SAMPLERS if name not in ("gp", "grid", "backtracking")]
FINITE = ("grid", "backtracking")


class Muddled(DecisionTreeClassifier):
    """A tree that learns from labels some of which were swapped; notes its fits."""

    def __init__(self, swapped: int = 0, max_depth: int | None = None, random_state: Any = None):
        super().__init__(max_depth=max_depth, random_state=random_state)
        self.swapped = swapped

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        FITTED.append(self.swapped)
        y = np.array(y)
        y[: len(y) * self.swapped // 10] = y[: len(y) * self.swapped // 10][::-1]
        return super().fit(X, y, **kwargs)


def trees(trial: Any) -> Any:
    """Suggests trees most of which are larger and worse than others."""
    return Muddled(trial.suggest_int("swapped", 0, 10), trial.suggest_int("max_depth", 1, 10))


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(240, 4))
    return X, (X[:, 0] > 0).astype(int)


def study_of(**kwargs: Any) -> StructureStudy:
    settings = {"storage": InMemoryStorage(), "sampler": "random", "cv": 5}
    return StructureStudy(trees, BY_BOTH, name="t", **{**settings, "defaults": False, **kwargs})


def searched(data: Any, n_trials: int = 40, n_jobs: int = 1, **kwargs: Any) -> StructureStudy:
    study = study_of(**kwargs)
    study.optimize(*data, n_trials=n_trials, n_jobs=n_jobs)
    return study


def record_of(trial: FrozenTrial) -> Evaluation:
    return Evaluation.from_json(trial.user_attrs[EVALUATION])


def lost(study: StructureStudy) -> list[FrozenTrial]:
    return [trial for trial in study.optuna_study.trials if record_of(trial).pessimistic]


def outcomes(study: StructureStudy) -> list[Any]:
    return [
        (t.state, t.params, t.values, t.constraints, record_of(t).folds)
        for t in study.optuna_study.trials
    ]


@pytest.fixture(scope="module")
def searches(data: Any) -> dict[str, tuple[StructureStudy, int]]:
    """Search with races, as by default, and without; count the fits of each."""
    found = {}
    for name, options in (("raced", {}), ("whole", {"racing": False})):
        FITTED.clear()
        found[name] = (searched(data, **options), len(FITTED))
    return found


@pytest.fixture(scope="module")
def study(searches: Any) -> StructureStudy:
    """The search with races: to read, never to go on with."""
    return searches["raced"][0]


@pytest.fixture(scope="module")
def whole(searches: Any) -> StructureStudy:
    """The same search without races."""
    return searches["whole"][0]


@pytest.fixture
def copied(study: StructureStudy) -> InMemoryStorage:
    """Copy the storage of the search with races, for one test to go on with."""
    return pickle.loads(pickle.dumps(study.optuna_study._storage))


class TestLostTrials:
    def test_there_are_some_and_they_were_fitted_on_fewer_folds(self, study: Any) -> None:
        assert len(lost(study)) >= 5
        for trial in study.optuna_study.trials:
            record = record_of(trial)
            assert (len(record.fit_seconds) < 5) == (record.pessimistic is not None)

    def test_they_are_complete_with_a_constraint_that_is_broken(self, study: Any) -> None:
        for trial in study.optuna_study.trials:
            assert trial.state == TrialState.COMPLETE
            assert trial.constraints[RACE] == (1.0 if record_of(trial).pessimistic else 0.0)

    def test_a_summary_counts_them(self, study: Any) -> None:
        assert f"{len(lost(study))} lost a race" in reporting.summarize(study).trials

    def test_they_are_none_of_the_best(self, study: Any) -> None:
        numbers = {trial.number for trial in lost(study)}
        assert numbers.isdisjoint(trial.number for trial in study.optuna_study.best_trials)
        front = study.front()
        shown = {c.trial for c in (*front, *front.dominated, *front.infeasible)}
        assert numbers.isdisjoint(shown)

    def test_their_values_are_dominated_by_the_front(self, study: Any) -> None:
        front = np.array([list(c.values.values()) for c in study.front()])
        for trial in lost(study):
            assert ((front <= trial.values).all(axis=1) & (front < trial.values).any(axis=1)).any()

    def test_the_first_ten_are_not_raced(self, study: Any) -> None:
        assert all(trial.number >= 10 for trial in lost(study))

    def test_those_that_go_to_the_end_are_as_without_racing(self, study: Any, whole: Any) -> None:
        for trial, same in zip(study.optuna_study.trials, whole.optuna_study.trials, strict=True):
            record, other = record_of(trial), record_of(same)
            if record.pessimistic is None:
                assert record.folds == other.folds
            else:
                done = len(record.fit_seconds)
                assert record.folds == {name: v[:done] for name, v in other.folds.items()}

    def test_none_that_belongs_on_the_front_is_lost_here(self, study: Any, whole: Any) -> None:
        assert [c.values for c in study.front()] == [c.values for c in whole.front()]

    def test_they_are_no_better_than_they_would_have_been(self, study: Any, whole: Any) -> None:
        others = whole.optuna_study.trials
        is_worse = [trial.values[0] >= others[trial.number].values[0] for trial in lost(study)]
        assert np.mean(is_worse) >= 0.9


def forest(trial: Any) -> Any:
    return RandomForestClassifier(
        n_estimators=trial.suggest_int("n_estimators", 1, 20, log=True),
        max_depth=trial.suggest_int("max_depth", 1, 8),
        max_features=trial.suggest_int("max_features", 1, 4),
    )


@pytest.fixture(scope="module")
def forests(data: Any) -> Any:
    by = (objectives.Score("neg_brier_score"), objectives.ParameterCount())
    studies = []
    for racing in (True, False):
        study = StructureStudy(
            forest, by, name="f", storage=InMemoryStorage(),
            sampler="random", defaults=False, racing=racing,
        )  # fmt: skip
        study.optimize(*data, n_trials=30)
        studies.append(study)
    return studies


class TestCutTrials:
    """Trials that lost while submodels of theirs did not."""

    def test_their_submodels_were_measured_as_without_racing(self, forests: Any) -> None:
        raced, whole = forests
        cut = [trial for trial in lost(raced) if record_of(trial).curve]
        assert len(cut) >= 5
        for trial in cut:
            curve = dict(record_of(trial).curve or ())
            others = dict(record_of(whole.optuna_study.trials[trial.number]).curve or ())
            assert list(curve) == list(others)[: len(curve)]
            assert curve == {value: others[value] for value in curve}

    def test_their_submodels_are_on_the_front_and_they_are_not(
        self, forests: Any, data: Any
    ) -> None:
        study = forests[0]
        numbers = {trial.number for trial in lost(study)}
        front = study.front()
        shown = [c for c in (*front, *front.dominated, *front.infeasible) if c.trial in numbers]
        assert all(candidate.is_submodel for candidate in shown)
        members = [candidate for candidate in front if candidate.trial in numbers]
        assert members
        plan = make_plan(*data, study.objectives, Problem.from_data(*data), study.cv)
        for candidate in members:
            assert evaluate(candidate.build(), plan).values == candidate.values

    def test_the_front_is_that_without_racing(self, forests: Any) -> None:
        raced, whole = (study.front() for study in forests)
        assert [c.values for c in raced] == [c.values for c in whole]

    def test_it_is_resumed_to_what_it_is_uninterrupted(self, forests: Any, data: Any) -> None:
        raced = forests[0]
        storage = InMemoryStorage()
        for n_trials in (12, 21, 30):
            study = StructureStudy(
                forest, raced.objectives, name="f", storage=storage, sampler="random",
                defaults=False,
            )  # fmt: skip
            study.optimize(*data, n_trials=n_trials)
        assert outcomes(study) == outcomes(raced)
        curves = [[record_of(t).curve for t in s.optuna_study.trials] for s in (study, raced)]
        assert curves[0] == curves[1]


class TestOff:
    def test_without_racing_all_are_fitted_in_every_fold(self, searches: Any) -> None:
        study, n_fits = searches["whole"]
        assert lost(study) == []
        repeats = sum("optistruct:repeats" in t.user_attrs for t in study.optuna_study.trials)
        assert n_fits == 5 * (40 - repeats)

    def test_racing_saves_fits(self, searches: Any) -> None:
        _, n_fits = searches["raced"]
        assert n_fits < 0.85 * 5 * 40

    def test_over_one_fold_there_is_no_race(self, data: Any) -> None:
        rows = np.arange(len(data[1]))
        study = searched(data, cv=[(rows[:160], rows[160:])])
        assert lost(study) == []

    def test_over_two_folds_there_is_one(self, data: Any) -> None:
        assert lost(searched(data, 60, cv=2))


@pytest.mark.filterwarnings("ignore:NSGAIIISampler is experimental")
@pytest.mark.parametrize("sampler", SAMPLERS)
class TestSamplers:
    def test_every_one_goes_on_from_lost_trials(
        self, sampler: str, data: Any, copied: InMemoryStorage
    ) -> None:
        study = searched(data, 56, storage=copied, sampler=sampler)
        assert len(lost(study)) >= 5
        states = [trial.state for trial in study.optuna_study.trials]
        assert states == [TrialState.COMPLETE] * len(states)
        assert len(states) == 56

    def test_a_resumed_study_equals_an_uninterrupted_one(self, sampler: str, data: Any) -> None:
        storage = InMemoryStorage()
        for n_trials in (12, 21, 30):
            parts = searched(data, n_trials, storage=storage, sampler=sampler)
        assert outcomes(parts) == outcomes(searched(data, 30, sampler=sampler))


@pytest.mark.parametrize("sampler", FINITE)
def test_those_of_finite_spaces_end_where_all_are_visited(sampler: str, data: Any) -> None:
    study = study_of(sampler=sampler)
    assert study.optimize(*data, n_trials=200) == "exhausted"
    assert len(study.optuna_study.trials) == 11 * 10
    assert lost(study)


def test_two_workers_race(data: Any) -> None:
    study = searched(data, n_jobs=2)
    assert lost(study)
    for trial in lost(study):
        assert trial.constraints[RACE] == 1.0
    numbers = {trial.number for trial in lost(study)}
    assert numbers.isdisjoint(c.trial for c in study.front())


def test_a_repeat_of_what_was_lost_is_lost(data: Any, copied: InMemoryStorage) -> None:
    study = study_of(storage=copied)
    first = lost(study)[0]
    study.enqueue(first.params)
    study.optuna_study.enqueue_trial(first.params)
    study.optimize(*data, n_trials=41)
    again = study.optuna_study.trials[-1]
    assert again.user_attrs["optistruct:repeats"] == first.number
    assert (again.values, again.constraints) == (first.values, first.constraints)


def test_patience_ends_a_search_that_races(data: Any) -> None:
    study = study_of()
    assert study.optimize(*data, n_trials=400, patience=15) == "patience"


def test_a_structure_better_in_nothing_else_but_one_objective_is_kept(data: Any) -> None:
    """The smallest and worst of all is on the front: nothing is smaller."""

    def space(trial: Any) -> Any:
        depth, swapped = trial.suggest_int("max_depth", 0, 9), trial.suggest_int("swapped", 0, 10)
        return Muddled(swapped, depth) if depth else DummyClassifier()

    study = study_of()
    study.space = space
    depths = range(1, 10)
    known = [{"max_depth": depth, "swapped": swapped} for swapped in (0, 9) for depth in depths]
    study.enqueue(*known, {"max_depth": 0, "swapped": 0})
    study.optimize(*data, n_trials=40)
    [smallest] = (c for c in study.front() if c.parameters["max_depth"] == 0)
    assert lost(study)
    assert smallest.trial == len(known)  # it had rivals


def test_means_are_not_what_is_stored(study: StructureStudy) -> None:
    for trial in lost(study):
        assert trial.values != list(means(record_of(trial).folds).values())
