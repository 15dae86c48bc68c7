"""Why somebody got a message, or did not, asked by a colleague: the answer, and in the audit that it was given."""

from messaging import audit
from messaging.planner import Asked, Planner, Why, evidence, why_customer
from messaging.policy import read_limits
from messaging.quiet_hours import installed_rules
from messaging.store.ids import require_id


def explain_message(planner: Planner, message_id: str, *, actor: str) -> Why:
    """Say step by step how a message came to be. Raises NotFoundError, and RefusedError where it is not for them."""
    require_id("msg", message_id)
    settings, now = planner.settings, planner.clock.now()
    with planner.store.write() as connection:  # before anything is told
        audit.record(connection, actor, "message.look", message_id, at=now)
    asked = Asked(
        now, settings.currency, settings.time_zone, installed_rules(settings.home), read_limits(settings)
    )
    return evidence(planner.store, planner.customers, message_id, asked)


def explain_customer(planner: Planner, customer_id: str, campaign: str, *, actor: str) -> list[str]:
    """Say why a customer got a campaign or not, by its newest run. Raises as explain_message does."""
    require_id("cus", customer_id)
    with planner.store.write() as connection:
        audit.record(connection, actor, "customer.why", customer_id, at=planner.clock.now())
    return why_customer(planner.store, planner.customers, planner.settings, customer_id, campaign)
