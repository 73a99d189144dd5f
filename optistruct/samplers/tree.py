"""The tree of a space's structures, as far as it has been seen: what is left to visit.

A node is a parameter as it is asked for after the answers above it, its children are the answers.
A trial is a path; where it ended, by completing, failing, or being pruned half-way, everything
below has been visited. A node is exhausted when all its answers are; a continuous range never is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.columns import cardinality

__all__ = ["StructureTree", "key_of", "value_of"]


@dataclass
class _Node:
    """What is known below a series of answers."""

    name: str | None = None
    distribution: BaseDistribution | None = None
    children: dict[float, "_Node"] = field(default_factory=dict)
    exhausted: int = 0
    is_leaf: bool = False

    @property
    def is_exhausted(self) -> bool:
        if self.is_leaf:
            return True
        if self.distribution is None:
            return False
        return self.exhausted == cardinality(self.distribution)

    def asks(self, name: str, distribution: BaseDistribution) -> bool:
        return (self.name, self.distribution) == (name, distribution)


class StructureTree:
    """The structures that the trials of a study have visited."""

    def __init__(self) -> None:
        self._root = _Node()
        self._seen: set[int] = set()
        self._pending: list[list[_Node]] = []

    @property
    def is_exhausted(self) -> bool:
        """Whether every structure of the space has been visited, or is being."""
        return self._root.is_exhausted

    def refresh(
        self, trials: Iterable[FrozenTrial], current: int | None = None
    ) -> list[FrozenTrial]:
        """Take in what the trials have visited since the last time.

        Args:
            trials: All trials of the study.
            current: Number of the trial that is asked for now, which has visited nothing yet.

        Returns:
            The trials that have ended since the last time.
        """
        while self._pending:
            _mark(self._pending.pop(), is_leaf=False)
        ended, running = [], []
        for trial in trials:
            if trial.number in self._seen or trial.number == current:
                continue
            if trial.state.is_finished():
                self._seen.add(trial.number)
                ended.append(trial)
                self._close(trial)
            elif trial.params:
                running.append(trial)
        for trial in running:  # last, so that what has ended is not expanded by what has not
            path = self._path(trial, expand="unknown")
            if path and path[-1].name is None and not path[-1].is_leaf:
                _mark(path, is_leaf=True)
                self._pending.append(path)
        return ended

    def open_keys(
        self, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> NDArray[np.intp]:
        """List the answers of a finite parameter below which something is left to visit.

        Args:
            trial: The trial as far as it has been answered.
            name: The parameter that is asked for.
            distribution: What it is asked with.

        Returns:
            The places of the values in the distribution's own order; see `value_of`.
        """
        is_open = np.ones(int(cardinality(distribution)), dtype=bool)
        path = self._path(trial, expand="never")
        if path and path[-1].asks(name, distribution):
            closed = [int(key) for key, child in path[-1].children.items() if child.is_exhausted]
            is_open[closed] = False
        return np.flatnonzero(is_open)

    def _close(self, trial: FrozenTrial) -> None:
        """Note that all below the end of a trial has been visited.

        A trial that failed where others went on was stopped by something else than its structure.
        """
        path = self._path(trial, expand="always")
        is_mishap = trial.state == TrialState.FAIL and (path[-1].name or not trial.params)
        if not is_mishap:
            _mark(path, is_leaf=True)

    def _path(
        self, trial: FrozenTrial, *, expand: Literal["never", "unknown", "always"]
    ) -> list[_Node]:
        """Follow a trial's answers.

        Args:
            trial: The trial. One that was added may list its answers in any order.
            expand: Whether nodes that are not there are made: "always", even where another
                question was known, as the space has changed; or only if none was known.

        Returns:
            The nodes from the root on; none if they are not there and must not be made.
        """
        path, left = [self._root], dict(trial.params)
        while left:
            node = path[-1]
            name = node.name if node.name in left else next(iter(left))
            distribution = trial.distributions[name]
            key = key_of(distribution, left.pop(name))
            if not node.asks(name, distribution):
                if expand == "never" or (expand == "unknown" and node.name):
                    return []
                _mark(path, is_leaf=False, asked=(name, distribution))
            if expand == "never" and key not in node.children:
                return []
            path.append(node.children.setdefault(key, _Node()))
        return path


def _mark(
    path: list[_Node], *, is_leaf: bool, asked: tuple[str, BaseDistribution] | None = None
) -> None:
    """Say what the end of a path is, and count what that exhausts above it.

    Args:
        path: Nodes from the root on.
        is_leaf: Whether all below the end has been visited.
        asked: What is asked there, if that is news: what was known below is forgotten.
    """
    was = [node.is_exhausted for node in path]
    end = path[-1]
    end.is_leaf = is_leaf
    if asked:
        end.name, end.distribution = asked
        end.children, end.exhausted = {}, 0
    for above, below, before in reversed(list(zip(path[:-1], path[1:], was[1:], strict=True))):
        if below.is_exhausted == before:
            return
        above.exhausted += 1 if below.is_exhausted else -1


def key_of(distribution: BaseDistribution, value: Any) -> float:
    """Number a value: its place among those of a finite distribution."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.to_internal_repr(value)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.step is None:
        return float(value)
    return float(round((value - distribution.low) / distribution.step))


def value_of(distribution: BaseDistribution, i: int) -> Any:
    """Find the value at a place of a finite distribution; the other way round from `key_of`."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[i]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    value = min(distribution.low + i * (distribution.step or 0), distribution.high)
    return round(value) if isinstance(distribution, IntDistribution) else float(value)
