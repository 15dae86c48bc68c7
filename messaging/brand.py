"""How an installation looks to its customers: its colour and its logo, beside its name.

Both are settings, and are written where the name stands: into the home's `settings.env`. Unlike other settings they are
read anew whenever something is drawn or rendered, so that no process has to be started again.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from data_contracts.errors import RapportError, RefusedError, UsageError
from messaging import audit, setting_places
from messaging.assets import SERVED, publish, served_names, write_once
from messaging.colours import read_colour, unreadable
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.locks import SETTINGS, lock

COLOUR, LOGO = "RAPPORT_COMPANY_COLOUR", "RAPPORT_COMPANY_LOGO"
MAIL_COLOUR: Final = "#1f4d45"  # of mails where the company has set none
ASSETS: Final = "assets"  # of the library


@dataclass(frozen=True)
class Brand:
    """A company's name, its colour (`#rrggbb`, or nothing) and its logo: a file that is served, or None."""

    name: str
    colour: str
    logo: Path | None

    def in_mails(self, public_url: str) -> dict[str, str | None]:
        """Give what templates may name of it."""
        logo = f"{public_url.rstrip('/')}/a/{self.logo.name}" if self.logo else None
        return {"company_colour": self.colour or MAIL_COLOUR, "company_logo_url": logo}


def worn(settings: Settings) -> Brand:
    """Read how the company looks now. A logo whose file is gone is none."""
    now = live(settings)
    return Brand(settings.company_name, now[COLOUR], _served_logo(settings, now[LOGO]))


def inlined(logo: Path) -> str:
    """Give a logo as an address that holds the picture, for a page that shows it where nothing is served."""
    kind = "png" if logo.suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(logo.read_bytes()).decode()}"


def live(settings: Settings) -> Mapping[str, str]:
    """Give both settings as they stand by now; what somebody wrote wrong since this process began does not count."""
    found = {COLOUR: settings.company_colour, LOGO: settings.company_logo}
    for name in found:
        said = setting_places.written(settings, name)
        if said is None or not setting_places.is_ours_to_write(settings, name):
            continue
        if not said or (name == LOGO and SERVED.fullmatch(said)):
            found[name] = said
        elif name == COLOUR and (colour := read_colour(said)) is not None and not unreadable(colour):
            found[name] = colour
    return found


def save_colour(settings: Settings, store: Store, written: str, *, actor: str, now: datetime) -> str:
    """Set the company's colour, or with nothing go back to ours; give it as it is kept.

    Raises UsageError for what is no colour, or cannot be read on white or where customers see it, and RefusedError
    where it is set elsewhere.
    """
    colour = read_colour(written) if written.strip() else ""
    if colour is None:
        raise UsageError(f"{written.strip()[:40]!r} is no colour.", "Write it in hex, such as #14606b.")
    if colour and (told := unreadable(colour)):
        raise UsageError(f"{told}.", "Take that, or a darker one.")
    with store.write() as connection:  # the file last: whatever fails before leaves it as it was
        lock(connection, [SETTINGS])
        audit.record(connection, actor, "brand.save", "colour", {"colour": colour}, at=now)
        setting_places.write(settings, COLOUR, colour)
    return colour


def save_logo(settings: Settings, store: Store, content: bytes | None, *, actor: str, now: datetime) -> str:
    """Set the company's logo from a file that somebody gave, or with None take it away; give its name, a hash of it.

    Mails of before keep theirs. Raises UsageError for what is no logo, and RefusedError where it is set elsewhere.
    """
    from messaging.logos import drawn_anew  # Pillow takes 60 ms to import, which every command would wait for

    name, made = "", b""
    if content is not None:
        made, kind = drawn_anew(content)
        name = f"{hashlib.sha256(made).hexdigest()[:32]}.{kind}"
    with store.write() as connection:
        lock(connection, [SETTINGS])
        audit.record(connection, actor, "brand.save", "logo", {"logo": name}, at=now)
        if name:
            _keep(settings, name, made)
        setting_places.write(settings, LOGO, name)
    return name


def _keep(settings: Settings, name: str, made: bytes) -> None:
    """Keep a logo with the library's pictures, and where pictures are served from."""
    for folder in (settings.library_dir / ASSETS, settings.assets_dir):
        try:
            write_once(folder / name, made)
        except OSError as error:
            raise RefusedError(
                f"{folder} cannot be written: {error.strerror}.", "Let this process write there."
            ) from None


def _served_logo(settings: Settings, name: str) -> Path | None:
    """Give a logo's file, copied from the library to where it is served from if it is not there yet."""
    if not name:
        return None
    path = settings.assets_dir / name
    folder = settings.library_dir / ASSETS
    if not path.is_file():
        try:
            found = served_names(folder, [name])
            if found != {name: name}:
                return None
            publish(folder, settings.assets_dir, found)
        except (RapportError, OSError):
            return None
    return path
