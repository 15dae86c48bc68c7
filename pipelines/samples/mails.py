"""The support mailbox: refunds that were asked for by e-mail, and questions; threads, both directions."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import (
    Flags,
    Ints,
    Streams,
    Strings,
    Times,
    blank,
    chance,
    choose,
    hex_ids,
    join,
    marked,
    take,
)
from pipelines.samples.conversations import Stage, Turns, curiosity, joined, refunds
from pipelines.samples.history import History
from pipelines.samples.signatures import act, clean_emails, sign
from pipelines.samples.tables import Owned, canonical
from pipelines.samples.times import END
from pipelines.samples.wording import read_scripts

OURS = "hello@harbour-and-pine.example.com"
ASK_BY_MAIL = 0.75  # share of the refunds
ENQUIRIES = 0.3  # a person
PHOTO_SHARE = 0.25  # of first mails about a refund: a photo of the damage
PAUSE = 14_000  # seconds until somebody answers


class Mail(NamedTuple):
    """A row a message, thread by thread; `opens` marks the first of a thread."""

    episode: Ints
    at: Times
    inbound: Flags
    opens: Flags
    subject: Strings
    text: Strings
    mood: Strings


def email_messages_table(streams: Streams, history: History) -> Owned:
    """Give every message of the support mailbox, thread by thread; and whose it is."""
    rng = streams("mails")
    stage = Stage(rng, history.people, history.drawn.orders)
    asked = refunds(rng, history.drawn.orders, ASK_BY_MAIL)
    curious = curiosity(rng, history.people, ENQUIRIES)
    topics = ((asked, "refund"), (curious, "enquiry"))
    mail = _threads(
        [stage.play(episodes, read_scripts("mail", topic), PAUSE) for episodes, topic in topics], len(asked)
    )
    episodes = joined([asked, curious])
    acts = act(rng, history.people, episodes.person, episodes.at, history.noise)
    signed = sign(rng, history.people, acts, history.noise)
    email = take(clean_emails(history.people, acts.person, acts.selves), mail.episode)
    message = _message_ids(streams, mail.inbound)
    rows = np.arange(len(mail.episode))
    photo = mail.opens & (mail.episode < len(asked)) & chance(rng, len(rows), PHOTO_SHARE)
    table = canonical(
        "email_messages",
        "mail",
        len(rows),
        END,
        source_record_id=join("message/", message),
        occurred_at=mail.at,
        message_id=message,
        thread_id=take(message, np.maximum.accumulate(np.where(mail.opens, rows, 0))),
        direction=choose(mail.inbound, "inbound", "outbound"),
        kind="letter",
        email=email,
        given_name=blank(take(signed.given, mail.episode), ~mail.inbound),
        family_name=blank(take(signed.family, mail.episode), ~mail.inbound),
        from_email=choose(mail.inbound, email, OURS),
        to_email=choose(mail.inbound, OURS, email),
        subject=choose(mail.opens, mail.subject, join("Re: ", mail.subject)),
        body_text=mail.text,
        in_reply_to=blank(take(message, np.maximum(rows - 1, 0)), mail.opens),
        attachment_count=photo.astype(np.int64),
    )
    whole = Owned(table, episodes.person[mail.episode], mail.mood)
    return whole.some(history.happened(episodes.order[mail.episode]))


def _threads(parts: list[Turns], first_count: int) -> Mail:
    """Make messages of turns: the first turn of a script is the subject line of all the others."""
    episode = np.r_[parts[0].episode, parts[1].episode + first_count]
    position, at = (np.concatenate([getattr(part, name) for part in parts]) for name in ("position", "at"))
    speaker, text, mood = (
        pa.concat_arrays([getattr(part, name) for part in parts]) for name in ("speaker", "text", "mood")
    )
    headed, spoken = np.flatnonzero(position == 0), np.flatnonzero(position > 0)
    return Mail(
        episode=episode[spoken],
        at=at[spoken],
        inbound=marked(pc.equal(take(speaker, spoken), "customer")),
        opens=position[spoken] == 1,
        subject=take(take(text, headed), episode[spoken]),
        text=take(text, spoken),
        mood=take(mood, spoken),
    )


def _message_ids(streams: Streams, inbound: Flags) -> Strings:
    names = hex_ids("mail", streams.seed, streams.first * 10 + np.arange(len(inbound)), 16)
    return join(names, choose(inbound, "@mail.example.org", "@harbour-and-pine.example.com"))
