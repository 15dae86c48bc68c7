"""Files that came with mails: kept under their content's hash where type and size allow it, and never where their name says."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from messaging.settings import Settings, read_settings
from pipelines.sources.attachments import Attachment, Shelf, is_file, is_inline, kept_path, limits, safe_name
from pipelines.sources.mail import read_mail, reader_version
from pipelines.sources.mime import Part, parse_mail

PDF = b"%PDF-1.4 invented"


def part(content: bytes = PDF, kind: str = "application/pdf", name: str = "a.pdf", *more: str) -> Part:
    headers = (f"Content-Type: {kind}", f'Content-Disposition: attachment; filename="{name}"', *more)
    encoded = base64.b64encode(content).decode()
    return parse_mail("\n".join((*headers, "Content-Transfer-Encoding: base64", "", encoded)).encode())


@pytest.fixture
def shelf(settings: Settings) -> Shelf:
    return Shelf(settings.attachments_dir, limits(settings))


def test_a_file_is_kept_under_its_contents_hash_and_only_we_may_read_it(shelf: Shelf) -> None:
    digest = hashlib.sha256(PDF).hexdigest()
    assert shelf.take(part()) == Attachment("a.pdf", "application/pdf", len(PDF), digest, kept=True)
    path = shelf.folder / digest[:2] / digest
    assert path == kept_path(shelf.folder, digest)
    assert path.read_bytes() == PDF
    assert [oct(place.stat().st_mode & 0o777) for place in (path, path.parent, shelf.folder)] == [
        "0o600", "0o700", "0o700",
    ]  # fmt: skip


def test_the_same_file_is_kept_once_and_one_that_is_damaged_is_mended(
    shelf: Shelf, settings: Settings
) -> None:
    path = kept_path(shelf.folder, shelf.take(part()).sha256)
    written = path.stat().st_mtime_ns
    Shelf(settings.attachments_dir, shelf.limits).take(part(name="b.pdf"))
    assert path.stat().st_mtime_ns == written
    path.write_bytes(b"%PDF")
    Shelf(settings.attachments_dir, shelf.limits).take(part())
    assert path.read_bytes() == PDF


def test_a_file_is_whole_or_not_there(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        shelf.take(part())
    assert [path for path in shelf.folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (part(kind="application/zip", name="a.zip"), "its type is not kept"),
        (part(kind="text/html", name="a.html"), "its type is not kept"),
        (part(name="invoice.pdf.exe"), "a program"),
        (part(name="invoice.PDF.Js"), "a program"),
        (part(b"MZ\x90\x00", name="a.pdf"), "a program"),
        (part(b"#!/bin/sh\nrm", "text/plain", "a.txt"), "a program"),
        (part(b"x" * 1_000_001), "too large"),
    ],
)
def test_what_is_not_kept_is_described_with_the_reason(tmp_path: Path, item: Part, why: str) -> None:
    shelf = Shelf(tmp_path / "kept", limits(read_settings(home=tmp_path, attachment_max_mb=1)))
    told = shelf.take(item)
    assert (told.kept, told.why, told.size) == (False, why, len(item.content))
    assert not shelf.folder.exists()


def test_the_company_says_which_types_are_kept(tmp_path: Path) -> None:
    chosen = limits(read_settings(home=tmp_path, attachment_types="image/*, Application/X-Own"))
    kinds = ("image/png", "application/x-own", "application/pdf", "imagery/png")
    assert [chosen.refusal(kind, b"x", "") for kind in kinds] == [
        "", "", "its type is not kept", "its type is not kept",
    ]  # fmt: skip


def test_a_file_is_read_again_under_other_limits(tmp_path: Path) -> None:
    one, other = (read_settings(home=tmp_path, attachment_max_mb=size) for size in (1, 2))
    assert reader_version(one) != reader_version(other)


def test_a_type_that_the_mail_program_did_not_know_is_told_by_the_name(shelf: Shelf) -> None:
    assert shelf.take(part(kind="application/octet-stream", name="Photo.JPG")).type == "image/jpeg"
    assert shelf.take(part(kind="application/octet-stream", name="a.bin")).kept is False


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\win.ini", "win.ini"),
        ("/absolute.pdf", "absolute.pdf"),
        ("..", ""),
        (".bashrc", "bashrc"),
        ("a\x00b\r\nc.pdf", "abc.pdf"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("Grüße 📦.pdf", "Grüße 📦.pdf"),
        ("x" * 300 + ".pdf", "x" * 180 + "~" + "x" * 15 + ".pdf"),
    ],
)
def test_a_name_is_shown_and_is_no_path(shelf: Shelf, name: str, shown: str) -> None:
    assert safe_name(name) == shown
    if "\r" not in name:
        shelf.take(part(name=name))
    assert all(len(path.name) == 64 for path in shelf.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("headers", "file", "inline"),
    [
        (("Content-Type: image/png", "Content-ID: <logo@x>"), True, True),
        (
            (
                "Content-Type: image/png",
                "Content-ID: <logo@x>",
                "Content-Disposition: inline; filename=logo.png",
            ),
            True,
            True,
        ),
        (
            (
                "Content-Type: image/png",
                "Content-ID: <1@x>",
                "Content-Disposition: attachment; filename=a.png",
            ),
            True,
            False,
        ),
        (("Content-Type: image/png; name=a.png",), True, False),
        (("Content-Type: application/pdf", "Content-Disposition: inline; filename=a.pdf"), True, False),
        (("Content-Type: message/rfc822",), True, False),
        (("Content-Type: text/plain",), False, False),
        (("Content-Type: text/calendar",), False, False),
        (("Content-Type: text/plain", "Content-Disposition: attachment"), True, False),
        (("Content-Type: application/pgp-signature; name=signature.asc",), False, False),
    ],
)
def test_what_is_a_file_and_what_a_picture_within_the_text(
    headers: tuple[str, ...], *, file: bool, inline: bool
) -> None:
    found = parse_mail("\n".join((*headers, "", "x")).encode())
    assert (is_file(found), is_inline(found)) == (file, inline)


def whole(*parts: str, end: str = "--b--\n") -> bytes:
    head = "From: ann@example.com\nTo: hello@shop.example.com\nDate: Thu, 29 Oct 2026 12:00:00 +0000\nMessage-ID: <1@x>\n"
    body = "".join(f"--b\n{item}\n" for item in ("\nHello.", *parts))
    return f'{head}Content-Type: multipart/mixed; boundary="b"\n\n{body}{end}'.encode()


LOGO = "Content-Type: image/png\nContent-ID: <logo@x>\n\nlogo"
FILE = 'Content-Type: application/pdf\nContent-Disposition: attachment; filename="a.pdf"\n\n%PDF'
MAIL = "Content-Type: message/rfc822\n\nSubject: Inner\n\n" + FILE


def test_a_mail_lists_its_files_and_counts_those_that_are_no_pictures_in_the_text(
    tmp_path: Path, take: Any, landed: Any, settings: Settings
) -> None:
    (tmp_path / "one.eml").write_bytes(whole(LOGO, FILE, MAIL))
    take("mail", tmp_path / "one.eml")
    ((count, listed),) = landed("email_messages", "attachment_count, attachments")
    files = json.loads(listed)
    assert count == 2
    assert [(file["name"], file["type"], file["inline"], file["kept"]) for file in files] == [
        ("", "image/png", True, True), ("a.pdf", "application/pdf", False, True), ("message.eml", "message/rfc822", False, True),
    ]  # fmt: skip
    assert all(kept_path(settings.attachments_dir, file["sha256"]).is_file() for file in files)


def test_a_file_that_is_cut_off_is_not_kept_though_its_mail_is_read(
    tmp_path: Path, settings: Settings
) -> None:
    paths = [tmp_path / "1.eml", tmp_path / "2.eml"]
    for path in paths:
        path.write_bytes(whole(LOGO, FILE, end=""))
    record = next(iter(read_mail(paths, settings)))
    files = json.loads(str(record["attachments"]))
    assert (record["kind"], record["body_text"]) == ("letter", "Hello.")
    assert [(file["kept"], file["why"]) for file in files] == [(True, ""), (False, "cut off")]
