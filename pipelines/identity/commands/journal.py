"""`rapport identity journal`: how customers came to be who they are."""

from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.customers.journal import JournalEntry

CAUSES = {
    "first_build": "in the first build",
    "evidence": "by evidence",
    "policy": "by a changed policy",
    "decision": "by a person's decision",
}


def journal(
    customer: Annotated[
        str,
        typer.Argument(help="An e-mail, phone or order number, or a customer's id; everybody by default."),
    ] = "",
    *,
    most: Annotated[
        int, typer.Option("--limit", help="How many to show, the newest.", min=1, max=100_000)
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """Show when customers were born, merged and split, and by what, the oldest first."""
    from contextlib import closing

    from data_contracts.errors import NotFoundError
    from messaging.cli.opening import only
    from messaging.customers import lookup
    from messaging.customers.journal import journal as entries_of
    from messaging.release import ReleaseReader
    from messaging.settings import read_settings
    from messaging.terminal import emit

    settings = read_settings()
    with closing(ReleaseReader(settings.releases_dir)) as reader, reader.snapshot() as release:
        found = only(lookup.find(release, customer)) if customer else None
        if customer and not found:
            raise NotFoundError("That names nobody, or several people.", "Give an id or an e-mail address.")
        entries = entries_of(release, found.customer_id if found else None, most)
    document = {
        "customer_id": found.customer_id if found else None,
        "entries": [each.to_document() for each in entries],
    }
    emit(document, as_json=as_json, human=lambda: _tell(entries))


def _tell(entries: "Sequence[JournalEntry]") -> None:
    from messaging.terminal import plain, say

    if not entries:
        say("The journal holds nothing of that: it began with the first build that kept one.")
    for each in entries:
        cause = CAUSES.get(each.cause, each.cause)
        decision = f" ({each.decision_id})" if each.decision_id else ""
        say(plain(f"{each.at:%Y-%m-%d %H:%M} UTC  {_sentence(each)} {cause}{decision}"))


def _sentence(entry: "JournalEntry") -> str:
    records = f"{entry.records:,} record{'' if entry.records == 1 else 's'}"
    if entry.kind == "merged":
        return f"{entry.other_customer_id} became part of {entry.customer_id}, with {records},"
    if entry.kind == "split":
        return f"{entry.customer_id} was cut from {entry.other_customer_id}, with {records},"
    return f"{entry.customer_id} was {entry.kind}, with {records},"
