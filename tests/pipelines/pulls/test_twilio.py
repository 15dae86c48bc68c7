"""The live pull of Twilio, against our own sandbox over HTTP."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from messaging.sandbox.server import RunningSandbox, running
from messaging.sandbox.settings import SandboxSettings
from messaging.settings import SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN, SANDBOX_FROM, Settings, read_settings
from pipelines.landing.manifest import list_landings
from pipelines.pulls.places import read_watermarks

from .conftest import NOON, pull, write_pull

CREDENTIALS = (SANDBOX_ACCOUNT_SID, SANDBOX_AUTH_TOKEN)


class Now:
    """A clock that the test sets."""

    moment = NOON - timedelta(days=9)

    def __call__(self) -> datetime:
        """Give the moment it stands at."""
        return self.moment


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def box(now: Now) -> Iterator[RunningSandbox]:
    with running(settings=SandboxSettings(step_seconds=0.005), now=now) as sandbox:
        yield sandbox


@pytest.fixture
def settings(box: RunningSandbox, tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home", sandbox_url=box.base_url)


def send(box: RunningSandbox, count: int) -> None:
    url = f"{box.base_url}/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Messages.json"
    for number in range(count):
        form = {
            "To": f"+4477009000{number:02d}",
            "From": SANDBOX_FROM,
            "Body": f"Parcel {number} is on its way",
        }
        assert httpx.post(url, data=form, auth=CREDENTIALS).status_code == 201
    assert box.settle()


def test_messages_come_once_and_then_only_those_since_the_watermark(
    box: RunningSandbox, settings: Settings, now: Now
) -> None:
    send(box, 3)
    messages, calls = pull(settings, "twilio").streams
    assert (messages.error, calls.error) == (None, None)
    assert (messages.rows, messages.total("accepted"), calls.rows) == (3, 3, 0)
    now.moment = NOON
    send(box, 2)
    pull(settings, "twilio")
    (later, _) = pull(settings, "twilio").streams
    assert (later.rows, later.total("accepted"), later.total("already_landed")) == (
        2,
        0,
        2,
    )  # the old three are not asked for
    assert sum(landing.accepted for landing in list_landings(settings)) == 5
    assert read_watermarks(settings, "twilio") == {"messages": NOON}


def test_more_messages_than_a_page_holds_are_all_brought(box: RunningSandbox, settings: Settings) -> None:
    send(box, 5)
    endpoint = {
        "name": "messages",
        "path": "Accounts/{TWILIO_ACCOUNT_SID}/Messages.json",
        "params": {"PageSize": 2},
        "data_selector": "messages",
        "cursor": "date_sent",
    }
    write_pull(settings, "small_pages", {"use": "twilio", "endpoints": [endpoint]})
    (messages,) = pull(settings, "small_pages").streams
    assert (messages.rows, messages.total("accepted")) == (5, 5)


def test_a_wrong_token_is_told_by_its_name_and_never_by_its_value(
    box: RunningSandbox, settings: Settings, tmp_path: Path
) -> None:
    wrong = read_settings(home=tmp_path / "home", sandbox_url=box.base_url, twilio_auth_token="not-the-token")
    messages, _ = pull(wrong, "twilio").streams
    assert "refused TWILIO_ACCOUNT_SID or TWILIO_AUTH_TOKEN (401)" in str(messages.error)
    assert "not-the-token" not in str(messages.error)
