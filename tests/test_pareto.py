"""Tests of optistruct.pareto on fronts worked out by hand."""

import numpy as np
import pytest

from optistruct.pareto import hypervolume, is_nondominated, knee


class TestIsNondominated:
    def test_two_objectives(self) -> None:
        losses = np.array([[1, 5], [2, 3], [3, 4], [4, 1], [4, 2], [0, 9]], dtype=float)
        expected = [True, True, False, True, False, True]
        assert is_nondominated(losses).tolist() == expected

    def test_three_objectives(self) -> None:
        losses = np.array([[1, 2, 3], [3, 2, 1], [2, 2, 2], [3, 3, 3], [1, 2, 4]], dtype=float)
        assert is_nondominated(losses).tolist() == [True, True, True, False, False]

    def test_equal_points_all_count(self) -> None:
        losses = np.array([[1, 2], [1, 2], [2, 1], [2, 2]], dtype=float)
        assert is_nondominated(losses).tolist() == [True, True, True, False]

    def test_one_objective_keeps_the_best(self) -> None:
        assert is_nondominated(np.array([[3.0], [1.0], [2.0], [1.0]])).tolist() == [
            False,
            True,
            False,
            True,
        ]

    def test_no_points(self) -> None:
        front = is_nondominated(np.zeros((0, 2)))
        assert front.shape == (0,)
        assert front.dtype == bool


class TestHypervolume:
    def test_is_the_area_of_the_staircase(self) -> None:
        losses = np.array([[1, 3], [2, 2], [3, 1]], dtype=float)
        assert hypervolume(losses, np.array([4.0, 4.0])) == pytest.approx(3 * 1 + 2 * 1 + 1 * 1)

    def test_is_the_volume_of_a_box(self) -> None:
        assert hypervolume(np.array([[1.0, 2.0, 3.0]]), np.array([2.0, 4.0, 6.0])) == 6

    def test_adds_nothing_for_points_beyond_the_reference(self) -> None:
        losses = np.array([[1, 1], [0, 5], [3, 0], [2, 1]], dtype=float)
        assert hypervolume(losses, np.array([2.0, 2.0])) == pytest.approx(1)
        assert hypervolume(losses + 9, np.array([2.0, 2.0])) == 0

    def test_of_no_points_is_nothing(self) -> None:
        assert hypervolume(np.zeros((0, 3)), np.ones(3)) == 0.0


class TestKnee:
    def test_bulges_furthest(self) -> None:
        losses = np.array([[0, 10], [1, 3], [2, 2.5], [6, 1], [10, 0]], dtype=float)
        assert knee(losses) == 1

    def test_weighs_the_objectives_alike_whatever_their_units(self) -> None:
        losses = np.array([[0, 10_000], [1, 9_000], [4, 3_000], [10, 0]], dtype=float)
        assert knee(losses) == 2

    def test_of_three_objectives(self) -> None:
        corners = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        assert knee(np.array([*corners, [0.2, 0.3, 0.2], [0.4, 0.4, 0.1]])) == 3

    def test_of_one_point_is_that_point(self) -> None:
        assert knee(np.array([[3.0, 4.0]])) == 0

    def test_is_the_first_of_several(self) -> None:
        assert knee(np.array([[0, 4], [1, 1], [1, 1], [4, 0]], dtype=float)) == 1

    def test_passes_over_an_objective_that_all_share(self) -> None:
        assert knee(np.array([[5, 0, 8], [5, 1, 1], [5, 8, 0]], dtype=float)) == 1
