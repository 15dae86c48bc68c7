"""Chats: complaints about late parcels and questions, by visitors whom the shop knows more or less well."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Random,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    digits,
    join,
    marked,
    ordinals,
    pick,
    take,
    weighted,
)
from pipelines.samples.conversations import Stage, Turns, agent_of, curiosity, joined, late_parcels
from pipelines.samples.history import History
from pipelines.samples.identifiers import of_the_shop
from pipelines.samples.orders import name_kiosks
from pipelines.samples.signatures import Acts, act, sign
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END
from pipelines.samples.wording import read_scripts

# How a visitor is known: signed in (address, account, device), by an address typed into the form, by device
# and name only, or by the handle of a messenger and, for half of those, its phone number.
SIGNED_IN, TYPED, DEVICE, MESSENGER = range(4)
KNOWN_BY = (0.36, 0.24, 0.22, 0.18)
COMPLAIN_BY_CHAT = 0.5  # share of the late parcels
QUESTIONS = 0.34  # a person


def chat_messages_table(streams: Streams, history: History) -> Owned:
    """Give every chat message, conversation by conversation; and whose customer it concerns."""
    rng = streams("chats")
    orders = history.drawn.orders
    stage = Stage(rng, history.people, orders)
    late = late_parcels(rng, orders, history.drawn.parcels, COMPLAIN_BY_CHAT)
    asked = curiosity(rng, history.people, QUESTIONS)
    complaints = stage.play(late, read_scripts("chat", "late_parcel"), 70)
    questions = stage.play(asked, read_scripts("chat", "question"), 50)
    episodes = joined([late, asked])
    episode = np.r_[complaints.episode, questions.episode + len(late)]
    about = episodes.order[episode]
    number = digits(52_000_000 + streams.first * 10 + episode)
    message = digits(ordinals(episode) + 1)
    columns = _said(complaints, questions) | {
        name: take(values, episode)
        for name, values in _known_of(
            rng, history, act(rng, history.people, episodes.person, episodes.at, history.noise)
        ).items()
    }
    table = canonical(
        "chat_messages",
        "chat",
        len(episode),
        END,
        source_record_id=join("message/", number, "/", message),
        conversation_id=number,
        message_id=message,
        order_id=blank(take(orders.name, np.maximum(about, 0)), about < 0),
        topic=pick(("late_parcel", "question"), (about < 0).astype(np.int64)),
        conversation_status=take(_status(rng, episodes.at), episode),
        **columns,
    )
    mood = pa.concat_arrays([complaints.mood, questions.mood])
    return Owned(table, episodes.person[episode], mood).some(history.happened(about))


def _said(*parts: Turns) -> dict[str, Strings | Times]:
    """Give who said what and when."""
    author = pa.concat_arrays([part.speaker for part in parts])
    agents = pa.concat_arrays([agent_of(part.episode) for part in parts])
    return {
        "occurred_at": np.concatenate([part.at for part in parts]),
        "author_kind": author,
        "author_name": blank(agents, ~marked(pc.equal(author, "agent"))),
        "body": pa.concat_arrays([part.text for part in parts]),
    }


def _known_of(rng: Random, history: History, acts: Acts) -> dict[str, Strings]:
    """Give what each conversation shows of its customer, by the way they are known."""
    people, noise, count = history.people, history.noise, len(acts.person)
    signed = sign(rng, people, acts, noise)
    at_kiosk = chance(rng, count, noise.chat_at_kiosk)
    known = np.where(at_kiosk, DEVICE, weighted(rng, count, KNOWN_BY))
    has_account = np.where(
        acts.selves == 1, people.second_account[acts.person], people.has_account[acts.person]
    )
    signed_in = (known == SIGNED_IN) & has_account
    typed = (known == TYPED) | ((known == SIGNED_IN) & ~has_account)
    messenger = known == MESSENGER
    gives_phone = (messenger & chance(rng, count, 0.5)) | (typed & chance(rng, count, 0.2))
    kiosks = name_kiosks(rng, len(people), count, noise)
    return {
        "email": blank(signed.email, ~(signed_in | typed)),
        "phone": blank(signed.phone, ~gives_phone),
        "external_id": of_the_shop(
            blank(take(people.accounts, acts.person + acts.selves * len(people)), ~signed_in)
        ),
        "handle": blank(take(people.handle, acts.person), ~messenger),
        "device_id": blank(choose(at_kiosk, kiosks, take(people.device, acts.person)), messenger),
        "given_name": signed.given,
        "family_name": blank(signed.family, messenger | chance(rng, count, 0.3)),
    }


def _status(rng: Random, at: Times) -> Strings:
    """Say where each conversation stands: old ones are resolved, recent ones may be open or pending."""
    recent = at > END - 4 * DAY
    kind = np.where(recent & chance(rng, len(at), 0.6), 1 + chance(rng, len(at), 0.3), 0)
    return pick(("resolved", "open", "pending"), kind)
