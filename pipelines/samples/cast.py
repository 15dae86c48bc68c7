"""The cast: a few people of the world to whom something is written by hand, so that each case can be shown.

Whoever plays a role is an ordinary customer of the world, the first one to whom nothing else happened lately; what the
hand wrote for them stands among everybody's records. The truth tells who plays what (cast.json).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import DAY, Flags, Ints, present
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.history import History
from pipelines.samples.mails import OURS as OUR_MAILBOX
from pipelines.samples.phones import e164
from pipelines.samples.places import COUNTRIES, LANGUAGES
from pipelines.samples.tables import COLUMNS, Owned, in_time, joined
from pipelines.samples.texts import OURS as OUR_NUMBER
from pipelines.samples.tickets import FIRST_AGENT, FIRST_USER, GROUP, TAGS
from pipelines.samples.times import END

ROLES = {
    "open_complaint": "wrote a complaint three days ago, was answered, and is still not content",
    "detractor": "would not recommend the company, and said why in public",
    "advocate": "recommends the company, reviews it and talks about it",
    "recovered": "was angry in summer, was helped, and is content now",
    "waits_for_an_answer": "texted this morning and nobody has answered",
    "changed_channel": "began by text and went on by e-mail in one conversation",
    "missed_calls": "rang in vain, and was called back in vain",
    "verified_reviewer": "reviewed what they bought, and the shop thanked them",
    "objects_to_profiling": "wants no profile made of them: no score, tier or risk",
    "lapsed_vip": "spent more than nearly anybody, and has bought nothing for months",
}
DELIVERED = 14 * DAY  # by then an order has come
QUIET = 30 * DAY  # nothing by chance lies this near to the end for those who play a role
LAPSED = 200 * DAY
BY_HAND = 5_000_000_000  # numbers of records from here on are the cast's
NOON: datetime = END.astype("M8[s]").item()
Row = dict[str, Any]


@dataclass(frozen=True)
class Player:
    """Who plays a role: all that records say of them."""

    role: str
    person: int
    number: int
    given: str
    family: str
    email: str
    phone: str
    account: str
    order: str
    product: int


def add_cast(history: History, owned: Mapping[str, Owned]) -> tuple[dict[str, Owned], dict[str, int]]:
    """Write every role that somebody can play into the tables; give these, and who plays what.

    A small world has fewer roles.
    """
    grown, cast = dict(owned), {}
    for player in _players(history, owned):
        cast[player.role] = player.person
        written: dict[str, list[tuple[Row, str | None]]] = {}
        for table, row, mood in _WRITTEN[player.role](player) if player.role in _WRITTEN else ():
            written.setdefault(table, []).append((row, mood))
        for table, rows in written.items():
            grown[table] = joined(grown[table], _as_owned(table, rows, player.person))
    if cast:
        grown["sms_messages"], grown["calls"] = in_time(grown["sms_messages"]), in_time(grown["calls"])
    return grown, cast


def _players(history: History, owned: Mapping[str, Owned]) -> Iterator[Player]:
    """Choose somebody for each role: the vip by what they spent, the others in the order of their numbers."""
    free = _free(history, owned)
    orders, count = history.orders, len(history.people)
    last = np.full(count, np.datetime64("NaT", "us"))
    np.fmax.at(last, orders.person, orders.at)
    spent = np.bincount(
        orders.person, weights=orders.total * ~orders.cancelled - orders.refund, minlength=count
    )
    online = np.bincount(orders.person, weights=~orders.cancelled & ~orders.in_store, minlength=count) > 0
    clear = history.habits.own_email & ~history.people.second_self & online  # of the vip nothing is written
    lapsed = np.flatnonzero(clear & (last < END - LAPSED))
    chosen = {"lapsed_vip": int(lapsed[np.argmax(spent[lapsed])])} if len(lapsed) else {}
    others = [int(person) for person in np.flatnonzero(free & (last > END - LAPSED))]
    chosen |= dict(zip((role for role in ROLES if role != "lapsed_vip"), others, strict=False))
    return (_player(history, role, chosen[role]) for role in ROLES if role in chosen)


def _free(history: History, owned: Mapping[str, Owned]) -> Flags:
    """Mark buyers in Britain with one address, a number of their own and an account, about whom little else is told."""
    people, habits = history.people, history.habits
    free = habits.own_email & habits.own_phone & people.has_account & ~people.second_self
    free &= (people.country == COUNTRIES.index("GB")) & (people.language == LANGUAGES.index("en"))
    for table in ("tickets", "survey_responses", "reviews", "form_submissions", "social_messages"):
        free[owned[table].person] = False
    for table in ("sms_messages", "email_messages", "chat_messages", "calls"):
        late = owned[table].table["occurred_at"].to_numpy() > END - QUIET
        free[owned[table].person[late]] = False
    bought, accounts = np.zeros_like(free), np.zeros_like(free)
    orders, account = history.orders, history.accounts
    bought[orders.person[~orders.cancelled & ~orders.in_store & present(orders.signed.email)]] = True
    accounts[account.person[(account.phone > 0) & ~account.bare]] = True
    return free & bought & accounts


def _player(history: History, role: str, person: int) -> Player:
    people, orders = history.people, history.orders
    theirs: Ints = np.flatnonzero((orders.person == person) & ~orders.cancelled & ~orders.in_store)
    arrived = theirs[orders.at[theirs] < END - DELIVERED]  # nobody speaks of what is not there yet
    order = int((arrived if len(arrived) else theirs)[-1])
    return Player(
        role=role,
        person=person,
        number=int(people.number[person]),
        given=people.given[person].as_py(),
        family=people.family[person].as_py(),
        email=people.emails[person].as_py(),
        phone=e164(people.phones[person : person + 1])[0].as_py(),
        account=people.accounts[person].as_py(),
        order=orders.name[order].as_py(),
        product=int(orders.first_product[order]),
    )


def _as_owned(table: str, rows: list[tuple[Row, str | None]], person: int) -> Owned:
    schema = pa.schema(list(COLUMNS[table].items()))
    written = pa.Table.from_pylist([row for row, _ in rows], schema=schema)
    return Owned(written, np.full(len(rows), person), pa.array([mood for _, mood in rows], pa.string()))


Written = Iterator[tuple[str, Row, str | None]]


def _record(source: str, name: str, at: datetime, **columns: Any) -> Row:
    return {"source": source, "source_record_id": name, "occurred_at": at, "received_at": NOON, **columns}


def _ago(**parts: float) -> datetime:
    return NOON - timedelta(**parts)


def _survey(player: Player, at: datetime, score: int, answer: str) -> Written:
    """Write an answer to whether they would recommend us; a person answers once a day at most."""
    name = str(BY_HAND + player.number * 1000 + (NOON - at).days)
    mood = "positive" if score >= 9 else "negative"
    yield (
        "survey_responses",
        _record(
            "delighted", f"response/{name}", at,
            response_id=name, survey_name="Delighted nps", kind="nps", score=float(score), score_scale=10,
            answer=answer, external_id=str(30_000_000 + player.number), email=player.email,
            given_name=player.given, family_name=player.family,
        ),
        mood,
    )  # fmt: skip


def _review(player: Player, at: datetime, stars: int, text: tuple[str, str], mood: str) -> Written:
    """Write a review of the company on Trustpilot."""
    name = f"ca57{player.number:012d}"
    yield (
        "reviews",
        _record(
            "trustpilot", f"review/{name}", at,
            review_id=name, external_id=str(50_000_000 + player.number), email=player.email,
            given_name=player.given, family_name=player.family, order_id=player.order, rating=float(stars),
            rating_scale=5, title=text[0], body=text[1], is_verified=True, language="en", channel="trustpilot",
        ),
        mood,
    )  # fmt: skip


def _comments(
    player: Player, ticket: str, subject: str, stands: str, turns: list[tuple[datetime, str | None, str]]
) -> Written:
    """Write what was said in a ticket: when, in what mood (None: by an agent), and what."""
    for ordinal, (at, mood, body) in enumerate(turns):
        name = str(79_000_000_000 + player.number * 10 + ordinal)
        yield (
            "chat_messages",
            _record(
                "zendesk", f"message/{name}", at,
                conversation_id=ticket, message_id=name, author_kind="customer" if mood else "agent",
                external_id=str(FIRST_USER + player.number), email=player.email, body=body, topic=subject,
                conversation_status=stands, channel="email" if mood else "web", is_private=False,
            ),
            mood,
        )  # fmt: skip


def _ticket(
    player: Player, subject: str, status: str, turns: list[tuple[datetime, str | None, str]], **columns: Any
) -> Written:
    """Write a complaint and what was said in it; the first turn is the customer's, the second our answer."""
    name, opened = str(BY_HAND + player.number), turns[0][0]
    answered = turns[1][0]
    yield (
        "tickets",
        _record(
            "zendesk", f"ticket/{name}", opened,
            ticket_id=name, external_id=str(FIRST_USER + player.number), email=player.email,
            given_name=player.given, family_name=player.family, subject=subject, description=turns[0][2],
            status=status, priority="high", kind="problem", channel="email", assignee=str(FIRST_AGENT),
            group_name=GROUP, tags=TAGS[0], updated_at=turns[-1][0], first_response_at=answered,
            due_at=opened + timedelta(days=1), sla_breached=answered > opened + timedelta(days=1),
        ) | columns,
        turns[0][1],
    )  # fmt: skip
    yield from _comments(player, name, subject, "open" if status == "open" else "resolved", turns)


def _text(player: Player, number: int, at: datetime, body: str, mood: str | None) -> Written:
    """Write a text message: theirs, with its mood, or ours."""
    name = f"SMca57{player.number:020d}{number:08d}"
    yield (
        "sms_messages",
        _record(
            "twilio", f"message/{name}", at,
            message_id=name, channel="sms", direction="inbound" if mood else "outbound", phone=player.phone,
            from_address=player.phone if mood else OUR_NUMBER, to_address=OUR_NUMBER if mood else player.phone,
            body=body, status="received" if mood else "delivered", segment_count=1, media_count=0,
            price_micros=7_500 if mood else 41_000, currency="USD",
        ),
        mood,
    )  # fmt: skip


def _mails(player: Player, subject: str, turns: list[tuple[datetime, str | None, str]]) -> Written:
    """Write a thread of mails, theirs with a mood."""
    names = [
        f"ca57{player.number:010d}{at:02d}@{'mail.example.org' if mood else 'harbour-and-pine.example.com'}"
        for at, (_, mood, _) in enumerate(turns)
    ]
    for ordinal, (at, mood, body) in enumerate(turns):
        yield (
            "email_messages",
            _record(
                "mail", f"message/{names[ordinal]}", at,
                message_id=names[ordinal], thread_id=names[0], direction="inbound" if mood else "outbound",
                kind="letter", email=player.email, given_name=player.given if mood else None,
                family_name=player.family if mood else None, from_email=player.email if mood else OUR_MAILBOX,
                to_email=OUR_MAILBOX if mood else player.email, subject=f"Re: {subject}" if ordinal else subject,
                body_text=body, in_reply_to=names[ordinal - 1] if ordinal else None, attachment_count=0,
            ),
            mood,
        )  # fmt: skip


def _missed_call(player: Player, number: int, at: datetime, *, inbound: bool) -> Written:
    name = f"CAca57{player.number:020d}{number:08d}"
    yield (
        "calls",
        _record(
            "twilio", f"call/{name}", at,
            call_id=name, direction="inbound" if inbound else "outbound", phone=player.phone,
            from_address=player.phone if inbound else OUR_NUMBER, to_address=OUR_NUMBER if inbound else player.phone,
            status="no_answer", duration_seconds=0,
        ),
        None,
    )  # fmt: skip


def _open_complaint(player: Player) -> Written:
    yield from _ticket(player, f"{player.order} came with a crack", "open", [
        (_ago(days=3, hours=2), "negative", "Half of it arrived broken and I am very unhappy about the packing."),
        (_ago(days=2, hours=20), None, f"Dear {player.given}, I am sorry. Could you send us a photo?\n\nPriya"),
        (_ago(hours=21), "negative", "I sent the photo two days ago. Nothing has happened since. This is bad service."),
    ])  # fmt: skip


def _detractor(player: Player) -> Written:
    yield from _survey(
        player, _ago(days=9), 2, "Nobody feels responsible. I was passed on three times, awful."
    )
    words = ("Passed from one to the next", "Terrible support. I gave up in the end.")
    yield from _review(player, _ago(days=8), 1, words, "negative")


def _advocate(player: Player) -> Written:
    product = read_catalogue().names[player.product]
    yield from _survey(
        player, _ago(days=12), 10, "I love the things and the people. Recommended to half my street!"
    )
    words = ("My favourite shop", f"The {product} is wonderful and the service is a joy.")
    yield from _review(player, _ago(days=20), 5, words, "positive")
    yield from _mails(player, "Thank you", [
        (_ago(days=19), "positive", f"The {product} is a joy every morning. Thank you all!\n\n{player.given}"),
        (_ago(days=18, hours=22), None, f"Dear {player.given},\n\nyou have made our day.\n\nIngrid\nHarbour & Pine"),
    ])  # fmt: skip


def _recovered(player: Player) -> Written:
    yield from _survey(
        player, _ago(days=85), 3, "The parcel was lost and I had to chase you for it. Very annoying."
    )
    yield from _ticket(player, f"Lost parcel of {player.order}", "closed", [
        (_ago(days=86), "negative", "My parcel is lost and nobody tells me anything. I am really upset."),
        (_ago(days=85, hours=20), None, f"Dear {player.given}, I have sent a new one by courier today.\n\nTom"),
        (_ago(days=84), "positive", "It is here, and with flowers! Thank you so much, that was great."),
    ], solved_at=_ago(days=83), updated_at=_ago(days=82), satisfaction="good")  # fmt: skip
    yield from _survey(player, _ago(days=5), 9, "They put it right and have been excellent since.")


def _waits(player: Player) -> Written:
    yield from _text(
        player, 0, _ago(hours=4), f"Hello, can I still change the address for {player.order}?", "neutral"
    )


def _changed_channel(player: Player) -> Written:
    yield from _text(
        player,
        0,
        _ago(days=2, hours=3),
        f"Hi, one handle of {player.order} is loose. What can I do?",
        "neutral",
    )
    yield from _text(
        player, 1, _ago(days=2, hours=2.7), "Could you mail us a photo of it? Sam, Harbour & Pine", None
    )
    yield from _mails(player, "Photo of the loose handle", [
        (_ago(days=2, hours=2), "neutral", f"Here is what it looks like. Is there a way to mend it?\n\n{player.given}"),
        (_ago(days=1, hours=22), None, f"Dear {player.given},\n\na new screw is in the post, it takes a minute.\n\nSam"),
        (_ago(days=1, hours=20), "positive", f"Perfect, thank you for the quick help!\n\n{player.given}"),
    ])  # fmt: skip


def _missed_calls(player: Player) -> Written:
    yield from _missed_call(player, 0, _ago(days=1, hours=3), inbound=True)
    yield from _missed_call(player, 1, _ago(days=1, hours=1), inbound=False)
    yield from _missed_call(player, 2, _ago(hours=2), inbound=True)


def _verified_reviewer(player: Player) -> Written:
    catalogue, name = read_catalogue(), f"ca57{player.number:012d}"
    handle = catalogue.handles[player.product]
    yield (
        "reviews",
        _record(
            "klaviyo", f"review/{name}", _ago(days=15),
            review_id=name, email=player.email, product_id=handle,
            product_name=catalogue.names[player.product], rating=5.0, rating_scale=5, title="Just right",
            body="Solid, handsome, and exactly the size that I needed. Very pleased.", is_verified=True,
            is_published=True, url=f"https://harbour-and-pine.example.com/products/{handle}",
            reply_text=f"Thank you, {player.given}!", replied_at=_ago(days=14),
        ),
        "positive",
    )  # fmt: skip


def _objects(player: Player) -> Written:
    name = f"obj{player.number:08d}"
    yield (
        "consents",
        _record(
            "shopify", f"consent/{name}", _ago(days=40),
            external_id=player.account, email=player.email, channel="email", purpose="profiling", action="revoke",
            legal_basis="legitimate_interest", method="letter", wording="I object to profiling.", locale="en",
        ),
        None,
    )  # fmt: skip


_WRITTEN = {
    "open_complaint": _open_complaint,
    "detractor": _detractor,
    "advocate": _advocate,
    "recovered": _recovered,
    "waits_for_an_answer": _waits,
    "changed_channel": _changed_channel,
    "missed_calls": _missed_calls,
    "verified_reviewer": _verified_reviewer,
    "objects_to_profiling": _objects,
}
