"""A space called without a study: what it asks for, and whether given parameters answer it."""

from collections.abc import Mapping
from typing import Any, NoReturn

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FixedTrial

from optistruct.exceptions import ArgumentError, UnknownNameError
from optistruct.spaces.build import Space, space_name, suggest
from optistruct.spaces.problem import Problem
from optistruct.spaces.require import limited
from optistruct.spaces.values import nearest_value

__all__ = ["check_parameters", "fitted_parameters"]


def check_parameters(space: Space, problem: Problem, params: Mapping[str, Any]) -> dict[str, Any]:
    """See that a space asks for these parameters, and that they are within its ranges.

    The space is called once, with no limits laid down. What `params` leaves open is answered by
    the lowest value or the first choice; a parameter that exists only under another one's value
    needs that one beside it. A space that refuses the structure (by `optuna.TrialPruned`) is
    believed as far as it came; any other error of its own goes through.

    Args:
        space: The structure space.
        problem: The task and the table's shape.
        params: Names and values, as `study.enqueue_trial` takes them.

    Returns:
        The parameters as a database keeps them: 1 is 1.0 where a range is of floats, and the choice
        itself that it equals.

    Raises:
        UnknownNameError: If a name is never asked for; the message lists those that are.
        ArgumentError: If a value is out of its range, not among the choices or of a wrong type.
    """
    return _dry_run(space, problem, params, clip=False)


def fitted_parameters(space: Space, problem: Problem, params: Mapping[str, Any]) -> dict[str, Any]:
    """Move numbers that are out of a space's ranges to the nearest that are in them.

    Returns:
        The parameters as a database keeps them.

    Raises:
        UnknownNameError: If a name is never asked for.
        ArgumentError: If a value is not among the choices or of a wrong type.
    """
    return _dry_run(space, problem, params, clip=True)


class _DryTrial(FixedTrial):
    """A trial that answers with given parameters, and by the lowest value what they leave open."""

    def __init__(self, params: Mapping[str, Any], clip: bool) -> None:
        super().__init__(dict(params))
        self._clip = clip

    def _suggest(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._params:
            self._params[name] = _lowest(distribution)
        _check_value(name, self._params[name], distribution, self._clip)
        if self._clip and not isinstance(distribution, CategoricalDistribution):
            self._params[name] = nearest_value(self._params[name], distribution)
        kept = distribution.to_internal_repr(self._params[name])
        self._params[name] = distribution.to_external_repr(kept)
        return super()._suggest(name, distribution)


def _dry_run(
    space: Space, problem: Problem, params: Mapping[str, Any], clip: bool
) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise ArgumentError(
            f"params must map parameters' names to values, as in {{'max_depth': 3}}, got {params!r}"
        )
    trial = _DryTrial(params, clip)
    try:
        with limited({}):
            suggest(space, trial, problem)
    except optuna.TrialPruned:
        pass
    else:
        for name in params:
            if name not in trial.params:
                _refuse_name(name, space, trial)
    return {name: trial.params.get(name, value) for name, value in params.items()}


def _refuse_name(name: object, space: Space, trial: FixedTrial) -> NoReturn:
    kind = (
        f"parameter of the space {space_name(space)!r} "
        "(a conditional one needs its condition beside it)"
    )
    raise UnknownNameError(kind, name, trial.params)


def _lowest(distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return distribution.low


def _check_value(name: str, value: Any, distribution: BaseDistribution, clip: bool) -> None:
    if isinstance(distribution, CategoricalDistribution):
        if not any(_is_same(value, choice) for choice in distribution.choices):
            choices = ", ".join(map(repr, distribution.choices))
            raise ArgumentError(f"{name} must be one of {choices}, got {value!r}")
        return
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if not _is_number(value) or (
        isinstance(distribution, IntDistribution) and not isinstance(value, int)
    ):
        wanted = "int" if isinstance(distribution, IntDistribution) else "float"
        raise ArgumentError(
            f"{name} must be of type {wanted}, {_range(distribution)}, got {value!r}"
        )
    is_inside = distribution.low <= value <= distribution.high and distribution._contains(value)
    if value != value or not (clip or is_inside):
        raise ArgumentError(f"{name} must be {_range(distribution)}, got {value!r}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_same(value: Any, choice: Any) -> bool:
    if type(value) is not type(choice) and not (_is_number(value) and _is_number(choice)):
        return False
    return bool(value == choice or (value != value and choice != choice))


def _range(distribution: FloatDistribution | IntDistribution) -> str:
    steps = "" if distribution.step in (None, 1) else f" in steps of {distribution.step}"
    return f"from {distribution.low} to {distribution.high}{steps}"
