"""Opt-ins and opt-outs found in imported data become consent events of the operational store, each once.

A landed STOP text, an unsubscribe or a spam report also suppresses the address, as it would have had it
reached our own webhook. Starts are not imported: to write again to somebody who once said stop takes a
consent, not an old text message.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
from sqlalchemy import Connection, select

from messaging.addresses import Addresses, normalise, read_addresses
from messaging.consent import ImportedConsent, SuppressionReason, record_imports, stop
from messaging.inbox import keyword_of
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import suppressions
from pipelines.warehouse.connection import open_warehouse

BATCH = 100  # opt-outs in one transaction of the store: its writers wait for one another
LONGEST_KEYWORD = 20  # characters; a longer text is no keyword

_IMPORTS = """
    SELECT customer_id, source, source_record_id, channel, purpose, action, legal_basis, occurred_at, method,
        wording, locale, address
    FROM marts.consent_imports
"""

_WORDS = """
    WITH words AS (
        SELECT source, source_record_id, occurred_at, phone AS address,
            CASE channel WHEN 'whatsapp' THEN 'whatsapp' ELSE 'sms' END AS channel, body AS said
        FROM staging.stg_landing__sms_messages
        WHERE direction = 'inbound' AND phone IS NOT NULL AND length(body) <= $longest
        UNION ALL
        SELECT source, source_record_id, occurred_at, email, 'email', event
        FROM staging.stg_landing__email_events
        WHERE email IS NOT NULL
            AND event IN ('unsubscribe', 'group_unsubscribe', 'spamreport', 'group_resubscribe')
    )
    SELECT source, source_record_id, occurred_at, address, channel, said, customer_id
    FROM words LEFT JOIN identity.identity_map USING (source, source_record_id)
    ORDER BY occurred_at, source, source_record_id
"""

_REASONS: dict[str, SuppressionReason] = {
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
    "spamreport": "complaint",
}


@dataclass(frozen=True)
class LandedWord:
    """What somebody said about being written to: a word they texted, or an event of the mail provider."""

    source: str
    source_record_id: str
    occurred_at: datetime
    address: str
    channel: str
    said: str
    customer_id: str | None

    @property
    def counts(self) -> bool:
        """Say whether this is a word about being written to at all."""
        return self.channel == "email" or keyword_of(self.said) in {"stop", "start"}

    @property
    def reason(self) -> SuppressionReason | None:
        """Give why the address is to be suppressed, or None where this opts in again."""
        if self.channel == "email":
            return _REASONS.get(self.said)
        return "stop" if keyword_of(self.said) == "stop" else None


def push_consents(settings: Settings, store: Store, recorded_at: datetime) -> dict[str, int]:
    """Record imported consents and opt-outs that the store does not know yet; gives counts.

    `recorded_at` is naive UTC.
    """
    addresses = read_addresses(settings, store)
    with open_warehouse(settings.build_path, read_only=True) as connection:
        imports = [ImportedConsent(*row) for row in connection.execute(_IMPORTS).fetchall()]
        opt_outs = last_opt_outs(_landed_words(connection))
    counts = record_imports(store, addresses, imports, recorded_at)
    stopped = _stop_all(store, addresses, opt_outs)
    return {
        "consents_recorded": counts.recorded,
        "consents_already": counts.already,
        "consents_unusable": counts.unusable,
        "opt_outs_recorded": stopped,
        "opt_outs_already": len(opt_outs) - stopped,
    }


def last_opt_outs(words: Iterable[LandedWord]) -> list[LandedWord]:
    """Pick the opt-outs that stand, from words in order of time: a STOP before a START is over."""
    last: dict[tuple[str, str], LandedWord] = {}
    for word in words:
        if word.counts:
            last[word.channel, word.address] = word
    return [word for word in last.values() if word.reason]


def _landed_words(connection: duckdb.DuckDBPyConnection) -> list[LandedWord]:
    rows = connection.execute(_WORDS, {"longest": LONGEST_KEYWORD}).fetchall()
    return [LandedWord(*row) for row in rows]


def _stop_all(store: Store, addresses: Addresses, opt_outs: Sequence[LandedWord]) -> int:
    stopped = 0
    for start in range(0, len(opt_outs), BATCH):
        with store.write() as connection:
            for word in opt_outs[start : start + BATCH]:
                # what cannot be a real number is hashed as it stands, as the webhook does
                address = normalise(word.channel, word.address) or word.address
                stopped += _stop(connection, addresses.hash(address), word)
    return stopped


def _stop(connection: Connection, address_hash: str, word: LandedWord) -> bool:
    """Take one opt-out, unless it stands, or was lifted after it was said."""
    table = suppressions.c
    query = select(table.lifted_at).where(table.address_hash == address_hash, table.channel == word.channel)
    standing = connection.execute(query).first()
    if standing and (standing.lifted_at is None or standing.lifted_at > word.occurred_at):
        return False
    assert word.reason
    stop(
        connection,
        address_hash=address_hash,
        channel=word.channel,
        at=word.occurred_at,
        source=word.source,
        customer_ids=[word.customer_id] if word.customer_id else [],
        reason=word.reason,
        method="keyword" if word.channel != "email" else word.said,
        actor="import",
        source_record_id=word.source_record_id,
    )
    return True
