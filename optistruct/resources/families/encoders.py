"""Encoders of categories and labels, and bins.

| models | stored | operations a row |
|---|---|---|
| one-hot, ordinal encoder | the categories; of rare ones that are merged, also their index | none |
| target encoder | the categories, their encodings, the means for unknown ones | none |
| label encoder, label binarizers | the classes | none |
| bins | the edges between the bins | none |

Each category counts one, be it a number or a text. A category is looked up, and look-ups are not
operations. Which category a one-hot encoder drops follows from its settings.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import (
    KBinsDiscretizer,
    LabelBinarizer,
    LabelEncoder,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    TargetEncoder,
)

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, stored_arrays

_Categories = OneHotEncoder | OrdinalEncoder
_Labels = LabelBinarizer | LabelEncoder | MultiLabelBinarizer


@stored_arrays.register(_Categories)
def _categories(model: Any) -> Stored:
    rare = getattr(model, "infrequent_categories_", [])  # only where rare ones are merged
    indices = [
        pd.Index(categories).get_indexer(pd.Index(merged))  # which finds NaN, too
        for categories, merged in zip(model.categories_, rare, strict=False)
        if merged is not None
    ]
    return {"categories": _joined(model.categories_), "infrequent": _joined(indices)}


@stored_arrays.register(TargetEncoder)
def _target(model: Any) -> Stored:
    return {
        "categories": _joined(model.categories_),
        "encodings": np.concatenate(model.encodings_),
        "unknown": model.target_mean_,
    }


@stored_arrays.register(_Labels)
def _labels(model: Any) -> Stored:
    return {"classes": model.classes_}


@stored_arrays.register(KBinsDiscretizer)
def _bins(model: Any) -> Stored:
    return {"edges": np.concatenate([edges[1:-1] for edges in model.bin_edges_])}


@operations_per_row.register(_Categories | _Labels | KBinsDiscretizer | TargetEncoder)
def _looked_up(model: Any) -> float:
    return 0.0


def _joined(columns: Iterable[Any]) -> Any:
    """Join the columns' values, which may be of several types."""
    return np.concatenate([np.empty(0, object), *(np.asarray(c, object) for c in columns)])
