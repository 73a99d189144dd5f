"""The tree of a space's structures, as far as it has been seen: what is left to visit.

A node is a parameter as it is asked for after the answers above it, its children are the answers.
A trial is a path; where it ended, by completing, failing, or being pruned half-way, everything
below has been visited. A node is visited when all its answers are; a continuous range never is.
Where a running trial has got to, all below is under way, which may never come to an end: it is
closed for as long as something else is open.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from optistruct.samplers.columns import cardinality, is_continuous

__all__ = ["StructureTree", "key_of", "keys_of", "value_of"]


@dataclass(slots=True)
class _Node:
    """What is known below a series of answers.

    Attributes:
        is_value: Whether the last answer is a value of what was asked; Optuna lets a trial be
            enqueued with others.
        name: The next parameter; None if no trial was asked for another.
        distribution: What it is asked with.
        children: What is below each answer, by its key.
        n_visited: How many values there are below which everything has been visited.
        n_closed: The same, with what is under way.
        is_leaf: Whether a trial has ended here, so that all below has been visited.
        is_under_way: Whether a running trial has got to here.
        was_left: Whether a trial has completed here, though others were asked for more.
    """

    is_value: bool = True
    name: str | None = None
    distribution: BaseDistribution | None = None
    children: dict[float, "_Node"] = field(default_factory=dict)
    n_visited: int = 0
    n_closed: int = 0
    is_leaf: bool = False
    is_under_way: bool = False
    was_left: bool = False
    _size: float | None = None

    @property
    def size(self) -> float:
        """How many values there are, counted when it first matters, which it rarely does."""
        if self._size is None:
            assert self.distribution is not None
            self._size = cardinality(self.distribution)
        return self._size

    @property
    def is_visited(self) -> bool:
        return self.is_leaf or 0 < self.n_visited == self.size

    @property
    def is_closed(self) -> bool:
        return self.is_leaf or self.is_under_way or 0 < self.n_closed == self.size

    def asks(self, name: str, distribution: BaseDistribution) -> bool:
        return self.name == name and self.distribution == distribution

    def ask(self, name: str, distribution: BaseDistribution) -> None:
        """Take in what is asked here; what was known below is of another space."""
        self.name, self.distribution, self._size = name, distribution, None
        self.children, self.n_visited, self.n_closed = {}, 0, 0
        self.is_leaf = self.is_under_way = self.was_left = False


class StructureTree:
    """The structures that the trials of a study have visited."""

    def __init__(self) -> None:
        self._root = _Node()
        self._seen: set[int] = set()
        self._under_way: list[list[_Node]] = []

    @property
    def is_visited(self) -> bool:
        """Whether trials that have ended have visited every structure of the space."""
        return self._root.is_visited

    @property
    def is_exhausted(self) -> bool:
        """Whether every structure of the space has been visited, or is being."""
        return self._root.is_closed

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
        while self._under_way:
            _change(self._under_way.pop(), is_under_way=False)
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
                _change(path, is_under_way=True)
                self._under_way.append(path)
        return ended

    def closed_keys(
        self, trial: FrozenTrial, name: str, distribution: BaseDistribution
    ) -> set[float]:
        """List the answers to a question below which nothing is left to visit.

        What is under way is left to those who are at it, unless there is nothing else.

        Args:
            trial: The trial as far as it has been answered.
            name: The parameter that is asked for.
            distribution: What it is asked with.

        Returns:
            Keys as of `key_of`.
        """
        path = self._path(trial, expand="never")
        if not path or not path[-1].n_closed or not path[-1].asks(name, distribution):
            return set()
        node = path[-1]
        if node.n_closed < node.size:
            return {key for key, child in node.children.items() if child.is_closed}
        return {key for key, child in node.children.items() if child.is_visited}

    def _close(self, trial: FrozenTrial) -> None:
        """Note that all below the end of a trial has been visited, unless it ended by a mishap."""
        path = self._path(trial, expand="always")
        if not self._is_mishap(trial, path[-1]):
            _change(path, is_leaf=True)

    def _is_mishap(self, trial: FrozenTrial, end: _Node) -> bool:
        """Tell whether a trial was stopped, or added, by something else than its structure.

        It was if it failed or completed where others were asked for more, or was never asked
        anything; but not if it was pruned there: limits may be laid down in the course of a search.
        A second one that completes there shows that the space has changed.
        """
        if not trial.params:
            return trial.state != TrialState.COMPLETE or end.name is not None
        if end.name is None or trial.state == TrialState.PRUNED:
            return False
        is_first = not end.was_left
        end.was_left |= trial.state == TrialState.COMPLETE
        return is_first or trial.state == TrialState.FAIL

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
                _change(path, asked=(name, distribution))
            child = node.children.get(key)
            if child is None:
                if expand == "never":
                    return []
                child = node.children[key] = _Node(is_value=isinstance(key, int))
            path.append(child)
        return path


def _change(
    path: list[_Node],
    *,
    is_leaf: bool | None = None,
    is_under_way: bool | None = None,
    asked: tuple[str, BaseDistribution] | None = None,
) -> None:
    """Change what the end of a path is, and count what that visits, closes or opens above it.

    Args:
        path: Nodes from the root on.
        is_leaf: Whether a trial has ended there, if that is news.
        is_under_way: Whether a running trial has got to there, if that is news.
        asked: What is asked there, if that is news.
    """
    node = path[-1]
    was_visited, was_closed = node.is_visited, node.is_closed
    if is_leaf is not None:
        node.is_leaf = is_leaf
    if is_under_way is not None:
        node.is_under_way = is_under_way
    if asked is not None:
        node.ask(*asked)
    for above in reversed(path[:-1]):
        visited, closed = node.is_visited - was_visited, node.is_closed - was_closed
        if not (visited or closed) or not node.is_value:
            return
        was_visited, was_closed = above.is_visited, above.is_closed
        above.n_visited += visited
        above.n_closed += closed
        node = above


def key_of(distribution: BaseDistribution, value: Any) -> float:
    """Number a value: an integer, its place, if it is one of a finite distribution's."""
    if isinstance(distribution, CategoricalDistribution):
        return int(distribution.to_internal_repr(value))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    value = float(value)
    if is_continuous(distribution):
        return value  # type: ignore[no-any-return]
    place = (value - distribution.low) / (distribution.step or 1)
    return round(place) if distribution._contains(value) else float(place)


def keys_of(distribution: BaseDistribution) -> Iterable[int]:
    """Number the values of a finite distribution in its own order; equal choices are one."""
    if isinstance(distribution, CategoricalDistribution):
        return dict.fromkeys(int(distribution.to_internal_repr(c)) for c in distribution.choices)
    return range(int(cardinality(distribution)))


def value_of(distribution: BaseDistribution, i: int) -> Any:
    """Find the value at a place of a finite distribution; the other way round from `key_of`."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[i]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    value = min(distribution.low + i * (distribution.step or 0), distribution.high)
    return round(value) if isinstance(distribution, IntDistribution) else float(value)
