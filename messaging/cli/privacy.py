"""`rapport privacy`: what the law asks to be written down."""

from dataclasses import asdict

import typer

from messaging.cli.options import AsJson
from messaging.settings import read_settings
from messaging.terminal import emit, plain, say

privacy = typer.Typer(no_args_is_help=True, help="What the law asks to be written down of personal data.")


@privacy.command("record")
def record(*, as_json: AsJson = False) -> None:
    """Write the record of processing (GDPR Art. 30) from the contracts, as Markdown."""
    from messaging.desk.processing import processing, written

    settings = read_settings()
    document = {"processing": [asdict(each) for each in processing()]}
    text = written(settings.company_name, settings.company_address)
    emit(document, as_json=as_json, human=lambda: typer.echo(text))


@privacy.command("requests")
def requests(*, as_json: AsJson = False) -> None:
    """List what people ask us to do with their data, those that are due first."""
    from messaging.cli.opening import opened_store
    from messaging.clock import read_clock
    from messaging.desk.requests import requests as read

    settings = read_settings()
    with opened_store(settings) as store:
        found, now = read(store), read_clock(settings.home).now()
    told = [{**asdict(each), "state": each.state(now), "days_left": each.days_left(now)} for each in found]

    def human() -> None:
        if not told:
            say("Nobody asked anything.")
        for each in told:
            days = int(str(each["days_left"]))
            clock = f"  {days} days left" if days >= 0 else f"  {-days} days late"
            left = "" if each["closed_at"] else clock
            say(f"{each['request_id']}  {each['kind']}  {each['state']}{left}  {plain(each['who'])}")

    emit({"requests": told}, as_json=as_json, human=human)
