"""Files of mails: four dialects of mbox, single mails of several programs, maildirs; and files that are none or cut off."""

from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import InputError
from pipelines.sources.mailbox import is_mail_file, mbox_entry, read_messages

LINE = b"From ann@example.com Thu Oct 29 10:00:00 2026\n"


def letter(body: str, *more: str) -> bytes:
    return "\n".join(("From: ann@example.com", "Subject: Hi", *more, "", body, "")).encode()


def read(path: Path, content: bytes) -> list[bytes]:
    path.write_bytes(content)
    return [raw.content for raw in read_messages(path)]


@pytest.fixture
def box(tmp_path: Path) -> Path:
    return tmp_path / "box.mbox"


def test_mails_lie_one_behind_the_other_and_the_last_one_is_known(box: Path) -> None:
    box.write_bytes(LINE + letter("One.") + b"\n" + LINE + letter("Two.") + b"\n")
    assert [(b"One" in raw.content, raw.last) for raw in read_messages(box)] == [(True, False), (False, True)]


@pytest.mark.parametrize(
    "line",
    [
        b"From - Thu Oct 29 10:00:00 2026\n",
        b"From 1779000000000000000@xxx Thu Oct 29 10:00:00 +0000 2026\n",
        b"From ann@example.com  Thu Oct  9 9:00 2026\r\n",
        b"From ann@example.com Thu Oct 29 10:00:00 BST 2026\n",
        b"From MAILER-DAEMON Fri Jan  1 00:00:00 1970 +0100\n",
        b"From ann@example.com\n",
        b"From \n",
    ],
)
def test_every_program_writes_the_line_between_mails_in_its_own_way(box: Path, line: bytes) -> None:
    assert len(read(box, (line + letter("Hello.") + b"\n") * 3)) == 3


@pytest.mark.parametrize(
    "body",
    [
        "First.\n\nFrom here on it rains.\nBring: an umbrella",
        "First.\n\nFrom Monday 10:00 to Tuesday it rains in 2026.\n",
        "First.\n\nFrom Mon Oct 26 10:00:00 2026 on it rains.\n",
    ],
)
def test_an_unguarded_line_in_a_body_does_not_split_a_mail(box: Path, body: str) -> None:
    mails = read(box, LINE + letter(body) + b"\n" + LINE + letter("Next.") + b"\n")
    assert len(mails) == 2
    assert body.strip().encode() in mails[0]


def test_guarded_lines_lose_one_guard(box: Path) -> None:
    (raw,) = read(box, LINE + letter("A\n\n>From here.\n>>From there.\n> From afar.") + b"\n")
    assert b"\nFrom here.\n>From there.\n> From afar." in raw


def test_a_length_in_the_headers_tells_where_a_mail_ends_whatever_its_body_holds(box: Path) -> None:
    body = "A forwarded mailbox:\n\n" + LINE.decode() + "From: bo@example.com\n\n>From the heart.\n"
    (first, second) = read(
        box,
        LINE + letter(body[:-1], f"Content-Length: {len(body)}") + b"\n" + LINE + letter("Next.") + b"\n",
    )
    assert body.encode() in first
    assert b"Next." in second


@pytest.mark.parametrize("length", ["0", "3", "99999", "9999999999", "-1", "many"])
def test_a_length_that_is_wrong_counts_for_nothing(box: Path, length: str) -> None:
    mails = read(box, (LINE + letter("Hello, this is it.", f"Content-Length: {length}") + b"\n") * 2)
    assert [b"Hello, this is it." in raw for raw in mails] == [True, True]


def test_a_program_that_forgets_the_empty_line_between_mails_loses_none(box: Path) -> None:
    assert len(read(box, (LINE + letter("Hello.")) * 3 + b"\n")) == 3


def test_line_ends_of_windows_are_no_other_text(box: Path) -> None:
    mails = read(box, ((LINE + letter("Hello.\n\n>From here.") + b"\n") * 2).replace(b"\n", b"\r\n"))
    assert len(mails) == 2
    assert b"\r\nFrom here." in mails[0]


@pytest.mark.parametrize(
    "raw", [letter("Hello.\n\nFrom here.\n>From there.\nFrom: x"), letter("x").replace(b"\n", b"\r\n")]
)
def test_what_is_written_as_a_mailbox_is_read_from_it_again(box: Path, raw: bytes) -> None:
    again = read(box, mbox_entry(raw) + mbox_entry(raw))
    assert [content.strip() for content in again] == [raw.replace(b"\r\n", b"\n").strip()] * 2


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_mailbox_that_does_not_end_with_an_empty_line_is_refused_whole(box: Path, end: bytes) -> None:
    with pytest.raises(InputError, match="its last mail may be cut off"):
        read(box, LINE + letter("One.") + b"\n" + LINE + letter("Two.")[:-1] + end)


def test_unless_the_last_mail_says_how_long_it_is(box: Path) -> None:
    whole = LINE + letter("Two.", "Content-Length: 5")
    assert len(read(box, whole)) == 1
    with pytest.raises(InputError, match="its last mail may be cut off"):
        read(box, whole[:-2])


@pytest.mark.parametrize(
    "before",
    [b"\xef\xbb\xbf", b"\n\r\n", LINE, b">" + LINE, b"\xef\xbb\xbf\n"],
    ids=["bom", "blank", "from", "guarded", "both"],
)
def test_a_single_mail_may_have_something_in_front(tmp_path: Path, before: bytes) -> None:
    assert read(tmp_path / "one.eml", before + letter("Hi.")) == [letter("Hi.")]


def test_a_single_mail_in_utf_16_is_read(tmp_path: Path) -> None:
    assert read(tmp_path / "one.eml", letter("Grüße.").decode().encode("utf-16")) == [letter("Grüße.")]


def test_apples_kind_of_file_says_how_long_its_mail_is(tmp_path: Path) -> None:
    raw = letter("Hi.")
    content = f"{len(raw)}     \n".encode() + raw + b"<?xml version='1.0'?><plist></plist>"
    assert read(tmp_path / "1.emlx", content) == [raw]
    with pytest.raises(InputError, match="shorter than it says"):
        read(tmp_path / "2.emlx", content[:20])


def test_outlooks_own_kind_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Outlook's own kind .* Save it as \.eml"):
        read(tmp_path / "one.msg", b"\xd0\xcf\x11\xe0" + bytes(600))


def test_a_maildir_is_read_with_its_folders_and_not_what_is_half_delivered(
    tmp_path: Path, take: Any, landed: Any
) -> None:
    root = tmp_path / "Maildir"
    for number, place in enumerate(
        ["cur/1.M1.host:2,S", "new/2.M1.host", ".Sent/cur/3.M1.host:2,RS", "tmp/4.M1.host"]
    ):
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            letter(
                "Hi.",
                "To: x@example.com",
                "Date: Thu, 29 Oct 2026 12:00:00 +0000",
                f"Message-ID: <{number}@x>",
            )
        )
    (root / "dovecot-uidlist").write_text("3 V1 N4\n")
    assert take("mail", root).accepted == 3
    assert landed("email_messages", "message_id") == [("0@x",), ("1@x",), ("2@x",)]


@pytest.mark.parametrize(
    ("name", "content", "holds"),
    [
        ("Inbox", LINE + letter("Hi.") + b"\n", True),
        ("Inbox.msf", b"// <!-- <mdb:mork:z v='1.4'/> -->", False),
        ("notes.txt", b"Call Ann.", False),
        ("notes.txt", LINE + letter("Hi.") + b"\n", True),
        ("orders.json", b'[{"id": 1}]', False),
        ("README", b"From here you can go anywhere.\n", False),
    ],
)
def test_files_without_a_suffix_are_told_by_their_first_line(
    tmp_path: Path, name: str, content: bytes, *, holds: bool
) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_mail_file(tmp_path / name) is holds
