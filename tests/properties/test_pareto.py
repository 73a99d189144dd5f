"""Laws of optistruct.pareto that hold for any points."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from optistruct.pareto import hypervolume, is_nondominated, knee

# whole numbers in a small range, so that points are often equal, or equal in one objective
WHOLE = st.integers(-8, 8).map(float)


def points(fewest: int = 1) -> st.SearchStrategy[np.ndarray]:
    return st.integers(1, 4).flatmap(
        lambda objectives: hnp.arrays(
            float, st.tuples(st.integers(fewest, 14), st.just(objectives)), elements=WHOLE
        )
    )


def dominates(a: np.ndarray, b: np.ndarray) -> bool:
    return bool((a <= b).all() and (a < b).any())


@given(points())
def test_nobody_on_the_front_is_dominated(losses: np.ndarray) -> None:
    for member in losses[is_nondominated(losses)]:
        assert not any(dominates(other, member) for other in losses)


@given(points())
def test_everybody_off_the_front_is_dominated_by_somebody_on_it(losses: np.ndarray) -> None:
    on_front = is_nondominated(losses)
    assert on_front.any()
    for outsider in losses[~on_front]:
        assert any(dominates(member, outsider) for member in losses[on_front])


@given(points(), st.randoms(use_true_random=False))
def test_the_front_does_not_depend_on_the_order(losses: np.ndarray, random: object) -> None:
    order = list(range(len(losses)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(is_nondominated(losses[order]), is_nondominated(losses)[order])


@given(points(), st.floats(0.1, 100))
def test_the_front_does_not_depend_on_the_units(losses: np.ndarray, factor: float) -> None:
    np.testing.assert_array_equal(is_nondominated(losses * factor), is_nondominated(losses))


@given(points(fewest=2), st.integers(1, 13))
def test_hypervolume_never_shrinks_when_points_are_added(losses: np.ndarray, n: int) -> None:
    reference = np.full(losses.shape[1], 5.0)
    assert hypervolume(losses[:n], reference) <= hypervolume(losses, reference) + 1e-9


@given(points())
def test_hypervolume_is_that_of_the_front(losses: np.ndarray) -> None:
    reference = np.full(losses.shape[1], 5.0)
    front = losses[is_nondominated(losses)]
    np.testing.assert_allclose(hypervolume(front, reference), hypervolume(losses, reference))


@given(points())
def test_hypervolume_is_the_count_of_the_unit_boxes_that_are_dominated(losses: np.ndarray) -> None:
    reference = 1.0
    axes = [np.arange(-8, reference) for _ in range(losses.shape[1])]
    boxes = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, losses.shape[1])
    dominated = (losses[:, None] <= boxes).all(axis=2).any(axis=0).sum()
    measured = hypervolume(losses, np.full(losses.shape[1], reference))
    np.testing.assert_allclose(measured, dominated)


@given(
    points(),
    st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.0, 64.0]), WHOLE), min_size=4, max_size=4),
)
def test_the_knee_does_not_depend_on_units_and_origins(
    losses: np.ndarray, rescaling: list[tuple[float, float]]
) -> None:
    # powers of two and whole numbers: exact in floating point, so ties stay ties
    front = losses[is_nondominated(losses)]
    factors, shifts = np.array(rescaling).T[:, : losses.shape[1]]
    assert knee(front * factors + shifts) == knee(front)


@given(points())
def test_the_knee_is_a_member_of_the_front(losses: np.ndarray) -> None:
    assert 0 <= knee(losses[is_nondominated(losses)]) < is_nondominated(losses).sum()
    assert is_nondominated(losses)[knee(losses)]
