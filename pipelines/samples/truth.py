"""The truth behind a world, for checking what was found in its files; it is never ingested."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.samples.arrays import Ints, Strings, digits, join, pick, present
from pipelines.samples.broken import count_broken
from pipelines.samples.cast import ROLES
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.checkins import ANSWERS_ELSEWHERE, ANSWERS_THERE
from pipelines.samples.disappointments import CAUSES, LEAVE_BECAUSE, disappoint
from pipelines.samples.feedback import CSAT, NPS, STARS
from pipelines.samples.habits import CHANNELS, NONE, WEIGHTS
from pipelines.samples.noise import PLACEHOLDER_EMAILS, PLACEHOLDER_PHONES
from pipelines.samples.orders import TOGETHER
from pipelines.samples.outreach import CAMPAIGNS, HELD_OUT, LIFT, WINDOW_DAYS, Outreach
from pipelines.samples.phones import e164, overflown
from pipelines.samples.places import COUNTRIES, LANGUAGES, PLACES
from pipelines.samples.service import BEHIND_SINCE
from pipelines.samples.times import END, START
from pipelines.samples.world import World


def write_truth(world: World, directory: Path) -> None:
    """Write people, identity, orders and sentiments as parquet, cast.json and effects.json, into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    pq.write_table(people_table(world), directory / "people.parquet")
    pq.write_table(identity_table(world), directory / "identity.parquet")
    pq.write_table(_orders_table(world), directory / "orders.parquet")
    pq.write_table(sentiments_table(world), directory / "sentiments.parquet")
    cast = json.dumps(cast_document(world), indent=2, ensure_ascii=False)
    (directory / "cast.json").write_text(cast + "\n", encoding="utf-8")
    effects = json.dumps(effects_document(world), indent=2, ensure_ascii=False)
    (directory / "effects.json").write_text(effects + "\n", encoding="utf-8")


def person_ids(world: World, person: Ints) -> Strings:
    """Name people as the truth does."""
    return join("person-", digits(world.history.people.number[person], 7))


def identity_table(world: World) -> pa.Table:
    """Give, for every record of the canonical tables that is a person's, whose it is."""
    parts = []
    for name, person in world.owners.items():
        columns = world.tables[name].select(["source", "source_record_id"])
        parts.append(columns.append_column("person_id", person_ids(world, person)))
    return pa.concat_tables(parts).combine_chunks()


def sentiments_table(world: World) -> pa.Table:
    """Give every text that a customer wrote: in which record it stands, how it is meant, in which language."""
    parts = []
    for name, mood in world.moods.items():
        rows = np.flatnonzero(present(mood))
        written = world.tables[name].select(["source", "source_record_id"]).take(pa.array(rows))
        columns = {
            "table_name": pa.repeat(pa.scalar(name), len(rows)),
            "source": written["source"].combine_chunks(),
            "source_record_id": written["source_record_id"].combine_chunks(),
            "sentiment": mood.take(pa.array(rows)),
            "language": pick(LANGUAGES, world.history.people.language[world.owners[name][rows]]),
        }
        parts.append(pa.table(columns))
    return pa.concat_tables(parts).combine_chunks()


def people_table(world: World) -> pa.Table:
    """Give a row a person, with all identifiers that are truly theirs."""
    people, count = world.history.people, len(world.history.people)
    everybody = np.arange(count)
    lists = {
        "emails": [people.emails.slice(0, count), people.emails.slice(count)],
        "phones": [e164(people.phones[:count]), e164(people.phones[count:])],
        "accounts": _accounts(world),
    }
    plain = {
        "person_id": person_ids(world, everybody),
        "given_name": people.given,
        "family_name": people.family,
        "birth_date": people.birth_date,
        "household_id": join("household-", digits(people.household, 7)),
        "country": pick(COUNTRIES, people.country),
        "city": people.city,
        "time_zone": pick([place.zone for place in PLACES], people.place),
        "language": pick(LANGUAGES, people.language),
        "device_id": people.device,
        "handle": people.handle,
        "joined_at": pa.array(people.joined),
        "second_self": pa.array(people.second_self),
        "preferred_channel": pick((None, *CHANNELS), world.history.habits.channel + 1),
        "usual_hour": pa.array(world.history.habits.hour, mask=world.history.habits.hour == NONE),
        "left_at": pa.array(world.history.leaving.at),
        "left_because": pick((None, *CAUSES), world.history.leaving.because + 1),
    }
    return pa.table(plain | {name: _as_lists(*pair) for name, pair in lists.items()})


def effects_document(world: World) -> dict[str, Any]:
    """Describe what was planted: the buying model, the lift, and how much of each noise there is."""
    return {
        "seed": world.seed,
        "people": len(world.history.people),
        "begins_at": str(START.astype("M8[s]")),
        "ends_at": str(END.astype("M8[s]")),
        "rows": world.rows,
        "buying_model": world.model.to_document(),
        "lift": {
            "extra_orders_per_person_sent": LIFT,
            "window_days": WINDOW_DAYS,
            "held_out_share": HELD_OUT,
            "campaigns": {
                name: _campaign(world.history.outreach, at) for at, (name, _, _) in enumerate(CAMPAIGNS)
            },
            "extra_orders": int(world.history.orders.lifted.sum()),
        },
        "bought_together": {"chance": TOGETHER, "pairs": bought_together()},
        "leaving": _leaving(world),
        "preferred_channel": {
            "people": int((world.history.habits.channel != NONE).sum()),
            "weights": dict(zip(CHANNELS, WEIGHTS, strict=True)),
            "answers_there": ANSWERS_THERE,
            "answers_elsewhere": ANSWERS_ELSEWHERE,
        },
        "scores": {name: scale._asdict() for name, scale in (("nps", NPS), ("csat", CSAT), ("stars", STARS))},
        "noise": {"shares": asdict(world.history.noise), "counts": _noise_counts(world)},
        "purchases": _purchase_counts(world),
        "broken_records": count_broken(),
    }


def _accounts(world: World) -> list[Strings]:
    count = len(world.history.people)
    opened = np.zeros(2 * count, dtype=np.bool_)
    opened[world.history.accounts.person + world.history.accounts.selves * count] = True
    numbers = pc.if_else(pa.array(opened), world.history.people.accounts, pa.scalar(None, pa.string()))
    return [numbers.slice(0, count), numbers.slice(count)]


def _as_lists(first: Strings, second: Strings) -> pa.Array:
    """Put two columns into one of lists, without the NULLs and without saying anything twice."""
    pairs = zip(first.to_pylist(), second.to_pylist(), strict=True)
    kept = [list(dict.fromkeys(value for value in pair if value is not None)) for pair in pairs]
    return pa.array(kept, pa.list_(pa.string()))


def _orders_table(world: World) -> pa.Table:
    orders = world.history.orders
    return pa.table(
        {
            "order_id": orders.name,
            "person_id": person_ids(world, orders.person),
            "ordered_at": pa.array(orders.at),
            "total_minor": pa.array(orders.total),
            "cause": pc.if_else(pa.array(orders.lifted), "campaign", "buying_model"),
        }
    )


def cast_document(world: World) -> dict[str, dict[str, str]]:
    """Say who plays which role, and what it is."""
    people = world.history.people
    return {
        role: {
            "person_id": f"person-{people.number[person]:07d}",
            "name": f"{people.given[person]} {people.family[person]}",
            "email": people.emails[person].as_py(),
            "what": ROLES[role],
        }
        for role, person in world.cast.items()
    }


def _leaving(world: World) -> dict[str, Any]:
    """Describe what makes people leave besides the buying model, and how many did."""
    history = world.history
    bad = disappoint(history.orders, history.parcels, history.cases)
    return {
        "chance": dict(zip(CAUSES, LEAVE_BECAUSE, strict=True)),
        "happened": {cause: int((bad.cause == at).sum()) for at, cause in enumerate(CAUSES)},
        "people_who_left": {
            cause: int((history.leaving.because == at).sum()) for at, cause in enumerate(CAUSES)
        },
        "orders_that_never_were": int(history.drawn.lost.sum()),
        "desk_behind_since": str(BEHIND_SINCE.astype("M8[s]")),
    }


def bought_together() -> list[tuple[str, str]]:
    """Name the products that people like to buy together, each pair once."""
    catalogue = read_catalogue()
    every = np.arange(len(catalogue.handles))
    partners = catalogue.partners(every)
    return [
        (catalogue.handles[one], catalogue.handles[partners[one]]) for one in every if one < partners[one]
    ]


def _campaign(outreach: Outreach, index: int) -> dict[str, int]:
    rows = outreach.campaign == index
    return {
        "sent": int((rows & ~outreach.held_out).sum()),
        "held_out": int((rows & outreach.held_out).sum()),
        "opted_out_because_of_it": int((rows & ~np.isnat(outreach.left_at)).sum()),
    }


def _noise_counts(world: World) -> dict[str, int]:
    people, count = world.history.people, len(world.history.people)
    signed = world.history.orders.signed
    phones = people.phones[:count]
    shared = np.unique(phones[phones > 0], return_counts=True)[1]
    return {
        "people_with_a_second_self": int(people.second_self.sum()),
        "people_without_an_account": int((~people.has_account).sum()),
        "people_without_a_phone": int((phones == 0).sum()),
        "phones_used_by_several_people": int((shared > 1).sum()),
        "phones_that_changed_hands": int((people.phone_from > START).sum()),
        "phones_beyond_the_reserved_blocks": int(overflown(phones).sum()),
        "phones_that_no_library_calls_valid": int((overflown(phones) | (phones // 10**9 == 353)).sum()),
        "second_selves_that_share_nothing": int((people.second_self & (people.phones[count:] == 0)).sum()),
        "plus_addresses": int(pc.sum(pc.match_substring(signed.email, "+")).as_py() or 0),
        "placeholder_emails": _among(signed.email, PLACEHOLDER_EMAILS),
        "placeholder_phones": _among(signed.phone, PLACEHOLDER_PHONES),
        "orders_in_store": int(world.history.orders.in_store.sum()),
        "orders_without_any_identifier": int((~present(signed.email) & ~present(signed.phone)).sum()),
        "late_parcels": int(world.history.parcels.late.sum()),
        "stop_texts": int((world.history.outreach.by_sms & ~np.isnat(world.history.outreach.left_at)).sum()),
        "unsubscribed_by_mail": int(
            (~world.history.outreach.by_sms & ~np.isnat(world.history.outreach.left_at)).sum()
        ),
    }


def _purchase_counts(world: World) -> dict[str, int]:
    orders = world.history.orders
    net = world.tables["purchases"]["net_amount_minor"]
    return {
        "orders": len(orders),
        "lines": len(orders.line_owner),
        "cancelled": int(orders.cancelled.sum()),
        "refunded": int((orders.refund > 0).sum()),
        "net_amount_minor": int(pc.sum(net).as_py()),
    }


def _among(values: Strings, words: tuple[str, ...]) -> int:
    return int(pc.sum(pc.is_in(values, pa.array(words))).as_py() or 0)
