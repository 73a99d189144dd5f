"""When a search ends by itself: no gain any more, or nothing left to try."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from sklearn.tree import DecisionTreeClassifier

from optistruct import StructureStudy
from optistruct.exceptions import ArgumentError, SpaceError
from optistruct.objectives import Objective, ParameterCount, Score
from optistruct.pareto import Points
from optistruct.stopping import Budget, is_stagnant
from optistruct.unfolding import feasible_losses

OBJECTIVES = (Score("accuracy"), ParameterCount())


def twelve_trees(trial: Any) -> Any:
    return DecisionTreeClassifier(
        max_depth=trial.suggest_int("max_depth", 1, 4),
        criterion=trial.suggest_categorical("criterion", ["gini", "entropy", "log_loss"]),
    )


def pruned_trees(trial: Any) -> Any:
    return DecisionTreeClassifier(ccp_alpha=trial.suggest_float("ccp_alpha", 1e-4, 1e-1, log=True))


def of(space: Any, **kwargs: Any) -> StructureStudy:
    return StructureStudy(space, OBJECTIVES, name="t", storage="sqlite:///:memory:", cv=2, **kwargs)


def trials_of(*values: tuple[float, float] | None) -> list[optuna.trial.FrozenTrial]:
    """Make finished trials; None is one that failed."""
    return [
        create_trial(state=TrialState.FAIL) if one is None else create_trial(values=list(one))
        for one in values
    ]


def stagnant(
    trials: Sequence[optuna.trial.FrozenTrial], objectives: Sequence[Objective], patience: int
) -> bool:
    ended: list[Points] = [
        feasible_losses(trial, objectives) if trial.state == TrialState.COMPLETE else np.empty(0)
        for trial in trials
    ]
    return is_stagnant(ended, patience)


class TestIsStagnant:
    def test_as_long_as_the_hypervolume_grows_it_is_not(self) -> None:
        growing = trials_of((0.5, 10), (0.5, 1000), (0.6, 10), (0.7, 10), (0.8, 10))
        assert not stagnant(growing, OBJECTIVES, 2)

    def test_it_is_after_so_many_trials_that_add_nothing(self) -> None:
        still = trials_of((0.5, 10), (0.5, 1000), (0.8, 10), (0.7, 20), None)
        assert stagnant(still, OBJECTIVES, 2)
        assert not stagnant(still, OBJECTIVES, 3)

    def test_not_before_so_many_trials_have_ended(self) -> None:
        assert not stagnant(trials_of((0.5, 10), (0.5, 10)), OBJECTIVES, 2)

    def test_not_while_nothing_is_feasible(self) -> None:
        assert not stagnant(trials_of(*[None] * 9), OBJECTIVES, 2)

    def test_structures_beyond_a_limit_are_no_gain(self) -> None:
        trials = trials_of((0.5, 10), (0.4, 1000), (0.5, 11))
        beyond = create_trial(values=[0.9, 5])
        beyond.set_constraint("parameters <= 4", 0.1)
        assert stagnant([*trials, beyond], OBJECTIVES, 1)

    def test_one_structure_far_off_hides_no_gain(self) -> None:
        rising = trials_of((-1000, 500), (0.5, 10), (0.8, 1000), (0.6, 100), (0.88, 1000))
        assert not stagnant(rising, (Score("r2"), ParameterCount()), 1)

    @pytest.mark.parametrize("far_off", [0.3, -1000.0])
    def test_one_objective_has_gains_too(self, far_off: float) -> None:
        scores = [far_off, 0.5, 0.4, 0.6, 0.7, 0.7]
        trials = [create_trial(values=[score]) for score in scores]
        assert stagnant(trials, (Score("r2"),), 1)
        assert not stagnant(trials, (Score("r2"),), 2)
        barely = [*trials, create_trial(values=[0.70001])]
        assert stagnant(barely, (Score("r2"),), 1)

    @pytest.mark.parametrize(("gain", "is_one"), [(0.0008, False), (0.0013, True)])
    def test_a_gain_is_more_than_a_thousandth(self, gain: float, is_one: bool) -> None:
        """Of the region as far as 0.4, the median, over which the best is by 0.5."""
        scores = [0.0, 0.4, 0.4, 0.9, 0.9 + 0.5 * gain]
        trials = [create_trial(values=[score]) for score in scores]
        assert stagnant(trials, (Score("r2"),), 1) is not is_one

    def test_an_objective_in_which_all_are_equal_hides_no_gain_in_the_other(self) -> None:
        assert not stagnant(trials_of((0.5, 10), (0.6, 10), (0.8, 10)), OBJECTIVES, 1)
        assert stagnant(trials_of((0.5, 10), (0.8, 10), (0.8, 10)), OBJECTIVES, 1)


class TestBudget:
    def test_a_time_that_no_thread_can_wait_is_no_end(self) -> None:
        assert Budget.of(1, sys.maxsize, None).deadline == float("inf")
        assert Budget.of(1, None, None).deadline == float("inf")
        assert not Budget.of(1, 1e9, None).is_late

    @pytest.mark.parametrize("timeout", ["60", True, float("nan"), -1, [1]])
    def test_refuses_what_is_no_time(self, timeout: Any) -> None:
        with pytest.raises(ArgumentError, match="timeout must be a number of seconds above 0"):
            Budget.of(1, timeout, None)


class TestOptimize:
    def test_says_that_all_trials_were_made(self, binary: Any) -> None:
        assert of(pruned_trees).optimize(*binary, n_trials=3) == "n_trials"

    def test_ends_without_gain(self, binary: Any) -> None:
        study = of(pruned_trees, sampler="random")
        assert study.optimize(*binary, n_trials=300, patience=5) == "patience"
        assert 5 < len(study.optuna_study.trials) < 300

    @pytest.mark.parametrize(
        "sampler", ["grid", "backtracking", "random", "smsego", "nsga2", "tpe"]
    )
    def test_ends_when_every_structure_was_tried(self, sampler: str, binary: Any) -> None:
        study = of(twelve_trees, sampler=sampler)
        assert study.optimize(*binary, n_trials=100) == "exhausted"
        tried = [tuple(trial.params.values()) for trial in study.optuna_study.trials]
        assert len(tried) == len(set(tried)) == 12
        assert study.optimize(*binary, n_trials=100) == "exhausted"
        assert len(study.optuna_study.trials) == 12

    def test_workers_share_a_finite_space(self, binary: Any) -> None:
        study = of(twelve_trees, sampler="grid")
        assert study.optimize(*binary, n_trials=100, n_jobs=2) == "exhausted"
        tried = [tuple(trial.params.values()) for trial in study.optuna_study.trials]
        assert len(tried) == len(set(tried)) == 12

    @pytest.mark.parametrize("patience", [0, -1, 1.5, True])
    def test_refuses_another_patience(self, patience: Any, binary: Any) -> None:
        with pytest.raises(ArgumentError, match=r"patience must be 1 or more, or None, got"):
            of(pruned_trees).optimize(*binary, n_trials=3, patience=patience)

    @pytest.mark.parametrize("sampler", ["grid", "backtracking"])
    def test_a_continuous_range_is_refused_before_anything_is_written(
        self, sampler: str, binary: Any, tmp_path: Any
    ) -> None:
        database = tmp_path / "studies.db"
        study = StructureStudy(
            pruned_trees, OBJECTIVES, name="t", storage=f"sqlite:///{database}", sampler=sampler
        )
        with pytest.raises(SpaceError, match=r"'ccp_alpha' is a continuous range.*give it a step"):
            study.optimize(*binary, n_trials=3)
        assert not database.exists()
