"""Where people like to talk: a preferred channel for some of them, and the hour at which they usually answer."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from pipelines.samples.arrays import Flags, Ints, Streams, Strings, weighted
from pipelines.samples.contacts import Accounts
from pipelines.samples.people import People
from pipelines.samples.phones import e164
from pipelines.samples.times import END, START

CHANNELS = ("email", "sms", "whatsapp", "voice")
PARTICULAR, PARTICULAR_BY_MAIL = 0.5, 0.25  # of people who could choose, and of those who have e-mail only
WEIGHTS = (0.34, 0.3, 0.2, 0.16)  # of those with a number of their own; the others can only prefer e-mail
HOURS = (7, 8, 12, 17, 18, 19, 20)  # local ones
NONE = -1


@dataclass(frozen=True)
class Habits:
    """A row a person: the channel they prefer (a position in CHANNELS) and their usual hour, NONE for no habit.

    `own_email` and `own_phone` mark people whose first address or number is theirs alone, all the time, and stands in
    their account: only there does the company write and call personally.
    """

    channel: Ints
    hour: Ints
    own_email: Flags
    own_phone: Flags


def form_habits(streams: Streams, people: People, accounts: Accounts) -> Habits:
    """Give some people a preferred channel and a usual hour."""
    rng, count = streams("habits"), len(people)
    told, rings = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    told[accounts.person[accounts.selves == 0]] = True
    rings[accounts.person[(accounts.selves == 0) & (accounts.phone > 0)]] = True
    own_email = _alone(people.emails)[:count] & told
    kept = (people.phone_from <= START) & (people.phone_until > END)
    # the second selves of people often give the same number: that is still theirs alone
    own_phone = _alone(e164(people.phones[:count])) & kept & rings
    choosy = np.where(own_phone, PARTICULAR, PARTICULAR_BY_MAIL)
    particular = (rng.random(count) < choosy) & (own_email | own_phone)
    drawn = weighted(rng, count, WEIGHTS)
    drawn = np.where(own_phone, np.where(own_email, drawn, np.maximum(drawn, 1)), CHANNELS.index("email"))
    hour = np.asarray(HOURS)[rng.integers(0, len(HOURS), count)]
    return Habits(np.where(particular, drawn, NONE), np.where(particular, hour, NONE), own_email, own_phone)


def _alone(values: Strings) -> Flags:
    """Mark the values that stand only once."""
    codes = pc.fill_null(pc.dictionary_encode(values).indices, -1).to_numpy(zero_copy_only=False)
    alone: Flags = (codes >= 0) & (np.bincount(codes + 1)[codes + 1] == 1)
    return alone
