"""The manifest of a landed file: where it came from, how many rows it holds, and the hash that proves it whole.

A parquet file without its manifest has not landed: the manifest is written last, by one rename.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path

from data_contracts.errors import InputError
from messaging.settings import Settings

SUFFIX = ".manifest.json"
CHUNK = 1 << 20


@dataclass(frozen=True)
class Landing:
    """One landed file. `path` is its parquet file, `parquet` that file's name; `received_at` is naive UTC.

    Rows close: rows_in = accepted + quarantined + already_landed. `changed` counts those accepted rows whose id had
    landed before with other content. The parquet file holds exactly the accepted rows.
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

    @property
    def manifest_path(self) -> Path:
        """Where the manifest lies: beside the parquet file."""
        return self.path.with_name(self.path.stem + SUFFIX)

    def to_document(self) -> dict[str, object]:
        """Give what the manifest file holds."""
        document = asdict(self) | {"received_at": self.received_at.isoformat(), "columns": list(self.columns)}
        document.pop("path")
        return document


def list_landings(settings: Settings, table: str | None = None) -> list[Landing]:
    """List what has landed, oldest first; of one table or of all."""
    pattern = f"*/{table or '*'}/*{SUFFIX}"
    found = [read_manifest(path) for path in settings.landing_dir.glob(pattern)]
    return sorted(found, key=lambda landing: (landing.received_at, landing.landing_id))


def read_manifest(path: Path) -> Landing:
    """Read one manifest. Raises InputError where it is not what the writer wrote."""
    names = {field.name for field in fields(Landing)} - {"path"}
    try:
        document = json.loads(path.read_text())
        values = {name: document[name] for name in names}
        values["received_at"] = datetime.fromisoformat(values["received_at"])
        values["columns"] = tuple(values["columns"])
        return Landing(**values, path=path.with_name(values["parquet"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The manifest {path} is damaged.", "Delete it and ingest the file that it names again."
        ) from error


def verify(landing: Landing) -> None:
    """Check that a landed file is the one that was written: its hash and its number of rows.

    Raises InputError where it is missing or differs: a flipped bit in a parquet file reads as wrong values, silently.
    """
    import pyarrow.parquet as pq

    mend = f"Delete {landing.manifest_path} and ingest {landing.file_name} again."
    if not landing.path.exists():
        raise InputError(f"The landed file {landing.path} is missing.", mend)
    if file_sha256(landing.path) != landing.parquet_sha256:
        raise InputError(f"The landed file {landing.path} is not what was written: its hash differs.", mend)
    rows = pq.read_metadata(landing.path).num_rows
    if rows != landing.accepted:
        raise InputError(
            f"The landed file {landing.path} holds {rows} rows instead of {landing.accepted}.", mend
        )


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
