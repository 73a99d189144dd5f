"""What was measured of the submodels of one structure, from its fits or the largest submodel's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

__all__ = ["Curve"]


@dataclass(frozen=True)
class Curve:
    """The measurements of the submodels of one structure, which itself is not among them.

    Attributes:
        parameter: The space's parameter that they differ in.
        values: Its values, from small structures to large ones.
        folds: Each objective's name and, for each submodel, its values, one a fold.
        fixed_cost: What a trial takes whatever the value, in steps of the parameter; None where a
            fit takes as long whatever the value. See `fixed_cost`.
    """

    parameter: str
    values: tuple[Any, ...]
    folds: Mapping[str, tuple[tuple[float, ...], ...]]
    fixed_cost: float | None = None

    def __iter__(self) -> Iterator[tuple[Any, dict[str, tuple[float, ...]]]]:
        """Go through the submodels: the parameter's value, and each objective's folds."""
        for place, value in enumerate(self.values):
            yield value, {name: rows[place] for name, rows in self.folds.items()}

    def to_json(self) -> dict[str, Any]:
        """Write the record as JSON."""
        return {
            "parameter": self.parameter,
            "values": list(self.values),
            "folds": {name: [list(row) for row in rows] for name, rows in self.folds.items()},
            "fixed_cost": self.fixed_cost,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read the record that `to_json` wrote."""
        folds = {name: tuple(map(tuple, rows)) for name, rows in record["folds"].items()}
        return cls(record["parameter"], tuple(record["values"]), folds, record["fixed_cost"])
