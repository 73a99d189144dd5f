"""Tests of optistruct.resources.size."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from optistruct.resources import pickled_size


def test_is_the_length_of_the_pickle(regression: Any) -> None:
    model = Ridge().fit(*regression)
    assert pickled_size(model) == len(pickle.dumps(model, protocol=5))
    assert type(pickled_size(model)) is int


def test_grows_with_what_is_stored() -> None:
    model = Ridge()
    model.coef_ = np.zeros(10)
    before = pickled_size(model)
    model.coef_ = np.zeros(1010)
    assert pickled_size(model) - before == pytest.approx(8000, abs=16)
