"""A scikit-learn parameter grid as a space."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from optistruct.exceptions import SpaceError
from optistruct.spaces.build import AnyTrial
from optistruct.spaces.written import written

__all__ = ["FromGrid", "from_grid"]

ParamGrid = Mapping[str, Sequence[Any]]


class FromGrid:
    """An estimator whose parameters are chosen from lists; see `from_grid`."""

    def __init__(self, estimator: Any, param_grid: ParamGrid | Sequence[ParamGrid]) -> None:
        self.estimator = estimator
        self.name = type(estimator).__name__
        if isinstance(param_grid, Mapping):
            self._grids = [_plain(param_grid)]
            self.param_grid: Any = self._grids[0]
        else:
            self.param_grid = self._grids = [_plain(grid) for grid in param_grid]
        if not self._grids:
            raise SpaceError("param_grid must hold at least one grid, got none")
        known = estimator.get_params(deep=True)
        for name, values in (item for grid in self._grids for item in grid.items()):
            if name.partition("__")[0] not in known:
                raise SpaceError(
                    f"param_grid names {name!r}, which {self.name} does not have; "
                    f"it has {', '.join(sorted(known))}"
                )
            if not isinstance(values, list) or not values:
                raise SpaceError(
                    f"param_grid[{name!r}] must be a list of at least one value, got {values!r}"
                )

    @property
    def starts(self) -> tuple[dict[str, Any], ...]:
        """The estimator's own values, of the first grid that holds any of them."""
        own = self.estimator.get_params(deep=True)
        for number, grid in enumerate(self._grids):
            prefix, start = "", {}
            if len(self._grids) > 1:
                prefix, start = f"{number}.", {"grid": number}
            found = {
                prefix + name: _answer(own[name], values)
                for name, values in grid.items()
                if name in own and _holds(values, own[name])
            }
            if found:
                return (start | found,)
        return ()

    def __call__(self, trial: AnyTrial) -> Any:
        """Suggest one value of each list."""
        prefix = ""
        grid = self._grids[0]
        if len(self._grids) > 1:
            chosen = trial.suggest_categorical("grid", list(range(len(self._grids))))
            grid, prefix = self._grids[chosen], f"{chosen}."
        values = {name: _suggest(trial, prefix + name, grid[name]) for name in grid}
        return clone(self.estimator).set_params(**values)


def from_grid(estimator: Any, param_grid: ParamGrid | Sequence[ParamGrid]) -> FromGrid:
    """Make a space of an estimator and the grid that `GridSearchCV` would take.

    Args:
        estimator: An unfitted scikit-learn estimator, a pipeline too.
        param_grid: Names of its parameters with lists of values, or a list of such grids; the
            parameter `grid` then says which is taken, and its number goes before the names.

    Returns:
        A search function (trial) -> estimator.

    Raises:
        SpaceError: If a name is not a parameter of the estimator, or a list is empty.
    """
    return FromGrid(estimator, param_grid)


def _plain(grid: ParamGrid) -> dict[str, Any]:
    """Turn tuples, ranges and arrays into lists, which a recipe can hold."""
    plain: dict[str, Any] = dict(grid)
    for name, values in grid.items():
        if isinstance(values, range | np.ndarray):
            plain[name] = np.asarray(values).tolist()
        elif isinstance(values, tuple):
            plain[name] = list(values)
    return plain


def _suggest(trial: AnyTrial, name: str, values: Sequence[Any]) -> Any:
    values = [_item(value) for value in values]
    if _are_plain(values):
        return trial.suggest_categorical(name, values)
    labels = [written(value) for value in values]
    if len(set(labels)) < len(labels):
        raise SpaceError(f"param_grid[{name!r}] must hold values that print differently")
    chosen = values[labels.index(trial.suggest_categorical(name, labels))]
    return clone(chosen) if hasattr(chosen, "get_params") else chosen


def _answer(value: Any, values: Sequence[Any]) -> Any:
    """Write one of the values as `_suggest` asks for it: as it is, or as text among objects."""
    return value if _are_plain([_item(other) for other in values]) else written(value)


def _holds(values: Sequence[Any], own: Any) -> bool:
    if _is_plain(own):
        return any(type(_item(value)) is type(own) and _item(value) == own for value in values)
    return written(own) in map(written, values)


def _item(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _are_plain(values: Sequence[Any]) -> bool:
    """Tell whether Optuna keeps each value as it is, and can tell it from the others.

    It takes 1, 1.0 and True for one.
    """
    if not all(map(_is_plain, values)):
        return False
    return len({(type(value), value) for value in values}) == len(set(values))


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)
