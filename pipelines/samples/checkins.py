"""Check-ins: agents ask people how things are, by e-mail, text, WhatsApp and phone; who answers does so by habit.

Everybody with a preferred channel is asked a few times over half a year, on several channels; most of their
answers come on the preferred one, at their usual hour. Of the others some are asked, and answer anywhere.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.samples.arrays import (
    DAY,
    Flags,
    Ints,
    Random,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    days,
    hex_ids,
    join,
    seconds,
    take,
    weighted,
)
from pipelines.samples.conversations import Episodes, Stage
from pipelines.samples.habits import CHANNELS, NONE, Habits
from pipelines.samples.history import History
from pipelines.samples.mails import OURS as OUR_MAILBOX
from pipelines.samples.people import People
from pipelines.samples.signatures import clean_emails
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END, HOUR, hours_ahead
from pipelines.samples.wording import read_scripts

ROUNDS, OTHERS_ASKED = 1.6, 0.12  # rounds after the second one; share of people without a preference
SINCE = 170  # days before the end of the world
SENT_BY_PREFERRED, SENT_BY_OTHER = 0.75, 0.4
ANSWERS_THERE, ANSWERS_ELSEWHERE, ANSWERS_ANYWHERE = 0.62, 0.05, 0.2
FEELINGS, FEELING_WEIGHTS = ("pleased", "plain", "upset"), (0.55, 0.37, 0.08)
NEVER = np.datetime64("NaT", "us")


class CheckIns(NamedTuple):
    """A row a message or call of ours: to whom, on which channel, when, and when they answered (NaT: never)."""

    person: Ints
    channel: Ints
    at: Times
    answered_at: Times

    def by(self, channel: str) -> "CheckIns":
        """Keep those on one channel, by person and time."""
        rows = np.flatnonzero(self.channel == CHANNELS.index(channel))
        rows = rows[np.lexsort((self.at[rows], self.person[rows]))]
        return CheckIns(self.person[rows], self.channel[rows], self.at[rows], self.answered_at[rows])

    @property
    def answered(self) -> Flags:
        """Mark those that were answered before the world ends."""
        return self.answered_at <= END


class Replies(NamedTuple):
    """What we asked, and what was answered (NULL: nothing), with its mood."""

    subject: Strings
    asked: Strings
    answer: Strings
    mood: Strings


def check_in(streams: Streams, people: People, habits: Habits) -> CheckIns:
    """Ask people how things are, during their day."""
    rng = streams("checkins")
    particular = habits.channel != NONE
    some = chance(rng, len(people), OTHERS_ASKED)
    rounds = np.where(particular, 2 + np.minimum(rng.poisson(ROUNDS, len(people)), 4), some * 2)
    person = np.repeat(np.arange(len(people)), rounds)
    day: Times = (END - days(rng.uniform(2, SINCE, len(person)))).astype("M8[D]").astype("M8[us]")
    local = seconds(rng.uniform(10, 17.5, len(person)) * 3600)
    at: Times = day + (local - hours_ahead(people.place[person]) * HOUR)
    met = at > people.joined[person] + DAY
    round_of, channel = np.nonzero(np.tile(met[:, None], (1, len(CHANNELS))))
    person, at = person[round_of], at[round_of] + channel * seconds(rng.uniform(60, 900, len(round_of)))
    prefers = channel == habits.channel[person]
    can = np.where(channel == CHANNELS.index("email"), habits.own_email[person], habits.own_phone[person])
    kept = can & (rng.random(len(person)) < np.where(prefers, SENT_BY_PREFERRED, SENT_BY_OTHER)) & (at < END)
    person, channel, at, prefers = person[kept], channel[kept], at[kept], prefers[kept]
    elsewhere = np.where(particular[person], ANSWERS_ELSEWHERE, ANSWERS_ANYWHERE)
    answers = rng.random(len(person)) < np.where(prefers, ANSWERS_THERE, elsewhere)
    answered_at = np.where(answers, _answer_times(rng, people.place[person], habits.hour[person], at), NEVER)
    at_once = channel == CHANNELS.index("voice")  # a call is taken or not
    return CheckIns(person, channel, at, np.where(answers & at_once, at, answered_at))


def checkin_mails(streams: Streams, history: History, checkins: CheckIns) -> Owned:
    """Give the check-ins by e-mail and their answers, thread by thread, as the support mailbox has them."""
    rng, ours = streams("checkin_mails"), checkins.by("email")
    said = _talk(rng, history, ours, "mail")
    row, is_answer = _in_turns(ours.answered)
    people, count = history.people, len(row)
    email = take(clean_emails(people, ours.person, ours.person * 0), row)
    names = hex_ids("checkin", streams.seed, (streams.first * 10 + row) * 2 + is_answer, 16)
    message = join(names, choose(is_answer, "@mail.example.org", "@harbour-and-pine.example.com"))
    opening = np.maximum.accumulate(np.where(is_answer, 0, np.arange(count)))
    subject = take(said.subject, row)
    name_hidden = ~is_answer
    table = canonical(
        "email_messages",
        "mail",
        count,
        END,
        source_record_id=join("message/", message),
        occurred_at=np.where(is_answer, ours.answered_at[row], ours.at[row]),
        message_id=message,
        thread_id=take(message, opening),
        direction=choose(is_answer, "inbound", "outbound"),
        kind="letter",
        email=email,
        given_name=blank(take(people.given, ours.person[row]), name_hidden),
        family_name=blank(take(people.family, ours.person[row]), name_hidden),
        from_email=choose(is_answer, email, OUR_MAILBOX),
        to_email=choose(is_answer, OUR_MAILBOX, email),
        subject=choose(is_answer, join("Re: ", subject), subject),
        body_text=choose(is_answer, take(said.answer, row), take(said.asked, row)),
        in_reply_to=blank(take(message, opening), ~is_answer),
        attachment_count=np.zeros(count, np.int64),
    )
    return Owned(table, ours.person[row], blank(take(said.mood, row), ~is_answer))


def checkin_texts(streams: Streams, history: History, checkins: CheckIns, channel: str) -> "Texts":
    """Give the check-ins by SMS or WhatsApp and their answers."""
    rng, ours = streams(f"checkin_{channel}"), checkins.by(channel)
    said = _talk(rng, history, ours, "text")
    row, is_answer = _in_turns(ours.answered)
    at = np.where(is_answer, ours.answered_at[row], ours.at[row])
    body = choose(is_answer, take(said.answer, row), take(said.asked, row))
    return Texts(ours.person[row], at, is_answer, body, blank(take(said.mood, row), ~is_answer))


class Texts(NamedTuple):
    """A row a text message: whose, when, whether they wrote it, what it says, in what mood."""

    person: Ints
    at: Times
    inbound: Flags
    body: Strings
    mood: Strings


def _talk(rng: Random, history: History, ours: CheckIns, topic: str) -> Replies:
    """Word what we ask and what they answer."""
    stage = Stage(rng, history.people, history.orders)
    count = len(ours.person)
    nothing = np.zeros(count, np.int64)
    episodes = Episodes(ours.person, ours.at, nothing - 1, nothing)
    turns = stage.play(episodes, read_scripts("checkin", topic), 0)
    last = np.flatnonzero(np.r_[turns.episode[1:] != turns.episode[:-1], True])[:count]
    asked, subject = take(turns.text, last), take(turns.text, np.flatnonzero(turns.position == 0))
    texts, moods = zip(
        *(stage.word(episodes, read_scripts("checkin", feeling)) for feeling in FEELINGS), strict=True
    )
    which = weighted(rng, count, FEELING_WEIGHTS) * count + np.arange(count)
    answer, mood = (take(pa.concat_arrays(words), which) for words in (texts, moods))
    return Replies(subject, asked, answer, mood)


def _in_turns(answered: Flags) -> tuple[Ints, Flags]:
    """Spread each check-in into what we said and, where it was answered, what they said."""
    row = np.repeat(np.arange(len(answered)), 1 + answered)
    return row, np.r_[False, row[1:] == row[:-1]][: len(row)]


def _answer_times(rng: Random, place: Ints, hour: Ints, at: Times) -> Times:
    """Draw when each answers: the next time that it is their usual hour, or within a day for who has none."""
    ahead = hours_ahead(place) * HOUR
    local: Times = at + ahead
    midnight: Times = local.astype("M8[D]").astype("M8[us]")
    usual: Times = midnight + seconds((hour + rng.random(len(at))) * 3600)
    soon = usual <= local + seconds(np.full(len(at), 300))
    by_habit = usual + (soon * DAY - ahead)
    return np.where(hour == NONE, at + seconds(rng.uniform(600, 80_000, len(at))), by_habit)
