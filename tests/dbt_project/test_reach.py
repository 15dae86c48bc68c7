"""How people can be reached, worked out by hand; and that the view is never freer than the gate, at random."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from messaging import consent
from messaging.addresses import Addresses, normalise, read_addresses
from messaging.customers.merges import dated, known_as
from messaging.facts import Candidate, gather
from messaging.policy import Blocked, decide
from messaging.quiet_hours import read_quiet_rules
from messaging.store import Store, open_store

if TYPE_CHECKING:
    from conftest import Company

AS_OF = "2026-10-30 12:00:00"
NOON = datetime.fromisoformat(AS_OF)
Row = dict[str, Any]
SAID = {"purpose": "marketing", "legal_basis": "consent"}
MOBILE, LANDLINE, WHATS, STOPPED = "+447400123456", "+442079460001", "+447400123457", "+447400123458"


def record(name: str, number: str, at: str, **more: Any) -> Row:
    return {"source": "s", "source_record_id": f"{name}/{number}", "occurred_at": at, **more}


def contact(number: str, email: str, phone: str | None = None) -> Row:
    return record("contact", number, "2026-01-01", email=email, phone=phone)


def said(number: str, channel: str, action: str, at: str, **more: Any) -> Row:
    return record("consent", number, at, channel=channel, action=action, **{**SAID, **more})


def event(number: str, at: str, what: str, email: str) -> Row:
    return record("event", number, at, event_id=number, event=what, email=email, message_ref=number)


def text(number: str, at: str, phone: str, status: str, channel: str = "sms", **more: Any) -> Row:
    facts = {"message_id": number, "channel": channel, "direction": "outbound", "status": status}
    return record("message", number, at, phone=phone, **{**facts, **more})


LANDED: dict[str, list[Row]] = {
    "contacts": [
        contact("1", "mob@example.com", MOBILE),
        contact("2", "land@example.com", LANDLINE),
        contact("3", "whats@example.com", WHATS),
        contact("4", "stop@example.com", STOPPED),
        contact("5", "angry@example.com"),
        contact("6", "objects@example.com"),
        contact("7", "left@example.com"),
        record("contact", "8", "2026-01-01", phone="+447400123459"),
    ],
    "consents": [
        said("1", "email", "grant", "2026-02-01", email="mob@example.com"),
        said("2", "sms", "grant", "2026-02-01", phone=MOBILE),
        said("3", "sms", "revoke", "2026-03-01", phone=MOBILE),
        said("4", "whatsapp", "grant", "2026-03-01", phone=WHATS),
        said("5", "voice", "revoke", "2026-03-01", phone=LANDLINE),
        said("6", "sms", "grant", "2026-03-01", phone=STOPPED),
        said("7", "email", "revoke", "2026-03-01", email="objects@example.com", purpose="profiling"),
        said("8", "email", "grant", "2026-03-01", email="left@example.com"),
    ],
    "email_events": [
        event("1", "2026-09-01 08:00:00", "delivered", "mob@example.com"),
        event("2", "2026-09-02 08:00:00", "bounce", "land@example.com"),
        event("3", "2026-09-01 08:00:00", "delivered", "angry@example.com"),
        event("4", "2026-09-02 08:00:00", "spamreport", "angry@example.com"),
        event("5", "2026-09-01 08:00:00", "delivered", "left@example.com"),
        event("6", "2026-09-02 08:00:00", "unsubscribe", "left@example.com"),
    ],
    "sms_messages": [
        text("SM1", "2026-09-03 08:00:00", LANDLINE, "delivered"),
        text("SM2", "2026-09-04 08:00:00", WHATS, "read", "whatsapp"),
        text("SM3", "2026-09-05 08:00:00", STOPPED, "received", direction="inbound", body="STOP"),
        text("SM4", "2026-09-05 08:00:00", "+447400123459", "undelivered", error_code=30005),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def company(found_company: Callable[[str], "Company"]) -> "Company":
    company = found_company("reach")
    company.land(LANDED)
    company.build(AS_OF)
    return company


def told(company: "Company", email: str, names: str) -> tuple[Any, ...]:
    (row,) = company.rows("SELECT * FROM marts.customer_360 WHERE coalesce(email, phone) = ?", email)
    return tuple(row[name] for name in names.split())


CONSENTS = "email_consent sms_consent whatsapp_consent voice_consent"
REACH = "email_reachable sms_reachable whatsapp_reachable contactability"


@pytest.mark.parametrize(
    ("email", "consents", "reach"),
    [
        # mail has arrived and is agreed to; texts were taken back, which leaves the number as good
        ("mob@example.com", ("granted", "revoked", "none", "none"), (True, True, False, 100)),
        # mail came back; a landline that took a text and was never asked
        ("land@example.com", ("revoked", "none", "none", "revoked"), (False, True, False, 70)),
        ("whats@example.com", ("none", "none", "granted", "none"), (True, True, True, 100)),
        # STOP: the store blocks the number; the address was never tried and never asked
        ("stop@example.com", ("none", "revoked", "none", "none"), (True, False, False, 50)),
        ("angry@example.com", ("revoked", "none", "none", "none"), (False, False, False, 0)),
        # unsubscribed from marketing: the receipt of an order still goes there
        ("left@example.com", ("revoked", "none", "none", "none"), (True, False, False, 60)),
        # a number that is dead for texts can still be called
        ("+447400123459", ("none", "none", "none", "none"), (False, False, False, 20)),
    ],
)
def test_reach_and_consent_are_those_worked_out_by_hand(
    company: "Company", email: str, consents: tuple[str, ...], reach: tuple[Any, ...]
) -> None:
    assert told(company, email, CONSENTS) == consents
    assert told(company, email, REACH) == reach


def test_an_address_is_told_by_what_last_became_of_it(company: "Company") -> None:
    found = {each: told(company, each, "email_validity")[0] for each in (f"{n}@example.com" for n in NAMES)}
    assert found == {
        "mob@example.com": "confirmed",
        "land@example.com": "bounced",
        "angry@example.com": "complained",
        "whats@example.com": "unconfirmed",
        "left@example.com": "confirmed",
    }
    assert told(company, "land@example.com", "email_bounced_at email_last_success_at") == (
        datetime.fromisoformat("2026-09-02T08:00"),
        None,
    )
    assert told(company, "mob@example.com", "email_last_success_at phone_validity") == (
        datetime.fromisoformat("2026-09-01T08:00"),
        "mobile",
    )
    assert told(company, "land@example.com", "sms_last_success_at phone_validity") == (
        datetime.fromisoformat("2026-09-03T08:00"),
        "landline",
    )
    assert told(company, "whats@example.com", "whatsapp_last_success_at") == (
        datetime.fromisoformat("2026-09-04T08:00"),
    )


NAMES = ("mob", "land", "angry", "whats", "left")


def test_an_objection_to_profiling_is_known_to_the_models(company: "Company") -> None:
    found = company.rows(
        "SELECT email FROM intermediate.int_consents__customers AS said"
        " JOIN marts.customer_360 USING (customer_id) WHERE said.profiling_objected"
    )
    assert found == [{"email": "objects@example.com"}]


# What may happen to a company before a build: consents of files, of people and addresses, stops, bounces, merges, splits.
PEOPLE = 14


def random_landing(chance: random.Random, links: list[tuple[int, int]]) -> dict[str, list[Row]]:
    """Give people with addresses of their own; two who are linked are one, by an account that both records name."""
    people = [
        record(
            "contact",
            str(n),
            "2026-01-01",
            email=f"p{n}@example.com",
            phone=f"+4474001235{n:02d}",
            external_id=f"A{n}",
        )
        for n in range(PEOPLE)
    ]
    together = [
        record(
            "contact", f"{one}+{other}", "2026-02-01", email=f"p{one}@example.com", external_id=f"A{other}"
        )
        for one, other in links
    ]
    consents = [
        said(
            f"{index}",
            channel,
            chance.choice(["grant", "grant", "revoke"]),
            f"2026-0{chance.randint(2, 9)}-{chance.randint(10, 28)}",
            **({"email": f"p{n}@example.com"} if channel == "email" else {"phone": f"+4474001235{n:02d}"}),
        )
        for index in range(40)
        for channel in [chance.choice(["email", "sms", "whatsapp"])]
        for n in [chance.randrange(PEOPLE)]
    ]
    events = [
        event(
            f"{n}",
            "2026-09-01 08:00:00",
            chance.choice(["bounce", "spamreport", "unsubscribe", "open"]),
            f"p{n}@example.com",
        )
        for n in chance.sample(range(PEOPLE), 5)
    ]
    return {"contacts": people + together, "consents": consents, "email_events": events}


def stir(
    store: Store,
    addresses: Addresses,
    customers: list[Row],
    chance: random.Random,
    at: datetime,
) -> None:
    """Let people stop and start between two builds."""
    for row in chance.sample(customers, min(6, len(customers))):
        channel = chance.choice(["email", "sms", "whatsapp"])
        address = normalise(channel, row["email"] if channel == "email" else row["phone"])
        assert address
        who = {"address_hash": addresses.hash(address), "channel": channel, "at": at, "source": "test"}
        with store.write() as connection:
            act = chance.choice([consent.stop, consent.stop, consent.lift])
            act(connection, customer_ids=[row["customer_id"]], **who)


def gate(
    company: "Company", store: Store, addresses: Addresses, rows: list[Row], moment: datetime
) -> dict[tuple[str, str], str]:
    """Ask the gate of sending about each person and channel, by the addresses of the view."""
    journal = company.rows(
        'SELECT build_id, kind, customer_id, other_customer_id AS other, "at" FROM identity.identity_journal'
        " WHERE kind IN ('merged', 'split') ORDER BY build_id, \"at\", kind, customer_id, other_customer_id"
    )
    aliases = company.rows("SELECT old_customer_id, customer_id FROM identity.identity_alias")
    rules = read_quiet_rules()
    found: dict[tuple[str, str], str] = {}
    with store.read() as connection:
        people = known_as(aliases, dated(journal, connection, moment))
        for row in rows:
            for channel in ("email", "sms", "whatsapp"):
                held = row["email"] if channel == "email" else row["phone"]
                address = normalise(channel, held) if held else None
                person = people.get(row["customer_id"]) or consent.KnownAs((row["customer_id"],))
                one = Candidate(
                    "one",
                    person,
                    channel,
                    address,
                    addresses.hash(address) if address else None,
                    time_zone="UTC",
                    has_template=True,
                )
                verdict = decide(gather(connection, [one], moment)["one"], rules)
                reason = verdict.reason if isinstance(verdict, Blocked) else "granted"
                found[row["customer_id"], channel] = reason
    return found


AGREES = {
    "granted": {"granted", "quiet_hours", "unknown_time_zone"},
    "revoked": {"opted_out", "suppressed"},
    "none": {"no_consent"},
}


@pytest.mark.slow
@pytest.mark.timeout(900)  # builds of a small company, one after the other
def test_the_view_says_what_the_gate_says_through_stops_merges_and_splits(
    found_company: Callable[[str], "Company"],
) -> None:
    chance = random.Random(20261122)
    company, links = found_company("gate"), [(0, 1), (2, 3)]
    for step, change in enumerate([links, [*links, (4, 5), (6, 7)], [(0, 1), (8, 9)]]):
        moment = NOON + timedelta(days=step)
        company.land(random_landing(random.Random(7), change))
        company.build(moment.isoformat(sep=" "))
        rows = company.rows("SELECT * FROM marts.customer_360 ORDER BY customer_id")
        with open_store(company.settings) as store:
            addresses = read_addresses(company.settings, store)
            asked = gate(company, store, addresses, rows, moment)
            for row in rows:
                for channel in ("email", "sms", "whatsapp"):
                    verdict = asked[row["customer_id"], channel]
                    assert verdict in AGREES[row[f"{channel}_consent"]], (step, channel, verdict)
            stir(store, addresses, rows, chance, moment + timedelta(hours=1))
    assert {asked[each] for each in asked} >= {"opted_out", "suppressed", "no_consent"}
