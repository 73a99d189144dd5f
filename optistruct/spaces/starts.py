"""Good first structures: what a search tries before its sampler knows anything."""

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, TypeVar

from optistruct.exceptions import ArgumentError
from optistruct.spaces.build import Space, space_name
from optistruct.spaces.compose import Choice, Pipeline
from optistruct.spaces.dry_run import fitted_parameters
from optistruct.spaces.problem import Problem
from optistruct.spaces.tabular import Tabular

__all__ = ["starting_with", "starts"]

SpaceT = TypeVar("SpaceT", bound=Space)
Start = dict[str, Any]

_MANY_FAMILIES = 5
_LEVELS_OF_MANY = 2


def starting_with(*structures: Mapping[str, Any]) -> Callable[[SpaceT], SpaceT]:
    """Give a space its good first structures, small to large.

    ```python
    @spaces.starting_with({"depth": 2}, {"depth": 6})
    def tree(trial):
        return DecisionTreeClassifier(max_depth=trial.suggest_int("depth", 1, 9))
    ```

    Args:
        *structures: The parameters of each; what one leaves open is the sampler's to answer, and
            numbers beyond the space's ranges become the nearest within.

    Returns:
        A decorator that hands the same space back, with the structures as its attribute `starts`.

    Raises:
        ArgumentError: If one is not a mapping of names to values.
    """
    for structure in structures:
        if not isinstance(structure, Mapping) or not all(isinstance(n, str) for n in structure):
            raise ArgumentError(
                "a start must map parameters' names to values, as in {'max_depth': 3}, "
                f"got {structure!r}"
            )

    def mark(space: SpaceT) -> SpaceT:
        space.starts = tuple(dict(structure) for structure in structures)  # type: ignore[attr-defined]
        return space

    return mark


def starts(space: Space, problem: Problem) -> list[Start]:
    """Hand out the parameters to try first, so that a front is broad after few trials.

    Those of a family go from the cheapest that is of use to a large one; their values were chosen
    by threefold scores on scikit-learn's breast_cancer, diabetes, wine and digits.

    In a `choice` the families take turns level by level, the cheapest of each first, and of more
    than four families the first two levels only; a family that has none is tried once. A
    `pipeline` and `tabular` have those of their model, `from_grid` has the estimator's own values
    where the grid holds them, and any other space what `starting_with` gave it.

    Args:
        space: The structure space.
        problem: The task and the table's shape.

    Returns:
        Parameters for `study.enqueue_trial`; those that one leaves open are the sampler's.

    Raises:
        UnknownNameError: If a start names a parameter that the space does not ask for.
        ArgumentError: If a value in a start is not among the choices or of a wrong type.
    """
    distinct: list[Start] = []
    for start in _declared(space):
        fitted = fitted_parameters(space, problem, start)
        if fitted not in distinct:
            distinct.append(fitted)
    return distinct


def _declared(space: Space) -> list[Start]:
    if isinstance(space, Choice):
        return _of_choice(space)
    if isinstance(space, Pipeline):
        return _declared(space.steps[-1])
    if isinstance(space, Tabular):
        return _declared(space.space)
    declared = getattr(space, "starts", ())
    return list(declared) if isinstance(declared, tuple) else []  # another's attribute may be odd


def _of_choice(choice: Choice) -> list[Start]:
    families = [
        [
            {"family": space_name(space)}
            | {f"{space_name(space)}.{name}": value for name, value in start.items()}
            for start in _declared(space) or [{}]
        ]
        for space in choice.spaces
    ]
    levels = list(zip_longest(*families))
    if len(families) >= _MANY_FAMILIES:
        levels = levels[:_LEVELS_OF_MANY]
    return [start for level in levels for start in level if start is not None]
