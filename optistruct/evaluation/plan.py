"""What all evaluations of a study share: the data, the folds, the objectives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import check_cv
from sklearn.utils import _safe_indexing

from optistruct.evaluation.warned import collected_warnings
from optistruct.exceptions import ArgumentError, DataError
from optistruct.objectives import Objective, Score
from optistruct.recipe import Opaque
from optistruct.resources import Bounds, Table
from optistruct.spaces import Problem

__all__ = ["EvaluationPlan", "Fold", "make_plan"]

_WITHOUT_ROWS = ("bsr", "coo", "dia")  # sparse formats of which no rows can be taken

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]
"""The numbers of the training rows, and of the held-out rows."""


@dataclass(frozen=True)
class EvaluationPlan:
    """What every evaluation of a study shares.

    Attributes:
        X: (rows, features) table.
        y: (rows,) target.
        folds: Training and held-out rows of each fold.
        objectives: What is measured of each fitted model.
        table: What is known of the table that a structure is fitted on, in every fold.
        settings: scikit-learn's own (`set_config`), as they are where the plan is made: worker
            processes have others.
        token: Names the data and folds, also where a process gets them anew with each evaluation.
    """

    X: Any
    y: Any
    folds: tuple[Fold, ...]
    objectives: tuple[Objective, ...]
    table: Table
    settings: Mapping[str, Any] = field(default_factory=get_config)
    token: str = field(default_factory=lambda: uuid4().hex)


def make_plan(
    X: Any,
    y: Any,
    objectives: Sequence[Objective],
    problem: Problem,
    cv: Any = 5,
    groups: Any = None,
) -> EvaluationPlan:
    """Split the data into folds and see that the objectives can score them.

    Args:
        X: (rows, features) table.
        y: (rows,) target.
        objectives: What is measured.
        problem: The task and the table's shape.
        cv: As scikit-learn takes it: a number of folds (stratified for classes, not shuffled), a
            splitter, or pairs of row numbers.
        groups: (rows,) group of each row, for splitters that keep groups together.

    Raises:
        DataError: If there are fewer rows, or fewer rows of every class, than folds.
        ArgumentError: If `cv` is no cross-validation, or a scorer does not fit the target.
    """
    parts = [part for split in cv for part in split] if isinstance(cv, list) else [cv]
    if any(isinstance(part, Opaque) for part in parts):
        raise ArgumentError(
            "the folds of this study cannot be made again from its database: make the study again "
            "with StructureStudy(...) and its cv"
        )
    X, y = map(_in_rows, (X, y))
    if isinstance(cv, int) and not isinstance(cv, bool) and cv > problem.rows:
        raise DataError(f"cv={cv} folds need at least {cv} rows, X has {problem.rows}")
    try:
        splitter = check_cv(cv, y, classifier=problem.is_classification)
    except ValueError as error:
        raise ArgumentError(f"cv: {error}") from None
    try:
        folds = tuple(_row_numbers(split, problem) for split in splitter.split(X, y, groups))
    except ValueError as error:
        raise DataError(f"cv={cv} cannot split the data: {error}") from None
    if not folds:
        raise ArgumentError("cv must give one fold or more, got none")
    again = (rows for split in splitter.split(X, y, groups) for rows in split)
    before = (rows for fold in folds for rows in fold)
    if not all(np.array_equal(*each) for each in zip(before, again, strict=True)):
        raise ArgumentError(
            f"cv={cv} gives other folds every time, so no study could resume: set its random_state"
        )
    if problem.is_classification:
        for number, (train, _) in enumerate(folds):
            if _n_classes(_safe_indexing(y, train)) < 2:
                raise DataError(
                    f"fold {number} trains on one class only: use fewer folds, or a splitter "
                    "that keeps the classes together (StratifiedKFold)"
                )
    plan = EvaluationPlan(X, y, folds, tuple(objectives), _table(X, y, folds, problem))
    _try_scorers(plan, problem)
    return plan


def _in_rows(thing: Any) -> Any:
    """Make of a table or a target something of which rows can be taken."""
    if sparse.issparse(thing) and thing.format in _WITHOUT_ROWS:
        return thing.tocsr()
    return thing if hasattr(thing, "shape") else np.asarray(thing)


def _row_numbers(split: Sequence[Any], problem: Problem) -> Fold:
    train, test = (np.asarray(rows) for rows in split)
    for rows in (train, test):
        is_numbers = rows.dtype.kind in "iu" and rows.size > 0
        if not is_numbers or rows.min() < 0 or rows.max() >= problem.rows:
            raise ValueError(
                f"a fold must be two arrays of row numbers from 0 to {problem.rows - 1}, "
                "neither of them empty"
            )
    return train, test


def _table(X: Any, y: Any, folds: tuple[Fold, ...], problem: Problem) -> Table:
    rows = [len(train) for train, _ in folds]
    classes = [0]
    if problem.is_classification:
        classes = [_n_classes(_safe_indexing(y, train)) for train, _ in folds]
    return Table(
        rows=Bounds(min(rows), max(rows)),
        features=Bounds(problem.features, problem.features),
        classes=Bounds(min(classes), max(classes)),
        has_categories=bool(problem.categorical),
        is_dense=not sparse.issparse(X),
    )


def _n_classes(target: Any) -> int:
    return len(set(np.asarray(target).tolist()))


def _try_scorers(plan: EvaluationPlan, problem: Problem) -> None:
    """Score models that always give the same answer, by every scorer known by name."""
    scores = [
        objective
        for objective in plan.objectives
        if isinstance(objective, Score) and isinstance(objective.scoring, str)
    ]
    if not scores:
        return
    tried = set()
    for number, (train, test) in enumerate(plan.folds):
        dummy = DummyClassifier() if problem.is_classification else DummyRegressor()
        learnt, held_out = _safe_indexing(plan.y, train), _safe_indexing(plan.y, test)
        lack = _lack(learnt, held_out, problem)
        if lack in tried:
            continue
        tried.add(lack)
        dummy.fit(np.zeros((len(train), 1)), learnt)
        for score in scores:
            why = _objection(score, dummy, held_out, problem)
            told = f"the scorer {score.scoring!r}"
            if why is not None and lack is not None:
                raise DataError(f"{told} cannot score fold {number}, {lack} ({why})")
            if why is not None:
                raise ArgumentError(f"{told} {why}")


def _objection(score: Score, dummy: Any, held_out: Any, problem: Problem) -> str | None:
    """Tell what a scorer has against held-out targets; None for nothing."""
    try:
        with collected_warnings():  # of what is told here
            value = score.measure(dummy, np.zeros((len(held_out), 1)), held_out)
    except (AttributeError, TypeError, ValueError) as error:
        return f"does not fit a {problem.task} target: {error}"
    return f"gives no number for this {problem.task} target" if np.isnan(value) else None


def _lack(learnt: Any, held_out: Any, problem: Problem) -> str | None:
    """Tell what the targets of a fold lack, and what helps; None for nothing."""
    if len(held_out) < 2:
        return "which holds out a single row: use fewer, larger folds, or more rows"
    if problem.is_classification:
        for rows, do in ((learnt, "train on"), (held_out, "hold out")):
            if _n_classes(rows) < problem.classes:
                return (
                    f"which does not {do} every class: shuffle the rows, use StratifiedKFold, or "
                    "leave out classes of few rows"
                )
    return None
