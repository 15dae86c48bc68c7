"""Mailboxes: whose side wrote, in which thread, what was new; and files that are no mail or only half of one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import InputError
from messaging.settings import Settings, read_settings
from pipelines.sources.mail import read_mail

Read = Callable[..., list[dict[str, str | None]]]
HEAD = {
    "From": "Ann Lee <Ann.Lee@Example.com>",
    "To": "Shop <hello@shop.example.com>",
    "Subject": "Hello",
    "Date": "Thu, 29 Oct 2026 12:00:00 +0200",
    "Message-ID": "<one@mail.example.com>",
}


def mail(body: str = "Hi there.", **changes: str | None) -> bytes:
    headers = HEAD | {name.replace("_", "-"): text for name, text in changes.items()}
    lines = [f"{name}: {text}" for name, text in headers.items() if text is not None]
    return ("\n".join(lines) + f"\n\n{body}\n").encode()


def mbox(*mails: bytes) -> bytes:
    return b"".join(b"From x Thu Oct 29 10:00:00 2026\n" + content + b"\n" for content in mails)


@pytest.fixture
def read(tmp_path: Path, settings: Settings) -> Read:
    def reading(
        content: bytes, name: str = "box.mbox", own: Settings = settings
    ) -> list[dict[str, str | None]]:
        path = tmp_path / name
        path.write_bytes(content)
        return list(read_mail([path], own))

    return reading


def test_a_mail_from_a_customer(read: Read) -> None:
    (record,) = read(mbox(mail()))
    assert record | {"raw_record": None} == {
        "source": "mail",
        "source_record_id": "message/one@mail.example.com",
        "occurred_at": "2026-10-29 10:00:00",
        "message_id": "one@mail.example.com",
        "thread_id": "one@mail.example.com",
        "direction": "inbound",
        "kind": "letter",
        "email": "ann.lee@example.com",
        "given_name": "Ann",
        "family_name": "Lee",
        "from_email": "ann.lee@example.com",
        "to_email": "hello@shop.example.com",
        "subject": "Hello",
        "body_text": "Hi there.",
        "in_reply_to": None,
        "attachment_count": "0",
        "attachments": None,
        "raw_record": None,
    }


def test_our_answer_belongs_to_the_customer_who_reads_it(read: Read) -> None:
    (record,) = read(
        mbox(mail(From="Tom <tom@shop.example.com>", To="desk@shop.example.com, Bo <bo@example.com>"))
    )
    assert (record["direction"], record["email"], record["given_name"]) == (
        "outbound",
        "bo@example.com",
        "Bo",
    )


def test_the_domain_we_send_from_is_our_own_too(read: Read, tmp_path: Path) -> None:
    own = read_settings(home=tmp_path, mail_from="Shop <hello@shop.example.com>")
    (record,) = read(mbox(mail(From="tom@shop.example.com", To="bo@example.com")), own=own)
    assert record["direction"] == "outbound"


def test_where_no_domain_is_known_the_sender_is_the_customer(read: Read, tmp_path: Path) -> None:
    (record,) = read(
        mbox(mail(From="tom@shop.example.com", To="bo@example.com")), own=read_settings(home=tmp_path)
    )
    assert (record["direction"], record["email"]) == ("inbound", "tom@shop.example.com")


def test_a_thread_is_named_by_its_first_mail(read: Read) -> None:
    (record,) = read(mbox(mail(References="<first@x> <second@x>", In_Reply_To="<second@x>")))
    assert (record["thread_id"], record["in_reply_to"]) == ("first@x", "second@x")
    (record,) = read(mbox(mail(In_Reply_To="<second@x>")))
    assert record["thread_id"] == "second@x"


def test_only_the_new_text_of_a_reply_is_kept_and_all_of_it_in_the_record(read: Read) -> None:
    (record,) = read(mbox(mail("Yes.\n\nOn 28 Oct 2026, Tom wrote:\n> Really?")))
    assert record["body_text"] == "Yes."
    assert "Really?" in json.loads(str(record["raw_record"]))["text"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("=?utf-8?q?Jan_Wo=C5=BAniak?= <j@example.com>", ("Jan", "Woźniak")),
        ("=?iso-8859-1?B?SvZyZw==?= <j@example.com>", ("Jörg", "")),
        ('"Lee, Ann" <j@example.com>', ("Ann", "Lee")),
        ("j@example.com", ("", "")),
        ('"j@example.com" <j@example.com>', ("", "")),
        ("=?unknown-8bit?q?J=F6rg?= <j@example.com>", ("Jörg", "")),
        ("=?utf-8?q?broken", ("", "")),
    ],
)
def test_names_in_every_way_that_programs_write_them(
    read: Read, header: str, expected: tuple[str, str]
) -> None:
    (record,) = read(mbox(mail(From=header)))
    assert (record["given_name"], record["family_name"]) == expected


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "cp1252", "utf-16", "x-nobody-knows"])
def test_the_text_is_read_in_its_charset_and_an_unknown_one_does_no_harm(read: Read, charset: str) -> None:
    import base64

    raw = "Grüße".encode("utf-8" if charset.startswith("x-") else charset)
    head = {"Content_Type": f'text/plain; charset="{charset}"', "Content_Transfer_Encoding": "base64"}
    (record,) = read(mbox(mail(base64.b64encode(raw).decode(), **head)))
    assert record["body_text"] == "Grüße"


def test_html_alone_is_read_as_text_and_attachments_are_counted(read: Read) -> None:
    parts = (
        "--b\nContent-Type: text/html\n\n<p>Hi</p><blockquote>old</blockquote>\n"
        '--b\nContent-Type: image/png; name="a.png"\nContent-Disposition: attachment; filename="a.png"\n\nx\n--b--'
    )
    (record,) = read(mbox(mail(parts, Content_Type='multipart/mixed; boundary="b"')))
    assert (record["body_text"], record["attachment_count"]) == ("Hi", "1")


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("yesterday around noon", "unreadable: yesterday around noon"),
        ("Thu, 29 Oct 2026 12:00:00 -0000", "2026-10-29 12:00:00"),
        ("Thu, 29 Oct 2026 12:00:00 +9999", "unreadable: Thu, 29 Oct 2026 12:00:00 +9999"),
        (None, None),
    ],
)
def test_dates(read: Read, date: str | None, expected: str | None) -> None:
    assert read(mbox(mail(Date=date)))[0]["occurred_at"] == expected


def test_a_mail_without_a_date_was_written_when_it_was_received(read: Read) -> None:
    (record,) = read(mbox(mail(Date=None, Received="from a by b; Thu, 29 Oct 2026 12:00:00 +0000")))
    assert record["occurred_at"] == "2026-10-29 12:00:00"


def test_mails_without_an_id_are_named_by_their_content(read: Read) -> None:
    nameless = mail(Message_ID=None)
    one, two, other = read(mbox(nameless, nameless, mail("Other.", Message_ID=None)))
    assert str(one["message_id"]).removesuffix("-1") == str(two["message_id"]).removesuffix("-2")
    assert other["message_id"] not in {one["message_id"], two["message_id"]}


def test_a_line_that_begins_with_from_does_not_split_a_mail(read: Read) -> None:
    (record,) = read(mbox(mail("First.\nFrom here on it rains.\n\n>From there too.")))
    assert record["body_text"] == "First.\nFrom here on it rains.\n\nFrom there too."


def test_an_eml_file_may_end_without_a_line_break(read: Read) -> None:
    assert len(read(mail().rstrip(b"\n"), "one.eml")) == 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (mbox(mail())[:-3], "its last mail may be cut off"),
        (b"\x89PNG\r\n\x1a\n\x00", "is no mail"),
        (b"hello\nworld\n", "is no mail"),
    ],
)
def test_what_is_no_mail_or_cut_off_is_refused(read: Read, content: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(content)


def test_a_mail_that_ends_within_a_part_is_refused(read: Read) -> None:
    whole = "--b\nContent-Type: text/plain\n\nHi\n--b--"
    head = {"Content_Type": 'multipart/mixed; boundary="b"'}
    assert len(read(mbox(mail(whole, **head)))) == 1
    with pytest.raises(
        InputError, match=r"one@mail\.example\.com .* is cut off: one of its parts has no end"
    ):
        read(mbox(mail(whole.removesuffix("--b--"), **head)))


def test_a_folder_of_mails_is_one_delivery(tmp_path: Path, take: Any, landed: Any) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.eml").write_bytes(mail(Message_ID=f"<{number}@x>"))
    assert (take("mail", folder).accepted, len(take("mail", folder).files)) == (3, 1)
    assert landed("email_messages", "message_id") == [("0@x",), ("1@x",), ("2@x",)]


CUT = {"Content_Type": 'multipart/mixed; boundary="b"'}


def test_one_mail_that_is_cut_off_or_unreadable_is_set_aside_and_the_others_land(
    tmp_path: Path, take: Any, landed: Any
) -> None:
    cut = mail("--b\nContent-Type: text/plain\n\nHi, I wan", Message_ID="<cut@x>", **CUT)
    noise = b"What: is this\n\nnobody knows\n"
    path = tmp_path / "box.mbox"
    path.write_bytes(mbox(mail(Message_ID="<1@x>"), cut, noise, mail(Message_ID="<2@x>")))
    report = take("mail", path)
    assert (report.rows_in, report.accepted, report.quarantined) == (4, 2, 2)
    assert report.reasons["kind_allowed"] == 2
    assert landed("email_messages", "message_id") == [("1@x",), ("2@x",)]


def test_in_a_folder_a_mail_that_is_cut_off_costs_the_others_nothing(tmp_path: Path, take: Any) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "1.eml").write_bytes(mail(Message_ID="<1@x>"))
    (folder / "2.eml").write_bytes(
        mail("--b\nContent-Type: text/plain\n\nHi, I wan", Message_ID="<2@x>", **CUT)
    )
    (folder / "3.eml").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    report = take("mail", folder)
    assert (report.accepted, report.quarantined) == (1, 2)


def test_a_mail_that_only_lost_its_second_form_is_read(read: Read) -> None:
    body = "--b\nContent-Type: text/plain\n\nAll of it.\n--b\nContent-Type: text/html\n\n<p>All"
    records = read(mbox(mail(body, **CUT), mail(Message_ID="<2@x>")))
    assert (records[0]["kind"], records[0]["body_text"]) == ("letter", "All of it.")


def test_what_a_parser_stumbles_over_is_set_aside(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(text: str) -> str:
        if "Hi" in text:
            raise LookupError(text)
        return text

    monkeypatch.setattr("pipelines.sources.mail.new_text", stumble)
    assert [record["kind"] for record in read(mbox(mail(), mail("Yes.", Message_ID="<2@x>")))] == [
        "unreadable",
        "letter",
    ]


@pytest.mark.parametrize(
    ("headers", "direction", "customer"),
    [
        (
            {"From": "Shop <mailer@forms.example.net>", "Reply_To": "Bo Lee <bo@example.com>"},
            "inbound",
            "bo@example.com",
        ),
        ({"From": "hello@shop.example.com", "Reply_To": "bo@example.com"}, "inbound", "bo@example.com"),
        ({"From": "bo@example.com", "Reply_To": "home@example.com"}, "inbound", "bo@example.com"),
        (
            {"From": "hello@shop.example.com", "To": "bo@example.com", "Reply_To": "x@example.com"},
            "outbound",
            "bo@example.com",
        ),
        (
            {"From": "hello@shop.example.com", "To": None, "Bcc": "bo@example.com"},
            "outbound",
            "bo@example.com",
        ),
        ({"From": None, "Sender": "bo@example.com"}, "inbound", "bo@example.com"),
    ],
)
def test_the_customer_is_found_behind_forms_and_in_blind_copies(
    read: Read, headers: dict[str, str | None], direction: str, customer: str
) -> None:
    (record,) = read(mbox(mail(**headers)))
    assert (record["direction"], record["email"]) == (direction, customer)


def test_a_message_id_that_is_too_long_for_a_record_is_named_by_its_hash(read: Read) -> None:
    (record,) = read(mbox(mail(Message_ID=f"<{'x' * 600}@x>")))
    assert len(str(record["source_record_id"])) == len("message/sha256-") + 64
    assert len(str(record["message_id"])) == 602


def test_a_mailbox_is_read_mail_by_mail_and_never_held_as_a_whole(tmp_path: Path, settings: Settings) -> None:
    import tracemalloc

    path = tmp_path / "large.mbox"
    with path.open("wb") as file:
        for number in range(300):
            file.write(mbox(mail("x" * 100_000, Message_ID=f"<{number}@x>")))
    tracemalloc.start()
    assert sum(1 for _ in read_mail([path], settings)) == 300
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_the_same_mail_from_two_mailboxes_is_one_record(tmp_path: Path, take: Any) -> None:
    (tmp_path / "one.mbox").write_bytes(mbox(mail(Delivered_To="hello@shop.example.com")))
    (tmp_path / "two.mbox").write_bytes(mbox(mail(Delivered_To="sales@shop.example.com", Received="x")))
    assert take("mail", tmp_path / "one.mbox").accepted == 1
    assert take("mail", tmp_path / "two.mbox").already_landed == 1


@pytest.mark.parametrize(
    "header",
    [
        "From: " + "(" * 100_000,
        "From: " + " " * 200_000 + "<a@x",
        "References: " + "<" + " a" * 200_000,
        "X-Failed-Recipients: " + "a" * 500_000,
        "Subject: " + "=?utf-8?q?" * 50_000,
        "no header\n" * 100_000 + "Subject: Hi",
        'Content-Type: multipart/mixed; boundary="' + "\\" * 200_000,
    ],
    ids=["comments", "blanks", "ids", "recipients", "words", "noise", "parameters"],
)
def test_a_header_without_end_takes_no_long_time(read: Read, header: str) -> None:
    import time

    started = time.process_time()
    read(mbox(f"Message-ID: <1@x>\n{header}\n\nHi.\n".encode(), mail()))
    assert time.process_time() - started < 5
