"""A template as somebody would get it, and as a colleague may have it sent to look at it in their own mail program."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from data_contracts.errors import NotFoundError, RefusedError
from messaging import audit
from messaging.addresses import Addresses, normalise_email
from messaging.assets import publish
from messaging.brand import worn
from messaging.campaigns import Library
from messaging.campaigns.library import ASSETS
from messaging.customers import Customers
from messaging.objections import silenced
from messaging.outbox import PlannedMessage, insert_planned
from messaging.rendering import (
    Compiled,
    NotRenderableError,
    Template,
    build_context,
    choose_language,
    read_template,
)
from messaging.rendering.checking import check_contract
from messaging.rendering.linting import sample_context
from messaging.rendering.templates import EXAMPLE_COUPON, OWN_LANGUAGE
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id

NOWHERE = "u/preview"  # a link to leave that was not signed: nobody is unsubscribed by looking
COLLEAGUE = "colleague"  # stands for the customer of a test, who is none
MARK = "[Test] "


@dataclass(frozen=True)
class Preview:
    """A message as its reader would see it, or (`left_out`) why somebody would get none."""

    channel: str
    language: str
    subject: str | None
    body: str | None
    html: str | None
    segment_count: int | None
    template_hash: str
    left_out: str | None


def preview(  # noqa: PLR0913 - what is rendered, for whom and how
    settings: Settings,
    library: Library,
    name: str,
    person: Mapping[str, Any] | None,
    now: datetime,
    *,
    channel: str | None = None,
    language: str | None = None,
) -> list[Preview]:
    """Render a template for one customer's facts (None: for a made-up one), by each of its channels unless one is named.

    Nothing is stored. Raises NotFoundError, or TemplateError where the template is wrong.
    """
    texts, design = library.template_texts(name), library.design()
    if channel is not None and channel not in texts:
        raise NotFoundError(f"There is no template {name!r} for {channel}.", f"There is: {', '.join(texts)}.")
    values, shown = _values(library, name), []
    for each in [channel] if channel else texts:
        own = OWN_LANGUAGE if OWN_LANGUAGE in texts[each] else next(iter(texts[each]))
        if language is not None and language not in texts[each]:
            raise NotFoundError(
                f"Template {name!r} has no {language!r} for {each}.", f"There is: {', '.join(texts[each])}."
            )
        wanted = language or choose_language(person["language"] if person else None, texts[each], own)
        template = read_template(each, name, wanted, texts[each][wanted], design)
        publish(library.folder / ASSETS, settings.assets_dir, library.assets_of(template))
        shown.append(_render(settings, library, template, values, person, now))
    return shown


def facts_of(customers: Customers, store: Store, customer_id: str) -> dict[str, Any]:
    """Give what the newest release knows of a customer, as a plan would see it. Raises NotFoundError."""
    with customers.reader.snapshot() as snapshot, store.read() as connection:
        rows = snapshot.rows("SELECT * FROM c360.customer_360 WHERE customer_id = ?", [customer_id])
        objectors = customers.objectors(snapshot, connection)
    if not rows:
        raise NotFoundError(f"There is no customer {customer_id}.", "Look them up: `rapport customer`.")
    return silenced(rows[0]) if customer_id in objectors else rows[0]


def send_test(  # noqa: PLR0913, PLR0917 - who sends what to whom
    settings: Settings,
    store: Store,
    addresses: Addresses,
    shown: Preview,
    name: str,
    to: str,
    actor: str,
    now: datetime,
    customer_id: str | None = None,
) -> str:
    """Put a test of an e-mail into the outbox, for a colleague alone; give the message's id.

    It is transactional, of no campaign and no customer, so that it counts against nobody's caps and stands in no report.
    Raises RefusedError where the address is no colleague's, or there is nothing to send.
    """
    address = normalise_email(to)
    if not settings.colleague_addresses:
        raise RefusedError(
            "RAPPORT_COLLEAGUES is empty, so tests go to nobody.",
            "Set it to the addresses of those who may get tests, separated by commas.",
        )
    if address is None or address not in settings.colleague_addresses:
        raise RefusedError(
            "The address given with --to is not one of RAPPORT_COLLEAGUES.", "Tests go to colleagues alone."
        )
    if shown.channel != "email" or shown.body is None:
        raise RefusedError(
            shown.left_out or f"A test goes by e-mail; this is {shown.channel}.", "Nothing was sent."
        )
    message = PlannedMessage(
        message_id=new_id("msg"),
        customer_id=COLLEAGUE,
        channel="email",
        address=address,
        address_hash=addresses.hash(address),
        body=shown.body,
        html=shown.html,
        subject=MARK + (shown.subject or ""),
        message_class="transactional",
        purpose="service",
        template=f"email/{name}.{shown.language}",
        template_hash=shown.template_hash,
    )
    with store.write() as connection:
        insert_planned(connection, [message], now, queued=True)
        detail = {"template": name, "language": shown.language, "message_id": message.message_id}
        audit.record(connection, actor, "template.send_test", customer_id, detail, at=now)
    return message.message_id


def _values(library: Library, name: str) -> dict[str, Any]:
    """Give the values that a campaign with this template gives it."""
    for each in library.names("campaigns"):
        campaign = library.campaign(each)
        if name in {variant.template for variant in campaign.variants}:
            return dict(campaign.values)
    return {}


def _render(  # noqa: PLR0913, PLR0917 - what is rendered, of what and for whom
    settings: Settings,
    library: Library,
    template: Template,
    values: Mapping[str, Any],
    person: Mapping[str, Any] | None,
    now: datetime,
) -> Preview:
    compiled = Compiled(template, [column.name for column in library.contract.columns])
    for found in check_contract(template, library.contract):
        raise RefusedError(f"{found.file}, line {found.line}: {found.sentence}", found.mend)
    context = sample_context(compiled, library.contract, template.language)
    surroundings = {
        "company_name": settings.company_name,
        "company_address": settings.company_address,
        "currency": settings.currency,
        "time_zone": (person or {}).get("time_zone") or settings.time_zone,
        "language": template.language.split("-", maxsplit=1)[0],
        "today": now,
        "assets_url": f"{settings.public_url.rstrip('/')}/a",
        "unsubscribe_url": f"{settings.public_url.rstrip('/')}/{NOWHERE}"
        if template.channel == "email"
        else None,
        **worn(settings).in_mails(settings.public_url),
    }
    if template.shows_coupon:
        surroundings["coupon"] = EXAMPLE_COUPON
    if person is not None:
        needed = {each: context[each] for each in template.needs}
        context = build_context(person, surroundings, needed | dict(values), compiled.names)
    else:
        context |= dict(values) | surroundings
    try:
        made = compiled.render(context)
    except NotRenderableError as error:
        told = f"The template shows {' or '.join(error.names)}, which we do not know of this customer."
        return Preview(template.channel, template.language, None, None, None, None, template.hash, told)
    return Preview(
        template.channel,
        made.language,
        made.subject,
        made.body,
        made.html,
        made.segment_count,
        template.hash,
        None,
    )
