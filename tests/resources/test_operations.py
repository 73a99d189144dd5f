"""Counting operations itself; the definitions are proved family by family in `families/`."""

from typing import Any

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.neighbors import KernelDensity

from optistruct.exceptions import ResourceError
from optistruct.resources import count_operations, operations_per_row


def test_a_type_is_registered_in_one_line() -> None:
    class Registered:
        weights = (1, 2, 3)

    operations_per_row.register(Registered, lambda model: len(model.weights))
    assert count_operations(Registered()) == 3.0


def test_the_error_shows_the_line(table: Any) -> None:
    with pytest.raises(
        ResourceError,
        match=r"KernelDensity cannot be counted.*operations_per_row\.register\(KernelDensity, ",
    ):
        count_operations(KernelDensity().fit(table))


def test_refuses_a_model_that_is_not_fitted() -> None:
    with pytest.raises(NotFittedError, match="Ridge instance is not fitted yet"):
        count_operations(Ridge())
