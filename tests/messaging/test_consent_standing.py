"""The store's word about everybody at once: for each of them it is what the gate would find."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.consent import KnownAs, lift, record, state, stop, suppress, suppressed
from messaging.consent_chain import ConsentEvent
from messaging.consent_standing import MAIL, PHONE, Holder, Standing, StandingConsents
from messaging.store import Store

NOON = datetime.fromisoformat("2026-10-30T12:00")
HOUR = timedelta(hours=1)
SAID = ConsentEvent(
    channel="email",
    purpose="marketing",
    action="grant",
    legal_basis="consent",
    occurred_at=NOON,
    source="form",
    actor="customer",
    method="checkbox",
)
PEOPLE, ADDRESSES = ("anna", "bob", "old bob", "cleo", "dan"), ("hash a", "hash b", "hash c")
WORLDS = count()  # consents are only ever added, so that each example has names of its own


def all_ids(world: int) -> dict[str, KnownAs]:
    """Say that Bob was another id before, and that Cleo and Dan were one until two o'clock."""
    bob, old, cleo, dan = (f"{name} {world}" for name in ("bob", "old bob", "cleo", "dan"))
    return dict.fromkeys((bob, old), KnownAs((bob, old))) | {
        cleo: KnownAs((cleo,), ((dan, NOON + 2 * HOUR),)),
        dan: KnownAs((dan,), ((cleo, NOON + 2 * HOUR),)),
    }


channels = st.sampled_from(["email", "sms"])
acts = st.tuples(
    st.sampled_from(["grant", "revoke", "stop", "lift", "bounce"]),
    st.sampled_from([None, *PEOPLE]),
    st.sampled_from([None, *ADDRESSES]),
    channels,
    st.sampled_from(["marketing", "marketing", "profiling"]),
)


def happen(store: Store, world: int, happenings: list[tuple[str, str | None, str | None, str, str]]) -> None:
    """Let these things happen in a world of their own, an hour after one another."""
    for hours, (act, who, where, channel, purpose) in enumerate(happenings):
        person, address = who and f"{who} {world}", where and f"{where} {world}"
        at, people = NOON + hours * HOUR, [person] if person else []
        with store.write() as connection:
            if act in {"grant", "revoke"} and (person or address):
                said = replace(SAID, action=act, channel=channel, purpose=purpose, occurred_at=at)
                record(connection, replace(said, customer_id=person, address_hash=address), at)
            elif address and act == "bounce":
                suppress(
                    connection, address_hash=address, channel=channel, reason="bounce", at=at, source="x"
                )
            elif address and act in {"stop", "lift"}:
                do = stop if act == "stop" else lift
                do(connection, address_hash=address, channel=channel, at=at, source="x", customer_ids=people)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(acts, max_size=9))
def test_whoever_stands_there_stands_as_the_gate_would_find_them(
    store: Store, happenings: list[tuple[str, str | None, str | None, str, str]]
) -> None:
    world = next(WORLDS)
    happen(store, world, happenings)
    known, everywhere = all_ids(world), (None, *(f"{address} {world}" for address in ADDRESSES))
    holders = [
        Holder(f"{person} {world}", address, (*MAIL, *PHONE), address)
        for person in ("anna", "bob", "cleo", "dan")
        for address in everywhere
    ]
    with store.read() as connection:
        found = {
            (one.customer_id, one.address, one.channel, one.purpose): one
            for one in StandingConsents(connection, known, NOON + 99 * HOUR).of(holders)
        }
        for holder in holders:
            for channel in ("email", "sms"):
                for purpose in ("marketing", "profiling"):
                    person = known.get(holder.customer_id, KnownAs((holder.customer_id,)))
                    said = state(connection, person, holder.address_hash, channel, purpose)
                    silent = suppressed(connection, filter(None, [holder.address_hash]), channel)
                    blocked = bool(silent) and purpose == "marketing"
                    one = found.get((holder.customer_id, holder.address, channel, purpose))
                    assert (one is None) == (said is None and not blocked)
                    if one:
                        granted = said is not None and said.granted and not blocked
                        assert one.state == ("granted" if granted else "revoked")
                        assert one.at == (said.occurred_at if said else None)


def test_a_blocked_address_is_told_with_its_reason_whoever_holds_it(store: Store) -> None:
    with store.write() as connection:
        suppress(connection, address_hash="h", channel="email", reason="complaint", at=NOON, source="x")
    holders = [Holder("anna", "a@x.example", MAIL, "h"), Holder("bob", "+441", PHONE, "other")]
    with store.read() as connection:
        found = list(StandingConsents(connection, {}, NOON).of(holders))
    assert found == [Standing("anna", "a@x.example", "email", "marketing", "revoked", None, "complaint")]


def test_an_empty_store_says_nothing(store: Store) -> None:
    with store.read() as connection:
        standing = StandingConsents(connection, {}, NOON)
        assert list(standing.of([Holder("anna", "a@x.example", MAIL, None)])) == []
