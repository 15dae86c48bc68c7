"""Files that a phone's owner sends: kept in memory, few and small, and given out as Twilio gives them."""

import re
import threading
import uuid
from dataclasses import dataclass

_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+", re.ASCII)


@dataclass(frozen=True)
class MediaFile:
    """One file."""

    sid: str
    content_type: str
    content: bytes


class MediaFiles:
    """The last files; every method may be called from any thread."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._files: dict[str, MediaFile] = {}
        self._lock = threading.Lock()

    def add(self, content_type: str, content: bytes) -> MediaFile:
        """Keep a file; the oldest goes when there are too many. A type that is none becomes octets."""
        plain = content_type if _TYPE.fullmatch(content_type) else "application/octet-stream"
        file = MediaFile(f"ME{uuid.uuid4().hex}", plain, content)
        with self._lock:
            self._files[file.sid] = file
            while len(self._files) > self._kept:
                del self._files[next(iter(self._files))]
        return file

    def get(self, sid: str) -> MediaFile | None:
        """Give a file by its sid, or None where it has gone."""
        with self._lock:
            return self._files.get(sid)
