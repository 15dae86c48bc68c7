"""The commands of messaging, put together."""

import typer

from messaging.cli import audit, campaign, consents, customers, sending

app = typer.Typer(no_args_is_help=True)
app.command("customer")(customers.customer)
app.add_typer(customers.segments, name="segment")
app.add_typer(campaign.campaigns, name="campaign")
app.command("dispatch")(sending.dispatch)
app.command("reconcile")(sending.reconcile)
app.command("why")(sending.why)
app.add_typer(consents.consents, name="consent")
app.add_typer(audit.audits, name="audit")
app.command("upgrade")(sending.upgrade)
