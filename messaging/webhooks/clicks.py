"""Links in messages: they lead on to the address that was signed, and to no other, and note who followed them.

Mail gateways and chat programs open every link before its reader does. What they betray themselves by is told here;
their clicks are kept and marked, so that a report can count people.
"""

import re
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import Connection, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from data_contracts.errors import RapportError
from messaging.links import is_web_address
from messaging.store.ids import new_id
from messaging.store.inserts import insert_new
from messaging.store.tables import messages
from messaging.store.tables_receiver import tracking_events
from messaging.webhooks.door import Door
from messaging.webhooks.pages import Pages
from messaging.webhooks.words import language_of

log = structlog.get_logger(__name__)

TOO_SOON = timedelta(
    seconds=5
)  # after it left us: nobody reads so quickly, and gateways look before they deliver
BURST = timedelta(
    seconds=2
)  # another link of the same message so shortly before: a scanner goes through all of them
_SCANNERS = re.compile(
    r"bot\b|crawl|spider|preview|prefetch|scan|proxy|barracuda|mimecast|proofpoint|fireeye|symantec|trend ?micro|forcepoint|"
    r"safelinks|headless|phantomjs|python|curl|wget|java/|go-http|okhttp|libwww|facebookexternalhit|whatsapp|slack|telegram|"
    r"skypeuri|bingbot|yahoo|google-read|snippet|monitor",
    re.IGNORECASE,
)


def click_routes(door: Door) -> list[Route]:
    """Give the route of links in messages."""
    return [Route("/r/{token}", _Clicks(door).follow, methods=["GET"])]


class _Clicks:
    """The one route."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pages = Pages(door.settings)

    async def follow(self, request: Request) -> Response:
        """Lead on, and note the click; where it cannot be noted, its reader is led on all the same."""
        url = request.query_params.get("u", "")
        message_id = self._door.links.clicked_id(request.path_params["token"], url)
        if message_id is None or not is_web_address(url):
            return self._pages.unknown(language_of(request))
        if request.method == "GET":
            work = partial(
                record_click,
                message_id=message_id,
                url=url,
                betrayed=betrayed(request),
                now=self._door.clock.now(),
            )
            try:
                await self._door.write(message_id, work)
            except RapportError as error:
                log.warning("click.not_recorded", message_id=message_id, reason=type(error).__name__)
        headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
        return RedirectResponse(url, 302, headers)


def betrayed(request: Request) -> str | None:
    """Say by what a request shows that no person sent it, or None."""
    agent = request.headers.get("user-agent", "")
    if not agent:
        return "no_agent"
    if _SCANNERS.search(agent[:500]):
        return "agent"
    purposes = (
        request.headers.get(name, "").lower() for name in ("purpose", "sec-purpose", "x-moz", "x-purpose")
    )
    return (
        "prefetch"
        if any(word in purpose for purpose in purposes for word in ("prefetch", "preview"))
        else None
    )


def record_click(
    connection: Connection, message_id: str, url: str, betrayed: str | None, now: datetime
) -> None:
    """Note a click, and whether a machine made it: by what it says of itself, or by how soon it came."""
    why = betrayed or _by_time(connection, message_id, url, now)
    event = {
        "event_id": f"rapport/{new_id('evt')}",
        "kind": "click",
        "message_id": message_id,
        "occurred_at": now,
        "received_at": now,
        "machine": why is not None,
        "url": url,
        "detail": {"machine_by": why} if why else None,
    }
    insert_new(connection, tracking_events, [event])


def _by_time(connection: Connection, message_id: str, url: str, now: datetime) -> str | None:
    left = select(messages.c.calling_at).where(messages.c.message_id == message_id)
    called: datetime | None = connection.execute(left).scalar()
    if called is not None and timedelta(0) <= now - called < TOO_SOON:
        return "too_soon"
    table = tracking_events.c
    others = select(table.event_id).where(
        table.message_id == message_id,
        table.kind == "click",
        table.url != url,
        table.received_at > now - BURST,
    )
    return "burst" if connection.execute(others.limit(1)).first() else None
