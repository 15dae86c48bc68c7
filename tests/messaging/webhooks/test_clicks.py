"""Links in messages lead to the address that was signed and nowhere else; people are told from scanners."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from data_contracts.errors import StoreError
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables_receiver import tracking_events

CHAIR = "https://shop.example.com/chair?colour=oak&u=1#top"
PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"}
SHARED = examples(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def message_id(sent: Any, clock: Any) -> str:
    return str(sent("cus_1", calling_at=clock.now() - timedelta(hours=1)))


@pytest.fixture
def link(settings: Settings, message_id: str) -> Any:
    return lambda url=CHAIR: read_links(settings).click(message_id, url).removeprefix(settings.public_url)


@pytest.fixture
def clicks(store: Store) -> Any:
    def read() -> list[tuple[bool, str | None]]:
        with store.read() as connection:
            rows = connection.execute(select(tracking_events).order_by(tracking_events.c.event_id)).all()
        return [(row.machine, (row.detail or {}).get("machine_by")) for row in rows]

    return read


def test_a_person_is_led_on_and_counted(post: Any, link: Any, clicks: Any) -> None:
    answer = post.client.get(link(), headers=PERSON)
    assert (answer.status_code, answer.headers["location"]) == (302, CHAIR)
    assert clicks() == [(False, None)]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"User-Agent": ""}, "no_agent"),
        ({"User-Agent": "Mozilla/5.0 (compatible; bingbot/2.0)"}, "agent"),
        ({"User-Agent": "python-requests/2.32"}, "agent"),
        (PERSON | {"Sec-Purpose": "prefetch;prerender"}, "prefetch"),
    ],
)
def test_what_shows_that_it_is_a_machine_is_kept_as_one(
    headers: dict[str, str], why: str, post: Any, link: Any, clicks: Any
) -> None:
    assert post.client.get(link(), headers=headers).status_code == 302
    assert clicks() == [(True, why)]


def test_who_follows_all_links_at_once_or_before_anybody_can_read_is_a_machine(
    post: Any, link: Any, clicks: Any, sent: Any, settings: Settings
) -> None:
    post.client.get(link(), headers=PERSON)
    post.client.get(link("https://shop.example.com/table"), headers=PERSON)
    fresh = read_links(settings).click(sent("cus_2"), CHAIR).removeprefix(settings.public_url)
    post.client.get(fresh, headers=PERSON)
    assert clicks() == [(False, None), (True, "burst"), (True, "too_soon")]


def test_a_look_at_the_head_leads_on_and_counts_nothing(post: Any, link: Any, clicks: Any) -> None:
    assert post.client.head(link(), headers=PERSON).status_code == 302
    assert clicks() == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//evil.example",
        "https://",
        "https://a@b.example",
        "ftp://x.example",
        "https:\\\\x",
        "x",
    ],
)
def test_what_is_no_web_address_is_not_followed_even_if_it_was_signed(
    url: str, post: Any, link: Any, clicks: Any
) -> None:
    assert post.client.get(link(url), headers=PERSON).status_code == 404
    assert clicks() == []


@SHARED
@given(url=st.text(max_size=60) | st.sampled_from(["https://evil.example", CHAIR + "x", CHAIR[:-1]]))
def test_another_address_than_the_one_that_was_signed_is_never_followed(
    url: str, post: Any, link: Any, clicks: Any
) -> None:
    path = link().split("?")[0]
    answer = post.client.get(path, params={"u": url}, headers=PERSON)
    assert answer.status_code == (302 if url == CHAIR else 404)
    if url != CHAIR:
        assert clicks() == []


def test_a_store_that_cannot_be_written_keeps_nobody_from_the_shop(
    post: Any, link: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise StoreError("Another process has held the store's write lock for too long.")

    with monkeypatch.context() as broken:
        broken.setattr(store, "write", locked)
        assert post.client.get(link(), headers=PERSON).headers["location"] == CHAIR
