"""Pull files: which database, API or mailbox is asked, for what, how often, and who reads what comes.

A company's own lie in RAPPORT_HOME/pulls/<name>.yaml. One may rest on a shipped pull (`use: shopify`, `with: {shop: ...}`)
and replace any of its keys. docs/pulls.md names every key.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from data_contracts.errors import RapportError, SettingsError, UsageError
from data_contracts.yaml_files import YamlFile, name_or_hidden, read_yaml_file, shown
from messaging.settings import Settings
from pipelines.pulls.marks import Form
from pipelines.pulls.words import cron_of, span_of

SHIPPED = Path(__file__).parent / "shipped"
NAME = re.compile("[a-z][a-z0-9_]{0,39}")
USE, WITH = "use", "with"
_BLANK = re.compile(
    r"\{([a-z][a-z0-9_]*)\}"
)  # {shop}: given under `with`, or by a setting; {KEY} is a secret's name
_SECRET = re.compile(r"\{[A-Z][A-Z0-9_]*\}")
_TELLING = re.compile("auth|token|secret|key|password", re.IGNORECASE)  # names of headers that hold one
SINCE = "since"
MEND = "Mend the file; docs/pulls.md names the keys."


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Client(_Part):
    """Where an API is and how one signs in there; `auth` and `paginator` are dlt's own configuration."""

    base_url: str
    auth: dict[str, Any] = {}
    headers: dict[str, str] = {}
    paginator: dict[str, Any] = {}

    @field_validator("auth")
    @classmethod
    def _no_secret_in_the_file(cls, auth: dict[str, Any]) -> dict[str, Any]:
        for key in ("token", "api_key", "password", "client_secret"):
            if key in auth and not _SECRET.search(str(auth[key])):
                raise ValueError(
                    f"auth {key} should name a secret, such as {{SHOP_API_KEY}}, and never be one"
                )
        return auth

    @field_validator("headers")
    @classmethod
    def _no_secret_in_a_header(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, said in headers.items():
            if _TELLING.search(name) and not _SECRET.search(said):
                raise ValueError(f"{name} should name a secret, such as {{SHOP_API_KEY}}, and never be one")
        return headers


class Sideload(_Part):
    """Objects that stand beside the records in a page, put into the records that refer to them."""

    from_: str = Field(alias="from")
    by: str
    key: str = "id"
    into: str


class Endpoint(_Part):
    """One list of an API. `params`, `json`, `paginator` and `data_selector` are dlt's own configuration."""

    name: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    params: dict[str, Any] = {}
    body: dict[str, Any] = Field({}, alias="json")
    paginator: dict[str, Any] = {}
    data_selector: str = ""
    cursor: str = ""
    since: Form = "iso"
    overlap: str | int = ""
    begin: datetime | date | int | str | None = None
    sideload: tuple[Sideload, ...] = ()
    adds: dict[str, str] = {}
    from_parent: dict[str, str] = {}
    lands: bool = True
    tables: tuple[str, ...] = ()

    @field_validator("overlap")
    @classmethod
    def _length(cls, value: str | int) -> str | int:
        return _checked_overlap(value)


class _Pull(_Part):
    description: str = ""
    doc: str = ""
    source: str
    mapping: str = ""
    tables: tuple[str, ...] = ()
    enabled: bool = True
    every: str = ""
    overlap: str | int = "10 minutes"
    begin: datetime | date | int | str | None = None
    asks: dict[str, str] = {}

    @field_validator("every")
    @classmethod
    def _schedule(cls, value: str) -> str:
        if value:
            cron_of(value)
        return value

    @field_validator("overlap")
    @classmethod
    def _length(cls, value: str | int) -> str | int:
        return _checked_overlap(value)


class SqlPull(_Pull):
    """A table, a view or a query of a database."""

    kind: Literal["sql"]
    url: str
    schema_: str = Field("", alias="schema")
    table: str = ""
    query: str = ""
    cursor: str = ""

    @field_validator("url")
    @classmethod
    def _no_password_in_the_file(cls, url: str) -> str:
        try:
            parts = urlsplit(_SECRET.sub("secret", url))
        except ValueError:  # its own words repeat the address, and with it a password
            raise ValueError("url is no address; write it like {SHOP_DB_URL}") from None
        asked = {item.lower(): said for item, said in parse_qsl(parts.query)}
        if {parts.password, asked.get("password"), asked.get("pwd")} - {None, "", "secret"}:
            raise ValueError(
                "url should name the secret that holds it, such as {SHOP_DB_URL}, and hold no password"
            )
        return url

    @model_validator(mode="after")
    def _one_of_two(self) -> "SqlPull":
        if bool(self.table) == bool(self.query):
            raise ValueError("a sql pull has either a table or a query")
        return self


class RestPull(_Pull):
    """Lists of an HTTP API."""

    kind: Literal["rest"]
    client: Client
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)
    only: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _known_endpoints(self) -> "RestPull":
        names = [endpoint.name for endpoint in self.endpoints]
        for name in self.only:
            if name not in names:
                raise ValueError(f"only names {name_or_hidden(name)}; the endpoints are {', '.join(names)}")
        if len(set(names)) < len(names):
            raise ValueError("two endpoints have the same name")
        return self

    @property
    def landing(self) -> tuple[Endpoint, ...]:
        """Give the endpoints whose records land."""
        return tuple(
            item for item in self.endpoints if item.lands and (not self.only or item.name in self.only)
        )


class Mailbox(_Part):
    """A folder of an IMAP server; one signs in with a password, or with a token where the provider wants OAuth 2."""

    host: str
    user: str
    password: str = ""
    token: str = ""
    folder: str = "INBOX"
    security: Literal["tls", "starttls", "none"] = "tls"
    port: int = 0
    certificates: str = ""

    @field_validator("password", "token")
    @classmethod
    def _no_secret_in_the_file(cls, value: str) -> str:
        if value and not _SECRET.search(value):
            raise ValueError("it should name a secret, such as {MAIL_PASSWORD}, and never be one")
        return value


class ImapPull(_Pull):
    """A mailbox."""

    kind: Literal["imap"]
    mailbox: Mailbox


AnyPull = SqlPull | RestPull | ImapPull
_KINDS: dict[str, type[SqlPull] | type[RestPull] | type[ImapPull]] = {
    "sql": SqlPull,
    "rest": RestPull,
    "imap": ImapPull,
}


@dataclass(frozen=True)
class Pull:
    """A pull, checked. `own` says that the company has a file for it; `missing` names what it still asks for."""

    name: str
    path: Path
    own: bool
    plan: AnyPull
    missing: Mapping[str, str]

    @property
    def cron(self) -> str:
        """Give when it runs by itself; empty where it does not."""
        active = self.own and self.plan.enabled and not self.missing
        return cron_of(self.plan.every) if active and self.plan.every else ""


@dataclass(frozen=True)
class BrokenPull:
    """A pull file that cannot be used, and the sentence that says why."""

    name: str
    path: Path
    error: RapportError


def pulls_dir(settings: Settings) -> Path:
    """Where the company's own pull files lie."""
    return settings.home / "pulls"


def pull_names(settings: Settings) -> tuple[str, ...]:
    """Name all pulls: the company's own first, then the shipped ones that it has no file for."""
    own = sorted(path.stem for path in pulls_dir(settings).glob("*.yaml"))
    return (*own, *(name for name in shipped_names() if name not in own))


def shipped_names() -> tuple[str, ...]:
    """Name the pulls that Rapport ships."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def list_pulls(settings: Settings) -> tuple[list[Pull], list[BrokenPull]]:
    """Load every pull; a broken file keeps no other from being used."""
    good: list[Pull] = []
    broken: list[BrokenPull] = []
    for name in pull_names(settings):
        try:
            good.append(load_pull(settings, name))
        except RapportError as error:
            broken.append(BrokenPull(name, pulls_dir(settings) / f"{name}.yaml", error))
    return good, broken


def load_pull(settings: Settings, name: str) -> Pull:
    """Load a pull by its name. Raises UsageError for an unknown one, SettingsError where its file is wrong."""
    names = pull_names(settings)
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"There is no pull {name!r}.",
            f"{hint}Known are {', '.join(names)}; your own lie in {pulls_dir(settings)}.",
        )
    path = pulls_dir(settings) / f"{name}.yaml"
    own = path.is_file()
    return _build(settings, path if own else SHIPPED / f"{name}.yaml", own=own)


def _build(settings: Settings, path: Path, *, own: bool) -> Pull:
    if not NAME.fullmatch(path.stem):
        raise _wrong(path, "has a name that is none; write it like my_shop.yaml: small letters, digits and _")
    file = _read(path)
    document = {str(key): value for key, value in file.values.items()}
    given = document.pop(WITH, {}) or {}
    if not isinstance(given, dict):
        file.refuse((WITH,), "has a `with` that is no list of names and values")
    if USE in document:
        document = _shipped(file, str(document.pop(USE))) | document
    plan = _checked(file, document)
    strange = [name for name in given if name not in plan.asks]
    if strange:
        words = shown(", ".join(sorted({file.word(str(name)) for name in strange})))
        known = ", ".join(plan.asks) or "nothing"
        file.refuse(
            (WITH, str(strange[0])),
            f"gives {words} under `with`, but the pull asks for {known}",
        )
    missing = {name: what for name, what in plan.asks.items() if name not in given}
    values = {name: str(value) for name, value in given.items()} | _from_settings(settings)
    left = {SINCE, *missing, *values}
    for name in sorted(_blanks(document)):
        if name not in left:
            raise _wrong(path, f"has a blank {{{shown(name)}}} that nobody fills; name it under `asks`")
    return Pull(path.stem, path, own, _checked(file, fill(document, values)), missing)


def _from_settings(settings: Settings) -> dict[str, str]:
    return {"twilio_api_url": settings.twilio_url}


def fill(thing: Any, values: Mapping[str, str]) -> Any:
    """Fill the blanks such as {shop} in all texts of a document; a blank without a value stays."""
    if isinstance(thing, str):
        return _BLANK.sub(lambda found: values.get(found[1], found[0]), thing)
    if isinstance(thing, dict):
        return {key: fill(item, values) for key, item in thing.items()}
    return [fill(item, values) for item in thing] if isinstance(thing, list) else thing


def _blanks(thing: Any) -> set[str]:
    if isinstance(thing, str):
        return set(_BLANK.findall(thing))
    inside = thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ()
    return {name for item in inside for name in _blanks(item)}


def _shipped(file: YamlFile, name: str) -> dict[str, Any]:
    if name not in shipped_names():
        near = get_close_matches(name, shipped_names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"shipped are {', '.join(shipped_names())}"
        file.refuse((USE,), f"uses {file.word(name)}, which is no shipped pull; {hint}")
    return dict(_read(SHIPPED / f"{name}.yaml").values)


def _read(path: Path) -> YamlFile:
    file = read_yaml_file(path, SettingsError, MEND, name=f"The pull file {path}", private=True)
    if not isinstance(file.values, dict):
        raise _wrong(path, "is no list of keys and values")
    return file


def _checked(file: YamlFile, document: dict[str, Any]) -> AnyPull:
    kind = _KINDS.get(str(document.get("kind")))
    if kind is None:
        said = f"the kind {file.word(str(document['kind']))}" if "kind" in document else "no kind"
        file.refuse(("kind",), f"has {said}; it is sql, rest or imap, or `use` names a shipped pull")
    plan: AnyPull = file.checked(kind, document)
    return plan


def _checked_overlap(value: str | int) -> str | int:
    if isinstance(value, str) and value:
        span_of(value)
    return value


def _wrong(path: Path, what: str) -> SettingsError:
    return SettingsError(f"The pull file {path} {what}.", MEND)
