from pathlib import Path

import pytest

from .cdnow import FOLDER, Cdnow
from .warehouse import Warehouse


@pytest.fixture(scope="session")
def cdnow() -> Cdnow:
    if not (FOLDER / "CDNOW_sample.txt").exists():
        pytest.skip(f"no CDNOW in {FOLDER}; set RAPPORT_REAL_DATA")
    return Cdnow.read()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    found = Warehouse(tmp_path)
    found.land([])
    return found
