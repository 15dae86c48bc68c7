"""The page of a build: readable by a marketer, whole without the internet, and without personal data."""

import html
import os
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from data_contracts.contracts import load_contract, published_contract
from data_contracts.model import Contract
from pipelines.contracts.changes import Change, changes, standing
from pipelines.contracts.page import BuildFacts, render_page, write_page
from pipelines.landing.refusals import Refusal
from pipelines.landing.results import Count, rule_result
from pipelines.warehouse.records import ContractState

NOON = datetime.fromisoformat("2026-10-30T12:00")
FACTS = BuildFacts("20261030T120000-01a2", NOON, NOON, published=True, stands="20261030T120000-01a2")


def state(contract: Contract, rows: int, aside: int = 0, **broken: Count) -> ContractState:
    results = tuple(rule_result(rule, broken.get(rule.name, Count(rows, 0))) for rule in contract.rules)
    return ContractState(contract.name, rows, aside, results, NOON, rows)


@pytest.fixture
def fine() -> ContractState:
    return state(load_contract("consents"), 1_000)


@pytest.fixture
def broken() -> ContractState:
    counts = {"currency_form": Count(1_000, 0, 80), "contact_details_given": Count(1_000, 120)}
    return state(load_contract("purchases"), 1_000, 80, **counts)


def words(page: str) -> str:
    """Give what a reader sees."""
    shown = re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", shown)))


def test_a_rule_stands_as_a_sentence_with_its_count_share_threshold_and_owner(broken: ContractState) -> None:
    text = words(render_page(FACTS, [broken], []))
    assert "A currency is written as three capital letters, such as GBP." in text
    assert (
        "80 of 1,000 rows (8%) are set aside for it, more than the 5% that may be. Shop answers for it."
        in text
    )
    assert "Without an e-mail address or a phone number nobody can be written to." in text
    assert "120 of 1,000 rows (12%) are not so, and count all the same." in text


def test_kept_promises_and_tables_without_rows_are_told_too(fine: ContractState) -> None:
    silent = replace(fine, table="calls", rows=0, results=())
    text = words(render_page(FACTS, [fine, silent], []))
    assert "Every promise was kept." in text
    assert f"{len(fine.results)} promises, all kept" in text
    assert "No rows so far: calls." in text


def test_a_kept_promise_says_how_many_rows_may_break_it(fine: ContractState) -> None:
    text = words(render_page(FACTS, [fine, state(published_contract("customer_360"), 10)], []))
    assert "of a delivery may break it." in text
    assert "; no row may break it." in text
    assert "; 0%" not in text


def test_nothing_is_fetched_and_no_script_is_needed(fine: ContractState, broken: ContractState) -> None:
    page = render_page(FACTS, [fine, broken], changes(standing([fine]), [fine, broken]))
    assert set(re.findall('(?:src|href)="(.)', page)) == {"#"}
    assert not re.search("<(script|link|img|iframe)", page)
    assert not re.search(r"https?://|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page


def test_a_refused_build_says_what_everybody_goes_on_reading(broken: ContractState) -> None:
    facts = replace(FACTS, published=False, stands="20261029T120000-01a1")
    text = words(render_page(facts, [broken], []))
    assert "This build was refused, so nothing was published." in text
    assert "Everybody goes on reading release 20261029T120000-01a1." in text


def test_a_delivery_that_was_refused_whole_is_told_without_its_file_and_rows(fine: ContractState) -> None:
    refusal = Refusal(
        source="shop", table="purchases", file_name="ada.quill.csv", file_sha256="", mapping="m", rule="currency_form",
        sentence="", owner="Shop", what="90 of 100 rows name no currency.", failed=90, rows=100, threshold=0.05,
        record_ids=("line/ada",), refused_at=NOON,
    )  # fmt: skip
    text = words(page := render_page(FACTS, [fine], [], [refusal]))
    assert "Purchases from shop: 90 of 100 rows name no currency." in text
    assert "Published, and some of it needs a look." in text  # though every table keeps its promises
    assert "ada" not in page


def test_markup_in_a_sentence_stays_text(fine: ContractState) -> None:
    odd = replace(fine.results[0], sentence="<b>5 < 6</b>")
    assert "&lt;b&gt;5 &lt; 6&lt;/b&gt;" in render_page(FACTS, [replace(fine, results=(odd,))], [])


def test_what_great_expectations_did_not_look_at_is_stated(fine: ContractState) -> None:
    text = words(render_page(FACTS, [replace(fine, rows=2_000)], []))
    assert "looked at 1,000 of the 2,000 rows" in text


def test_each_build_leaves_a_page_and_tells_what_changed_since_the_one_before(
    tmp_path: Path, fine: ContractState, broken: ContractState
) -> None:
    first = write_page(tmp_path, FACTS, [fine, replace(broken, results=())])
    second = write_page(tmp_path, replace(FACTS, version="20261031T120000-01a3"), [fine, broken])
    assert (first.name, second.name) == (
        "contracts-20261030T120000-01a2.html",
        "contracts-20261031T120000-01a3.html",
    )
    assert (tmp_path / "contracts-latest.html").read_text() == second.read_text()
    assert "Nothing changed, or there was no build before." in first.read_text()
    assert "has a new rule" in second.read_text()


def test_a_refused_build_that_judged_half_the_tables_forgets_nothing_of_the_others(
    tmp_path: Path, fine: ContractState
) -> None:
    view = state(published_contract("customer_360"), 10)
    write_page(tmp_path, FACTS, [fine, view])
    write_page(tmp_path, replace(FACTS, version="20261031T120000-01a3", published=False), [fine])
    last = write_page(tmp_path, replace(FACTS, version="20261101T120000-01a4"), [fine, view])
    assert "Nothing changed" in last.read_text()


def test_only_the_last_pages_are_kept(tmp_path: Path, fine: ContractState) -> None:
    for day in range(10, 14):
        path = write_page(tmp_path, replace(FACTS, version=f"202610{day}T120000-01a2"), [fine], keep=2)
        os.utime(path, times=((when := (NOON + timedelta(days=day)).timestamp()), when))
    assert sorted(page.name for page in tmp_path.glob("*.html")) == [
        "contracts-20261012T120000-01a2.html",
        "contracts-20261013T120000-01a2.html",
        "contracts-latest.html",
    ]


def test_what_became_worse_is_told_before_what_became_better(broken: ContractState) -> None:
    contract = load_contract("purchases")
    before = standing([state(contract, 900, 2, amount_plausible=Count(900, 3))])
    assert changes(before, [broken]) == [
        Change("worse", "purchases", "was refused"),
        Change("worse", "purchases", "78 more rows set aside"),
        Change("worse", "purchases", "80 rows not so: A currency is written as three capital letters, such as GBP."),
        Change("worse", "purchases", "120 rows not so: Without an e-mail address or a phone number nobody can be written to."),
        Change("better", "purchases", "mended: A line of more than a million is more often a misread decimal comma than a sale."),
        Change("other", "purchases", "has 100 more rows"),
    ]  # fmt: skip


def test_equal_builds_differ_in_nothing(broken: ContractState) -> None:
    assert changes(standing([broken]), [broken]) == []
