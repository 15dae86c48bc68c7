"""The rules of quiet hours, ready to be asked: ours, the countries' and their states', each for the days it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache

import holidays

from messaging.quiet_hours.hours import Day, Hours
from messaging.quiet_hours.places import Place

MOST_KNOWN = 10_000  # of what applies where; profiles may name places that nobody ever heard of
AREA_CODE = 5  # characters of +1 and a North American area code


@dataclass(frozen=True)
class Limit:
    """At most `messages` to a person in any `hours` on the channels of a rule; of one campaign, where the law says so."""

    messages: int
    hours: int
    one_campaign: bool
    place: Place
    channels: frozenset[str]


@dataclass(frozen=True)
class Rule:
    """One rule: the hours of each weekday (Monday first), of holidays where they differ, and when and where it holds."""

    week: tuple[Day, ...]
    on_holidays: Day | None
    since: date | None
    until: date | None
    channels: frozenset[str]
    place: Place | None  # whose holidays they are; None is nobody's
    limit: Limit | None = None

    def spans(self, day: date) -> Day | None:
        """Give the hours of a local day, None where the rule is not in force."""
        if not self.holds(day):
            return None
        if self.on_holidays is not None and self.place is not None and day in public_holidays(self.place):
            return self.on_holidays
        return self.week[day.weekday()]

    def holds(self, day: date) -> bool:
        """Say whether the rule is in force on a day."""
        return (self.since is None or self.since <= day) and (self.until is None or day < self.until)


@dataclass(frozen=True)
class QuietRules:
    """The rules of a file; `states` are by country and state, `area_codes` are North America's, as +1305.

    `elsewhere` holds where a country has no rule of its own for the channel, and where nobody knows the country.
    """

    channels: frozenset[str]
    ours: Rule
    elsewhere: Rule | None
    countries: Mapping[str, tuple[Rule, ...]]
    states: Mapping[str, Mapping[str, tuple[Rule, ...]]]
    area_codes: Mapping[str, Place]
    _known: dict[tuple[tuple[Place, ...], str, Place | None], tuple[Hours, tuple[Rule, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )  # what applies where, put together once: a batch asks it of each message

    def hours(self, places: tuple[Place, ...], channel: str, phone: str | None = None) -> Hours:
        """Give the hours that every rule in force allows, wherever the owner of a phone (E.164) may be."""
        return self._applying(places, channel, phone)[0]

    def limits(
        self, places: tuple[Place, ...], channel: str, phone: str | None, now: datetime
    ) -> tuple[Limit, ...]:
        """Give the limits of number that hold at a moment (naive UTC)."""
        limiting = self._applying(places, channel, phone)[1]
        return tuple(rule.limit for rule in limiting if rule.limit and rule.holds(now.date()))

    def _applying(
        self, places: tuple[Place, ...], channel: str, phone: str | None
    ) -> tuple[Hours, tuple[Rule, ...]]:
        area = self.area_codes.get(phone[:AREA_CODE]) if phone else None
        key = (places, channel, area)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            rules = self._listed(*key)
            found = Hours([rule.spans for rule in rules]), tuple(one for one in rules if one.limit)
            self._known[key] = found
            return found
        return self._known[key]

    def _listed(self, places: tuple[Place, ...], channel: str, area: Place | None) -> list[Rule]:
        """List the rules for a channel that may hold in any of the places; an unknown state counts as each one.

        The state of an area code counts beside the one that a profile names.
        """
        here = dict.fromkeys((*places, area) if area else places)
        rules = [
            self.ours,
            *(replace(self.ours, place=place) for place in here if self.ours.on_holidays is not None),
        ]
        if not here and self.elsewhere:
            rules.append(self.elsewhere)
        for place in here:
            rules += self._of_country(place, channel)
            states = self.states.get(place.country, {})
            meant = states.values() if place.region is None else [states.get(place.region, ())]
            rules += [rule for every in meant for rule in every]
        return [rule for rule in dict.fromkeys(rules) if channel in rule.channels]

    def _of_country(self, place: Place, channel: str) -> list[Rule]:
        """List the country's rules for a channel, or what holds elsewhere; holidays are a known state's too."""
        own = [rule for rule in self.countries.get(place.country, ()) if channel in rule.channels]
        if not own and self.elsewhere:
            return [self.elsewhere]
        return [replace(rule, place=place) if rule.on_holidays is not None else rule for rule in own]


@lru_cache(maxsize=512)
def public_holidays(place: Place) -> holidays.HolidayBase:
    """Give a place's public holidays, which also tell those of years that are asked for later.

    Raises NotImplementedError where nobody knows them.
    """
    try:
        return holidays.country_holidays(place.country, subdiv=place.region)
    except NotImplementedError:
        return holidays.country_holidays(place.country)  # a state without holidays of its own
