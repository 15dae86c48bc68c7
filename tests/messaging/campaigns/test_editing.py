"""A campaign's file changed by a form: what the form does not know stays as it was written."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.errors import CampaignError
from messaging.campaigns import read_campaign
from messaging.campaigns.editing import changed
from messaging.campaigns.library import SHIPPED

FILES = sorted(
    path for path in (SHIPPED / "campaigns").glob("*.yaml") if not path.name.endswith(".test.yaml")
)
TEXT = """# ours
title: Welcome   # as people see it
segment: new_customers
template: welcome
channels: [sms, email] # in this order
again_after_days: 30
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_form_that_changes_nothing_writes_a_shipped_file_letter_by_letter(path: Path) -> None:
    assert changed(path.read_text(), {}) == path.read_text()


def test_a_changed_key_leaves_every_other_line_and_comment() -> None:
    text = changed(TEXT, {("title",): "Hello"})
    assert text == TEXT.replace("Welcome  ", "Hello    ")  # the comment stays in its column


def test_a_new_key_stands_where_people_look_for_it() -> None:
    text = changed(TEXT, {("holdout", "share"): 0.1, ("description",): "To whoever is new"})
    keys = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert keys == ["title", "description", "segment", "template", "channels", "holdout", "again_after_days"]
    assert read_campaign("welcome", text).holdout.share == 0.1


def test_a_key_without_a_value_is_taken_out() -> None:
    text = changed(TEXT, {("again_after_days",): None, ("schedule", "at"): None})
    assert "again_after_days" not in text
    assert "schedule" not in text


def test_an_hour_is_written_so_that_it_is_read_as_one() -> None:
    text = changed(TEXT, {("schedule",): {"every": "week", "on": "monday", "at": "10:00"}})
    schedule = read_campaign("welcome", text).schedule
    assert schedule is not None
    assert schedule.hour.hour == 10


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=200))
def test_any_text_is_read_as_it_was_typed(typed: str) -> None:
    document = yaml.safe_load(changed(TEXT, {("title",): typed}))
    assert document["title"] == typed
    assert document["segment"] == "new_customers"


def test_what_a_form_makes_of_an_empty_file_can_be_read() -> None:
    changes = {("title",): "New", ("segment",): "everybody", ("template",): "welcome", ("channels",): ["sms"]}
    assert read_campaign("new", changed("", changes)).title == "New"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "told"),
    [("title: [", "no YAML at line"), ("- a\n- b\n", "keys and values"), ("title: a\ntitle: b\n", "no YAML")],
)
def test_what_no_form_can_change_is_told_and_not_lost(text: str, told: str) -> None:
    with pytest.raises(CampaignError, match=told):
        changed(text, {("title",): "Hello"})
