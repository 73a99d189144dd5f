"""Tests of optistruct.samplers.history."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optistruct.samplers.history import History
from optistruct.samplers.submodels import Nest

MINIMIZE, MAXIMIZE = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE
KIND = CategoricalDistribution(["plain", "more"])
X = FloatDistribution(0, 4)


def trial(
    number: int,
    params: dict[str, Any] | None = None,
    values: list[float] | None = None,
    state: TrialState = TrialState.COMPLETE,
    constraints: dict[str, float] | None = None,
    **distributions: BaseDistribution,
) -> FrozenTrial:
    params = {"x": 1.0} if params is None else params
    known = {"kind": KIND, "x": X, "n": IntDistribution(1, 5)} | distributions
    if values is None and state == TrialState.COMPLETE:
        values = [1.0, 2.0]
    made = create_trial(
        state=state,
        params=params,
        distributions={name: known[name] for name in params},
        values=values,
        constraints=constraints,
    )
    made.number = number
    return made


def history_of(*trials: FrozenTrial, **options: Any) -> History:
    history = History([MINIMIZE, MAXIMIZE], **options)
    history.refresh(trials)
    return history


class TestRows:
    def test_has_a_row_a_trial_and_a_column_a_parameter(self) -> None:
        history = history_of(
            trial(0, {"kind": "plain", "x": 1.0}), trial(1, {"kind": "more", "n": 5})
        )
        assert [column.name for column in history.columns] == ["kind", "x", "n"]
        np.testing.assert_array_equal(history.rows, [[0, 0.25, math.nan], [1, math.nan, 1]])
        assert len(history) == 2

    def test_takes_in_what_comes(self) -> None:
        history = history_of(trial(0))
        history.refresh([trial(0), trial(1, {"x": 2.0}), trial(2, {"x": 3.0, "n": 1})])
        np.testing.assert_array_equal(history.rows, [[0.25, math.nan], [0.5, math.nan], [0.75, 0]])

    def test_reads_the_submodels_of_a_trial_once(self) -> None:
        """Also where trials end in another order than they began, as they do side by side."""
        trials, read = [trial(i, {"x": float(i)}) for i in range(4)], []

        def nest(of: FrozenTrial) -> Nest:
            read.append(of.number)
            return Nest("x", [0.5], [[1.0, 2.0]], [0.0])

        history = History([MINIMIZE, MAXIMIZE], None, nest)
        history.refresh([trials[1]])
        history.refresh([trials[1], trials[3]])
        history.refresh(trials)
        assert read == [1, 3, 0, 2]
        assert len(history.nested) == 4

    def test_puts_a_late_trial_where_its_number_belongs(self) -> None:
        trials = [trial(i, {"x": float(i)}) for i in range(4)]
        history = history_of(trials[0], trials[3])
        history.refresh(trials)
        assert history.rows[:, 0].tolist() == [0, 0.25, 0.5, 0.75]
        assert [known.number for known in history.trials] == [0, 1, 2, 3]

    def test_encodes_all_anew_when_a_range_has_changed(self) -> None:
        history = history_of(trial(0, {"x": 2.0}), trial(1, {"x": 4.0}))
        history.refresh([*history.trials, trial(2, {"x": 8.0}, x=FloatDistribution(2, 8))])
        assert history.columns[0].distribution == FloatDistribution(0, 8)
        assert history.rows[:, 0].tolist() == [0.25, 0.5, 1]

    def test_has_no_number_for_what_was_of_another_kind(self) -> None:
        history = history_of(
            trial(0, {"x": "a"}, x=CategoricalDistribution(["a"])), trial(1, {"x": 4.0})
        )
        np.testing.assert_array_equal(history.rows[:, 0], [math.nan, 1])

    def test_begins_anew_when_trials_have_gone(self) -> None:
        history = history_of(trial(0), trial(1, {"x": 2.0}))
        history.refresh([trial(1, {"x": 2.0})])
        assert history.rows.tolist() == [[0.5]]

    def test_keys_are_equal_for_equal_structures_alone(self) -> None:
        rows = np.array([[0, math.nan], [-0.0, math.nan], [math.nan, 0], [0, 0], [0, 1]])
        first, same, *others = history_of().keys(rows)
        assert first == same
        assert len({first, *others}) == 4


class TestRunning:
    def test_has_what_others_are_evaluating(self) -> None:
        history = History([MINIMIZE])
        trials = [
            trial(0, values=[1.0]),
            trial(1, {"x": 4.0}, state=TrialState.RUNNING),
            trial(2, {}, state=TrialState.RUNNING),
            trial(3, {"x": 2.0}, state=TrialState.RUNNING),
            trial(4, {"x": 3.0}, state=TrialState.WAITING),
        ]
        history.refresh(trials, current=3)
        assert history.running.tolist() == [[1]]
        assert history.running_trials == [trials[1]]
        assert history.known_keys() == {*history.keys(np.array([[0.25], [1]]))}
        assert len(history) == 1
        history.refresh(trials[:1])
        assert history.running.shape == (0, 1)

    def test_is_wide_enough_for_a_parameter_that_only_they_have(self) -> None:
        history = History([MINIMIZE])
        history.refresh([trial(0, values=[1.0]), trial(1, {"n": 1}, state=TrialState.RUNNING)])
        np.testing.assert_array_equal(history.rows, [[0.25, math.nan]])
        np.testing.assert_array_equal(history.running, [[math.nan, 0]])


class TestOutcomes:
    def test_smaller_losses_are_better_on_their_scale(self) -> None:
        history = history_of(trial(0, values=[100, 0.1]), scales=["log", "linear"])
        assert history.losses.tolist() == [[2, -0.1]]
        history = history_of(trial(0, values=[100, 0.1]), scales=["linear", "log"])
        assert history.losses.tolist() == [[100, 1]]

    @pytest.mark.parametrize(
        ("other", "excess", "has_values"),
        [
            (trial(0), 0, True),
            (trial(0, constraints={"a": -1, "b": 0}), 0, True),
            (trial(0, constraints={"a": -1, "b": 0.5, "c": 2}), 2.5, True),
            (trial(0, state=TrialState.PRUNED, constraints={"a": 0.5}), 0.5, False),
            (trial(0, state=TrialState.PRUNED, constraints={"a": -0.5}), math.inf, False),
            (trial(0, state=TrialState.PRUNED), math.inf, False),
            (trial(0, state=TrialState.FAIL), math.inf, False),
            (trial(0, state=TrialState.FAIL, constraints={"a": 0.5}), math.inf, False),
            (trial(0, values=[math.inf, 1]), math.inf, False),
        ],
    )
    def test_tells_how_far_beyond_its_limits_each_is(
        self, other: FrozenTrial, excess: float, has_values: bool
    ) -> None:
        history = history_of(other)
        assert history.excess.tolist() == [excess]
        assert np.isfinite(history.losses).all() == has_values

    def test_has_no_logarithm_of_0(self) -> None:
        history = history_of(trial(0, values=[0, 1]), scales=["log", "linear"])
        assert history.excess.tolist() == [math.inf]

    def test_front_are_the_feasible_that_none_dominates_the_latest_of_equals(self) -> None:
        history = history_of(
            trial(0, {"x": 0.0}, [9, 9], constraints={"a": 1.0}),
            trial(1, {"x": 1.0}, [1, 1]),
            trial(2, {"x": 2.0}, [2, 1]),  # dominated by the one before
            trial(3, {"x": 3.0}, [2, 2]),
            trial(4, {"x": 1.0}, [1, 1]),  # the same as the first
            trial(5, {"x": 4.0}, [1, 1]),  # as good as the first
            trial(6, {"x": 0.5}, state=TrialState.FAIL),
        )
        assert history.front().tolist() == [[0.75], [1.0]]

    def test_front_of_nothing_is_empty(self) -> None:
        assert history_of().front().size == 0
        assert history_of(trial(0, state=TrialState.FAIL)).front().size == 0


@st.composite
def searches(draw: st.DrawFn) -> list[FrozenTrial]:
    """Trials of a space with a choice, whose range of n grows."""
    trials = []
    for number in range(draw(st.integers(1, 12))):
        params: dict[str, Any] = {"kind": draw(st.sampled_from(["plain", "more"]))}
        if params["kind"] == "more":
            params["n"] = draw(st.integers(1, 5 + number // 4))
        state = draw(st.sampled_from([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]))
        trials.append(trial(number, params, state=state, n=IntDistribution(1, 5 + number // 4)))
    return trials


@given(searches(), st.lists(st.integers(1, 12)))
def test_is_a_function_of_the_trials(trials: list[FrozenTrial], stops: list[int]) -> None:
    """However often, and after which of them, they have been looked at."""
    gone_on = history_of()
    for stop in sorted(stops):
        gone_on.refresh(trials[:stop])
        gone_on.known_keys()
    gone_on.refresh(trials)
    fresh = history_of(*trials)
    assert gone_on.columns == fresh.columns
    np.testing.assert_array_equal(gone_on.rows, fresh.rows)
    np.testing.assert_array_equal(gone_on.losses, fresh.losses)
    np.testing.assert_array_equal(gone_on.excess, fresh.excess)
    assert gone_on.known_keys() == set(fresh.keys(fresh.rows))
