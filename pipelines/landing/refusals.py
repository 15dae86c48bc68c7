"""Deliveries that were refused as a whole: why, and which of these refusals are still open.

A refusal lies in `landing/.refusals/<source>/<table>.json` until a later delivery of that source and table lands, or a
person dismisses it. As long as it is open the table's contract is red (`standing.py`); what landed before stays as it is.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.errors import BatchRefusedError, NotFoundError
from messaging.settings import Settings
from pipelines.landing.durable import write_json

FOLDER = ".refusals"
DISMISSED = "dismissed.jsonl"  # who dismissed what, when and why
UNTOLD = "untold"  # lies there as long as the store may not know of a change
EXAMPLES = 3
LONG_AGO = datetime(1, 1, 1)


@dataclass(frozen=True)
class Refusal:
    """Why a delivery of one table was refused. `refused_at` is naive UTC, `threshold` a share from 0 to 1.

    `failed` of `rows` rows break the rule; `what` says it in a sentence without any value of a row. `record_ids` are at most
    three of these rows.
    """

    source: str
    table: str
    file_name: str
    file_sha256: str
    mapping: str
    rule: str
    sentence: str
    owner: str
    what: str
    failed: int
    rows: int
    threshold: float
    record_ids: tuple[str, ...]
    refused_at: datetime

    @property
    def reason(self) -> str:
        """Say what was broken, how often and whose word it was; no file and no row is named."""
        return f"{self.what} Its owner is {self.owner or 'nobody'}."

    def to_document(self) -> dict[str, Any]:
        """Give the refusal as plain data."""
        return asdict(self) | {
            "record_ids": list(self.record_ids),
            "refused_at": self.refused_at.isoformat(),
        }


def refusal_error(refusals: Sequence[Refusal]) -> BatchRefusedError:
    """Tell a person of a refused delivery, by what is wrong with its first table."""
    first, others = refusals[0], sorted({each.table for each in refusals[1:]})
    ids = ", ".join(map(_shown, first.record_ids))
    example = f" See {ids}." if ids else ""
    more = f" So are {', '.join(others)}." if others else ""
    return BatchRefusedError(
        f"{first.file_name} was refused as a whole: {first.table} from {first.source} is broken. "
        f"{first.reason}{example}{more}",
        "Nothing of it landed, and what stood before stands. Mend the file where it comes from, or the mapping, and ingest"
        f" it again; if the rule is wrong, mend the contract. `rapport quarantine dismiss {first.source}/{first.table}` does"
        " without it.",
    )


def _shown(record_id: str) -> str:
    """Name a record by its id, unless the id is somebody's address or number."""
    return record_id if "@" not in record_id and "+" not in record_id else "an id that names a person"


def open_refusals(settings: Settings, table: str | None = None) -> list[Refusal]:
    """List the refusals that are open, of one table or of all, oldest first."""
    paths = (settings.landing_dir / FOLDER).glob(f"*/{table or '*'}.json")
    found = [each for path in paths if (each := _read(path)) is not None]
    return sorted(found, key=lambda each: (each.refused_at, each.source, each.table))


def untold(settings: Settings) -> bool:
    """Say whether the store may not know yet what was refused, mended or dismissed."""
    return (settings.landing_dir / FOLDER / UNTOLD).exists()


def told(settings: Settings) -> None:
    """Note that the store knows."""
    (settings.landing_dir / FOLDER / UNTOLD).unlink(missing_ok=True)


def open_refusal(settings: Settings, refusal: Refusal) -> None:
    """Write a refusal down; it takes the place of an older one of the same source and table."""
    _note_change(settings)
    write_json(_path(settings, refusal.source, refusal.table), refusal.to_document())


def close_refusals(settings: Settings, landed: Iterable[tuple[str, str, datetime]]) -> set[str]:
    """Close the refusals in whose place something landed: (source, table, received_at). Gives their tables.

    A delivery that had landed before the refusal closes nothing, though it came again.
    """
    closed = set()
    for source, table, received_at in landed:
        path = _path(settings, source, table)
        refusal = _read(path)
        if refusal is not None and received_at >= refusal.refused_at:
            _note_change(settings)
            path.unlink()
            closed.add(table)
    return closed


def dismiss_refusal(settings: Settings, which: str, reason: str, actor: str, now: datetime) -> Refusal:
    """Close a refusal (SOURCE/TABLE) because a person says so; who, when and why is kept.

    Raises NotFoundError where none is open.
    """
    source, _, table = which.partition("/")
    refusal = next(
        (each for each in open_refusals(settings) if (each.source, each.table) == (source, table)), None
    )
    if refusal is None:
        listed = ", ".join(f"{each.source}/{each.table}" for each in open_refusals(settings)) or "none"
        raise NotFoundError(f"No refusal of {which!r} is open.", f"Open are: {listed}.")
    path = _path(settings, source, table)
    line = {**refusal.to_document(), "reason": reason, "actor": actor, "dismissed_at": now.isoformat()}
    with (settings.landing_dir / FOLDER / DISMISSED).open("a") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
    _note_change(settings)
    path.unlink()
    return refusal


def _note_change(settings: Settings) -> None:
    folder = settings.landing_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / UNTOLD).touch()


def _path(settings: Settings, source: str, table: str) -> Path:
    return settings.landing_dir / FOLDER / source / f"{table}.json"


def _read(path: Path) -> Refusal | None:
    """Read a refusal, if it is there. One that is damaged is not forgotten: it is open, and says that it cannot be read."""
    try:
        document = json.loads(path.read_text())
        values = {field.name: document[field.name] for field in fields(Refusal)}
        values["refused_at"] = datetime.fromisoformat(values["refused_at"])
        values["record_ids"] = tuple(values["record_ids"])
        return Refusal(**values)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        return _unreadable(path)


def _unreadable(path: Path) -> Refusal:
    return Refusal(
        source=path.parent.name,
        table=path.stem,
        file_name="a delivery",
        file_sha256="",
        mapping="",
        rule="refused",
        sentence="",
        owner="",
        what="What was wrong with it can no longer be read.",
        failed=0,
        rows=0,
        threshold=0.0,
        record_ids=(),
        refused_at=LONG_AGO,
    )
