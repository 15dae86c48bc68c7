"""`rapport identity merge` and `split`: a person says who is one, and who is not."""

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from messaging.cli.options import AsJson

if TYPE_CHECKING:
    from messaging.customers.records import Carrier
    from messaging.identity_decisions import Kind, Recorded

ONE = "A customer's id, an e-mail, a phone or order number, or a record as source/source_record_id."
One = Annotated[str, typer.Argument(metavar="A", help=ONE, show_default=False)]
Other = Annotated[str, typer.Argument(metavar="B", help="The other one, named in any of these ways.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever asks later; it may stand in files and git.")]
Author = Annotated[
    str, typer.Option("--author", help="Who decides this, for the record.", default_factory=getpass.getuser)
]
NEXT_BUILD = "It takes effect in the next build: [bold]rapport build[/bold]."


def merge(a: One, b: Other, *, reason: Reason, author: Author, as_json: AsJson = False) -> None:
    """Decide that two are one person, whatever else the evidence says. Two records are chosen and shown."""
    _decide("merge", a, b, reason, author, as_json=as_json)


def split(a: One, b: Other, *, reason: Reason, author: Author, as_json: AsJson = False) -> None:
    """Decide that two are not one person: two customers, or two records or identifiers of one customer."""
    _decide("split", a, b, reason, author, as_json=as_json)


def _decide(  # noqa: PLR0913 - the facts of a decision
    kind: "Kind", a: str, b: str, reason: str, author: str, *, as_json: bool
) -> None:
    from contextlib import closing
    from functools import partial

    from messaging.clock import read_clock
    from messaging.customers.records import choose, known_records
    from messaging.identity_decisions import record_decision
    from messaging.release import ReleaseReader
    from messaging.settings import read_settings
    from messaging.store import open_store
    from messaging.terminal import emit

    settings = read_settings()
    with (
        closing(ReleaseReader(settings.releases_dir)) as reader,
        open_store(settings) as store,
        reader.snapshot() as release,
    ):
        chosen = choose(release, kind, a, b)
        one, other = (each.record for each in chosen)
        known = partial(known_records, release)
        clock = read_clock(settings.home)
        recorded = record_decision(store, clock, kind, one, other, author=author, reason=reason, known=known)
    document = {
        "decision": recorded.decision.to_document(),
        "is_new": recorded.is_new,
        "records": [_document(each) for each in chosen],
        "takes_effect": "next build",
    }
    emit(document, as_json=as_json, human=lambda: _tell(recorded, chosen))


def _document(carrier: "Carrier") -> dict[str, Any]:
    return {
        **carrier.record._asdict(),
        "customer_id": carrier.customer_id,
        "anchor": carrier.anchor._asdict(),
    }


def _tell(recorded: "Recorded", chosen: "tuple[Carrier, Carrier]") -> None:
    from messaging.customers.why.words import THINGS
    from messaging.terminal import plain, say

    decision, (one, other) = recorded.decision, chosen
    for each in chosen:
        by = each.anchor.identifier_type
        goes = "" if by == "record" else f"; it goes wherever its {THINGS[by][0]} goes"
        say(plain(f"  {each.record} of {each.customer_id or 'a guest'}{goes}"))
    if not recorded.is_new:
        say(plain(f"That stands already: {decision.told()}. Nothing changed."))
        return
    words = "are one person" if decision.kind == "merge" else "are not one person"
    say(plain(f"{one.record} and {other.record} {words}: recorded as {decision.decision_id}."))
    same = one.customer_id is not None and one.customer_id == other.customer_id
    if same == (decision.kind == "merge"):
        say("They are one customer already, and stay it." if same else "They are apart already, and stay so.")
    say(NEXT_BUILD + " Whoever has opted out stays opted out, on every side.")
