"""Pull files: what is wrong is told in a sentence, and secrets never stand in them."""

from collections.abc import Callable
from typing import Any

import pytest

from data_contracts.errors import SettingsError, UsageError
from messaging.settings import Settings
from pipelines.pulls.files import list_pulls, load_pull

from .conftest import write_pull

SQL = {"kind": "sql", "source": "purchases", "mapping": "my_shop", "url": "{SHOP_DB_URL}", "table": "orders"}
REST = {
    "kind": "rest",
    "source": "shopify",
    "client": {"base_url": "https://api.example.com", "auth": {"type": "bearer", "token": "{KEY}"}},
    "endpoints": [{"name": "orders", "path": "orders"}],
}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({**SQL, "kind": "ftp"}, "has the kind ftp; it is sql, rest or imap"),
        (
            {**SQL, "tabel": "x"},
            "tabel is no word of this file (did you mean table?); legal there: description",
        ),
        ({**SQL, "query": "SELECT 1"}, "has either a table or a query"),
        ({**SQL, "url": "postgresql://reader:hunter2@host/shop"}, "should name the secret"),
        ({**SQL, "url": "mssql://reader@host/shop?password=hunter2"}, "should name the secret"),
        (
            {**REST, "client": {**REST["client"], "headers": {"X-Api-Key": "hunter2"}}},
            "client.headers: x-Api-Key should name a secret",
        ),  # type: ignore[dict-item]
        ({**SQL, "every": "7 minutes"}, "every is 7 minutes; write words such as 15 minutes"),
        ({**SQL, "overlap": "while"}, "while is no length of time"),
        ({key: value for key, value in SQL.items() if key != "source"}, "source: field required"),
        (
            {**REST, "client": {**REST["client"], "auth": {"type": "bearer", "token": "sk-live-1"}}},
            "name a secret",
        ),  # type: ignore[dict-item]
        ({**REST, "only": ["customers"]}, "only names customers; the endpoints are orders"),
        ({**REST, "description": "of {shop}"}, "has a blank {shop} that nobody fills"),
        ({"use": "shopfiy"}, "uses shopfiy, which is no shipped pull; did you mean shopify?"),
        ({"use": "shopify", "with": {"store": "x"}}, "gives store under `with`, but the pull asks for shop"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(settings: Settings, document: dict[str, Any], said: str) -> None:
    write_pull(settings, "wrong", document)
    with pytest.raises(SettingsError) as caught:
        load_pull(settings, "wrong")
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "sk-live-1" not in str(caught.value)


@pytest.mark.parametrize(
    "secret", ["Sommer2026", "postgres://reader:hunter2@host/shop", "anna.lee@example.com", "sk-live-1"]
)
@pytest.mark.parametrize(
    ("place", "said"),
    [
        (lambda secret: {**SQL, "kind": secret}, "has the kind (not shown); it is sql, rest or imap"),
        (lambda secret: {"use": secret}, "uses (not shown), which is no shipped pull"),
        (lambda secret: {"use": "shopify", "with": {secret: "x"}}, "line 3: gives (not shown) under `with`"),
        (lambda secret: {**SQL, "every": secret}, "every: every is (not shown); write words such as"),
        (lambda secret: {**SQL, "overlap": secret}, "overlap: (not shown) is no length of time"),
        (lambda secret: {**REST, "only": [secret]}, "only names (not shown); the endpoints are orders"),
        (
            lambda secret: {**SQL, secret: "x"},
            "(not shown) is no word of this file; legal there: description",
        ),
    ],
)
def test_a_secret_that_stands_where_a_word_belongs_is_not_repeated(
    settings: Settings, place: Callable[[str], dict[str, Any]], said: str, secret: str
) -> None:
    write_pull(settings, "wrong", place(secret))
    with pytest.raises(SettingsError) as caught:
        load_pull(settings, "wrong")
    assert said in str(caught.value)
    assert secret not in str(caught.value)


def test_an_unknown_pull_is_told_with_the_nearest_name(settings: Settings) -> None:
    with pytest.raises(UsageError, match="Did you mean stripe"):
        load_pull(settings, "strype")


def test_a_company_s_file_replaces_keys_of_the_shipped_one_and_fills_its_blanks(settings: Settings) -> None:
    write_pull(
        settings,
        "shopify",
        {"use": "shopify", "with": {"shop": "harbour"}, "every": "hour", "only": ["orders"]},
    )
    pull = load_pull(settings, "shopify")
    assert pull.plan.kind == "rest"
    assert pull.plan.client.base_url == "https://harbour.myshopify.com/admin/api/2025-10/"
    assert [endpoint.name for endpoint in pull.plan.landing] == ["orders"]
    assert (pull.cron, dict(pull.missing)) == ("0 * * * *", {})


def test_what_a_pull_still_asks_for_keeps_it_from_its_schedule(settings: Settings) -> None:
    write_pull(settings, "shopify", {"use": "shopify"})
    pull = load_pull(settings, "shopify")
    assert (pull.cron, list(pull.missing)) == ("", ["shop"])


def test_a_broken_file_keeps_no_other_from_being_listed(settings: Settings) -> None:
    write_pull(settings, "good", SQL)
    (settings.home / "pulls" / "torn.yaml").write_text("kind: [")
    good, broken = list_pulls(settings)
    assert "good" in {pull.name for pull in good}
    assert [item.name for item in broken] == ["torn"]
    assert "cannot be read as YAML" in str(broken[0].error)
