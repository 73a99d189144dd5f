"""Each count is proved by rebuilding `transform` from exactly the arrays that were counted."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import (
    KBinsDiscretizer,
    LabelBinarizer,
    LabelEncoder,
    MultiLabelBinarizer,
    OneHotEncoder,
    OrdinalEncoder,
    TargetEncoder,
)

from optistruct.resources import count_operations, count_parameters, stored_arrays
from tests.resources.families.conftest import arrays

FRAME = pd.DataFrame({"plan": list("zxyyxxzxyx") * 6, "visits": [3, 1, 3, 1, 1, 3, 3, 1, 1, 3] * 6})
RARE = pd.DataFrame({"plan": [*"aaaabbbbcdde"], "visits": [1, 2] * 6})


def columns_of(joined, widths):
    return np.split(joined, np.cumsum(widths)[:-1])


def looked_up(frame, categories):
    """Find the place of each value among its column's categories."""
    return np.column_stack(
        [
            [list(known).index(value) for value in frame[name]]
            for name, known in zip(frame, categories, strict=True)
        ]
    )


def grouped(places, rare):
    """Number the categories that are not rare, and then the rare ones as one."""
    kept = [i for i in range(places.max() + 1) if i not in rare]
    return np.array([kept.index(i) if i in kept else len(kept) for i in places])


def one_hot(places):
    return np.hstack([np.eye(column.max() + 1)[column] for column in places.T])


def test_one_hot_encoder():
    model = OneHotEncoder(sparse_output=False).fit(FRAME)
    categories = columns_of(arrays(model)["categories"], [3, 2])
    np.testing.assert_array_equal(model.transform(FRAME), one_hot(looked_up(FRAME, categories)))
    assert count_parameters(model).total == 3 + 2
    assert count_operations(model) == 0


def test_one_hot_encoder_that_drops_one_by_its_settings():
    model = OneHotEncoder(sparse_output=False, drop="first").fit(FRAME)
    categories = columns_of(arrays(model)["categories"], [3, 2])
    expected = np.delete(one_hot(looked_up(FRAME, categories)), [0, 3], axis=1)
    np.testing.assert_array_equal(model.transform(FRAME), expected)
    assert count_parameters(model).total == 3 + 2


@pytest.mark.parametrize("kind", [OneHotEncoder, OrdinalEncoder])
def test_which_categories_are_merged_is_stored(kind):
    dense = {"sparse_output": False} if kind is OneHotEncoder else {}
    model = kind(min_frequency=3, **dense).fit(RARE)
    stored = arrays(model)
    assert stored["infrequent"].tolist() == [2, 3, 4]
    places = looked_up(RARE, columns_of(stored["categories"], [5, 2]))
    places[:, 0] = grouped(places[:, 0], stored["infrequent"])
    expected = one_hot(places) if kind is OneHotEncoder else places
    np.testing.assert_array_equal(model.transform(RARE), expected)
    assert count_parameters(model).total == 5 + 2 + 3
    assert count_operations(model) == 0


def test_nothing_is_merged_where_nothing_is_rare():
    assert count_parameters(OneHotEncoder(min_frequency=2).fit(FRAME)).total == 5


def test_missing_values_beside_merged_categories():
    frame = pd.DataFrame({"plan": [*"aaaabbbbcdd", None]})
    model = OrdinalEncoder(max_categories=3).fit(frame)
    assert stored_arrays(model)["infrequent"].tolist() == [2, 3]
    assert count_parameters(model).total == 5 + 2


def test_ordinal_encoder():
    model = OrdinalEncoder().fit(FRAME)
    categories = columns_of(arrays(model)["categories"], [3, 2])
    np.testing.assert_array_equal(model.transform(FRAME), looked_up(FRAME, categories))
    assert count_parameters(model).total == 3 + 2


@pytest.mark.parametrize(("target", "outputs"), [("continuous", 1), ("multiclass", 3)])
def test_target_encoder(target, outputs):
    y = np.arange(60) / 7 if target == "continuous" else np.arange(60) % 7 % 3
    model = TargetEncoder(target_type=target, random_state=0).fit(FRAME, y)
    stored = arrays(model)
    categories = columns_of(stored["categories"], [3, 2])
    encodings = columns_of(stored["encodings"], [3] * outputs + [2] * outputs)
    unseen = pd.DataFrame({"plan": ["?"], "visits": [1]})
    places = looked_up(FRAME, categories)
    expected = [encodings[i][places[:, i // outputs]] for i in range(2 * outputs)]
    np.testing.assert_allclose(model.transform(FRAME), np.transpose(expected))
    np.testing.assert_allclose(model.transform(unseen)[0, :outputs], stored["unknown"])
    assert count_parameters(model).total == (3 + 2) + (3 + 2) * outputs + outputs
    assert count_operations(model) == 0


def test_labels():
    labels = np.array(["b", "c", "a", "c"])
    encoder, binarizer = LabelEncoder().fit(labels), LabelBinarizer().fit(labels)
    places = [arrays(encoder)["classes"].tolist().index(label) for label in labels]
    np.testing.assert_array_equal(encoder.transform(labels), places)
    np.testing.assert_array_equal(
        binarizer.transform(labels), labels[:, None] == arrays(binarizer)["classes"]
    )
    assert count_parameters(encoder).total == count_parameters(binarizer).total == 3
    assert count_operations(encoder) == count_operations(binarizer) == 0


def test_sets_of_labels():
    sets = [{"a"}, {"b", "c"}, set()]
    model = MultiLabelBinarizer().fit(sets)
    expected = [[label in row for label in arrays(model)["classes"]] for row in sets]
    np.testing.assert_array_equal(model.transform(sets), expected)
    assert count_parameters(model).total == 3
    assert count_operations(model) == 0


@pytest.mark.parametrize("encode", ["ordinal", "onehot-dense"])
def test_bins(encode):
    X = load_iris().data
    model = KBinsDiscretizer([4, 2, 3, 5], encode=encode, strategy="uniform").fit(X)
    edges = columns_of(arrays(model)["edges"], [3, 1, 2, 4])
    bins = [np.searchsorted(e, x, side="right") for e, x in zip(edges, X.T, strict=True)]
    expected = np.transpose(bins)
    expected = expected if encode == "ordinal" else one_hot(expected)
    np.testing.assert_array_equal(model.transform(X), expected)
    assert count_parameters(model).total == 3 + 1 + 2 + 4
    assert count_operations(model) == 0


def test_a_rare_missing_category_is_counted() -> None:
    column = np.array(["a"] * 20 + ["b"] * 20 + ["z", "y", np.nan], dtype=object)[:, None]
    model = OneHotEncoder(min_frequency=3, handle_unknown="infrequent_if_exist").fit(column)
    assert arrays(model)["infrequent"].tolist() == [2, 3, 4]
