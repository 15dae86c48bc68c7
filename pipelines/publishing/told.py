"""What changed since the release before, as a few lines for people."""

from collections.abc import Iterator

from messaging.formats import money
from pipelines.publishing.changes import MoneyChanges, Move, PeopleChanges, ReleaseChanges
from pipelines.publishing.history import Recorded

MOST_MOVES = 5  # of one column; --json has all
GROUPS = {
    "rfm_segment": "Segments",
    "vip_tier": "VIP tiers",
    "churn_level": "Churn risk",
    "lifecycle_stage": "Stages",
}


def told(changes: ReleaseChanges, history: Recorded) -> Iterator[str]:
    """Give one line about people, one about each currency, and one about each kind of group that people moved in."""
    yield f"Since release {changes.since}:"
    yield f"  people: {_people(changes.people)}" + (
        f"; {history.changed:,} known otherwise" if history.changed else ""
    )
    for item in changes.money:
        if item.more_minor or item.more_orders:
            yield f"  {item.currency}: {_money(item)}"
    for column, moves in changes.moves.items():
        if moves:
            yield f"  {GROUPS[column]}: {_moves(moves)}"
    if changes.columns_added:
        yield f"  new columns: {', '.join(changes.columns_added)}"
    if changes.columns_removed:
        yield f"  columns that are no more: {', '.join(changes.columns_removed)}"


def _people(people: PeopleChanges) -> str:
    kinds = {
        "new": people.new,
        "split off another": people.split,
        "merged into another": people.merged,
        "gone": people.gone,
    }
    parts = [f"{count:,} {what}" for what, count in kinds.items() if count]
    return ", ".join(parts) or "the same"


def _money(item: MoneyChanges) -> str:
    more, orders = item.more_minor, item.more_orders
    amount = f"{money(abs(more), item.currency)} {'more' if more >= 0 else 'less'} revenue"
    if not orders:
        return amount
    noun = "order" if abs(orders) == 1 else "orders"
    return f"{amount}, {abs(orders):,} {'more' if orders > 0 else 'fewer'} {noun}"


def _moves(moves: tuple[Move, ...]) -> str:
    shown = ", ".join(
        f"{move.people:,} {move.was or 'none'} -> {move.now or 'none'}" for move in moves[:MOST_MOVES]
    )
    rest = sum(move.people for move in moves[MOST_MOVES:])
    return f"{shown}, and {rest:,} others" if rest else shown
