"""`rapport consent request` and `import`: ask somebody to confirm, and take over what others recorded."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_contracts.errors import InputError, NotFoundError
from messaging.cli.consents import CHANNELS, DATES, PURPOSES, Locale, Who, address_hash_on, require
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.settings import Settings
    from messaging.store import Store

MOST_TOLD = 5  # rows of one file: whoever mends these reads it again


def request(  # noqa: PLR0913 - the facts of a question
    who: Who,
    *,
    channel: Annotated[str, typer.Option(help="email, sms, whatsapp, voice or chat.")],
    wording: Annotated[str, typer.Option(help="What they would agree to, in the words that they will read.")],
    purpose: Annotated[str, typer.Option(help="marketing, service or profiling.")] = "marketing",
    source: Annotated[str, typer.Option(help="Where they asked for it, such as a form's name.")] = "rapport",
    locale: Locale = None,
    days: Annotated[int, typer.Option(help="How many days it waits for their answer.", min=1, max=90)] = 14,
    expires: Annotated[
        datetime | None, typer.Option(help="When the consent itself is to run out, in UTC.", formats=DATES)
    ] = None,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Ask a customer once to confirm (double opt-in); without their answer there is no consent."""
    from messaging import double_opt_in
    from messaging.addresses import normalise
    from messaging.cli.opening import opened_customer
    from messaging.clock import read_clock
    from messaging.links import read_links

    require(channel, CHANNELS, "--channel")
    require(purpose, PURPOSES, "--purpose")
    settings = read_settings()
    now = read_clock(settings.home).now()
    with opened_customer(settings, who) as (customers, store, card):
        given = card.facts["email" if channel == "email" else "phone"]
        address = normalise(channel, given) if given else None
        hashed = address_hash_on(channel, customers.address_hashes(card.facts))
        if address is None or hashed is None:
            raise NotFoundError(
                f"{card.customer_id} has no address for {channel}.", "Choose another channel, or correct it."
            )
        question = double_opt_in.Question(
            customer_id=card.customer_id,
            channel=channel,
            address=address,
            address_hash=hashed,
            wording=wording,
            source=source,
            actor=actor,
            purpose=purpose,
            locale=locale,
            consent_expires_at=expires,
        )
        with store.write() as connection:
            asked = double_opt_in.ask(
                connection, question, read_links(settings), settings.company_name, now, timedelta(days=days)
            )
    document = {
        "customer_id": card.customer_id,
        "request_id": asked.request_id,
        "message_id": asked.message_id,
        "expires_at": asked.expires_at.isoformat(),
        "sent": asked.is_new,
    }
    word = "Asked" if asked.is_new else "Asked before, and not again"
    emit(document, as_json=as_json, human=lambda: say(f"{word}; it waits until {asked.expires_at:%Y-%m-%d}."))


def take_over(
    file: Annotated[Path, typer.Argument(help="A CSV in UTF-8.", exists=True, dir_okay=False, readable=True)],
    *,
    source: Annotated[str, typer.Option(help="The system or drawer that it comes from.")],
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Record the consents of a CSV with their evidence; the same row again is known."""
    from messaging import audit
    from messaging.addresses import read_addresses
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.consent_files import read_consent_file
    from messaging.consent_imports import record_imports

    settings = read_settings()
    now = read_clock(settings.home).now()
    found = read_consent_file(file, source, now)
    with opened_store(settings) as store:
        _refuse_strangers(settings, store, file, [each.customer_id for each in found])
        counts = record_imports(store, read_addresses(settings, store), found, now)
        with store.write() as connection:
            detail = {"rows": len(found), "recorded": counts.recorded}
            audit.record(connection, actor, "consent.import", source, detail, at=now)
    document = {
        "rows": len(found),
        "recorded": counts.recorded,
        "already": counts.already,
        "unusable": counts.unusable,
    }
    told = f"{counts.recorded} of {len(found)} rows recorded, {counts.already} were known."
    emit(document, as_json=as_json, human=lambda: say(told))


def _refuse_strangers(
    settings: "Settings", store: "Store", file: Path, customer_ids: "Sequence[str | None]"
) -> None:
    """Refuse a file that names ids of nobody: a word about another system's number would hold for nobody."""
    from messaging.customers import Customers
    from messaging.desk.consent_import import unknown_among

    customers = Customers(settings, store)
    try:
        unknown = unknown_among(customers, customer_ids)
    finally:
        customers.close()
    rows = [str(row) for row, each in enumerate(customer_ids, 1) if each in unknown]
    if rows:
        shown = ", ".join(rows[:MOST_TOLD]) + (", …" if len(rows) > MOST_TOLD else "")
        raise InputError(
            f"{file}: {len(rows)} of {len(customer_ids)} rows have a customer_id that nobody has: rows {shown}.",
            "Nothing was recorded. Give Rapport's own ids (cus_…), or name people by `address`.",
        )
