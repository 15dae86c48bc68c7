"""How an installation is set up, for the page that shows it: each setting and where it comes from, channels, files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from data_contracts.yaml_files import home_rules_file
from messaging import audit, brand
from messaging.access import Sight
from messaging.clock import Clock
from messaging.policy.limits import LIMITS_FILE
from messaging.quiet_hours import RULES_FILE
from messaging.senders.trying import Tried, try_channel
from messaging.setting_places import origin
from messaging.settings import Settings
from messaging.store import Store

ADDRESSES = frozenset({"RAPPORT_COLLEAGUES"})  # of people, which are masked by the reader's role


@dataclass(frozen=True)
class Told:
    """One setting: its variable, what it is ("set" or nothing for a secret), and where that was read."""

    name: str
    value: str
    origin: str
    is_secret: bool


def told(settings: Settings, sight: Sight, environ: Mapping[str, str] = os.environ) -> list[Told]:
    """List every setting as this process has read it. No secret is given, only whether there is one."""
    found, live = [], brand.live(settings)
    for field, info in type(settings).model_fields.items():
        name = str(info.alias)
        value = live.get(name, getattr(settings, field))
        secret = isinstance(value, SecretStr)
        if isinstance(value, SecretStr):
            shown = "set" if value.get_secret_value() else ""
        elif name in ADDRESSES:
            shown = ", ".join(sight.email(each.strip()) or "" for each in value.split(",") if each.strip())
        else:
            shown = "" if value is None else str(value)
        found.append(Told(name, shown, origin(settings, name, environ), secret))
    return found


def rules_come_from(settings: Settings) -> dict[str, str]:
    """Say of the files of limits and quiet hours whether the company's own holds, or the shipped one."""
    return {
        each.name: "your own, in RAPPORT_HOME"
        if home_rules_file(settings.home, each) != each
        else "the one that is shipped"
        for each in (LIMITS_FILE, RULES_FILE)
    }


def connection_tested(settings: Settings, store: Store, clock: Clock, channel: str, *, actor: str) -> Tried:
    """Ask a channel's provider whether it lets us in, and take down who asked. No message is sent."""
    with store.write() as connection:
        audit.record(connection, actor, "channel.test", channel, at=clock.now())
    return try_channel(settings, channel)
