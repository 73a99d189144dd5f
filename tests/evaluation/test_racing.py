"""Tests of optistruct.evaluation.racing: how a race is lost, and how often by mistake."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from optistruct import pareto
from optistruct.evaluation import Evaluation, EvaluationPlan, Grid, Race, evaluate, make_plan
from optistruct.evaluation.racing import ERROR_RATE
from optistruct.objectives import Objective, ParameterCount, Score
from optistruct.spaces import Problem
from optistruct.submodels import Submodels, nested_in
from optistruct.submodels.families.forests import ForestSubmodels
from tests.contracts.test_objectives import Throughput
from tests.evaluation.test_nested_evaluation import Trees
from tests.test_standings import complete, means_of, standings_of, values_of

Losses = NDArray[np.float64]


class Loss(Objective):
    """A cost on a linear scale, whose values are losses."""

    def measure(self, model: Any, X: Any, y: Any) -> float:
        raise NotImplementedError


def race_of(*rivals: Any, spread: Any = 0.0, by: Sequence[Objective] = (Loss(), Loss())) -> Race:
    values = np.array(rivals, dtype=float)
    return Race(by, values, np.broadcast_to(np.array(spread), (len(values), len(by))))


FLAT = [[0.2, 2.0]] * 4  # a rival of the same losses in all of four folds


class TestLeft:
    def test_not_what_is_worse_in_all(self) -> None:
        assert race_of(FLAT).left(np.array([[[0.3, 3.0]]])) == 0

    @pytest.mark.parametrize("losses", [[0.1, 3.0], [0.3, 1.0], [0.2, 2.0]])
    def test_what_is_better_in_one_or_equal(self, losses: Any) -> None:
        assert race_of(FLAT).left(np.array([[losses]])) == 1

    def test_all_up_to_the_largest_that_is_not_dominated(self) -> None:
        race = race_of(FLAT)
        lost, kept = [[0.3, 3.0]], [[0.3, 1.0]]
        for structures, left in [
            ([lost, lost, kept], 3),
            ([lost, kept, lost], 2),
            ([kept, lost, lost], 1),
            ([lost, lost, lost], 0),
        ]:
            assert race.left(np.array(structures)) == left

    def test_submodels_may_lose_to_different_rivals(self) -> None:
        race = race_of(FLAT, [[0.4, 1.0]] * 4)
        assert race.left(np.array([[[0.5, 1.5]], [[0.3, 3.0]]])) == 0

    def test_what_two_rivals_beat_neither_of_which_dominates(self) -> None:
        race = race_of([[0.2, 3.0]] * 4, [[0.4, 1.0]] * 4)
        assert race.left(np.array([[[0.3, 2.0]]])) == 1

    def test_what_is_within_the_margin_which_shrinks_fold_by_fold(self) -> None:
        race = race_of(FLAT, spread=(0.07, 0.0))
        left = [race.left(np.array([[[0.27, 3.0]] * done])) for done in (1, 2, 3)]
        assert left == [1, 1, 0]

    def test_folds_that_are_hard_for_all_do_not_count(self) -> None:
        race = race_of([[0.2, 2], [0.9, 2], [0.3, 2], [0.1, 2]], spread=(0.01, 0.0))
        assert race.left(np.array([[[0.3, 3], [1.0, 3]]])) == 0
        assert race.left(np.array([[[0.1, 3], [0.8, 3]]])) == 1

    def test_folds_that_are_hard_for_all_by_a_factor_do_not_count(self) -> None:
        folds = np.array([30.0, 5.0, 5.0, 5.0, 5.0])
        race = race_of([[one, 1.0] for one in folds], by=(Throughput(), Loss()))
        for done in range(1, 5):
            twice, half = ([[[f * one, 2.0] for one in folds[:done]]] for f in (2.0, 0.5))
            assert race.left(np.array(twice)) == 1
            assert race.left(np.array(half)) == 0

    def test_what_varies_more_than_others_in_its_own_differences(self) -> None:
        race = race_of(FLAT, spread=(0.01, 0.0))
        assert race.left(np.array([[[0.24, 3], [0.26, 3]]])) == 0
        assert race.left(np.array([[[0.15, 3], [0.35, 3]]])) == 1


class TestWorst:
    def test_is_dominated_by_a_rival_however_easy_the_first_folds(self) -> None:
        rival = [[0.1, 2], [0.5, 2], [0.6, 2], [0.4, 2]]
        race = race_of(rival, spread=(0.01, 0.0))
        losses = np.array([[0.2, 3.0]])
        assert race.left(losses[np.newaxis]) == 0
        worst = race.worst(losses)
        assert losses[0, 0] < np.mean(rival, axis=0)[0] < worst[0]
        assert worst[1] == 3.0

    def test_is_what_it_is_worse_by_so_far_and_the_margin(self) -> None:
        sure = race_of(FLAT).worst(np.array([[0.3, 3.0], [0.3, 3.0]]))
        np.testing.assert_allclose(sure, [0.3, 3.0])
        unsure = race_of(FLAT, spread=(0.02, 0.0)).worst(np.array([[0.3, 3.0], [0.3, 3.0]]))
        assert unsure[0] > sure[0] + 0.02 * np.sqrt(1 / 2 - 1 / 4)

    @pytest.mark.parametrize("folds", range(3, 12))
    def test_is_no_better_than_the_rival_by_rounding(self, folds: int) -> None:
        race = race_of([[0.2, 1234.1]] * folds, by=(Loss(), ParameterCount()))
        assert race.worst(np.array([[0.3, 1234.1]]))[1] == fmean([1234.1] * folds)

    def test_is_told_by_the_rival_by_which_the_first_objective_is_the_least_bad(self) -> None:
        far, near = [[0.1, 2.5]] * 4, FLAT
        lost = np.array([[0.3, 3.0], [0.3, 3.0]])
        race = race_of(far, near, spread=[[0.09, 0.0], [0.002, 0.0]])
        assert race.worst(lost) == race_of(near, spread=(0.002, 0.0)).worst(lost)
        race = race_of(far, near, spread=[[0.001, 0.0], [0.09, 0.0]])
        assert race.worst(lost) == race_of(far, spread=(0.001, 0.0)).worst(lost)


class Noted(RandomForestClassifier):
    """A forest that notes the number of trees of its fits, and may refuse one."""

    fitted: ClassVar[list[int]] = []
    refused: ClassVar[int | None] = None

    def fit(self, X: Any, y: Any, **kwargs: Any) -> Any:
        Noted.fitted.append(self.n_estimators)
        if self.n_estimators == Noted.refused:
            raise RuntimeError(f"no forest of {self.n_estimators} trees")
        return super().fit(X, y, **kwargs)


nested_in(Noted)(ForestSubmodels)


@dataclass(frozen=True, kw_only=True)
class Fickle(Objective):
    """Measures 1 of all models, but what it is told to of the 5 trees that are fitted as such."""

    name: ClassVar[str] = "fickle"
    of_five: float | None

    def measure(self, model: Any, X: Any, y: Any) -> float:
        return 1.0

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        if len(submodels.model.estimators_) != 5:
            return [1.0] * len(submodels)
        if self.of_five is None:
            raise RuntimeError("not of five trees")
        return [*[1.0] * (len(submodels) - 1), self.of_five]


GRID = Grid("trees", 8, (1, 3, 5))
FOREST = Noted(8, max_depth=3, random_state=0)
BY_BOTH = (Score("accuracy"), Trees())


def rival(plan: EvaluationPlan, *trees: float) -> Race:
    """Make a race against one rival of these trees, one number a fold, surely better otherwise."""
    score, _, *others = (objective.worsened(1.0, -9.0) for objective in plan.objectives)
    return race_of([[score, n, *others] for n in trees], by=plan.objectives)


def plan_of(data: Any, *objectives: Objective) -> EvaluationPlan:
    return make_plan(*data, objectives, Problem.from_data(*data), 4)


class TestEvaluate:
    """An evaluation that loses stops, or goes on with a submodel; what it measured stays."""

    @pytest.fixture(autouse=True)
    def clear(self) -> Iterator[None]:
        Noted.fitted.clear()
        yield
        Noted.refused = None

    def check_lost_at(self, evaluation: Evaluation, whole: Evaluation, folds: int) -> None:
        assert evaluation.folds == {name: values[:folds] for name, values in whole.folds.items()}
        assert evaluation.pessimistic is not None
        assert evaluation.values == evaluation.pessimistic

    def check_given_up(self, evaluation: Evaluation, plan: EvaluationPlan) -> None:
        """See that it ended at the fit of the 5 trees."""
        assert Noted.fitted == [8, 5]
        self.check_lost_at(evaluation, evaluate(FOREST, plan), 1)
        assert evaluation.curve is None

    def test_stops_after_the_fold_in_which_all_is_lost(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH)
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 0.5, 0.5, 0.5, 0.5))
        assert Noted.fitted == [8]
        self.check_lost_at(evaluation, evaluate(FOREST, plan), 1)
        assert evaluation.curve is None
        assert evaluation.values["trees"] == pytest.approx(8.0)
        assert evaluation.warnings == ()

    @pytest.mark.parametrize("grid", [None, GRID])
    def test_goes_to_the_end_where_it_keeps_up(self, grid: Grid | None, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH)
        assert evaluate(FOREST, plan, grid, rival(plan, 9, 9, 9, 9)).pessimistic is None
        assert Noted.fitted == [8, 8, 8, 8]

    def test_goes_to_the_end_where_submodels_alone_are_lost(self, binary: Any) -> None:
        """Of what is smaller but as bad, nothing is worth a fit less."""
        plan = plan_of(binary, Score("accuracy"), Trees(of_three=100.0))
        race = rival(plan, 9, 9, 9, 9)
        evaluation, whole = (evaluate(FOREST, plan, GRID, r) for r in (race, None))
        assert race.left(np.array([[[0.0, 100.0]]])) == 0
        assert (evaluation.folds, evaluation.curve) == (whole.folds, whole.curve)
        assert evaluation.pessimistic is None

    def test_the_largest_submodel_that_keeps_up_takes_its_place(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH, ParameterCount())
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 4, 4, 4, 4))
        assert Noted.fitted == [8, 3, 3, 3]
        assert len(evaluation.fit_seconds) == 4
        self.check_lost_at(evaluation, evaluate(FOREST, plan), 1)
        assert evaluation.curve is not None
        assert evaluation.curve.parameter == "trees"
        curve = dict(evaluation.curve)
        assert list(curve) == [1, 3]
        for trees, folds in curve.items():
            own = evaluate(clone(FOREST).set_params(n_estimators=trees), plan)
            assert folds == own.folds

    def test_it_may_lose_its_place_to_a_smaller_one(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH)
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 5.5, 3.5, 3.5, 3.5))
        assert Noted.fitted == [8, 5, 5, 3]
        self.check_lost_at(evaluation, evaluate(FOREST, plan), 1)
        whole = evaluate(clone(FOREST).set_params(n_estimators=3), plan, Grid("trees", 3, (1,)))
        assert whole.curve is not None
        assert evaluation.curve is not None
        assert dict(evaluation.curve) == {**dict(whole.curve), 3: whole.folds}

    def test_all_may_be_lost_later(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH)
        larger, late = [[9.0, 6.5]] * 4, [[-9.0, 0.5], *[[99.0, 0.5]] * 3]
        race = race_of(larger, late, by=plan.objectives)
        evaluation = evaluate(FOREST, plan, GRID, race)
        assert Noted.fitted == [8, 5, 5]
        self.check_lost_at(evaluation, evaluate(FOREST, plan), 1)
        assert evaluation.curve is None

    def test_of_a_pipeline(self, binary: Any) -> None:
        plan = plan_of(binary, Score("accuracy"), ParameterCount())
        structure = make_pipeline(StandardScaler(), FOREST)
        size = evaluate(FOREST, plan).folds["parameters"][0]
        Noted.fitted.clear()
        race = race_of([[9.0, size / 2]] * 4, by=plan.objectives)
        evaluation = evaluate(structure, plan, GRID, race)
        assert Noted.fitted == [8, 3, 3, 3]
        own = evaluate(clone(structure).set_params(noted__n_estimators=3), plan)
        assert evaluation.curve is not None
        assert dict(evaluation.curve)[3] == own.folds

    def test_of_alphas_that_fall(self, binary: Any) -> None:
        plan = plan_of(binary, Score("accuracy"), ParameterCount())
        tree = DecisionTreeClassifier(random_state=0)
        grid = Grid("alpha", 0.0, (0.5, 0.02, 0.01))
        whole = evaluate(tree, plan, grid)
        assert whole.curve is not None
        sizes = [folds["parameters"][0] for _, folds in whole.curve]
        race = race_of([[9.0, (sizes[0] + sizes[1]) / 2]] * 4, by=plan.objectives)
        evaluation = evaluate(tree, plan, grid, race)
        assert sizes[0] < sizes[1]
        assert evaluation.curve is not None
        assert evaluation.curve.values == (0.5,)
        own = evaluate(clone(tree).set_params(ccp_alpha=0.5), plan)
        assert dict(evaluation.curve)[0.5] == own.folds

    def test_where_submodels_are_not_measured_any_more_it_is_lost(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH, Fickle(of_five=None))
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 6, 6, 6, 6))
        self.check_given_up(evaluation, plan)
        told = "submodels were not measured: RuntimeError: not of five trees"
        assert evaluation.warnings == (told,)

    def test_where_a_submodel_cannot_be_fitted_it_is_lost(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH)
        Noted.refused = 5
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 6, 6, 6, 6))
        self.check_given_up(evaluation, plan)
        told = "submodels were not measured: RuntimeError: no forest of 5 trees"
        assert evaluation.warnings == (told,)

    def test_one_of_a_value_that_cannot_be_used_is_fitted_no_more(self, binary: Any) -> None:
        plan = plan_of(binary, *BY_BOTH, Fickle(of_five=np.nan))
        evaluation = evaluate(FOREST, plan, GRID, rival(plan, 6, 6, 6, 6))
        assert Noted.fitted == [8, 5, 3, 3]
        assert evaluation.curve is not None
        assert evaluation.curve.values == (1, 3)


def synthetic(
    seed: int, folds: int, *, quality: float, slope: float, heterogeneous: float, nested: int = 0
) -> Losses:
    """Draw (100, 1 + nested, folds, 2) losses of known fronts, from small structures to large ones.

    Cost against error, where the best structures of each cost lie on a line; folds are hard or easy
    for all alike, and each structure has noise of its own, of a deviation of its own. So has each
    submodel, and half of its structure's.
    """
    rng = np.random.default_rng(seed)
    shape = (100, 1 + nested)
    cost = np.sort(rng.uniform(1, 4, shape))
    mean = 0.3 - slope * cost + rng.exponential(quality, shape)
    deviation = 0.01 * np.exp(rng.normal(0, heterogeneous, shape))
    error = mean[..., np.newaxis] + rng.normal(0, 0.03, folds)
    noise = rng.normal(0, 1, (*shape, folds))
    noise[:, :-1] = (noise[:, :-1] + noise[:, -1:]) / np.sqrt(2)
    error += noise * deviation[..., np.newaxis]
    return np.stack([error, cost[..., np.newaxis] + rng.normal(0, 0.01, (*shape, folds))], axis=3)


class Tally:
    """Counts what a series of races dropped, against what is known of all folds."""

    def __init__(self) -> None:
        self.raced = self.dropped = self.belonging = self.dropped_wrongly = self.cut = 0

    def run(self, losses: Losses) -> None:
        """Race structures in turn with their submodels: (n, n_nested + 1, folds, 2) losses."""
        standings = standings_of(losses.shape[2])
        for number, structures in enumerate(losses):
            race = standings.race()
            left = len(structures) if race is None else self._raced(structures, race)
            whole, nested = structures[-1], structures[:-1]
            if left > len(nested):
                standings.add(complete(number, whole, *nested))
            elif left:
                standings.add(complete(number, whole, *nested[:left], lost=True))

    def keeps_the_rate(self) -> bool:
        """Tell whether what was dropped wrongly can be chance at the stated rate."""
        test = binomtest(self.dropped_wrongly, self.belonging, ERROR_RATE, alternative="greater")
        return bool(test.pvalue > 0.05)

    def _raced(self, structures: Losses, race: Race) -> int:
        """Tell how many structures are left after the last look, and count the others."""
        left, values = len(structures), values_of(structures)
        for done in range(1, structures.shape[1]):
            left = race.left(values[:left, :done])
        front = means_of(race.rivals)
        for place, one in enumerate(means_of(values)):
            belongs = bool(pareto.is_nondominated(np.vstack([front, one]))[-1])
            self.raced += 1
            self.dropped += place >= left
            self.belonging += belongs
            self.dropped_wrongly += belongs and place >= left
        self.cut += 0 < left < len(structures)
        return left


WORLDS = [
    (0.03, 0.06, 0.0),  # many that are clearly worse
    (0.002, 0.06, 0.0),  # hardly any that is clearly worse
    (0.002, 0.003, 0.0),  # nearly all alike
    (0.03, 0.06, 1.2),  # the noise of structures differs as much as tenfold
    (0.002, 0.06, 0.7),
    (0.002, 0.003, 0.7),
]


@pytest.mark.parametrize(("quality", "slope", "heterogeneous"), WORLDS)
@pytest.mark.parametrize("folds", [2, 5, 10])
class TestErrorRate:
    """Of what belongs on the front at its turn, no more is dropped than stated."""

    @pytest.mark.parametrize("nested", [0, 4])
    def test_holds_where_the_answer_is_known(
        self, nested: int, folds: int, quality: float, slope: float, heterogeneous: float
    ) -> None:
        tally = Tally()
        for seed in range(3 if nested else 6):
            tally.run(
                synthetic(
                    seed,
                    folds,
                    quality=quality,
                    slope=slope,
                    heterogeneous=heterogeneous,
                    nested=nested,
                )
            )
        assert tally.belonging > 50
        assert tally.dropped > 20
        assert (tally.cut > 20) == (nested > 0)
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
        tally.run(losses[rng.permutation(len(losses)), np.newaxis][:, :, some])
    assert tally.dropped > 0.1 * tally.raced
    assert tally.keeps_the_rate()
