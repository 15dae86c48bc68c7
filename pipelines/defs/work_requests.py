"""What the app asks of the pipelines: rows of `work_requests` in the store, kind `build`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from messaging.store import Store
from messaging.store.tables import work_requests
from pipelines.defs.session import BuildSession

REQUEST_TAG = "rapport/work_request"


@dataclass(frozen=True)
class BuildRequest:
    """A build that somebody asked for."""

    request_id: str
    full: bool


def waiting_requests(store: Store) -> Sequence[BuildRequest]:
    """List the builds that were asked for and not begun, oldest first."""
    query = (
        select(work_requests.c.request_id, work_requests.c.arguments)
        .where(work_requests.c.kind == "build", work_requests.c.state == "waiting")
        .order_by(work_requests.c.requested_at)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [BuildRequest(row.request_id, bool((row.arguments or {}).get("full"))) for row in rows]


def take_requests(store: Store, requests: Sequence[BuildRequest]) -> None:
    """Mark requests as begun, so that they are not begun twice."""
    ids = [request.request_id for request in requests]
    with store.write() as connection:
        connection.execute(
            update(work_requests).where(work_requests.c.request_id.in_(ids)).values(state="running")
        )


def running_requests(store: Store) -> Sequence[str]:
    """List the ids of builds that were asked for and have begun."""
    query = select(work_requests.c.request_id).where(
        work_requests.c.kind == "build", work_requests.c.state == "running"
    )
    with store.read() as connection:
        return connection.execute(query).scalars().all()


def fail_requests(store: Store, request_ids: Sequence[str], reason: str, at: datetime) -> None:
    """Say of requests that their build will not end any more."""
    with store.write() as connection:
        connection.execute(
            update(work_requests)
            .where(work_requests.c.request_id.in_(request_ids), work_requests.c.state == "running")
            .values(state="failed", finished_at=at, result={"reason": reason})
        )


def finish_request(session: BuildSession, request_id: str) -> None:
    """Say how the build of a request ended."""
    pointer = session.pointer
    result = {"release_version": pointer.version} if pointer else {"reason": str(session.failure or "")}
    with session.store.write() as connection:
        connection.execute(
            update(work_requests)
            .where(work_requests.c.request_id == request_id)
            .values(state="done" if pointer else "failed", finished_at=session.clock.now(), result=result)
        )
