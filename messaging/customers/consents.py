"""Whether we may write to one customer, channel by channel, with the proof, as the store knows it now."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from messaging import consent
from messaging.consent import KnownAs
from messaging.customers.views import ChannelConsent

CHANNELS = ("email", "sms")
BASES = {
    "consent": "consent",
    "soft_opt_in": "the soft opt-in of a customer who bought",
    "legitimate_interest": "legitimate interest",
    "contract": "a contract",
}
SILENCE = {
    "stop": "somebody there told us to stop",
    "unsubscribe": "somebody there unsubscribed",
    "bounce": "messages to it come back",
    "complaint": "somebody there called us spam",
    "provider": "the provider says that it must not be written to",
    "person": "a colleague blocked it",
}


def standing(
    connection: Connection, person: KnownAs, hashes: Mapping[str, str], now: datetime
) -> tuple[ChannelConsent, ...]:
    """Give the state of marketing consent on each channel now (naive UTC); `hashes` holds the address's hash by channel.

    The most restrictive word wins: a suppressed address, then a withdrawal under any id, then a grant. What was
    withdrawn before a split counts for both sides of it.
    """
    return tuple(on_channel(connection, channel, person, hashes.get(channel), now) for channel in CHANNELS)


def on_channel(
    connection: Connection, channel: str, person: KnownAs, address_hash: str | None, now: datetime
) -> ChannelConsent:
    """Give the state of marketing consent on one channel now (naive UTC)."""
    silent = consent.suppressed(connection, [address_hash] if address_hash else [], channel)
    said = consent.state(connection, person, address_hash, channel)
    if silent:
        reason = next(iter(silent.values()))
        sentence = f"The address is blocked for whoever owns it: {SILENCE.get(reason, reason)}."
    elif said is None:
        return ChannelConsent(channel, "none", "Nobody has told us that we may.")
    else:
        ground = f" on the ground of {BASES.get(said.legal_basis, said.legal_basis)}" if said.granted else ""
        word = "Given" if said.granted else "Withdrawn"
        when = f"{said.occurred_at:%-d %B %Y}"
        until = ""
        if said.granted and said.expires_at:
            until = f" It {'ran' if said.ran_out(now) else 'runs'} out on {said.expires_at:%-d %B %Y}."
        sentence = f"{word} on {when} ({said.method}), recorded from {said.source}{ground}.{until}"
    return ChannelConsent(
        channel=channel,
        state="granted" if said and said.granted and not said.ran_out(now) and not silent else "revoked",
        sentence=sentence,
        at=said.occurred_at if said else None,
        legal_basis=said.legal_basis if said else None,
        method=said.method if said else None,
        source=said.source if said else None,
        event_id=said.event_id if said else None,
        suppressed=bool(silent),
    )
