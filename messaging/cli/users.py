"""`rapport users`: who may sign in to the app, and as what."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from messaging.access import ROLES, Role
from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

if TYPE_CHECKING:
    from messaging.users import User

users = typer.Typer(no_args_is_help=True, help="Colleagues who may sign in to the app, and their roles.")

Who = Annotated[str, typer.Argument(help="The colleague's name, or the id that `list` shows.")]
Roles = Annotated[
    list[str], typer.Option("--role", help=f"One of {', '.join(ROLES)}; give it again for another.")
]
At = Annotated[str, typer.Option("--app", help="Where the app runs, for the link.")]
APP = "http://127.0.0.1:8501"


@users.command("invite")
def invite(
    name: Annotated[str, typer.Argument(help="Their name, as they sign in and as audits show it.")],
    *,
    role: Roles,
    app: At = APP,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Make an account and print the link that sets its password: it works once, within a day."""
    from messaging.cli.opening import opened_store
    from messaging.users import invite as make

    with opened_store(read_settings()) as store, store.write() as connection:
        user, token = make(connection, name, role, actor, _now())
    _tell_link(user, f"{app.rstrip('/')}/join?link={token}", as_json=as_json)


@users.command("link")
def link(who: Who, *, app: At = APP, actor: Actor, as_json: AsJson = False) -> None:
    """Print a new link for who lost the last one, or the password; links of before end."""
    from messaging.cli.opening import opened_store
    from messaging.users import find, renew

    with opened_store(read_settings()) as store, store.write() as connection:
        user = find(connection, who)
        token = renew(connection, user.user_id, actor, _now())
    _tell_link(user, f"{app.rstrip('/')}/join?link={token}", as_json=as_json)


@users.command("list")
def list_them(*, as_json: AsJson = False) -> None:
    """List the accounts, also those that ended."""
    from messaging.cli.opening import opened_store
    from messaging.users import list_users

    with opened_store(read_settings()) as store, store.read() as connection:
        found = list_users(connection)
    emit({"users": [_document(user) for user in found]}, as_json=as_json, human=lambda: _print(found))


@users.command("role")
def change(who: Who, *, role: Roles, actor: Actor, as_json: AsJson = False) -> None:
    """Give an account these roles instead of those it has; whoever is signed in by it is signed out."""
    from messaging.cli.opening import opened_store
    from messaging.users import find, set_roles

    with opened_store(read_settings()) as store, store.write() as connection:
        user = set_roles(connection, find(connection, who).user_id, role, actor, _now())
    emit(_document(user), as_json=as_json, human=lambda: say(f"{plain(user.name)} is {_roles(user)} now."))


@users.command("disable")
def disable(who: Who, *, actor: Actor, as_json: AsJson = False) -> None:
    """End an account; whoever is signed in by it is signed out at once."""
    from messaging.cli.opening import opened_store
    from messaging.users import disable as end
    from messaging.users import find

    with opened_store(read_settings()) as store, store.write() as connection:
        user = find(connection, who)
        end(connection, user.user_id, actor, _now())
    document = {"user_id": user.user_id, "name": user.name, "disabled": True}
    emit(document, as_json=as_json, human=lambda: say(f"{plain(user.name)} cannot sign in any more."))


def _now() -> datetime:
    """Give the machine's time: accounts do not go by a demo's clock."""
    return datetime.now(UTC).replace(tzinfo=None)


def _tell_link(user: "User", address: str, *, as_json: bool) -> None:
    def human() -> None:
        say(f"{plain(user.name)} ({_roles(user)}) comes in here, once, within a day:")
        say(f"  {plain(address)}")

    emit({**_document(user), "link": address}, as_json=as_json, human=human)


def _document(user: "User") -> dict[str, Any]:
    return {**asdict(user), "roles": _ordered(user)}


def _ordered(user: "User") -> list[Role]:
    return [role for role in ROLES if role in user.roles]


def _roles(user: "User") -> str:
    return " and ".join(_ordered(user))


def _print(found: Sequence["User"]) -> None:
    if not found:
        say("There is no account yet; `rapport up` prints a link for the first admin.")
    for user in found:
        state = "ended" if user.disabled_at else "signs in" if user.joined else "has not set a password yet"
        say(f"{user.user_id}  {plain(user.name)}  {_roles(user)}  {state}")
