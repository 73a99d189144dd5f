"""From a trial to an unfitted estimator, with its seed set."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from sklearn.base import clone

from optistruct.exceptions import SpaceError
from optistruct.spaces.problem import Problem

__all__ = ["AnyTrial", "Space", "build", "space_name", "suggest"]


class AnyTrial(Protocol):
    """What a space needs of a trial; every trial of Optuna has it."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggest a number."""

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Suggest a whole number."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggest one of several values."""


Space = Callable[..., Any]
"""`space(trial) -> unfitted estimator`, or `space(trial, problem)`."""


def space_name(space: Space) -> str:
    """Name a space: its own `name` or `__name__`, else its class's."""
    wrapped = getattr(space, "func", space)
    name = getattr(space, "name", None) or getattr(wrapped, "__name__", type(space).__name__)
    return str(name)


def suggest(space: Space, trial: AnyTrial, problem: Problem) -> Any:
    """Call a search function, with the problem if it has a parameter of that name.

    Raises:
        SpaceError: If `space` cannot be called with a trial.
    """
    try:
        parameters = inspect.signature(space).parameters
    except (TypeError, ValueError):
        raise SpaceError(
            f"a space must be a function (trial) or (trial, problem), got {space!r}"
        ) from None
    required = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    if next(iter(parameters), "problem") == "problem" or not set(required[1:]) <= {"problem"}:
        raise SpaceError(
            f"the space {space_name(space)!r} must take (trial) or (trial, problem), "
            f"got ({', '.join(parameters)})"
        )
    return space(trial, problem=problem) if "problem" in parameters else space(trial)


def build(space: Space, trial: AnyTrial, problem: Problem, seed: int) -> Any:
    """Build the structure that a trial stands for.

    Every `random_state` that the space left at None is set to `seed`, in nested estimators and
    splitters too, so that the same trial is the same structure wherever it is built.

    Args:
        space: The structure space.
        trial: An Optuna trial; a `FixedTrial` builds a structure from known parameters.
        problem: The task and the table's shape.
        seed: Any integer from 0 to 2**32 - 1.

    Returns:
        An unfitted estimator.

    Raises:
        SpaceError: If the space returns something that cannot be fitted and predict.
    """
    estimator = suggest(space, trial, problem)
    if isinstance(estimator, type) or not (
        callable(getattr(estimator, "fit", None)) and hasattr(estimator, "get_params")
    ):
        raise SpaceError(
            f"the space {space_name(space)!r} must return an unfitted scikit-learn estimator, "
            f"got {estimator!r}"
        )
    made = clone(estimator)  # one of its own, where the space hands out the same for all
    unset = {}
    for name, value in made.get_params(deep=True).items():
        if value is None and (name == "random_state" or name.endswith("__random_state")):
            unset[name] = seed
        elif _draws_other_folds_every_time(value):
            value.random_state = seed
    return made.set_params(**unset)


def _draws_other_folds_every_time(value: Any) -> bool:
    is_splitter = hasattr(value, "split") and getattr(value, "random_state", 0) is None
    return is_splitter and bool(getattr(value, "shuffle", True))
