"""A message that somebody wrote to us: as it came, as it was heard, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from messaging.inbox.keywords import Keyword
from messaging.inbox.opt_outs import OptOut

FindCustomers = Callable[[str], Sequence[str]]


@dataclass(frozen=True)
class Inbound:
    """A message that somebody wrote to us, as a provider handed it over."""

    provider: str
    provider_sid: str
    channel: str
    from_address: str
    to_address: str
    body: str
    payload: dict[str, Any]
    opt_out: Keyword | None = None  # what the provider took it for, and acted upon; then it has answered, too
    automatic: bool = False  # a program wrote it (an absence, a bounce): nobody's word, and never answered
    proven_by: str | None = (
        None  # what proves that it is from this very address (twilio, dkim, spf); None: nothing does
    )
    said_at: datetime | None = None  # naive UTC, of one that is heard late: fetched from the provider's list


@dataclass(frozen=True)
class InboundReceipt:
    """What became of an inbound message. `duplicate` means that it was here before and nothing was done.

    `review_id` names what a person is to look at: the opt-out in their own words that it was taken for, or the opt-in
    that was not obeyed because nothing proves its sender. `answer` is what to answer, once.
    """

    inbound_id: str
    duplicate: bool
    keyword: Keyword | None
    customer_id: str | None
    reply_to_message_id: str | None
    review_id: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Company:
    """Who we are to somebody who asks for help: our name, and where we are reached."""

    name: str = ""
    contact: str = ""


NOBODY = Company()


@dataclass(frozen=True)
class Heard:
    """An inbound message with what was found out before the transaction."""

    inbound: Inbound
    address: str
    address_hash: str
    owners: Sequence[str]
    at: datetime
    company: Company
    in_words: OptOut | None  # read before, so that a long text keeps nobody else from the store
    complains: bool = False  # read before, likewise
    held: OptOut | None = None  # an opt-out in what a program wrote: for a person to see, and not obeyed

    @property
    def is_unproven(self) -> bool:
        """Say whether anybody may have written it in this address's name: by the form, or by a mail without proof."""
        return self.channel == "email" and self.inbound.proven_by is None

    @property
    def said_at(self) -> datetime:
        """Give the moment from which it counts."""
        return self.inbound.said_at or self.at

    @property
    def channel(self) -> str:
        """Give the channel that they are answered on, and that an opt-out means: whoever fills in a form, by e-mail."""
        return "email" if self.inbound.channel == "form" else self.inbound.channel
