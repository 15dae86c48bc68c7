"""The unsubscribe link: a page for people, one POST for mailboxes, and nothing by looking (RFC 8058)."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from messaging import consent
from messaging.addresses import Addresses
from messaging.links import read_links
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.ids import new_id
from messaging.store.tables import consent_events, messages

MAIL = "siobhan@example.com"
ONE_CLICK = "List-Unsubscribe=One-Click"
SHARED = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def link(settings: Settings, sent: Any, addresses: Addresses) -> str:
    message_id = sent("cus_1", channel="email", address=MAIL, address_hash=addresses.hash(MAIL))
    return read_links(settings).unsubscribe(message_id).removeprefix(settings.public_url)


@pytest.fixture
def opted_out(store: Store, addresses: Addresses) -> Any:
    def look() -> bool:
        with store.read() as connection:
            suppressed = consent.suppressed(connection, [addresses.hash(MAIL)], "email")
            state = consent.state(connection, ["cus_1"], addresses.hash(MAIL), "email")
        assert bool(suppressed) == (state is not None and not state.granted)
        return bool(suppressed)

    return look


def test_looking_at_the_page_changes_nothing(post: Any, link: str, opted_out: Any) -> None:
    answer = post.client.get(link)
    assert answer.status_code == 200
    assert "<button" in answer.text
    assert "e-mails" in answer.text
    assert post.client.head(link).status_code == 200
    assert not opted_out()


def test_one_bare_post_unsubscribes_without_cookie_or_login(post: Any, link: str, opted_out: Any) -> None:
    answer = post.raw(link, ONE_CLICK)
    assert answer.status_code == 200
    assert "You are unsubscribed" in answer.text
    assert "set-cookie" not in answer.headers
    assert opted_out()


def test_the_button_does_the_same_and_twice_is_once(
    post: Any, link: str, opted_out: Any, store: Store
) -> None:
    assert post.raw(link, "").status_code == 200
    assert post.raw(link, ONE_CLICK).status_code == 200
    assert opted_out()
    with store.read() as connection:
        assert len(connection.execute(select(consent_events)).all()) == 1


def test_it_ends_mail_and_leaves_texts_alone(
    post: Any, link: str, store: Store, addresses: Addresses
) -> None:
    post.raw(link, ONE_CLICK)
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "sms") == {}


@SHARED
@given(
    # a client takes /u/.. for the front page before it asks
    token=st.text(alphabet="abcdef0123456789._msg", max_size=80).filter(
        lambda token: token not in {".", ".."}
    )
)
def test_a_made_up_link_is_not_ours(token: str, post: Any, opted_out: Any) -> None:
    for answer in (post.client.get(f"/u/{token}"), post.raw(f"/u/{token}", ONE_CLICK)):
        assert answer.status_code in {404, 405}
    assert not opted_out()


def test_a_link_with_one_sign_changed_is_not_ours(post: Any, link: str, opted_out: Any) -> None:
    for place in range(3, len(link)):
        changed = link[:place] + ("0" if link[place] != "0" else "1") + link[place + 1 :]
        assert post.raw(changed, ONE_CLICK).status_code == 404
    assert not opted_out()


def test_a_true_link_of_a_message_that_is_gone_says_so(post: Any, settings: Settings) -> None:
    gone = read_links(settings).unsubscribe(new_id("msg")).removeprefix(settings.public_url)
    answer = post.client.get(gone)
    assert answer.status_code == 404
    assert "We do not know this link" in answer.text


def test_the_page_shows_the_companys_name_as_text_and_keeps_the_link_to_itself(post: Any, link: str) -> None:
    answer = post.client.get(link)
    assert "Your company" in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_long_body_is_not_read(post: Any, link: str, opted_out: Any) -> None:
    assert post.raw(link, "x" * 70_000).status_code == 413
    assert not opted_out()


def test_who_agreed_again_since_leaves_by_the_same_link_again(
    post: Any, link: str, store: Store, addresses: Addresses, settings: Settings
) -> None:
    preferences = read_links(settings).preferences(link_message(store)).removeprefix(settings.public_url)
    post.raw(link, ONE_CLICK)
    assert post.raw(preferences, "marketing.email=on").status_code == 200
    for _ in range(2):
        assert post.raw(link, ONE_CLICK).status_code == 200
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email")
        said = consent.state(connection, ["cus_1"], addresses.hash("another@example.com"), "email")
        events = connection.execute(select(consent_events.c.action).order_by(consent_events.c.sequence))
        told = [action for action in events.scalars() if action != "void"]
    assert said is not None
    assert not said.granted
    assert told.count("revoke") - told.count("grant") == 1 + 3  # three other channels stood without a tick


def link_message(store: Store) -> str:
    with store.read() as connection:
        return str(connection.execute(select(messages.c.message_id)).scalar_one())
