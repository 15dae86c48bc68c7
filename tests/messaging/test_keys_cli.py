"""`rapport keys` from the command line: shown once, listed without it, refused once revoked."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from data_contracts.errors import NotFoundError, RefusedError, UsageError
from messaging.cli import app
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables_record import audit


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("RAPPORT_HOME", str(home))

    def command(*words: str) -> Any:
        result = CliRunner().invoke(app, ["keys", *words, "--json"], catch_exceptions=False)
        return json.loads(result.stdout)

    return command


def test_a_key_is_shown_once_and_ends_when_it_is_revoked(run: Any, home: Path) -> None:
    made = run("create", "web-shop", "--actor", "ann")
    (listed,) = run("list")["keys"]
    assert listed["key_id"] == made["key_id"]
    assert made["key"] not in json.dumps(run("list"))
    assert run("revoke", made["key_id"], "--actor", "bob")["revoked_by"] == "bob"
    with pytest.raises(RefusedError, match="revoked before"):
        run("revoke", made["key_id"], "--actor", "bob")
    with open_store(read_settings(home=home)) as store, store.read() as connection:
        done = connection.execute(select(audit.c.actor, audit.c.action).order_by(audit.c.sequence)).all()
    assert list(map(tuple, done)) == [("ann", "keys.create"), ("bob", "keys.revoke")]


def test_a_key_that_is_not_there_and_a_name_that_is_none_are_told(run: Any) -> None:
    with pytest.raises(NotFoundError, match="rapport keys list"):
        run("revoke", "key_1")
    with pytest.raises(UsageError, match="printable"):
        run("create", " ")
