"""Tests of optistruct.samplers.structures."""

from collections.abc import Sequence

import numpy as np

from optistruct.samplers.structures import StructureTable

SMALL = [[3.0, 10.0], [2.0, 10.0], [1.0, 10.0], [1.0, 10.0], [4.0, 10.0]]


def floors(losses: Sequence[Sequence[float]], trials: Sequence[int] | None = None) -> list[float]:
    table = StructureTable(2)
    for place, values in enumerate(losses):
        number = place if trials is None else trials[place]
        table.add(np.array([float(place)]), values, 0.0, number)
    told: list[float] = table.of(1).floors().tolist()
    return told


class TestFloors:
    def test_are_what_several_share(self) -> None:
        assert floors([*SMALL, [0, 30]]) == [-np.inf, 10]

    def test_are_none_where_that_may_be_chance(self) -> None:
        assert floors(SMALL[1:]) == [-np.inf, -np.inf]
        assert floors([*SMALL, [0, 9]]) == [-np.inf, -np.inf]  # nobody shares the least

    def test_are_shared_by_a_tenth_of_the_trials(self) -> None:
        others = [[5.0 + number, 20.0 + number] for number in range(46)]
        assert floors([*SMALL, *others[:45]]) == [-np.inf, 10]
        assert floors([*SMALL, *others]) == [-np.inf, -np.inf]

    def test_take_the_submodels_of_a_trial_for_one(self) -> None:
        assert floors(SMALL, trials=[0, 0, 1, 2, 3]) == [-np.inf, -np.inf]

    def test_leave_out_what_has_no_values(self) -> None:
        nothing = [np.nan, np.nan]
        assert floors([nothing, *SMALL]) == [-np.inf, 10]
        assert floors([]) == floors([nothing]) == [-np.inf, -np.inf]
