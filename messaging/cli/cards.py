"""How customers, campaigns and messages look on a terminal. Customers' own words are shown as plain text."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from rich import box
from rich.align import Align
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from messaging import formats
from messaging.campaigns import Campaign
from messaging.customers import CustomerCard, CustomerHit, TimelineEntry
from messaging.effects import Interval
from messaging.planner import LiftReport, Outlook, Rehearsal, RunReport, RunSummary, ShownMessage
from messaging.planner.trials import Trial
from messaging.planner.views import Readers
from messaging.policy.prices import MILLION
from messaging.terminal import CONTROLS

WIDE = 100
PHONE = 46
CHANNELS = {"email": "e-mail", "sms": "SMS", "whatsapp": "WhatsApp", "chat": "chat", "voice": "phone"}
MARKS = {"granted": ("✓", "green"), "revoked": ("✗", "red"), "none": ("·", "dim")}
STATE_WORDS = {
    "planned": "planned, not launched",
    "waiting": "waiting for their turn",
    "sent": "sent, not yet confirmed",
    "delivered": "delivered",
    "failed": "failed",
    "skipped": "skipped at the last moment",
    "unknown": "unknown",
    "cancelled": "called back",
}
REASONS = {
    "no_address": "no address",
    "invalid_address": "an address that cannot exist",
    "suppressed": "blocked address",
    "opted_out": "opted out",
    "no_consent": "no consent",
    "consent_expired": "consent ran out",
    "open_complaint": "open complaint",
    "whatsapp_window": "no template, and they have not written within a day",
    "frequency_cap": "heard enough lately",
    "unknown_time_zone": "unknown hour where they are",
    "state_limit": "as many as the law allows where they live",
    "daily_budget": "day's budget is promised",
    "scheduled": "goes by their own clock",
    "campaign_pace": "waits for its turn: so many go in an hour",
    "quiet_hours": "night where they are",
    "contract_red": "data failed its checks",
    "merges_unknown": "release cannot be read",
    "duplicate_address": "shares an address with another",
    "no_coupon": "no coupon is left",
    "missing_value": "something the template shows is not known",
    "already_written": "had this campaign lately",
    "already_held_out": "held out lately, and counted there",
    "stopped": "campaign was stopped",
}


class Words(Text):
    """Text of others on a terminal: none of its characters commands it (rich lets escape sequences through)."""

    def __init__(self, text: str = "", style: str = "", **options: Any) -> None:
        super().__init__(CONTROLS.sub(" ", text), style, **options)

    def append(self, text: Any, style: Any = None) -> Self:
        """Add more of it."""
        super().append(CONTROLS.sub(" ", text) if isinstance(text, str) else text, style)
        return self


def print_card(card: CustomerCard, currency: str) -> None:
    """Show one customer: who, reach, preference, value, what is open, and the last touches."""
    facts = card.facts
    rows: list[tuple[str, RenderableType]] = [
        ("Reach", _reach(card)),
        ("Prefers", _preference(card)),
        ("Value", Words(_value(card, currency))),
        ("Open", Words(_open(card))),
        ("Known by", Words(_known_by(card))),
    ]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, shown in rows:
        table.add_row(name, shown)
    where = ", ".join(part for part in (facts["country"], facts["language"], facts["time_zone"]) if part)
    head = Words(facts["display_name"] or "Nobody has told us a name", style="bold")
    head.append(f"  {facts['lifecycle_stage']}", style="cyan").append(f"  {where}", style="dim")
    body = Group(
        head, Words(card.customer_id, style="dim"), Words(), table, Words(), _touches(card.touches[:8])
    )
    _out().print(Panel(body, box=box.ROUNDED, padding=(1, 2), width=min(_out().width, WIDE)))
    when = f"Release {card.release_version}, as of {_moment(card.as_of)} UTC, and what happened since."
    _out().print(Words(when, style="dim"))


def print_hits(hits: Sequence[CustomerHit], currency: str) -> None:
    """List search results."""
    table = _table("Name", "Address", "Stage", "Net")
    table.add_column("Customer", no_wrap=True)
    for hit in hits:
        table.add_row(
            *_texts(hit.display_name, hit.email or hit.phone, hit.lifecycle_stage),
            Words(formats.money(hit.net_revenue_minor, currency), justify="right"),
            Words(hit.customer_id, style="dim"),
        )
    _out().print(table)


def print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """List the people of a segment with the columns that its rules look at."""
    if not rows:
        _out().print(f"Nobody is “{escape(title)}”.")
        return
    table = _table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(
            *_texts(*(_moment(value) if isinstance(value, datetime) else value for value in row.values()))
        )
    _out().print(table)


def print_campaigns(found: Sequence[Campaign], runs: Sequence[RunSummary]) -> None:
    """List campaigns with their newest run."""
    table = _table("Campaign", "Title", "Newest run", "Matched", "To send", "Held out")
    for campaign in found:
        run = next((each for each in runs if each.campaign == campaign.name), None)
        if run is None:
            never = "in shadow mode" if campaign.shadow else "never planned"
            table.add_row(*_texts(campaign.name, campaign.title, never))
            continue
        state = f"{run.state}, {_moment(run.planned_at)} by {run.planned_by}"
        figures = (f"{run.matched:,}", f"{run.to_send:,}", f"{run.held_out:,}")
        table.add_row(*_texts(campaign.name, campaign.title, state, *figures))
    _out().print(table)


def print_plan(summary: RunSummary, ahead: Outlook, next_step: str) -> None:
    """Show how a run was decided, and what it will do."""
    print_summary(summary, "")
    lines = []
    if ahead.before:
        lines.append(
            f"{len(ahead.entered):,} of them are new since the last plan, {len(ahead.left):,} are gone."
        )
    if ahead.by_variant:
        variants = ", ".join(f"{number:,} get {name}" for name, number in sorted(ahead.by_variant.items()))
        lines.append(f"By lot {variants}.")
    if ahead.cost is not None:
        lines.append(
            f"It costs {ahead.cost / MILLION:,.2f} {ahead.currency} by your price list.".replace("  ", " ")
        )
    if ahead.waits_until:
        lines.append(f"The last who waits for an hour may be written to at {_moment(ahead.waits_until)} UTC.")
    if ahead.hours:
        lines.append(f"At its pace it takes {ahead.hours:,.1f} hours to send them all.")
    for line in [*lines, next_step]:
        _out().print(f"  {escape(line)}")
    _out().print()


def print_summary(summary: RunSummary, next_step: str) -> None:
    """Show how a run was decided, as a sum that closes."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    table.add_row(f"{summary.matched:,}", "people match")
    channels = ", ".join(
        f"{number:,} by {CHANNELS.get(name, name)}" for name, number in summary.by_channel.items()
    )
    table.add_row(f"{summary.to_send:,}", f"get a message ({channels})" if channels else "get a message")
    table.add_row(f"{summary.held_out:,}", "are held out by lot, to compare")
    for reason, number in summary.excluded.items():
        table.add_row(f"{number:,}", f"are left out: {REASONS.get(reason, reason)}")
    _out().print(
        f"\n[bold]{escape(summary.title)}[/bold]  [cyan]{summary.state}[/cyan]  [dim]{summary.run_id}[/dim]"
    )
    _out().print(Padding(table, (0, 2)))
    for notice in (*([summary.halted] if summary.halted else []), *summary.notices, *summary.warnings):
        _out().print(f"  [yellow]![/yellow] {escape(notice)}")
    if next_step:
        _out().print(f"  {next_step}\n")


def print_report(report: RunReport) -> None:
    """Show what became of everybody in a run."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    table.add_column()
    table.add_row(f"[bold]{report.matched:,}[/bold]", "[bold]people matched[/bold]")
    for state, number in report.messages.items():
        table.add_row(f"{number:,}", STATE_WORDS.get(state, state))
    table.add_row(f"{report.held_out:,}", "held out by lot")
    for each in report.excluded:
        table.add_row(f"{each.people:,}", f"left out: {REASONS.get(each.reason, each.reason)}")
    parts = [*report.messages.values(), report.held_out, *(each.people for each in report.excluded)]
    table.add_row("[dim]=[/dim]", f"[dim]{' + '.join(f'{part:,}' for part in parts)} = {sum(parts):,}[/dim]")
    _out().print(
        f"\n[bold]{escape(report.title)}[/bold]  [cyan]{report.state}[/cyan]  [dim]{report.run_id}[/dim]"
    )
    _out().print(Padding(table, (0, 2)))
    if report.halted:
        _out().print(Padding(Words(f"It was paused by itself: {report.halted}", style="red"), (0, 2)))
    for each in report.not_sent:
        _out().print(
            Padding(
                Words(f"{each.people:,} times {REASONS.get(each.reason, each.reason)}: {each.sentence}"),
                (0, 2),
            )
        )
    said = _readers(report.readers)
    _out().print(
        Padding(Words(f"{said} It cost {report.cost / MILLION:,.2f}." if report.cost else said), (0, 2))
    )
    for name, one in report.by_variant.items():
        _out().print(
            Padding(Words(f"Variant {name}: {one.messages:,} sent. {_readers(one.readers)}"), (0, 4))
        )
    _out().print(f"  {report.replies:,} answered, {report.stops:,} asked us to stop.\n")


def _readers(did: Readers) -> str:
    """Say what readers did, machines apart."""
    said = f"{did.opened:,} opened it (machines alone: {did.opened_by_machines:,}), {did.clicked:,} clicked"
    said += f" (machines alone: {did.clicked_by_machines:,}). {did.bounced:,} came back,"
    return f"{said} {did.complained:,} called it spam."


def print_lift(lift: LiftReport, currency: str) -> None:
    """Show what a run changed: each variant beside those who were held out, with the range of the difference."""
    table = _table(
        "", "People", f"Did it: {lift.goal}", "of 100", "Difference", f"{currency} a person, difference"
    )
    held = lift.held_out
    table.add_row(
        *_texts(
            "held out", f"{held.people:,}", f"{held.reached:,}", _of_100(held.reached, held.people), "", ""
        )
    )
    for each in lift.lifts:
        told, written = each.effect, each.written
        share = _range(told.share, 100) if told else "too few to say"
        money = _range(told.money, 1 / 10 ** formats.EXPONENTS.get(currency, 2)) if told else ""
        name = "written to" if each.variant == "all" else f"variant {each.variant}"
        figures = (f"{written.people:,}", f"{written.reached:,}", _of_100(written.reached, written.people))
        table.add_row(*_texts(name, *figures, share, money))
    _out().print(table)
    _out().print(Padding(Words(lift.verdict), (0, 2)))
    if lift.in_both:
        _out().print(
            f"  {lift.in_both:,} people were drawn twice under ids that are one today, and count in no group."
        )


def _of_100(some: int, people: int) -> str:
    return f"{100 * some / people:.1f}" if people else ""


def _range(interval: Interval, unit: float) -> str:
    return f"{interval.difference * unit:+.1f} ({interval.low * unit:+.1f} to {interval.high * unit:+.1f})"


def print_rehearsal(rehearsal: Rehearsal) -> None:
    """Show what a plan would come to."""
    excluded = ", ".join(
        f"{number:,} {REASONS.get(name, name)}" for name, number in rehearsal.excluded.items()
    )
    _out().print(
        f"{rehearsal.matched:,} match: {rehearsal.would_send:,} would get it,"
        f" {rehearsal.would_hold_out:,} held out" + (f", left out {excluded}." if excluded else ".")
    )


def print_trials(tried: Mapping[str, Sequence[Trial]]) -> None:
    """Show which of the campaigns' tests passed, and of the others what is not as expected."""
    for name, trials in tried.items():
        _out().print(f"[bold]{escape(name)}[/bold]" + ("" if trials else "  [yellow]has no tests[/yellow]"))
        for each in trials:
            mark = "[green]✓[/green]" if each.passed else "[red]✗[/red]"
            _out().print(
                f"  {mark} {escape(each.name)}" + ("" if each.passed else f"  [dim]line {each.line}[/dim]")
            )
            for wrong in each.wrong:
                _out().print(Padding(Words(wrong), (0, 6)))
            if each.message and not each.passed:
                _out().print(Padding(Words(each.message, style="dim"), (0, 6)))
    failed = sum(not each.passed for trials in tried.values() for each in trials)
    total = sum(map(len, tried.values()))
    _out().print(f"{total - failed} of {total} passed.")


def print_bubbles(messages: Sequence[ShownMessage]) -> None:
    """Show messages as their readers see them: text messages as bubbles, e-mail as a letter."""
    for message in messages:
        who = Words(
            f"{message.display_name or 'no name'} · {CHANNELS.get(message.channel, message.channel)}",
            style="dim",
        )
        if message.segment_count:
            who.append(f" · {message.segment_count} segment{'s' if message.segment_count > 1 else ''}")
        _out().print(Group(Words(), who))
        if message.channel == "sms":
            bubble = Panel(Words(message.body), box=box.ROUNDED, width=PHONE, style="green")
            _out().print(Align.left(bubble))
        else:
            head = Words(message.subject or "", style="bold")
            _out().print(
                Panel(Group(head, Words(), Words(message.body)), box=box.SQUARE, width=min(_out().width, 78))
            )
        for remark in message.remarks:
            _out().print(f"  [yellow]![/yellow] {escape(remark)}")


def print_consents(card: CustomerCard, events: Sequence[dict[str, Any]]) -> None:
    """Show what a customer allowed, and the events behind it."""
    _out().print(Words(card.facts["display_name"] or card.customer_id, "bold"), _reach(card), sep="\n")
    table = _table("When", "Channel", "For", "What", "How", "Source", "By")
    for event in events:
        told = (
            event["channel"],
            event["purpose"],
            event["action"],
            event["method"],
            event["source"],
            event["actor"],
        )
        table.add_row(*_texts(_moment(event["occurred_at"]), *told))
    _out().print(table)


def _reach(card: CustomerCard) -> Text:
    addresses = {"email": card.facts["email"], "sms": card.facts["phone"]}
    shown = Words()
    for consent in card.consents:
        mark, style = MARKS[consent.state]
        address = addresses.get(consent.channel) or "no address"
        shown.append(f"{mark} {CHANNELS[consent.channel]} ", style=style).append(address)
        shown.append(f"  {consent.sentence}\n", style="dim")
    shown.rstrip()
    return shown


def _preference(card: CustomerCard) -> Text:
    channel = card.facts["preferred_channel"]
    if channel is None:
        return Words("not known yet", style="dim")
    reason = card.facts["preferred_channel_reason"]
    return Words(CHANNELS.get(channel, channel)).append(f"  {reason}" if reason else "", style="dim")


def _value(card: CustomerCard, currency: str) -> str:
    facts = card.facts
    if not facts["order_count"]:
        return "has not bought yet"
    number = facts["order_count"]
    net = formats.money(facts["net_revenue_minor"], currency)
    text = f"{net} over {number:,} order{'s' if number != 1 else ''}"
    if facts["refund_minor"]:
        text += f", {formats.money(abs(facts['refund_minor']), currency)} refunded"
    if facts["last_order_at"]:
        text += f", last on {formats.day(facts['last_order_at'])}"
    return text + (f", mostly {facts['favourite_category']}" if facts["favourite_category"] else "")


def _open(card: CustomerCard) -> str:
    facts = card.facts
    parts = [
        _some(facts["open_shipment_count"], "parcel on its way", "parcels on their way"),
        _some(facts["late_shipment_count"], "late parcel", "late parcels"),
        _some(facts["open_conversation_count"], "open conversation", "open conversations"),
        _some(card.fresh_inbound_count, "new message from them", "new messages from them"),
    ]
    return ", ".join(part for part in parts if part) or "nothing"


def _some(number: int | None, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}" if number else ""


def _known_by(card: CustomerCard) -> str:
    facts = card.facts
    kinds: dict[str, int] = {}
    for each in card.identifiers:
        kinds[each.identifier_type] = kinds.get(each.identifier_type, 0) + 1
    held = ", ".join(f"{number} {kind.replace('_', ' ')}" for kind, number in kinds.items())
    records = _some(facts["record_count"], "record", "records")
    text = f"{records} of {_some(facts['source_count'], 'source', 'sources')}"
    return f"{text}: {held}" if held else text


def _touches(touches: Sequence[TimelineEntry]) -> RenderableType:
    if not touches:
        return Words("No touches yet.", style="dim")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    arrows = {"in": "→ us", "out": "us →", "none": "·"}
    for touch in touches:
        words = touch.title if not touch.body else f"{touch.title}: {' '.join(touch.body.split())}"
        state = f" ({touch.state})" if touch.kind == "outreach" and touch.state else ""
        channel = CHANNELS.get(touch.channel or "", touch.channel or "")
        table.add_row(
            _moment(touch.occurred_at),
            arrows[touch.direction],
            Words(f"{channel} {words[:70]}{state}".strip()),
        )
    return table


def _texts(*values: object) -> list[Text]:
    return [Words("" if value is None else str(value)) for value in values]


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="dim")
    for column in columns:
        table.add_column(column)
    return table


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _out() -> Console:
    return Console(highlight=False)
