"""Mails that SendGrid posts to a webhook: saved as the request came, or as its fields."""

import json
from pathlib import Path
from typing import Any

import pytest

from data_contracts.errors import InputError
from messaging.settings import Settings
from pipelines.sources.inbound_parse import PostedFile, mail_of_fields
from pipelines.sources.mail import read_mail
from pipelines.sources.mime import parse_mail

HEADERS = (
    "Received: from mx by parse; Thu, 29 Oct 2026 12:00:01 +0000\nFrom: Ann Lee <ann@example.com>\n"
    "To: Shop\n <hello@shop.example.com>\nDate: Thu, 29 Oct 2026 12:00:00 +0000\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n"
    'Message-ID: <1@mail.example.com>\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="gone"\n'
    "References: <0@shop.example.com>\n"
)
ENVELOPE = '{"to":["help@in.shop.example.com"],"from":"ann@example.com"}'
FIELDS = {
    "headers": HEADERS, "envelope": ENVELOPE, "text": "Danke für alles.\n\n> Bitte\n", "html": "<p>Danke</p>",
    "subject": "Grüße", "from": "Ann Lee <ann@example.com>", "charsets": '{"text":"iso-8859-1","html":"UTF-8"}',
    "attachments": "1", "SPF": "pass",
}  # fmt: skip
PDF = PostedFile("Rechnung ü.pdf", "application/pdf", b"%PDF\r\n--xYzZY no boundary\x00\xff")


def form(fields: dict[str, bytes], *files: PostedFile, line: bytes = b"\r\n") -> bytes:
    parts = [
        b'Content-Disposition: form-data; name="%s"' % name.encode() + line * 2 + text
        for name, text in fields.items()
    ]
    parts += [
        b'Content-Disposition: form-data; name="attachment1"; filename="%s"' % file.name.encode()
        + line + b"Content-Type: " + file.type.encode() + line * 2 + file.content
        for file in files
    ]  # fmt: skip
    return b"".join(b"--xYzZY" + line + part + line for part in parts) + b"--xYzZY--" + line


def as_bytes(fields: dict[str, str]) -> dict[str, bytes]:
    return {name: text.encode("iso-8859-1" if name == "text" else "utf-8") for name, text in fields.items()}


def read(path: Path, content: bytes, settings: Settings) -> dict[str, Any]:
    path.write_bytes(content)
    (record,) = read_mail([path], settings)
    return dict(record)


@pytest.mark.parametrize("line", [b"\r\n", b"\n"])
def test_a_post_saved_as_it_came_is_a_mail_like_any_other(
    tmp_path: Path, settings: Settings, line: bytes
) -> None:
    record = read(tmp_path / "post.txt", form(as_bytes(FIELDS), PDF, line=line), settings)
    assert record | {"raw_record": None, "attachments": None} == {
        "source": "mail",
        "source_record_id": "message/1@mail.example.com",
        "occurred_at": "2026-10-29 12:00:00",
        "message_id": "1@mail.example.com",
        "thread_id": "0@shop.example.com",
        "direction": "inbound",
        "kind": "letter",
        "email": "ann@example.com",
        "given_name": "Ann",
        "family_name": "Lee",
        "from_email": "ann@example.com",
        "to_email": "hello@shop.example.com",
        "subject": "Grüße",
        "body_text": "Danke für alles.",
        "in_reply_to": None,
        "attachment_count": "1",
        "attachments": None,
        "raw_record": None,
    }
    (file,) = json.loads(record["attachments"])
    assert (file["name"], file["size"], file["kept"]) == (PDF.name, len(PDF.content), True)


def test_a_post_of_the_raw_mail_is_that_mail(tmp_path: Path, settings: Settings) -> None:
    raw = (
        HEADERS.replace('multipart/alternative; boundary="gone"', "text/plain")
        + "\nHello.\n\nFrom here on.\n"
    )
    fields = {"email": raw, "envelope": ENVELOPE, "to": "hello@shop.example.com"}
    record = read(tmp_path / "post.txt", form(as_bytes(fields)), settings)
    assert (record["message_id"], record["body_text"]) == ("1@mail.example.com", "Hello.\n\nFrom here on.")


def test_fields_saved_as_json_are_read_one_or_many(tmp_path: Path, settings: Settings) -> None:
    assert (
        read(tmp_path / "one.json", json.dumps(FIELDS).encode(), settings)["body_text"] == "Danke für alles."
    )
    other = FIELDS | {"headers": HEADERS.replace("<1@", "<2@")}
    (tmp_path / "two.json").write_text(json.dumps([FIELDS, other]))
    assert [record["message_id"] for record in read_mail([tmp_path / "two.json"], settings)] == [
        "1@mail.example.com",
        "2@mail.example.com",
    ]


def test_a_mail_that_only_the_envelope_addresses_names_that_mailbox(
    tmp_path: Path, settings: Settings
) -> None:
    hidden = FIELDS | {"headers": HEADERS.replace("To: Shop\n <hello@shop.example.com>\n", "")}
    assert (
        read(tmp_path / "one.json", json.dumps(hidden).encode(), settings)["to_email"]
        == "help@in.shop.example.com"
    )


def test_the_same_post_gives_the_same_mail_and_no_header_of_its_own() -> None:
    assert mail_of_fields(FIELDS) == mail_of_fields(dict(reversed(FIELDS.items())))
    sly = mail_of_fields(FIELDS | {"envelope": '{"to":["x@y\\nBcc: z@x"]}'})
    assert "bcc" not in parse_mail(sly).headers
    named = mail_of_fields(FIELDS, [PostedFile('a"\r\nX-Evil: 1', "text/plain", b"x")])
    assert all("x-evil" not in leaf.headers for leaf in parse_mail(named).leaves())


def test_a_post_without_text_is_read_from_its_html(tmp_path: Path, settings: Settings) -> None:
    bare = {name: text for name, text in FIELDS.items() if name != "text"}
    assert read(tmp_path / "one.json", json.dumps(bare).encode(), settings)["body_text"] == "Danke"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (form(as_bytes(FIELDS))[:-12], "is cut off: its last boundary is missing"),
        (form({"name": b"Ann"}), "A post with the fields name is none of Inbound Parse"),
        (b'{"id": 1}', "A post with the fields id is none of Inbound Parse"),
        (b'{"headers": "From: ', "is no mail and no JSON that is whole"),
        (b"[1, 2]", "is JSON without mails"),
        (b"[]", "is JSON without mails"),
    ],
)
def test_what_is_no_post_or_cut_off_is_refused(
    tmp_path: Path, settings: Settings, content: bytes, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "post.txt", content, settings)


def test_posts_in_a_folder_are_found_among_other_files(tmp_path: Path, take: Any) -> None:
    folder = tmp_path / "posts"
    folder.mkdir()
    (folder / "1.txt").write_bytes(form(as_bytes(FIELDS)))
    (folder / "2.json").write_text(json.dumps(FIELDS | {"headers": HEADERS.replace("<1@", "<2@")}))
    (folder / "readme.txt").write_text("Posts of last week.")
    assert take("mail", folder).accepted == 2


@pytest.mark.real_data
def test_posts_as_a_real_account_got_them(real_data: Path, take: Any, landed: Any) -> None:
    report = take("mail", real_data / "vendor_shapes" / "sendgrid" / "inbound_parse")
    assert (report.rows_in, report.accepted) == (3, 3)
    assert {row[:2] for row in landed("email_messages", "body_text, email, attachment_count")} == {
        ("Hello Twilio SendGrid!", "test@example.com")
    }
    assert sorted(row[0] for row in landed("email_messages", "attachment_count")) == [0, 0, 1]
