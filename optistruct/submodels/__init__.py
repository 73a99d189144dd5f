"""Submodels: the structures nested in one fitted model, each as good as a fit of its own.

A fitted forest of 300 trees holds the forests of 1 to 299; a boosting run all of its prefixes; a
pruned tree every smaller one. `submodels_of(model)` lists them; they are scored in one pass and
costed without being built. The families are in `submodels/families/`, one file each.
"""

from optistruct.submodels import families
from optistruct.submodels.epochs import keep_epochs
from optistruct.submodels.nested import Method, Submodel, SubmodelCost, Submodels
from optistruct.submodels.registry import (
    keeping,
    nested_in,
    parameter_of_kind,
    submodel_parameter,
    submodels_fall,
    submodels_of,
)
from optistruct.submodels.stand_ins import Answers, StandIn
from optistruct.submodels.step_time import StepTime

__all__ = [
    "Answers",
    "Method",
    "StandIn",
    "StepTime",
    "Submodel",
    "SubmodelCost",
    "Submodels",
    "families",
    "keep_epochs",
    "keeping",
    "nested_in",
    "parameter_of_kind",
    "submodel_parameter",
    "submodels_fall",
    "submodels_of",
]
