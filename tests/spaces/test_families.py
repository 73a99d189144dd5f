"""Tests of what is particular to one family; what all share is in contracts/test_spaces.py."""

from typing import Any

import optuna
import pytest
from optuna.samplers import RandomSampler
from optuna.trial import FixedTrial
from sklearn.linear_model import ElasticNet, Ridge

from optistruct import spaces
from optistruct.spaces import Problem

REGRESSION = Problem("regression", rows=90, features=4)


class TestMlp:
    def test_widths_exist_only_where_there_are_layers(self) -> None:
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        seen = set()
        for _ in range(12):
            trial = study.ask()
            layers = spaces.mlp(trial, REGRESSION).hidden_layer_sizes
            widths = [value for name, value in trial.params.items() if name.startswith("units")]
            assert list(layers) == widths
            assert len(layers) == trial.params["layers"]
            seen.add(len(layers))
        assert seen == {1, 2, 3}


class TestNearestNeighbors:
    @pytest.mark.parametrize(("rows", "most"), [(1000, 50), (30, 15), (2, 1)])
    def test_asks_at_most_half_the_rows(self, rows: int, most: int) -> None:
        trial = FixedTrial({"n_neighbors": 1, "weights": "uniform", "p": 2})
        spaces.nearest_neighbors(trial, Problem("binary", rows, 4, 2))
        assert trial.distributions["n_neighbors"].high == most


class TestLinear:
    def test_elastic_net_has_a_mixture_and_ridge_has_none(self) -> None:
        ridge = spaces.linear(FixedTrial({"penalty": "ridge", "strength": 2.0}), REGRESSION)
        assert isinstance(ridge, Ridge)
        assert ridge.alpha == 2.0
        mixture = {"penalty": "elastic_net", "strength": 2.0, "l1_ratio": 0.5}
        net = spaces.linear(FixedTrial(mixture), REGRESSION)
        assert isinstance(net, ElasticNet)
        assert net.l1_ratio == 0.5

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_elastic_net_sets_coefficients_to_zero(self, data: Any) -> None:
        X, y = data
        problem = Problem.from_data(X, y)
        zeros = []
        for strength in (1e-4, 20.0):
            trial = FixedTrial({"penalty": "elastic_net", "strength": strength, "l1_ratio": 1.0})
            model = spaces.build(spaces.linear, trial, problem, 0).fit(X, y)
            zeros.append(int((model.coef_ == 0).sum()))
        assert zeros[0] < zeros[1]


class TestBoosting:
    @pytest.mark.parametrize("family", ["hist_gradient_boosting", "lightgbm"])
    def test_makes_as_many_trees_as_it_says(self, family: str, binary: Any) -> None:
        X, y = binary
        rounds = "max_iter" if family == "hist_gradient_boosting" else "n_estimators"
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        study.enqueue_trial({rounds: 33})
        structure = spaces.build(spaces.FAMILIES[family], study.ask(), Problem.from_data(X, y), 0)
        assert structure.get_params()[rounds] == 33
        assert structure.get_params().get("early_stopping", False) is False
        if family == "hist_gradient_boosting":
            assert structure.fit(X, y).n_iter_ == 33
