"""When phones rest and how often one person is written to, in words, with the file that says so."""

from collections.abc import Iterable

import streamlit as st

from dashboard.components import frame, words
from dashboard.components.tiles import Row, rows
from dashboard.services import Services
from messaging.desk.settings import rules_come_from
from messaging.policy import read_limits
from messaging.quiet_hours import installed_rules
from messaging.quiet_hours.rules import Rule
from messaging.quiet_hours.words import sentence


def quiet_hours(parts: Services) -> None:
    """Say when marketing may reach a phone: our hours, and what each country adds."""
    rules = installed_rules(parts.settings.home)
    frame.section(
        "Quiet hours",
        f"In the reader's own time; every rule that applies has to allow it. Read from quiet_hours.yaml: "
        f"{rules_come_from(parts.settings)['quiet_hours.yaml']}.",
    )
    everywhere = [Row("Ours, everywhere", sentence(rules.ours), _channels(rules.ours.channels))]
    if rules.elsewhere:
        everywhere.append(
            Row(
                "Countries without a rule of their own",
                sentence(rules.elsewhere),
                _channels(rules.elsewhere.channels),
            )
        )
    rows(everywhere)
    frame.section("By country", "Engineering defaults; let your lawyer confirm them.")
    for country in sorted({*rules.countries, *rules.states}):
        lines = [_row(country, rule) for rule in rules.countries.get(country, ())]
        states = rules.states.get(country, {})
        lines += [_row(f"{country}, {state}", rule) for state in sorted(states) for rule in states[state]]
        with st.expander(f"{country} ({words.count(len(lines), 'rule')})"):
            rows(lines)


def capping(parts: Services) -> None:
    """Say how often marketing goes to one person, what messages cost and what a day may cost."""
    limits = read_limits(parts.settings)
    frame.section(
        "How often we write to one person",
        f"Over all campaigns. Read from limits.yaml: {rules_come_from(parts.settings)['limits.yaml']}.",
    )
    if limits.caps:
        rows([
            Row(
                words.channel_name(cap.channel) if cap.channel else "All channels together",
                end=f"at most {words.count(cap.messages, 'message')} in {words.count(cap.days, 'day')}",
            )
            for cap in limits.caps
        ])  # fmt: skip
    else:
        frame.empty("Nothing is capped", "Say `caps` in `limits.yaml` (docs/policy.md).")
    frame.section(
        "What messages cost", "A segment of an SMS, a begun minute of a call, one of everything else."
    )
    if limits.prices.channels:
        currency = limits.prices.currency
        rows([
            Row(words.channel_name(channel), end=f"{price.each / 1_000_000:g} {currency}")
            for channel, price in limits.prices.channels.items()
        ])  # fmt: skip
    else:
        frame.empty("No prices are known", "Give `prices` in `limits.yaml`, and plans say what they cost.")
    for scope, amount in limits.budgets.items():
        rows([Row(f"Budget of a day: {scope}", end=words.cost(amount, limits.prices.currency))])


def _row(place: str, rule: Rule) -> Row:
    return Row(place, sentence(rule), _channels(rule.channels))


def _channels(names: Iterable[str]) -> str:
    return ", ".join(sorted(map(words.channel_name, names)))
