"""Files that came with messages: noted with the message, fetched in the background, kept apart by their content's hash.

They are fetched from the provider alone, with our credentials and within limits of type and size. Twilio sends on to
its own store of media; to any other place nobody follows. A file lies at media/<sha256[:2]>/<sha256>, readable by us
alone, and nothing here opens it.
"""

import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
from sqlalchemy import Connection, Row, insert, select, update

from data_contracts.errors import StoreError
from messaging.clock import Clock
from messaging.settings import Settings, is_loopback
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables_receiver import inbound_media

log = structlog.get_logger(__name__)

MOST = 10  # files of one message, as Twilio bounds it
TRIES = 8
PAUSE = timedelta(seconds=30)  # before the second try; doubles
TIMEOUTS = (5, 20)  # seconds to connect, and between two pieces
PIECE = 64 * 1024
TWILIO_STORES = (".twiliocdn.com",)  # where Twilio's API sends on to for the bytes themselves
PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")


@dataclass(frozen=True)
class Medium:
    """A file as a message names it."""

    number: int
    url: str
    content_type: str


def note_media(connection: Connection, inbound_id: str, media: Sequence[Medium], at: datetime) -> None:
    """Store which files a message has, to be fetched."""
    rows = [
        {
            "media_id": new_id("med"),
            "inbound_id": inbound_id,
            "number": medium.number,
            "url": medium.url,
            "content_type": medium.content_type,
            "state": "waiting",
            "tries": 0,
            "next_try_at": at,
        }
        for medium in media[:MOST]
    ]
    if rows:
        connection.execute(insert(inbound_media), rows)


class Refused(Exception):  # noqa: N818 - an answer about a file, not a failure of ours
    """A file is not kept; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Fetcher:
    """Fetches what waits, one file after the other."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._limit = settings.attachment_max_mb * 1_000_000
        self._types = tuple(
            kind.strip().lower() for kind in settings.attachment_types.split(",") if kind.strip()
        )
        account = re.escape(settings.twilio_sid)
        self._path = re.compile(
            rf"/2010-04-01/Accounts/{account}/Messages/\w+/Media/ME[0-9a-f]{{32}}", re.ASCII
        )

    def fetch_waiting(self, limit: int = 50) -> int:
        """Fetch the files whose time has come; give how many were settled."""
        table, now = inbound_media.c, self._clock.now()
        due = select(inbound_media).where(table.state == "waiting", table.next_try_at <= now)
        with self._store.read() as connection:
            rows = connection.execute(due.order_by(table.next_try_at).limit(limit)).all()
        return sum(self._settle(row, now) for row in rows)

    def run(self, stop: threading.Event, seconds: float = 2.0) -> None:
        """Fetch until `stop` is set; a store that cannot be written for a while is waited for."""
        while not stop.wait(seconds):
            try:
                self.fetch_waiting()
            except StoreError as error:
                log.warning("media.store", reason=type(error).__name__)

    def _settle(self, row: Row[Any], now: datetime) -> int:
        try:
            content, kind = self._fetch(row.url)
            digest = self._keep(content)
            told = {
                "state": "kept",
                "reason": None,
                "sha256": digest,
                "size": len(content),
                "content_type": kind,
            }
        except Refused as refused:
            told = {"state": "refused", "reason": refused.reason}
        except (requests.RequestException, OSError) as error:
            told = self._later(row, now, error)
        this = update(inbound_media).where(inbound_media.c.media_id == row.media_id)
        with self._store.write() as connection:
            connection.execute(this.values(tries=row.tries + 1, **told))
        log.info("media.settled", media_id=row.media_id, state=told.get("state", "waiting"))
        return int("state" in told)

    @staticmethod
    def _later(row: Row[Any], now: datetime, error: Exception) -> dict[str, Any]:
        if row.tries + 1 >= TRIES:
            return {"state": "failed", "reason": type(error).__name__}
        return {"next_try_at": now + PAUSE * 2**row.tries, "reason": type(error).__name__}

    def _fetch(self, url: str) -> tuple[bytes, str]:
        """Read a file from the provider. Raises Refused, or what `requests` raises where it may work later."""
        if not self._is_providers(url):
            raise Refused("elsewhere")
        with requests.Session() as session:
            session.trust_env = not is_loopback(urlsplit(url).hostname or "")
            auth = (self._settings.twilio_sid, self._settings.twilio_token)
            answer = session.get(url, auth=auth, stream=True, timeout=TIMEOUTS, allow_redirects=False)
            if answer.is_redirect:
                further = answer.headers.get("Location", "")
                if not _is_twilios_store(further):
                    raise Refused("elsewhere")
                answer.close()
                answer = session.get(further, stream=True, timeout=TIMEOUTS, allow_redirects=False)
            with answer:
                return self._read(answer)

    def _read(self, answer: requests.Response) -> tuple[bytes, str]:
        if answer.status_code in {404, 410}:
            raise Refused("gone")
        if answer.status_code != 200:
            raise requests.HTTPError(f"HTTP {answer.status_code}")
        kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if not any(_matches(kind, allowed) for allowed in self._types):
            raise Refused("type")
        content = bytearray()
        for piece in answer.iter_content(PIECE):
            content += piece
            if len(content) > self._limit:
                raise Refused("too_large")
        if bytes(content[:4]).startswith(PROGRAMS):
            raise Refused("program")
        return bytes(content), kind

    def _is_providers(self, url: str) -> bool:
        """Say whether an address is one of our account's media at the API that we send by."""
        ours, theirs = urlsplit(self._settings.twilio_url), urlsplit(url)
        same_host = (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)
        return same_host and bool(self._path.fullmatch(theirs.path)) and not theirs.query

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = media_path(self._settings.home, digest)
        if not (path.exists() and path.stat().st_size == len(content)):
            _write_whole(path, content)
        return digest


def media_path(home: Path, digest: str) -> Path:
    """Say where a file of this content lies."""
    return home / "media" / digest[:2] / digest


def _is_twilios_store(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" and not parts.port and (parts.hostname or "").endswith(TWILIO_STORES)


def _matches(kind: str, allowed: str) -> bool:
    if allowed.endswith("/*"):
        return kind.startswith(allowed[:-1])
    return kind == allowed


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, and readable by us alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
