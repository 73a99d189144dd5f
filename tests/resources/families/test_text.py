"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pytest
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

from optistruct.resources import count_operations, count_parameters
from tests.resources.families.conftest import arrays

TEXTS = ["the cat sat", "the dog sat on the cat", "a dog and a bird"]
WORDS = ["and", "bird", "cat", "dog", "on", "sat", "the"]


def counted(texts, vocabulary):
    return np.array([[text.split().count(word) for word in vocabulary] for text in texts])


def weighed(counts, idf, norm):
    weighed = counts * idf
    return weighed / np.linalg.norm(weighed, axis=1, keepdims=True) if norm else weighed


@pytest.mark.parametrize("given", [None, WORDS])
def test_counts(given):
    model = CountVectorizer(vocabulary=given).fit(TEXTS)
    vocabulary = arrays(model)["vocabulary"]
    np.testing.assert_array_equal(model.transform(TEXTS).toarray(), counted(TEXTS, vocabulary))
    assert count_parameters(model).total == len(WORDS) == 7
    assert count_operations(model) == 0


def test_phrases_count_as_words():
    model = CountVectorizer(ngram_range=(2, 2)).fit(["the cat sat", "the cat ran"])
    assert count_parameters(model).total == 3


@pytest.mark.parametrize(
    ("use_idf", "norm", "total", "operations"),
    [(True, "l2", 14, 21), (True, None, 14, 7), (False, "l2", 7, 14), (False, None, 7, 0)],
)
def test_tfidf(use_idf, norm, total, operations):
    model = TfidfVectorizer(use_idf=use_idf, norm=norm).fit(TEXTS)
    stored = arrays(model)
    counts = counted(TEXTS, stored["vocabulary"])
    expected = weighed(counts, stored.get("idf", 1), norm)
    np.testing.assert_allclose(model.transform(TEXTS).toarray(), expected)
    assert count_parameters(model).total == total
    assert count_operations(model) == operations


@pytest.mark.parametrize(("use_idf", "total", "operations"), [(True, 7, 21), (False, 0, 14)])
def test_tfidf_of_counts(use_idf, total, operations):
    counts = counted(TEXTS, WORDS)
    model = TfidfTransformer(use_idf=use_idf).fit(counts)
    expected = weighed(counts, arrays(model).get("idf", 1), "l2")
    np.testing.assert_allclose(model.transform(counts).toarray(), expected)
    assert count_parameters(model).total == total
    assert count_operations(model) == operations


@pytest.mark.parametrize(("norm", "operations"), [("l2", 32), (None, 0)])
def test_hashes_store_nothing(norm, operations):
    model = HashingVectorizer(n_features=16, norm=norm).fit(TEXTS)
    other = HashingVectorizer(n_features=16, norm=norm)
    np.testing.assert_array_equal(
        model.transform(TEXTS).toarray(), other.transform(TEXTS).toarray()
    )
    assert count_parameters(model).total == 0
    assert count_operations(model) == operations


def test_hashes_of_dictionaries_store_nothing():
    model = FeatureHasher(n_features=8)
    assert model.transform([{"a": 1}]).shape == (1, 8)
    assert count_parameters(model).total == count_operations(model) == 0


def test_dictionary():
    rows = [{"city": "Rome", "age": 3}, {"city": "Oslo"}, {"age": 5, "city": "Rome"}]
    model = DictVectorizer(sparse=False).fit(rows)
    vocabulary = list(arrays(model)["vocabulary"])
    expected = np.zeros((3, len(vocabulary)))
    for i, row in enumerate(rows):
        expected[i, vocabulary.index(f"city={row['city']}")] = 1
        expected[i, vocabulary.index("age")] = row.get("age", 0)
    np.testing.assert_array_equal(model.transform(rows), expected)
    assert count_parameters(model).total == 3
    assert count_operations(model) == 0
