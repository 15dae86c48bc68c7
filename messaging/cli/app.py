"""The commands of messaging, put together."""

import typer

from messaging.cli import (
    asking,
    audit,
    campaign,
    complaining,
    consents,
    coupons,
    customers,
    keys,
    notifying,
    outboxes,
    privacy,
    reviewing,
    scheduling,
    segments,
    sending,
    settling,
    shadowing,
    templates,
    users,
    why,
)

app = typer.Typer(no_args_is_help=True)
app.command("customer")(customers.customer)
app.add_typer(segments.segments, name="segment")
campaign.campaigns.command("schedule")(scheduling.schedule)
campaign.campaigns.command("shadow")(shadowing.shadow)
app.add_typer(campaign.campaigns, name="campaign")
app.add_typer(templates.templates, name="template")
app.add_typer(coupons.coupons, name="coupons")
app.command("dispatch")(sending.dispatch)
app.add_typer(outboxes.outboxes, name="outbox")
app.add_typer(settling.settling, name="reconcile")
app.command("why")(why.why)
consents.consents.command("request")(asking.request)
consents.consents.command("import")(asking.take_over)
consents.consents.add_typer(reviewing.reviews, name="review")
consents.consents.add_typer(complaining.complaints, name="complaint")
app.add_typer(consents.consents, name="consent")
app.add_typer(audit.audits, name="audit")
app.add_typer(keys.keys, name="keys")
app.add_typer(users.users, name="users")
app.add_typer(privacy.privacy, name="privacy")
app.add_typer(notifying.notifications, name="notifications")
app.command("upgrade")(sending.upgrade)
