"""`rapport customer`: find one person."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_contracts.errors import NotFoundError
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit

if TYPE_CHECKING:
    from messaging.customers import CustomerHit


def customer(
    query: Annotated[
        str, typer.Argument(help="An e-mail, telephone, order, customer or external id, or a name.")
    ],
    *,
    limit: Annotated[int, typer.Option(help="How many to list.", min=1, max=100)] = 10,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Show one customer whole, or list those that a name may mean."""
    from messaging.cli.cards import print_card, print_hits
    from messaging.cli.opening import looked, only, opened_customers, opened_store

    settings = read_settings()
    with opened_customers(settings) as customers, opened_store(settings) as store:
        hits = customers.find(query, limit)
        if not hits:
            raise NotFoundError(
                "Nobody was found.", "Try an e-mail address, an order number or part of a name."
            )
        chosen = only(hits)
        if chosen:
            looked(settings, store, actor, "customer.look", chosen.customer_id)
        else:
            looked(settings, store, actor, "customer.search", found=len(hits))
        card = customers.get(chosen.customer_id) if chosen else None
    document = {"hits": hits_document(hits), "customer": card.to_document() if card else None}

    def human() -> None:
        if card:
            print_card(card, settings.currency)
        else:
            print_hits(hits, settings.currency)

    emit(document, as_json=as_json, human=human)


def hits_document(hits: "list[CustomerHit]") -> list[dict[str, Any]]:
    """Give search results as plain data."""
    from dataclasses import asdict

    return [asdict(hit) for hit in hits]
