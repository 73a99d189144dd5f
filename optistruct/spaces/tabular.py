"""Mixed tables: categories, missing values and columns on different scales."""

from collections.abc import Sequence
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

from optistruct.spaces.build import AnyTrial, Space, suggest
from optistruct.spaces.problem import Problem

__all__ = ["Tabular", "as_categories", "tabular"]

_MOST_CATEGORIES_NATIVE = 254  # histogram boosting takes 255 at most
_MOST_CATEGORIES_ONE_HOT = 30


class Tabular:
    """A space behind the preprocessing that its model needs; see `tabular`."""

    name = "tabular"

    def __init__(self, space: Space) -> None:
        self.space = space

    def __call__(self, trial: AnyTrial, problem: Problem) -> Any:
        """Suggest a structure of the space and put the preparation it needs before it."""
        model = suggest(self.space, trial, problem)
        categorical = list(problem.categorical)
        if not get_tags(model).input_tags.allow_nan:
            return Pipeline([("prepare", _numbers_on_one_scale(categorical)), ("model", model)])
        if not categorical:
            return model
        codes = _category_codes(categorical)
        if isinstance(model, LGBMModel):
            dtype = FunctionTransformer(as_categories, kw_args={"columns": categorical})
            codes.set_output(transform="pandas")
            return Pipeline([("codes", codes), ("categories", dtype), ("model", model)])
        if isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
            model.set_params(categorical_features=list(range(len(categorical))))
        return Pipeline([("codes", codes), ("model", model)])


def tabular(space: Space) -> Tabular:
    """Let a space take a table with categories and missing values.

    What is put before the model depends on what it can do:

    - LightGBM and histogram gradient boosting take missing values as they are, and categories
      as categories (beyond 254 of a column, the rarest share one);
    - models that take missing values, as trees and forests do, get categories as whole numbers;
    - all others get medians for missing numbers, columns on one scale, and a column of zeros and
      ones for each category (beyond 30 of a column, the rarest share one).

    A category never seen in fitting counts as missing, or as none of the known ones.

    Args:
        space: The search function that suggests the model.

    Returns:
        A search function (trial, problem) -> estimator, with the parameters of `space`.
    """
    return Tabular(space)


def as_categories(X: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Give the columns pandas' category type, by which LightGBM knows categories."""
    return X.astype(dict.fromkeys(columns, "category"))


def _category_codes(categorical: list[str]) -> ColumnTransformer:
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
        max_categories=_MOST_CATEGORIES_NATIVE,
    )
    return ColumnTransformer(
        [("categories", encoder, categorical)],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )


def _numbers_on_one_scale(categorical: list[str]) -> Any:
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    if not categorical:
        return numbers
    encoder = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        max_categories=_MOST_CATEGORIES_ONE_HOT,
        sparse_output=False,
    )
    return ColumnTransformer([("categories", encoder, categorical)], remainder=numbers)
