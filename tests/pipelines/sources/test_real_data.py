"""Real data, which is not ours to ship: a year of a shop's invoices, and vendors' own examples."""

import email
import email.policy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.verdict import SAMPLE, judge
from pipelines.sources.html_text import html_text
from pipelines.sources.intake import ingest
from pipelines.sources.mail import read_mail
from pipelines.sources.reply import new_text
from pipelines.sources.report import IngestReport

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
pytestmark = pytest.mark.real_data


@pytest.mark.slow
def test_a_year_of_invoices_lands_to_the_penny(
    real_data: Path, take: Take, landed: Landed, settings: Settings, clock: Clock
) -> None:
    folder = real_data / "online_retail"
    report = take("purchases", folder / "online_retail_2010-12_2011-10.parquet", mapping="online_retail")
    assert (report.rows_in, report.accepted, report.quarantined, report.already_landed) == (
        431_673,
        431_673,
        0,
        0,
    )

    lines = landed("purchases", "net_amount_minor, order_id, external_id, line_kind")
    assert sum(row[0] for row in lines) == 785_232_367
    assert len({row[1] for row in lines}) == 21_423
    assert len({row[2] for row in lines} - {None}) == 4_010
    assert sum(1 for row in lines if row[2] is None) == 108_103  # guests: in the revenue, nobody's
    best = [row for row in lines if row[2] == "14646"]
    assert sum(row[0] for row in best) == 24_238_559
    assert len({row[1] for row in best}) == 62
    assert len({row[1] for row in best if row[3] == "cancellation"}) == 3

    week = take("purchases", folder / "online_retail_first_week.csv", mapping="online_retail")
    assert (week.rows_in, week.accepted, week.already_landed) == (16_985, 0, 16_985)
    again = take("purchases", folder / "online_retail_2010-12_2011-10.parquet", mapping="online_retail")
    assert (again.accepted, again.already_landed) == (0, 431_673)
    verdict = judge("purchases", settings, clock)
    assert (verdict.state, verdict.rows, verdict.rows_checked) == ("amber", 431_673, SAMPLE)
    # nobody can be written to, some till rolls are implausible, and the newest line is years old
    told = {result.rule for result in verdict.failed}
    assert {"contact_details_given", "fresh"} <= told
    assert all(result.severity == "warning" for result in verdict.failed)


def test_the_first_week_goes_first_and_the_year_brings_the_rest(real_data: Path, take: Take) -> None:
    folder = real_data / "online_retail"
    assert (
        take("purchases", folder / "online_retail_first_week.csv", mapping="online_retail").accepted == 16_985
    )
    year = take("purchases", folder / "online_retail_2010-12_2011-10.parquet", mapping="online_retail")
    assert (year.accepted, year.already_landed) == (431_673 - 16_985, 16_985)


def test_twilios_own_examples_of_messages(
    real_data: Path, tmp_path: Path, take: Take, landed: Landed
) -> None:
    examples = json.loads(
        (real_data / "vendor_shapes/twilio_openapi_examples/twilio_api_v2010.examples.json").read_text()
    )
    pages = [
        page
        for name, page in examples.items()
        if "/Messages.json #" in name or "/Messages/{Sid}.json #" in name
    ]
    path = tmp_path / "pages.json"
    path.write_text(json.dumps(pages))
    report = take("twilio", path)
    assert (report.rows_in, report.accepted) == (3, 3)
    assert {channel for (channel,) in landed("sms_messages", "channel")} <= {"sms", "mms", "whatsapp"}


def test_sendgrids_events_as_other_projects_test_them(real_data: Path, take: Take, landed: Landed) -> None:
    report = take("sendgrid", real_data / "vendor_shapes/sendgrid/webhooks_payloads.json")
    assert report.rows_in == report.accepted + report.quarantined + report.already_landed
    assert report.accepted >= 8
    assert {"processed", "delivered", "bounce", "open", "click"} <= {
        event for (event,) in landed("email_events", "event")
    }


def test_support_talks_of_abcd(real_data: Path, take: Take, landed: Landed) -> None:
    report = take("chat", real_data / "abcd_chats/chats.json")
    assert (report.rows_in, report.accepted) == (72, 50)
    assert report.reasons == {"occurred_at_present": 22}  # one of the three talks names no day at all
    assert len(set(landed("chat_messages", "conversation_id, email, phone, handle, order_id"))) == 2


def test_the_new_text_of_real_replies(real_data: Path, settings: Settings) -> None:
    folder = real_data / "email_replies"
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".txt", ".eml", ".html"})
    right = [path for path in files if _new_text(path, settings).split() == _expected(path).split()]
    print(f"{len(right)} of {len(files)} replies right")  # noqa: T201 - the figure is what this test reports
    assert len(files) == 69
    assert right == files


# What is new in each plain reply, as the lines of its file that hold it (from 1), after the projects' own tests.
NEW_LINES: dict[str, tuple[tuple[int, int], ...]] = {
    "correct_sig": ((1, 1),),
    "email_1_1": ((1, 5),),
    "email_1_2": ((1, 1), (9, 34)),
    "email_1_3": ((1, 3),),
    "email_1_4": ((1, 1),),
    "email_1_5": ((1, 15),),
    "email_1_6": ((1, 3),),
    "email_1_7": ((1, 1),),
    "email_1_8": ((13, 13), (19, 19)),
    "email_2_1": ((1, 1),),
    "email_2_2": ((1, 1),),
    "email_2_3": ((1, 1),),
    "email_BlackBerry": ((1, 1),),
    "email_bullets": ((1, 9),),
    "email_gmail": ((1, 1),),
    "email_headers_no_delimiter": ((1, 1),),
    "email_iPhone": ((1, 1),),
    "email_multi_word_sent_from_my_mobile_device": ((1, 1),),
    "email_one_is_not_on": ((1, 5),),
    "email_partial_quote_header": ((1, 6),),
    "email_sent_from_my_not_signature": ((1, 3),),
    "email_sig_delimiter_in_middle_of_line": ((1, 7),),
    "greedy_on": ((1, 6),),
    "pathological": ((1, 2),),
}


def _expected(path: Path) -> str:
    if path.suffix == ".txt":
        lines = path.read_text(encoding="utf-8").split("\n")
        return "\n".join("\n".join(lines[first - 1 : last]) for first, last in NEW_LINES[path.stem])
    if path.parent.name == "standard_replies":
        return "Hello"
    if path.parent.name == "html_replies":
        return "Hi. I am fine. Thanks, Alex"
    if path.suffix == ".eml":  # answers above "--- On Wed, 4/4/12, ... wrote:", which begins the quotation
        return _plain_part(path).partition("--- On Wed")[0]
    return {"OLK_SRC_BODY_SECTION": "Reply", "reply-separated-by-hr": "Hi there Bob"}[path.stem]


def _plain_part(path: Path) -> str:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def _new_text(path: Path, settings: Settings) -> str:
    if path.suffix == ".eml":
        return str(next(iter(read_mail([path], settings)))["body_text"])
    text = path.read_bytes().decode("utf-8", errors="replace")
    return new_text(html_text(text) if path.suffix == ".html" else text)


SHAPES = "vendor_shapes"


# rows in, accepted, set aside, already landed, files of no known shape; counted by hand or by the vendor's own examples
@pytest.mark.parametrize(
    ("source", "folder", "expected"),
    [
        ("shopify", "shopify_admin_api", (14, 14, 0, 0, 3)),
        ("shopify", "fivetran_shopify", (27, 21, 6, 0, 30)),
        ("stripe", "stripe_fixtures", (11, 11, 0, 0, 0)),
        ("stripe", "fivetran_stripe", (47, 46, 0, 1, 20)),
        ("zendesk", "fivetran_zendesk", (39, 39, 0, 0, 19)),
        ("intercom", "intercom_openapi", (20, 20, 0, 0, 0)),
        ("intercom", "fivetran_intercom", (20, 20, 0, 0, 13)),
        ("chatwoot", "chatwoot", (1, 1, 0, 0, 0)),
        ("whatsapp", "whatsapp", (80, 62, 0, 18, 10)),
        ("twilio", "twilio_openapi_examples", (15, 8, 1, 6, 4)),
        ("twilio", "fivetran_twilio", (19, 18, 1, 0, 6)),
    ],
)
def test_vendors_own_examples_land_and_their_sums_close(
    real_data: Path,
    settings: Settings,
    clock: Clock,
    source: str,
    folder: str,
    expected: tuple[int, int, int, int, int],
) -> None:
    report = ingest(settings, clock, source, [real_data / SHAPES / folder], complete=True)
    assert report.rows_in == report.accepted + report.quarantined + report.already_landed
    numbers = (report.rows_in, report.accepted, report.quarantined, report.already_landed)
    assert (*numbers, len(report.unread)) == expected
