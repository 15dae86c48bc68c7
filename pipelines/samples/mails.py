"""The support mailbox: refunds that were asked for by e-mail, and questions; both directions, with threads."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.samples.arrays import Flags, Ints, Streams, Strings, blank, chance, choose, hex_ids, join, take
from pipelines.samples.conversations import curiosity, joined, play, refunds
from pipelines.samples.noise import Noise
from pipelines.samples.orders import Orders
from pipelines.samples.people import END, People
from pipelines.samples.signatures import choose_selves, clean_emails, sign
from pipelines.samples.tables import canonical
from pipelines.samples.wording import read_scripts

OURS = "hello@harbour-and-pine.example.com"
ASK_BY_MAIL = 0.75
ENQUIRIES = 0.3
PHOTO_SHARE = 0.25  # of first mails about a refund: a photo of the damage


def email_messages_table(
    streams: Streams, people: People, orders: Orders, noise: Noise
) -> tuple[pa.Table, Ints]:
    """Give every message of the support mailbox, thread by thread; and whose it is."""
    rng = streams("mails")
    kinds = (refunds(rng, orders, ASK_BY_MAIL), curiosity(rng, people, ENQUIRIES))
    turns = [
        play(rng, people, orders, episodes, read_scripts("mail", topic), 14_000)
        for episodes, topic in zip(kinds, ("refund", "enquiry"), strict=True)
    ]
    episodes = joined(list(kinds))
    episode = np.r_[turns[0].episode, turns[1].episode + len(kinds[0])]
    position, at, speaker, text = (
        np.concatenate([getattr(some, name) for some in turns]) if name in {"position", "at"} else
        pa.concat_arrays([getattr(some, name) for some in turns])
        for name in ("position", "at", "speaker", "text")
    )  # fmt: skip
    headed = np.flatnonzero(position == 0)  # the first turn of a script is its subject line
    subject = take(text, headed)[:]
    spoken = position > 0
    episode, position, at = episode[spoken], position[spoken], at[spoken]
    speaker, text = speaker.filter(pa.array(spoken)), text.filter(pa.array(spoken))
    person = episodes.person[episode]
    selves = choose_selves(rng, people, episodes.person, 0.35)
    address = clean_emails(people, episodes.person, selves)
    signed = sign(rng, people, episodes.person, selves, episodes.at, noise)
    inbound: Flags = np.asarray(pc.equal(speaker, "customer").to_numpy(zero_copy_only=False))
    identity = streams.first * 10 + np.arange(len(episode))
    message = join(
        hex_ids("mail", streams.seed, identity, 16),
        choose(inbound, "@mail.example.org", "@harbour-and-pine.example.com"),
    )
    first = position == 1
    start = np.maximum.accumulate(np.where(first, np.arange(len(episode)), 0))
    before = np.maximum(np.arange(len(episode)) - 1, 0)
    email = take(address, episode)
    photos = first & (episode < len(kinds[0])) & chance(rng, len(episode), PHOTO_SHARE)
    table = canonical(
        "email_messages",
        "mail",
        len(episode),
        END,
        source_record_id=join("message/", message),
        occurred_at=at,
        message_id=message,
        thread_id=take(message, start),
        direction=choose(inbound, "inbound", "outbound"),
        email=email,
        given_name=blank(take(signed.given, episode), ~inbound),
        family_name=blank(take(signed.family, episode), ~inbound),
        from_email=choose(inbound, email, OURS),
        to_email=choose(inbound, OURS, email),
        subject=_subjects(take(subject, episode), first),
        body_text=text,
        in_reply_to=blank(take(message, before), first),
        attachment_count=photos.astype(np.int64),
    )
    return table, person


def _subjects(subjects: Strings, first: Ints) -> Strings:
    return choose(first, subjects, join("Re: ", subjects))
