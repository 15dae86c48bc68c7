"""Contracts, quarantine, replay, drift and refusal from the command line, end to end."""

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from sqlalchemy import select
from typer.testing import CliRunner, Result

from data_contracts import contracts
from data_contracts.errors import BatchRefusedError, InputError, NotFoundError, UsageError
from messaging.clock import read_clock
from messaging.settings import read_settings
from messaging.store import open_store
from messaging.store.tables import contract_status
from pipelines.landing import originals
from pipelines.landing.manifest import list_landings
from pipelines.sources import replay as replaying
from pipelines.sources.commands import app
from pipelines.sources.quarantine_commands import app as quarantine

HEADER = ["record_id", "occurred_at", "email", "channel", "purpose", "action", "legal_basis"]
MAPPING = """
table: consents
source: club
columns:
  occurred_at: {time: occurred_at}
  email: email
  channel: channel
  purpose: purpose
  action: action
  legal_basis: legal_basis
record_id: "consent/{record_id}"
"""
WITH_FAX = "  channel: {column: channel, map: {fax: voice, email: email, sms: sms}}\n"
Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path / "home"))
    mappings = tmp_path / "home" / "mappings"
    mappings.mkdir(parents=True)
    (mappings / "club.yaml").write_text(MAPPING)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of consents: a column has one value for all rows, or one for each."""

    def writing(name: str, rows: Iterable[int], *, header: list[str] | None = None, **changes: Any) -> Path:
        header = header or HEADER
        lines = [",".join(header)]
        lines += [",".join(_row(number, changes)[column] for column in header) for number in rows]
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n")
        return path

    return writing


def _row(number: int, changes: dict[str, Any]) -> dict[str, str]:
    row = {
        "record_id": str(number),
        "occurred_at": "2026-10-01T10:00:00Z",
        "email": f"person{number}@example.com",
        "channel": "email",
        "purpose": "marketing",
        "action": "grant",
        "legal_basis": "consent",
    }
    told = {key: each(number) if callable(each) else each for key, each in changes.items()}
    return row | told


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def document(*words: str | Path) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    assert "rows_in" not in found or closes(found)
    return found


def closes(numbers: dict[str, Any]) -> bool:
    return bool(
        numbers["rows_in"] == numbers["accepted"] + numbers["quarantined"] + numbers["already_landed"]
    )


def ingest(path: Path) -> dict[str, Any]:
    return document("ingest", "consents", "--map", "club", path)


def refused(path: Path) -> str:
    result = run("ingest", "consents", "--map", "club", path)
    assert isinstance(result.exception, BatchRefusedError), result.exception
    return str(result.exception)


def state() -> str | None:
    """Give how the contract of consents stands in the store."""
    with open_store(read_settings()) as store, store.read() as connection:
        rows = connection.execute(
            select(contract_status.c.state).where(contract_status.c.table_name == "consents")
        )
        return rows.scalar()


def mend_mapping() -> None:
    path = read_settings().mappings_dir / "club.yaml"
    path.write_text(path.read_text().replace("  channel: channel\n", WITH_FAX))


def kept() -> list[Path]:
    return sorted((read_settings().quarantine_dir / "files").glob("*/*.csv"))


def one_in_nine_by_fax(number: int) -> str:
    return "fax" if number % 9 == 0 else "email"


def test_a_mended_mapping_reads_the_kept_file_again(write: Write) -> None:
    path = write(
        "a.csv", range(100), channel=one_in_nine_by_fax, purpose=lambda n: "x" if n == 9 else "marketing"
    )
    first = ingest(path)
    assert (first["rows_in"], first["accepted"], first["quarantined"]) == (100, 88, 12)
    assert [file.read_bytes() for file in kept()] == [path.read_bytes()]
    path.unlink()  # it is not needed any more
    mend_mapping()
    replayed = document("quarantine", "replay")
    (file,) = replayed["files"]
    assert file["read_again"]
    assert (file["rows"], file["landed"], file["still"], file["already_landed"]) == (100, 11, 1, 88)
    assert document("quarantine", "list")["rows"] == 1
    assert len(kept()) == 1  # one row is still set aside
    again = document("quarantine", "replay")["files"]
    assert [(each["landed"], each["still"], each["read_again"]) for each in again] == [(0, 1, False)]


def test_a_mapping_that_lies_anywhere_is_found_again_by_its_path(write: Write, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(MAPPING.replace("name: club\n", ""))
    path = write("a.csv", range(100), channel=one_in_nine_by_fax)
    assert document("ingest", "consents", "--map", elsewhere, path)["quarantined"] == 12
    elsewhere.write_text(elsewhere.read_text().replace("  channel: channel\n", WITH_FAX))
    (file,) = document("quarantine", "replay")["files"]
    assert (file["landed"], file["still"], file["read_again"]) == (12, 0, True)
    renamed = [column.replace("email", "e_mail") for column in HEADER]
    odd = write("bad.csv", range(5), header=renamed, e_mail="a@example.com")
    result = run("ingest", "consents", "--map", elsewhere, odd)
    assert isinstance(result.exception, BatchRefusedError), result.exception
    assert "has no column email (now e_mail?)" in str(result.exception)
    assert state() == "red"


def test_the_kept_file_goes_when_nothing_of_it_is_set_aside(write: Write) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    mend_mapping()
    assert document("quarantine", "replay")["landed"] == 3
    assert kept() == []
    assert document("quarantine", "list")["files"] == []


def test_what_the_mended_mapping_reads_otherwise_lands_as_a_newer_version(
    write: Write, tmp_path: Path
) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    path = read_settings().mappings_dir / "club.yaml"
    path.write_text(
        path.read_text().replace("  purpose: purpose\n", "  purpose: purpose\n  locale: {value: en}\n")
    )
    mend_mapping()
    (file,) = document("quarantine", "replay")["files"]
    assert (file["landed"], file["still"], file["already_landed"]) == (20, 0, 0)
    assert list_landings(read_settings())[-1].changed == 17


def test_a_file_that_is_read_again_takes_the_place_of_nothing_that_came_later(write: Write) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    ingest(write("b.csv", [0, 1], channel="sms"))
    path = read_settings().mappings_dir / "club.yaml"
    path.write_text(
        path.read_text().replace("  purpose: purpose\n", "  purpose: purpose\n  locale: {value: en}\n")
    )
    mend_mapping()
    (file,) = document("quarantine", "replay")["files"]
    assert (file["landed"], file["still"], file["already_landed"]) == (18, 0, 2)


def test_an_ingest_of_the_same_file_by_the_mended_mapping_replaces_what_was_set_aside(write: Write) -> None:
    path = write("a.csv", range(20), channel=one_in_nine_by_fax)
    ingest(path)
    mend_mapping()
    second = ingest(path)
    assert (second["accepted"], second["quarantined"], second["already_landed"]) == (3, 0, 17)
    assert document("quarantine", "list")["files"] == []


@pytest.fixture
def mend_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Let a version of the contract of consents count that takes the channel fax."""

    def mending() -> None:
        folder = tmp_path / "contracts" / "inbound"
        shutil.copytree(contracts.FOLDER / "inbound", folder)
        file = folder / "consents.odcs.yaml"
        text = file.read_text()
        assert "[email, sms, whatsapp, voice]" in text
        file.write_text(text.replace("[email, sms, whatsapp, voice]", "[email, sms, whatsapp, voice, fax]"))
        monkeypatch.setattr(contracts, "FOLDER", folder.parent)
        contracts._load.cache_clear()

    yield mending
    contracts._load.cache_clear()


def test_a_mended_contract_lets_rows_in_without_the_file(
    write: Write, mend_contract: Callable[[], None]
) -> None:
    path = write("a.csv", range(20), channel=one_in_nine_by_fax)
    ingest(path)
    path.unlink()
    mend_contract()
    replayed = document("quarantine", "replay")
    assert (replayed["landed"], replayed["still"]) == (3, 0)
    assert document("quarantine", "list")["rows"] == 0
    assert kept() == []


def test_a_delivery_over_the_threshold_is_refused_whole_and_turns_the_contract_red(write: Write) -> None:
    ingest(write("good.csv", range(50)))
    told = refused(write("bad.csv", range(50, 100), channel=lambda n: "fax" if n % 2 else "email"))
    assert told.startswith("bad.csv was refused as a whole: consents from club is broken.")
    assert "“Channel” is one of email, sms, whatsapp, voice. 25 of 50" in told
    assert "25 of 50 rows break this rule (channel_allowed), and at most 2.0% may." in told
    assert "Its owner is Data protection. See consent/51, consent/53, consent/55." in told
    assert "rapport quarantine dismiss club/consents" in told
    assert len(list_landings(read_settings())) == 1
    assert state() == "red"
    (refusal,) = document("quarantine", "list")["refused"]
    assert (refusal["failed"], refusal["rows"], refusal["threshold"]) == (25, 50, 0.02)
    assert "bad.csv of 20" in run("quarantine", "list").output


def test_a_mended_file_lands_and_the_contract_is_no_longer_red(write: Write) -> None:
    refused(write("bad.csv", range(50), channel="fax"))
    assert state() == "red"
    ingest(write("mended.csv", range(50)))
    assert state() != "red"
    assert document("quarantine", "list")["refused"] == []


def test_a_file_that_had_landed_before_mends_nothing(write: Write) -> None:
    good = write("good.csv", range(50))
    ingest(good)
    refused(write("bad.csv", range(50), channel="fax"))
    ingest(good)
    assert state() == "red"


def test_twenty_bad_rows_are_single_rows_however_small_the_file(write: Write) -> None:
    assert ingest(write("a.csv", range(20), channel="fax"))["quarantined"] == 20
    assert "21 of 21" in refused(write("b.csv", range(30, 51), channel="fax"))


def test_a_column_that_holds_something_else_refuses_the_delivery_and_is_named(write: Write) -> None:
    ingest(write("good.csv", range(3)))
    told = refused(write("bad.csv", range(3, 6), occurred_at="yes"))
    assert "The column occurred_at holds something else than before" in told
    assert "Not one of its 3 values does (occurred_at_type)." in told
    assert state() == "red"


def test_two_values_say_nothing_about_a_column(write: Write) -> None:
    assert ingest(write("a.csv", range(2), occurred_at="yes"))["quarantined"] == 2


def test_a_renamed_column_refuses_the_delivery_and_is_named(write: Write) -> None:
    ingest(write("good.csv", range(5)))
    renamed = [column.replace("email", "e_mail") for column in HEADER]
    told = refused(write("bad.csv", range(5), header=renamed, e_mail="a@example.com"))
    assert "has no column email (now e_mail?), which the mapping club reads." in told
    assert "The mapping does not name e_mail." in told
    assert state() == "red"
    assert document("quarantine", "list")["refused"][0]["rule"] == "columns_there"


def test_a_wrong_mapping_for_a_first_file_turns_nothing_red(write: Write) -> None:
    refused(write("bad.csv", range(5), header=["record_id", "email"]))
    assert document("quarantine", "list")["refused"] == []


def test_a_person_may_dismiss_a_refusal_and_says_why(write: Write) -> None:
    refused(write("bad.csv", range(50), channel="fax"))
    assert isinstance(run("quarantine", "dismiss", "club/consents", "--reason", " ").exception, UsageError)
    done = document("quarantine", "dismiss", "club/consents", "--reason", "sent by mistake", "--actor", "ann")
    assert done["rule"] == "channel_allowed"
    assert state() != "red"
    again = run("quarantine", "dismiss", "club/consents", "--reason", "twice")
    assert isinstance(again.exception, NotFoundError)
    log = read_settings().landing_dir / ".refusals" / "dismissed.jsonl"
    assert [json.loads(line)["actor"] for line in log.read_text().splitlines()] == ["ann"]


def test_rows_that_can_never_be_mended_are_discarded_and_no_longer_count(write: Write) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    (item,) = document("quarantine", "list")["files"]
    reason = ("--reason", "a test of the vendor", "--actor", "ann")
    path = Path(document("quarantine", "discard", item["landing_id"], *reason)["discarded"])
    about = json.loads(path.with_suffix(".json").read_text())
    assert (about["rows"], about["actor"], about["reason"]) == (3, "ann", "a test of the vendor")
    listed = document("quarantine", "list")
    assert (listed["rows"], listed["discarded"]) == (0, 3)
    assert kept() == []
    assert document("quarantine", "replay")["files"] == []


def test_new_columns_land_and_are_told_and_gone_ones_too(write: Write) -> None:
    path = read_settings().mappings_dir / "club.yaml"
    path.write_text(path.read_text() + "optional: [email]\n")
    first = ingest(write("a.csv", range(5)))
    assert first["files"][0]["landings"][0]["new_columns"] == []
    wider = [*HEADER, "loyalty"]
    second = ingest(write("b.csv", range(5, 10), header=wider, loyalty="gold"))
    assert second["files"][0]["landings"][0]["new_columns"] == ["loyalty"]
    assert (
        ingest(write("c.csv", range(9, 12), header=wider, loyalty="gold"))["files"][0]["landings"][0][
            "new_columns"
        ]
        == []
    )
    narrow = [column for column in wider if column != "email"]
    output = run(
        "ingest", "consents", "--map", "club", write("d.csv", range(12, 14), header=narrow, loyalty="x")
    ).output
    assert "d.csv (consents), no longer there: email" in output


def test_a_header_without_rows_lands_nothing_and_says_so(write: Write) -> None:
    path = write("empty.csv", [])
    result = run("ingest", "consents", "--map", "club", path)
    assert result.exit_code == 0
    assert "empty.csv gave no rows." in result.output
    assert ingest(path)["rows_in"] == 0


def test_a_row_is_shown_with_rule_sentence_and_owner(write: Write) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    (item,) = document("quarantine", "list")["files"]
    shown = document("quarantine", "show", item["landing_id"])["shown"][0]
    assert shown["owners"] == {"channel_allowed": "Data protection"}
    output = run("quarantine", "show", item["landing_id"]).output
    assert "(channel_allowed, Data protection)" in output


TWO = {
    "guest_consents": MAPPING.replace("club", "guests") + "recognise: {columns: [record_id, legal_basis]}\n",
    "guest_contacts": """
table: contacts
source: guests
recognise: {columns: [record_id, legal_basis]}
columns: {occurred_at: {time: occurred_at}, email: email, external_id: record_id}
record_id: "contact/{record_id}"
""",
}


@pytest.fixture
def two_tables() -> None:
    """Let each file of the source guests feed two tables."""
    for name, text in TWO.items():
        (read_settings().mappings_dir / f"{name}.yaml").write_text(text)


@pytest.mark.usefixtures("two_tables")
def test_a_delivery_that_is_broken_in_one_table_lands_in_none(write: Write) -> None:
    result = run("ingest", "guests", write("bad.csv", range(30), channel="fax"))
    assert isinstance(result.exception, BatchRefusedError)
    assert list_landings(read_settings()) == []
    assert [(each["source"], each["table"]) for each in document("quarantine", "list")["refused"]] == [
        ("guests", "consents")
    ]
    landed = document("ingest", "guests", write("good.csv", range(30)))
    assert landed["tables"]["consents"]["accepted"] == landed["tables"]["contacts"]["accepted"] == 30
    assert document("quarantine", "list")["refused"] == []


@pytest.mark.usefixtures("two_tables")
def test_a_row_that_is_set_aside_in_one_table_is_replayed_in_that_one(write: Write) -> None:
    landed = document("ingest", "guests", write("a.csv", range(20), channel=one_in_nine_by_fax))
    assert (landed["rows_in"], landed["accepted"], landed["quarantined"]) == (40, 37, 3)
    path = read_settings().mappings_dir / "guest_consents.yaml"
    path.write_text(path.read_text().replace("  channel: channel\n", WITH_FAX))
    (file,) = document("quarantine", "replay")["files"]
    assert (file["table"], file["rows"], file["landed"], file["already_landed"]) == ("consents", 20, 3, 17)


@pytest.mark.usefixtures("two_tables")
@hypothesis.settings(deadline=None, max_examples=6, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(
    files=st.lists(
        st.lists(
            st.tuples(
                st.integers(0, 12),
                st.sampled_from(["email", "sms", "fax", ""]),
                st.sampled_from(["2026-10-01T10:00:00Z", "soon"]),
            ),
            max_size=15,
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_sums_of_any_files_close_by_table_by_file_and_as_a_whole(
    write: Write, files: list[list[tuple[int, str, str]]]
) -> None:
    for number, rows in enumerate(files):
        path = write(
            f"{number}.csv",
            range(len(rows)),
            record_id=[str(each[0]) for each in rows].__getitem__,
            channel=[each[1] for each in rows].__getitem__,
            occurred_at=[each[2] for each in rows].__getitem__,
        )
        result = run("ingest", "guests", path, "--json")
        if isinstance(result.exception, BatchRefusedError):  # three times "soon" and nothing else
            assert sum(each[2] == "soon" for each in rows) == len(rows) >= 3
            continue
        report = json.loads(result.stdout)
        assert report["rows_in"] == 2 * len(rows)
        parts = [*report["files"], *report["files"][0]["landings"], *report["tables"].values(), report]
        assert all(map(closes, parts))
        assert sum(each["rows_in"] for each in report["tables"].values()) == report["rows_in"]
    before = document("quarantine", "list")["rows"]
    replayed = document("quarantine", "replay")
    assert before == replayed["landed"] + replayed["still"] + replayed["already_landed"]
    assert document("quarantine", "list")["rows"] == replayed["still"]


def test_a_replay_that_was_cut_off_can_be_run_again(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    mend_mapping()
    settings = read_settings()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(replaying, "settle", killed)  # the new landing is there, and so is what it replaces
        with pytest.raises(KeyboardInterrupt):
            replaying.replay(settings, read_clock(settings.home))
    assert document("quarantine", "list")["rows"] == 3
    (file,) = document("quarantine", "replay")["files"]
    assert (file["rows"], file["landed"], file["still"], file["already_landed"]) == (20, 0, 0, 20)
    assert document("quarantine", "list")["rows"] == 0
    assert sum(landing.accepted for landing in list_landings(settings)) == 20
    assert kept() == []


def test_a_disk_that_is_full_when_the_original_is_kept_is_told_and_nothing_lands(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write("a.csv", range(20), channel=one_in_nine_by_fax)
    with monkeypatch.context() as patch:
        patch.setattr(originals.shutil, "copyfile", full)
        result = run("ingest", "consents", "--map", "club", path)
        assert isinstance(result.exception, InputError)
        assert "The disk is full: nothing of a.csv has landed." in str(result.exception)
    assert list_landings(read_settings()) == []
    assert list((read_settings().quarantine_dir / "files").iterdir()) == []
    assert ingest(path)["accepted"] == 17


def test_a_kept_file_that_is_damaged_is_told_and_its_rows_stay(write: Write) -> None:
    ingest(write("a.csv", range(20), channel=one_in_nine_by_fax))
    mend_mapping()
    kept()[0].write_text("other")
    result = run("quarantine", "replay")
    assert result.exit_code == 1
    assert "are not what came" in result.output
    assert document("quarantine", "list")["rows"] == 3


def test_the_document_names_every_command_of_the_quarantine() -> None:
    text = (Path(__file__).parents[3] / "docs" / "quarantine.md").read_text()
    names = {
        command.name or command.callback.__name__
        for command in quarantine.registered_commands
        if command.callback
    }
    assert set(re.findall(r"rapport quarantine (\w+)", text)) | {"list"} == names
