"""What people say of the company when they are asked, and in public: surveys and reviews.

Scores follow what happened to them: each late parcel and each late answer of the last half year costs points.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    DAY,
    Floats,
    Ints,
    Random,
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
    marked,
    pick,
    seconds,
    take,
    whole_seconds,
)
from pipelines.samples.catalogue import read_catalogue
from pipelines.samples.conversations import Episodes, Stage
from pipelines.samples.disappointments import Disappointments, disappoint
from pipelines.samples.history import History
from pipelines.samples.places import LANGUAGES
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, at_rows, canonical
from pipelines.samples.times import END
from pipelines.samples.wording import read_scripts

SURVEYS = 0.6  # recommendation surveys that a buyer answers, on average
ASKED_ABOUT_PARCEL = 0.08  # parcels whose receiver says how satisfied they are
REVIEWED = 0.1  # parcels
ON_TRUSTPILOT, VERIFIED = 0.35, 0.85
SAYS_WHY = 0.55
FIRST_RESPONSE, FIRST_REVIEW = 640_000_001, 1
ANSWERS = (("survey", "detractor"), ("survey", "passive"), ("survey", "promoter"))
REVIEWS = (("review", "late"), ("review", "complaint"), ("review", "fair"), ("review", "praise"))
SHOP = "https://harbour-and-pine.example.com/products/"


class Asked(NamedTuple):
    """A row an answer or review: who, when, about which order (-1: none)."""

    person: Ints
    at: Times
    order: Ints

    def some(self, rows: Ints) -> "Asked":
        """Keep some of them, in that order."""
        return Asked(self.person[rows], self.at[rows], self.order[rows])


class Scale(NamedTuple):
    """How a score is drawn: around `mean`, more where the person judges kindly, less for each disappointment."""

    least: int
    most: int
    mean: float
    kindness: float
    late: float
    slow: float
    spread: float


NPS = Scale(0, 10, mean=8.6, kindness=1.1, late=2.6, slow=3.2, spread=1.2)
CSAT = Scale(1, 5, mean=4.5, kindness=0.4, late=1.3, slow=1.2, spread=0.6)
STARS = Scale(1, 5, mean=4.4, kindness=0.6, late=1.5, slow=0.9, spread=0.6)


def surveys_table(streams: Streams, history: History, temper: Floats) -> Owned:
    """Give the answers to both surveys of the survey tool, oldest first."""
    rng = streams("surveys")
    bad = disappoint(history.orders, history.parcels, history.cases)
    would, did = _recommenders(rng, history), _receivers(rng, history, ASKED_ABOUT_PARCEL, 1, 4)
    nps = _score(rng, bad, would, NPS, temper)
    csat = _score(rng, bad, did, CSAT, temper)
    asked = Asked(np.r_[would.person, did.person], np.r_[would.at, did.at], np.r_[would.order, did.order])
    score, by_nps = np.r_[nps, csat], np.arange(len(asked.person)) < len(nps)
    order = np.lexsort((asked.person, asked.at))
    asked, score, by_nps = asked.some(order), score[order], by_nps[order]
    feeling = np.where(by_nps, (score >= 9) * 1 - (score <= 6), (score >= 4) * 1 - (score <= 2))
    stage = Stage(rng, history.people, history.orders)
    text, mood = _words(stage, asked, ANSWERS, feeling + 1)
    silent = ~chance(rng, len(score), SAYS_WHY)
    name = digits(FIRST_RESPONSE + streams.first * 10 + np.arange(len(score)))
    table = canonical(
        "survey_responses",
        "delighted",
        len(score),
        END,
        source_record_id=join("response/", name),
        occurred_at=asked.at,
        response_id=name,
        survey_name=choose(by_nps, "Delighted nps", "Delighted csat"),
        kind=choose(by_nps, "nps", "csat"),
        score=score.astype(np.float64),
        score_scale=np.where(by_nps, 10, 5),
        answer=blank(text, silent),
        external_id=digits(30_000_000 + history.people.number[asked.person]),
        email=clean_emails(history.people, asked.person, asked.person * 0),
        given_name=take(history.people.given, asked.person),
        family_name=take(history.people.family, asked.person),
        order_id=at_rows(history.orders.name, asked.order),
    )
    return Owned(table, asked.person, blank(mood, silent))


def reviews_table(streams: Streams, history: History, temper: Floats) -> Owned:
    """Give the reviews of the company (Trustpilot) and of its products (Klaviyo), oldest first."""
    rng, orders = streams("reviews"), history.orders
    bad = disappoint(orders, history.parcels, history.cases)
    asked = _receivers(rng, history, REVIEWED, 2, 21)
    order = np.lexsort((asked.person, asked.at))
    asked = asked.some(order)
    count = len(asked.person)
    stars = _score(rng, bad, asked, STARS, temper)
    late = bad.before(asked.person, asked.at, 0) > 0
    topic = np.where(stars >= 4, 3, np.where(stars == 3, 2, np.where(late, 0, 1)))
    stage = Stage(rng, history.people, orders)
    text, mood = _words(stage, asked, REVIEWS, topic)
    parts = pc.split_pattern(text, "|")
    on_trustpilot = chance(rng, count, ON_TRUSTPILOT)
    reply, replied_at = _answers(stage, asked, stars)
    product = orders.first_product[asked.order] if count else asked.order
    catalogue = read_catalogue()
    handles = blank(pick(catalogue.handles, product), on_trustpilot)
    name = hex_ids("review", streams.seed, streams.first * 10 + np.arange(count), 16)
    email = take(orders.signed.email, asked.order)
    consumer = digits(50_000_000 + history.people.number[asked.person])
    given, family = (take(names, asked.person) for names in (history.people.given, history.people.family))
    table = canonical(
        "reviews",
        "trustpilot",
        count,
        END,
        source_record_id=join("review/", name),
        occurred_at=asked.at,
        review_id=name,
        external_id=blank(consumer, ~on_trustpilot),
        email=email,
        given_name=blank(given, ~on_trustpilot),
        family_name=blank(family, ~on_trustpilot),
        product_id=handles,
        product_name=blank(pick(catalogue.names, product), on_trustpilot),
        order_id=blank(take(orders.name, asked.order), ~on_trustpilot),
        rating=stars.astype(np.float64),
        rating_scale=np.full(count, 5),
        title=pc.list_element(parts, 0),
        body=pc.list_element(parts, 1),
        is_verified=chance(rng, count, VERIFIED),
        is_published=pa.array(np.ones(count, dtype=np.bool_), mask=on_trustpilot),
        language=blank(pick(LANGUAGES, history.people.language[asked.person]), ~on_trustpilot),
        url=join(SHOP, handles),
        channel=blank(pa.repeat(pa.scalar("trustpilot"), count), ~on_trustpilot),
        reply_text=reply,
        replied_at=replied_at,
    )
    source = choose(on_trustpilot, "trustpilot", "klaviyo")
    return Owned(table.set_column(0, "source", source), asked.person, mood)


def judge_kindly(streams: Streams, people: int) -> Floats:
    """Draw how kindly each person judges: 0 is usual, 1 and more is kind."""
    return streams("temper").standard_normal(people)


def _recommenders(rng: Random, history: History) -> Asked:
    """Ask buyers now and then whether they would recommend the company, three weeks after an order or later."""
    orders, people = history.orders, len(history.people)
    first = np.full(people, END)
    np.minimum.at(first, orders.person, orders.at)
    buyer = np.flatnonzero((first + 21 * DAY < END) & history.habits.own_email)
    person = np.repeat(buyer, rng.poisson(SURVEYS, len(buyer)))
    room = (END - first[person]) / DAY - 21
    at = whole_seconds(first[person] + days(21 + rng.random(len(person)) * room))
    return Asked(person, at, np.full(len(person), -1))


def _receivers(rng: Random, history: History, share: float, soonest: float, latest: float) -> Asked:
    """Let the receivers of `share` of the parcels speak up some days later, where they gave a real address."""
    parcels, orders = history.parcels, history.orders
    at = whole_seconds(parcels.delivered_at + days(rng.uniform(soonest, latest, len(parcels))))
    writes = marked(pc.match_substring(orders.signed.email, "@"))[parcels.order]
    rows = np.flatnonzero(chance(rng, len(parcels), share) & ~parcels.lost & (at <= END) & writes)
    order = parcels.order[rows]
    return Asked(orders.person[order], at[rows], order)


def _score(rng: Random, bad: Disappointments, asked: Asked, scale: Scale, temper: Floats) -> Ints:
    """Draw the score that each gives, less what each disappointment that they remember costs."""
    late, slow = (np.minimum(bad.before(asked.person, asked.at, cause), 2) for cause in (0, 1))
    mean = scale.mean + scale.kindness * temper[asked.person] - scale.late * late - scale.slow * slow
    drawn = np.rint(mean + rng.normal(0, scale.spread, len(mean)))
    return np.clip(drawn, scale.least, scale.most).astype(np.int64)


def _words(
    stage: Stage, asked: Asked, topics: tuple[tuple[str, str], ...], which: Ints
) -> tuple[Strings, Strings]:
    """Word what each says, by the topic that `which` chooses; and give the mood of it."""
    nothing = np.zeros(len(asked.person), np.int64)
    episodes = Episodes(asked.person, asked.at, asked.order, nothing)
    texts, moods = zip(*(stage.word(episodes, read_scripts(*topic)) for topic in topics), strict=True)
    row = which * len(nothing) + np.arange(len(nothing))
    return take(pa.concat_arrays(texts), row), take(pa.concat_arrays(moods), row)


def _answers(stage: Stage, asked: Asked, stars: Ints) -> tuple[Strings, Times]:
    """Let the company answer most bad reviews within a week."""
    rng = stage.rng
    text, _ = _words(stage, asked, (("review", "answer"),), np.zeros(len(stars), np.int64))
    at = whole_seconds(asked.at + seconds(rng.uniform(7200, 500_000, len(stars))))
    answered = (stars <= 2) & chance(rng, len(stars), 0.8) & (at <= END)
    return blank(text, ~answered), np.where(answered, at, np.datetime64("NaT", "us"))
