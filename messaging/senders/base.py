"""What every sender is: one call that ends in one of three ways, and a look for what became unclear.

A sender never retries by itself. Providers have no idempotency key for messages, so whether to call again is
decided by the outbox alone, on evidence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class OutboundMessage:
    """One rendered message to one address, as it leaves us.

    `to` is an e-mail address, a telephone number in E.164 (also for WhatsApp), or a conversation's id (chat).
    """

    message_id: str
    channel: str
    to: str  # normalised
    body: str
    subject: str | None = None
    html: str | None = None
    message_class: str = "marketing"
    media_urls: tuple[str, ...] = ()  # pictures and files that the provider fetches: MMS and WhatsApp
    content_sid: str | None = None  # WhatsApp: the approved template that `body` was rendered from,
    content_variables: Mapping[str, str] = field(default_factory=dict)  # and what fills its places
    window_open: bool = False  # WhatsApp: the person wrote within 24 hours, so that free words may go
    valid_seconds: int | None = None  # SMS: the provider drops what it has not handed to a network by then
    language: str | None = None  # voice: how it is spoken, as BCP 47,
    voice: str | None = None  # and by whom, in the provider's words


# What a refusal is about: this one message, us (any message would be refused), or the way there (nothing left us).
About = Literal["message", "us", "network"]


@dataclass(frozen=True)
class Accepted:
    """The provider took it: its own id for the message, and the status it gave."""

    sid: str
    status: str = "queued"
    segment_count: int | None = None


@dataclass(frozen=True)
class Rejected:
    """The provider surely did not take it.

    `kind` says what follows: `stop` (this address cannot or may not be written to), `fix` (our set-up or
    content is wrong), `retry` (it passes; not before `retry_after` seconds, where the provider said so). One that is
    `about` us or the network says nothing of the message, which waits and loses no try by it.
    """

    kind: Literal["stop", "fix", "retry"]
    sentence: str
    code: int | None = None
    http_status: int | None = None
    retry_after: float | None = None
    attempts: int = 1  # how often a message may be tried in all, where it passes
    opt_out: bool = False  # the customer's own word, not only an address that does not work
    about: About = "message"


@dataclass(frozen=True)
class Unknown:
    """Nobody can tell from here whether the provider took it; `why` says what happened, naming nobody."""

    why: str
    http_status: int | None = None
    code: int | None = None


Outcome = Accepted | Rejected | Unknown


@dataclass(frozen=True)
class ProviderRecord:
    """A message that a provider has on record. `created_at` is naive UTC."""

    sid: str
    to: str
    body: str
    status: str
    created_at: datetime
    error_code: int | None = None


class Sender(Protocol):
    """A way to one provider for one channel; safe to call from many threads."""

    @property
    def provider(self) -> str:
        """Name the provider, as `messages.provider` holds it."""

    @property
    def can_find(self) -> bool:
        """Say whether the provider keeps a list that `find` can look into."""

    def send(self, message: OutboundMessage) -> Outcome:
        """Call the provider once. Never raises for what a provider or a network may do."""

    def find(self, message: OutboundMessage, since: datetime) -> Sequence[ProviderRecord]:
        """List what the provider has on record to this address since a moment (naive UTC), newest first.

        Raises ServiceError when the provider cannot be asked.
        """
