"""Deliveries that were refused as a whole: what is on record, when it ends, and what a kill leaves of it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from data_contracts.errors import BatchRefusedError, NotFoundError
from messaging.clock import Clock
from messaging.settings import Settings, read_settings
from messaging.store import open_store
from messaging.store.tables import contract_status
from pipelines.landing.refusals import (
    Refusal,
    close_refusals,
    dismiss_refusal,
    open_refusal,
    open_refusals,
    refusal_error,
    untold,
)
from pipelines.landing.standing import tell_store, with_refusals


@pytest.fixture
def refusal(clock: Clock) -> Refusal:
    return Refusal(
        source="shop",
        table="consents",
        file_name="consents.csv",
        file_sha256="ab" * 32,
        mapping="shopify_consents",
        rule="channel_allowed",
        sentence="channel is one of email, sms.",
        owner="Data protection",
        what="25 of 50 rows break this rule (channel_allowed), and at most 2.0% may.",
        failed=25,
        rows=50,
        threshold=0.02,
        record_ids=("consent/1", "contact/ann@example.com"),
        refused_at=clock.now(),
    )


def standing(settings: Settings) -> tuple[str, list[str]] | None:
    with open_store(settings) as store, store.read() as connection:
        row = connection.execute(
            select(contract_status).where(contract_status.c.table_name == "consents")
        ).first()
    return (row.state, [item["rule"] for item in row.detail]) if row else None


def judged(settings: Settings, clock: Clock, state: str) -> None:
    """Let the store hold what a build found."""
    with open_store(settings) as store, store.write() as connection:
        counts = {"rows_checked": 7, "rows_quarantined": 1, "checked_at": clock.now()}
        detail = [{"rule": "email_pattern", "failed": 1, "severity": "warning"}]
        row = {"table_name": "consents", "state": state, "detail": detail, **counts}
        connection.execute(insert(contract_status).values(**row))


def test_a_refusal_is_on_record_until_something_lands_in_its_place(
    settings: Settings, refusal: Refusal
) -> None:
    open_refusal(settings, refusal)
    assert open_refusals(settings) == [refusal]
    assert open_refusals(settings, "purchases") == []
    earlier = refusal.refused_at - timedelta(milliseconds=1)
    assert close_refusals(settings, [("shop", "consents", earlier)]) == set()
    assert close_refusals(settings, [("other", "consents", refusal.refused_at)]) == set()
    assert close_refusals(settings, [("shop", "consents", refusal.refused_at)]) == {"consents"}
    assert open_refusals(settings) == []


def test_a_newer_refusal_of_the_same_source_and_table_takes_the_place_of_the_older(
    settings: Settings, refusal: Refusal
) -> None:
    open_refusal(settings, refusal)
    open_refusal(settings, replace(refusal, failed=30))
    assert [each.failed for each in open_refusals(settings)] == [30]


def test_the_error_names_file_rule_count_threshold_owner_and_ids_but_no_address(refusal: Refusal) -> None:
    told = str(refusal_error([refusal, replace(refusal, table="contacts")]))
    assert told.startswith("consents.csv was refused as a whole: consents from shop is broken. 25 of 50 rows")
    assert "Its owner is Data protection. See consent/1, an id that names a person. So are contacts." in told
    assert isinstance(refusal_error([refusal]), BatchRefusedError)


def test_the_store_is_red_at_once_and_gets_back_what_the_build_had_found(
    settings: Settings, clock: Clock, refusal: Refusal
) -> None:
    judged(settings, clock, "amber")
    open_refusal(settings, refusal)
    tell_store(settings, clock)
    assert standing(settings) == ("red", ["channel_allowed", "email_pattern"])
    open_refusal(settings, replace(refusal, source="other"))
    tell_store(settings, clock)
    close_refusals(settings, [("shop", "consents", refusal.refused_at)])
    tell_store(settings, clock)
    assert standing(settings) == ("red", ["channel_allowed", "email_pattern"])
    dismiss_refusal(settings, "other/consents", "a test", "ann", clock.now())
    tell_store(settings, clock)
    assert standing(settings) == ("amber", ["email_pattern"])


def test_a_table_that_was_never_judged_is_red_and_then_unknown_again(
    settings: Settings, clock: Clock, refusal: Refusal
) -> None:
    open_refusal(settings, refusal)
    tell_store(settings, clock)
    assert standing(settings) == ("red", ["channel_allowed"])
    close_refusals(settings, [("shop", "consents", refusal.refused_at)])
    tell_store(settings, clock)
    assert standing(settings) is None


def test_a_store_that_does_not_answer_is_told_the_next_time(
    settings: Settings, clock: Clock, refusal: Refusal
) -> None:
    settings.home.mkdir(exist_ok=True)
    (settings.home / "store.db").write_text("this is no database, and it is long enough to be looked at")
    open_refusal(settings, refusal)
    tell_store(settings, clock)
    assert untold(settings)
    (settings.home / "store.db").unlink()
    tell_store(settings, clock)
    assert not untold(settings)
    assert standing(settings) == ("red", ["channel_allowed"])


def test_what_the_store_holds_of_a_refusal_names_no_file_and_no_record(refusal: Refusal) -> None:
    state, (entry,) = with_refusals("green", [], [refusal])
    assert state == "red"
    assert "consents.csv" not in str(entry)
    assert "consent/1" not in str(entry)
    assert entry["verdict"] == "green"


def test_a_damaged_refusal_is_still_open(settings: Settings, refusal: Refusal, clock: Clock) -> None:
    open_refusal(settings, refusal)
    (settings.landing_dir / ".refusals" / "shop" / "consents.json").write_text("{")
    (found,) = open_refusals(settings)
    assert (found.source, found.table) == ("shop", "consents")
    assert "can no longer be read" in found.reason
    dismiss_refusal(settings, "shop/consents", "damaged", "ann", clock.now())
    assert open_refusals(settings) == []


@pytest.mark.parametrize("which", ["shop/purchases", "shop", "", "../../x"])
def test_what_is_not_open_cannot_be_dismissed(
    settings: Settings, clock: Clock, refusal: Refusal, which: str
) -> None:
    open_refusal(settings, refusal)
    with pytest.raises(NotFoundError, match="Open are: shop/consents"):
        dismiss_refusal(settings, which, "no", "ann", clock.now())


TRIALS = """
import json, os, signal, sys
from datetime import datetime
from pathlib import Path
from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.landing import refusals
from pipelines.landing.standing import tell_store

def fused(real):
    def run(*arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    return run

document = json.loads(sys.argv[2])
document |= {"refused_at": datetime.fromisoformat(document["refused_at"]), "record_ids": ()}
ended = []
for step in range(1, 12):
    child = os.fork()
    if child == 0:
        left = [step]
        os.fsync = fused(os.fsync)
        for name in ("replace", "unlink", "touch"):
            setattr(Path, name, fused(getattr(Path, name)))
        settings = read_settings(home=Path(sys.argv[1]) / str(step))
        refusals.open_refusal(settings, refusals.Refusal(**document))
        tell_store(settings, Clock())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    ended.append(os.waitstatus_to_exitcode(status))
print(json.dumps(ended))
"""


def test_a_refusal_that_is_killed_half_way_is_told_by_the_next_process(
    tmp_path: Path, clock: Clock, refusal: Refusal
) -> None:
    """Either it is not on record, and nothing of the delivery has landed; or it is, and the store learns of it."""
    homes = [read_settings(home=tmp_path / str(step)) for step in range(1, 12)]
    for settings in homes:
        judged(settings, clock, "green")
    command = [sys.executable, "-c", TRIALS, str(tmp_path), json.dumps(refusal.to_document())]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    ended = json.loads(done.stdout)
    assert ended[0] == -9
    assert ended[-1] == 0  # so many steps were all of it
    found = set()
    for settings, code in zip(homes, ended, strict=True):
        on_record = bool(open_refusals(settings))
        tell_store(settings, clock)
        told = standing(settings)
        assert told is not None
        assert told[0] == ("red" if on_record else "green")
        found.add((code, on_record))
    assert found == {(-9, False), (-9, True), (0, True)}
