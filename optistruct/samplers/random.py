"""Random search that never visits a structure twice."""

from optuna.study import Study
from optuna.trial import FrozenTrial

from optistruct.samplers.structure_sampler import Proposal, StructureSampler

__all__ = ["RandomSampler"]


class RandomSampler(StructureSampler):
    """Draws every parameter at random, evenly over its range or values."""

    def propose(self, study: Study, trial: FrozenTrial) -> Proposal:
        """Propose nothing: what a proposal lacks is drawn at random."""
        return {}
