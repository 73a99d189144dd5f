"""Mixed tables: categories, missing values and columns on different scales."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMModel
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.utils import get_tags

from optistruct.exceptions import SpaceError
from optistruct.spaces.build import AnyTrial, Space, suggest
from optistruct.spaces.problem import Problem

__all__ = ["Tabular", "as_array", "as_categories", "tabular"]

_MOST_CATEGORIES_NATIVE = 254  # histogram boosting takes 255 at most
_MOST_CATEGORIES_ONE_HOT = 30
_BY_PLACE = {
    *("categorical_features", "interaction_cst", "monotonic_cst"),  # scikit-learn
    *("interaction_constraints", "monotone_constraints", "feature_weights"),  # several
    *("categorical_feature", "cat_feature", "categorical_column", "cat_column"),  # LightGBM
    *("monotone_constraint", "mc", "feature_contri", "feature_contrib", "fc", "fp"),
    *("feature_penalty", "max_bin_by_feature", "ignore_column", "ignore_feature", "blacklist"),
    *("cegb_penalty_feature_coupled", "cegb_penalty_feature_lazy"),
    "feature_types",  # XGBoost
    *("cat_features", "ignored_features", "text_features", "embedding_features"),  # CatBoost
}
_BY_NO_PLACE = {"auto", "from_dtype", "no_interactions", "pairwise"}


class Tabular:
    """A space behind the preprocessing that its model needs; see `tabular`."""

    name = "tabular"

    def __init__(self, space: Space) -> None:
        self.space = space

    def __call__(self, trial: AnyTrial, problem: Problem) -> Any:
        """Suggest a structure of the space and put the preparation it needs before it.

        Raises:
            SpaceError: If columns move, and the model sets something by their places.
        """
        kept = problem.features - len(problem.empty)
        inner = replace(problem, features=kept, categorical=(), empty=())
        model = suggest(self.space, trial, inner)
        categorical, empty = list(problem.categorical), list(problem.empty)
        if categorical or empty:
            _check_columns_may_move(model)
        if not get_tags(model).input_tags.allow_nan:
            prepare = _numbers_on_one_scale(categorical, empty)
            return Pipeline([("prepare", prepare), ("model", model)])
        if not categorical and not empty:
            if isinstance(model, LGBMModel):  # which refuses some characters in names
                return Pipeline([("array", FunctionTransformer(as_array)), ("model", model)])
            return model
        steps = [("codes", _category_codes(categorical, empty))]
        if isinstance(model, LGBMModel):
            as_frame = FunctionTransformer(as_categories, kw_args={"count": len(categorical)})
            steps.append(("categories", as_frame))
        elif isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
            model.set_params(categorical_features=list(range(len(categorical))))
        return Pipeline([*steps, ("model", model)])


def tabular(space: Space) -> Tabular:
    """Let a space take a table with categories and missing values.

    What is put before the model depends on what it can do:

    - LightGBM and histogram gradient boosting take missing values as they are, and categories
      as categories (beyond 254 of a column, the rarest share one);
    - models that take missing values, as trees and forests do, get categories as whole numbers;
    - all others get medians for missing numbers, columns on one scale, and a column of zeros and
      ones for each category (beyond 30 of a column, the rarest share one).

    Columns that hold no value at all are dropped. A category never seen in fitting counts as
    missing, or as none of the known ones.

    Args:
        space: The search function that suggests the model.

    Returns:
        A search function (trial, problem) -> estimator, with the parameters of `space`.
    """
    return Tabular(space)


def _check_columns_may_move(model: Any) -> None:
    """See that a model sets nothing by the places of columns: categories are put before numbers."""
    for name, value in model.get_params().items():
        is_open = value is None or (isinstance(value, str) and value in _BY_NO_PLACE)
        if name.rpartition("__")[2] in _BY_PLACE and not is_open:
            raise SpaceError(
                f"{name}={value!r} goes by the places of columns, and tabular puts categories "
                "before numbers: leave it out, or prepare the table by yourself"
            )


def as_array(X: Any) -> Any:
    """Turn a frame of numbers into an array; anything else stays as it is."""
    is_frame = isinstance(X, pd.DataFrame)
    return X.to_numpy(dtype=float, na_value=np.nan) if is_frame else X


def as_categories(X: Any, count: int) -> pd.DataFrame:
    """Make a frame whose first columns have pandas' category type, by which LightGBM knows them.

    Args:
        X: (rows, features) array of numbers.
        count: How many columns, from the first on, hold codes of categories.
    """
    frame = pd.DataFrame(X).rename(columns=str).astype(float)
    return frame.astype(dict.fromkeys(frame.columns[:count], "category"))


def _category_codes(categorical: list[int], empty: list[int]) -> ColumnTransformer:
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=_MOST_CATEGORIES_NATIVE,
    )
    # not "passthrough", by which scikit-learn takes no gaps in nullable numbers
    numbers = FunctionTransformer(as_array, feature_names_out="one-to-one")
    return ColumnTransformer(
        [("categories", encoder, categorical), ("empty", "drop", empty)], remainder=numbers
    )


def _numbers_on_one_scale(categorical: list[int], empty: list[int]) -> Any:
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    if not categorical and not empty:
        return numbers
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_MOST_CATEGORIES_ONE_HOT,
        sparse_output=False,
    )
    return ColumnTransformer(
        [("categories", encoder, categorical), ("empty", "drop", empty)], remainder=numbers
    )
