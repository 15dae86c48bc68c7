"""Each shipped pull against a server that behaves as the vendor documents: pages, cursors, filters and sign-in."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from messaging.settings import Settings
from pipelines.pulls.files import load_pull, shipped_names
from pipelines.pulls.places import read_watermarks
from pipelines.pulls.running import PullReport

from .conftest import Answer, Asked, Vendor, pull, write_pull

Records = dict[str, list[dict[str, Any]]]


@pytest.fixture
def handed_over(monkeypatch: pytest.MonkeyPatch) -> Records:
    """Keep what would be landed, by stream, instead of landing it: whose mapping reads it is tested elsewhere."""
    kept: Records = {}

    class Nothing:
        rows_in = accepted = quarantined = already_landed = changed = 0

    def ingest(
        _settings: Settings, _clock: object, _source: str, paths: list[Path], *_: Any, **__: Any
    ) -> Nothing:
        for path in paths:
            stream = path.parent.name
            kept.setdefault(stream, []).extend(json.loads(line) for line in path.read_text().splitlines())
        return Nothing()

    monkeypatch.setattr("pipelines.pulls.running.ingest", ingest)
    return kept


def use(
    settings: Settings, vendor: Vendor, name: str, given: dict[str, str] | None = None, **client: Any
) -> None:
    """Write the company's file for a shipped pull, with the vendor on this machine."""
    shipped = load_pull(settings, name).plan.model_dump(by_alias=True)
    document: dict[str, Any] = {
        "use": name,
        "client": {**shipped["client"], "base_url": vendor.url, **client},
    }
    write_pull(settings, name, document | ({"with": given} if given else {}))


def bring(settings: Settings, name: str) -> PullReport:
    report = pull(settings, name)
    assert [str(error) for error in report.errors] == []
    return report


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_every_shipped_pull_names_the_document_that_it_was_written_by_and_the_day(settings: Settings) -> None:
    for name in shipped_names():
        pulled = load_pull(settings, name)
        assert pulled.plan.doc.startswith("https://"), name
        assert "# Read 20" in pulled.path.read_text(), name
        assert pulled.plan.description, name


def test_no_shipped_pull_runs_by_itself(settings: Settings) -> None:
    assert [name for name in shipped_names() if load_pull(settings, name).cron] == []


def test_shopify_is_followed_by_its_link_header_and_asked_from_the_watermark_on(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPIFY_ACCESS_TOKEN", "shpat-1")

    def answer(asked: Asked) -> Answer:
        kind = asked.path.removeprefix("/").removesuffix(".json")
        assert asked.headers["x-shopify-access-token"] == "shpat-1"
        if kind != "orders":
            return Answer({kind: []})
        if "page_info" in asked.query:
            assert set(asked.query) == {
                "page_info",
                "limit",
            }  # Shopify refuses any other parameter beside page_info
            return Answer({"orders": [{"id": 3, "updated_at": "2026-10-29T23:30:00+02:00"}]})
        link = f'<{vendor.url}/orders.json?page_info=abc&limit=250>; rel="next"'
        first = [
            {"id": 1, "updated_at": "2026-10-29T22:00:00Z"},
            {"id": 2, "updated_at": "2026-10-28T09:00:00Z"},
        ]
        return Answer({"orders": first}, headers={"Link": link})

    vendor.answer = answer
    use(settings, vendor, "shopify", {"shop": "harbour"})
    bring(settings, "shopify")
    assert [order["id"] for order in handed_over["orders"]] == [1, 2, 3]
    assert "updated_at_min" not in vendor.asked[0].query
    assert read_watermarks(settings, "shopify") == {
        "orders": datetime(2026, 10, 29, 22)
    }  # as moments, not as texts
    vendor.asked.clear()
    bring(settings, "shopify")
    assert vendor.asked[0].query["updated_at_min"] == "2026-10-29T21:50:00Z"


def test_stripe_is_paged_by_the_last_id_until_there_is_no_more(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk-1")
    pages = {None: (["ch_3", "ch_2"], True), "ch_2": (["ch_1"], False)}

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Bearer sk-1"
        if asked.path != "/charges":
            return Answer({"object": "list", "data": [], "has_more": False})
        ids, more = pages[asked.query.get("starting_after")]
        data = [{"id": each, "object": "charge", "created": 1793300000 + int(each[-1])} for each in ids]
        return Answer({"object": "list", "data": data, "has_more": more})

    vendor.answer = answer
    use(settings, vendor, "stripe")
    bring(settings, "stripe")
    assert [charge["id"] for charge in handed_over["charges"]] == ["ch_3", "ch_2", "ch_1"]
    vendor.asked.clear()
    bring(settings, "stripe")
    asked = {
        each.path: each.query.get("created[gte]")
        for each in vendor.asked
        if "starting_after" not in each.query
    }
    assert asked == {"/charges": str(1793300003 - 14 * 86400), "/refunds": None, "/invoices": None}


def test_klaviyo_events_carry_the_metric_and_profile_that_stand_beside_them(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk-1")

    def event(number: int) -> dict[str, Any]:
        refers = {
            "metric": {"data": {"type": "metric", "id": "M"}},
            "profile": {"data": {"type": "profile", "id": "M"}},
        }
        attributes = {"datetime": f"2026-10-{number:02d} 10:00:00+00:00"}
        return {"type": "event", "id": f"e{number}", "attributes": attributes, "relationships": refers}

    included = [
        {"type": "metric", "id": "M", "attributes": {"name": "Opened Email"}},
        {"type": "profile", "id": "M", "attributes": {"email": "ada@example.com"}},
    ]

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Klaviyo-API-Key pk-1"
        assert asked.headers["revision"] == "2025-01-15"
        if asked.path == "/profiles":
            return Answer({"data": [], "links": {"next": None}})
        following = f"{vendor.url}/events?page%5Bcursor%5D=x" if "page[cursor]" not in asked.query else None
        data = [event(2 if following is None else 1)]
        return Answer({"data": data, "included": included, "links": {"next": following}})

    vendor.answer = answer
    use(settings, vendor, "klaviyo")
    bring(settings, "klaviyo")
    assert [each["included"] for each in handed_over["events"]] == [included, included]
    vendor.asked.clear()
    bring(settings, "klaviyo")
    assert vendor.asked[1].query["filter"] == "greater-or-equal(datetime,2026-10-02T09:50:00Z)"


def test_mailchimp_is_paged_by_offset_up_to_its_total(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILCHIMP_API_KEY", "key-us21")
    members = [
        {"id": str(n), "last_changed": f"2026-10-{1 + n % 28:02d}T10:00:00+00:00"} for n in range(1500)
    ]

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == basic("rapport", "key-us21")
        first, count = int(asked.query["offset"]), int(asked.query["count"])
        return Answer({"members": members[first : first + count], "total_items": len(members)})

    vendor.answer = answer
    use(settings, vendor, "mailchimp", {"data_center": "us21", "list": "aud1"})
    bring(settings, "mailchimp")
    assert len(handed_over["members"]) == 1500
    assert [each.path for each in vendor.asked] == ["/lists/aud1/members"] * 2


def test_sendgrid_s_bare_lists_are_paged_and_each_record_says_which_list_it_stood_on(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.1")
    bounces = [{"email": f"p{n}@example.com", "created": 1793000000 + n, "reason": "550"} for n in range(501)]

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Bearer SG.1"
        if asked.path == "/asm/suppressions":
            return Answer([{"email": "q@example.com", "group_id": 1, "created_at": 1793000000}])
        first = int(asked.query.get("offset", 0))
        return Answer(bounces[first : first + 500] if asked.path == "/suppression/bounces" else [])

    vendor.answer = answer
    use(settings, vendor, "sendgrid")
    bring(settings, "sendgrid")
    assert len(handed_over["bounces"]) == 501
    assert {each["suppression"] for each in handed_over["bounces"]} == {"bounces"}
    assert handed_over["group_unsubscribes"][0]["suppression"] == "group_unsubscribes"
    vendor.asked.clear()
    bring(settings, "sendgrid")
    assert {each.query.get("start_time") for each in vendor.asked if each.path == "/suppression/bounces"} == {
        str(1793000500 - 600)
    }


def test_zendesk_ends_at_the_end_of_its_stream_and_tickets_carry_their_requester(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZENDESK_EMAIL", "agent@example.com")
    monkeypatch.setenv("ZENDESK_API_TOKEN", "tok")
    users = [{"id": 7, "email": "ada@example.com"}, {"id": 9, "email": "agent@example.com"}]

    def ticket(number: int) -> dict[str, Any]:
        return {
            "id": number,
            "requester_id": 7,
            "assignee_id": 9,
            "group_id": None,
            "updated_at": f"2026-10-0{number}T08:00:00Z",
        }

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == basic("agent@example.com/token", "tok")
        if asked.path.endswith("/comments.json"):
            number = int(asked.path.split("/")[2])
            comment = {
                "id": number * 10,
                "author_id": 7,
                "created_at": "2026-10-01T08:00:00Z",
                "public": True,
            }
            return Answer(
                {"comments": [comment], "users": users, "links": {"next": None}, "meta": {"has_more": False}}
            )
        last = asked.query.get("cursor") == "c1"
        page = {"tickets": [ticket(2 if last else 1)], "users": users, "groups": []}
        return Answer({**page, "after_cursor": "c2" if last else "c1", "end_of_stream": last})

    vendor.answer = answer
    use(settings, vendor, "zendesk", {"subdomain": "harbour"})
    bring(settings, "zendesk")
    assert [each["requester"]["email"] for each in handed_over["tickets"]] == ["ada@example.com"] * 2
    assert [each["ticket_id"] for each in handed_over["comments"]] == [1, 2]
    assert [each["author"]["email"] for each in handed_over["comments"]] == ["ada@example.com"] * 2
    start = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
    assert vendor.asked[0].query["start_time"] == str(start)


def test_intercom_is_searched_by_post_and_each_conversation_asked_for_with_its_parts(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERCOM_ACCESS_TOKEN", "dG9r")

    def answer(asked: Asked) -> Answer:
        assert asked.headers["authorization"] == "Bearer dG9r"
        if asked.method == "GET":
            number = asked.path.removeprefix("/conversations/")
            return Answer(
                {
                    "type": "conversation",
                    "id": number,
                    "updated_at": 1793000000 + int(number),
                    "conversation_parts": {},
                }
            )
        after = asked.body["pagination"].get("starting_after")
        following = {"page": 2, "starting_after": "next"} if after is None else None
        found = [{"id": "1"}, {"id": "2"}] if after is None else [{"id": "3"}]
        pages = {"type": "pages", "per_page": 150} | ({"next": following} if following else {})
        return Answer({"type": "conversation.list", "conversations": found, "pages": pages})

    vendor.answer = answer
    use(settings, vendor, "intercom")
    bring(settings, "intercom")
    assert sorted(each["id"] for each in handed_over["conversations"]) == ["1", "2", "3"]
    assert list(handed_over) == ["conversations"]
    vendor.asked.clear()
    bring(settings, "intercom")
    assert vendor.asked[0].body["query"] == {
        "field": "updated_at",
        "operator": ">",
        "value": str(1793000003 - 600),
    }


def test_chatwoot_is_filtered_by_day_and_its_messages_read_backwards_to_the_first(
    settings: Settings, vendor: Vendor, handed_over: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATWOOT_API_TOKEN", "cw")
    messages = [{"id": n, "conversation_id": 5, "created_at": 1792000000 + n} for n in range(1, 31)]

    def answer(asked: Asked) -> Answer:
        assert asked.headers["api_access_token"] == "cw"
        if asked.method == "POST":
            page = [{"id": 5}] if asked.query["page"] == "1" else []
            return Answer({"meta": {"all_count": 1}, "payload": page})
        before = int(asked.query.get("before", 10**9))
        return Answer({"meta": {}, "payload": [each for each in messages if each["id"] < before][-20:]})

    vendor.answer = answer
    use(settings, vendor, "chatwoot", {"address": "https://chat.example.com", "account": "1"})
    bring(settings, "chatwoot")
    assert sorted(each["id"] for each in handed_over["messages"]) == list(range(1, 31))
    assert vendor.asked[0].body["payload"][0]["values"] == ["2000-01-01"]
