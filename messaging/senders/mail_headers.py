"""What every e-mail carries, whichever way it goes: exactly one recipient, a subject, and one click to leave."""

from messaging.addresses import normalise_email
from messaging.links import Links
from messaging.senders.base import OutboundMessage


def check_mail(message: OutboundMessage) -> None:
    """Raise ValueError for what cannot be an e-mail to one person."""
    if normalise_email(message.to) != message.to:
        raise ValueError("its address is not exactly one normalised address")
    if not message.subject or not message.subject.strip():
        raise ValueError("it has no subject")
    if any(letter in message.subject for letter in "\r\n\u2028\u2029"):
        raise ValueError("its subject holds a line break")


def leave_headers(message: OutboundMessage, links: Links) -> dict[str, str]:
    """Give the headers by which a mailbox offers to unsubscribe (RFC 8058); only marketing has them."""
    if message.message_class != "marketing":
        return {}
    return {
        "List-Unsubscribe": f"<{links.unsubscribe(message.message_id)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
