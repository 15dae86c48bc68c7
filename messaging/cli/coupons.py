"""`rapport coupons`: lists of codes that campaigns give away, each code once."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from messaging.cli.options import Actor, AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from messaging.coupons import CouponList

coupons = typer.Typer(no_args_is_help=True, help="Lists of coupon codes: each code goes to one customer.")


@coupons.command("import")
def take_in(
    name: Annotated[str, typer.Argument(help="The list's name, as campaigns name it by `coupon`.")],
    path: Annotated[Path, typer.Argument(help="A CSV with a column `code`.")],
    *,
    actor: Actor,
    as_json: AsJson = False,
) -> None:
    """Add the codes of a file to a list, all of them or none."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.coupons import add, read_codes

    settings = read_settings()
    found = read_codes(path)
    with opened_store(settings) as store, store.write() as connection:
        now = add(connection, name, found, actor, read_clock(settings.home).now())
    emit(
        _document(now) | {"added": len(found)},
        as_json=as_json,
        human=lambda: say(
            f"[bold]{len(found):,}[/bold] codes came to {name}: {now.free:,} of {now.codes:,} are free."
        ),
    )


@coupons.command("list")
def list_them(*, as_json: AsJson = False) -> None:
    """Show how many codes of each list are free; what surely nobody saw is freed first."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.coupons import all_lists, give_back

    settings = read_settings()
    with opened_store(settings) as store:
        with store.write() as connection:
            for each in all_lists(connection):
                give_back(connection, each.name, read_clock(settings.home).now())
        with store.read() as connection:
            found = all_lists(connection)
    emit({"lists": [_document(each) for each in found]}, as_json=as_json, human=lambda: _print(found))


def _document(found: "CouponList") -> dict[str, object]:
    return asdict(found) | {"free": found.free}


def _print(found: "Sequence[CouponList]") -> None:
    if not found:
        say("There are no coupons yet; `rapport coupons import NAME FILE` takes them in.")
    for each in found:
        held = f", {each.reserved:,} held by a plan under way" if each.reserved else ""
        say(f"[bold]{each.name}[/bold]  {each.free:,} of {each.codes:,} codes are free{held}")
