"""The tables that whole searches are compared on, as arrays of numbers.

They are read from the folder that `OPTISTRUCT_DATA` names, where it has them, else fetched from
OpenML; `digits`, `breast_cancer` and `diabetes` come with scikit-learn. Categories are codes, in
the order of their names; missing numbers stay missing. Of more than 8,000 rows, 8,000 are drawn.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import fetch_openml, load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import OrdinalEncoder

MOST_ROWS = 8_000


class Table(NamedTuple):
    """A table of numbers and its target."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    is_classification: bool


class Source(NamedTuple):
    """Where a table is found: its file and target, and its name at OpenML."""

    file: str
    target: str
    is_classification: bool
    openml: str


SOURCES = {
    "phoneme": Source("phoneme.csv.gz", "target", True, "phoneme"),
    "satimage": Source("satimage.csv.gz", "target", True, "satimage"),
    "adult": Source("adult.csv.gz", "income", True, "adult"),
    "german_credit": Source("german_credit.csv.gz", "credit_risk", True, "credit-g"),
    "titanic": Source("titanic.csv.gz", "Survived", True, "titanic"),
    "california_housing": Source(
        "california_housing.csv.gz", "median_house_value", False, "california_housing"
    ),
    "abalone": Source("abalone.csv.gz", "rings", False, "abalone"),
}
BUNDLED: dict[str, tuple[Callable[..., tuple[NDArray[np.float64], ...]], bool]] = {
    "digits": (load_digits, True),
    "breast_cancer": (load_breast_cancer, True),
    "diabetes": (load_diabetes, False),
}
NAMES = (*SOURCES, *BUNDLED)


@cache
def table(name: str) -> Table:
    if name in BUNDLED:
        load, is_classification = BUNDLED[name]
        return Table(*load(return_X_y=True), is_classification)
    source = SOURCES[name]
    frame = _read(source)
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    target = frame.pop(source.target)
    y = pd.factorize(target, sort=True)[0] if source.is_classification else target
    categories = frame.select_dtypes(exclude="number").columns
    if len(categories):
        encoder = OrdinalEncoder(encoded_missing_value=-1)
        frame[categories] = encoder.fit_transform(frame[categories].astype(object))
    return Table(frame.to_numpy(float), np.asarray(y, dtype=float), source.is_classification)


def _read(source: Source) -> pd.DataFrame:
    folder = os.environ.get("OPTISTRUCT_DATA")
    if folder and (Path(folder) / source.file).exists():
        return pd.read_csv(Path(folder) / source.file)
    fetched = fetch_openml(source.openml, version=1, as_frame=True)
    features: pd.DataFrame = fetched.data
    return features.assign(**{source.target: fetched.target})
