"""Models made in rounds, of which the first ones are a fit of so many."""

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from optistruct.resources import count_operations, count_parameters
from optistruct.submodels.member_costs import MemberCosts
from optistruct.submodels.nested import SubmodelCost, Submodels

__all__ = ["RoundsSubmodels"]


class RoundsSubmodels(Submodels):
    """The first rounds of a model.

    Every value up to the model's own is held, however many rounds there are: where a fit has ended
    before, all values beyond stand for the whole model. So a value is held by the fits of all
    folds, or by none.
    """

    @abstractmethod
    def rounds(self) -> int:
        """Count the rounds there are."""

    def span(self) -> tuple[int, int]:
        """Hold from one round to as many as there could have been."""
        return 1, self.model.get_params()[self.parameter]

    def all_values(self) -> Sequence[int]:
        """Count the rounds there are; the last value is the model's own."""
        return *range(1, self.rounds()), self.span()[1]

    def costs_with(self, trees: MemberCosts) -> list[SubmodelCost]:
        """Add the costs of the trees to what is left of the least submodel's without its trees.

        Args:
            trees: What each tree adds to those before it, as many in each round.
        """
        rounds = self.rounds()
        parameters, operations = (np.cumsum(each.reshape(rounds, -1).sum(axis=1)) for each in trees)
        least = self.materialize(1)
        further = count_parameters(least).total - int(parameters[0])
        further_operations = count_operations(least) - float(operations[0])
        return [
            SubmodelCost(int(parameters[i]) + further, float(operations[i]) + further_operations)
            for i in np.minimum(self.values, rounds) - 1
        ]
