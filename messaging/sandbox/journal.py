"""An optional file of JSON lines in which phones or mails survive a restart; the newest line counts."""

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SLACK = 4  # lines per kept entry before the file is written anew
SMALLEST = 2_000

Entry = dict[str, Any]


class Journal:
    """Appends entries; `keep` gives what is worth keeping when the file has grown too long.

    Its one owner calls `write` and `compact` under its own lock, so that nothing is lost in between. The file
    is not synced to disk: after a power cut a sandbox may forget, which harms nobody.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._lines = 0
        self._lock = threading.Lock()
        self.keep: Callable[[], Iterable[Entry]] = lambda: ()

    def read(self) -> list[Entry]:
        """Give every entry in order; a line that a crash cut short is left out."""
        if self._path is None or not self._path.exists():
            return []
        entries = []
        with self._path.open(encoding="utf-8") as lines:
            for line in lines:
                try:
                    entries.append(json.loads(line))
                except ValueError:
                    continue
        return entries

    def write(self, entry: Entry) -> None:
        """Append an entry."""
        if self._path is None:
            return
        with self._lock:
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("a", encoding="utf-8")
                self._path.chmod(0o600)  # customers' words
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._file.flush()
            self._lines += 1

    def compact(self, *, force: bool = False) -> None:
        """Write the file anew with what `keep` gives, when it has grown too long or `force` says so."""
        if self._path is None or (not force and self._lines < SMALLEST):
            return
        entries = list(self.keep())
        if not force and self._lines < SLACK * len(entries):
            return
        with self._lock:
            self._rewrite(entries)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _rewrite(self, entries: list[Entry]) -> None:
        assert self._path is not None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        fresh.chmod(0o600)
        if self._file is not None:
            self._file.close()
            self._file = None
        fresh.replace(self._path)
        self._lines = 0
