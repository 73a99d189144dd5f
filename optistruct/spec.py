"""What a study is of: the record that is stored with it, and that a resumed run must match."""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import optuna
import pandas as pd
from scipy import sparse

from optistruct import recipe
from optistruct.exceptions import ArgumentError, StudyMismatchError
from optistruct.objectives import Direction, Objective, Scale
from optistruct.resources import describe_machine
from optistruct.spaces import Probe, Problem, Space, probe

__all__ = ["StoredObjective", "StudySpec", "fingerprint"]


@dataclass(frozen=True, kw_only=True)
class StoredObjective(Objective):
    """An objective that the database names but that cannot be made again: it cannot measure."""

    recipe: str
    name: str  # type: ignore[misc]
    direction: Direction  # type: ignore[misc]
    unit: str  # type: ignore[misc]
    scale: Scale  # type: ignore[misc]
    estimates_submodels: bool  # type: ignore[misc]
    is_timed: bool  # type: ignore[misc]

    def check_measurable(self) -> None:
        """Refuse.

        Raises:
            ArgumentError: Always.
        """
        raise ArgumentError(
            f"the objective {self.name!r} is defined outside optistruct: make the study again "
            "with StructureStudy(...) and that objective"
        )

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Refuse, as `check_measurable` does."""
        self.check_measurable()
        return math.nan


@dataclass(frozen=True)
class StudySpec:
    """What a study is of.

    Attributes:
        space: Recipe of the structure space.
        probe: What the space proposes.
        objectives: What a structure is judged by.
        cv: Recipe of the cross-validation.
        folds: Hash of the training and the held-out rows of every fold.
        data: Hash of X and y.
        problem: The task and the table's shape.
        seed: Seed of the study.
        sampler: Name of the sampler; it may change.
        submodels: Whether submodels are measured; it may change.
        racing: Whether structures race over the folds; it may change.
        source: Where a command finds the data again (see `Launch.source`); it may change.
        machine: The machine at the start and its package versions; where an objective is a time,
            with the calibrated time of the reference (`reference_ns`), by which all inference times
            of the study compare.
    """

    KEY: ClassVar[str] = "optistruct:spec"

    space: recipe.Recipe
    probe: Probe
    objectives: tuple[Objective, ...]
    cv: recipe.Recipe
    folds: str
    data: str
    problem: Problem
    seed: int
    sampler: str
    submodels: bool
    racing: bool
    source: Mapping[str, str] | None
    machine: Mapping[str, Any]

    @classmethod
    def here(cls, **parts: Any) -> Self:
        """Make the spec of a study that begins now, on this machine."""
        return cls(machine=describe_machine(), **parts)

    def to_json(self) -> dict[str, Any]:
        """Write the spec as JSON."""
        return {
            "space": self.space,
            "probe": asdict(self.probe),
            "objectives": [_objective_to_json(objective) for objective in self.objectives],
            "cv": self.cv,
            "folds": self.folds,
            "data": self.data,
            "problem": asdict(self.problem),
            "seed": self.seed,
            "sampler": self.sampler,
            "submodels": self.submodels,
            "racing": self.racing,
            "source": self.source,
            "machine": dict(self.machine),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read the spec that `to_json` wrote."""
        problem: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in stored["problem"].items()
        }
        return cls(
            space=stored["space"],
            probe=Probe(**stored["probe"]),
            objectives=tuple(map(_objective_from_json, stored["objectives"])),
            cv=stored["cv"],
            folds=stored["folds"],
            data=stored["data"],
            problem=Problem(**problem),
            seed=stored["seed"],
            sampler=stored["sampler"],
            submodels=stored["submodels"],
            racing=stored["racing"],
            source=stored["source"],
            machine=stored["machine"],
        )

    @classmethod
    def of_study(cls, study: optuna.Study) -> Self:
        """Read the spec of a study from its database.

        Raises:
            StudyMismatchError: If the study was not made by optistruct, or by another version.
        """
        stored = study.user_attrs.get(cls.KEY)
        if stored is None:
            raise StudyMismatchError(
                f"the study {study.study_name!r} was not made by optistruct: open it with "
                "optuna.load_study, or give the new study another name"
            )
        try:
            return cls.from_json(stored)
        except (KeyError, TypeError) as error:
            is_short = isinstance(error, KeyError)
            why = f"lacks {error}" if is_short else f"has what this one does not know ({error})"
            raise StudyMismatchError(
                f"the study {study.study_name!r} was made by another version of optistruct: its "
                f"record {why}; go on with that version"
            ) from None

    def check_same(self, stored: "StudySpec", name: str) -> None:
        """See that a study can be resumed.

        Args:
            stored: The spec that the study was made with.
            name: The study's name, for the message.

        Raises:
            StudyMismatchError: If space, objectives, folds, data, task or seed differ; the
                message says which, and what to do.
        """
        differences = list(self._differences(stored))
        if differences:
            listed = "".join(f"\n  - {difference}" for difference in differences)
            raise StudyMismatchError(
                f"the study {name!r} was made with something else:{listed}\n"
                "Go on with what it was made with, or give the new study another name."
            )

    def check_space(self, space: Space) -> None:
        """See that a space is the one that the study was made with.

        Raises:
            StudyMismatchError: If it proposes other parameters or builds other structures.
        """
        now = probe(space, self.problem, self.seed)
        if now != self.probe:
            raise StudyMismatchError(
                "the space is not the one that was measured: "
                f"{_probe_difference(now, self.probe)}; the study was made with "
                + ", ".join(f"{name} {number}" for name, number in self.machine["packages"].items())
            )

    def _differences(self, stored: "StudySpec") -> Iterator[str]:
        if self.data != stored.data:
            now, then = self.problem, stored.problem
            yield (
                f"other data: {then.rows} rows of {then.features} columns then, "
                f"{now.rows} of {now.features} now"
                + (
                    " (the values, names or types differ)"
                    if (now.rows, now.features) == (then.rows, then.features)
                    else ""
                )
            )
        elif self.problem.task != stored.problem.task:
            yield f"another task: {stored.problem.task} then, {self.problem.task} now"
        if self.seed != stored.seed:
            yield f"another seed: {stored.seed} then, {self.seed} now"
        if self.cv != stored.cv or (self.data == stored.data and self.folds != stored.folds):
            before, after = recipe.text(stored.cv), recipe.text(self.cv)
            same = " (the rows differ)" if before == after else ""
            yield f"other folds: cv={before} then, cv={after} now{same}"
        yield from _objective_differences(self.objectives, stored.objectives)
        if self.data == stored.data and self.probe != stored.probe:
            yield f"another space: {_probe_difference(self.probe, stored.probe)}"


def fingerprint(*things: Any) -> str:
    """Hash tables, arrays and sparse matrices by their values, names and types."""
    digest = hashlib.sha256()
    for thing in things:
        if sparse.issparse(thing):
            rows = sparse.csr_array(thing, copy=True)
            rows.sum_duplicates()
            rows.eliminate_zeros()
            digest.update(repr((rows.shape, str(rows.dtype))).encode())
            for part in (rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)):
                digest.update(part.tobytes())
            continue
        table = pd.DataFrame(thing)
        digest.update(
            repr([(str(name), str(kind)) for name, kind in table.dtypes.items()]).encode()
        )
        digest.update(pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _objective_to_json(objective: Objective) -> dict[str, Any]:
    if isinstance(objective, StoredObjective):
        described = {"opaque": objective.recipe}
    else:
        described = recipe.describe(objective)
    return {
        "recipe": described,
        "name": objective.name,
        "direction": objective.direction,
        "unit": objective.unit,
        "scale": objective.scale,
        "at_most": recipe.describe(objective.at_most),
        "at_least": recipe.describe(objective.at_least),
        "estimates_submodels": objective.estimates_submodels,
        "is_timed": objective.is_timed,
    }


def _objective_from_json(stored: Mapping[str, Any]) -> Objective:
    made = recipe.restore(stored["recipe"]) if recipe.is_whole(stored["recipe"]) else None
    if isinstance(made, Objective) and recipe.describe(made) == stored["recipe"]:
        return made  # all of it could be imported
    known = {one.name: stored[one.name] for one in fields(StoredObjective) if one.name != "recipe"}
    return StoredObjective(recipe=recipe.text(stored["recipe"]), **known)


def _objective_differences(
    now: tuple[Objective, ...], then: tuple[Objective, ...]
) -> Iterator[str]:
    def texts(objectives: tuple[Objective, ...]) -> list[str]:
        return [recipe.text(_objective_to_json(o)["recipe"]) for o in objectives]

    if texts(now) != texts(then):
        yield f"other objectives: {', '.join(texts(then))} then, {', '.join(texts(now))} now"


def _probe_difference(now: Probe, then: Probe) -> str:
    before, after = then.parameters, now.parameters
    said = [f"parameter {name!r} is gone" for name in before if name not in after]
    said += [f"parameter {name!r} is new" for name in after if name not in before]
    said += [
        f"parameter {name!r} was {_brief(before[name])}, is {_brief(after[name])}"
        for name in before
        if name in after and before[name] != after[name]
    ]
    if not said:
        return "the same parameters build other structures"
    more = len(said) - 5
    return "; ".join(said[:5]) + (f"; and {more} more" if more > 0 else "")


def _brief(distribution: str) -> str:
    from optuna.distributions import CategoricalDistribution, json_to_distribution

    made = json_to_distribution(distribution)
    if isinstance(made, CategoricalDistribution):
        return f"one of {list(made.choices)}"
    extra = ", log" if made.log else "" if made.step in (None, 1) else f", step {made.step}"  # type: ignore[attr-defined]
    return f"{made.low} to {made.high}{extra}"  # type: ignore[attr-defined]
