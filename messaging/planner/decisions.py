"""Who gets a message, who is held out, who is left out, and why: decided for everybody in a segment.

Pure but for the facts that it is given: plain data in, decisions out.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Literal

from messaging.campaigns import Campaign, instant, next_at_hour
from messaging.facts import Candidate
from messaging.outbox import PlannedMessage
from messaging.planner.channels import Verdicts, passes
from messaging.planner.grounds import Ground
from messaging.planner.wording import NoCouponError, render
from messaging.policy import HELD_OUT, Allowed, Blocked, SendFacts
from messaging.quiet_hours import zone_named
from messaging.rendering import Compiled, NotRenderableError, Rendered
from messaging.store.ids import new_id

Decided = Literal["send", "holdout", "excluded"]
THINGS = {"email": "e-mail address", "sms": "phone number"}
USUAL_HOUR = "usual_hour"
AT_ONCE = 1000  # people; more are no faster, and hold more
# What is looked at of a person besides what the templates show.
LOOKED_AT = frozenset(
    ("customer_id", "display_name", "given_name", "email", "phone", "language", "time_zone", "country")
) | {"region", "preferred_channel", "preferred_channel_reason"}


@dataclass(frozen=True)
class Decision:
    """What was decided about one person, as code and sentence; `waits` where something delays it, such as quiet hours."""

    customer_id: str
    decided: Decided
    reason: str | None
    detail: str
    channel: str | None = None
    language: str | None = None
    variant: str | None = None
    message: PlannedMessage | None = None
    missing: tuple[str, ...] = ()
    waits: Blocked | None = None

    @property
    def waits_until(self) -> datetime | None:
        """Give when it may go, where that is known."""
        return self.waits.until if self.waits else None


@dataclass(frozen=True)
class _Choice:
    channel: str
    candidate: Candidate
    rendered: Rendered
    message_id: str
    blocked: Blocked | None  # what it waits for


def looked_at(
    campaign: Campaign, templates: Mapping[str, Mapping[str, Mapping[str, Compiled]]]
) -> frozenset[str]:
    """Name the columns of customer_360 that decisions of a campaign with these templates look at."""
    each = (
        one
        for channels in templates.values()
        for languages in channels.values()
        for one in languages.values()
    )
    hour = {USUAL_HOUR} if campaign.at_usual_hour else set()
    return LOOKED_AT.union(hour, *(one.names for one in each))


def decide_all(
    ground: Ground,
    people: Iterable[Mapping[str, Any]],
    facts_of: Callable[[Sequence[Candidate]], Mapping[str, SendFacts]],
    taken: Collection[tuple[str, str]] = (),
) -> Iterator[Decision]:
    """Decide about everybody in their order: of two people at one address the first gets the message.

    `taken` are channels and addresses that had it before. `facts_of` is asked about some at a time, so that what is known of
    a million people is never held at once.
    """
    taken = set(taken)
    waiting = iter(people)
    while some := list(islice(waiting, AT_ONCE)):
        verdicts = Verdicts(ground, some, facts_of, taken)
        for person in some:
            yield _decide(ground, person, verdicts, taken)


def _decide(
    ground: Ground,
    person: Mapping[str, Any],
    verdicts: Verdicts,
    taken: set[tuple[str, str]],
) -> Decision:
    customer_id, campaign = person["customer_id"], ground.content.campaign
    if ground.has_written(customer_id):
        days = campaign.again_after_days
        return Decision(
            customer_id, "excluded", "already_written", f"Had this campaign within the last {days} days."
        )
    refused: list[Blocked | tuple[str, str]] = []
    choices: list[_Choice] = []
    for channel in campaign.channel_order(person["preferred_channel"]):
        choice = _try_channel(ground, person, *verdicts.of(person, channel), taken)
        if isinstance(choice, _Choice):
            choices.append(choice)
            if not campaign.fall_back:
                break
        else:
            refused.append(choice)
    if not choices:
        return _excluded(customer_id, refused)
    taken.add((choices[0].channel, choices[0].candidate.address_hash or ""))  # other ways may never be gone
    return _chosen(ground, person, choices)


def _try_channel(
    ground: Ground,
    person: Mapping[str, Any],
    candidate: Candidate,
    verdict: Allowed | Blocked,
    taken: set[tuple[str, str]],
) -> "_Choice | Blocked | tuple[str, str]":
    if isinstance(verdict, Blocked) and not passes(verdict):
        return verdict
    if (candidate.channel, candidate.address_hash) in taken:
        thing = THINGS[candidate.channel]
        return (
            "duplicate_address",
            f"Somebody else in this campaign has the same {thing}, which gets one message at most.",
        )
    message_id = new_id("msg")
    try:
        rendered = render(ground, person, candidate.channel, message_id)
    except NoCouponError:
        return "no_coupon", f"No code of the coupons {ground.content.campaign.coupon!r} was left for them."
    except NotRenderableError as error:
        if untold := ground.untold(person["customer_id"]):
            return (
                "missing_value",
                f"The template shows {' or '.join(untold)}, which the event does not tell.",
            )
        names = " or ".join(error.names)
        return "missing_value", f"The template shows {names}, which we do not know of this customer."
    waits = verdict if isinstance(verdict, Blocked) else None
    return _Choice(candidate.channel, candidate, rendered, message_id, waits)


def _chosen(ground: Ground, person: Mapping[str, Any], choices: Sequence[_Choice]) -> Decision:
    choice, *others = choices
    held_out = ground.content.campaign.holdout.holds(person["customer_id"])
    if held_out and ground.has_held(person["customer_id"]):
        days = ground.content.campaign.again_after_days
        told = f"Was held out of this campaign within the last {days} days, and counts in that comparison."
        return Decision(person["customer_id"], "excluded", "already_held_out", told)
    waits = _until_scheduled(ground, person, choice.blocked)
    detail = _why_channel(person, choice.channel) + (f" {waits.sentence}" if waits else "")
    return Decision(
        customer_id=person["customer_id"],
        decided="holdout" if held_out else "send",
        reason="held_out" if held_out else (waits.reason if waits else None),
        detail=HELD_OUT if held_out else detail,
        channel=choice.channel,
        language=choice.rendered.language,
        message=None if held_out else _message(ground, person, choice, others),
        variant=ground.content.campaign.variant_of(person["customer_id"]).name or None,
        missing=choice.rendered.missing,
        waits=None if held_out else waits,
    )


def _until_scheduled(ground: Ground, person: Mapping[str, Any], blocked: Blocked | None) -> Blocked | None:
    """Give what a message waits for: a time by its reader's own clock, unless something else takes longer."""
    zone = zone_named(person["time_zone"] or "")
    if ground.wall is not None:
        until = instant(ground.wall, zone or ground.company.time_zone)
        told = f"It goes at {ground.wall:%H:%M} by their own clock."
    elif ground.content.campaign.at_usual_hour and zone and (hour := person.get(USUAL_HOUR)) is not None:
        until = next_at_hour(ground.now, int(hour), zone)
        told = f"It goes at {int(hour):02}:00 by their own clock, around which they answer."
    else:
        return blocked
    if until <= ground.now or (blocked is not None and blocked.until is not None and blocked.until >= until):
        return blocked
    return Blocked("scheduled", told, until)


def _why_channel(person: Mapping[str, Any], channel: str) -> str:
    name = {"email": "e-mail", "sms": "SMS"}[channel]
    preferred = person["preferred_channel"]
    if preferred == channel:
        reason = str(person["preferred_channel_reason"] or "").rstrip(".")
        return f"By {name}, the channel they prefer" + (
            f": {reason[:1].lower()}{reason[1:]}." if reason else "."
        )
    if preferred:
        return f"By {name}: they prefer {preferred}, which this message may not or cannot use."
    return f"By {name}: no channel is known to suit them better."


def _message(
    ground: Ground, person: Mapping[str, Any], choice: _Choice, others: Sequence[_Choice] = ()
) -> PlannedMessage:
    candidate, rendered = choice.candidate, choice.rendered
    variant = ground.content.campaign.variant_of(person["customer_id"])
    template = ground.content.templates[variant.template][choice.channel][rendered.language]
    assert candidate.address is not None
    assert candidate.address_hash is not None
    return PlannedMessage(
        message_id=choice.message_id,
        customer_id=person["customer_id"],
        channel=choice.channel,
        address=candidate.address,
        address_hash=candidate.address_hash,
        body=rendered.body,
        message_class=ground.content.message_class,
        purpose=ground.content.purpose,
        run_id=ground.run_id,
        campaign=ground.content.campaign.name,
        template=f"{choice.channel}/{template.name}.{template.language}",
        template_hash=template.hash,
        variant=variant.name or None,
        subject=rendered.subject,
        html=rendered.html,
        time_zone=candidate.time_zone,
        country=candidate.country,
        region=candidate.region,
        segment_count=rendered.segment_count,
        alternatives=tuple(_message(ground, person, other) for other in others),
    )


def _excluded(customer_id: str, refused: Sequence[Blocked | tuple[str, str]]) -> Decision:
    """Give the reason of the best channel that has an address at all, and the sentences of every channel."""
    reasons = [each.reason if isinstance(each, Blocked) else each[0] for each in refused]
    sentences = [each.sentence if isinstance(each, Blocked) else each[1] for each in refused]
    reason = next((each for each in reasons if each != "no_address"), reasons[0])
    return Decision(customer_id, "excluded", reason, " ".join(dict.fromkeys(sentences)))
