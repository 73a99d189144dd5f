"""What was measured of one structure: every objective in every fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from statistics import fmean, stdev
from typing import Any, Self

from optistruct.evaluation.curve import Curve

__all__ = ["Evaluation", "means", "standard_error"]


@dataclass(frozen=True)
class Evaluation:
    """The measurements of one structure.

    Attributes:
        folds: Each objective's name and its values, one a fold, in its unit.
        fit_seconds: Seconds of the fit in each fold, be it that of a submodel.
        machine: The machine that measured; see `describe_machine`.
        warnings: What the fits warned of, each once, and why submodels were not measured.
        curve: What was measured of its submodels in all folds; None if nothing was.
        pessimistic: Where it lost a race and was not fitted on all folds, each objective's mean as
            bad as it may become when the others are in; None if it was fitted on all. If there is a
            curve all the same, it was cut short: the largest submodel of the curve was fitted on
            the last folds.
    """

    folds: Mapping[str, tuple[float, ...]]
    fit_seconds: tuple[float, ...]
    machine: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    curve: Curve | None = None
    pessimistic: Mapping[str, float] | None = None

    @property
    def values(self) -> dict[str, float]:
        """Each objective's mean over the folds, or the pessimistic estimate of it."""
        return means(self.folds) if self.pessimistic is None else dict(self.pessimistic)

    def to_json(self) -> dict[str, Any]:
        """Write the record as JSON."""
        return {
            "folds": {name: list(values) for name, values in self.folds.items()},
            "fit_seconds": list(self.fit_seconds),
            "machine": dict(self.machine),
            "warnings": list(self.warnings),
            "curve": self.curve and self.curve.to_json(),
            "pessimistic": self.pessimistic and dict(self.pessimistic),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read the record that `to_json` wrote."""
        folds = {name: tuple(values) for name, values in record["folds"].items()}
        return cls(
            folds,
            tuple(record["fit_seconds"]),
            record["machine"],
            tuple(record["warnings"]),
            record["curve"] and Curve.from_json(record["curve"]),
            record["pessimistic"],
        )


def means(folds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Take each objective's mean over the folds."""
    return {name: fmean(values) for name, values in folds.items()}


def standard_error(folds: Sequence[float]) -> float:
    """Tell the standard error of a mean over folds: their deviation by the root of their number.

    Folds share training rows, so the true error of a score is somewhat larger; NaN when there is
    one fold.
    """
    return stdev(folds) / sqrt(len(folds)) if len(folds) > 1 else nan
