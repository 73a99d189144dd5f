"""Tests of optistruct.samplers.submodels, and of what samplers make of them."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from optistruct.samplers import Nest, by_name
from optistruct.samplers.columns import Numbers
from optistruct.samplers.history import History
from optistruct.samplers.smsego import SMSEGOSampler
from optistruct.samplers.structure_sampler import Proposal

MINIMIZE = StudyDirection.MINIMIZE
TREES = IntDistribution(1, 101)
ALPHAS = IntDistribution(0, 10)


def whole(number: int, values: list[float], **params: Any) -> FrozenTrial:
    known: dict[str, Any] = {
        "kind": CategoricalDistribution(["forest", "tree", "line"]),
        "trees": TREES,
        "alpha": ALPHAS,
        "luck": IntDistribution(0, 30),
    }
    made = create_trial(
        params=params, distributions={name: known[name] for name in params}, values=values
    )
    made.number = number
    return made


FOREST = whole(0, [1.0, 81.0], kind="forest", trees=81)
TREE = whole(1, [2.0, 9.0], kind="tree", alpha=0)
LINE = whole(2, [5.0, 2.0], kind="line")
NESTS = {
    0: Nest(
        "trees", [1, 11, 21, 41, 61], [[9, 1], [5, 11], [4, 21], [1, 41], [1, 61]], [0] * 5, 1.0
    ),
    1: Nest("alpha", [8, 4, 2], [[7, 3], [4, 5], [3, 7]], [0, 2.5, 0]),
}


def history_of(*trials: FrozenTrial) -> History:
    history = History([MINIMIZE, MINIMIZE], nested=lambda trial: NESTS.get(trial.number))
    history.refresh(trials)
    return history


class TestHistory:
    def test_submodels_follow_the_trials(self) -> None:
        measured = history_of(FOREST, TREE).measured
        trees = [0.8, np.nan, 0.0, 0.1, 0.2, 0.4, 0.6, np.nan, np.nan, np.nan]
        np.testing.assert_array_equal(measured.rows[:, 1], trees)
        np.testing.assert_array_equal(measured.losses[[2, 8]], [[9, 1], [4, 5]])
        assert measured.excess.tolist() == [0] * 8 + [2.5, 0]
        assert measured.trials.tolist() == [0, 1] + [0] * 5 + [1] * 3

    def test_the_front_holds_submodels(self) -> None:
        """Neither the forest, as good as its first 41 trees, nor what breaks a limit."""
        rows = history_of(FOREST, TREE).front()
        assert rows[~np.isnan(rows[:, 1]), 1].tolist() == [0.0, 0.4]
        assert sorted(rows[~np.isnan(rows[:, 2]), 2]) == [0.0, 0.2, 0.8]

    def test_submodels_are_known(self) -> None:
        history = history_of(FOREST)
        rows = np.array([[0.0, 0.1], [0.0, 0.3]])
        assert [key in history.known_keys() for key in history.keys(rows)] == [True, False]
        history.refresh([FOREST, TREE])  # which brings another column
        rows = np.array([[0, 0.1, np.nan], [1, np.nan, 0.4], [1, np.nan, 0.6]])
        assert [key in history.known_keys() for key in history.keys(rows)] == [True, True, False]

    def test_a_few_are_lessons_each_after_its_trial(self) -> None:
        lessons = history_of(FOREST, TREE, LINE).lessons
        assert lessons.losses[:, 1].tolist() == [81, 1, 21, 61, 9, 3, 5, 7, 2]

    def test_they_too_tell_what_breaks_a_limit(self) -> None:
        failed = create_trial(state=TrialState.FAIL, params={}, distributions={})
        failed.number = 2
        verdicts = history_of(FOREST, TREE, failed).verdicts
        assert verdicts.excess.tolist() == [0, 0, 0, 0, 0, 0, 2.5, 0, np.inf]
        assert verdicts.trials.tolist() == [0] * 4 + [1] * 4 + [2]

    def test_what_was_failed_or_without_numbers_has_none(self) -> None:
        failed = create_trial(state=TrialState.FAIL, params={}, distributions={})
        broken = whole(0, [1.0, np.inf], kind="forest", trees=81)
        history = History(
            [MINIMIZE, MINIMIZE], nested=lambda trial: Nest("trees", [1], [[np.nan, 1.0]], [0.0])
        )
        history.refresh([failed, broken])
        assert len(history.nested) == 0

    @pytest.mark.parametrize("cut", range(4))
    def test_is_the_same_read_piece_by_piece(self, cut: int) -> None:
        trials = [FOREST, TREE, LINE]
        pieces, once = history_of(*trials[:cut]), history_of(*trials)
        pieces.refresh(trials)
        for mine, theirs in zip(pieces.measured, once.measured, strict=True):
            np.testing.assert_array_equal(mine, theirs)


class TestExpected:
    history = history_of(FOREST, TREE, LINE)

    def expected(self, kind: str, **params: Any) -> list[float]:
        trial = whole(9, [0, 0], kind=kind, **params)
        row = self.history._encoded(trial.params)
        rows, _ = self.history.nested.of(self.history.columns, row)
        for other in np.delete(rows, (1, 2), axis=1):
            np.testing.assert_array_equal(other, row[:1])
        numbers: list[float] = rows[:, 1 if kind == "forest" else 2].tolist()
        return numbers

    def test_are_those_that_are_smaller(self) -> None:
        assert self.expected("forest", trees=31) == [0.0, 0.1, 0.2]
        assert self.expected("forest", trees=1) == []
        assert self.expected("tree", alpha=3) == [0.4, 0.8]

    def test_take_in_what_comes_later(self) -> None:
        nests = {**NESTS, 3: Nest("trees", [1, 31], [[9, 1], [3, 31]], [0] * 2, 1.0)}
        self.history = History([MINIMIZE] * 2, nested=lambda trial: nests.get(trial.number))
        self.history.refresh([FOREST, TREE])
        assert self.expected("forest", trees=37) == [0.0, 0.1, 0.2]
        self.history.refresh([FOREST, TREE, whole(3, [0.9, 85.0], kind="forest", trees=85)])
        assert self.expected("forest", trees=37) == [0.0, 0.1, 0.2, 0.3]

    def test_are_none_of_a_kind_that_had_none(self) -> None:
        assert self.expected("line") == []

    @pytest.mark.parametrize(
        "other", [Nest("luck", [1], [[1, 1]], [0]), Nest("trees", [90], [[1, 1]], [0])]
    )
    def test_are_none_where_nobody_knows_which(self, other: Nest) -> None:
        """A flat space asks for trees and luck of whatever it builds."""
        nests = {0: Nest("trees", [1, 11], [[9, 1], [5, 11]], [0] * 2, 1.0), 1: other}
        trials = [whole(i, [1.0, 1.0], trees=81, luck=5) for i in range(2)]
        history = History([MINIMIZE] * 2, nested=lambda trial: nests[trial.number])
        history.refresh(trials[:1])
        assert len(history.nested.of(history.columns, history.rows[0])[0]) == 2
        history.refresh(trials)
        rows, cost = history.nested.of(history.columns, history.rows[0])
        assert (len(rows), cost) == (0, 1.0)
        assert len(history.nested) == 3

    def test_are_none_of_a_choice_that_is_no_number(self) -> None:
        choices = CategoricalDistribution([10, 30, None])
        trials = [
            create_trial(params={"n": n}, distributions={"n": choices}, values=[1.0, 1.0])
            for n in (30, None)
        ]
        for number, trial in enumerate(trials):
            trial.number = number
        nests = {0: Nest("n", [10], [[2, 1]], [0], 1.0)}
        history = History([MINIMIZE] * 2, nested=lambda trial: nests.get(trial.number))
        history.refresh(trials)
        rows, cost = history.nested.of(history.columns, history.rows[1])
        assert (len(rows), cost) == (0, 1.0)

    def test_are_a_few_of_many(self) -> None:
        nest = Nest("trees", list(range(1, 25)), [[1, 1]] * 24, [0] * 24)
        history = History([MINIMIZE, MINIMIZE], nested=lambda trial: nest)
        history.refresh([FOREST])
        rows, _ = history.nested.of(history.columns, history.rows[0])
        assert (rows[:, 1] * 100).round().tolist() == [0, 6, 12, 17, 23]


class TestCost:
    history = TestExpected.history

    def cost(self, **params: Any) -> float:
        row = self.history._encoded(whole(9, [0, 0], **params).params)
        _, cost = self.history.nested.of(self.history.columns, row)
        return cost

    def test_grows_with_what_is_fitted(self) -> None:
        assert self.cost(kind="forest", trees=21) == 1.0  # the middle of those measured
        assert self.cost(kind="forest", trees=98) == (1 + 98) / (1 + 21)

    def test_is_the_same_where_all_else_takes_longer(self) -> None:
        nest = Nest("trees", [1, 11], [[1, 1]] * 2, [0] * 2, 1e6)
        history = History([MINIMIZE, MINIMIZE], nested=lambda trial: nest)
        history.refresh([FOREST])
        _, cost = history.nested.of(history.columns, history.rows[0])
        assert cost == pytest.approx(1.0, rel=1e-4)

    def test_is_that_of_a_middling_one_where_it_is_not_known(self) -> None:
        assert self.cost(kind="tree", alpha=7) == self.cost(kind="line") == 1.0


def nested_objective(values: dict[str, Any], trees: int) -> list[float]:
    """An error that falls with trees and with luck, and a cost."""
    return [(values["luck"] - 7) ** 2 / 50 + 1 / trees, float(trees)]


def nest(trial: FrozenTrial) -> Nest | None:
    trees = [t for t in (1, 2, 4, 8, 16, 32, 64) if t < trial.params["trees"]]
    if not trees:
        return None
    measured = [nested_objective(trial.params, t) for t in trees]
    return Nest("trees", trees, measured, [0.0] * len(trees), fixed_cost=1.0)


def search(name: str, seed: int, *, knows: bool, n_trials: int) -> Iterator[dict[str, Any]]:
    sampler = by_name(name, seed=seed, nested=nest if knows else None, scales=["linear", "log"])
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    for _ in range(n_trials):
        trial = study.ask()
        trial.suggest_int("luck", 0, 30), trial.suggest_int("trees", 1, 100, log=True)
        study.tell(trial, nested_objective(trial.params, trial.params["trees"]))
        yield trial.params


class Watched(SMSEGOSampler):
    """Thinks that few candidates meet the limits; never looks for what breaks them by least."""

    def _likely(self, candidates: Numbers) -> Numbers:
        places = {column.name: i for i, column in enumerate(self.history.columns)}
        return (candidates[:, places["luck"]] > 0.95).astype(float)

    def _toward_limits(self, number: int) -> Proposal:
        raise AssertionError("submodels meet the limits")


@pytest.mark.parametrize("objectives", [2, 4])
def test_smsego_asks_for_what_meets_the_limits_where_submodels_alone_do(objectives: int) -> None:
    """Whatever the gains, which are weighed for few candidates where there are many objectives."""

    def measured(params: dict[str, Any], trees: int) -> list[float]:
        return (nested_objective(params, trees) * 2)[:objectives]

    def submodels(trial: FrozenTrial) -> Nest:
        values = [1, 2, 4]
        return Nest("trees", values, [measured(trial.params, v) for v in values], [0.0] * 3, 1.0)

    sampler = Watched(seed=0, nested=submodels)
    study = optuna.create_study(directions=["minimize"] * objectives, sampler=sampler)
    for number in range(20):
        trial = study.ask()
        luck, trees = trial.suggest_int("luck", 0, 30), trial.suggest_int("trees", 20, 100)
        trial.set_constraint("trees", trees - 10.0)
        study.tell(trial, measured(trial.params, trees))
        assert number < 10 or luck >= 29


def test_smsego_goes_by_the_gains_while_the_trees_know_of_nothing_that_meets_the_limits() -> None:
    """Of many submodels they learn from a few; here it is another one that meets them."""

    def submodels(trial: FrozenTrial) -> Nest:
        values = [1, 2, 4, 8, 16]
        measured = [nested_objective(trial.params, v) for v in values]
        return Nest("trees", values, measured, [1.0, 0.0, 2.0, 3.0, 4.0], 1.0)

    sampler = SMSEGOSampler(seed=0, nested=submodels)
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    for _ in range(7):
        trial = study.ask()
        trial.suggest_int("luck", 0, 30)
        trees = trial.suggest_int("trees", 20, 100)
        trial.set_constraint("trees", trees - 10.0)
        study.tell(trial, nested_objective(trial.params, trees))
    assert (sampler.history.measured.excess == 0).any()
    assert (sampler.history.verdicts.excess > 0).all()
    assert (sampler._likely(sampler.history.rows) == 1).all()


@pytest.mark.parametrize("name", ["smsego", "nsga2"])
def test_what_is_known_as_a_submodel_is_not_proposed(name: str) -> None:
    seen: set[tuple[int, int]] = set()
    for params in itertools.islice(search(name, 0, knows=True, n_trials=40), 10, None):
        assert (params["luck"], params["trees"]) not in seen
        smaller = (t for t in (1, 2, 4, 8, 16, 32, 64) if t < params["trees"])
        seen |= {(params["luck"], t) for t in itertools.chain(smaller, [params["trees"]])}


@pytest.mark.slow
def test_smsego_gets_more_of_the_front_for_the_same_trees() -> None:
    """Where each fit brings its submodels, it spends fewer trees on finding the best luck."""

    def trees_spent(knows: bool) -> int:
        spent = 0
        for seed in range(12):
            for params in search("smsego", seed, knows=knows, n_trials=40):
                spent += params["trees"]
                if params["luck"] == 7:
                    break
        return spent

    assert trees_spent(True) < 0.7 * trees_spent(False)


def test_the_cost_counts_as_much_as_smsego_is_thrifty() -> None:
    sampler = SMSEGOSampler(seed=0, nested=nest, scales=["linear", "log"])
    study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
    for _ in range(15):
        trial = study.ask()
        trial.suggest_int("luck", 0, 30), trial.suggest_int("trees", 1, 100, log=True)
        study.tell(trial, nested_objective(trial.params, trial.params["trees"]))
    history, hopeful = sampler.history, np.array([3.0, 3.0])
    asked = sampler.variation(99, history.rows).random(50)
    plain, halfway, thrifty = (sampler._gains_of(asked, hopeful, t) for t in (0.0, 0.5, 1.0))
    costs = np.array([history.nested.of(history.columns, row)[1] for row in asked])
    good = plain > 0
    assert len(np.unique(costs[good])) > 5
    np.testing.assert_allclose(plain[good] / thrifty[good], costs[good])
    np.testing.assert_allclose(plain[good] / halfway[good], costs[good] ** 0.5)
    np.testing.assert_array_equal(plain[~good], thrifty[~good])


def test_how_thrifty_smsego_is_is_drawn_for_each_trial() -> None:
    drawn = np.array([SMSEGOSampler(seed=3)._thrift(number) for number in range(300)])
    assert len(np.unique(drawn)) == 300
    assert 0 <= drawn.min() < 0.05 < 0.95 < drawn.max() <= 1
    np.testing.assert_array_equal(drawn[:5], [SMSEGOSampler(seed=3)._thrift(i) for i in range(5)])
