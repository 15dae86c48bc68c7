"""The company's files have their vendors' shapes and name their records as the truth does."""

import csv
import email.policy
import json
import mailbox
from datetime import datetime
from email import message_from_bytes
from email.utils import parsedate_to_datetime
from filecmp import dircmp
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from messaging.clock import Clock
from messaging.settings import read_settings
from pipelines.samples.broken import BROKEN
from pipelines.samples.shapes import WrittenFile, write_company
from pipelines.samples.truth import write_truth
from pipelines.samples.world import World, make_world
from pipelines.sources.intake import ingest


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pages_of(company: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((company / "twilio_messages").glob("*.json"))]


def true_ids(company: Path, source: str, kind: str) -> set[str]:
    table = pq.read_table(company / "truth" / "identity.parquet")
    pairs = zip(table["source"].to_pylist(), table["source_record_id"].to_pylist(), strict=True)
    return {name for system, name in pairs if system == source and name.startswith(f"{kind}/")}


def test_the_same_seed_gives_the_same_bytes(company: Path, tmp_path: Path) -> None:
    world = make_world(300, 3)
    write_company(world, tmp_path)
    write_truth(world, tmp_path / "truth")
    compared = dircmp(company, tmp_path)
    for part in (compared, *compared.subdirs.values()):
        assert part.left_list == part.right_list
        for name in part.common_files:
            assert Path(part.left, name).read_bytes() == Path(part.right, name).read_bytes(), name


def test_a_smaller_company_leaves_no_page_of_a_bigger_one_behind(tmp_path: Path) -> None:
    write_company(make_world(800, 3), tmp_path)
    assert len(pages_of(tmp_path)) > 1
    write_company(make_world(100, 3), tmp_path)
    assert len(pages_of(tmp_path)) == 1


def test_every_file_has_its_broken_records(written: list[WrittenFile]) -> None:
    assert {file.path.name: file.broken for file in written} == {
        name: len(bad) for name, bad in BROKEN.items()
    }


def test_the_readme_says_which_command_lands_each_file(company: Path, written: list[WrittenFile]) -> None:
    page = (company / "README.md").read_text()
    assert all(f"`{file.command}`" in page for file in written)


def test_order_fields_stand_on_the_first_line_of_an_order_only(company: Path) -> None:
    rows = rows_of(company / "shopify_orders.csv")
    for _, lines in groupby(rows, key=lambda row: row["Name"]):
        first, *others = lines
        assert first["Created at"]
        assert first["Total"]
        assert all(not row["Created at"] and not row["Total"] and not row["Currency"] for row in others)


def test_order_lines_and_what_was_undone_are_named_as_in_the_truth(company: Path) -> None:
    named = set()
    for name, lines in groupby(rows_of(company / "shopify_orders.csv"), key=lambda row: row["Name"]):
        if not name or name.startswith("#9000000"):
            continue
        for ordinal, row in enumerate(lines, 1):
            named.add(f"line/{name}/{ordinal}")
            if row["Cancelled at"]:
                named.add(f"line/{name}/cancellation")
            elif float(row["Refunded Amount"] or 0) > 0:
                named.add(f"line/{name}/refund")
    assert named == true_ids(company, "shopify", "line")


def test_order_totals_are_the_sum_of_their_lines(company: Path) -> None:
    for name, group in groupby(rows_of(company / "shopify_orders.csv"), key=lambda row: row["Name"]):
        lines = list(group)
        if name and not name.startswith("#9000000"):
            cents = sum(
                round(float(row["Lineitem price"]) * 100) * int(row["Lineitem quantity"]) for row in lines
            )
            assert cents == round(float(lines[0]["Subtotal"]) * 100)


def test_customers_are_named_as_in_the_truth(company: Path) -> None:
    rows = rows_of(company / "shopify_customers.csv")
    good = {row["Customer ID"].lstrip("'") for row in rows[: -len(BROKEN["shopify_customers.csv"])]}
    assert {f"contact/{number}" for number in good} == true_ids(company, "shopify", "contact")


def test_parcels_are_named_as_in_the_truth_and_delivered_after_they_left(company: Path) -> None:
    document = json.loads((company / "shopify_fulfilments.json").read_text())["fulfillments"]
    good = document[: -len(BROKEN["shopify_fulfilments.json"])]
    assert {f"shipment/{parcel['id']}" for parcel in good} == true_ids(company, "shopify", "shipment")
    assert all(parcel["in_transit_at"] < parcel["delivered_at"] for parcel in good if parcel["delivered_at"])


@pytest.mark.parametrize(
    ("file", "source", "kind"),
    [("consents.csv", "shopify", "consent"), ("past_outreach.csv", "past_outreach", "outreach")],
)
def test_lists_are_named_as_in_the_truth(company: Path, file: str, source: str, kind: str) -> None:
    rows = rows_of(company / file)[: -len(BROKEN[file])]
    assert {f"{kind}/{row['record_id']}" for row in rows} == true_ids(company, source, kind)


def test_the_provider_posts_arrays_of_events(company: Path) -> None:
    posts = [json.loads(line) for line in (company / "sendgrid_events.json").read_text().splitlines()]
    assert all(isinstance(post, list) and len(post) <= 500 for post in posts)
    good = [event for post in posts[:-1] for event in post]
    assert {f"event/{event['sg_event_id']}" for event in good} == true_ids(company, "sendgrid", "event")
    assert all(isinstance(event["timestamp"], int) for event in good)


def test_pages_of_texts_lead_to_one_another_newest_first(company: Path) -> None:
    pages = pages_of(company)
    assert [page["page"] for page in pages] == list(range(len(pages)))
    assert all(page["next_page_uri"] for page in pages[:-1])
    assert pages[-1]["next_page_uri"] is None
    messages = [message for page in pages for message in page["messages"]][: -len(BROKEN["twilio_messages"])]
    sent = [parsedate_to_datetime(message["date_sent"]) for message in messages]
    assert sent == sorted(sent, reverse=True)
    assert {f"message/{message['sid']}" for message in messages} == true_ids(company, "twilio", "message")
    assert all(float(message["price"]) <= 0 and message["num_segments"].isdigit() for message in messages)


def test_chats_are_named_as_in_the_truth(company: Path) -> None:
    conversations = json.loads((company / "chats.json").read_text())[:-1]
    named = {f"message/{chat['id']}/{turn['id']}" for chat in conversations for turn in chat["messages"]}
    assert named == true_ids(company, "chat", "message")


def mails_of(company: Path) -> dict[str, Any]:
    box = mailbox.mbox(company / "support.mbox", create=False)
    parsed = [message_from_bytes(box.get_bytes(key), policy=email.policy.default) for key in box.keys()]  # noqa: SIM118 - a mailbox is no dict
    box.close()
    good = [mail for mail in parsed if "broken" not in mail["Message-ID"]]
    return {mail["Message-ID"].strip("<>"): mail for mail in good}


def test_mails_can_be_read_by_the_standard_library_and_are_named_as_in_the_truth(company: Path) -> None:
    mails = mails_of(company)
    assert {f"message/{name}" for name in mails} == true_ids(company, "mail", "message")
    assert all(not mail.defects for mail in mails.values())


def test_mails_say_what_the_table_says_and_quote_what_they_answer(small_world: World, company: Path) -> None:
    mails = mails_of(company)
    quoted = 0
    for row in small_world.tables["email_messages"].to_pylist():
        mail = mails[row["message_id"]]
        text = mail.get_body(("plain",)).get_content()
        assert text.startswith(row["body_text"])
        assert mail["Subject"] == row["subject"]
        assert mail["From"].addresses[0].addr_spec == row["from_email"]
        assert parsedate_to_datetime(mail["Date"]).timestamp() == pytest.approx(_utc(row["occurred_at"]))
        assert len(list(mail.iter_attachments())) == row["attachment_count"]
        quoted += "\n> " in text
    assert quoted > 20


def test_mail_comes_in_many_encodings(company: Path) -> None:
    kinds = {
        (mail.get_content_type(), mail["Content-Transfer-Encoding"]) for mail in mails_of(company).values()
    }
    assert {"multipart/alternative", "multipart/mixed", "text/plain"} <= {kind for kind, _ in kinds}
    assert {"base64", "quoted-printable", "8bit"} <= {encoding for _, encoding in kinds}


def _utc(moment: Any) -> float:
    return (moment - moment.__class__(1970, 1, 1)).total_seconds()


def test_the_shops_files_are_recognised_by_themselves(
    company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    names = [
        "shopify_products.csv",
        "shopify_customers.csv",
        "consents.csv",
        "shopify_orders.csv",
        "shopify_fulfilments.json",
    ]
    settings = read_settings(home=tmp_path / "home", own_domains="shop.example.com")
    report = ingest(settings, Clock(datetime(2030, 1, 1)), "shopify", [company / name for name in names])
    read = {
        file.path.name: [(landing.mapping, landing.quarantined) for landing in file.landings]
        for file in report.files
    }
    assert read == {
        "shopify_products.csv": [("shopify_products", len(BROKEN["shopify_products.csv"]))],
        "shopify_customers.csv": [("shopify_customers", len(BROKEN["shopify_customers.csv"]))],
        "consents.csv": [("shopify_consents", len(BROKEN["consents.csv"]))],
        "shopify_orders.csv": [("shopify_orders", len(BROKEN["shopify_orders.csv"]))],
        "shopify_fulfilments.json": [("shopify_fulfilments", len(BROKEN["shopify_fulfilments.json"]))],
    }
