"""The words of one message: the template in its reader's language, filled in, with its links and its coupon."""

from collections.abc import Mapping
from typing import Any

from messaging.planner.grounds import Ground
from messaging.quiet_hours import zone_named
from messaging.rendering import Rendered, build_context, choose_language, track


class NoCouponError(Exception):
    """No code is left for somebody whose message shows one."""


def render(ground: Ground, person: Mapping[str, Any], channel: str, message_id: str) -> Rendered:
    """Render the message to one person by one channel.

    Raises NotRenderableError where they lack what it shows, NoCouponError where no code is left for them.
    """
    campaign = ground.content.campaign
    variant = campaign.variant_of(person["customer_id"])
    name = variant.template
    offered = ground.templates[name][channel]
    language = choose_language(person["language"], offered, ground.content.own_language(name, channel))
    surroundings = {
        "company_name": ground.company.name,
        "company_address": ground.company.address,
        "currency": ground.company.currency,
        "time_zone": zone_named(person["time_zone"] or "") or ground.company.time_zone,
        "language": language.split("-")[0],
        "today": ground.now,
        "assets_url": f"{ground.links.public_url}/a",
        "unsubscribe_url": ground.links.unsubscribe(message_id) if channel == "email" else None,
        **ground.company.brand.in_mails(ground.links.public_url),
    }
    template = offered[language]
    if campaign.coupon is not None and "coupon" in template.names:
        taken = not campaign.holdout.holds(person["customer_id"])
        surroundings["coupon"] = ground.coupon_for(person["customer_id"], taken)
        if surroundings["coupon"] is None:
            raise NoCouponError
    rendered = template.render(
        build_context(person, surroundings, ground.values(person["customer_id"]), template.names)
    )
    if ground.content.message_class != "marketing" or channel not in campaign.tracking.channels:
        return rendered
    return track(rendered, ground.links, message_id, channel, campaign.utm(channel, variant))
