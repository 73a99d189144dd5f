"""Linear and quadratic discriminant analysis.

| models | stored | operations a row |
|---|---|---|
| linear | coefficients and intercepts | the coefficients |
| quadratic | K times: d means, d by d rotations, d scalings, a prior | rotations and scalings |

The linear one is counted as a classifier; as a transformer it would store other arrays.
"""

from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays


@stored_arrays.register(LinearDiscriminantAnalysis)
def _linear(model: Any) -> Stored:
    return {"coef": Weights(model.coef_), "intercept": Weights(model.intercept_)}


@operations_per_row.register(LinearDiscriminantAnalysis)
def _linear_operations(model: Any) -> float:
    return float(model.coef_.size)


@stored_arrays.register(QuadraticDiscriminantAnalysis)
def _quadratic(model: Any) -> Stored:
    return {
        "means": model.means_,
        "rotations": np.concatenate(model.rotations_, axis=1),
        "scalings": np.concatenate(model.scalings_),
        "priors": model.priors_,
    }


@operations_per_row.register(QuadraticDiscriminantAnalysis)
def _quadratic_operations(model: Any) -> float:
    return float(sum(map(np.size, [*model.rotations_, *model.scalings_])))
