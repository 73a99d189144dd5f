"""Tests of optistruct.spaces.problem."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from optistruct.exceptions import ArgumentError, DataError
from optistruct.spaces import Problem

X6 = np.arange(12.0).reshape(6, 2)


class TestTask:
    @pytest.mark.parametrize(
        ("y", "task", "classes"),
        [
            ([0, 1, 0, 1, 0, 1], "binary", 2),
            (["a", "b", "a", "b", "a", "b"], "binary", 2),
            ([True, False, True, True, True, True], "binary", 2),
            ([-1.0, 1.0, 1.0, 1.0, -1.0, 1.0], "binary", 2),
            ([0, 1, 2, 0, 1, 2], "multiclass", 3),
            (pd.Categorical(list("abcabc"), categories=list("abcd")), "multiclass", 3),
            (pd.Series(list("abcdef"), dtype="string"), "multiclass", 6),
            (pd.Series([1, 2, 3, 1, 2, 3], dtype="Int64"), "multiclass", 3),
            ([0.5, 1.0, 2.0, 3.0, 4.0, 5.0], "regression", 0),
            (pd.Series([0.5, 1, 2, 3, 4, 5], dtype="Float64"), "regression", 0),
        ],
    )
    def test_is_read_off_the_target(self, y: Any, task: str, classes: int) -> None:
        problem = Problem.from_data(X6, y)
        assert (problem.task, problem.classes) == (task, classes)
        assert problem.is_classification == (task != "regression")

    def test_is_a_regression_beyond_twenty_whole_values(self) -> None:
        X = np.zeros((21, 1))
        assert Problem.from_data(X, [*range(20), 0]).task == "multiclass"
        assert Problem.from_data(X, range(21)).task == "regression"
        assert Problem.from_data(X, [f"c{i}" for i in range(21)]).task == "multiclass"

    def test_is_what_it_is_told_to_be(self) -> None:
        counts = [1, 2, 3, 4, 5, 6]
        assert Problem.from_data(X6, counts).task == "multiclass"
        told = Problem.from_data(X6, counts, task="regression")
        assert (told.task, told.classes) == ("regression", 0)
        assert Problem.from_data(np.zeros((30, 1)), range(30), task="multiclass").classes == 30

    @pytest.mark.parametrize(
        ("y", "task", "message"),
        [
            ([0, 1, 0, 1, 0, 1], "ranking", "must be 'binary', 'multiclass' or 'regression', got"),
            (list("ababab"), "regression", "task='regression' needs a numeric target"),
            ([0, 1, 2, 0, 1, 2], "binary", "task='binary' needs two classes, the target has 3"),
            ([0.5, 1.5, 2, 3, 4, 5], "multiclass", "needs classes, the target has fractions"),
        ],
    )
    def test_that_does_not_fit_is_refused(self, y: Any, task: Any, message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            Problem.from_data(X6, y, task=task)


class TestTable:
    def test_of_an_array_has_no_categories(self) -> None:
        assert Problem.from_data(X6, [0, 1] * 3) == Problem("binary", 6, 2, 2, ())
        assert Problem.from_data(X6.tolist(), [0, 1] * 3).features == 2

    def test_may_be_sparse(self) -> None:
        table = sparse.random_array((6, 40), density=0.1, format="csr")
        assert Problem.from_data(table, [0, 1] * 3) == Problem("binary", 6, 40, 2, ())

    def test_finds_its_categorical_columns(self, mixed: tuple[pd.DataFrame, np.ndarray]) -> None:
        X, y = mixed
        X = X.assign(empty=np.nan, number=pd.array([1] * 90, "Int64"))
        problem = Problem.from_data(X, y)
        assert [X.columns[i] for i in problem.categorical] == ["city", "member", "plan"]
        assert [X.columns[i] for i in problem.empty] == ["empty"]
        assert problem.features == 7

    def test_of_two_columns_of_one_name_is_refused(self) -> None:
        X = pd.DataFrame(np.zeros((3, 2)), columns=["a", "a"])
        with pytest.raises(DataError, match="X has two columns named 'a': rename or drop one"):
            Problem.from_data(X, [0, 1, 0])

    def test_of_ragged_rows_is_refused(self) -> None:
        with pytest.raises(DataError, match="its rows differ in length"):
            Problem.from_data([[1, 2], [3]], [0, 1])

    def test_of_text_among_numbers_is_refused(self) -> None:
        X = pd.DataFrame({"size": ["small", 3, "large"]})
        with pytest.raises(DataError, match="column 'size' mixes text with other values"):
            Problem.from_data(X, [0, 1, 0])

    def test_of_numbers_as_objects_is_refused(self) -> None:
        X = pd.DataFrame({"size": pd.Series([None, 1, 2], dtype=object)})
        with pytest.raises(DataError, match=r"'size' holds numbers as objects: .*to_numeric"):
            Problem.from_data(X, [0, 1, 0])

    def test_of_text_with_pandas_na_is_refused(self) -> None:
        X = pd.DataFrame({"size": pd.array(["small", None, "large"], dtype="string")})
        with pytest.raises(DataError, match=r"column 'size' marks missing cells by pandas\.NA"):
            Problem.from_data(X, [0, 1, 0])

    @pytest.mark.parametrize(
        "X",
        [
            np.array([[1.0], [np.inf]]),
            sparse.csr_array([[1.0], [-np.inf]]),
            sparse.dok_array([[1.0], [-np.inf]]),
            pd.DataFrame({"a": [1.0, np.inf]}),
            pd.DataFrame({"a": pd.array([1.0, np.inf], "Float64")}),
        ],
        ids=["array", "sparse", "keys", "table", "nullable"],
    )
    def test_with_infinite_values_is_refused(self, X: Any) -> None:
        with pytest.raises(DataError, match=r"has infinite values: .*replace them by NaN"):
            Problem.from_data(X, [0, 1])

    def test_of_lists_is_refused(self) -> None:
        with pytest.raises(DataError, match="column 'a' holds neither numbers nor text"):
            Problem.from_data(pd.DataFrame({"a": [[1], [2]]}), [0, 1])

    def test_without_values_is_refused(self) -> None:
        with pytest.raises(DataError, match="X is empty: 0 rows, 3 columns"):
            Problem.from_data(np.zeros((0, 3)), [])
        with pytest.raises(DataError, match="X is empty: 2 rows, 0 columns"):
            Problem.from_data(pd.DataFrame(index=[0, 1]), [0, 1])

    def test_of_complex_numbers_is_refused(self) -> None:
        with pytest.raises(DataError, match="column 'c' holds complex numbers"):
            Problem.from_data(pd.DataFrame({"c": [1j, 2j]}), [0, 1])
        with pytest.raises(DataError, match="X must hold numbers, got complex128"):
            Problem.from_data(np.array([[1j], [2j]]), [0, 1])

    @pytest.mark.parametrize("X", [[1, 2, 3], np.zeros((2, 2, 2)), 5])
    def test_of_another_shape_is_refused(self, X: Any) -> None:
        with pytest.raises(DataError, match=r"X must be a table of shape \(rows, features\), got"):
            Problem.from_data(X, [0, 1, 0])

    @pytest.mark.parametrize(
        "dates", [pd.to_datetime(["2024-01-01"] * 6), pd.to_timedelta(range(6), "D")]
    )
    def test_with_dates_is_refused(self, dates: Any) -> None:
        with pytest.raises(DataError, match=r"column 'when' holds dates .*turn it into numbers"):
            Problem.from_data(pd.DataFrame({"n": range(6), "when": dates}), [0, 1] * 3)


class TestTarget:
    def test_of_another_length_is_refused(self) -> None:
        with pytest.raises(DataError, match="X has 6 rows, y has 5: they must agree"):
            Problem.from_data(X6, [0, 1, 0, 1, 0])

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            ([1.0, np.nan, 2.0, 3.0, np.nan, 4.0], "the target has 2 missing values: drop those"),
            (np.array(["a", None] * 3, dtype=object), "the target has 3 missing values"),
            (pd.Series(["a", "b", "a", "b", "a", None]), "the target has 1 missing value: drop"),
            (pd.array([1, 2, 3, 4, 5, None], dtype="Int64"), "the target has 1 missing value:"),
        ],
    )
    def test_with_missing_values_is_refused(self, y: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            Problem.from_data(X6, y)

    @pytest.mark.parametrize("y", [[1] * 6, ["only"] * 6, [2.5] * 6])
    def test_of_one_value_is_refused(self, y: Any) -> None:
        with pytest.raises(DataError, match=r"one value only, .*: nothing to learn"):
            Problem.from_data(X6, y)

    def test_of_lists_is_refused(self) -> None:
        with pytest.raises(DataError, match="the target must hold classes or numbers, not lists"):
            Problem.from_data(np.zeros((2, 1)), pd.Series([[1], [2]]))

    @pytest.mark.parametrize(
        "y", [[0.5, 1.5, 2.0], [True, False, True], [*map(np.bool_, [1, 0, 1])]]
    )
    def test_of_numbers_as_objects_is_refused(self, y: Any) -> None:
        with pytest.raises(DataError, match=r"numbers as objects: y = pandas\.to_numeric\(y\)"):
            Problem.from_data(np.zeros((3, 1)), np.array(y, dtype=object))

    @pytest.mark.parametrize(
        ("y", "kind"),
        [
            (pd.cut(np.arange(6.0), 2), "Interval"),
            (pd.Series([date(2026, 1, 1 + i % 2) for i in range(6)]), "date"),
            (pd.Series([b"a", b"b"] * 3), "bytes"),
            (pd.Categorical([1.5, 2.5] * 3), "float"),
            (pd.Categorical([Fraction(1, 2), Fraction(3, 2)] * 3), "Fraction"),
            (pd.Categorical([Decimal(1), Decimal(2)] * 3), "Decimal"),
        ],
    )
    def test_of_other_values_is_refused(self, y: Any, kind: str) -> None:
        with pytest.raises(DataError, match=rf"got values of type {kind}: y = y\.astype\(str\)"):
            Problem.from_data(X6, y)
        assert Problem.from_data(X6, pd.Series(y).astype(str)).classes == 2
        for classes in ([True, False], [1, 2], [1.0, 2.0], ["a", "b"]):
            assert Problem.from_data(X6, pd.Categorical(classes * 3)).classes == 2

    def test_of_text_and_numbers_is_refused(self) -> None:
        with pytest.raises(DataError, match="the target holds text and other values"):
            Problem.from_data(np.zeros((3, 1)), pd.Series(["a", 1, "b"]))

    def test_with_infinite_values_is_refused(self) -> None:
        with pytest.raises(DataError, match="the target has infinite values"):
            Problem.from_data(X6, [1, 2, 3, 4, 5, np.inf])

    def test_of_several_columns_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"y must be one column of shape \(rows,\), got"):
            Problem.from_data(X6, np.eye(6))


def test_is_a_frozen_record() -> None:
    problem = Problem("binary", 6, 2, 2)
    with pytest.raises(AttributeError, match="cannot assign to field 'rows'"):
        problem.rows = 7  # type: ignore[misc]
    assert hash(problem) == hash(Problem("binary", 6, 2, 2))
