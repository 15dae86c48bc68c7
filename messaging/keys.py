"""Generated secrets: files of mode 0600 under `secrets/`, made once and never printed."""

import os
import secrets
import stat
from pathlib import Path

from data_contracts.errors import StoreError

KEY_BYTES = 32


def read_key(path: Path) -> bytes | None:
    """Read a key, or give None where there is none.

    Raises StoreError when the file is no whole key, or may be read by other users.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read as a key.", "Restore it from its backup.") from error
    if mode & 0o077:
        raise StoreError(f"{path} may be read by other users (mode {mode:o}).", f"Run `chmod 600 {path}`.")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise StoreError(f"{path} is no whole key.", "Restore it from its backup.")
    return key


def make_key(path: Path) -> bytes:
    """Make a key where there is none yet; of several processes that try at once, all get the same one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails where another process was first: its key stands
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    key = read_key(path)
    assert key is not None
    return key
