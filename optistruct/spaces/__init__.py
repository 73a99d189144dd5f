"""Structure spaces: Optuna search functions that return unfitted estimators.

A structure space is a function `space(trial) -> estimator`, or `space(trial, problem)` where it
wants to know the task and the table's shape. Any function of yours is one: there is nothing to
register. The members here:

- families, for classification and regression: `decision_tree`, `random_forest`, `extra_trees`,
  `hist_gradient_boosting`, `lightgbm`, `linear`, `nearest_neighbors`, `mlp`;
- combinators: `choice` among spaces, `pipeline` of steps, `tabular` for mixed tables,
  `from_grid` for a scikit-learn parameter grid;
- steps for `pipeline`: `scaler`, `pca`, `selector`;
- `Problem`, what a space may know of the data, and `build`, from a trial to an estimator.
"""

from optistruct.exceptions import UnknownNameError
from optistruct.spaces.boosting import hist_gradient_boosting, lightgbm
from optistruct.spaces.build import AnyTrial, Space, build, space_name, suggest
from optistruct.spaces.compose import choice, pipeline
from optistruct.spaces.forests import extra_trees, random_forest
from optistruct.spaces.grid import from_grid
from optistruct.spaces.linear import linear
from optistruct.spaces.neighbors import nearest_neighbors
from optistruct.spaces.neural import mlp
from optistruct.spaces.preprocessing import pca, scaler, selector
from optistruct.spaces.probe import Probe, probe
from optistruct.spaces.problem import Problem, Task
from optistruct.spaces.tabular import tabular
from optistruct.spaces.trees import decision_tree

__all__ = [
    "FAMILIES",
    "AnyTrial",
    "Probe",
    "Problem",
    "Space",
    "Task",
    "build",
    "by_name",
    "choice",
    "decision_tree",
    "extra_trees",
    "from_grid",
    "hist_gradient_boosting",
    "lightgbm",
    "linear",
    "mlp",
    "nearest_neighbors",
    "pca",
    "pipeline",
    "probe",
    "random_forest",
    "scaler",
    "selector",
    "space_name",
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
