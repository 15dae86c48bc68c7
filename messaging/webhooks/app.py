"""The receiver: verify, record, answer. Nothing is acknowledged before its commit, and nothing answers 500."""

from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from data_contracts.errors import RapportError, StoreOutdatedError
from messaging.inbox import read_rules
from messaging.webhooks.assets import asset_routes
from messaging.webhooks.clicks import click_routes
from messaging.webhooks.contact import contact_routes
from messaging.webhooks.door import Door, open_door, route_of
from messaging.webhooks.events import event_routes
from messaging.webhooks.leaving import leaving_routes
from messaging.webhooks.readers import alone
from messaging.webhooks.sendgrid import sendgrid_routes
from messaging.webhooks.twilio import twilio_routes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from messaging.clock import Clock
    from messaging.inbox import FindCustomers
    from messaging.settings import Settings
    from messaging.store import Store
    from messaging.webhooks.readers import FindPerson

log = structlog.get_logger(__name__)


def build_app(  # noqa: PLR0913, PLR0917 - what an installation is made of
    settings: "Settings",
    store: "Store",
    clock: "Clock",
    find_customers: "FindCustomers",
    on_outdated: Callable[[StoreOutdatedError], None] = lambda _: None,
    find_person: "FindPerson" = alone,
) -> FastAPI:
    """Give the receiver of an installation; its owner closes the store after it.

    `find_person` tells who goes by a customer id, under which others and at which addresses.
    `on_outdated` is called when the store was upgraded under it: from then on it can only answer 503.
    """
    read_rules()
    door = open_door(settings, store, clock, find_customers, find_person)
    app = FastAPI(
        title="Rapport webhooks",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        routes=[
            *_own_routes(door),
            *twilio_routes(door),
            *sendgrid_routes(door),
            *leaving_routes(door),
            *event_routes(door),
            *click_routes(door),
            *asset_routes(door),
            *contact_routes(door),
        ],
    )
    app.state.on_outdated = on_outdated
    app.add_exception_handler(RapportError, _not_now)
    app.add_middleware(_NeverBroken)
    return app


def _own_routes(door: Door) -> list[Route]:
    async def index(_: Request) -> Response:
        return PlainTextResponse("This is where Rapport hears from its providers. There is nothing to see.\n")

    async def health(_: Request) -> Response:
        state = await run_in_threadpool(door.store.schema_state)
        return JSONResponse({"status": "ok", "store": state}, 200 if state == "current" else 503)

    return [Route("/", index, methods=["GET"]), Route("/healthz", health, methods=["GET"])]


async def _not_now(request: Request, error: Exception) -> Response:
    """Answer that nothing was recorded, so that nobody takes it as acknowledged."""
    log.error("webhook.not_recorded", route=route_of(request), reason=type(error).__name__)
    if isinstance(error, StoreOutdatedError):
        request.app.state.on_outdated(error)
    return PlainTextResponse("not recorded", status_code=503)


class _NeverBroken:
    """Answers 503 where something fails that we did not foresee: nothing is recorded, and who asked may ask again.

    What went wrong is logged by its kind alone: its text may hold what somebody wrote.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass a request on."""
        begun = False

        async def noting(message: "MutableMapping[str, Any]") -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except ClientDisconnect:  # nobody is there to be answered
            return
        except Exception as error:
            if scope["type"] != "http":
                raise
            log.error("webhook.failed", reason=type(error).__name__)  # noqa: TRY400 - its text may be personal
            if not begun:
                await PlainTextResponse("not recorded", status_code=503)(scope, receive, send)
