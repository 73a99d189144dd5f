"""Tests of optistruct.samplers.gains."""

import numpy as np
import pytest

from optistruct.samplers.gains import Gains

STEPS = Gains(np.array([[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]))


def test_points_gain_the_hypervolume_that_they_add() -> None:
    gains = STEPS.of_each(np.array([[0.25, 0.25], [0.5, 0.25], [0.5, 0.5], [0.75, 0.7]]))
    np.testing.assert_allclose(gains, [0.25 * 0.75 + 0.25 * 0.25 + 0.25 * 0.25, 0.125, 0, -0.2])


def test_together_counts_what_several_share_once() -> None:
    alike = np.array([[0.5, 0.25], [0.5, 0.25], [0.6, 0.6]])
    assert STEPS.together(alike) == pytest.approx(0.125)
    apart = np.array([[0.5, 0.25], [0.25, 0.5]])
    assert STEPS.together(apart) == pytest.approx(0.25)


def test_of_many_points_those_that_go_beyond_the_front_by_most_are_weighed() -> None:
    points = np.column_stack([np.full(300, 0.5), np.linspace(0.1, 0.499, 300)])
    gains = STEPS.of_each(points)
    assert (gains[: STEPS.weighed] > 0).all()
    assert (gains[STEPS.weighed :] == 0).all()


@pytest.mark.parametrize("outlier", [1e6, 1e100])
def test_an_outlier_does_not_make_everything_look_alike(outlier: float) -> None:
    front = np.array([[0.0, 1.0], [1.0, 0.0]])
    others = np.random.default_rng(0).uniform(1, 2, size=(40, 2))
    feasible = np.vstack([front, others, [[outlier, 2.0]]])
    lower, least = Gains(feasible).of_each(np.array([[0.2, 0.2], [0.8, 0.8]]))
    assert lower > 1.5 * least > 1e-4


def test_the_box_reaches_to_the_worst_that_is_no_outlier() -> None:
    """So that what is far off in one objective and best in the other gains what it is worth."""
    front = np.array([[0.0, 1.0], [1.0, 0.0]])
    usual, worst = np.full((40, 2), 1.0), np.array([[5.0, 5.0]])
    gain = Gains(np.vstack([front, usual, worst])).of_each(np.array([[1.5, -0.5]]))
    np.testing.assert_allclose(gain, [3.5 * 0.5 / 25])
