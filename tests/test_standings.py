"""Tests of optistruct.standings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, create_trial

from optistruct.evaluation import Curve, Evaluation, fold_losses
from optistruct.objectives import ParameterCount, Score
from optistruct.standings import Standings
from optistruct.unfolding import EVALUATION

OBJECTIVES = (Score("neg_log_loss"), ParameterCount(at_most=10**6))
Losses = NDArray[np.float64]


def folds_of(losses: Losses) -> dict[str, tuple[float, ...]]:
    return {"log_loss": tuple(losses[:, 0]), "parameters": tuple(10.0 ** losses[:, 1])}


def complete(number: int, losses: Losses, *nested: Losses, lost: bool = False) -> FrozenTrial:
    """Make a complete trial of (folds, 2) losses, with submodels of such."""
    inner = [folds_of(one) for one in nested]
    rows = {name: tuple(one[name] for one in inner) for name in ("log_loss", "parameters")}
    evaluation = Evaluation(
        folds_of(losses),
        (0.1,) * len(losses),
        {},
        (),
        Curve("trees", tuple(range(1, len(nested) + 1)), rows) if nested else None,
        {"log_loss": 9.0, "parameters": 10.0} if lost else None,
    )
    values = [evaluation.values[o.name] for o in OBJECTIVES]
    trial = create_trial(values=values, user_attrs={EVALUATION: evaluation.to_json()})
    trial.number = number
    for objective in OBJECTIVES:
        for limit, excess in objective.violations(evaluation.values[objective.name]).items():
            trial.set_constraint(limit, excess)
    return trial


def standings_of(folds: int) -> Standings:
    return Standings(OBJECTIVES, folds)


def drawn(n: int = 12, folds: int = 3, seed: int = 0) -> Losses:
    rng = np.random.default_rng(seed)
    errors = rng.uniform(0.2, 0.5, n)[:, np.newaxis] + rng.normal(0, 0.02, (n, folds))
    costs = rng.uniform(1, 3, n)[:, np.newaxis] + rng.normal(0, 0.01, (n, folds))
    return np.stack([errors, costs], axis=2)


def filled(losses: Losses) -> Standings:
    standings = standings_of(losses.shape[1])
    for number, one in enumerate(losses):
        standings.add(complete(number, one))
    return standings


def race_of(standings: Standings) -> Any:
    race = standings.race()
    assert race is not None
    return race


def values_of(losses: Losses) -> Losses:
    """Turn (..., 2) losses into values, of which the second is on a log scale."""
    return np.stack([losses[..., 0], 10.0 ** losses[..., 1]], axis=-1)


def means_of(values: Losses) -> Losses:
    """Turn (..., folds, 2) values into the losses of their means, as the front does."""
    means = values.mean(axis=-2)
    return np.stack([o.loss(means[..., place]) for place, o in enumerate(OBJECTIVES)], axis=-1)


def sorted_rows(rivals: Losses) -> list[list[float]]:
    return sorted(rivals.reshape(len(rivals), -1).round(9).tolist())


def test_there_is_no_race_before_ten_structures_are_known() -> None:
    losses = drawn(10)
    assert filled(losses[:9]).race() is None
    assert filled(losses).race() is not None


def test_there_is_no_race_over_one_fold() -> None:
    assert filled(drawn(folds=1)).race() is None


def test_there_is_no_race_while_no_structure_meets_the_limits() -> None:
    assert filled(drawn() + np.array([0.0, 9.0])).race() is None


def test_the_rivals_are_the_front() -> None:
    losses = drawn()
    means = means_of(values_of(losses))
    on_front = [not ((means <= m).all(axis=1) & (means < m).any(axis=1)).any() for m in means]
    assert 1 < sum(on_front) < len(losses)
    assert sorted_rows(race_of(filled(losses)).rivals) == sorted_rows(values_of(losses)[on_front])


def test_a_rival_is_worth_what_it_is_on_the_front() -> None:
    """On a log scale that is the logarithm of the mean, not the mean of the logarithms."""
    rival = np.array([[0.0, cost] for cost in (1, 1, 1, 1, 2)])
    race = race_of(filled(np.concatenate([np.ones((11, 5, 2)) * [1, 9], rival[np.newaxis]])))
    np.testing.assert_allclose(race.rivals.mean(axis=1), [[0.0, 28]])
    for cost, left in ((20, 1), (30, 0)):  # the mean of the logarithms is that of 15.8
        assert race.left(np.array([[[0.5, cost]] * 5])) == left


def test_a_submodel_of_several_trials_is_one_rival() -> None:
    standings = filled(drawn())
    small = np.tile([0.01, 0.5], (3, 1))
    for number in range(12, 15):
        standings.add(complete(number, np.tile([0.6, 5.0], (3, 1)), small))
    np.testing.assert_allclose(race_of(standings).rivals, values_of(small)[np.newaxis])


def test_the_order_in_which_trials_end_does_not_matter() -> None:
    losses = drawn()
    one, other = race_of(filled(losses)), race_of(filled(losses[::-1]))
    np.testing.assert_array_equal(one.rivals, other.rivals)
    np.testing.assert_allclose(one.spread, other.spread)


def test_what_breaks_a_limit_is_no_rival() -> None:
    standings = filled(drawn())
    before = race_of(standings).rivals
    best = np.tile([0.0, 6.5], (3, 1))
    standings.add(complete(12, best))
    np.testing.assert_array_equal(race_of(standings).rivals, before)


def test_submodels_are_rivals() -> None:
    standings = filled(drawn())
    small = np.tile([0.01, 0.5], (3, 1))
    standings.add(complete(12, np.tile([0.6, 5.0], (3, 1)), small))
    np.testing.assert_allclose(race_of(standings).rivals, values_of(small)[np.newaxis])


def test_what_lost_a_race_does_not_count() -> None:
    losses = drawn()
    standings = filled(losses[:9])
    standings.add(complete(9, losses[9], lost=True))
    assert standings.race() is None
    standings.add(complete(10, losses[10]))
    assert standings.race() is not None


def test_what_was_cut_counts_by_the_largest_of_its_submodels() -> None:
    losses = drawn(14)
    standings = filled(losses[:11])
    standings.add(complete(11, losses[11, :1], losses[12], losses[13], lost=True))
    expected = filled(losses[:11])
    expected.add(complete(11, losses[13], losses[12]))
    assert sorted_rows(race_of(standings).rivals) == sorted_rows(race_of(expected).rivals)
    assert sorted_rows(race_of(standings).spread) == sorted_rows(race_of(expected).spread)


def test_a_trial_without_a_record_does_not_count() -> None:
    standings = filled(drawn(9))
    standings.add(create_trial(values=[0.1, 10.0]))
    assert standings.race() is None


def test_the_spread_is_that_of_paired_differences_of_each_rival_and_of_all_at_least() -> None:
    losses = drawn()
    race, values = race_of(filled(losses)), values_of(losses)
    variances = np.array(
        [
            [(one - rival).var(axis=0, ddof=1) for one in fold_losses(OBJECTIVES, values)]
            for rival in fold_losses(OBJECTIVES, race.rivals)
        ]
    ).mean(axis=1)
    expected = np.sqrt(np.maximum(variances, variances.mean(axis=0)))
    np.testing.assert_allclose(race.spread, expected)


def test_folds_that_are_hard_for_all_add_no_spread() -> None:
    losses = drawn()
    harder = losses + np.array([[0.5, 0], [0, 0], [-0.1, 0]])
    np.testing.assert_allclose(
        race_of(filled(harder)).spread, race_of(filled(losses)).spread, rtol=1e-6
    )
