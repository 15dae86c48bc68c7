"""A stored message as its sender gets it: with its media, its template, its voice, and whether its window is open."""

from typing import Any

from sqlalchemy import Row

from messaging.senders.base import OutboundMessage


def outbound(
    row: Row[Any], *, window_open: bool = False, valid_seconds: int | None = None
) -> OutboundMessage:
    """Give a row of `messages` as its sender gets it; `window_open` is of its owner's WhatsApp.

    `valid_seconds` is how long it may wait at the provider, where that is bounded.
    """
    parts = row.parts or {}
    return OutboundMessage(
        message_id=row.message_id,
        channel=row.channel,
        to=row.address,
        body=row.body,
        subject=row.subject,
        html=row.html,
        message_class=row.message_class,
        media_urls=tuple(parts.get("media_urls", ())),
        content_sid=parts.get("content_sid"),
        content_variables=parts.get("content_variables", {}),
        window_open=window_open,
        valid_seconds=valid_seconds,
        language=parts.get("language"),
        voice=parts.get("voice"),
    )
