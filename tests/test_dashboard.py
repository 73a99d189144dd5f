"""optuna-dashboard reads a study of ours: its own application over the same database."""

import json
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults

import numpy as np
import optuna_dashboard
import pytest
from optuna.storages import RDBStorage

from optistruct import StructureStudy, objectives, spaces


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_shows_named_objectives_and_every_trial(
    tmp_path: Path, binary: tuple[np.ndarray, np.ndarray]
) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    by = [objectives.Score("accuracy"), objectives.ParameterCount()]
    StructureStudy(spaces.decision_tree, by, name="trees", storage=url, cv=3).optimize(
        *binary, n_trials=3
    )
    application = optuna_dashboard.wsgi(RDBStorage(url))

    def get(path: str) -> Any:
        environ: dict[str, Any] = {}
        setup_testing_defaults(environ)
        environ["PATH_INFO"] = path
        told: list[str] = []
        body = b"".join(application(environ, lambda status, *_: told.append(status)))
        assert told == ["200 OK"], body
        return json.loads(body)

    [summary] = get("/api/studies")["study_summaries"]
    assert (summary["study_name"], summary["directions"]) == ("trees", ["maximize", "minimize"])
    study = get(f"/api/studies/{summary['study_id']}")
    assert study["objective_names"] == ["accuracy", "parameters"]
    assert [trial["state"] for trial in study["trials"]] == ["Complete"] * 3
