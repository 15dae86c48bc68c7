"""The manifest of a landed file: where it came from, how many rows it holds, and the hash that proves it whole.

A parquet file without its manifest has not landed: the manifest is written last, by one rename; those of a delivery with
several tables are listed first, and the list is what is renamed.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from data_contracts.errors import InputError
from data_contracts.sentences import counted
from messaging.settings import Settings
from pipelines.landing.durable import write_json
from pipelines.landing.origin import Origin, read_origin

SUFFIX = ".manifest.json"
KEYS_SUFFIX = ".keys"
REPLAYED = "quarantine of "  # and the landing that the rows were set aside from
PUBLISHING = ".publishing.json"
SEAL = "manifest_sha256"
# older manifests have none of them, nor a seal
ADDED = {"form", "keys_sha256", "keys_probe", "replaces", "origin"}
FORM = 2  # from this on manifests and quarantine files are sealed
BROKEN = (ValueError, KeyError, TypeError, AttributeError)
CHUNK = 1 << 20


@dataclass(frozen=True)
class Landing:
    """One landed file. `path` is its parquet file, `parquet` that file's name; `received_at` is naive UTC.

    Rows close: rows_in = accepted + quarantined + already_landed. `changed` counts those accepted rows whose id had
    landed before with other content. The parquet file holds exactly the accepted rows. `keys_sha256` and `keys_probe` prove
    its key index (`keys.py`). `replaces` is the hash of a damaged file in whose place this one landed.
    """

    landing_id: str
    source: str
    table: str
    file_name: str
    file_sha256: str
    contract_hash: str
    mapping_hash: str
    received_at: datetime
    rows_in: int
    accepted: int
    quarantined: int
    already_landed: int
    changed: int
    parquet: str
    parquet_sha256: str
    columns: tuple[str, ...]
    path: Path
    form: int = 1
    keys_sha256: str = ""
    keys_probe: str = ""
    replaces: str = ""
    origin: Origin = field(default_factory=Origin)

    @property
    def keys_path(self) -> Path:
        """Where the key index lies: beside the parquet file."""
        return self.path.with_suffix(KEYS_SUFFIX)

    @property
    def mend(self) -> str:
        """What to do where the file is damaged."""
        origin = self.file_name.removeprefix(REPLAYED)
        file = self.file_name if origin == self.file_name else f"the file that landed as {origin}"
        return f"Ingest {file} again: it lands once more in its old place."

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies: beside the parquet file."""
        return self.path.with_name(self.path.stem + SUFFIX)

    def to_document(self) -> dict[str, object]:
        """Give what the manifest file holds."""
        document = asdict(self) | {"received_at": self.received_at.isoformat(), "columns": list(self.columns)}
        document.pop("path")
        return document | {SEAL: _seal(document)}


def list_landings(settings: Settings, table: str | None = None) -> list[Landing]:
    """List what has landed, oldest first; of one table or of all."""
    pattern = f"*/{table or '*'}/*{SUFFIX}"
    while True:
        before = _stamp(settings)
        found = {path: read_manifest(path) for path in settings.landing_dir.glob(pattern)}
        listed = {path: each for path, each in _listed(settings) if table in {None, each.table}}
        if _stamp(settings) == before:  # else a delivery was just being made visible: not half of it
            break
    return sorted((found | listed).values(), key=lambda landing: (landing.received_at, landing.landing_id))


def publish(settings: Settings, landings: Sequence[Landing]) -> None:
    """Make landings visible, all at once. The lock has to be held.

    The manifests of several landings are listed first: by the rename of that list all of them have landed.
    """
    if len(landings) > 1:
        documents = {_below(settings, each): each.to_document() for each in landings}
        write_json(settings.landing_dir / PUBLISHING, documents)
        finish_publishing(settings)
        return
    for landing in landings:
        write_json(landing.manifest_path, landing.to_document())


def finish_publishing(settings: Settings) -> None:
    """Write the manifests that are listed, also those that a killed process listed. The lock has to be held."""
    listed = _listed(settings)
    for path, landing in listed:
        write_json(path, landing.to_document())
    if listed:
        write_json(settings.landing_dir / PUBLISHING, {})


def _listed(settings: Settings) -> list[tuple[Path, Landing]]:
    path = settings.landing_dir / PUBLISHING
    try:
        documents = json.loads(path.read_text())
        manifests = {settings.landing_dir / below: document for below, document in documents.items()}
        return [(manifest, _landing(manifest, document)) for manifest, document in manifests.items()]
    except FileNotFoundError:
        return []
    except (OSError, *BROKEN) as error:
        raise InputError(
            f"The list {path} is damaged.", "Delete it and ingest the last delivery again."
        ) from error


def _stamp(settings: Settings) -> tuple[int, int]:
    """Tell one list from the next: each is a file of its own."""
    path = settings.landing_dir / PUBLISHING
    status = path.stat() if path.exists() else None
    return (status.st_ino, status.st_mtime_ns) if status else (0, 0)


def _below(settings: Settings, landing: Landing) -> str:
    return landing.manifest_path.relative_to(settings.landing_dir).as_posix()


def read_manifest(path: Path) -> Landing:
    """Read one manifest. Raises InputError where it is not what the writer wrote."""
    try:
        return _landing(path, json.loads(path.read_text()))
    except (OSError, *BROKEN) as error:
        raise InputError(
            f"The manifest {path} is damaged.", "Delete it and ingest the file that it names again."
        ) from error


def _landing(path: Path, document: dict[str, Any]) -> Landing:
    if not _sealed(document):
        raise ValueError(SEAL)
    names = {each.name for each in fields(Landing)} - {"path"}
    values = {name: document[name] for name in names if name in document or name not in ADDED}
    values["received_at"] = datetime.fromisoformat(values["received_at"])
    values["columns"] = tuple(values["columns"])
    values["origin"] = read_origin(values.get("origin", {}))
    return Landing(**values, path=path.with_name(values["parquet"]))


def _sealed(document: dict[str, Any]) -> bool:
    """Say whether a manifest is what was written; one from before there were seals has nothing to prove it."""
    if not (ADDED | {SEAL}) & document.keys():
        return True
    return bool(document.pop(SEAL, None) == _seal(document))


def _seal(document: dict[str, object]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def verify(landing: Landing) -> None:
    """Check that a landed file is the one that was written: its hash and its number of rows.

    Raises InputError where it is missing or differs: a flipped bit in a parquet file reads as wrong values, silently.
    """
    import pyarrow.parquet as pq

    if not landing.path.exists():
        raise InputError(f"The landed file {landing.path} is missing.", landing.mend)
    if file_sha256(landing.path) != landing.parquet_sha256:
        raise InputError(
            f"The landed file {landing.path} is not what was written: its hash differs.", landing.mend
        )
    rows = pq.read_metadata(landing.path).num_rows
    if rows != landing.accepted:
        raise InputError(
            f"The landed file {landing.path} holds {counted(rows, 'row')} instead of {landing.accepted}.",
            landing.mend,
        )


def is_whole(landing: Landing) -> bool:
    """Say whether a landed file is the one that was written."""
    try:
        verify(landing)
    except InputError:
        return False
    return True


def file_sha256(path: Path) -> str:
    """Hash a file without holding it in memory."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
