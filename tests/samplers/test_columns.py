"""Tests of optistruct.samplers.columns."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from optistruct.samplers.columns import Column, cardinality, is_continuous
from optistruct.samplers.tree import key_of, value_of
from optistruct.spaces import nearest_value

CHOICES: list[Any] = ["a", "b", None, True, 3, 2.5, "1", -1]


@st.composite
def integers(draw: st.DrawFn) -> IntDistribution:
    is_log = draw(st.booleans())
    low = draw(st.integers(1, 50)) if is_log else draw(st.integers(-50, 50))
    step = 1 if is_log else draw(st.integers(1, 7))
    return IntDistribution(low, low + step * draw(st.integers(0, 60)), log=is_log, step=step)


@st.composite
def floats(draw: st.DrawFn) -> FloatDistribution:
    kind = draw(st.sampled_from(["plain", "log", "step"]))
    if kind == "step":
        step = draw(st.sampled_from([0.1, 0.25, 0.05, 1.0, 3.0]))
        low = round(draw(st.integers(-30, 30)) * step, 6)
        return FloatDistribution(low, round(low + draw(st.integers(0, 40)) * step, 6), step=step)
    low = draw(st.floats(1e-6, 100)) if kind == "log" else draw(st.floats(-100, 100))
    width = draw(st.floats(1e-3, 1e4))
    return FloatDistribution(low, low + width, log=kind == "log")


categories = st.lists(st.sampled_from(CHOICES), min_size=1, unique_by=repr).map(
    CategoricalDistribution
)
distributions: st.SearchStrategy[BaseDistribution] = st.one_of(integers(), floats(), categories)


@st.composite
def value_in(draw: st.DrawFn, distribution: Any) -> Any:
    if math.isinf(cardinality(distribution)):
        return draw(st.floats(distribution.low, distribution.high))
    return value_of(distribution, draw(st.integers(0, int(cardinality(distribution)) - 1)))


def contains(distribution: BaseDistribution, value: Any) -> bool:
    return distribution._contains(distribution.to_internal_repr(value))


class TestColumn:
    @given(distributions, st.data())
    def test_a_number_turns_back_into_its_value(
        self, distribution: BaseDistribution, data: st.DataObject
    ) -> None:
        value = data.draw(value_in(distribution))
        column = Column("x", distribution)
        number = column.encode(value)
        decoded = column.decode(number, distribution)
        assert type(decoded) is type(value)
        assert contains(distribution, decoded)
        if math.isinf(cardinality(distribution)):
            assert column.encode(decoded) == pytest.approx(number, abs=2e-12)
        else:
            assert decoded == value
            assert column.encode(decoded) == number

    @given(st.one_of(integers(), floats()), st.data())
    def test_places_lie_between_0_and_1_and_keep_the_order(
        self, distribution: BaseDistribution, data: st.DataObject
    ) -> None:
        column = Column("x", distribution)
        low, high = sorted(data.draw(st.tuples(*[value_in(distribution)] * 2)))
        assert 0 <= column.encode(low) <= column.encode(high) <= 1

    @given(st.one_of(integers(), floats()), st.lists(st.floats(-0.5, 1.5), min_size=1))
    def test_settling_twice_changes_nothing(
        self, distribution: BaseDistribution, numbers: list[float]
    ) -> None:
        column = Column("x", distribution)
        once = column.settle(np.array(numbers))
        assert ((once >= 0) & (once <= 1)).all()
        np.testing.assert_array_equal(column.settle(once), once)
        for number in once:
            value = column.decode(float(number), distribution)
            assert contains(distribution, value)
            if math.isfinite(cardinality(distribution)):
                assert column.encode(value) == number

    @given(st.lists(st.floats(0, 1), min_size=1))
    def test_a_settled_number_is_the_one_of_its_value(self, numbers: list[float]) -> None:
        """To the last digit, or a structure would not be known again when it has been tried."""
        for distribution in (FloatDistribution(0, 3), FloatDistribution(0.01, 10, log=True)):
            column = Column("x", distribution)
            for number in column.settle(np.array(numbers)):
                assert column.encode(column.decode(float(number), distribution)) == number

    def test_settles_at_the_nearest(self) -> None:
        column = Column("x", IntDistribution(0, 10, step=5))
        np.testing.assert_array_equal(
            column.settle(np.array([-1, 0.2, 0.3, 0.74, 0.76, 2])), [0, 0, 0.5, 0.5, 1, 1]
        )

    def test_a_logarithm_spreads_its_places_evenly(self) -> None:
        column = Column("x", FloatDistribution(1e-4, 1, log=True))
        places = [column.encode(value) for value in (1e-4, 1e-3, 1e-2, 1e-1, 1)]
        assert places == pytest.approx([0, 0.25, 0.5, 0.75, 1])

    @given(distributions)
    def test_lists_the_levels_of_what_has_few_values(self, distribution: BaseDistribution) -> None:
        column, count = Column("x", distribution), cardinality(distribution)
        if count > 12 and not column.is_category:
            assert column.levels is None
        else:
            assert column.levels is not None
            values = [value_of(distribution, i) for i in range(int(count))]
            np.testing.assert_array_equal(column.levels, [column.encode(v) for v in values])

    @given(distributions, st.integers(0, 99))
    def test_draws_values_that_there_are(self, distribution: BaseDistribution, seed: int) -> None:
        column = Column("x", distribution)
        drawn = column.draw(np.random.default_rng(seed), 20)
        assert drawn.shape == (20,)
        for number in drawn:
            assert contains(distribution, column.decode(float(number), distribution))
        np.testing.assert_array_equal(column.settle(drawn), drawn)

    def test_draws_all_of_few(self) -> None:
        for distribution in (IntDistribution(2, 6), CategoricalDistribution(list("abcde"))):
            drawn = Column("x", distribution).draw(np.random.default_rng(0), 200)
            assert len(np.unique(drawn)) == 5

    @pytest.mark.parametrize("value", ["four", None, "d"])
    @pytest.mark.parametrize(
        "distribution", [IntDistribution(1, 3), CategoricalDistribution(["a", "b"])], ids=str
    )
    def test_has_no_number_for_what_it_cannot_hold(
        self, distribution: BaseDistribution, value: Any
    ) -> None:
        assert math.isnan(Column("x", distribution).encode(value))

    @given(st.data())
    def test_answers_another_range_with_its_nearest_value(self, data: st.DataObject) -> None:
        seen, asked = data.draw(
            st.one_of(st.tuples(integers(), integers()), st.tuples(floats(), floats()))
        )
        number = data.draw(st.floats(0, 1))
        assert contains(asked, Column("x", seen).decode(number, asked))


class TestJoined:
    @given(st.data())
    def test_holds_the_values_of_both(self, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([integers(), floats()]))
        first, second = data.draw(kind), data.draw(kind)
        assume(first.log == second.log)
        joined = Column("x", first).joined(second)
        assert (joined.distribution.low, joined.distribution.high) == (  # type: ignore[attr-defined]
            min(first.low, second.low),
            max(first.high, second.high),
        )
        for distribution in (first, second):
            value = data.draw(value_in(distribution))
            number = joined.encode(value)
            assert 0 <= number <= 1
            assert joined.settle(np.array([number]))[0] == pytest.approx(number, abs=2e-12)
            assert joined.decode(number, distribution) == pytest.approx(value, rel=1e-6, abs=1e-6)
            assert joined.joined(distribution) == joined

    def test_keeps_a_step_that_both_have(self) -> None:
        joined = Column("x", FloatDistribution(0, 1, step=0.1)).joined(
            FloatDistribution(0.3, 1.5, step=0.1)
        )
        assert joined.distribution == FloatDistribution(0, 1.5, step=0.1)

    def test_finds_a_step_for_both(self) -> None:
        joined = Column("x", IntDistribution(0, 12, step=4)).joined(IntDistribution(6, 18, step=4))
        assert joined.distribution == IntDistribution(0, 18, step=2)

    def test_has_no_step_where_there_is_none_for_both(self) -> None:
        first = FloatDistribution(0, 2, step=1)
        for second in (FloatDistribution(0.5, 1.5, step=1), FloatDistribution(0, 2, step=0.5)):
            assert Column("x", first).joined(second).distribution == FloatDistribution(0, 2)

    @pytest.mark.parametrize(
        "other",
        [FloatDistribution(1, 8), IntDistribution(1, 8, log=True), CategoricalDistribution([1])],
        ids=str,
    )
    def test_another_kind_takes_its_place(self, other: BaseDistribution) -> None:
        assert Column("x", IntDistribution(1, 8)).joined(other) == Column("x", other)

    def test_the_same_range_changes_nothing(self) -> None:
        column = Column("x", IntDistribution(1, 8))
        assert column.joined(IntDistribution(1, 8)) is column


@pytest.mark.parametrize(
    ("distribution", "count"),
    [
        (CategoricalDistribution(["a", None]), 2),
        (CategoricalDistribution([None, True, 1]), 2),
        (IntDistribution(3, 3), 1),
        (IntDistribution(1, 64, log=True), 64),
        (IntDistribution(1, 7, step=3), 3),
        (FloatDistribution(0, 0.3, step=0.1), 4),
        (FloatDistribution(0, 1), math.inf),
        (FloatDistribution(0.5, 0.5), 1),
        (FloatDistribution(1e-4, 1, log=True), math.inf),
    ],
    ids=str,
)
def test_cardinality(distribution: BaseDistribution, count: float) -> None:
    assert cardinality(distribution) == count


def test_counts_choices_without_a_hash() -> None:
    with pytest.warns(UserWarning, match="Choices for a categorical"):
        distribution = CategoricalDistribution([[1], [1], [2]])  # type: ignore[list-item]
    assert cardinality(distribution) == 2


@given(distributions)
def test_only_a_continuous_range_has_infinitely_many(distribution: BaseDistribution) -> None:
    assert is_continuous(distribution) == math.isinf(cardinality(distribution))


@given(distributions)
def test_places_of_values_go_both_ways(distribution: BaseDistribution) -> None:
    assume(math.isfinite(cardinality(distribution)))
    for i in range(int(cardinality(distribution))):
        value = value_of(distribution, i)
        assert contains(distribution, value)
        assert key_of(distribution, value) == i


@given(st.one_of(integers(), floats()), st.floats(-1e5, 1e5))
def test_nearest_value(distribution: Any, wanted: float) -> None:
    found = nearest_value(wanted, distribution)
    assert contains(distribution, found)
    assert isinstance(found, int) == isinstance(distribution, IntDistribution)
    if distribution.step:
        count = int(cardinality(distribution))
        best = min(abs(value_of(distribution, i) - wanted) for i in range(count))
        assert abs(found - wanted) == pytest.approx(best)


@pytest.mark.parametrize(
    "distribution",
    [
        IntDistribution(1, 3),
        IntDistribution(0, 30, step=10),
        FloatDistribution(0.0, 1.0, step=0.25),
    ],
)
def test_draws_every_value_alike(distribution: Any) -> None:
    column = Column("x", distribution)
    _, counts = np.unique(column.draw(np.random.default_rng(0), 6000), return_counts=True)
    assert len(counts) == cardinality(distribution)
    assert counts.min() > 0.9 * counts.max()


def test_draws_small_whole_numbers_of_a_logarithmic_range_as_often_as_they_are_wide() -> None:
    column = Column("x", IntDistribution(1, 300, log=True))
    is_one = column.draw(np.random.default_rng(0), 6000) == 0
    width = math.log(1.5 / 0.5) / math.log(300.5 / 0.5)
    assert is_one.mean() == pytest.approx(width, abs=0.02)
