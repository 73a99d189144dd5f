"""Objectives by the names that the command line knows them by."""

from sklearn.metrics import get_scorer_names

from optistruct.exceptions import UnknownNameError
from optistruct.objectives.objective import Objective
from optistruct.objectives.resources import InferenceTime, ModelSize, Operations, ParameterCount
from optistruct.objectives.score import Score

__all__ = ["by_name"]

_RESOURCES: dict[str, type[Objective]] = {
    kind().name: kind for kind in (ParameterCount, Operations, InferenceTime, ModelSize)
}


def by_name(name: str) -> Objective:
    """Make an objective from its name: that of a resource, or a scorer's.

    Args:
        name: `parameters`, `operations`, `inference_time`, `size`, or one of
            `sklearn.metrics.get_scorer_names()`.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    if name in _RESOURCES:
        return _RESOURCES[name]()
    if name in get_scorer_names():
        return Score(name)
    raise UnknownNameError("objective", name, [*_RESOURCES, *get_scorer_names()])
