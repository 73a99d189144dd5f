"""Performance P(S): a scikit-learn score on held-out rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sklearn.metrics import get_scorer, get_scorer_names

from optistruct.exceptions import ArgumentError, UnknownNameError
from optistruct.objectives.objective import Direction, Objective
from optistruct.objectives.quick_scores import Alone, quick_scores
from optistruct.submodels import Answers, Submodels

__all__ = ["Score"]


@dataclass(frozen=True, kw_only=True)
class Score(Objective):
    """A scikit-learn score on held-out rows, cross-validated by the study.

    Scorers whose name begins with `neg_` are losses; they are shown without the sign and
    minimised: `Score("neg_mean_squared_error")` is named `mean_squared_error`.

    Attributes:
        scoring: A name from `sklearn.metrics.get_scorer_names()`, or a callable
            (estimator, X, y) -> float whose larger values are better.
        label: A name of your own; needed for a callable without a `__name__`.
    """

    scoring: str | Callable[..., float] = field(kw_only=False)
    label: str | None = None

    def __post_init__(self) -> None:
        """Check the scorer and the limits.

        Raises:
            UnknownNameError: If scikit-learn has no scorer of this name.
            ArgumentError: If `scoring` is neither a name nor a callable.
        """
        if isinstance(self.scoring, str):
            if self.scoring not in get_scorer_names():
                raise UnknownNameError("scorer", self.scoring, get_scorer_names())
        elif not callable(self.scoring):
            raise ArgumentError(
                "scoring must be a scorer's name or a callable (estimator, X, y) -> float, "
                f"got {self.scoring!r}"
            )
        super().__post_init__()

    @property
    def _is_negated(self) -> bool:
        return isinstance(self.scoring, str) and self.scoring.startswith("neg_")

    @property
    def name(self) -> str:  # type: ignore[override]
        """The label, or the scorer's name without `neg_`."""
        if self.label is not None:
            return self.label
        if isinstance(self.scoring, str):
            return self.scoring.removeprefix("neg_")
        function = getattr(self.scoring, "_score_func", self.scoring)
        return str(getattr(function, "__name__", type(function).__name__))

    @property
    def direction(self) -> Direction:  # type: ignore[override]
        """Maximised, unless it is a loss."""
        return "minimize" if self._is_negated else "maximize"

    def measure_each(self, submodels: Submodels, X: Any, y: Any) -> list[float]:
        """Score every submodel, all from one pass over the model.

        A callable that is no scorer of scikit-learn's may ask anything of a model, not only for
        predictions: for it, every submodel is built.
        """
        answers = Answers(submodels, X)
        if isinstance(self.scoring, str):
            scores = self._quick(self.scoring, answers, y)
            if scores is not None:
                return scores
        elif not hasattr(self.scoring, "_score_func"):
            return super().measure_each(submodels, X, y)
        return [self._slow(stand_in, X, y) for stand_in in answers]

    def measure(self, model: Any, X: Any, y: Any) -> float:
        """Score the model on held-out rows."""
        if isinstance(self.scoring, str):
            scores = self._quick(self.scoring, Alone(model, X), y)
            if scores is not None:
                return scores[0]
        return self._slow(model, X, y)

    def _quick(self, scoring: str, asked: Alone | Answers, y: Any) -> list[float] | None:
        scores = quick_scores(scoring, asked, y)
        if scores is None:
            return None
        each: list[float] = (-scores if self._is_negated else scores).tolist()
        return each

    def _slow(self, model: Any, X: Any, y: Any) -> float:
        """Ask the scorer itself, whatever it takes."""
        scorer = get_scorer(self.scoring) if isinstance(self.scoring, str) else self.scoring
        score = float(scorer(model, X, y))
        return -score if self._is_negated else score
