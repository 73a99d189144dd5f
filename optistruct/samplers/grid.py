"""Grid search: every structure of a finite space once, the answer given last changing the fastest.

The order is that of a mileage counter: all values of a range from low to high, all categories as
they are listed; the values of the last parameter are gone through before the one above it moves.
Conditional spaces are no different.
"""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct.exceptions import SpaceError
from optistruct.samplers.columns import is_continuous
from optistruct.samplers.structure_sampler import Proposal, StructureSampler
from optistruct.samplers.tree import keys_of, value_of

__all__ = ["GridSampler"]


class GridSampler(StructureSampler):
    """Visits every structure of a finite space once, in order, and then stops the study."""

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Answer with the first value below which something is left to visit.

        Raises:
            SpaceError: If the parameter is a continuous range, or the whole space had been visited
                before the trial began.
        """
        self.check_finite({param_name: param_distribution})
        closed = self._visits.closed_keys(study, trial, param_name, param_distribution)
        key = next((key for key in keys_of(param_distribution) if key not in closed), None)
        if key is None:
            if self._visits.was_all_visited(study, trial):
                raise SpaceError(
                    "every structure of the space has been visited: there is nothing left to search"
                )
            key = 0  # laid-down answers led to where nothing is left, or others visited the rest
        return value_of(param_distribution, key)

    def check_finite(self, distributions: Mapping[str, BaseDistribution]) -> None:
        """See that a space is finite.

        Args:
            distributions: What each parameter is asked with.

        Raises:
            SpaceError: If one is a continuous range.
        """
        for name, distribution in distributions.items():
            if is_continuous(distribution):
                raise SpaceError(
                    f"the parameter {name!r} is a continuous range, {distribution}, which no grid "
                    "goes through: give it a step (suggest_float(..., step=0.1)) or choices "
                    "(suggest_categorical), or take another sampler"
                )

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose nothing: the tree of what has been visited says what is next."""
        return {}
