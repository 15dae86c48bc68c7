"""Where each setting was read, and how one is written into the home's own file."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from dotenv import dotenv_values, set_key

from data_contracts.errors import RefusedError
from messaging.settings import ENV_FILE, HOME_SETTINGS, SECRET_NAMES, Settings

BY_DEFAULT = "default"


def origin(settings: Settings, name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Say where a setting was read: the environment wins over `.env`, and that over the home's file."""
    if name in SECRET_NAMES and environ.get(f"{name}_FILE"):
        return f"{name}_FILE"
    if any(key.upper() == name and value for key, value in environ.items()):
        return "environment"
    if _values(Path(ENV_FILE)).get(name):
        return ENV_FILE
    return HOME_SETTINGS if _values(settings.home / HOME_SETTINGS).get(name) else BY_DEFAULT


def is_ours_to_write(settings: Settings, name: str) -> bool:
    """Say whether what the home's file gives counts: nothing that wins over it names the setting."""
    return origin(settings, name) in {HOME_SETTINGS, BY_DEFAULT}


def written(settings: Settings, name: str) -> str | None:
    """Give what the home's file says of a setting now, also where that is nothing; None where it does not name it."""
    return _values(settings.home / HOME_SETTINGS).get(name)


def write(settings: Settings, name: str, value: str) -> None:
    """Write a setting into the home's file, whole or not at all; its other lines and its mode stay.

    Raises RefusedError where the file may not be written, or something else wins over it.
    """
    if not is_ours_to_write(settings, name):
        raise RefusedError(
            f"{name} is set in {_told(origin(settings, name))}, which wins over {HOME_SETTINGS}.",
            "Change it there, and start again.",
        )
    path = (settings.home / HOME_SETTINGS).resolve()  # where that is a link, what it leads to
    try:
        if not path.exists():  # other processes of the home read it, too: as open as files here are
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        set_key(path, name, value)
    except OSError as error:
        raise RefusedError(
            f"{path} cannot be written: {error.strerror}.", f"Let this process write there, or set {name}."
        ) from None
    _parsed.cache_clear()


def _told(place: str) -> str:
    return "the environment" if place == "environment" else place


def _values(path: Path) -> Mapping[str, str]:
    """Give what a file of settings says, by the names of variables; nothing where there is no file."""
    try:
        stands = path.stat()
    except OSError:
        return {}
    return _parsed(path.absolute(), stands.st_mtime_ns, stands.st_size, stands.st_ino)


@lru_cache(maxsize=16)
def _parsed(path: Path, *_version: int) -> Mapping[str, str]:
    """Read a file once for each of its versions: pages ask for it whenever they are drawn."""
    return {name.upper(): value or "" for name, value in dotenv_values(path).items()}
