"""Whom a pull may reach, and what is said when it does not get there."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import requests
from sqlalchemy.exc import SQLAlchemyError

from data_contracts.errors import RapportError, RefusedError, ServiceError
from messaging.settings import Settings, is_loopback
from pipelines.redaction import redacted
from pipelines.settings import DEMO_MARK, is_demo

ATTEMPTS = 6
BACKOFF_SECONDS = 1.0  # 1, 2, 4, 8, 16 s, unless the other side says Retry-After
LONGEST_PAUSE_SECONDS = 120
TIMEOUT_SECONDS = (5, 60)  # to connect, to answer
_TAGS = re.compile(r"<[^>]*>")


def refuse_strangers_in_demo(settings: Settings, host: str) -> None:
    """Raise RefusedError where a demo's home would call out: its company does not exist, the other system's might."""
    if is_demo(settings) and host and not is_loopback(host):
        raise RefusedError(
            f"{settings.home} is a demo's home ({DEMO_MARK} lies in it), which asks nobody outside this machine; {host} is.",
            "Set RAPPORT_HOME to a home of your own.",
        )


def host_of(url: str) -> str:
    """Give the host of an address; empty for a file."""
    return urlsplit(url).hostname or ""


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what lies under it: libraries wrap what really happened."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def explain(
    error: BaseException, asked: str, keys: tuple[str, ...], hide: Callable[[str], str]
) -> RapportError:
    """Say in a sentence why asking `asked` failed; `keys` are the names of the secrets that were used.

    `hide` takes the secrets themselves out of what the other side said: many say a key back that they refuse.
    """
    for cause in causes_of(error):
        told = cause if isinstance(cause, RapportError) else _explained(cause, asked, keys, hide)
        if told:
            return told
    last = list(causes_of(error))[-1]
    return ServiceError(
        f"Asking {asked} failed: {type(last).__name__}: {redacted(hide(str(last)))}",
        "Check the pull file; nothing landed.",
    )


def _explained(
    error: BaseException, asked: str, keys: tuple[str, ...], hide: Callable[[str], str]
) -> RapportError | None:
    if isinstance(error, requests.RequestException):
        return _unreached(error, asked, keys, hide)
    if isinstance(error, SQLAlchemyError):
        said = redacted(hide(str(getattr(error, "orig", None) or error).splitlines()[0]))
        return ServiceError(
            f"The database at {asked} refused: {said}", "Check the url, the table and the columns."
        )
    return None


def _unreached(
    error: requests.RequestException, asked: str, keys: tuple[str, ...], hide: Callable[[str], str]
) -> RapportError:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return _refusal(error.response, asked, keys, hide)
    if isinstance(error, requests.Timeout):
        return ServiceError(f"{asked} did not answer in time.", "Run the pull again; nothing was lost.")
    if isinstance(error, requests.JSONDecodeError):
        return ServiceError(
            f"{asked} answered with something that is no JSON.", "Check base_url and path of the pull."
        )
    return ServiceError(
        f"{asked} cannot be reached ({type(error).__name__}).", "Check the address and the network."
    )


def _refusal(
    response: requests.Response, asked: str, keys: tuple[str, ...], hide: Callable[[str], str]
) -> RapportError:
    status: int = response.status_code
    path = hide(urlsplit(str(response.url)).path)
    key = " or ".join(keys) or "its key"
    if status in {401, 403}:
        return ServiceError(
            f"{asked} refused {key} ({status}) at {path}.",
            "It has expired, was withdrawn or lacks a right: make a new one there and set it again.",
        )
    if status == 404:
        return ServiceError(f"{asked} has nothing at {path} (404).", "Check base_url and path of the pull.")
    if status == 429:
        return ServiceError(
            f"{asked} kept asking us to slow down (429).", "Let the pull run less often, or try later."
        )
    if status >= 500:
        return ServiceError(
            f"{asked} failed and kept failing ({status}) at {path}.",
            "Run the pull again later; nothing was lost.",
        )
    said = redacted(hide(_TAGS.sub(" ", str(response.text))))
    return ServiceError(
        f"{asked} refused the request ({status}) at {path}: {said}", "Check the pull's params."
    )
