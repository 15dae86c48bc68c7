"""The outbox: rendered once, stored, sent at most once. Only the dispatcher calls providers."""

from messaging.outbox.intent import NOBODY_MERGED, AllIds, Call, Intents, to_calling
from messaging.outbox.outbound import outbound
from messaging.outbox.outcomes import (
    StatusUpdate,
    apply_status,
    lock_all,
    record_outcomes,
    requeue_unsent,
    settle_as_sent,
    settle_by_word,
)
from messaging.outbox.queue import (
    Parts,
    PlannedMessage,
    Recovered,
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
from messaging.outbox.states import OPEN, PROVIDER_WORDS, RANK, TRANSITIONS

__all__ = [
    "NOBODY_MERGED",
    "OPEN",
    "PROVIDER_WORDS",
    "RANK",
    "TRANSITIONS",
    "AllIds",
    "Call",
    "Intents",
    "Parts",
    "PlannedMessage",
    "Recovered",
    "StatusUpdate",
    "apply_status",
    "cancel_run",
    "claim",
    "counts",
    "finish_runs",
    "give_back",
    "insert_planned",
    "lock_all",
    "outbound",
    "queue_run",
    "record_outcomes",
    "recover",
    "requeue_unsent",
    "settle_as_sent",
    "settle_by_word",
    "to_calling",
    "waiting",
]
