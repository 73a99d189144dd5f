"""A table that models are fitted on, without what LightGBM need not do anew in every fit."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import Dataset, LGBMClassifier, LGBMRegressor, sklearn, train
from lightgbm.basic import LightGBMError
from scipy import sparse

__all__ = ["BinnedTable"]

_MOST = 8  # binned forms of one table

# Of what the wrappers hand to their data set, what LightGBM's C++ reads in training only.
_OF_TRAINING = {
    *("num_leaves", "max_depth", "learning_rate", "min_split_gain", "min_child_weight"),
    *("subsample", "subsample_freq", "colsample_bytree", "reg_alpha", "reg_lambda"),
}
_LEAST_ROWS = "min_child_samples"  # of a leaf; a feature that cannot be split so is left out
_TELLING = {
    *("boosting_type", "subsample_for_bin", "objective", "random_state", "num_class", "metric"),
    *("num_threads", "verbose", "max_bin", "min_data_in_bin"),
}
_PLAIN = {
    **dict.fromkeys(("weight", "group", "init_score")),
    **dict.fromkeys(("categorical_feature", "feature_name"), "auto"),
}

_wrappers: Any = sklearn
_at_work = threading.Lock()


@dataclass
class _Binned:
    """A binned form: the same for all least rows of a leaf between those that gave it."""

    dataset: Any
    label: Any
    low: int
    high: int


class BinnedTable:
    """A table that models are fitted on; it must not change.

    A model of LightGBM comes out of a binned form that an earlier one left as it would out of its
    own: such a form is used only where it is known to be the same. Whatever LightGBM is told that
    this module does not know makes it bin for itself.

    Nor is its booster written to a text and read from it, as LightGBM does at the end of a fit,
    where that would give the same text again. `dump_model` then tells the gains of its splits, and
    the values of inner nodes, with more digits; no prediction reads them.

    Args:
        X: (rows, features) table.
        most_bytes: Most bytes that its binned forms may take.
    """

    def __init__(self, X: Any, most_bytes: int) -> None:
        self.X = X
        self._most = 0
        if isinstance(X, np.ndarray | pd.DataFrame) or sparse.issparse(X):
            self._most = min(_MOST, most_bytes // max(1, int(np.prod(X.shape))))  # a byte a value
        self._forms: OrderedDict[tuple[Any, int], _Binned] = OrderedDict()

    def fit(self, model: Any, y: Any) -> Any:
        """Fit a model on the table.

        Args:
            model: The unfitted model; it is fitted.
            y: (rows,) target.

        Returns:
            What the model's own fit returns.
        """
        is_known = type(model) in (LGBMClassifier, LGBMRegressor)
        if not (self._most and is_known) or not _at_work.acquire(blocking=False):
            return model.fit(self.X, y)
        try:
            fitted = self._fit_binned(model, y)
        finally:
            _at_work.release()
        return model.fit(self.X, y) if fitted is None else fitted

    def _fit_binned(self, model: Any, y: Any) -> Any:
        """Fit a model on a form that is known, or keep its own; None where LightGBM refuses it."""
        if any(getattr(_wrappers, real.__name__, None) is not real for real in (Dataset, train)):
            return None
        request = _Request(self._find)
        _wrappers.Dataset = request
        if model.importance_type == "split":  # or its importances are the gains
            _wrappers.train = request.train
        try:
            fitted = model.fit(self.X, y)
        except LightGBMError:
            if request.is_answered:
                return None
            raise
        finally:
            _wrappers.Dataset, _wrappers.train = Dataset, train
        if request.made is not None:
            with suppress(LightGBMError):
                self._keep(request.key, request.made)
        return fitted

    def _find(self, key: Any, least: int, label: Any) -> Any:
        for (known, used), form in self._forms.items():
            fits = known == key and form.low <= least <= form.high
            if fits and np.array_equal(form.label, label):
                self._forms.move_to_end((known, used))
                return form.dataset
        return None

    def _keep(self, key: Any, made: _Binned) -> None:
        # More rows a leaf only leave more features out: as many features are the same features.
        features = range(made.dataset.num_feature())
        used = sum(made.dataset.feature_num_bin(feature) > 0 for feature in features)
        form = self._forms.pop((key, used), made)
        if not np.array_equal(form.label, made.label):
            form = made
        # LightGBM takes a form where leaves need as many rows or more, so the least is kept.
        least = made if made.low < form.low else form
        low, high = min(form.low, made.low), max(form.high, made.high)
        self._forms[key, used] = _Binned(least.dataset, least.label, low, high)
        if len(self._forms) > self._most:
            self._forms.popitem(last=False)


class _Request:
    """Stands for LightGBM's `Dataset` and `train` in one fit, in the thread that it is made in."""

    def __init__(self, find: Callable[[Any, int, Any], Any]) -> None:
        self._find = find
        self._thread = threading.get_ident()
        self.key: Any = None
        self.made: _Binned | None = None
        self.is_answered = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Answer with a form that is known; else bin, as LightGBM would."""
        if threading.get_ident() != self._thread or args or not _is_plain(kwargs):
            return Dataset(*args, **kwargs)
        params, label = kwargs["params"], kwargs["label"]
        least = int(params[_LEAST_ROWS])
        self.key = tuple(sorted((name, repr(params[name])) for name in _TELLING & params.keys()))
        known = self._find(self.key, least, label)
        if known is not None:
            self.is_answered = True
            return known
        self.made = _Binned(Dataset(**kwargs), label, least, least)
        return self.made.dataset

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train as LightGBM would, but write and read the booster only if that changes its text.

        LightGBM does so always, to let go of what only a further training needs.
        """
        boosting = kwargs.get("params", {}).get("boosting_type")
        if threading.get_ident() != self._thread or self.key is None or boosting != "gbdt":
            return train(*args, **kwargs)
        booster = train(*args, **(kwargs | {"keep_training_booster": True}))
        if _changes_when_read(booster):
            return booster.model_from_string(booster.model_to_string())
        booster._free_buffer()
        # LightGBM's core still points at the data set, which must not be gone before.
        weakref.finalize(booster, id, kwargs["train_set"]).atexit = False
        return booster


def _changes_when_read(booster: Any) -> bool:
    """Tell whether a booster of plain trees may be written differently once it was read.

    Categories are read as what JSON makes of them. Of a tree without a split more is written then;
    where there is one output, that can be the first tree only.
    """
    has_categories = bool(booster.pandas_categorical)
    splits = booster.feature_importance("split", iteration=1)
    return has_categories or booster.num_model_per_iteration() > 1 or not splits.any()


def _is_plain(kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a data set is asked for with nothing but what this module knows."""
    if kwargs.keys() != {"data", "label", "params", *_PLAIN}:
        return False
    if any(kwargs[name] is not value for name, value in _PLAIN.items()):
        return False
    if np.ndim(kwargs["label"]) != 1:  # LightGBM warns of a column
        return False
    params = kwargs["params"]
    least, bins = params.get(_LEAST_ROWS), params.get("max_bin", 255)
    return (
        params.keys() <= {*_OF_TRAINING, _LEAST_ROWS, *_TELLING}
        and isinstance(params.get("objective"), str)
        and all(isinstance(number, Integral) for number in (least, bins))
        and least >= 1  # at 0, LightGBM may take it for 1
        and bins <= 255  # more take two bytes each
    )
