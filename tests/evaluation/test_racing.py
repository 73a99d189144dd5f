"""Tests of optistruct.evaluation.racing: how a race is lost, and how often by mistake."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct import pareto
from optistruct.evaluation import Evaluation, Grid, Race, evaluate, make_plan
from optistruct.evaluation.racing import ERROR_RATE
from optistruct.objectives import Objective, ParameterCount, Score
from optistruct.spaces import Problem
from tests.test_standings import complete, standings_of

Losses = NDArray[np.float64]


def race_of(*rivals: Any, spread: Any = (0.0, 0.0)) -> Race:
    array = np.array(rivals, dtype=float)
    return Race(array, np.broadcast_to(np.array(spread), (len(array), array.shape[2])))


FLAT = [[0.2, 2.0]] * 4  # a rival of the same losses in all of four folds


class TestIsLost:
    def test_by_what_is_worse_in_all(self) -> None:
        assert race_of(FLAT).is_lost(np.array([[[0.3, 3.0]]]))

    @pytest.mark.parametrize("losses", [[0.1, 3.0], [0.3, 1.0], [0.2, 2.0]])
    def test_not_by_what_is_better_in_one_or_equal(self, losses: Any) -> None:
        assert not race_of(FLAT).is_lost(np.array([[losses]]))

    def test_not_while_one_submodel_is_not(self) -> None:
        race = race_of(FLAT)
        assert not race.is_lost(np.array([[[0.3, 3.0]], [[0.3, 1.0]]]))
        assert race.is_lost(np.array([[[0.3, 3.0]], [[0.3, 2.5]]]))

    def test_submodels_may_lose_to_different_rivals(self) -> None:
        race = race_of(FLAT, [[0.4, 1.0]] * 4)
        assert race.is_lost(np.array([[[0.3, 3.0]], [[0.5, 1.5]]]))

    def test_not_to_two_rivals_neither_of_which_dominates(self) -> None:
        race = race_of([[0.2, 3.0]] * 4, [[0.4, 1.0]] * 4)
        assert not race.is_lost(np.array([[[0.3, 2.0]]]))

    def test_not_within_the_margin_which_shrinks_fold_by_fold(self) -> None:
        race = race_of(FLAT, spread=(0.07, 0.0))
        lost = [race.is_lost(np.array([[[0.27, 3.0]] * done])) for done in (1, 2, 3)]
        assert lost == [False, False, True]

    def test_folds_that_are_hard_for_all_do_not_count(self) -> None:
        race = race_of([[0.2, 2], [0.9, 2], [0.3, 2], [0.1, 2]], spread=(0.01, 0.0))
        assert race.is_lost(np.array([[[0.3, 3], [1.0, 3]]]))
        assert not race.is_lost(np.array([[[0.1, 3], [0.8, 3]]]))

    def test_not_where_its_own_differences_vary_more_than_others(self) -> None:
        race = race_of(FLAT, spread=(0.01, 0.0))
        assert race.is_lost(np.array([[[0.24, 3], [0.26, 3]]]))
        assert not race.is_lost(np.array([[[0.15, 3], [0.35, 3]]]))


class TestWorst:
    def test_is_dominated_by_a_rival_however_easy_the_first_folds(self) -> None:
        rival = [[0.1, 2], [0.5, 2], [0.6, 2], [0.4, 2]]
        race = race_of(rival, spread=(0.01, 0.0))
        losses = np.array([[0.2, 3.0]])
        assert race.is_lost(losses[np.newaxis])
        worst = race.worst(losses)
        assert losses[0, 0] < np.mean(rival, axis=0)[0] < worst[0]
        assert worst[1] == 3.0

    def test_is_what_it_is_worse_by_so_far_and_the_margin(self) -> None:
        sure = race_of(FLAT).worst(np.array([[0.3, 3.0], [0.3, 3.0]]))
        np.testing.assert_allclose(sure, [0.3, 3.0])
        unsure = race_of(FLAT, spread=(0.02, 0.0)).worst(np.array([[0.3, 3.0], [0.3, 3.0]]))
        assert unsure[0] > sure[0] + 0.02 * np.sqrt(1 / 2 - 1 / 4)


class TestEvaluate:
    """An evaluation that loses stops; what it measured stays."""

    def evaluate(
        self, binary: Any, race: Race | None, grid: Grid | None = None, trees: int = 8
    ) -> Evaluation:
        X, y = binary
        plan = make_plan(X, y, (Score("accuracy"), ParameterCount()), Problem.from_data(X, y), 4)
        forest = RandomForestClassifier(trees, max_depth=3, random_state=0)
        return evaluate(forest, plan, grid, race)

    def test_stops_after_the_fold_in_which_it_is_lost(self, binary: Any) -> None:
        evaluation = self.evaluate(binary, race_of([[-1.0, 0.0]] * 4))
        whole = self.evaluate(binary, None)
        assert evaluation.folds == {name: values[:1] for name, values in whole.folds.items()}
        assert len(evaluation.fit_seconds) == 1
        assert evaluation.pessimistic is not None
        assert evaluation.values == evaluation.pessimistic
        assert evaluation.values["parameters"] >= evaluation.folds["parameters"][0]

    def test_goes_to_the_end_where_it_keeps_up(self, binary: Any) -> None:
        race = race_of([[1.0, 9.0]] * 4)
        evaluation, whole = self.evaluate(binary, race), self.evaluate(binary, None)
        assert (evaluation.folds, evaluation.pessimistic) == (whole.folds, None)

    def test_goes_to_the_end_where_a_submodel_keeps_up(self, binary: Any) -> None:
        whole = self.evaluate(binary, None)
        small = self.evaluate(binary, None, trees=1)
        between = np.log10((small.values["parameters"] * whole.values["parameters"]) ** 0.5)
        race = race_of([[-1.0, between]] * 4)
        assert self.evaluate(binary, race).pessimistic is not None
        nested = self.evaluate(binary, race, Grid("n_estimators", 8, (1,)))
        assert nested.pessimistic is None
        assert nested.folds == whole.folds


def synthetic(
    seed: int, folds: int, *, quality: float, slope: float, heterogeneous: float
) -> Losses:
    """Draw (100, folds, 2) losses of known fronts.

    Cost against error, where the best structures of each cost lie on a line; folds are hard or easy
    for all alike, and each structure has noise of its own, of a deviation of its own.
    """
    rng = np.random.default_rng(seed)
    cost = rng.uniform(1, 4, 100)
    mean = 0.3 - slope * cost + rng.exponential(quality, 100)
    deviation = 0.01 * np.exp(rng.normal(0, heterogeneous, 100))
    error = mean[:, np.newaxis] + rng.normal(0, 0.03, folds)
    error += rng.normal(0, 1, (100, folds)) * deviation[:, np.newaxis]
    return np.stack([error, cost[:, np.newaxis] + rng.normal(0, 0.01, (100, folds))], axis=2)


class Tally:
    """Counts what a series of races dropped, against what is known of all folds."""

    def __init__(self) -> None:
        self.raced = self.dropped = self.belonging = self.dropped_wrongly = 0

    def run(self, losses: Losses) -> None:
        """Race structures in turn; (n, folds, n_objectives)."""
        folds = losses.shape[1]
        standings = standings_of(folds)
        for number, structure in enumerate(losses):
            race = standings.race()
            if race is None or not self._is_dropped(structure, race):
                standings.add(complete(number, structure))

    def keeps_the_rate(self) -> bool:
        """Tell whether what was dropped wrongly can be chance at the stated rate."""
        test = binomtest(self.dropped_wrongly, self.belonging, ERROR_RATE, alternative="greater")
        return bool(test.pvalue > 0.05)

    def _is_dropped(self, structure: Losses, race: Race) -> bool:
        front = race.rivals.mean(axis=1)
        points = np.vstack([front, structure.mean(axis=0)])
        belongs = bool(pareto.is_nondominated(points)[-1])
        dropped = any(race.is_lost(structure[np.newaxis, :f]) for f in range(1, len(structure)))
        self.raced += 1
        self.dropped += dropped
        self.belonging += belongs
        self.dropped_wrongly += belongs and dropped
        return dropped


@pytest.mark.parametrize("folds", [2, 5, 10])
class TestErrorRate:
    """Of the structures that belong on the front at their turn, no more are dropped than stated."""

    @pytest.mark.parametrize(
        ("quality", "slope", "heterogeneous"),
        [
            (0.03, 0.06, 0.0),  # many that are clearly worse
            (0.002, 0.06, 0.0),  # hardly any that is clearly worse
            (0.002, 0.003, 0.0),  # nearly all alike
            (0.03, 0.06, 1.2),  # the noise of structures differs as much as tenfold
            (0.002, 0.06, 0.7),
            (0.002, 0.003, 0.7),
        ],
    )
    def test_holds_where_the_answer_is_known(
        self, folds: int, quality: float, slope: float, heterogeneous: float
    ) -> None:
        tally = Tally()
        for seed in range(6):
            tally.run(
                synthetic(seed, folds, quality=quality, slope=slope, heterogeneous=heterogeneous)
            )
        assert tally.belonging > 50
        assert tally.dropped > 20
        assert tally.keeps_the_rate()


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["wine", "diabetes"])
def test_the_error_rate_holds_on_real_folds(dataset: str) -> None:
    """All structures are evaluated in all folds first, and raced on what was stored."""
    load, tree, score = {
        "wine": (load_wine, DecisionTreeClassifier, "balanced_accuracy"),
        "diabetes": (load_diabetes, DecisionTreeRegressor, "r2"),
    }[dataset]
    X, y = load(return_X_y=True)
    objectives: tuple[Objective, ...] = (Score(score), ParameterCount())
    plan = make_plan(X, y, objectives, Problem.from_data(X, y), 10)
    rng = np.random.default_rng(0)
    stored = []
    for _ in range(150):
        structure = tree(
            max_depth=int(rng.integers(1, 13)),
            min_samples_leaf=int(2 ** rng.uniform(0, 6)),
            random_state=0,
        )
        folds = evaluate(structure, plan).folds
        stored.append(np.stack([o.loss(folds[o.name]) for o in objectives], axis=1))
    losses = np.array(stored)
    tally = Tally()
    for _ in range(8):
        some = rng.permutation(10)[: rng.choice([3, 5, 10])]
        tally.run(losses[rng.permutation(len(losses))][:, some])
    assert tally.dropped > 0.1 * tally.raced
    assert tally.keeps_the_rate()
