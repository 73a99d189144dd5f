"""Vectorisers of texts and dictionaries.

| models | stored | operations a row |
|---|---|---|
| counts, dictionary | the vocabulary, 1 a column | none |
| tf-idf of counts | the idf, 1 a column | 1 a column; the norm 2 |
| tf-idf of texts | the vocabulary and the idf | the same |
| hashes | nothing | none; the norm 2 a column |

Words are looked up, and look-ups are not operations. The width of a row is that of the table, as
it is for the models that follow, though most of a text's columns are empty. A vocabulary that is
given counts like one that is learnt; the stop words are a setting.
"""

from typing import Any

from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from optistruct.resources.operations import operations_per_row
from optistruct.resources.parameters import Stored, Weights, stored_arrays

_Tfidf = TfidfTransformer | TfidfVectorizer


@stored_arrays.register(CountVectorizer)
def _counts(model: Any) -> Stored:
    return {"vocabulary": model.get_feature_names_out()}


@stored_arrays.register(DictVectorizer)
def _dictionary(model: Any) -> Stored:
    return {"vocabulary": model.get_feature_names_out()}


@stored_arrays.register(TfidfTransformer)
def _idf(model: Any) -> Stored:
    return {"idf": Weights(model.idf_) if model.use_idf else None}


@stored_arrays.register(TfidfVectorizer)
def _tfidf(model: Any) -> Stored:
    return {**_counts(model), **_idf(model)}


@stored_arrays.register(FeatureHasher | HashingVectorizer)
def _hashes(model: Any) -> Stored:
    return {}


@operations_per_row.register(CountVectorizer | DictVectorizer | FeatureHasher)
def _looked_up(model: Any) -> float:
    return 0.0


@operations_per_row.register(TfidfTransformer)
def _idf_operations(model: Any) -> float:
    return _weighing(model, model.n_features_in_)


@operations_per_row.register(TfidfVectorizer)
def _tfidf_operations(model: Any) -> float:
    return _weighing(model, len(model.vocabulary_))


@operations_per_row.register(HashingVectorizer)
def _hashes_operations(model: Any) -> float:
    return 2.0 * model.n_features if model.norm else 0.0


def _weighing(model: Any, columns: int) -> float:
    return float(columns * (bool(model.use_idf) + (2 if model.norm else 0)))
