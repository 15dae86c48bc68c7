"""What people write wrong in a campaign's files: the file, the line and a sentence, from the command line; nothing is launched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from data_contracts.errors import RapportError
from messaging.campaigns import fill_library
from messaging.cli import app
from messaging.clock import Clock, pin_clock
from messaging.settings import Settings
from messaging.store import Store
from messaging.store.tables import campaign_runs, messages
from messaging.store.tables_segments import customer_lists

CAMPAIGN = """segment: lapsed_customers
template: win_back
channels: [sms]
values: {offer_code: BACK10, offer_share: 10%, offer_days: "14", shop_url: "https://example.com/back"}
"""
BAD = "campaigns/bad.yaml"
PLAN = ("campaign", "plan", "bad")
Files = dict[str, str]
UPLOAD = ("segment", "upload", "fair", "fair.csv")
A_BOMB = "\n".join(
    f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True)
)

CASES: dict[str, tuple[Files, tuple[str, ...], str]] = {
    "an unknown key of a campaign": (
        {BAD: f"{CAMPAIGN}chanels: [sms]\n"},
        PLAN,
        r"Campaign 'bad': line 5: chanels is no word .*did you mean channels\?",
    ),
    "an unknown key of a segment": (
        {"segments/a.yaml": "where: {column: order_count, test: '=', value: 1}\ntitel: A\n"},
        ("segment", "count", "a"),
        r"Segment 'a': line 2: it has an unknown key 'titel'",
    ),
    "segments that stand on one another": (
        {
            "segments/a.yaml": "where: {segment: b}\n",
            "segments/b.yaml": "title: B\nwhere:\n  all:\n    - {segment: a}\n",
            BAD: CAMPAIGN.replace("lapsed_customers", "a"),
        },
        PLAN,
        r"Segment 'b': line 4: it stands on itself: a -> b -> a\.",
    ),
    "a segment that stands on itself": (
        {"segments/a.yaml": "where: {not: {segment: a}}\n"},
        ("segment", "count", "a"),
        r"Segment 'a': line 1: it stands on itself: a -> a\.",
    ),
    "a segment that names none": (
        {"segments/a.yaml": "title: A\nwhere: {segment: gone}\n"},
        ("segment", "count", "a"),
        r"Segment 'a': line 2: There is no segment 'gone'",
    ),
    "a plan of what could only begin in the past": (
        {BAD: f"{CAMPAIGN}schedule: {{at: 2020-01-01T10:00}}\n"},
        PLAN,
        r"Campaign 'bad': line 5: its start, 2020-01-01 10:00:00, is over",
    ),
    "a missing segment": (
        {BAD: CAMPAIGN.replace("lapsed_customers", "gone")},
        PLAN,
        r"Campaign 'bad': line 1: There is no segment 'gone'\. There is: .*lapsed_customers",
    ),
    "a missing template": (
        {BAD: CAMPAIGN.replace("win_back", "gone")},
        PLAN,
        r"Campaign 'bad': line 2: There is no template 'gone' for sms\. Add .*gone\.j2",
    ),
    "a missing template of a variant": (
        {
            BAD: CAMPAIGN.replace(
                "template: win_back", "variants:\n  a: {template: win_back}\n  b: {template: gone}"
            )
        },
        PLAN,
        r"Campaign 'bad': line 4: There is no template 'gone' for sms",
    ),
    "a cap of zero": (
        {BAD: f"{CAMPAIGN}frequency_cap: {{sms: {{messages: 0, days: 7}}}}\n"},
        PLAN,
        r"Campaign 'bad': line 5: frequency_cap\.sms\.messages: .*greater than or equal to 1, and it is 0",
    ),
    "a budget of zero": (
        {BAD: f"{CAMPAIGN}daily_budget: 0\n"},
        PLAN,
        r"Campaign 'bad': line 5: a budget of 0 lets no message go\.",
    ),
    "a table that none of its data stands in": (
        {BAD: f"{CAMPAIGN}stands_on: [purchase]\n"},
        PLAN,
        r"Campaign 'bad': line 5: no table 'purchase' is checked \(did you mean purchases\?\)\.",
    ),
    "a range that ends before it begins": (
        {"segments/a.yaml": "title: A\nwhere: {column: order_count, test: between, value: [9, 1]}\n"},
        ("segment", "count", "a"),
        r"Segment 'a': line 2: order_count: `between` needs the smaller value first",
    ),
    "a list that nobody uploaded": (
        {"segments/a.yaml": "title: A\nwhere: {list: gone}\n"},
        ("segment", "count", "a"),
        r"There is no list 'gone'\. Upload it",
    ),
    "a bomb of aliases": (
        {"segments/a.yaml": f"a: &a [x]\n{A_BOMB}\nwhere: *h\n"},
        ("segment", "count", "a"),
        r"Segment 'a'",
    ),
    "a list with a formula for an address": (
        {"fair.csv": 'email,note\nada1@example.com,x\n"=HYPERLINK(""https://evil.example"")",y\n'},
        UPLOAD,
        r"fair\.csv: line 3: email cannot be one\. Nothing was changed",
    ),
    "a list whose formula looks like an address": (
        {"fair.csv": "customer_id,email\n,=1+1@example.com\n"},
        UPLOAD,
        r"fair\.csv: line 2: email cannot be one",
    ),
}


@pytest.mark.sqlite  # none of it comes as far as the store
@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_told_with_file_line_and_sentence_and_nothing_is_launched(
    case: str,
    settings: Settings,
    store: Store,
    clock: Clock,
    publish: Callable[..., str],
    make_person: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files, words, told = CASES[case]
    monkeypatch.setenv("RAPPORT_HOME", str(settings.home))
    monkeypatch.setenv("RAPPORT_COMPANY_ADDRESS", "1 Quay Street")
    pin_clock(settings.home, clock.now())
    publish(customer_360=[make_person(number) for number in range(3)])
    fill_library(settings)
    for name, text in files.items():
        folder = Path.cwd() if name.endswith(".csv") else settings.library_dir
        (folder / name).write_text(text)
    result = CliRunner().invoke(app, list(words))
    assert isinstance(result.exception, RapportError), result.output
    assert result.exit_code == 1
    with pytest.raises(RapportError, match=told):
        raise result.exception
    assert "evil" not in str(result.exception)
    with store.read() as connection:
        for table in (campaign_runs, messages, customer_lists):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0
