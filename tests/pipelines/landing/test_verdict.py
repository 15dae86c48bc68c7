"""The verdict on a table: green, amber or red, by what Great Expectations and SQL find, and only when something changed."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from data_contracts.contracts import Contract, load_contract
from data_contracts.errors import UsageError
from data_contracts.model import Rule
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing import expectations, verdict
from pipelines.landing.verdict import Verdict, judge
from pipelines.landing.writer import Landed

Make = Callable[..., dict[str, str | None]]
Land = Callable[..., Landed]


@pytest.fixture
def judged(settings: Settings, clock: Clock) -> Callable[[str], Verdict]:
    return lambda table: judge(table, settings, clock)


def failed(verdict: Verdict) -> dict[str, int]:
    return {rule.rule: rule.failed for rule in verdict.failed}


def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Write down how many rows each look of Great Expectations is at."""
    shown, run = [], verdict._row_failures

    def shows(contract: Contract, frame: Any) -> dict[str, int]:
        shown.append(len(frame))
        return run(contract, frame)

    monkeypatch.setattr(verdict, "_row_failures", shows)
    return shown


def test_clean_rows_are_green(judged: Callable[[str], Verdict], land: Land, consent: Make) -> None:
    land(consent(1), consent(2))
    found = judged("consents")
    assert (found.state, found.rows, found.rows_checked, found.rows_quarantined) == ("green", 2, 2, 0)
    assert failed(found) == {}


def test_a_table_that_nothing_feeds_is_green_and_empty(judged: Callable[[str], Verdict]) -> None:
    found = judged("shipments")
    assert (found.state, found.rows) == ("green", 0)


def test_a_broken_warning_is_amber_and_lands_all_the_same(
    judged: Callable[[str], Verdict], land: Land, consent: Make
) -> None:
    land(consent(1), consent(2, email="two@example"))
    found = judged("consents")
    assert (found.state, found.rows, failed(found)) == ("amber", 2, {"email_looks_right": 1})


def test_a_few_rows_set_aside_are_amber_and_more_than_the_rule_allows_are_red(
    judged: Callable[[str], Verdict], land: Land, consent: Make
) -> None:
    land(consent(0), *(consent(number, channel="fax") for number in range(1, 21)))
    found = judged("consents")
    assert (found.state, found.rows_quarantined, failed(found)) == (
        "amber",
        20,
        {},
    )  # a person can look at 20
    land(consent(21, channel="fax"))
    found = judged("consents")
    assert (found.state, failed(found)) == ("red", {"channel_allowed": 21})
    (broken,) = found.failed
    assert (broken.checked, broken.set_aside, broken.threshold, broken.owner) == (
        22,
        21,
        0.02,
        "Data protection",
    )
    assert broken.share == 21 / 22


def test_a_rule_that_allows_more_stays_amber_where_another_turns_red(
    judged: Callable[[str], Verdict], land: Land, chat: Make
) -> None:
    land(
        *(chat(n) for n in range(40)),
        *(chat(n, occurred_at=None) for n in range(40, 65)),
        table="chat_messages",
    )
    found = judged("chat_messages")
    assert (found.state, found.rows_quarantined) == ("amber", 25)  # half of the talks may name no day
    result = next(item for item in found.results if item.rule == "occurred_at_present")
    assert (result.state, result.threshold, result.failed, result.checked) == ("set_aside", 0.5, 25, 65)


def test_every_rule_is_told_of_those_that_were_kept_too(
    judged: Callable[[str], Verdict], land: Land, consent: Make
) -> None:
    land(consent(1))
    contract, found = load_contract("consents"), judged("consents")
    assert [item.rule for item in found.results] == [
        "landed_files_whole",
        *(rule.name for rule in contract.rules),
    ]
    assert {item.state for item in found.results} == {"kept"}
    assert {item.state for item in judged("calls").results} == {"unjudged"}  # nothing has landed


def test_a_table_whose_newest_row_is_too_old_is_a_warning_that_hangs_on_the_day(
    settings: Settings, clock: Clock, land: Land, chat: Make
) -> None:
    land(chat(1), table="chat_messages")
    soon, late = (datetime.fromisoformat(f"2026-10-{day}T09:00") for day in ("08", "09"))
    assert judge("chat_messages", settings, clock, soon).state == "green"
    assert failed(judge("chat_messages", settings, clock, late)) == {"fresh": 1}


def test_a_landed_row_that_breaks_a_critical_rule_of_a_newer_contract_is_red(
    judged: Callable[[str], Verdict], land: Land, consent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(consent(1), consent(2, method="fax"))
    assert judged("consents").state == "green"
    old = load_contract("consents")
    stricter = Rule("no_fax", "values", ("method",), "Nobody faxes.", values=("form",))
    monkeypatch.setattr(
        verdict, "load_contract", lambda _: replace(old, cross_rules=(*old.cross_rules, stricter))
    )
    found = judged("consents")
    assert (found.state, failed(found)) == ("red", {"no_fax": 1})
    assert found.failed[0].sentence == "Nobody faxes."


def test_a_damaged_file_is_red(judged: Callable[[str], Verdict], land: Land, consent: Make) -> None:
    landing = land(consent(1)).landing
    assert judged("consents").state == "green"
    landing.path.write_bytes(landing.path.read_bytes()[:-1])
    found = judged("consents")
    assert (found.state, failed(found)["landed_files_whole"]) == ("red", 1)


def test_parcels_without_their_order_are_a_warning_once_orders_are_known(
    judged: Callable[[str], Verdict], land: Land
) -> None:
    base = {"source": "shop", "occurred_at": "2026-10-01 09:00:00", "order_id": "7"}
    shipment = {**base, "source_record_id": "shipment/1", "shipment_id": "1", "status": "created"}
    line: dict[str, Any] = {
        **base, "source_record_id": "line/1", "line_kind": "sale", "quantity": "1", "net_amount_minor": "5",
        "currency": "GBP",
    }  # fmt: skip
    land(shipment, table="shipments")
    assert "order_is_known" not in failed(judged("shipments"))  # nobody loads orders here
    land({**line, "order_id": "8"}, table="purchases")
    assert failed(judged("shipments"))["order_is_known"] == 1
    land({**line, "source_record_id": "line/2"}, table="purchases")
    assert "order_is_known" not in failed(judged("shipments"))


def test_only_the_newest_version_of_a_record_is_judged(
    judged: Callable[[str], Verdict], land: Land, consent: Make
) -> None:
    land(consent(1, email="one@example"))
    land(consent(1))
    assert (judged("consents").state, judged("consents").rows) == ("green", 1)


def test_what_did_not_change_is_not_judged_again(
    settings: Settings, land: Land, consent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(consent(1))
    first = judge("consents", settings, Clock(datetime.fromisoformat("2026-10-30T12:00")))
    monkeypatch.setattr(expectations, "_validate", None)  # Great Expectations would fail
    assert judge("consents", settings, Clock(datetime.fromisoformat("2026-10-31T12:00"))) == first


def test_beyond_the_bound_the_same_sample_is_judged_every_time(
    settings: Settings, clock: Clock, land: Land, consent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "SAMPLE", 5)
    land(*(consent(number, email=f"{number}@example") for number in range(20)))
    first = judge("consents", settings, clock)
    assert (first.rows, first.rows_checked, failed(first)) == (20, 5, {"email_looks_right": 5})


def test_great_expectations_is_shown_a_row_once_and_every_verdict_is_that_of_a_first_look(
    settings: Settings, clock: Clock, land: Land, consent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "SAMPLE", 15)
    chance, shown = random.Random(7), spied(monkeypatch)
    path = settings.landing_dir / ".verdicts" / "consents.json"
    for _ in range(4):
        mails = {number: f"{chance.random()}@example{chance.choice(['', '.com'])}" for number in range(30)}
        land(*(consent(number, email=mails[number]) for number in chance.sample(range(30), 6)))
        found = judge("consents", settings, clock)
        path.unlink()
        assert judge("consents", settings, clock) == found
        assert failed(found).get("email_looks_right", 0) <= found.rows_checked == min(found.rows, 15)
    going_on, afresh = shown[2::2], shown[3::2]
    assert all(few <= 6 < many for few, many in zip(going_on, afresh, strict=True))


def test_rows_are_looked_at_again_where_the_rules_have_changed(
    settings: Settings, clock: Clock, land: Land, consent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(consent(1), consent(2, email="two@example"))
    contract, shown = load_contract("consents"), spied(monkeypatch)
    fewer = [
        replace(column, rules=tuple(rule for rule in column.rules if rule.severity == "critical"))
        for column in contract.columns
    ]
    with monkeypatch.context() as patch:
        patch.setattr(verdict, "load_contract", lambda _: replace(contract, columns=tuple(fewer)))
        assert failed(judge("consents", settings, clock)) == {}
    assert failed(judge("consents", settings, clock)) == {"email_looks_right": 1}
    assert shown == [2, 2]


def test_a_verdict_holds_counts_and_no_personal_data(
    settings: Settings, clock: Clock, land: Land, consent: Make
) -> None:
    land(consent(1, email="canary@example.com", occurred_at="2027-01-01 00:00:00"))
    assert "canary" not in str(judge("consents", settings, clock))


def test_an_expectation_that_cannot_run_has_not_held() -> None:
    import pandas as pd

    broken = {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "gone"},
        "meta": {"rule": "gone"},
    }
    with pytest.raises(RuntimeError, match="could not run expect_column_values_to_not_be_null"):
        expectations.run_expectations(pd.DataFrame({"here": [1]}), [{**broken, "severity": "critical"}])


def test_an_unknown_table_is_refused(settings: Settings, clock: Clock) -> None:
    with pytest.raises(UsageError, match="no inbound table"):
        judge("persons", settings, clock)


def test_a_red_table_is_green_again_once_its_rows_were_mended_and_came_again(
    judged: Callable[[str], Verdict], land: Land, consent: Make
) -> None:
    land(consent(0), *(consent(number, channel="fax") for number in range(1, 22)))
    assert judged("consents").state == "red"
    land(*(consent(number) for number in range(1, 22)))
    assert (judged("consents").state, judged("consents").rows_quarantined) == ("green", 0)
