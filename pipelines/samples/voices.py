"""What people do and say where nobody asked them: forms, posts that mention the company, visits to the site."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Ints,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    digits,
    hex_ids,
    join,
    pick,
    present,
    seconds,
    take,
    weighted,
    whole_seconds,
)
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.conversations import Episodes, Stage, curiosity
from pipelines.samples.history import History
from pipelines.samples.identifiers import of_the_shop
from pipelines.samples.purchases import CURRENCY
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END, HOUR
from pipelines.samples.wording import read_scripts

FORMS = 0.1  # a person
MENTIONS = 1.3  # of those whom we know by their name in a messenger
MOODS_OF_POSTS = (0.45, 0.35, 0.2)
OUTCRY_AT, OUTCRY_LASTS, OUTCRY = (
    END - 9 * DAY,
    40 * HOUR,
    0.22,
)  # a weekend on which the carrier was on strike
NETWORKS, NETWORK_WEIGHTS = ("x", "instagram", "facebook"), (0.3, 0.5, 0.2)
VISITS = 2.4  # steps on the site while signed in, an account, in the last months
VISITED_SINCE = 120  # days
STEPS, STEP_WEIGHTS = (
    ("viewed_page", "product_viewed", "product_added", "checkout_started"),
    (0.3, 0.45, 0.18, 0.07),
)
SITE = "https://harbour-and-pine.example.com/"
FORM, FORM_NAME = "HpCntct1", "Contact us"


def forms_table(streams: Streams, history: History) -> Owned:
    """Give what was written into the contact form, by people whose address is theirs alone."""
    rng, people = streams("forms"), history.people
    asked = _oldest_first(curiosity(rng, people, FORMS), history.habits.own_email)
    text, mood = Stage(rng, people, history.orders).word(asked, read_scripts("voice", "form"))
    name = hex_ids("form", streams.seed, streams.first * 10 + np.arange(len(asked)))
    answers = [
        [{"field": {"id": "msg1", "type": "long_text"}, "type": "text", "text": said}]
        for said in text.to_pylist()
    ]
    table = canonical(
        "form_submissions",
        "typeform",
        len(asked),
        END,
        source_record_id=join("submission/", name),
        occurred_at=asked.at,
        submission_id=name,
        form_id=FORM,
        form_name=FORM_NAME,
        page_url=SITE + "contact",
        email=clean_emails(people, asked.person, asked.person * 0),
        given_name=take(people.given, asked.person),
        family_name=take(people.family, asked.person),
        message=text,
        fields=pa.array([json.dumps(answer, ensure_ascii=False) for answer in answers], pa.string()),
    )
    return Owned(table, asked.person, mood)


def mentions_table(streams: Streams, history: History, chats: Owned) -> Owned:
    """Give the posts in which people mention the company; they are those whom we know from a messenger."""
    rng, people = streams("mentions"), history.people
    known = np.unique(chats.person[present(chats.table["handle"].combine_chunks())])
    usual = np.repeat(known, rng.poisson(MENTIONS, len(known)))
    angry = known[chance(rng, len(known), OUTCRY)]
    room = (END - people.joined[usual]) / DAY
    at = np.r_[
        people.joined[usual] + days(rng.random(len(usual)) * room),
        OUTCRY_AT + seconds(rng.random(len(angry)) * (OUTCRY_LASTS / np.timedelta64(1, "s"))),
    ]
    topic = np.r_[weighted(rng, len(usual), MOODS_OF_POSTS), np.full(len(angry), 2)]
    person = np.r_[usual, angry]
    order = np.lexsort((person, at))
    order = order[(at[order] <= END) & (at[order] > people.joined[person[order]])]
    person, at, topic = person[order], whole_seconds(at[order]), topic[order]
    text, mood = _posts(Stage(rng, people, history.orders), person, at, topic)
    count = len(person)
    network = pick(NETWORKS, weighted(rng, count, NETWORK_WEIGHTS))
    name = digits(910_000_001 + streams.first * 10 + np.arange(count))
    table = canonical(
        "social_messages",
        "social_mentions",
        count,
        END,
        source_record_id=join("message/", name),
        occurred_at=at,
        message_id=name,
        channel=network,
        kind=choose(chance(rng, count, 0.7), "mention", "comment"),
        direction="inbound",
        handle=join("chat:", take(people.handle, person)),
        body=text,
        url=join("https://", network, ".example.com/posts/", name),
        media_count=chance(rng, count, 0.3).astype(np.int64),
    )
    return Owned(table, person, mood)


def visits_table(streams: Streams, history: History) -> Owned:
    """Give what people did on the shop's site while they were signed in, oldest first."""
    rng, accounts, catalogue = streams("visits"), history.accounts, read_catalogue()
    account = np.repeat(np.arange(len(accounts)), rng.poisson(VISITS, len(accounts)))
    at = whole_seconds(END - days(rng.random(len(account)) ** 1.3 * VISITED_SINCE))
    person = accounts.person[account]
    left = history.leaving.at[person]
    stays = (at > accounts.at[account]) & ~(at > left)
    order = np.flatnonzero(stays)
    order = order[np.lexsort((person[order], at[order]))]
    account, person, at, count = account[order], person[order], at[order], len(order)
    step = weighted(rng, count, STEP_WEIGHTS)
    product = rng.integers(0, len(catalogue.handles), count)
    of_product = (step == 1) | (step == 2)
    handles = blank(pick(catalogue.handles, product), ~of_product)
    added = step == 2
    name = join("ajs-", hex_ids("visit", streams.seed, streams.first * 10 + np.arange(count)))
    page = pick(("garden", None, None, "checkout"), step)
    table = canonical(
        "events",
        "segment",
        count,
        END,
        source_record_id=join("event/", name),
        occurred_at=at,
        event_id=name,
        name=pick(STEPS, step),
        external_id=of_the_shop(take(accounts.number, account)),
        email=clean_emails(history.people, person, accounts.selves[account]),
        device_id=take(history.people.device, person),
        value_minor=pa.array(catalogue.prices[product], mask=~added),
        currency=blank(pa.repeat(pa.scalar(CURRENCY), count), ~added),
        product_id=handles,
        url=join(
            SITE,
            choose(of_product, join("products/", pick(catalogue.handles, product)), pc.fill_null(page, "")),
        ),
    )
    return Owned(table, person)


def _oldest_first(asked: Episodes, may: np.ndarray) -> Episodes:
    order = np.lexsort((asked.person, asked.at))
    order = order[may[asked.person[order]] & (asked.at[order] <= END)]
    return Episodes(asked.person[order], asked.at[order], asked.order[order], asked.days[order])


def _posts(stage: Stage, person: Ints, at: Times, topic: Ints) -> tuple[Strings, Strings]:
    """Word each post by its topic."""
    nothing = np.zeros(len(person), np.int64)
    episodes = Episodes(person, at, nothing - 1, nothing)
    texts, moods = zip(
        *(stage.word(episodes, read_scripts("voice", kind)) for kind in ("praise", "chatter", "outcry")),
        strict=True,
    )
    row = topic * len(person) + np.arange(len(person))
    return take(pa.concat_arrays(texts), row), take(pa.concat_arrays(moods), row)
