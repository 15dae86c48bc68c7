"""Files that came with mails: kept aside under their content's hash, where type and size allow it; never opened.

The name that a file bore is only ever shown. It is no path: what is kept lies at attachments/<sha256[:2]>/<sha256>.
"""

import hashlib
import os
import re
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from messaging.settings import Settings
from pipelines.sources.mime import Part

LONGEST_NAME = 200
# What a program would run, whatever type the mail gives it.
PROGRAMS = frozenset({
    "ade", "adp", "apk", "app", "application", "bat", "bin", "chm", "cmd", "com", "command", "cpl", "csh",
    "dll", "dmg", "elf", "exe", "gadget", "hta", "inf", "ins", "iso", "jar", "js", "jse", "lnk", "mde", "msc",
    "msi", "msp", "mst", "pif", "ps1", "psm1", "py", "rb", "reg", "scr", "sct", "sh", "shs", "sys", "vb", "vbe",
    "vbs", "vhd", "vhdx", "vxd", "wsc", "wsf", "wsh",
})  # fmt: skip
_PROGRAM_STARTS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
_SIGNATURES = frozenset(
    {
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pgp-signature",
        "application/pgp-keys",
    }
)
_BY_NAME = {
    "pdf": "application/pdf", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif",
    "webp": "image/webp", "heic": "image/heic", "tif": "image/tiff", "tiff": "image/tiff", "txt": "text/plain",
    "csv": "text/csv", "eml": "message/rfc822", "rtf": "application/rtf", "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel", "odt": "application/vnd.oasis.opendocument.text",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}  # fmt: skip


@dataclass(frozen=True)
class Attachment:
    """A file that came with a mail. `why` says why it was not kept; `inline` that it is a picture within the text."""

    name: str
    type: str
    size: int
    sha256: str
    kept: bool
    why: str = ""
    inline: bool = False

    def to_document(self) -> dict[str, object]:
        """Give the attachment as plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Limits:
    """Which files are kept: up to `size` bytes, of types such as application/pdf or image/*."""

    size: int
    types: tuple[str, ...]

    def refusal(self, kind: str, content: bytes, name: str) -> str:
        """Say why a file is not kept; nothing where it is."""
        if _is_program(name, content):
            return "a program"
        if not any(_matches(kind, allowed) for allowed in self.types):
            return "its type is not kept"
        return "too large" if len(content) > self.size else ""


def limits(settings: Settings) -> Limits:
    """Read the limits from the settings."""
    types = (kind.strip().lower() for kind in settings.attachment_types.split(","))
    return Limits(settings.attachment_max_mb * 1_000_000, tuple(kind for kind in types if kind))


@dataclass
class Shelf:
    """Where files are kept; it remembers what it has seen, as the same logo comes with every mail."""

    folder: Path
    limits: Limits
    seen: set[str] = field(default_factory=set)

    def take(self, part: Part, *, cut: bool = False, inline: bool = False) -> Attachment:
        """Keep a part's content, unless a limit or a cut forbids it, and describe it."""
        content = part.content
        name = safe_name(part.file_name) or ("message.eml" if part.kind == "message/rfc822" else "")
        kind = _type(part.kind, name)
        digest = hashlib.sha256(content).hexdigest()
        why = "cut off" if cut else self.limits.refusal(kind, content, name)
        if not why:
            self._keep(digest, content)
        return Attachment(name, kind, len(content), digest, not why, why, inline)

    def _keep(self, digest: str, content: bytes) -> None:
        if digest in self.seen:
            return
        self.seen.add(digest)
        path = kept_path(self.folder, digest)
        if not (path.exists() and path.stat().st_size == len(content)):
            _write_whole(path, content)


def kept_path(folder: Path, digest: str) -> Path:
    """Where the content of a hash is kept."""
    return folder / digest[:2] / digest


def safe_name(name: str) -> str:
    """Make of a file's name something to show: the last part of a path, without signs that steer a screen."""
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(sign for sign in last if sign.isprintable()).strip(". ")
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 20] + "~" + shown[-19:]


def is_inline(part: Part) -> bool:
    """Say whether a file is a picture within the text, such as a logo in a signature."""
    shown = "content-id" in part.headers and part.disposition != "attachment"
    return part.kind.startswith("image/") and (shown or part.disposition == "inline")


def is_file(part: Part) -> bool:
    """Say whether a part is a file: not text that is read, nor a signature of cryptography."""
    if part.kind in _SIGNATURES:
        return False
    if part.disposition == "attachment" or part.file_name:
        return True
    return not part.kind.startswith("text/")


def _type(kind: str, name: str) -> str:
    """Give a file's type; by the end of its name where the mail program did not know it."""
    if kind not in {"application/octet-stream", "application/x-octet-stream", "application/binary"}:
        return kind
    return _BY_NAME.get(name.lower().rpartition(".")[2], kind)


def _is_program(name: str, content: bytes) -> bool:
    return name.lower().rpartition(".")[2] in PROGRAMS or content.startswith(_PROGRAM_STARTS)


def _matches(kind: str, allowed: str) -> bool:
    return kind.startswith(allowed[:-1]) if allowed.endswith("/*") else kind == allowed


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the place under a name of its own (two processes may keep the same file at once), then rename."""
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(path)
    finally:
        Path(part).unlink(missing_ok=True)
