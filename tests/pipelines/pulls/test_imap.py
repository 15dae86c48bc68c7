"""A mailbox is read from the mail that landed last on; what it gives lands as mail."""

from collections.abc import Iterator
from typing import Any

import pytest

from messaging.settings import Settings
from pipelines.landing.manifest import list_landings
from pipelines.pulls.places import read_watermarks
from pipelines.sources.imap import ImapMailbox, ImapMark

from .conftest import pull, write_pull


def letter(number: int) -> bytes:
    return (
        f"From: Ann Lee <ann{number}@example.com>\r\nTo: hello@shop.example.com\r\nSubject: Letter {number}\r\n"
        f"Date: Thu, 29 Oct 2026 12:00:00 +0000\r\nMessage-ID: <{number}@mail.example.com>\r\n\r\n"
        f"Where is parcel {number}?\r\nFrom me to you.\r\n"
    ).encode()


class Post:
    """Stands in for the IMAP server: mails by their UIDs."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.validity = 7
        self.passwords: list[str] = []

    def fetch(
        self, mailbox: ImapMailbox, since: ImapMark | None, limit: int
    ) -> Iterator[tuple[bytes, ImapMark]]:
        """Give what came after a mark, as `fetch_new` does."""
        self.passwords.append(mailbox.password)
        after = since.uid if since and since.validity == self.validity else 0
        for uid, raw in list(enumerate(self.mails, start=1))[after : after + limit]:
            yield raw, ImapMark(self.validity, uid)


@pytest.fixture
def post(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Post:
    post = Post()
    monkeypatch.setattr("pipelines.pulls.imap.fetch_new", post.fetch)
    monkeypatch.setattr("pipelines.pulls.imap.AT_ONCE", 2)
    monkeypatch.setenv("SUPPORT_PASSWORD", "open sesame")
    mailbox: dict[str, Any] = {
        "host": "mail.example.com",
        "user": "support",
        "password": "{SUPPORT_PASSWORD}",
    }
    write_pull(settings, "support", {"kind": "imap", "source": "mail", "mailbox": mailbox})
    return post


def test_mails_land_once_and_then_only_new_ones(post: Post, settings: Settings) -> None:
    post.mails = [letter(number) for number in range(5)]
    (first,) = pull(settings, "support").streams
    assert (first.error, first.total("accepted")) == (None, 5)
    assert post.passwords[0] == "open sesame"
    post.mails.append(letter(5))
    (second,) = pull(settings, "support").streams
    assert (second.rows, second.total("accepted")) == (1, 1)
    assert (pull(settings, "support").streams[0].rows, len(list_landings(settings))) == (0, 2)


def test_a_folder_that_was_numbered_anew_is_read_again_and_lands_nothing_twice(
    post: Post, settings: Settings
) -> None:
    post.mails = [letter(number) for number in range(3)]
    pull(settings, "support")
    post.validity = 8
    post.mails.insert(0, letter(9))
    (again,) = pull(settings, "support").streams
    assert (again.rows, again.total("accepted"), again.total("already_landed")) == (4, 1, 3)
    assert read_watermarks(settings, "support") == {"mails": "0000000008/0000000004"}
