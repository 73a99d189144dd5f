"""A scikit-learn parameter grid as a space."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone

from optistruct.exceptions import SpaceError
from optistruct.spaces.build import AnyTrial

__all__ = ["FromGrid", "from_grid"]

ParamGrid = Mapping[str, Sequence[Any]]


class FromGrid:
    """An estimator whose parameters are chosen from lists; see `from_grid`."""

    def __init__(self, estimator: Any, param_grid: ParamGrid | Sequence[ParamGrid]) -> None:
        self.estimator = estimator
        self.param_grid = param_grid
        self.name = type(estimator).__name__
        self._grids = [param_grid] if isinstance(param_grid, Mapping) else list(param_grid)
        if not self._grids:
            raise SpaceError("param_grid must hold at least one grid, got none")
        known = estimator.get_params(deep=True)
        for grid in self._grids:
            for name, values in grid.items():
                if name not in known:
                    raise SpaceError(
                        f"param_grid names {name!r}, which {self.name} does not have; "
                        f"it has {', '.join(sorted(known))}"
                    )
                if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
                    raise SpaceError(
                        f"param_grid[{name!r}] must be a list of at least one value, got {values!r}"
                    )

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


def _suggest(trial: AnyTrial, name: str, values: Sequence[Any]) -> Any:
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    if all(value is None or isinstance(value, bool | int | float | str) for value in plain):
        return trial.suggest_categorical(name, plain)
    labels = [repr(value) for value in plain]
    if len(set(labels)) < len(labels):
        raise SpaceError(f"param_grid[{name!r}] must hold values that print differently")
    chosen = plain[labels.index(trial.suggest_categorical(name, labels))]
    return clone(chosen) if hasattr(chosen, "get_params") else chosen
