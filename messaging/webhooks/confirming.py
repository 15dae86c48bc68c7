"""What the link of a double opt-in changes in the store."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from messaging import double_opt_in


@dataclass(frozen=True)
class Request:
    """A request as its page shows it: what they would agree to, and whether it still waits."""

    request_id: str
    channel: str
    wording: str
    waits: bool
    granted: bool


def find_request(connection: Connection, request_id: str, now: datetime) -> Request | None:
    """Find the request that a link is of."""
    row = double_opt_in.find(connection, request_id)
    if row is None:
        return None
    granted = row.granted_at is not None
    return Request(request_id, row.channel, row.wording, not granted and row.expires_at > now, granted)


def confirm(connection: Connection, request_id: str, at: datetime) -> bool:
    """Take the button as their answer; gives whether it was in time."""
    row = double_opt_in.find(connection, request_id)
    return row is not None and double_opt_in.grant(connection, row, at, "link", {}) is not None
