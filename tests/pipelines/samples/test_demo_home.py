"""What a demo keeps and replaces, and what it refuses to touch."""

import fcntl
from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.errors import RefusedError, ServiceError
from messaging.clock import read_clock
from pipelines.samples.demo_home import COMPANY, prepare_home
from pipelines.settings import DEMO_MARK

NOON = datetime(2026, 10, 30, 12)


def test_a_new_home_knows_its_company_and_stands_at_noon(tmp_path: Path) -> None:
    settings, told = prepare_home(tmp_path / "home", NOON)
    assert settings.company_name == COMPANY["RAPPORT_COMPANY_NAME"]
    assert read_clock(settings.home).now() == NOON
    assert "a new company" in told


def test_a_second_run_keeps_the_library_and_replaces_the_rest(tmp_path: Path) -> None:
    home = tmp_path / "home"
    prepare_home(home, NOON)
    (home / "library").mkdir()
    (home / "library" / "mine.yaml").write_text("edited by a person")
    (home / "releases").mkdir()
    (home / "store.db").write_text("old")
    _, told = prepare_home(home, NOON)
    assert (home / "library" / "mine.yaml").read_text() == "edited by a person"
    assert not (home / "releases").exists()
    assert not (home / "store.db").exists()
    assert "library/ is kept" in told


def test_a_home_that_no_demo_made_is_never_replaced(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "store.db").write_text("a company's real store")
    with pytest.raises(RefusedError, match="RAPPORT_HOME"):
        prepare_home(home, NOON)
    assert (home / "store.db").read_text() == "a company's real store"
    assert not (home / DEMO_MARK).exists()


def test_a_home_that_rapport_up_runs_on_is_left_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    prepare_home(home, NOON)
    with (home / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="Ctrl-C"):
            prepare_home(home, NOON)
