"""New mails out of a folder of an IMAP mailbox, which is only ever read: nothing is marked as seen, moved or deleted.

A folder gives each mail a growing number (UID) that holds as long as its UIDVALIDITY stays the same (RFC 3501, 2.3.1.1).
The mark that goes with each mail says how far we are; whoever keeps it after the mail has landed loses none and, as a
mail lands once, doubles none.
"""

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from imap_tools import BaseMailBox, ImapToolsError, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import MailboxFolderSelectError, MailboxLoginError

from data_contracts.errors import InputError, ServiceError, SettingsError
from messaging.settings import is_loopback

PORTS = {"tls": 993, "starttls": 143, "none": 143}
TIMEOUT = 60.0  # seconds without an answer
BATCH = 50  # mails asked for at once
BATCH_BYTES = 8_000_000  # unless they are large
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
Fetched = Sequence[bytes | tuple[bytes, bytes] | None]


@dataclass(frozen=True)
class ImapMailbox:
    """Where mails are, and how to sign in: with a password, or with a token where the provider wants OAuth 2.

    `security` none is taken for this machine only. `certificates` is a PEM file with the authorities of a private server.
    """

    host: str
    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    folder: str = "INBOX"
    security: Literal["tls", "starttls", "none"] = "tls"
    port: int = 0  # the usual one
    timeout: float = TIMEOUT
    certificates: Path | None = None


@dataclass(frozen=True)
class ImapMark:
    """How far a folder has been read: up to this UID, as long as its UIDVALIDITY is the same."""

    validity: int
    uid: int

    def to_document(self) -> dict[str, int]:
        """Give the mark as plain data."""
        return {"validity": self.validity, "uid": self.uid}

    @classmethod
    def from_document(cls, document: object) -> "ImapMark":
        """Read a mark that `to_document` gave. Raises InputError where it is none."""
        if isinstance(document, dict):
            validity, uid = document.get("validity"), document.get("uid")
            if isinstance(validity, int) and isinstance(uid, int):
                return cls(validity, uid)
        raise InputError(
            "The mark of an IMAP folder is damaged.", "Delete it: all mails are read again, and land once."
        )


def fetch_new(mailbox: ImapMailbox, since: ImapMark | None, limit: int) -> Iterator[tuple[bytes, ImapMark]]:
    """Give up to `limit` mails that came after a mark, oldest first, each with the mark to keep once it has landed.

    Where the server numbers the folder anew (its UIDVALIDITY changes), all its mails are given again. Raises ServiceError
    where it does not answer, does not let us in or has no such folder, and SettingsError for a way in that is not safe.
    """
    with _told(mailbox), _opened(mailbox) as box:
        validity = _validity(box)
        after = since.uid if since is not None and since.validity == validity else 0
        for uids in _batches(box, _new_uids(box, after)[:limit]):
            for uid, raw in _mails(box, uids):
                yield raw, ImapMark(validity, uid)


@contextmanager
def _told(mailbox: ImapMailbox) -> Iterator[None]:
    """Turn failures of the connection into a sentence; what a server answers may hold addresses and is not repeated."""
    place = f"{mailbox.host}:{_port(mailbox)}"
    try:
        yield
    except MailboxLoginError as error:
        raise ServiceError(
            f"The IMAP server {place} does not let us in.", "Check user and password or token."
        ) from error
    except MailboxFolderSelectError as error:
        raise ServiceError(
            f"The IMAP server {place} has no folder {mailbox.folder!r}.", "Check its name."
        ) from error
    except ssl.SSLError as error:
        raise ServiceError(
            f"The IMAP server {place} has no certificate that we trust.",
            "Name its authorities as certificates.",
        ) from error
    except (OSError, imaplib.IMAP4.error, ImapToolsError) as error:
        what = type(error).__name__
        raise ServiceError(
            f"The IMAP server {place} does not answer as it should ({what}).", "Try again later."
        ) from error


@contextmanager
def _opened(mailbox: ImapMailbox) -> Iterator[BaseMailBox]:
    box = _connected(mailbox)
    try:
        _sign_in(box, mailbox)
        box.folder.set(mailbox.folder, readonly=True)
        yield box
    finally:
        _closed(box)


def _sign_in(box: BaseMailBox, mailbox: ImapMailbox) -> None:
    if mailbox.token:
        box.xoauth2(mailbox.user, mailbox.token, initial_folder=None)
    elif (mailbox.user + mailbox.password).isascii():
        box.login(mailbox.user, mailbox.password, initial_folder=None)
    else:
        box.login_utf8(mailbox.user, mailbox.password, initial_folder=None)


def _connected(mailbox: ImapMailbox) -> BaseMailBox:
    host, port = mailbox.host, _port(mailbox)
    if mailbox.security == "none":
        if not is_loopback(host):
            raise SettingsError(
                f"The IMAP server {host} would get the password unencrypted.", "Use tls, or starttls."
            )
        return MailBoxUnencrypted(host, port, timeout=mailbox.timeout)
    context = ssl.create_default_context(cafile=mailbox.certificates)
    if mailbox.security == "starttls":
        return MailBoxStartTls(host, port, timeout=mailbox.timeout, ssl_context=context)
    return MailBox(host, port, timeout=mailbox.timeout, ssl_context=context)


def _closed(box: BaseMailBox) -> None:
    """Say good-bye; a connection that is gone needs none."""
    try:
        box.logout()
    except (OSError, imaplib.IMAP4.error, ImapToolsError):
        box.client.shutdown()


def _port(mailbox: ImapMailbox) -> int:
    return mailbox.port or PORTS[mailbox.security]


def _validity(box: BaseMailBox) -> int:
    """Give the UIDVALIDITY that the server told when the folder was opened."""
    _, told = box.client.response("UIDVALIDITY")
    if not told or not isinstance(told[0], bytes) or not told[0].isdigit():
        raise imaplib.IMAP4.error("no UIDVALIDITY")
    return int(told[0])


def _new_uids(box: BaseMailBox, after: int) -> list[int]:
    """List the UIDs above a mark. `n:*` always holds the last mail, so the answer is looked through again."""
    found = box.uids(f"UID {after + 1}:*", charset=None)
    return sorted(uid for uid in map(int, found) if uid > after)


def _batches(box: BaseMailBox, uids: Sequence[int]) -> Iterator[list[int]]:
    """Take together what may be asked for at once: so many mails, and so many bytes, or one that is larger."""
    for start in range(0, len(uids), BATCH):
        sizes = _sizes(box, uids[start : start + BATCH])
        batch: list[int] = []
        held = 0
        for uid, size in sizes.items():
            if batch and held + size > BATCH_BYTES:
                yield batch
                batch, held = [], 0
            batch.append(uid)
            held += size
        if batch:
            yield batch


def _sizes(box: BaseMailBox, uids: Sequence[int]) -> dict[int, int]:
    found = {}
    for item in _fetched(box, uids, "(UID RFC822.SIZE)"):
        line = item[0] if isinstance(item, tuple) else item or b""
        uid, size = _UID.search(line), _SIZE.search(line)
        if uid and size:
            found[int(uid[1])] = int(size[1])
    return {uid: found[uid] for uid in uids if uid in found}  # one that was deleted meanwhile is gone


def _mails(box: BaseMailBox, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Fetch mails, oldest first; PEEK leaves them unseen. A server may tell other things in between."""
    answer = _fetched(box, uids, "(UID BODY.PEEK[])")
    found: dict[int, bytes] = {}
    for place, item in enumerate(answer):
        if isinstance(item, tuple):
            behind = answer[place + 1] if place + 1 < len(answer) else b""
            uid = _UID.search(item[0]) or _UID.search(behind if isinstance(behind, bytes) else b"")
            if uid:
                found[int(uid[1])] = item[1]
    for uid_number in uids:
        if uid_number in found:
            yield uid_number, found[uid_number]


def _fetched(box: BaseMailBox, uids: Sequence[int], what: str) -> Fetched:
    status, answer = box.client.uid("FETCH", ",".join(map(str, uids)), what)
    if status != "OK":
        raise imaplib.IMAP4.error("FETCH failed")
    return answer
