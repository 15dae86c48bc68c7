"""By which channels each may be written to, as the gate says: asked for some people at a time."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from messaging.addresses import normalise
from messaging.facts import Candidate
from messaging.planner.grounds import Ground
from messaging.policy import Allowed, Blocked, SendFacts, decide

ADDRESS_COLUMNS = {"email": "email", "sms": "phone"}


def candidates(ground: Ground, people: Sequence[Mapping[str, Any]]) -> list[Candidate]:
    """List a candidate for each person and channel that the campaign may use for them."""
    channels = ground.content.campaign.channel_order(None)
    return [_candidate(ground, person, channel) for person in people for channel in channels]


class Verdicts:
    """What the gate says of some people: a second channel is asked for those alone for whom the first will not do.

    Where the first fails as it is written, such as by a value that its words lack, it may fail so for all of them: each time
    it does, twice as many are asked for at once.
    """

    def __init__(
        self,
        ground: Ground,
        people: Sequence[Mapping[str, Any]],
        facts_of: Callable[[Sequence[Candidate]], Mapping[str, SendFacts]],
        taken: Collection[tuple[str, str]],
    ) -> None:
        self._ground = ground
        self._facts_of = facts_of
        self._known: dict[str, tuple[Candidate, Allowed | Blocked]] = {}
        self._at_once = 1
        campaign = ground.content.campaign
        self._orders = [
            (person, campaign.channel_order(person["preferred_channel"]))
            for person in people
            if not ground.has_written(person["customer_id"])
        ]
        waiting, met = self._orders, set[tuple[str, str]]()
        for place in range(len(campaign.channel_order(None))):
            self._ask([(person, order[place]) for person, order in waiting])
            if not campaign.fall_back:
                waiting = [each for each in waiting if self._fails(each[0], each[1][place], taken, met)]

    def of(self, person: Mapping[str, Any], channel: str) -> tuple[Candidate, Allowed | Blocked]:
        """Give a person's candidate for a channel, and what the gate says of it."""
        key = _key(person["customer_id"], channel)
        if key not in self._known:
            place = next(place for place, (each, _) in enumerate(self._orders) if each is person)
            these = self._orders[place : place + self._at_once]
            every = [(each, other) for each, order in these for other in order]
            self._ask([each for each in every if _key(each[0]["customer_id"], each[1]) not in self._known])
            self._at_once *= 2
        return self._known[key]

    def _fails(
        self,
        person: Mapping[str, Any],
        channel: str,
        taken: Collection[tuple[str, str]],
        met: set[tuple[str, str]],
    ) -> bool:
        """Say whether a channel will not do for a person, or hardly: its address is taken, or was `met` as another's."""
        candidate, verdict = self._known[_key(person["customer_id"], channel)]
        address = (channel, candidate.address_hash or "")
        if (isinstance(verdict, Blocked) and not passes(verdict)) or address in taken or address in met:
            return True
        met.add(address)
        return False

    def _ask(self, asked: Sequence[tuple[Mapping[str, Any], str]]) -> None:
        found = [_candidate(self._ground, person, channel) for person, channel in asked]
        facts = self._facts_of(found) if found else {}
        self._known |= {each.key: (each, decide(facts[each.key], self._ground.rules)) for each in found}


def passes(verdict: Blocked) -> bool:
    """Say whether waiting helps; hours that are legal nowhere at once never come."""
    return verdict.waits and (verdict.until is not None or verdict.reason != "quiet_hours")


def _candidate(ground: Ground, person: Mapping[str, Any], channel: str) -> Candidate:
    given = person[ADDRESS_COLUMNS[channel]]
    address = normalise(channel, given) if given else None
    customer_id = person["customer_id"]
    return Candidate(
        key=_key(customer_id, channel),
        person=ground.person(customer_id),
        channel=channel,
        address=address,
        address_hash=ground.addresses.hash(address) if address else None,
        message_class=ground.content.message_class,
        purpose=ground.content.purpose,
        address_given=bool(given),
        time_zone=person["time_zone"],
        country=person["country"],
        region=person.get("region"),  # of a release whose profiles have one
        campaign=ground.content.campaign.name,
        caps=(own,) if (own := ground.content.campaign.caps.get(channel)) else (),
    )


def _key(customer_id: str, channel: str) -> str:
    return f"{customer_id} {channel}"
