"""Tests of optistruct.spaces.grid."""

import json
from typing import Any

import numpy as np
import pytest
from optuna.distributions import json_to_distribution
from optuna.trial import FixedTrial
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest, f_classif, mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from optistruct import recipe, spaces
from optistruct.exceptions import SpaceError
from optistruct.spaces import Problem, build, from_grid
from optistruct.spaces.written import written

PROBLEM = Problem("binary", rows=90, features=4, classes=2)


def choices(space: Any) -> dict[str, list[Any]]:
    probed = spaces.probe(space, PROBLEM, 0).parameters
    return {name: list(json_to_distribution(d).choices) for name, d in probed.items()}


def make(space: Any, **parameters: Any) -> Any:
    return build(space, FixedTrial(parameters), PROBLEM, 0)


class TestFromGrid:
    def test_offers_the_values_of_the_grid(self) -> None:
        grid = {"n_estimators": [10, 50], "max_depth": [None, 10], "criterion": ["gini", "entropy"]}
        assert choices(from_grid(RandomForestClassifier(), grid)) == grid

    def test_sets_what_is_chosen_and_keeps_the_rest(self) -> None:
        space = from_grid(DecisionTreeClassifier(min_samples_leaf=4), {"max_depth": [None, 2, 5]})
        assert make(space, max_depth=5).max_depth == 5
        assert make(space, max_depth=None).max_depth is None
        assert make(space, max_depth=5).min_samples_leaf == 4

    def test_does_not_touch_the_estimator_it_was_given(self) -> None:
        tree = DecisionTreeClassifier()
        first, second = (make(from_grid(tree, {"max_depth": [2]}), max_depth=2) for _ in range(2))
        assert first is not second
        assert tree.max_depth is None
        assert tree.random_state is None

    def test_takes_values_of_numpy(self) -> None:
        space = from_grid(LogisticRegression(), {"C": np.logspace(-2, 2, 3)})
        assert choices(space) == {"C": pytest.approx([0.01, 1.0, 100.0])}
        assert type(make(space, C=1.0).C) is float

    def test_takes_values_that_are_no_scalars(self) -> None:
        space = from_grid(MLPClassifier(), {"hidden_layer_sizes": [(10,), (20, 5)]})
        assert choices(space) == {"hidden_layer_sizes": ["(10,)", "(20, 5)"]}
        assert make(space, hidden_layer_sizes="(20, 5)").hidden_layer_sizes == (20, 5)

    def test_reaches_into_a_pipeline_and_swaps_its_steps(self) -> None:
        chain = Pipeline([("scale", StandardScaler()), ("tree", DecisionTreeClassifier())])
        minmax = MinMaxScaler()
        grid = {"scale": [StandardScaler(), minmax, "passthrough"], "tree__max_depth": [1, 2]}
        made = make(from_grid(chain, grid), **{"scale": "MinMaxScaler()", "tree__max_depth": 2})
        assert isinstance(made["scale"], MinMaxScaler)
        assert made["scale"] is not minmax
        assert made["tree"].max_depth == 2
        assert made["tree"].random_state == 0

    def test_names_functions_by_what_they_are_called(self) -> None:
        """And not by where this process keeps them."""
        grid = {"score_func": [f_classif, mutual_info_classif]}
        space = from_grid(SelectKBest(), grid)
        names = ["<function f_classif>", "<function mutual_info_classif>"]
        assert choices(space) == {"score_func": names}
        assert make(space, score_func=names[1]).score_func is mutual_info_classif
        assert space.starts == ({"score_func": names[0]},)

    def test_tells_equal_values_of_different_types_apart(self) -> None:
        space = from_grid(RandomForestClassifier(), {"max_features": [1, 1.0, "sqrt"]})
        made = [make(space, max_features=text).max_features for text in ("1", "1.0", "'sqrt'")]
        assert list(map(repr, made)) == ["1", "1.0", "'sqrt'"]

    def test_takes_a_list_of_grids(self) -> None:
        grids = [{"criterion": ["gini"], "max_depth": [1, 2]}, {"criterion": ["entropy"]}]
        space = from_grid(DecisionTreeClassifier(), grids)
        assert choices(space) == {
            "grid": [0, 1],
            "0.criterion": ["gini"],
            "0.max_depth": [1, 2],
            "1.criterion": ["entropy"],
        }
        made = make(space, **{"grid": 1, "1.criterion": "entropy"})
        assert (made.criterion, made.max_depth) == ("entropy", None)

    def test_names_one_grid_in_a_list_without_a_prefix(self) -> None:
        assert choices(from_grid(DecisionTreeClassifier(), [{"max_depth": [1, 2]}])) == {
            "max_depth": [1, 2]
        }

    def test_comes_back_from_its_recipe(self) -> None:
        space = from_grid(
            Pipeline([("scale", StandardScaler()), ("tree", DecisionTreeClassifier())]),
            [{"tree__max_depth": [None, 3]}, {"scale": [MinMaxScaler(), "passthrough"]}],
        )
        restored = recipe.restore(json.loads(json.dumps(recipe.describe(space))))
        assert spaces.probe(restored, PROBLEM, 0) == spaces.probe(space, PROBLEM, 0)

    def test_fits(self, binary: Any) -> None:
        X, y = binary
        space = from_grid(DecisionTreeClassifier(), {"max_leaf_nodes": [2, 4]})
        assert make(space, max_leaf_nodes=4).fit(X, y).get_n_leaves() == 4


class TestRefusals:
    def test_of_a_name_that_the_estimator_does_not_have(self) -> None:
        with pytest.raises(
            SpaceError, match=r"names 'depth', which DecisionTreeClassifier does not have; .*max_d"
        ):
            from_grid(DecisionTreeClassifier(), {"depth": [1]})

    @pytest.mark.parametrize("values", [[], (), "gini", 3, None])
    def test_of_what_is_no_list_of_values(self, values: Any) -> None:
        with pytest.raises(
            SpaceError, match=r"param_grid\['criterion'\] must be a list of at least one value"
        ):
            from_grid(DecisionTreeClassifier(), {"criterion": values})

    def test_of_no_grid(self) -> None:
        with pytest.raises(SpaceError, match="at least one grid, got none"):
            from_grid(DecisionTreeClassifier(), [])

    def test_of_long_values_that_differ_at_their_end(self) -> None:
        first, second = (
            ColumnTransformer([("kept", "passthrough", [*map(str, range(35)), last])])
            for last in "xy"
        )
        space = from_grid(Pipeline([("columns", first)]), {"columns": [first, second]})
        assert make(space, columns=written(second))[0].transformers[0][2][-1] == "y"

    def test_of_values_that_print_alike(self) -> None:
        space = from_grid(
            Pipeline([("scale", StandardScaler())]), {"scale": [MinMaxScaler(), MinMaxScaler()]}
        )
        with pytest.raises(SpaceError, match=r"\['scale'\] must hold values that print different"):
            make(space, scale="MinMaxScaler()")
