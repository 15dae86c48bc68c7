"""`rapport keys`: who may post events."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.api_keys import ApiKey

keys = typer.Typer(no_args_is_help=True, help="Keys of programs that post events to us.")


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as web-shop.")],
    *,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: this once, for only its hash is kept."""
    from messaging import api_keys
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings = read_settings()
    with opened_store(settings) as store, store.write() as connection:
        key, secret = api_keys.create(connection, name, actor, read_clock(settings.home).now())
    document = {"key_id": key.key_id, "name": key.name, "key": secret}
    emit(
        document,
        as_json=as_json,
        human=lambda: say(
            f"{secret}\nThis is the key {key.key_id} of {plain(key.name)}. Keep it now: it is not shown again. "
            f"Send it as `Authorization: Bearer` to {settings.public_url.rstrip('/')}/events."
        ),
    )


@keys.command("list")
def list_them(*, as_json: AsJson = False) -> None:
    """List the keys, also those that were revoked, but never what they are."""
    from messaging import api_keys
    from messaging.cli.opening import opened_store

    with opened_store(read_settings()) as store, store.read() as connection:
        found = api_keys.list_keys(connection)
    emit({"keys": [asdict(key) for key in found]}, as_json=as_json, human=lambda: _print(found))


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `list` names it.")],
    *,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """End a key: from this moment on what it sends is refused."""
    from messaging import api_keys
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock

    settings = read_settings()
    with opened_store(settings) as store, store.write() as connection:
        key = api_keys.revoke(connection, key_id, actor, read_clock(settings.home).now())
    emit(asdict(key), as_json=as_json, human=lambda: say(f"{key.key_id} of {plain(key.name)} is revoked."))


def _print(found: "Sequence[ApiKey]") -> None:
    if not found:
        say("There is no key yet; `rapport keys create NAME` makes one.")
    for key in found:
        ended = (
            f"revoked {key.revoked_at:%Y-%m-%d %H:%M} by {plain(key.revoked_by or '')}"
            if key.revoked_at
            else ""
        )
        made = f"{key.created_at:%Y-%m-%d %H:%M} by {plain(key.created_by)}"
        say(f"{key.key_id}  [bold]{plain(key.name)}[/bold]  made {made}  {ended}".rstrip())
