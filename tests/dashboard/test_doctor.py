"""The doctor names what is wrong with an installation, and the mend for each thing."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import insert

from dashboard import doctor
from dashboard.doctor import Check, examine, missing_live_settings, show, worst_state
from messaging.addresses import PEPPER_FILE, read_addresses
from messaging.clock import pin_clock
from messaging.consent import suppress
from messaging.notifications.deciding import Changes
from messaging.notifications.events import Finding
from messaging.notifications.record import apply, take_watch
from messaging.settings import Settings, read_settings
from messaging.store import engine, open_store
from messaging.store.tables import builds, contract_status

NOON = datetime(2026, 10, 30, 12)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name in [name for name in os.environ if name.startswith(("TWILIO_", "RAPPORT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    pin_clock(tmp_path / "home", NOON)
    return read_settings(home=tmp_path / "home")


def found(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def release(settings: Settings, as_of: datetime) -> None:
    settings.releases_dir.mkdir(parents=True)
    (settings.releases_dir / "c360-1.duckdb").write_bytes(b"")
    pointer = {
        "version": "1",
        "file": "c360-1.duckdb",
        "as_of": as_of.isoformat(),
        "row_counts": {"customer_360": 7},
    }
    (settings.releases_dir / "current.json").write_text(json.dumps(pointer))


def test_a_home_without_a_build_is_told_to_ingest_and_build(settings: Settings) -> None:
    check = found(examine(settings), "build")
    assert check.state == "red"
    assert "rapport build" in check.mend


def test_a_store_that_was_never_made_is_told_to_upgrade_and_told_once(settings: Settings) -> None:
    checks = examine(settings)
    check = found(checks, "store")
    assert [item.name for item in checks if item.seen == check.seen] == ["store"]
    assert check.state == "red"
    assert "rapport upgrade" in check.mend


@pytest.mark.parametrize(
    ("loss", "told"),
    [(Path.unlink, "is lost"), (lambda path: path.write_text("ab" * 32), "is not the pepper")],
)
def test_a_pepper_that_is_lost_or_swapped_is_red_with_its_mend(
    settings: Settings, loss: Callable[[Path], object], told: str
) -> None:
    with open_store(settings) as store:
        hashed = read_addresses(settings, store).hash("ada@example.com")
        with store.write() as connection:
            suppress(
                connection, address_hash=hashed, channel="email", reason="person", at=NOON, source="test"
            )
    assert found(examine(settings), "store").state == "green"
    loss(settings.secrets_dir / PEPPER_FILE)
    check = found(examine(settings), "store")
    assert check.state == "red"
    assert told in check.seen
    assert "Restore the file" in check.mend


def test_a_healthy_home_is_green_but_for_what_it_notes(settings: Settings) -> None:
    open_store(settings, create=True)
    release(settings, NOON)
    checks = examine(settings)
    assert worst_state(checks) in {"green", "amber"}
    assert "7 people" in found(checks, "build").seen
    assert found(checks, "store").state == "green"


def test_a_release_whose_file_is_gone_is_red(settings: Settings) -> None:
    open_store(settings, create=True)
    release(settings, NOON)
    (settings.releases_dir / "c360-1.duckdb").unlink()
    assert found(examine(settings), "build").state == "red"


def test_a_release_from_last_week_is_noted(settings: Settings) -> None:
    open_store(settings, create=True)
    release(settings, datetime(2026, 10, 20))
    check = found(examine(settings), "build")
    assert (check.state, "10 days" in check.seen) == ("amber", True)


def test_live_sending_without_its_settings_names_each_one(tmp_path: Path) -> None:
    live = read_settings(home=tmp_path, sending="live")
    missing = missing_live_settings(live)
    assert {"TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "RAPPORT_MAIL_FROM"} <= set(missing)
    check = found(examine(live), "sending")
    assert check.state == "red"
    assert "RAPPORT_SENDING=sandbox" in check.mend


def use_sqlite(monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]) -> None:
    text = ".".join(map(str, version))
    library = SimpleNamespace(__name__="sqlite3", sqlite_version_info=version, sqlite_version=text)
    monkeypatch.setattr(engine.importlib, "import_module", lambda _: library)


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2)])
def test_a_sqlite_with_the_wal_reset_bug_is_red_and_names_the_mend(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, version: tuple[int, ...]
) -> None:
    use_sqlite(monkeypatch, version)
    check = found(examine(settings), "SQLite")
    assert check.state == "red"
    assert "pysqlite3" in check.mend


def test_a_mended_sqlite_is_green(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_sqlite(monkeypatch, (3, 51, 3))
    assert [check.state for check in doctor._sqlite(settings)] == ["green"]


def test_live_sending_that_providers_cannot_call_back_is_red(tmp_path: Path) -> None:
    assert "RAPPORT_PUBLIC_URL" in missing_live_settings(read_settings(home=tmp_path, sending="live"))


def test_a_missing_chromium_is_a_note_with_the_package_to_install(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "find_chromium", lambda: None)
    check = found(examine(settings), "browser")
    assert check.state == "amber"
    assert "apt-get install chromium" in check.mend


def test_a_secret_that_others_can_read_is_red(settings: Settings) -> None:
    settings.secrets_dir.mkdir(parents=True)
    secret = settings.secrets_dir / "link.key"
    secret.write_text("x")
    secret.chmod(0o644)
    assert "chmod 600" in found(examine(settings), "secrets").mend


def test_a_home_that_is_a_file_or_lies_in_one_is_told_to_move(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below"):
        check = found(examine(read_settings(home=home)), "home")
        assert (check.state, check.seen) == ("red", f"{tmp_path / 'file'} is no folder.")


def test_a_damaged_pointer_is_red_and_not_the_end_of_the_examination(settings: Settings) -> None:
    open_store(settings, create=True)
    release(settings, NOON)
    (settings.releases_dir / "current.json").write_text('{"version": "1"')
    assert found(examine(settings), "build").state == "red"


def test_a_mend_is_shown_with_its_square_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    show([Check("store", "red", "no driver", "pip install 'psycopg[binary]'")])
    assert "psycopg[binary]" in capsys.readouterr().out


def test_a_red_contract_is_told_of_before_anything_was_published(settings: Settings) -> None:
    store = open_store(settings, create=True)
    with store.write() as connection:
        connection.execute(
            insert(contract_status).values(
                table_name="purchases", state="red", checked_at=NOON, rows_checked=1, rows_quarantined=1
            )
        )
    check = found(examine(settings), "contracts")
    assert (check.state, check.seen) == ("red", "broken: purchases.")
    assert "rapport build" in check.mend
    reason = "The contract of purchases is red: 3 rows of the file that a.json names. Run `rapport ingest shop FILE`."
    with store.write() as connection:
        connection.execute(
            insert(builds).values(
                build_id="bld_1", as_of=NOON, started_at=NOON, state="failed", detail={"reason": reason}
            )
        )
    assert found(examine(settings), "contracts").mend == reason


def pull_file(settings: Settings, name: str, text: str) -> None:
    folder = settings.home / "pulls"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)


def test_without_pull_files_nothing_is_said_about_pulls(settings: Settings) -> None:
    assert [check for check in examine(settings) if check.name == "pulls"] == []


def test_pulls_that_cannot_run_are_named_with_the_reason(settings: Settings) -> None:
    pull_file(settings, "torn", "kind: ftp\n")
    pull_file(settings, "stripe", "use: stripe\n")
    seen = [check.seen for check in examine(settings) if check.name == "pulls" and check.state == "red"]
    assert "torn.yaml: line 1: has the kind ftp" in seen[0]
    assert seen[1] == "stripe wants STRIPE_API_KEY."


def test_pulls_that_can_run_are_counted(settings: Settings) -> None:
    pull_file(settings, "twilio", "use: twilio\n")
    check = found(examine(settings), "pulls")
    assert (check.state, check.seen) == ("green", "1 of your own, 1 of them by themselves")


def test_a_policy_that_would_stop_the_next_build_is_named_before_it(settings: Settings) -> None:
    assert [check for check in examine(settings) if check.name == "identity"] == []
    own = settings.home / "identity.yaml"
    own.write_text("identifers: {}\n")
    wrong = found(examine(settings), "identity")
    assert wrong.state == "red"
    assert "identifers is no word of this file" in wrong.seen
    shutil.copy(Path(doctor.__file__).parents[1] / "pipelines" / "identity" / "identity.yaml", own)
    assert found(examine(settings), "identity").state == "green"


def notified(settings: Settings) -> list[tuple[str, str]]:
    return [(check.state, check.seen) for check in examine(settings) if check.name == "notifications"]


def test_what_is_wrong_just_now_and_who_cannot_be_told_are_noted(settings: Settings) -> None:
    (settings.home / "notifications.yaml").write_text("owners: {ops: {}, idle: {}}\n")
    nobody = ("amber", "ops has no way to be told.")
    opened = Changes(opened=(Finding("contract_red", "orders", "It is red."),))
    with open_store(settings) as store:
        assert notified(settings) == [nobody]
        with store.write() as connection:
            take_watch(connection, "me", NOON)
        assert notified(settings) == [nobody, ("green", "nothing is wrong; looked at 2026-10-30 12:00 UTC")]
        with store.write() as connection:
            apply(connection, opened, NOON)
        assert notified(settings) == [nobody, ("amber", "1 open: contract_red.")]


def test_a_live_installation_that_nobody_watches_is_red_and_so_is_a_slip_in_its_owners(
    tmp_path: Path,
) -> None:
    settings = read_settings(home=tmp_path, sending="live", public_url="https://rapport.example.com")
    open_store(settings).close()
    assert notified(settings) == [("red", "Nobody has looked yet at what may be wrong.")]
    (tmp_path / "notifications.yaml").write_text("owner: {}\n")
    [(state, seen)] = notified(settings)
    assert state == "red"
    assert "line 1: owner is no word of this file (did you mean owners?)" in seen
