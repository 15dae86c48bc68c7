"""The outbox: rendered once, stored, sent at most once. Only the dispatcher calls providers."""

from messaging.outbox.examining import examined
from messaging.outbox.handing_back import hand_back
from messaging.outbox.intent import NOBODY_MERGED, AllIds, Call, Intents, to_calling
from messaging.outbox.letters import Letter, discard, letter, letters, require_run, retry, retry_run
from messaging.outbox.outbound import outbound
from messaging.outbox.outcomes import (
    FIRST_ASKED,
    StatusUpdate,
    apply_status,
    lock_all,
    record_outcomes,
    requeue_unsent,
    settle_as_sent,
    settle_by_word,
)
from messaging.outbox.pace import BURST, Opening, Tripped, admit, asks_for_rest, hear, left_alone, openings
from messaging.outbox.queue import (
    EXPIRES_AFTER_DAYS,
    Parts,
    PlannedMessage,
    Recovered,
    any_due,
    cancel_run,
    claim,
    counts,
    finish_runs,
    give_back,
    insert_planned,
    queue_run,
    recover,
    waiting,
)
from messaging.outbox.remaining import Remaining, remaining
from messaging.outbox.states import OPEN, PROVIDER_WORDS, RANK, TRANSITIONS
from messaging.outbox.statuses import apply_statuses
from messaging.outbox.turns import void_turns

__all__ = [
    "BURST",
    "EXPIRES_AFTER_DAYS",
    "FIRST_ASKED",
    "NOBODY_MERGED",
    "OPEN",
    "PROVIDER_WORDS",
    "RANK",
    "TRANSITIONS",
    "AllIds",
    "Call",
    "Intents",
    "Letter",
    "Opening",
    "Parts",
    "PlannedMessage",
    "Recovered",
    "Remaining",
    "StatusUpdate",
    "Tripped",
    "admit",
    "any_due",
    "apply_status",
    "apply_statuses",
    "asks_for_rest",
    "cancel_run",
    "claim",
    "counts",
    "discard",
    "examined",
    "finish_runs",
    "give_back",
    "hand_back",
    "hear",
    "insert_planned",
    "left_alone",
    "letter",
    "letters",
    "lock_all",
    "openings",
    "outbound",
    "queue_run",
    "record_outcomes",
    "recover",
    "remaining",
    "requeue_unsent",
    "require_run",
    "retry",
    "retry_run",
    "settle_as_sent",
    "settle_by_word",
    "to_calling",
    "void_turns",
    "waiting",
]
