"""The card that a demo ends with: what came in, who was found, what went out, and that every sum closes."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from data_contracts.errors import RapportError

WIDTH = 96


class CardDoesNotCloseError(RapportError):
    """A sum on the card does not close: a fault in Rapport, never shown as a success."""


@dataclass(frozen=True)
class Rows:
    """Rows that came in, over all sources; each row set aside counts once, under the first rule that it broke."""

    rows_in: int
    accepted: int
    already_landed: int
    set_aside: Mapping[str, int]


@dataclass(frozen=True)
class People:
    """People hidden in the data against people found; `whole` and the three below it are all the hidden ones."""

    hidden: int
    whole: int  # one customer has all of their records that could be given to anybody, and no stranger's
    with_strangers: int  # the same, but for strangers' records among theirs
    split: int  # more than one customer has records of theirs
    unseen: int  # nothing of theirs says who they are
    found: int  # customers
    merged_strangers: int  # ... that hold records of more than one person
    precision: float
    recall: float
    recall_ceiling: float  # of the pairs of one person's records, those that anything on them leads to
    guest_orders: int


@dataclass(frozen=True)
class Campaign:
    """A run counted through; `sent` is by what became of it, `excluded` by the sentence that explains it."""

    title: str
    matched: int
    sent: Mapping[str, int]
    held_out: int
    excluded: Mapping[str, int]
    taken: int  # messages that our outbox knows as taken by a provider
    taken_by_provider: int  # messages that the provider itself counts
    segments: int


@dataclass(frozen=True)
class Stop:
    """One person said STOP; the next message to them was blocked, for the reason given."""

    customer_id: str
    said: str
    blocked_because: str
    on_timeline: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What the campaign changed as far as the data tell, and why one reader got it, in sentences."""

    goal: str
    verdict: str
    to: str
    message_id: str
    why: tuple[str, ...]


@dataclass(frozen=True)
class Bubble:
    """One message as its reader has it; `remark` says why it is shown."""

    to: str
    channel: str
    text: str
    remark: str


@dataclass(frozen=True)
class Card:
    """All that the demo has to show for itself."""

    rows: Rows
    people: People
    campaign: Campaign
    stop: Stop
    outcome: Outcome
    bubbles: tuple[Bubble, ...]
    seconds: float
    peak_mb: int
    cast: Mapping[str, str] = field(
        default_factory=dict
    )  # people to look at: an address, and what is to be seen

    def check(self) -> "Card":
        """Give the card back when its sums close; raise CardDoesNotCloseError naming the first that does not."""
        for what, whole, parts in self.sums():
            if whole != parts:
                raise CardDoesNotCloseError(
                    f"{what}: {whole:,} is not {parts:,}.", "This is a fault in Rapport: please report it."
                )
        return self

    def sums(self) -> Iterator[tuple[str, int, int]]:
        """Give each sum as its name, the whole, and the sum of its parts."""
        rows, run = self.rows, self.campaign
        landed = rows.accepted + rows.already_landed
        yield (
            "rows in = accepted + already landed + set aside",
            rows.rows_in,
            landed + sum(rows.set_aside.values()),
        )
        people = self.people
        yield (
            "people hidden = found whole + with strangers + split + unseen",
            people.hidden,
            people.whole + people.with_strangers + people.split + people.unseen,
        )
        parts = sum(run.sent.values()) + run.held_out + sum(run.excluded.values())
        yield "matched = sent + held out + left out", run.matched, parts
        yield "messages in our books = messages the provider took", run.taken, run.taken_by_provider

    def to_document(self) -> dict[str, Any]:
        """Give the card as plain data."""
        sums = [{"sum": what, "whole": whole, "parts": parts} for what, whole, parts in self.sums()]
        return {**asdict(self), "sums": sums}


def show(card: Card, next_steps: Mapping[str, str]) -> None:
    """Print the card for a person."""
    parts = [
        _section("Rows", _rows(card.rows)),
        _section("People", _people(card.people)),
        _section(f"Campaign: {card.campaign.title}", _campaign(card.campaign)),
        _section("What it changed", _changed(card.outcome)),
        _section("STOP", _stop(card.stop)),
        _section(f"Why {card.outcome.to} got it", _why(card.outcome)),
        _section("As they were read", Group(*(_bubble(bubble) for bubble in card.bubbles))),
        *([_section("People to look at (rapport customer ADDRESS)", _steps(card.cast))] if card.cast else ()),
        _section("What to open next", _steps(next_steps)),
    ]
    title = f"[bold]Every sum closes[/]  ({card.seconds:.0f} s, {card.peak_mb:,} MB)"
    console = Console(highlight=False)
    console.print(Panel(Group(*parts), title=title, width=min(WIDTH, console.width), padding=(1, 2)))


def _section(title: str, body: Any) -> Group:
    return Group(Text(title, style="bold cyan"), Padding(body, (0, 0, 1, 2)))


def _figures(rows: list[tuple[str, int | str, str]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(justify="right", no_wrap=True)
    table.add_column()
    for sign, number, words in rows:
        shown = f"{number:,}" if isinstance(number, int) else number
        table.add_row(f"{sign}{shown}", Text(words))
    return table


def _rows(rows: Rows) -> Table:
    already = [("+ ", rows.already_landed, "there already, word for word")] if rows.already_landed else []
    return _figures(
        [
            ("", rows.rows_in, "rows in"),
            ("= ", rows.accepted, "accepted"),
            *already,
            *(("+ ", number, f"set aside: {reason}") for reason, number in rows.set_aside.items()),
        ]
    )


def _people(people: People) -> Table:
    strangers = [("+ ", people.with_strangers, "found whole, but with a stranger's records among theirs")]
    unseen = [("+ ", people.unseen, "left nothing that says who they are")]
    return _figures(
        [
            ("", people.hidden, "people hidden in the data"),
            ("= ", people.whole, "found whole, as one customer"),
            *(strangers if people.with_strangers else ()),
            ("+ ", people.split, "found as more than one customer (split)"),
            *(unseen if people.unseen else ()),
            ("", people.found, "customers found"),
            ("", people.merged_strangers, "of them hold records of more than one person (merged strangers)"),
            (
                "",
                f"{people.precision:.3f}",
                "precision: share of the pairs of records put together that are right",
            ),
            (
                "",
                f"{people.recall:.3f}",
                "recall: share of the pairs of one person's records that were put together",
            ),
            (
                "",
                f"{people.recall_ceiling:.3f}",
                "is the most that names, addresses and identifiers could give",
            ),
            ("", people.guest_orders, "orders by guests who left nothing to know them by"),
        ]
    )


def _campaign(run: Campaign) -> Table:
    words = {
        "delivered": "delivered",
        "sent": "sent, no receipt yet",
        "waiting": "waiting until it is day where they are",
        "failed": "failed at the provider",
        "skipped": "stopped at the last gate",
        "unknown": "not known to have gone",
    }
    return _figures(
        [
            ("", run.matched, "matched by the segment"),
            *(
                ("= " if place == 0 else "+ ", number, words.get(state, state))
                for place, (state, number) in enumerate(run.sent.items())
            ),
            ("+ ", run.held_out, "held out, to see what the campaign changes"),
            *(("+ ", number, f"left out: {sentence}") for sentence, number in run.excluded.items()),
            ("", run.taken_by_provider, "messages counted by the provider, as many as in our books"),
            ("", run.segments, "SMS segments, which is what is paid for"),
        ]
    )


def _changed(outcome: Outcome) -> Table:
    return _lines(
        ("who did it", Text(f"{outcome.goal}, of those who were written to beside those held out")),
        ("so far", Text(outcome.verdict)),
    )


def _why(outcome: Outcome) -> Group:
    sentences = [Text(f"· {sentence}") for sentence in outcome.why]
    return Group(*sentences, Text(f".venv/bin/rapport why {outcome.message_id}", style="bold"))


def _stop(stop: Stop) -> Table:
    return _lines(
        ("they wrote", Text(f"“{stop.said}”")),
        ("the next message", Text(f"blocked: {stop.blocked_because}")),
        ("their timeline", Text(" · ".join(stop.on_timeline))),
        ("look", Text(f".venv/bin/rapport customer {stop.customer_id}")),
    )


def _bubble(bubble: Bubble) -> Padding:
    title = Text(f"{bubble.channel} to {bubble.to}")
    panel = Panel(
        Text(bubble.text),
        title=title,
        title_align="left",
        subtitle=Text(bubble.remark, style="italic") if bubble.remark else None,
        subtitle_align="right",
        width=64,
        border_style="green" if bubble.channel == "sms" else "blue",
    )
    return Padding(panel, (0, 0, 0, 2))


def _steps(steps: Mapping[str, str]) -> Table:
    return _lines(*((Text(command, style="bold"), Text(words)) for command, words in steps.items()))


def _lines(*rows: tuple[str | Text, Text]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for name, words in rows:
        table.add_row(name, words)
    return table
