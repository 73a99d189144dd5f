"""The inference times of finished structures, measured side by side in one process."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sklearn import config_context
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from optistruct.evaluation.folds import writes
from optistruct.evaluation.plan import EvaluationPlan
from optistruct.objectives import InferenceTime
from optistruct.resources import (
    describe_machine,
    measure_side_by_side,
    one_thread,
    single_threaded,
)

__all__ = ["Remeasurement", "remeasure"]

_SECONDS_A_FOLD = 2.0


@dataclass(frozen=True)
class Remeasurement:
    """The inference times of one structure, measured again beside those of others.

    Attributes:
        folds: The name of each objective that was measured and its values, one a fold, in its unit.
        width: The widest 95 % interval of a fold's median, as a part of the median.
        machine: The machine that measured; see `describe_machine`.
        moment: When, as ISO 8601 text.
    """

    folds: Mapping[str, tuple[float, ...]]
    width: float
    machine: Mapping[str, Any]
    moment: str

    def to_json(self) -> dict[str, Any]:
        """Write the record as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read the record that `to_json` wrote."""
        folds = {name: tuple(values) for name, values in record["folds"].items()}
        return cls(folds, record["width"], record["machine"], record["moment"])


def remeasure(structures: Sequence[Any], plan: EvaluationPlan) -> list[Remeasurement]:
    """Fit structures again and time them side by side, fold by fold, against one reference.

    What a search estimates for submodels beside the times, their sizes, is measured, too. A pure
    function of its arguments, times aside. All fitted models of a fold are in memory at once.

    Args:
        structures: Unfitted estimators; they are not changed.
        plan: Data, folds and objectives; those that are neither an inference time nor a size, which
            a search estimates for submodels, are left out.

    Raises:
        Exception: Whatever a fit or a prediction raises.
    """
    again = [objective for objective in plan.objectives if objective.estimates_submodels]
    copies = [single_threaded(structure) for structure in structures]
    handed = [deepcopy if writes(structure) else _the_same for structure in copies]
    folds: list[dict[str, list[float]]] = [{o.name: [] for o in again} for _ in copies]
    widths = [0.0] * len(copies)
    with config_context(**plan.settings):
        for train, test in plan.folds:
            X, y = _safe_indexing(plan.X, train), _safe_indexing(plan.y, train)
            X_test, y_test = _safe_indexing(plan.X, test), _safe_indexing(plan.y, test)
            with one_thread():
                models = [clone(structure) for structure in copies]
                for model, hand in zip(models, handed, strict=True):
                    model.fit(hand(X), y)
            for objective in again:
                if not isinstance(objective, InferenceTime):
                    for model, hand, fold in zip(models, handed, folds, strict=True):
                        fold[objective.name].append(objective.measure(model, hand(X_test), y_test))
                    continue
                timings = measure_side_by_side(
                    [objective.runnable(model, X_test) for model in models],
                    X_test,
                    batch_size=objective.batch_size,
                    percentile=objective.percentile,
                    max_seconds=_SECONDS_A_FOLD,
                    reference_ns=objective.reference_ns,
                )
                for i, timing in enumerate(timings):
                    folds[i][objective.name].append(objective.value_of(timing))
                    widths[i] = max(widths[i], timing.width)
    machine, moment = describe_machine(), datetime.now().isoformat(timespec="seconds")
    return [
        Remeasurement({name: tuple(values) for name, values in one.items()}, width, machine, moment)
        for one, width in zip(folds, widths, strict=True)
    ]


def _the_same(X: Any) -> Any:
    return X
