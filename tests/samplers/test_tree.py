"""Tests of optistruct.samplers.tree: random conditional spaces, gone through in any order."""

from collections.abc import Iterator
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
from optuna.trial import FrozenTrial, TrialState, create_trial

from optistruct.samplers.columns import cardinality
from optistruct.samplers.tree import StructureTree, key_of, keys_of, value_of

COMPLETE, PRUNED, FAIL, RUNNING = (
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.FAIL,
    TrialState.RUNNING,
)

Question = tuple[str, BaseDistribution, list[Any]]
"""A name, what it is asked with, and for each of its values the next question, or None."""

finite = st.one_of(
    st.integers(1, 3).map(lambda n: IntDistribution(1, n)),
    st.integers(0, 2).map(lambda n: FloatDistribution(0, n * 0.1, step=0.1)),
    st.integers(1, 3).map(lambda n: CategoricalDistribution(list("abc"[:n]))),
)


@st.composite
def spaces(draw: st.DrawFn, depth: int = 3) -> Question | None:
    if depth == 0 or (depth < 3 and draw(st.integers(0, 2)) == 0):
        return None
    distribution = draw(finite)
    name = f"{draw(st.sampled_from('xy'))}{depth}{type(distribution).__name__[0]}"
    below = [draw(spaces(depth - 1)) for _ in range(int(cardinality(distribution)))]
    return name, distribution, below


Path = list[tuple[str, BaseDistribution, int]]


def leaves(space: Question | None, above: Path | None = None) -> Iterator[Path]:
    above = above or []
    if space is None:
        yield above
        return
    name, distribution, below = space
    for i, following in enumerate(below):
        yield from leaves(following, [*above, (name, distribution, i)])


def trial_of(path: Path, number: int, state: TrialState = COMPLETE) -> FrozenTrial:
    trial = create_trial(
        state=state,
        params={name: value_of(distribution, i) for name, distribution, i in path},
        distributions={name: distribution for name, distribution, _ in path},
        value=0.0 if state == COMPLETE else None,
    )
    trial.number = number
    return trial


def open_keys(tree: StructureTree, *question: Any) -> list[int]:
    closed = tree.closed_keys(*question)
    return [key for key in keys_of(question[-1]) if key not in closed]


def propose(tree: StructureTree, space: Question, rng: Any, number: int) -> Path:
    """Answer each question with any of the values below which something is left."""
    path: Path = []
    following: Question | None = space
    while following is not None:
        name, distribution, below = following
        keys = open_keys(tree, trial_of(path, number, RUNNING), name, distribution)
        assert keys
        i = int(rng.choice(keys))
        path.append((name, distribution, i))
        following = below[i]
    return path


@given(spaces(), st.randoms(use_true_random=False), st.data())
def test_is_exhausted_exactly_when_every_leaf_was_visited(
    space: Question, random: Any, data: st.DataObject
) -> None:
    paths = list(leaves(space))
    random.shuffle(paths)
    tree, trials = StructureTree(), []
    for number, path in enumerate(paths):
        assert not tree.is_exhausted
        state = data.draw(st.sampled_from([COMPLETE, PRUNED, FAIL]))
        trials.append(trial_of(path, number, state))
        assert tree.refresh(trials) == trials[-1:]
    assert tree.is_exhausted


@given(spaces(), st.integers(0, 9))
def test_what_is_open_leads_to_every_leaf_once(space: Question, seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree, trials, paths = StructureTree(), [], list(leaves(space))
    for number in range(len(paths)):
        path = propose(tree, space, rng, number)
        trials.append(trial_of(path, number))
        tree.refresh(trials)
        paths.remove(path)
    assert tree.is_exhausted
    assert not paths


@given(spaces(), st.integers(0, 9), st.data())
def test_a_trial_that_is_pruned_half_way_closes_its_subtree(
    space: Question, seed: int, data: st.DataObject
) -> None:
    """Every structure is proposed, or lies below exactly one that was cut."""
    rng, cuts = np.random.default_rng(seed), data.draw(st.sets(st.integers(0, 8)))
    tree, trials, paths = StructureTree(), [], list(leaves(space))
    for number in range(len(paths)):
        if tree.is_exhausted:
            break
        path = propose(tree, space, rng, number)
        if number in cuts:
            open_below = [p for p in paths if p[: len(path) - 1] == path[:-1]]
            is_fresh = len(open_below) == sum(p[:-1] == path[:-1] for p in leaves(space))
            path = path[:-1] if is_fresh and len(path) > 1 else path
        trials.append(trial_of(path, number, PRUNED))
        tree.refresh(trials)
        below = [p for p in paths if p[: len(path)] == path]
        assert below
        paths = [p for p in paths if p not in below]
        assert tree.is_exhausted == (not paths)
    assert not paths


@given(spaces(), st.integers(0, 9), st.integers(1, 4))
def test_structures_that_are_running_are_not_proposed_again(
    space: Question, seed: int, at_once: int
) -> None:
    """They end in any order, and a tree that is made anew proposes from the same."""
    rng = np.random.default_rng(seed)
    tree, trials, paths = StructureTree(), [], list(leaves(space))
    for number in range(len(paths)):
        path = propose(tree, space, rng, number)
        paths.remove(path)
        trials.append(trial_of(path, number, RUNNING))
        running = [trial for trial in trials if trial.state == RUNNING]
        if len(running) >= at_once:
            running[int(rng.integers(len(running)))].state = FAIL
        tree.refresh(trials)
        fresh = StructureTree()
        fresh.refresh(trials)
        assert fresh.is_exhausted == tree.is_exhausted == (not paths)


A, B = IntDistribution(1, 2), CategoricalDistribution(["x", "y"])


class TestRefresh:
    def test_leaves_out_the_trial_that_is_asked_for(self) -> None:
        tree = StructureTree()
        trials = [trial_of([("a", A, 0)], 0), trial_of([("a", A, 1)], 1, RUNNING)]
        tree.refresh(trials, current=1)
        assert not tree.is_exhausted
        tree.refresh(trials)
        assert tree.is_exhausted
        tree.refresh(trials, current=1)  # which was left running, and is taken up again
        assert not tree.is_exhausted

    def test_hands_out_what_has_ended_since(self) -> None:
        tree = StructureTree()
        trials = [trial_of([("a", A, 0)], 0), trial_of([("a", A, 1)], 1, RUNNING)]
        assert tree.refresh(trials) == trials[:1]
        assert tree.refresh(trials) == []
        trials[1].state = COMPLETE
        assert tree.refresh(trials) == trials[1:]

    def test_opens_again_what_a_running_trial_was_answered_only_in_part(self) -> None:
        tree = StructureTree()
        tree.refresh([trial_of([("a", A, 0)], 0, RUNNING)])
        assert open_keys(tree, trial_of([], 1, RUNNING), "a", A) == [1]
        tree.refresh([trial_of([("a", A, 0), ("b", B, 0)], 0, RUNNING)])
        assert open_keys(tree, trial_of([], 1, RUNNING), "a", A) == [0, 1]
        asked = trial_of([("a", A, 0)], 1, RUNNING)
        assert open_keys(tree, asked, "b", B) == [1]

    @pytest.mark.parametrize("state", [RUNNING, FAIL])
    def test_a_trial_without_answers_has_visited_nothing(self, state: TrialState) -> None:
        tree = StructureTree()
        tree.refresh([trial_of([("a", A, 0)], 0), trial_of([], 1, state)])
        assert not tree.is_exhausted

    def test_a_space_without_questions_has_one_structure(self) -> None:
        tree = StructureTree()
        tree.refresh([trial_of([], 0)])
        assert tree.is_exhausted

    def test_a_failure_where_others_went_on_is_a_mishap(self) -> None:
        tree = StructureTree()
        trials = [trial_of([("a", A, 0), ("b", B, 0)], 0), trial_of([("a", A, 0)], 1, FAIL)]
        tree.refresh(trials)
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", A) == [0, 1]

    def test_a_trial_that_completes_where_others_went_on_is_one_unless_it_comes_again(self) -> None:
        """It was added, or told early; the second shows that the space has changed."""
        tree = StructureTree()
        trials = [trial_of([("a", A, 0), ("b", B, 0)], 0), trial_of([("a", A, 0)], 1)]
        tree.refresh(trials)
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", A) == [0, 1]
        trials.append(trial_of([("a", A, 0)], 2))
        tree.refresh(trials)
        assert open_keys(tree, trial_of([], 3, RUNNING), "a", A) == [1]

    @pytest.mark.parametrize("state", [COMPLETE, PRUNED])
    def test_a_trial_that_was_asked_nothing_closes_no_space_that_asks(
        self, state: TrialState
    ) -> None:
        tree = StructureTree()
        tree.refresh([trial_of([("a", A, 0)], 0), trial_of([], 1, state)])
        assert not tree.is_exhausted

    def test_a_trial_that_was_pruned_before_it_asked_is_no_structure(self) -> None:
        tree = StructureTree()
        tree.refresh([trial_of([], 0, PRUNED)])
        assert not tree.is_exhausted

    def test_what_is_under_way_is_not_yet_visited(self) -> None:
        tree = StructureTree()
        trials = [trial_of([("a", A, 0)], 0), trial_of([("a", A, 1)], 1, RUNNING)]
        tree.refresh(trials)
        assert tree.is_exhausted
        assert not tree.is_visited
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", A) == [1]  # there is no other
        trials[1].state = COMPLETE
        tree.refresh(trials)
        assert tree.is_visited

    def test_a_cut_where_others_went_on_closes_the_rest(self) -> None:
        """Limits may be laid down in the course of a search."""
        tree = StructureTree()
        trials = [trial_of([("a", A, 0), ("b", B, 0)], 0), trial_of([("a", A, 0)], 1, PRUNED)]
        tree.refresh(trials)
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", A) == [1]

    def test_follows_answers_in_another_order(self) -> None:
        tree = StructureTree()
        path: Path = [("a", A, 0), ("b", B, 0)]
        tree.refresh([trial_of(path, 0), trial_of([("b", B, 1), ("a", A, 0)], 1)])
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", A) == [1]


class TestChangedSpace:
    def test_asks_anew_below_a_range_that_has_changed(self) -> None:
        tree, wider = StructureTree(), IntDistribution(1, 3)
        trials = [trial_of([("a", A, i)], i) for i in range(2)]
        tree.refresh(trials)
        assert tree.is_exhausted
        assert open_keys(tree, trial_of([], 2, RUNNING), "a", wider) == [0, 1, 2]
        trials.append(trial_of([("a", wider, 2)], 2))
        tree.refresh(trials)
        assert not tree.is_exhausted
        assert open_keys(tree, trial_of([], 3, RUNNING), "a", wider) == [0, 1]

    def test_running_trials_that_ask_differently_do_no_harm(self) -> None:
        """Counts stay right, so that the space is exhausted when it is."""
        tree, wider = StructureTree(), IntDistribution(1, 3)
        trials = [
            trial_of([("a", A, 0)], 0, RUNNING),
            trial_of([("a", wider, 0)], 1, RUNNING),
        ]
        tree.refresh(trials)
        trials[1].state = COMPLETE
        trials += [trial_of([("a", wider, i)], 1 + i) for i in (1, 2)]
        tree.refresh(trials)
        assert tree.is_exhausted

    def test_a_continuous_range_is_never_exhausted(self) -> None:
        tree, continuous = StructureTree(), FloatDistribution(0, 1)
        trial = create_trial(params={"x": 0.5}, distributions={"x": continuous}, value=0.0)
        trial.number = 0
        tree.refresh([trial])
        assert not tree.is_exhausted


class TestKeys:
    def test_values_that_a_distribution_has_not_count_for_nothing(self) -> None:
        """Optuna takes them when they are enqueued."""
        wide, steps = IntDistribution(0, 2, step=2), FloatDistribution(0, 0.1, step=0.1)
        for distribution, values in ((wide, [-2, 1, 4]), (steps, [-0.1, 0.04, 0.2])):
            tree = StructureTree()
            trials = []
            for number, value in enumerate(values):
                trial = trial_of([("a", distribution, 0)], number)
                trial.params["a"] = value
                trials.append(trial)
                assert not isinstance(key_of(distribution, value), int)
            tree.refresh(trials)
            assert not tree.is_exhausted
            assert open_keys(tree, trial_of([], 9, RUNNING), "a", distribution) == [0, 1]
            trials += [trial_of([("a", distribution, i)], 3 + i) for i in range(2)]
            tree.refresh(trials)
            assert tree.is_exhausted

    def test_equal_choices_are_one(self) -> None:
        tree, equal = StructureTree(), CategoricalDistribution([None, True, 1, 2])
        assert list(keys_of(equal)) == [0, 1, 3]
        tree.refresh([trial_of([("a", equal, i)], i) for i in (0, 2, 3)])
        assert tree.is_exhausted
