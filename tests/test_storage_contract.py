"""The database that a search writes to, held to Optuna's own contract for storages."""

from pathlib import Path

import pytest
from optuna.testing.pytest_storages import StorageTestCase

from optistruct.storage import RememberingStorage, open_storage


class TestContract(StorageTestCase):
    """Every test that Optuna has for a storage."""

    @pytest.fixture
    def storage(self, tmp_path: Path) -> RememberingStorage:
        storage = open_storage(f"sqlite:///{tmp_path}/studies.db", create=True)
        assert isinstance(storage, RememberingStorage)
        return storage
