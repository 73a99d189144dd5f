"""Structure spaces: Optuna search functions that return unfitted estimators.

A structure space is a function `space(trial) -> estimator`, or `space(trial, problem)` where it
wants to know the task and the table's shape. Any function of yours is one: there is nothing to
register. The members here:

- families, for classification and regression: `decision_tree`, `random_forest`, `extra_trees`,
  `hist_gradient_boosting`, `lightgbm`, `linear`, `nearest_neighbors`, `mlp`;
- combinators: `choice` among spaces, `pipeline` of steps, `tabular` for mixed tables,
  `from_grid` for a scikit-learn parameter grid;
- steps for `pipeline`: `scaler`, `pca`, `selector`;
- `require` for a space that knows its cost half-way, under the limits that `limited` lays down;
- `starts`, what to try first, `starting_with` to give a space of yours its own, and
  `check_parameters` for a structure of yours;
- `structure_key`, what a structure is, however it was suggested;
- `Problem`, what a space may know of the data, and `build`, from a trial to an estimator.
"""

from optistruct.exceptions import UnknownNameError
from optistruct.spaces.boosting import hist_gradient_boosting, lightgbm
from optistruct.spaces.build import AnyTrial, Space, build, space_name, suggest
from optistruct.spaces.canonical import structure_key
from optistruct.spaces.compose import choice, pipeline
from optistruct.spaces.dry_run import check_parameters
from optistruct.spaces.forests import extra_trees, random_forest
from optistruct.spaces.grid import from_grid
from optistruct.spaces.inactive import inactive_parameters
from optistruct.spaces.linear import linear
from optistruct.spaces.neighbors import nearest_neighbors
from optistruct.spaces.neural import mlp
from optistruct.spaces.preprocessing import pca, scaler, selector
from optistruct.spaces.probe import Probe, probe
from optistruct.spaces.problem import Problem, Task
from optistruct.spaces.require import LimitBroken, limited, require
from optistruct.spaces.starts import starting_with, starts
from optistruct.spaces.tabular import tabular
from optistruct.spaces.trees import decision_tree
from optistruct.spaces.values import nearest_value

__all__ = [
    "FAMILIES",
    "AnyTrial",
    "LimitBroken",
    "Probe",
    "Problem",
    "Space",
    "Task",
    "build",
    "by_name",
    "check_parameters",
    "choice",
    "decision_tree",
    "extra_trees",
    "from_grid",
    "hist_gradient_boosting",
    "inactive_parameters",
    "lightgbm",
    "limited",
    "linear",
    "mlp",
    "nearest_neighbors",
    "nearest_value",
    "pca",
    "pipeline",
    "probe",
    "random_forest",
    "require",
    "scaler",
    "selector",
    "space_name",
    "starting_with",
    "starts",
    "structure_key",
    "suggest",
    "tabular",
]

FAMILIES: dict[str, Space] = {
    family.__name__: family
    for family in (
        linear,
        decision_tree,
        random_forest,
        extra_trees,
        hist_gradient_boosting,
        lightgbm,
        nearest_neighbors,
        mlp,
    )
}
"""The families by name."""


def by_name(name: str) -> Space:
    """Look up a family.

    Raises:
        UnknownNameError: If there is none of this name.
    """
    try:
        return FAMILIES[name]
    except KeyError:
        raise UnknownNameError("space", name, FAMILIES) from None
