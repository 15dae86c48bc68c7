"""The ways to an owner: e-mail and SMS straight through their senders, and a signed webhook.

Not through the outbox: that is for customers, with consent, caps and quiet hours, and it is one of the things that may be
broken. And where a message to a customer goes at most once, a colleague had better hear of a trouble twice than never:
what may not have arrived counts as failed, and is told again.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from messaging.notifications.owners import COMPANY, Owner, WayName
from messaging.notifications.webhook import Webhook
from messaging.notifications.wording import Wording
from messaging.senders.base import Accepted, OutboundMessage, Rejected, Sender

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class WayOutcome:
    """Whether a way took a message, and what was said of it; never an address."""

    way: WayName
    took: bool
    told: str = ""

    def to_document(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


class Ways:
    """Reaches owners. `mail_from` is the address that `company` stands for.

    `senders` are those of the installation by channel, or why it has none.
    """

    def __init__(self, senders: Mapping[str, Sender | str], webhook: Webhook, mail_from: str) -> None:
        self._senders = senders
        self._webhook = webhook
        self._mail_from = mail_from

    def tell(self, owner: Owner, wording: Wording, message_id: str, *, everywhere: bool) -> list[WayOutcome]:
        """Tell an owner by the first of their ways that takes it, or by all of them; give what became of each."""
        outcomes: list[WayOutcome] = []
        for way in owner.ways:
            outcomes.append(self._by(way, owner, wording, message_id))
            if outcomes[-1].took and not everywhere:
                break
        return outcomes

    def _by(self, way: WayName, owner: Owner, wording: Wording, message_id: str) -> WayOutcome:
        try:
            if way == "webhook":
                refusal = self._webhook.post(owner.webhook or "", wording.document)
                return WayOutcome(way, took=not refusal, told=refusal)
            return self._by_sender(way, owner, wording, message_id)
        except Exception as error:  # noqa: BLE001 - whatever a way did, the next one may work
            log.warning("notifications.way_broke", way=way, error=type(error).__name__)
            return WayOutcome(way, took=False, told=f"It broke off ({type(error).__name__}).")

    def _by_sender(self, way: WayName, owner: Owner, wording: Wording, message_id: str) -> WayOutcome:
        sender = self._senders[way]
        if isinstance(sender, str):
            return WayOutcome(way, took=False, told=sender)
        outcome = sender.send(self._message(way, owner, wording, message_id))
        if isinstance(outcome, Accepted):
            return WayOutcome(way, took=True)
        told = outcome.sentence if isinstance(outcome, Rejected) else outcome.why
        return WayOutcome(way, took=False, told=told)

    def _message(self, way: WayName, owner: Owner, wording: Wording, message_id: str) -> OutboundMessage:
        if way == "email":
            to = self._mail_from if owner.email == COMPANY else owner.email
            return OutboundMessage(
                message_id, "email", to or "", wording.body, subject=wording.subject, message_class="internal"
            )
        return OutboundMessage(message_id, "sms", owner.sms or "", wording.text, message_class="internal")
