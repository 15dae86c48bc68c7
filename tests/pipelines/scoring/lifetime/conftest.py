import pytest

from .cdnow import FOLDER, Cdnow


@pytest.fixture(scope="session")
def cdnow() -> Cdnow:
    if not (FOLDER / "CDNOW_sample.txt").exists():
        pytest.skip(f"no CDNOW in {FOLDER}; set RAPPORT_REAL_DATA")
    return Cdnow.read()
