"""How many messages are judged and rendered in a CPU second: facts from the store, the gate, the template.

Run it with `python -m benchmarks.gate PEOPLE`. Everybody is somebody new: nothing is known of their numbers from before.
Nine in ten have agreed to marketing, one in ten has heard from us, some complain or are suppressed.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.measure import Measured, measure
from data_contracts.contracts import published_contract
from messaging.addresses import Addresses, read_addresses
from messaging.campaigns import Library
from messaging.complaints import Complaint, open_complaint
from messaging.consent import KnownAs, suppress
from messaging.consent_chain import ConsentEvent, append
from messaging.facts import Candidate, gather
from messaging.outbox import PlannedMessage, insert_planned
from messaging.policy import Allowed, SendFacts, decide, read_limits
from messaging.quiet_hours import installed_rules
from messaging.rendering import Compiled, Rendered, build_context
from messaging.settings import read_settings
from messaging.store import Store, open_store
from messaging.store.ids import new_id
from messaging.store.tables import messages

NOON = datetime.fromisoformat("2026-10-30T18:00")  # a Friday; it is day in all of America
AT_ONCE = 1000  # as a plan asks
AREAS = {
    "America/New_York": "212",
    "America/Chicago": "312",
    "America/Los_Angeles": "415",
    "America/Denver": "720",
}
WANTED = 20_000  # decisions a CPU second
SHIPPED = Path(__file__).parent.parent / "messaging" / "library"


@dataclass
class _Bench:
    values: Mapping[str, str | int]
    template: Compiled
    people: list[dict[str, Any]]
    asked: list[Candidate]
    found: Counter[str] = field(default_factory=Counter)


def main(people: int) -> None:
    """Measure, print the whole and its parts; end with 1 where judging and rendering are slower than they should be."""
    with tempfile.TemporaryDirectory() as home:
        settings = read_settings(home=Path(home))
        with open_store(settings) as store:
            bench = _prepare(store, read_addresses(settings, store), people)
            limits, rules = read_limits(settings), installed_rules(settings.home)

            def facts_of(some: Sequence[Candidate]) -> Mapping[str, SendFacts]:
                with store.read() as connection:
                    return gather(connection, some, NOON, limits)

            def settle(facts: Mapping[str, SendFacts]) -> int:
                for key, known in facts.items():
                    verdict = decide(known, rules)
                    bench.found["allowed" if isinstance(verdict, Allowed) else verdict.reason] += 1
                    if isinstance(verdict, Allowed):
                        _render(bench, int(key))
                return len(facts)

            def read_and_settle() -> int:
                for some in _parts(bench.asked):
                    settle(facts_of(some))
                return people

            whole, _ = measure("delivery", "facts, gate and render", read_and_settle, int)
            known = [facts_of(some) for some in _parts(bench.asked)]
            bench.found.clear()
            wanted, _ = measure("delivery", "gate and render", lambda: sum(map(settle, known)), int)
            gate, _ = measure(
                "delivery",
                "gate alone",
                lambda: [decide(each, rules) for some in known for each in some.values()],
                len,
            )
            words, _ = measure(
                "delivery", "render alone", lambda: [_render(bench, number) for number in range(people)], len
            )
    for row in (whole, wanted, gate, words):
        print(_line(row))
    print(f"  of {people:,}: {dict(bench.found.most_common())}")
    sys.exit(0 if wanted.rows_per_second >= WANTED else f"gate and render should make {WANTED:,}")


def _line(row: Measured) -> str:
    return (
        f"  {row.name:<24} {row.rows_per_second:>9,} a CPU second {row.cpu_seconds / row.rows * 1e6:>8.1f} us"
    )


def _parts(asked: Sequence[Candidate]) -> Iterator[Sequence[Candidate]]:
    return (asked[start : start + AT_ONCE] for start in range(0, len(asked), AT_ONCE))


def _prepare(store: Store, addresses: Addresses, people: int) -> _Bench:
    chance = Random(20)  # noqa: S311 - a draw to repeat
    rows, asked = [], []
    columns = {column.name: None for column in published_contract("customer_360").columns}
    for number in range(people):
        zone = chance.choice(list(AREAS))
        address = f"+1{AREAS[zone]}{chance.randrange(2_000_000, 9_990_000)}"
        rows.append(
            columns | {"given_name": f"Ada{number}", "favourite_category": "Chairs", "language": "en"}
        )
        person = KnownAs((f"cus_{number}",))
        asked.append(
            Candidate(
                str(number),
                person,
                "sms",
                address,
                addresses.hash(address),
                time_zone=zone if number % 2 else None,
                country="US",
                region="NY" if number % 3 else None,
                campaign="win_back",
            )
        )
    content = Library(SHIPPED).content("win_back")
    _fill(store, asked, chance)
    template = content.compiled(published_contract("customer_360"))["win_back"]["sms"]["en"]
    return _Bench(content.campaign.values, template, rows, asked)


def _fill(store: Store, asked: Sequence[Candidate], chance: Random) -> None:
    """Let most agree, some have been written to, and a few complain or be suppressed."""
    agreed = [
        ConsentEvent(
            customer_id=one.person.ids[0], channel="sms", purpose="marketing", legal_basis="consent", action="grant",
            occurred_at=NOON - timedelta(days=30), source="bench", actor="bench", method="form",
        )
        for one in asked
        if chance.random() < 0.9
    ]  # fmt: skip
    heard = [
        PlannedMessage(
            new_id("msg"), one.person.ids[0], "sms", one.address or "", one.address_hash or "", "Hello"
        )
        for one in asked
        if chance.random() < 0.1
    ]
    with store.write() as connection:
        append(connection, agreed, NOON)
        insert_planned(connection, heard, NOON)
        connection.execute(messages.update().values(state="done", calling_at=NOON - timedelta(days=3)))
        for one in asked:
            if chance.random() < 0.01:
                who = one.person.ids[0]
                open_complaint(connection, Complaint("bench", who, "record", NOON, who))
            elif chance.random() < 0.02:
                told: dict[str, Any] = {"channel": "sms", "at": NOON, "source": "bench"}
                suppress(connection, address_hash=one.address_hash or "", reason="stop", **told)


def _render(bench: _Bench, number: int) -> Rendered:
    compiled = bench.template
    surroundings = {
        "company_name": "Harbour & Pine", "company_address": "1 Quay", "currency": "GBP", "time_zone": "UTC",
        "language": "en", "today": NOON, "unsubscribe_url": None, "company_colour": "#1f4d45", "company_logo_url": None,
    }  # fmt: skip
    context = build_context(bench.people[number], surroundings, bench.values, compiled.names)
    return compiled.render(context)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
