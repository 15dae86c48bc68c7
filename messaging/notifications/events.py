"""What people are told of: each event's title, what to do about it, and how it is said that it is over.

Pure data. An event is about a subject (a table, a run, a channel), and has one open notice for each.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One kind of thing that may be wrong. `urgent` and `minutes` hold where notifications.yaml says nothing else."""

    title: str
    mend: str
    over: str  # the all-clear
    urgent: bool = False
    minutes: int | Mapping[str, int] = 0  # how long it may last before it is told; of some, by channel


EVENTS: dict[str, Event] = {
    "unknown_sends": Event(
        "Messages that nobody knows the fate of",
        "See `rapport reconcile --review`, and decide what no evidence settles.",
        "Every one of them is settled.",
        minutes=30,
    ),
    "contract_red": Event(
        "A contract is red",
        "See its page in the app or `rapport quarantine list`, mend the source or the contract, and build again.",
        "The table passes its checks again.",
    ),
    "breaker_tripped": Event(
        "A sender does not get through",
        "See whether the provider works and its credentials still hold; one message tries it again now and then.",
        "It gets through again.",
        urgent=True,
    ),
    "intake_broken": Event(
        "A way in does not work",
        "What customers send by it may not reach us: see that the receiver runs and its public address leads to it.",
        "It works again.",
        urgent=True,
        minutes=3,  # of one alone: where none can be reached, it takes two until all of them have been tried
    ),
    "dead_letters": Event(
        "Messages that cannot be sent",
        "`rapport outbox list` gives the mend of each; `rapport outbox retry` tries them again, `discard` ends them.",
        "No such message is left.",
    ),
    "campaign_halted": Event(
        "A campaign was paused by itself",
        "See its report; mend its audience or its words and plan again, or resume it with --anyway and the reason.",
        "It goes on, or has ended.",
        urgent=True,
    ),
    "schedule_held": Event(
        "A campaign did not go when it was due",
        "Mend what is told, or plan and launch it by hand; `rapport campaign schedule NAME` has its next moments.",
        "It went at a later moment, or goes by itself no more.",
    ),
    "store_trouble": Event(
        "The store does not work",
        "Nothing that was acknowledged is lost; sending and receiving resume by themselves once it works.",
        "The store works again.",
        urgent=True,
        minutes=2,
    ),
    "unanswered": Event(
        "Customers wait for an answer",
        "Answer them; who waits longest comes first in their conversations.",
        "Everybody has been answered.",
        minutes={"chat": 15, "sms": 60, "whatsapp": 60, "voice": 240, "email": 480},
    ),
    "urgent_words": Event(
        "A message that somebody should read now",
        "Read it on the customer's page or among the inbound messages, by its id, and answer.",
        "It has been answered.",
        urgent=True,
    ),
}


@dataclass(frozen=True)
class Finding:
    """Something that is wrong right now. `sentence` names ids and counts, never a person's words or address."""

    event: str
    subject: str
    sentence: str
    amount: int = 1

    @property
    def key(self) -> str:
        """Give what no two open notices share."""
        return f"{self.event}/{self.subject}"
