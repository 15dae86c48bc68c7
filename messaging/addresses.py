"""Addresses: one normal form for each, and a keyed hash that outlives the address itself.

A plain hash of a phone number can be undone by trying all numbers, so ours is keyed with a pepper that lies
outside the store. If it were lost, nobody who opted out would be recognised: such a store refuses to start.
"""

import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import idna
import phonenumbers
from sqlalchemy import Connection, delete, exists, insert, or_, select

from data_contracts.errors import StoreError
from messaging.keys import make_key, read_key
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.locks import PEPPER, lock
from messaging.store.tables import consent_events, messages, suppressions
from messaging.store.tables_record import agreements

PEPPER_FILE = "suppression.pepper"
PEPPER_CHECK = "which pepper this store's hashes were made with"  # hashed as no address can be: it has spaces

# RFC 5322's dot-atom, and at most 64 characters before the @ (RFC 5321, 4.5.3.1). Quoted and non-ASCII local
# parts are legal but hardly ever real, and mostly attacks where they occur: refused.
_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*", re.ASCII)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+([a-z]{2,63}|xn--[a-z0-9-]{1,59})", re.ASCII)


_NORTH_AMERICAN = re.compile(r"\+1[2-9]\d{9}", re.ASCII)
UNKNOWN = "unknown:"  # begins the customer id of somebody at an address whom no release knows yet


def normalise_email(text: str) -> str | None:
    """Give the normal form of exactly one e-mail address, in lower case with its domain in ASCII, or None.

    A name in front, a second address or a line break makes it None: this goes into a header.
    """
    local, at, domain = text.strip(" \t").rpartition("@")
    local = local.lower()
    if not at or len(local) > 64 or not _LOCAL.fullmatch(local):
        return None
    try:
        domain = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
    if len(local) + 1 + len(domain) > 254 or not _DOMAIN.fullmatch(domain):
        return None
    return f"{local}@{domain}"


def normalise_phone(text: str, default_region: str | None = None) -> str | None:
    """Give a phone number as E.164, or None where no such number can exist.

    `default_region` (ISO 3166 alpha-2) is where a number without a country code was written down.
    """
    known = parsed_number(text)
    if known is not None and _e164(known) == text:  # as ours are: what is asked of it next is known by then
        return text if _told_by_number(text).kind != NOTHING.kind else None
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException:
        return None
    # Parsing alone takes '11111111111111', and not twice the same.
    return _e164(number) if phonenumbers.is_valid_number(number) else None


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


class Told(NamedTuple):
    """What a phone number tells: its country (ISO 3166 alpha-2) and its kind, by phonenumbers."""

    country: str | None
    kind: int


NOTHING = Told(None, phonenumbers.PhoneNumberType.UNKNOWN)


def country_of(address: str) -> str | None:
    """Give the country (ISO 3166 alpha-2) of a phone number in E.164, None of anything else and where it has none."""
    return told_by(address).country


def told_by(address: str) -> Told:
    """Tell what a phone number in E.164 tells; of anything else nothing.

    In the United States and Canada an area code tells as much as the number, and is known already.
    """
    if _NORTH_AMERICAN.fullmatch(address) and (known := _told_by_area_code(address[2:5])):
        return known
    return _told_by_number(address)


@lru_cache(maxsize=4096)  # what is asked of one number is asked in one breath
def parsed_number(address: str) -> phonenumbers.PhoneNumber | None:
    """Take a phone number in E.164 apart, None for anything else."""
    if _NORTH_AMERICAN.fullmatch(address):  # parsing says the same, in fifteen times the time
        return phonenumbers.PhoneNumber(country_code=1, national_number=int(address[2:]))
    if not address.startswith("+"):
        return None
    try:
        return phonenumbers.parse(address)
    except phonenumbers.NumberParseException:
        return None


@lru_cache(maxsize=1024)
def _told_by_area_code(code: str) -> Told | None:
    """Tell what all numbers of an area code tell alike, None where it is no area code of the two countries."""
    for line in ("2002345", "3452345", "5552345", "7012345"):
        found = _told_by_number(f"+1{code}{line}")
        if found.kind != NOTHING.kind:
            return found if found.country in {"US", "CA"} else None
    return None


@lru_cache(maxsize=65536)
def _told_by_number(address: str) -> Told:
    number = parsed_number(address)
    if number is None:
        return NOTHING
    country = phonenumbers.region_code_for_number(number)
    known = country if country and country != "001" else None  # 001: no country at all
    return Told(known, phonenumbers.number_type(number))


def normalise(channel: str, text: str, default_region: str | None = None) -> str | None:
    """Give the normal form of an address of a channel, or None where it cannot be written to."""
    return normalise_email(text) if channel == "email" else normalise_phone(text, default_region)


@dataclass(frozen=True)
class Addresses:
    """Hashes normalised addresses; build it with `read_addresses`."""

    pepper: bytes = field(repr=False)

    def hash(self, address: str) -> str:
        """Give the keyed hash (HMAC-SHA256, hex) of a normalised address."""
        return hmac.digest(self.pepper, address.encode(), "sha256").hex()


def read_addresses(settings: Settings, store: Store) -> Addresses:
    """Read the pepper of an installation, or make it while the store holds no hash yet.

    Raises StoreError when the pepper is lost or another than the store's: its hashes could never be matched again.
    """
    addresses = known_addresses(settings, store)
    if addresses is None:
        addresses = Addresses(make_key(settings.secrets_dir / PEPPER_FILE))
    with store.read() as connection:
        agreed = _agreed(connection)
    if agreed != addresses.hash(PEPPER_CHECK):
        _agree(settings, store, addresses)
    return addresses


def known_addresses(settings: Settings, store: Store) -> Addresses | None:
    """Do the same and make nothing: None where there is no pepper yet, and no need of one."""
    path = settings.secrets_dir / PEPPER_FILE
    pepper = read_key(path)
    with store.read() as connection:
        in_use = _holds_hashes(connection)
        agreed = _agreed(connection) if in_use else None
    if pepper is None and in_use:
        raise StoreError(
            f"{path} is lost, but the store holds hashes made with it: nobody who opted out would be known.",
            "Restore the file from its backup; without it this store cannot be used.",
        )
    if pepper is None:
        return None
    addresses = Addresses(pepper)
    if agreed not in {None, addresses.hash(PEPPER_CHECK)}:
        raise _another(path)
    return addresses


def _agree(settings: Settings, store: Store, addresses: Addresses) -> None:
    """Keep the check value of this pepper; one that no hash was made with gives way."""
    row = {"name": PEPPER_FILE, "value": addresses.hash(PEPPER_CHECK)}
    with store.write() as connection:
        lock(connection, [PEPPER])
        agreed = _agreed(connection)
        if agreed not in {None, row["value"]} and _holds_hashes(connection):
            raise _another(settings.secrets_dir / PEPPER_FILE)
        connection.execute(delete(agreements).where(agreements.c.name == PEPPER_FILE))
        connection.execute(insert(agreements), row)


def _agreed(connection: Connection) -> str | None:
    """Read the check value of the store's pepper: what the first process hashed with it."""
    kept = select(agreements.c.value).where(agreements.c.name == PEPPER_FILE)
    return connection.execute(kept).scalar()


def _another(path: Path) -> StoreError:
    return StoreError(
        f"{path} is not the pepper that this store's hashes were made with: nobody who opted out would be known.",
        "Restore the file that belongs to this store, or name the store that belongs to this RAPPORT_HOME.",
    )


def _holds_hashes(connection: Connection) -> bool:
    hashed = or_(
        exists(select(suppressions.c.address_hash)),
        exists(select(consent_events.c.sequence).where(consent_events.c.address_hash.is_not(None))),
        exists(select(messages.c.message_id)),
    )
    return bool(connection.execute(select(hashed)).scalar())
