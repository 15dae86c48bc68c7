"""The two machines of a message, as data: our own state, and what the provider says of each call.

planned -> queued -> sending -> calling -> accepted -> done, or on the way: skipped, cancelled, failed,
unknown. `sending` is claimed; `calling` is committed before the provider is called: whatever is found there
after a crash may or may not have been sent, and becomes `unknown`, never simply queued again.
"""

from typing import Literal

State = Literal[
    "planned",
    "queued",
    "sending",
    "calling",
    "accepted",
    "done",
    "skipped",
    "failed",
    "unknown",
    "cancelled",
]

TRANSITIONS: dict[State, frozenset[State]] = {
    "planned": frozenset({"queued", "cancelled"}),
    "queued": frozenset(
        {"sending", "cancelled", "accepted"}
    ),  # accepted: a late callback proves an earlier call
    "sending": frozenset({"queued", "calling", "skipped", "cancelled", "accepted"}),
    "calling": frozenset({"accepted", "failed", "queued", "unknown", "done"}),
    "unknown": frozenset({"accepted", "failed", "queued", "done", "cancelled"}),
    "accepted": frozenset({"done", "failed"}),
    "done": frozenset(),
    "skipped": frozenset(),
    "failed": frozenset({"queued", "cancelled"}),  # by a person, where the provider never took it
    "cancelled": frozenset(
        {"accepted"}
    ),  # where a person took it as not sent, and a callback that names it proves otherwise
}

OPEN: frozenset[State] = frozenset(
    {"planned", "queued", "sending", "calling"}
)  # the dispatcher has work to do

ProviderStatus = Literal["queued", "sent", "delivered", "read", "undelivered", "failed"]

RANK: dict[ProviderStatus, int] = {
    "queued": 0,
    "sent": 1,
    "undelivered": 2,
    "failed": 2,
    "delivered": 2,
    "read": 3,
}

# Twilio's words for messages and for calls (API 2010-04-01), SMTP's, and SendGrid's events, in ours.
PROVIDER_WORDS: dict[str, ProviderStatus] = {
    "accepted": "queued",
    "scheduled": "queued",
    "queued": "queued",
    "sending": "queued",
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "undelivered",
    "failed": "failed",
    "canceled": "failed",
    "initiated": "queued",  # a call, from here on
    "ringing": "queued",
    "in-progress": "sent",
    "completed": "delivered",
    "busy": "undelivered",
    "no-answer": "undelivered",
    "processed": "sent",  # a mail, from here on
    "deferred": "sent",
    "bounce": "undelivered",
    "dropped": "failed",
    "open": "read",  # by a person: a machine's open says nothing
    "click": "read",
}


def may_follow(now: ProviderStatus | None, then: ProviderStatus) -> bool:
    """Say whether a provider's status may replace another: only a higher rank may, in any order."""
    return now is None or RANK[then] > RANK[now]


def state_after(status: ProviderStatus) -> State:
    """Give our state for a message that a provider has taken and says this of."""
    if status in {"delivered", "read"}:
        return "done"
    return "failed" if status in {"undelivered", "failed"} else "accepted"
