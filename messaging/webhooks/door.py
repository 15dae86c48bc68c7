"""What every route shares: the installation, bodies read within limits, and one commit before any answer."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from data_contracts.errors import RapportError
from messaging import inbox
from messaging.addresses import Addresses, read_addresses
from messaging.clock import Clock
from messaging.inbox import FindCustomers
from messaging.links import Links, read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.webhooks.checks import rehearsed, token_of
from messaging.webhooks.raw import RawRequest, keep
from messaging.webhooks.readers import FindPerson, alone

_SECRET = re.compile(r"(^|&)key=[^&]*")
log = structlog.get_logger(__name__)

BODY_LIMIT = 64 * 1024
Done = TypeVar("Done")
_REFUSALS = {
    400: "incomplete",
    401: "no valid key",
    403: "not signed by our provider",
    413: "too long",
    429: "too many",
    503: "not recorded",
}


@dataclass(frozen=True)
class Door:
    """One installation, as its routes see it; build it with `open_door`."""

    settings: Settings
    store: Store
    clock: Clock
    find_customers: FindCustomers
    addresses: Addresses
    links: Links
    company: inbox.Company
    find_person: FindPerson = alone

    async def write(self, key: str, work: Callable[[Connection], Done]) -> Done:
        """Do a work with others in one commit, and come back after it; raises what the work or the store raises."""
        done: Done = await asyncio.wrap_future(self.store.writer.submit(key, work))
        return done

    async def take(self, raw: RawRequest, key: str, work: Callable[[Connection], Done]) -> Done | None:
        """Keep a request as it came and do its work, in one commit.

        Gives None where the work fails for a reason of its own: the request is then kept with that reason, so that
        nothing is lost by acknowledging it. Raises StoreError where the store cannot keep it: do not acknowledge.
        """

        def both(connection: Connection) -> Done:
            keep(connection, raw)
            return work(connection)

        if raw.check is not None:  # a failure is the check's finding, and nothing to be kept
            whole = partial(rehearsed, intake=raw.intake, token=raw.check, now=raw.at, work=both)
            return await self.write(key, whole)
        try:
            return await self.write(key, both)
        except RapportError:
            raise
        except (
            IntegrityError
        ):  # another process stored the same between our look and our insert: now it is seen
            return await self._once_more(raw, key, both)
        except Exception as error:  # noqa: BLE001 - what we cannot do with it today is no reason to lose it
            await self.keep_unread(raw, error)
            return None

    async def keep_unread(self, raw: RawRequest, why: Exception | str) -> None:
        """Keep a request that nothing can be done with, by the kind of error or a word of ours."""
        failure = why if isinstance(why, str) else type(why).__name__
        log.error("webhook.kept_unread", intake=raw.intake, digest=raw.digest, reason=failure)
        await self.write(raw.digest, lambda connection: keep(connection, raw, failure))

    async def _once_more(self, raw: RawRequest, key: str, work: Callable[[Connection], Done]) -> Done | None:
        try:
            return await self.write(key, work)
        except RapportError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            await self.keep_unread(raw, error)
            return None

    def raw(self, intake: str, request: Request, body: bytes) -> RawRequest:
        """Give a request as it is kept: with its bytes, and without the secret that let it in."""
        query = _SECRET.sub(r"\1key=***", bytes(request.scope.get("query_string", b"")).decode("latin-1"))
        kind = request.headers.get("content-type", "")[:200]
        check = token_of(self.links, intake, request)
        return RawRequest(intake, query, kind, body, self.clock.now(), check)

    def public_addresses(self, request: Request) -> Sequence[str]:
        """Give the address that a provider called; the request's idea of its host may come from a proxy.

        As it is set and with its host in lower case, where that differs: who signs it may have it either way.
        """
        path: bytes = request.scope.get("raw_path") or request.url.path.encode()
        query: bytes = request.scope.get("query_string", b"")
        whole = (path + b"?" + query if query else path).decode("latin-1")
        base = self.settings.public_url.rstrip("/")
        parts = urlsplit(base)
        lower = urlunsplit(parts._replace(scheme=parts.scheme.lower(), netloc=_lower_host(parts.netloc)))
        return [each + whole for each in dict.fromkeys((base, lower))]


def _lower_host(netloc: str) -> str:
    user, at, host = netloc.rpartition("@")
    return user + at + host.lower()


def open_door(
    settings: Settings,
    store: Store,
    clock: Clock,
    find_customers: FindCustomers,
    find_person: FindPerson = alone,
) -> Door:
    """Read what an installation's routes need. Raises StoreError where its keys and its store do not fit."""
    return Door(
        settings=settings,
        store=store,
        clock=clock,
        find_customers=find_customers,
        addresses=read_addresses(settings, store),
        links=read_links(settings),
        company=inbox.Company(settings.company_name, settings.contact),
        find_person=find_person,
    )


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes | None:
    """Read a body, or give None as soon as it is too long, whatever its header says."""
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and (len(length) > 12 or int(length) > limit):
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


def refuse(status: int) -> Response:
    """Answer that nothing was done, and in two words why."""
    return PlainTextResponse(_REFUSALS[status], status_code=status)


def refuse_stranger(request: Request) -> Response:
    """Answer what nobody signed that we know."""
    log.warning("webhook.refused", route=route_of(request))
    return refuse(403)


def route_of(request: Request) -> str:
    """Name the route and not the address, which may carry a token."""
    path = str(request.scope.get("path", ""))
    for name, value in request.path_params.items():
        path = path.replace(str(value), f"{{{name}}}")
    return path
