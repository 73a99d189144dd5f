"""Ensembles whose first members are the ensemble of fewer members."""

import copy
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optistruct.submodels.member_costs import MemberCosts
from optistruct.submodels.nested import SubmodelCost, Submodels

__all__ = ["PrefixSubmodels"]


class PrefixSubmodels(Submodels):
    """The ensembles of an ensemble's first members, which are in its `estimators_`."""

    parameter = "n_estimators"

    def span(self) -> tuple[int, int]:
        """Hold from one member to all."""
        return 1, len(self.model.estimators_)

    def all_values(self) -> Sequence[int]:
        """Count from one member to all."""
        return range(1, len(self.model.estimators_) + 1)

    @abstractmethod
    def added_costs(self) -> MemberCosts:
        """Tell what each member adds to the ensemble of those before it."""

    def costs(self) -> list[SubmodelCost]:
        """Add up what the members add."""
        added = self.added_costs()
        parameters, operations = np.cumsum(added.parameters), np.cumsum(added.operations)
        last = np.minimum(self.values, len(self.model.estimators_)) - 1
        return [SubmodelCost(int(parameters[i]), float(operations[i])) for i in last]

    def materialize(self, value: int) -> Any:
        """Copy the ensemble with its first members only, and without what was told out of bag."""
        smaller = copy.copy(self.model)
        smaller.n_estimators = value
        smaller.estimators_ = self.model.estimators_[:value]
        for name in [name for name in vars(smaller) if name.startswith("oob_")]:
            if name.endswith("_"):
                delattr(smaller, name)
        return smaller

    def running_sums(self, answers: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[Any]]]:
        """Add up the members' answers one by one, as Python's `sum` does.

        Args:
            answers: One a member, in their order; drawn as far as needed.

        Yields:
            For each submodel its value, and the sum of its members' answers.
        """
        coming = iter(answers)
        total: Any = 0
        added = 0
        for value in self.values:
            for answer in islice(coming, value - added):
                total = total + answer
            added = value
            yield value, total
