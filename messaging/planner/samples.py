"""Ten messages of a plan to look at: the longest, those that wrote around most, and some that the lot picks."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from messaging.planner.decisions import Decision
from messaging.planner.looking import remarks_on
from messaging.planner.views import ShownMessage

MOST = 10
LONGEST = 4  # of the ten
FEWEST_KNOWN = 4

Key = tuple[Any, ...]


@dataclass
class _Worst:
    """The few decisions with the largest keys of all that were seen; the customer's id tells equal ones apart."""

    number: int
    kept: list[tuple[Key, str, Decision]] = field(default_factory=list)

    def see(self, key: Key, decision: Decision) -> None:
        each = (key, decision.customer_id, decision)
        if len(self.kept) < self.number:
            heapq.heappush(self.kept, each)
        elif each[:2] > self.kept[0][:2]:
            heapq.heapreplace(self.kept, each)

    def worst_first(self) -> list[Decision]:
        return [each for *_, each in sorted(self.kept, key=lambda kept: kept[:2], reverse=True)]


@dataclass
class Sampler:
    """Watches a plan being made, and holds no more of it than what it will show."""

    longest: _Worst = field(default_factory=lambda: _Worst(MOST))
    fewest_known: _Worst = field(default_factory=lambda: _Worst(MOST))
    by_lot: _Worst = field(default_factory=lambda: _Worst(MOST))
    sent: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    segments: Counter[int] = field(default_factory=Counter)

    def watch(self, decisions: Iterable[Decision]) -> Iterator[Decision]:
        """Hand decisions on as they come."""
        for each in decisions:
            if each.message is not None:
                self._see(each)
            yield each

    def samples(
        self, pick: Callable[[Collection[str]], Iterable[Mapping[str, Any]]]
    ) -> tuple[ShownMessage, ...]:
        """Give up to ten messages, each once: the longest, those that wrote around most, then some by lot.

        `pick` gives what is known of a few people by their ids.
        """
        around = [each for each in self.fewest_known.worst_first() if each.missing]
        chosen: dict[str, Decision] = {}
        for pool, most in (
            (self.longest.worst_first(), LONGEST),
            (around, FEWEST_KNOWN),
            (self.by_lot.worst_first(), MOST),
        ):
            fresh = [each for each in pool if each.customer_id not in chosen]
            chosen |= {each.customer_id: each for each in fresh[: min(most, MOST - len(chosen))]}
        known = {each["customer_id"]: each for each in pick(chosen)}
        return tuple(self._shown(each, known.get(each.customer_id, {})) for each in chosen.values())

    def warnings(self) -> tuple[str, ...]:
        """Say what whoever approves should know of all messages together."""
        usual = self._usual()
        longer = sum(number for segments, number in self.segments.items() if segments > usual)
        found = [
            f"{number:,} of {self.sent:,} messages are written without {name}, which is not known of these people."
            for name, number in sorted(self.missing.items(), key=lambda each: (-each[1], each[0]))
        ]
        if longer:
            found.append(f"{longer:,} of the text messages take more segments than the usual {usual}.")
        return tuple(found)

    def _see(self, decision: Decision) -> None:
        message = decision.message
        assert message is not None
        self.sent += 1
        self.missing.update(decision.missing)
        if message.segment_count:
            self.segments[message.segment_count] += 1
        size = len(message.subject or "") + len(message.body)
        self.longest.see((message.segment_count or 0, size), decision)
        self.fewest_known.see((len(decision.missing), size), decision)
        lot = hashlib.sha256(f"samples:{decision.customer_id}".encode()).hexdigest()
        self.by_lot.see((lot,), decision)

    def _usual(self) -> int:
        half, seen = sum(self.segments.values()) // 2, 0
        for segments in sorted(self.segments):
            seen += self.segments[segments]
            if seen > half:
                return segments
        return 1

    def _shown(self, decision: Decision, who: Mapping[str, Any]) -> ShownMessage:
        message = decision.message
        assert message is not None
        unknown = tuple(f"{name} is not known" for name in decision.missing if name != "given_name")
        return ShownMessage(
            message_id=message.message_id,
            customer_id=decision.customer_id,
            display_name=who.get("display_name"),
            channel=message.channel,
            language=decision.language,
            subject=message.subject,
            body=message.body,
            html=message.html,
            segment_count=message.segment_count,
            remarks=(*remarks_on(message, who.get("given_name"), self._usual()), *unknown),
        )
