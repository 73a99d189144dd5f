"""Which submodels of a structure are evaluated: those that its space could have asked for."""

import pickle
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial, FixedTrial
from sklearn.base import clone

from optistruct.exceptions import NoSubmodelsError
from optistruct.spaces import Problem, Space, build, structure_key, suggest
from optistruct.submodels import parameter_of_kind, submodels_fall

__all__ = ["Grid", "submodel_grid"]

_SIZE = 24


@dataclass(frozen=True)
class Grid:
    """Values of a parameter by which a space asks for submodels.

    Attributes:
        parameter: The parameter, as the space names it.
        own: Its value in the structure itself.
        smaller: The values of smaller structures, from small to large; where a fit ends early, it
            holds some of these only.
    """

    parameter: str
    own: Any
    smaller: tuple[Any, ...]


def submodel_grid(
    space: Space, trial: BaseTrial, problem: Problem, seed: int, structure: Any
) -> Grid | None:
    """Find the parameter by which a space asks for submodels of a structure, and spread values.

    The values are those of smaller structures among 24, which go from one bound of the parameter to
    the other in equal ratios (in equal steps where it may be 0 or less), or among all choices; so
    they are the same for all structures of a space. Those count from which the space builds what
    `set_params` makes of the structure, and nothing else.

    Args:
        space: The structure space.
        trial: The trial that the structure stands for.
        problem: The task and the table's shape.
        seed: Seed of the structures.
        structure: The unfitted structure.

    Returns:
        None if structures of its kind hold no submodels, or the space asks for no parameter of
        theirs.

    Raises:
        SubmodelError: If a parameter that the space asks for has the value of theirs, but fits of
            these settings hold no submodels, for the reason given.
    """
    try:
        parameter = parameter_of_kind(structure)
    except NoSubmodelsError:
        return None
    own = structure.get_params().get(parameter)  # a subclass may have a parameter less
    if isinstance(own, bool) or not isinstance(own, int | float):
        return None
    asked_for = {
        name: distribution
        for name, distribution in trial.distributions.items()
        if trial.params[name] == own
    }
    if not asked_for:
        return None
    falls = submodels_fall(structure)
    asking = _Asking(space, trial.params, problem, seed, structure, parameter, own)
    for name, distribution in asked_for.items():
        values = sorted(_spread(distribution), reverse=falls)
        built = [
            asking.built(name, value) for value in values if value != own and (value < own) != falls
        ]
        smaller = tuple(value for value in built if value is not None)
        if smaller:
            return Grid(name, own, smaller)
    return None


def _spread(distribution: BaseDistribution) -> set[Any]:
    """Spread values over a parameter's range, in no order, each of which it can take."""
    if isinstance(distribution, CategoricalDistribution):
        return {
            choice
            for choice in distribution.choices
            if isinstance(choice, int | float) and not isinstance(choice, bool)
        }
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    spread = np.geomspace(low, high, _SIZE) if low > 0 else np.linspace(low, high, _SIZE)
    if step is not None:
        spread = low + np.round((spread - low) / step) * step
    kind = int if isinstance(distribution, IntDistribution) else float
    return {kind(value) for value in np.clip(spread, low, high)}


class _InRange(FixedTrial):
    """Answers with what may be asked only: a range may depend on other answers."""

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        value = self._params[name]
        if not distribution._contains(distribution.to_internal_repr(value)):
            raise ValueError(f"{name}={value!r} is not in {distribution}")
        return super()._suggest(name, distribution)


@dataclass(frozen=True)
class _Asking:
    """Asks a space for structures that differ from one in a single answer.

    Attributes:
        space: The structure space.
        params: The answers that give the structure.
        problem: The task and the table's shape.
        seed: Seed of the structures.
        structure: The structure.
        parameter: The parameter in which the others may differ from it.
        own: Its value in the structure.
    """

    space: Space
    params: Mapping[str, Any]
    problem: Problem
    seed: int
    structure: Any
    parameter: str
    own: Any

    def built(self, name: str, value: Any) -> Any:
        """Tell which value the parameter has in the structure that an answer gives.

        Args:
            name: What is answered.
            value: The answer.

        Returns:
            None where the answer is refused, or gives another structure, or another value.
        """
        trial = _InRange({**self.params, name: value})
        if self._is_quickly_seen(trial, value):
            return value
        try:
            asked = build(self.space, trial, self.problem, self.seed)
        except Exception:  # whatever a space of the user's own raises
            return None
        built = asked.get_params().get(self.parameter)
        if not (isinstance(built, int | float) and built == value):
            return None
        is_meant = _written(asked.set_params(**{self.parameter: self.own})) == self._meant
        return built if is_meant else None  # 40, where a range of floats has 40.0

    def _is_quickly_seen(self, trial: BaseTrial, value: Any) -> bool:
        """Tell whether an answer gives, to the byte, what setting the attribute would give."""
        with suppress(Exception):  # what cannot be pickled, or keeps its parameters otherwise
            model, part, attribute = self._copy
            setattr(part, attribute, value)
            return pickle.dumps(suggest(self.space, trial, self.problem)) == pickle.dumps(model)
        return False

    @cached_property
    def _meant(self) -> str:
        return _written(self.structure)

    @cached_property
    def _copy(self) -> tuple[Any, Any, str]:
        """Copy what the space hands out, and find the part that has the parameter, and its name."""
        # cloned, as `build` does: where one object stands twice, the copy has two
        model = clone(suggest(self.space, FixedTrial(dict(self.params)), self.problem))
        path, _, attribute = self.parameter.rpartition("__")
        return model, model.get_params()[path] if path else model, attribute


def _written(structure: Any) -> str:
    """Write what a structure is: its key, or all its parameters where it has none."""
    return structure_key(structure) or f"{type(structure)}: {structure.get_params()}"
