"""Tests of optistruct.exceptions."""

import re

import pytest

from optistruct import exceptions
from optistruct.exceptions import (
    AllTrialsFailedError,
    ArgumentError,
    DataError,
    OptistructError,
    ResourceError,
    StudyError,
    StudyMismatchError,
    StudyNotFoundError,
    StudyRunningError,
    UnknownNameError,
)


class TestUnknownNameError:
    def test_lists_the_known_names_nearest_first(self) -> None:
        error = UnknownNameError("space", "lihgtgbm", ["mlp", "linear", "lightgbm"])
        assert error.known[0] == "lightgbm"
        assert str(error) == (
            f"unknown space 'lihgtgbm'; known, nearest first: {', '.join(error.known)}"
        )
        assert sorted(error.known) == ["lightgbm", "linear", "mlp"]

    def test_does_not_care_for_case(self) -> None:
        error = UnknownNameError("column", "INCOME", ["outcome", "Income", "comes"])
        assert error.known[0] == "Income"

    def test_takes_any_iterable_and_any_name(self) -> None:
        error = UnknownNameError("column", 3, (name for name in ("a", "3b")))
        assert str(error) == "unknown column 3; known, nearest first: 3b, a"

    def test_says_so_where_there_are_none(self) -> None:
        assert str(UnknownNameError("study", "x", [])).endswith("nearest first: none")


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (ArgumentError, (ValueError,)),
        (UnknownNameError, (ArgumentError,)),
        (DataError, (ValueError,)),
        (ResourceError, (TypeError,)),
        (StudyNotFoundError, (StudyError,)),
        (StudyMismatchError, (StudyError,)),
        (StudyRunningError, (StudyError,)),
        (AllTrialsFailedError, (StudyError,)),
    ],
)
def test_errors_are_caught_as_what_they_are(error: type, bases: tuple[type, ...]) -> None:
    assert issubclass(error, (OptistructError,))
    for base in bases:
        assert issubclass(error, base)


def test_the_tree_in_the_docstring_names_every_public_error() -> None:
    drawn = re.findall(r"^[│ ├└─]*(\w+Error)\b", exceptions.__doc__ or "", flags=re.MULTILINE)
    assert sorted(drawn) == sorted(exceptions.__all__)
