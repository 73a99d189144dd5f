"""Backtracking: depth-first through a finite space, leaving out what must break a limit.

A partial structure that a space finds to break a limit (see `optistruct.spaces.require`) ends its
trial half-way: everything below it has then been visited without having been built. A structure
that is refused before its fit costs no fit either.
"""

import math
from dataclasses import dataclass

from optuna.study import Study
from optuna.trial import TrialState

from optistruct.samplers.columns import cardinality
from optistruct.samplers.grid import GridSampler

__all__ = ["BacktrackingSampler", "Visited", "visited"]


@dataclass(frozen=True)
class Visited:
    """How a finite space has been gone through.

    Every value of a parameter counts as the same part of what lies below its question.

    Attributes:
        evaluated: Share of the space in the structures evaluated, from 0 to 1.
        cut: Share of the space that was cut without an evaluation, from 0 to 1.
    """

    evaluated: float
    cut: float


class BacktrackingSampler(GridSampler):
    """Goes depth-first through a finite space and leaves every branch that breaks a limit.

    Structures come in the order of `GridSampler`. Let a space ask first for what decides the most
    about its cost, and call `require` as soon as it is decided: a branch left early is a large one.
    """


def visited(study: Study) -> Visited:
    """Tell how much of a finite space was evaluated, and how much was cut without an evaluation."""
    shares = {True: 0.0, False: 0.0}
    for trial in study.get_trials(deepcopy=False):
        if trial.state.is_finished():
            is_cut = trial.state == TrialState.PRUNED
            shares[is_cut] += 1 / math.prod(map(cardinality, trial.distributions.values()))
    return Visited(evaluated=shares[False], cut=shares[True])
