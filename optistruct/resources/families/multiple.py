"""Several classes or outputs, with a model for each.

| models | stored | operations a row |
|---|---|---|
| one against the rest, multi-output | the members | the members' |
| one against one | the members; of a precomputed kernel, the rows of each | the members' |
| output codes | the members, and the code of each class | the members', and the codes |
| chain | the members; the order, if it was drawn | the members' |

A member against the rest that saw one class only is a constant, and stores 1.
"""

from typing import Any

import numpy as np
from sklearn.multiclass import (
    OneVsOneClassifier,
    OneVsRestClassifier,
    OutputCodeClassifier,
    _ConstantPredictor,
)
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)

from optistruct.resources.families.members import sum_of_members
from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Members, Stored, stored_arrays

_Chain = ClassifierChain | RegressorChain
_OnePerOutput = MultiOutputClassifier | MultiOutputRegressor | OneVsRestClassifier


@stored_arrays.register(_OnePerOutput)
def _one_per_output(model: Any) -> Stored:
    return {"estimators": Members(model.estimators_)}


@stored_arrays.register(_ConstantPredictor)
def _constant(model: Any) -> Stored:
    return {"constant": model.y_}


@operations_per_row.register(_ConstantPredictor)
def _constant_operations(model: Any) -> float:
    return 0.0


@stored_arrays.register(OneVsOneClassifier)
def _one_against_one(model: Any) -> Stored:
    rows = model.pairwise_indices_
    return {**_one_per_output(model), "rows": None if rows is None else np.concatenate(rows)}


@stored_arrays.register(OutputCodeClassifier)
def _output_codes(model: Any) -> Stored:
    return {**_one_per_output(model), "codes": model.code_book_}


@operations_per_row.register(OutputCodeClassifier)
def _output_codes_operations(model: Any) -> float:
    return sum_of_members(model) + float(model.code_book_.size)


@stored_arrays.register(_Chain)
def _chain(model: Any) -> Stored:
    is_drawn = isinstance(model.order, str) and model.order == "random"
    return {**_one_per_output(model), "order": model.order_ if is_drawn else None}


operations_per_row.register(_Chain | _OnePerOutput | OneVsOneClassifier, sum_of_members)
