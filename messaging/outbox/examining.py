"""What the gate says of a message today, check by check: for whoever asks why it went, waits or was left out."""

from datetime import datetime

from sqlalchemy import Connection

from data_contracts.errors import NotFoundError
from messaging.facts import gather, red_contracts
from messaging.outbox.intent import AllIds, candidate_of, with_runs
from messaging.outbox.purse import Purse
from messaging.policy import Blocked, Limits, examine
from messaging.quiet_hours import QuietRules
from messaging.store.tables import messages


def examined(  # noqa: PLR0913, PLR0917 - what the gate needs
    connection: Connection,
    message_id: str,
    now: datetime,
    rules: QuietRules,
    limits: Limits,
    all_ids: AllIds,
) -> tuple[tuple[str, Blocked | None], ...]:
    """Ask every check about a message as if it were to go now (naive UTC), on what is known now; nothing is written.

    Raises NotFoundError.
    """
    row = connection.execute(with_runs().where(messages.c.message_id == message_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no message {message_id!r}.", "Its id begins with msg_.")
    one = candidate_of(row, red_contracts(connection), all_ids)
    facts = gather(connection, [one], now, limits)[message_id]
    return examine(Purse(connection, limits, [row], now).seen_by(row, facts), rules)
