"""Chats: complaints about late parcels and questions, by visitors whom the shop knows more or less well."""

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Random,
    Streams,
    blank,
    chance,
    choose,
    digits,
    join,
    ordinals,
    pick,
    take,
    weighted,
)
from pipelines.samples.conversations import Turns, agent_of, curiosity, joined, late_parcels, play
from pipelines.samples.noise import Noise
from pipelines.samples.orders import Orders
from pipelines.samples.people import END, People
from pipelines.samples.shipments import Shipments
from pipelines.samples.signatures import Signatures, choose_selves, sign
from pipelines.samples.tables import canonical
from pipelines.samples.wording import read_scripts

# How a visitor is known: signed in (address, account, device), by an address typed into the form, by device and name
# only, or by the handle of a messenger and, for half of those, its phone number.
SIGNED_IN, TYPED, DEVICE, MESSENGER = range(4)
KNOWN_BY = (0.36, 0.24, 0.22, 0.18)
COMPLAIN_BY_CHAT = 0.5
QUESTIONS = 0.34


def chat_messages_table(
    streams: Streams, people: People, orders: Orders, parcels: Shipments, noise: Noise
) -> tuple[pa.Table, Ints]:
    """Give every chat message, conversation by conversation; and whose it is (the customer's, whoever speaks)."""
    rng = streams("chats")
    late = late_parcels(rng, orders, parcels, COMPLAIN_BY_CHAT)
    asked = curiosity(rng, people, QUESTIONS)
    turns = [
        play(rng, people, orders, late, read_scripts("chat", "late_parcel"), 70),
        play(rng, people, orders, asked, read_scripts("chat", "question"), 50),
    ]
    episodes = joined([late, asked])
    episode = np.r_[turns[0].episode, turns[1].episode + len(late)]
    at = np.concatenate([some.at for some in turns])
    author = pa.concat_arrays([some.speaker for some in turns])
    selves = choose_selves(rng, people, episodes.person, 0.3)
    kiosk = chance(rng, len(episodes), noise.chat_at_kiosk)
    known = np.where(kiosk, DEVICE, weighted(rng, len(episodes), KNOWN_BY))
    signed = sign(rng, people, episodes.person, selves, episodes.at, noise)
    person = episodes.person[episode]
    about = episodes.order[episode]
    conversation = digits(52_000_000 + streams.first * 10 + episode)
    message = digits(ordinals(episode) + 1)
    table = canonical(
        "chat_messages",
        "chat",
        len(episode),
        END,
        source_record_id=join("message/", conversation, "/", message),
        occurred_at=at,
        conversation_id=conversation,
        message_id=message,
        author_kind=author,
        author_name=choose(
            _is(author, "agent"), agent_of(episode - np.where(episode >= len(late), len(late), 0)), None
        ),
        order_id=blank(take(orders.name, np.maximum(about, 0)), about < 0),
        body=pa.concat_arrays([some.text for some in turns]),
        topic=pick(("late_parcel", "question"), (about < 0).astype(np.int64)),
        conversation_status=take(_status(rng, turns, len(late), len(asked), episodes.at), episode),
        **{
            name: take(values, episode)
            for name, values in _identifiers(
                people, episodes.person, selves, known, kiosk, signed, rng, noise
            ).items()
        },
    )
    return table, person


def _identifiers(
    people: People,
    person: Ints,
    selves: Ints,
    known: Ints,
    kiosk: Flags,
    signed: Signatures,
    rng: Random,
    noise: Noise,
) -> dict[str, pa.Array]:
    """Give what each conversation shows of its customer, by the way they are known."""
    count = len(person)
    has_account = np.where(selves == 1, people.second_account[person], people.has_account[person])
    signed_in = (known == SIGNED_IN) & has_account
    messenger = known == MESSENGER
    kiosks = max(3, int(len(people) * noise.kiosks_per_thousand / 1000))
    device = choose(
        kiosk, join("kiosk-", digits(rng.integers(1, kiosks + 1, count), 3)), take(people.device, person)
    )
    return {
        "email": blank(signed.email, ~(signed_in | (known == TYPED) | ((known == SIGNED_IN) & ~has_account))),
        "phone": blank(
            signed.phone,
            ~(messenger & chance(rng, count, 0.5)) & ~((known == TYPED) & chance(rng, count, 0.2)),
        ),
        "external_id": blank(take(people.accounts, person + selves * len(people)), ~signed_in),
        "handle": blank(take(people.handle, person), ~messenger),
        "device_id": blank(device, messenger),
        "given_name": signed.given,
        "family_name": blank(signed.family, messenger | chance(rng, count, 0.3)),
    }


def _status(rng: Random, turns: list[Turns], late: int, asked: int, at: np.ndarray) -> pa.Array:
    """Say where each conversation stands: old ones are resolved, recent ones may be open or pending."""
    count = late + asked
    recent = at > END - 4 * DAY
    kind = np.where(recent & chance(rng, count, 0.6), 1 + chance(rng, count, 0.3), 0)
    return pick(("resolved", "open", "pending"), kind)


def _is(words: pa.Array, word: str) -> Flags:
    return np.asarray(pa.compute.equal(words, word).to_numpy(zero_copy_only=False))
