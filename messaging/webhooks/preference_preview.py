"""The preference page as one customer would see it by now, for a colleague to look at."""

from messaging import audit
from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.customers import Customers
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import require_id
from messaging.webhooks.pages import Pages
from messaging.webhooks.preferring import choices, wishes_of
from messaging.webhooks.readers import find_person, reached
from messaging.webhooks.words import DEFAULT, all_words


def languages() -> dict[str, str]:
    """Give the languages that the page exists in: their own names, by code."""
    return {code: words.name for code, words in all_words().items()}


def language_for(wanted: str | None) -> str:
    """Give the language of the page that is nearest to a customer's, such as de-AT; their browser may ask for another."""
    code = (wanted or "").lower().replace("_", "-").split("-")[0]
    return code if code in all_words() else DEFAULT


def preview_preferences(  # noqa: PLR0913 - the parts of the company; whose page, in which language, for whom
    settings: Settings,
    customers: Customers,
    store: Store,
    clock: Clock,
    customer_id: str,
    *,
    lang: str,
    actor: str | None,
) -> str:
    """Give the HTML of a customer's preference page, in which nothing leads anywhere. The look is audited first.

    `actor` is None where they saw this customer's last time, and it is told already. Raises NotFoundError.
    """
    require_id("cus", customer_id)
    if actor is not None:
        with store.write() as connection:
            detail = {"part": "preferences"}
            audit.record(connection, actor, "consent.look", customer_id, detail, at=clock.now())
    customers.get(customer_id, orders=0, limit=1)  # nobody's page is shown for an id that nobody has
    person, addresses = find_person(customers, customer_id), read_addresses(settings, store)
    with store.read() as connection:
        wishes = wishes_of(connection, reached(connection, person, addresses), clock.now())
    return Pages(settings).shown_preferences(choices(wishes, all_words()[lang]), lang)
