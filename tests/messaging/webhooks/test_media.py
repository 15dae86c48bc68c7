"""Files of messages: from the provider alone, within limits, apart by their hash, and asked for again where it may help."""

import hashlib
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from messaging import serving
from messaging.clock import Clock
from messaging.settings import SANDBOX_ACCOUNT_SID, Settings, read_settings
from messaging.store import Store
from messaging.store.tables import inbound_messages
from messaging.store.tables_receiver import inbound_media
from messaging.webhooks.media import TRIES, Fetcher, media_path

INBOUND = "/webhooks/twilio/inbound"
NOON = datetime.fromisoformat("2026-10-30T12:00")
PICTURE = b"\x89PNG" + b"x" * 5000
FOLDER = f"/2010-04-01/Accounts/{SANDBOX_ACCOUNT_SID}/Messages/MM1/Media"


class Provider:
    """Gives out files as its `answer` says, and notes who asked."""

    def __init__(self) -> None:
        self.answer: Response = Response(PICTURE, media_type="image/png")
        self.asked: list[str | None] = []

    async def give(self, request: Request) -> Response:
        """Answer a request for any path."""
        self.asked.append(request.headers.get("authorization"))
        return self.answer


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Provider, str]]:
    provider = Provider()
    app = Starlette(routes=[Route("/{path:path}", provider.give)])
    with serving.running(lambda _: app) as base_url:
        yield provider, base_url


@pytest.fixture
def provider(served: tuple[Provider, str]) -> Provider:
    served[0].__init__()  # type: ignore[misc]
    return served[0]


@pytest.fixture
def settings(home: Any, database: str, served: tuple[Provider, str]) -> Settings:
    return read_settings(home=home, twilio_api_url=served[1], attachment_max_mb=1)


@pytest.fixture
def fetched(
    post: Any, inbound_form: Any, settings: Settings, store: Store, provider: Provider, served: Any
) -> Any:
    """Receive a picture and fetch it; give its row."""

    def run(url: str = "", at: Clock | None = None) -> Any:
        where = url or f"{served[1]}{FOLDER}/ME{'0' * 32}"
        form = inbound_form("", sid="MM1", NumMedia="1", MediaUrl0=where, MediaContentType0="image/png")
        assert post.signed(INBOUND, form).status_code == 200
        Fetcher(settings, store, at or Clock(NOON)).fetch_waiting()
        with store.read() as connection:
            return connection.execute(select(inbound_media)).one()

    return run


def test_a_picture_is_kept_apart_by_its_hash_and_readable_by_us_alone(
    fetched: Any, settings: Settings, provider: Provider
) -> None:
    row = fetched()
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert (row.state, row.sha256, row.size, row.content_type) == ("kept", digest, len(PICTURE), "image/png")
    path = media_path(settings.home, digest)
    assert path.read_bytes() == PICTURE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert provider.asked == [provider.asked[0]]
    assert str(provider.asked[0]).startswith("Basic ")


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://example.com/cat.png",
        "file:///etc/passwd",
        "{base}/2010-04-01/Accounts/AC" + "1" * 32 + "/Messages/MM1/Media/ME" + "0" * 32,
        "{base}" + FOLDER + "/../../../x",
        "{base}" + FOLDER + "/ME" + "0" * 32 + "?to=http://example.com",
        "{base}@example.com" + FOLDER + "/ME" + "0" * 32,
    ],
)
def test_what_lies_elsewhere_is_never_asked_for(
    url: str, fetched: Any, provider: Provider, served: Any
) -> None:
    row = fetched(url.replace("{base}", served[1]))
    assert (row.state, row.reason) == ("refused", "elsewhere")
    assert provider.asked == []


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:1/", "https://example.com/x", "https://twiliocdn.com.example.com/x"]
)
def test_a_redirect_leads_to_the_providers_own_store_or_nowhere(
    target: str, fetched: Any, provider: Provider
) -> None:
    provider.answer = RedirectResponse(target)
    row = fetched()
    assert (row.state, row.reason) == ("refused", "elsewhere")


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"x" * 1_000_001, "image/png", "too_large"),
        (b"<svg/>", "image/svg+xml", "type"),
        (b"MZ" + b"x" * 100, "image/png", "program"),
        (b"x", "", "type"),
    ],
)
def test_what_is_too_large_or_of_another_type_is_not_kept(
    content: bytes, kind: str, reason: str, fetched: Any, provider: Provider, settings: Settings
) -> None:
    provider.answer = Response(content, headers={"Content-Type": kind})
    row = fetched()
    assert (row.state, row.reason) == ("refused", reason)
    assert not (settings.home / "media").exists()


def test_a_provider_that_fails_is_asked_again_later_and_not_for_ever(
    fetched: Any, provider: Provider, store: Store, settings: Settings
) -> None:
    provider.answer = Response(status_code=503)
    row = fetched()
    assert (row.state, row.tries, row.next_try_at > NOON) == ("waiting", 1, True)
    assert Fetcher(settings, store, Clock(NOON)).fetch_waiting() == 0, "its time has not come"
    at = NOON
    for _ in range(TRIES):
        at += timedelta(days=1)
        Fetcher(settings, store, Clock(at)).fetch_waiting()
    with store.read() as connection:
        row = connection.execute(select(inbound_media)).one()
    assert (row.state, row.tries, row.reason) == ("failed", TRIES, "HTTPError")
    assert len(provider.asked) == TRIES


def test_a_message_again_notes_its_files_once(fetched: Any, store: Store) -> None:
    fetched()
    assert fetched().state == "kept"


@pytest.mark.parametrize(
    ("latitude", "longitude", "place"),
    [
        ("51.5", "-0.12", {"latitude": 51.5, "longitude": -0.12, "label": "Harbour"}),
        ("91", "0", None),
        ("NaN", "0", None),
        ("1e3", "0", None),
        ("", "0", None),
    ],
)
def test_a_place_is_read_where_there_is_one(
    latitude: str, longitude: str, place: Any, post: Any, inbound_form: Any, store: Store
) -> None:
    form = inbound_form("", Latitude=latitude, Longitude=longitude, Label="Harbour")
    assert post.signed(INBOUND, form).status_code == 200
    with store.read() as connection:
        assert connection.execute(select(inbound_messages.c.payload)).scalar_one().get("place") == place
