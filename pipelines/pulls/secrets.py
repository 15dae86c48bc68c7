"""Secrets by their names: from the environment, a file named by NAME_FILE, `.env`, or the home's settings.env."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from data_contracts.errors import SettingsError
from messaging.settings import ENV_FILE, HOME_SETTINGS, Settings

SHORTEST = 6  # characters; what is shorter also stands in words that are no secret
_NAMED = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")


def with_secrets(settings: Settings, thing: Any) -> Any:
    """Put secrets in the place of their names, such as {SHOP_API_KEY}, in all texts of a document.

    Raises SettingsError for one that is not set.
    """
    if isinstance(thing, str):
        return _NAMED.sub(lambda found: read_secret(settings, found[1]), thing)
    if isinstance(thing, Mapping):
        return {key: with_secrets(settings, item) for key, item in thing.items()}
    return [with_secrets(settings, item) for item in thing] if isinstance(thing, list | tuple) else thing


def secret_names(thing: Any) -> tuple[str, ...]:
    """Name the secrets that a document asks for, each once."""
    if isinstance(thing, str):
        return tuple(dict.fromkeys(_NAMED.findall(thing)))
    inside = (
        thing.values() if isinstance(thing, Mapping) else thing if isinstance(thing, list | tuple) else ()
    )
    return tuple(dict.fromkeys(name for item in inside for name in secret_names(item)))


def missing_secrets(settings: Settings, thing: Any) -> tuple[str, ...]:
    """Name the secrets of a document that are not set."""
    return tuple(name for name in secret_names(thing) if not _found(settings, name))


def without_secrets(settings: Settings, thing: Any, text: str) -> str:
    """Give a text without the secrets that a document names: the other side may say them back to us."""
    for name in secret_names(thing):
        value = _found(settings, name)
        if len(value) >= SHORTEST:
            text = text.replace(value, f"{{{name}}}")
    return text


def read_secret(settings: Settings, name: str) -> str:
    """Read a secret. Raises SettingsError where it is not set."""
    value = _found(settings, name)
    if not value:
        raise SettingsError(
            f"{name} is not set.", f"Set it, or set {name}_FILE to the path of a file that holds it."
        )
    return value


def _found(settings: Settings, name: str) -> str:
    known = {"TWILIO_ACCOUNT_SID": settings.twilio_sid, "TWILIO_AUTH_TOKEN": settings.twilio_token}
    if name in known:
        return known[name]  # the sandbox has its own, without anybody setting them
    for values in (os.environ, dotenv_values(ENV_FILE), dotenv_values(settings.home / HOME_SETTINGS)):
        if values.get(name):
            return str(values[name])
        if values.get(f"{name}_FILE"):
            return _from_file(name, Path(str(values[f"{name}_FILE"])))
    return ""


def _from_file(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE names {path}, which cannot be read.", "Check the path.") from error
