"""Tests of reading a CSV of consents."""

from datetime import datetime
from pathlib import Path

import pytest

from data_contracts.errors import InputError
from messaging.consent_files import read_consent_file, read_consents

HEAD = "customer_id,channel,action,occurred_at,wording"


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "paper.csv"
    path.write_bytes("\r\n".join([HEAD, *lines, ""]).encode())
    return path


def test_a_wording_keeps_its_lines(tmp_path: Path) -> None:
    path = _file(tmp_path, 'cus_1,email,grant,2026-03-01,"Yes, write to me.\nI may stop any time."')
    (consent,) = read_consent_file(path, "drawer")
    assert consent.wording == "Yes, write to me.\nI may stop any time."


def test_a_fault_behind_a_wording_of_two_lines_is_told_by_the_line_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, 'cus_1,email,grant,2026-03-01,"one\ntwo"', "cus_2,fax,grant,2026-03-01,one")
    with pytest.raises(InputError, match=r"line 4: channel 'fax' is none of email"):
        read_consent_file(path, "drawer")


@pytest.mark.parametrize("wording", ['"it ends nowhere', '"a" b'])
def test_what_is_no_csv_is_refused_with_its_line(tmp_path: Path, wording: str) -> None:
    path = _file(tmp_path, f"cus_1,email,grant,2026-03-01,{wording}")
    with pytest.raises(InputError, match=r"paper.csv: line \d is no CSV") as caught:
        read_consent_file(path, "drawer")
    assert "Nothing was recorded" in str(caught.value)
    assert "ends nowhere" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [("0044 20 7946 0123", "+442079460123"), ("+44 20 7946 0123", "+442079460123")],
)
def test_a_number_is_read_as_messages_have_it(tmp_path: Path, written: str, read: str) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"address,channel,action,occurred_at\n{written},sms,revoke,2026-03-01\n")
    (said,) = read_consent_file(path, "drawer")
    assert said.address == read


@pytest.mark.parametrize(
    ("channel", "address"), [("sms", "020 7946 0123"), ("email", "anna (at) example.com")]
)
def test_an_opt_out_of_an_address_that_no_message_has_is_refused_with_its_line(
    tmp_path: Path, channel: str, address: str
) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"address,channel,action,occurred_at\n{address},{channel},revoke,2026-03-01\n")
    with pytest.raises(InputError, match="line 2: address cannot be written to on this channel") as refused:
        read_consent_file(path, "drawer")
    assert address not in str(refused.value)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("0001-01-01T00:00:00+01:00,", "occurred_at is no ISO 8601 date"),
        ("2026-03-01,0001-01-01T00:00:00+01:00", "expires_at is no ISO 8601 date"),
        ("2026-03-01,2020-01-01", "expires_at is not after occurred_at"),
        ("2026-03-01,2026-03-01", "expires_at is not after occurred_at"),
        ("2026-11-25,", "occurred_at lies ahead of today"),
        ("2030-01-01,2031-01-01", "occurred_at lies ahead of today"),
        ("9999-12-31T23:00:00-02:00,", "occurred_at is no ISO 8601 date"),
    ],
)
def test_a_moment_that_cannot_be_is_refused_with_its_line(tmp_path: Path, row: str, fault: str) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"customer_id,channel,action,occurred_at,expires_at\ncus_1,email,grant,{row}\n")
    with pytest.raises(InputError, match=f"line 2: {fault}"):
        read_consent_file(path, "drawer", datetime.fromisoformat("2026-11-23T12:00"))


@pytest.mark.parametrize("row", ["2026-11-24,", "2019-01-01,2020-01-01"])
def test_a_date_of_today_further_east_and_a_grant_that_ran_out_are_history(tmp_path: Path, row: str) -> None:
    path = tmp_path / "paper.csv"
    path.write_text(f"customer_id,channel,action,occurred_at,expires_at\ncus_1,email,grant,{row}\n")
    assert len(read_consent_file(path, "drawer", datetime.fromisoformat("2026-11-23T12:00"))) == 1


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ('a\0b,,"x"', "it holds a NUL character"),
        (f"{'r' * 201},,x", "record_id has more than 200 characters"),
        ('r1,"{""a"": NaN}",x', "evidence begins like a JSON object and is none"),
        ('r1,"{""a"": ""\\ud800""}",x', "evidence begins like a JSON object and is none"),
        ('r1,"{""a"": ""\\u0000""}",x', "evidence holds a NUL character"),
        ('r1,"{""a"":' + "[" * 100_000 + '",x', "evidence begins like a JSON object and is none"),
    ],
)
def test_what_no_database_keeps_is_refused_before_a_row_is_recorded(row: str, fault: str) -> None:
    text = f"customer_id,channel,action,occurred_at,record_id,evidence,wording\ncus_1,email,grant,2026-03-01,{row}\n"
    (found,) = read_consents(text.encode(), "paper.csv", "drawer").faults
    assert (found.line, found.sentence[: len(fault)]) == (2, fault)


def test_a_file_is_told_row_by_row_and_a_cell_like_a_formula_stays_text() -> None:
    rows = [
        "cus_1,email,grant,2026-03-01,=HYPERLINK(1)",
        "cus_2,=cmd(),grant,2026-03-01,x",
        "cus_3,sms,revoke,2026-03-01,",
    ]
    found = read_consents("\r\n".join([HEAD, *rows]).encode(), "paper.csv", "drawer")
    assert {line: each.wording for line, each in found.consents.items()} == {2: "=HYPERLINK(1)", 4: None}
    assert [(each.line, each.sentence) for each in found.faults] == [
        (3, "channel is none of email, sms, whatsapp, voice, chat")
    ]


@pytest.mark.parametrize(
    "content", [HEAD.encode("utf-16"), f"{HEAD}\ncus_1,é".encode("latin-1"), b"PK\x03\x04\xff"]
)
def test_a_file_in_another_encoding_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(InputError, match=r"paper.csv is no UTF-8 text. Save it as CSV in UTF-8"):
        read_consents(content, "paper.csv", "drawer")
