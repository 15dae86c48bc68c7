"""The contact form: acknowledged at once, once each, in the reader's language; programs are thanked and not kept."""

import re
import socket
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from messaging import consent, serving
from messaging.addresses import Addresses
from messaging.links import read_links
from messaging.settings import Settings, read_settings
from messaging.store import Store
from messaging.store.tables import inbound_messages, messages
from messaging.webhooks import contact
from messaging.webhooks.app import build_app
from messaging.webhooks.limits import RateLimit, source_of
from messaging.webhooks.server import running
from messaging.webhooks.words import all_words

MAIL = "ada@example.com"
SHARED = examples(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def token(settings: Settings) -> Any:
    return lambda age=10, number=0: read_links(settings).form(int(time.time()) - age, f"{number:032x}")


@pytest.fixture
def send(post: Any, token: Any) -> Any:
    def fill_in(query: str = "", **fields: str) -> Any:
        given = {"form": token(), "name": "Ada", "email": MAIL, "message": "Where is my chair?", **fields}
        return post.raw(f"/contact{query}", urlencode(given, errors="replace"))

    return fill_in


@pytest.fixture
def stored(store: Store) -> Any:
    def read() -> tuple[list[Any], list[Any]]:
        with store.read() as connection:
            return (
                list(connection.execute(select(inbound_messages).order_by(inbound_messages.c.inbound_id))),
                list(connection.execute(select(messages).order_by(messages.c.message_id))),
            )

    return read


def test_a_message_is_stored_once_and_acknowledged_at_once(send: Any, stored: Any, owners: list[str]) -> None:
    owners.append("cus_4")
    for _ in range(3):  # somebody who presses the button again
        assert send("?lang=fr").status_code == 200
    (heard,), (receipt,) = stored()
    assert (heard.channel, heard.from_address, heard.body) == ("form", MAIL, "Where is my chair?")
    assert (heard.customer_id, heard.payload) == ("cus_4", {"name": "Ada", "language": "fr"})
    assert (receipt.channel, receipt.address, receipt.state) == ("email", MAIL, "queued")
    assert (receipt.message_class, receipt.customer_id) == ("transactional", "cus_4")
    assert receipt.subject == "Your company : nous avons votre message"
    assert "Where is my chair" not in receipt.body, "nobody writes to others in our name"


def test_what_the_page_gives_out_can_be_sent_back_and_not_within_a_glance(post: Any, stored: Any) -> None:
    page = post.client.get("/contact?lang=de").text
    form = re.search(r'name="form" value="([0-9a-f.]+)"', page)
    assert form is not None
    fields = {"form": form[1], "email": MAIL, "message": "Hallo", "name": ""}
    assert all_words()["de"].sent_title in post.raw("/contact?lang=de", urlencode(fields)).text
    assert stored() == ([], []), "nobody fills in a form in a second"


def test_an_opt_out_in_a_form_counts_for_mail(send: Any, store: Store, addresses: Addresses) -> None:
    send(message="Please stop sending me these emails. Remove me from your list.")
    with store.read() as connection:
        assert consent.suppressed(connection, [addresses.hash(MAIL)], "email")


@pytest.mark.parametrize("trap", [{"website": "http://spam.example"}])
def test_a_program_that_fills_in_everything_is_thanked_and_not_kept(
    trap: dict[str, str], send: Any, stored: Any
) -> None:
    assert all_words()["en"].sent_title in send(**trap).text
    assert stored() == ([], [])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"email": "nobody"}, "wrong_email"),
        ({"email": f"{MAIL}\r\nBcc: x@example.com"}, "wrong_email"),
        ({"message": " "}, "wrong_message"),
        ({"message": "x" * 5001}, "wrong_message"),
        ({"form": ""}, "wrong_title"),
        ({"form": "1.00000000000000000000000000000000.00000000000000000000000000000000"}, "wrong_title"),
    ],
)
def test_what_is_missing_is_said_in_words_and_what_was_written_is_not_lost(
    fields: dict[str, str], told: str, send: Any, stored: Any
) -> None:
    answer = send(name="Zoë <b>", **fields)
    assert answer.status_code == 400
    assert getattr(all_words()["en"], told) in answer.text
    assert "Zoë &lt;b&gt;" in answer.text
    assert stored() == ([], [])


def test_another_message_by_the_same_form_is_another_message(send: Any, stored: Any) -> None:
    for text in ("Where is my chair?", "Where is my chair?", "And my table?"):
        assert send(message=text).status_code == 200
    assert [row.body for row in stored()[0]] == ["Where is my chair?", "And my table?"]


def test_a_form_that_was_wrong_and_is_mended_within_a_glance_is_kept(
    send: Any, token: Any, stored: Any
) -> None:
    drawn = re.search(r'name="form" value="([0-9a-f.]+)"', send(form=token(age=60), email="nobody").text)
    assert drawn is not None
    assert send(form=drawn[1]).status_code == 200
    assert [row.body for row in stored()[0]] == ["Where is my chair?"]


def test_a_crowd_is_kept_without_receipts(
    send: Any, token: Any, stored: Any, monkeypatch: pytest.MonkeyPatch, settings: Settings, post: Any
) -> None:
    monkeypatch.setattr(contact, "RECEIPTS_AT_ONCE", 2)
    post.rebuilt(settings)
    given = {"email": MAIL, "message": "Where is my chair?"}
    for number in range(4):
        body = urlencode({"form": token(number=number), **given, "email": f"a{number}@example.com"})
        source = {"X-Forwarded-For": f"203.0.113.{number}"}
        assert post.raw("/contact", body, source).status_code == 200
    heard, receipts = stored()
    assert (len(heard), len(receipts)) == (4, 2)


@pytest.mark.parametrize(("proxies", "kept"), [("127.0.0.1,::1", 7), ("10.0.0.0/24", 5)])
def test_a_proxy_that_is_trusted_says_who_asks_and_no_other(
    proxies: str, kept: int, home: Any, store: Store, clock: Any, stored: Any
) -> None:
    settings = read_settings(home=home, trusted_proxies=proxies)
    links = read_links(settings)
    with running(settings, store, clock, find_customers=lambda _: []) as receiver, httpx.Client(
        base_url=receiver.base_url, trust_env=False
    ) as client:  # fmt: skip
        for number in range(7):
            form = links.form(int(time.time()) - 10, f"{number:032x}")
            given = {"form": form, "email": MAIL, "message": "Where is my chair?"}
            client.post("/contact", data=given, headers={"X-Forwarded-For": f"203.0.113.{number}"})
    assert len(stored()[0]) == kept


def test_a_form_of_yesterday_has_to_be_sent_again(send: Any, token: Any, stored: Any) -> None:
    assert send(form=token(age=25 * 3600)).status_code == 400
    assert stored() == ([], [])


def test_too_many_from_one_network_wait_and_one_address_gets_few_receipts(
    send: Any, token: Any, stored: Any
) -> None:
    answers = [send(form=token(number=number)).status_code for number in range(7)]
    assert answers == [200] * 5 + [429] * 2
    heard, receipts = stored()
    assert (len(heard), len(receipts)) == (5, 3)


@SHARED
@pytest.mark.sqlite
@given(
    fields=st.dictionaries(
        st.sampled_from(["form", "name", "email", "message", "website", "lang", "x"]), st.text(max_size=40)
    )
)
def test_no_form_however_odd_is_an_error_of_ours(fields: dict[str, str], send: Any, post: Any) -> None:
    assert send(**fields).status_code in {200, 400, 429}
    assert post.raw("/contact", urlencode(fields, errors="replace")).status_code in {200, 400, 429}


def test_only_named_sites_may_show_the_form_within_a_page(
    post: Any, home: Any, store: Store, clock: Any, stage: Any
) -> None:
    assert "frame-ancestors 'none'" in post.client.get("/contact").headers["content-security-policy"]
    sites = read_settings(home=home, form_sites="https://www.example.com, https://shop.example.com")
    stage[0].app = build_app(sites, store, clock, lambda _: [])
    shown = post.client.get("/contact?embed=1")
    assert (
        "frame-ancestors 'self' https://www.example.com https://shop.example.com"
        in shown.headers["content-security-policy"]
    )
    assert '<body class="embedded">' in shown.text


def test_a_window_slides_and_an_ipv6_network_is_one_source() -> None:
    limit = RateLimit(each=2, together=3, seconds=10)
    assert [limit.allows("a", now) for now in (0.0, 1.0, 2.0, 10.5)] == [True, True, False, True]
    assert [limit.allows(name, 10.6) for name in ("b", "c")] == [True, False]
    assert source_of("2001:db8::1") == source_of("2001:db8::ffff") != source_of("2001:db8:0:1::1")
    assert source_of(None) == source_of("no address") == "unknown"
    assert source_of("::ffff:203.0.113.5") == source_of("203.0.113.5:4431") == "203.0.113.5"
    assert source_of("[2001:db8::1]:443") == source_of("[2001:db8::1]") == source_of("2001:db8::2")


def test_a_proxy_is_believed_by_its_ipv4_address_where_we_listen_on_ipv6() -> None:
    seen: list[str] = []
    try:
        socket.create_server(("::", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")

    async def app(scope: Any, _: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(scope["client"][0])
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    with serving.running(lambda _: app, host="::", trusted_proxies="127.0.0.1,10.0.0.0/8") as base_url:
        port = base_url.rsplit(":", 1)[1]
        with httpx.Client(trust_env=False) as client:
            client.get(f"http://127.0.0.1:{port}/", headers={"X-Forwarded-For": "203.0.113.5"})
    assert seen == ["203.0.113.5"]
    assert serving.also_mapped("10.0.0.0/8, ::1") == "10.0.0.0/8,::1,::ffff:10.0.0.0/104"
