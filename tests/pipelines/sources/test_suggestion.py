"""`--suggest-map`: what it proposes for files that nobody has shown it lands, and what it cannot know it says."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from data_contracts.errors import InputError, UsageError
from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.sources.report import IngestReport
from pipelines.sources.suggestion import Suggestion, suggest

Take = Callable[..., IngestReport]
Landed = Callable[[str, str], list[tuple[Any, ...]]]
Propose = Callable[..., Suggestion]

GERMAN_ORDERS = """\
Bestell-Nr.;Bestelldatum;Kundennummer;E-Mail-Adresse;Artikel-Nr.;Bezeichnung;Menge;Einzelpreis;Positionsbetrag
1001;03.10.2026 14:05;K-7;jane@example.com;A-1;Eichenhocker;2;49,90 €;99,80 €
1001;03.10.2026 14:05;K-7;jane@example.com;A-2;Lampe;1;1.120,00 €;1.120,00 €
1002;24.10.2026 09:30;;gast@example.com;A-2;Lampe;-1;1.120,00 €;-1.120,00 €
"""
AMERICAN_ORDERS = """\
Order #,Order Date,Customer Name,Email,Mobile,SKU,Product Title,Qty,Unit Price,Type
S-1,9/30/2026 2:05 PM,Ann Lee,ann@example.com,(500) 555-0001,T1,Oak stool,2,$49.90,Sale
S-2,10/1/2026 11:30 AM,Bo van Dyke,bo@example.com,(500) 555-0002,T2,Lamp,1,"$1,120.00",Sale
S-3,10/13/2026 9:15 AM,Bo van Dyke,bo@example.com,(500) 555-0002,T2,Lamp,1,"$1,120.00",Return
"""
FRENCH_CONTACTS = """\
N° client;Nom;Prénom;Courriel;Téléphone;Adresse;Code postal;Ville;Pays;Date de naissance;Créé le
17;Lefèvre;Zoé;zoe@example.com;+447700900017;1 rue du Port;75001;Paris;FR;28/02/1987;2026-01-15T10:00:00+01:00
18;Müller;Jörg;jorg@example.com;+447700900018;2 rue du Port;75002;Paris;FR;05/11/1990;2026-02-20T11:30:00+01:00
"""
ENGLISH_REVIEWS = """\
Review ID,Submitted at,Reviewer,Product,Stars,Title,Review text,Verified purchase
r1,2026-10-01 10:00:00,Ann Lee,Oak stool,5,Lovely,"Solid, and quick to arrive 😀",Yes
r2,2026-10-02 11:00:00,Bo,Lamp,2,Broken,It came in two parts,No
"""
SPANISH_SURVEY = """\
Fecha\tCorreo electrónico\tPuntuación\tEncuesta\tComentario
2026-10-01 10:00\tana@example.com\t9\tNPS octubre\tMuy bien
2026-10-01 10:05\tbea@example.com\t3\tNPS octubre\tTarde
2026-10-02 12:00\tcarla@example.com\t10\tNPS octubre\t
"""
EVENTS = """\
event_id,timestamp,event,user_id,anonymous_id,value,currency,page_url,utm_campaign
e1,1790000000,checkout_started,u1,a-1,19.90,GBP,https://shop.example.com/cart,autumn
e2,1790000100,checkout_completed,u1,a-1,19.90,GBP,https://shop.example.com/done,autumn
e3,1790000200,page_viewed,,a-2,,,https://shop.example.com/,
"""
DUTCH_TICKETS = """\
Ticketnummer;Aangemaakt op;E-mailadres;Onderwerp;Status;Prioriteit;Kanaal
7001;2026-10-01 09:00;jan@example.com;Lamp kapot;open;hoog;mail
7002;2026-10-02 09:30;piet@example.com;Waar is mijn pakket;closed;normaal;telefoon
"""
FILES: dict[str, tuple[str, str, int, dict[str, Any]]] = {
    "german_orders.csv": (
        GERMAN_ORDERS,
        "purchases",
        3,
        {
            "occurred_at": "2026-10-03 13:05:00", "order_id": "1001", "external_id": "K-7", "email": "jane@example.com",
            "line_kind": "sale", "product_name": "Eichenhocker", "quantity": 2, "unit_price_minor": 4990,
            "net_amount_minor": 9980, "currency": "EUR",
        },
    ),
    "american_orders.csv": (
        AMERICAN_ORDERS,
        "purchases",
        3,
        {
            "occurred_at": "2026-09-30 13:05:00", "order_id": "S-1", "given_name": "Ann", "family_name": "Lee",
            "phone": "(500) 555-0001", "product_id": "T1", "quantity": 2, "net_amount_minor": 9980, "currency": "USD",
        },
    ),
    "clients.csv": (
        FRENCH_CONTACTS,
        "contacts",
        2,
        {
            "occurred_at": "2026-01-15 09:00:00", "external_id": "17", "given_name": "Zoé", "family_name": "Lefèvre",
            "email": "zoe@example.com", "phone": "+447700900017", "street": "1 rue du Port", "city": "Paris",
            "postcode": "75001", "country": "FR", "birth_date": "1987-02-28",
        },
    ),
    "reviews.csv": (
        ENGLISH_REVIEWS,
        "reviews",
        2,
        {
            "review_id": "r1", "given_name": "Ann", "product_name": "Oak stool", "rating": 5.0, "rating_scale": 5,
            "title": "Lovely", "body": "Solid, and quick to arrive 😀", "is_verified": True,
        },
    ),
    "encuesta.tsv": (
        SPANISH_SURVEY,
        "survey_responses",
        3,
        {"email": "ana@example.com", "score": 9.0, "score_scale": 10, "kind": "nps", "answer": "Muy bien", "survey_name": "NPS octubre"},
    ),
    "events.csv": (
        EVENTS,
        "events",
        3,
        {
            "event_id": "e1", "occurred_at": "2026-09-21 14:13:20", "name": "checkout_started", "external_id": "u1",
            "device_id": "a-1", "value_minor": 1990, "currency": "GBP", "campaign": "autumn",
        },
    ),
    "tickets.csv": (
        DUTCH_TICKETS,
        "tickets",
        2,
        {"ticket_id": "7001", "email": "jan@example.com", "subject": "Lamp kapot", "status": "open"},
    ),
}  # fmt: skip


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.fromisoformat("2026-11-20T12:00"))


@pytest.fixture
def propose(settings: Settings, clock: Clock, tmp_path: Path) -> Propose:
    def proposing(table: str, content: str | bytes, name: str = "file.csv") -> Suggestion:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return suggest(settings, clock, table, path)

    return proposing


def mapping(suggestion: Suggestion) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(suggestion.yaml)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_never_seen_lands_by_the_mapping_that_is_proposed(
    propose: Propose, take: Take, landed: Landed, tmp_path: Path, name: str
) -> None:
    content, table, rows, expected = FILES[name]
    suggestion = propose(table, content, name)
    assert (suggestion.rows, suggestion.accepted, suggestion.reasons) == (rows, rows, {})
    assert suggestion.looks_like == ""
    (tmp_path / "own.yaml").write_text(suggestion.yaml)
    report = take(table, tmp_path / name, mapping=tmp_path / "own.yaml")
    assert (report.rows_in, report.accepted, report.quarantined) == (rows, rows, 0)
    columns = {**expected, "occurred_at": expected.get("occurred_at")}
    picked = ", ".join(
        f"{column}::VARCHAR" if column in {"occurred_at", "birth_date"} else column for column in columns
    )
    found = [dict(zip(columns, row, strict=True)) for row in landed(table, picked)]
    assert any(all(row[key] == value for key, value in expected.items()) for row in found), found


def test_what_was_shown_is_what_lands(propose: Propose, take: Take, landed: Landed, tmp_path: Path) -> None:
    suggestion = propose("purchases", GERMAN_ORDERS)
    (tmp_path / "own.yaml").write_text(suggestion.yaml)
    take("purchases", tmp_path / "file.csv", mapping=tmp_path / "own.yaml")
    shown = sorted((row["source_record_id"], row["net_amount_minor"]) for row in suggestion.shown)
    assert shown == [
        (record, str(amount)) for record, amount in landed("purchases", "source_record_id, net_amount_minor")
    ]


def test_refunds_are_told_by_their_sign(propose: Propose) -> None:
    kinds = [row["line_kind"] for row in propose("purchases", GERMAN_ORDERS).shown]
    assert kinds == ["sale", "sale", "refund"]


def test_refunds_that_are_written_without_a_sign_are_turned(propose: Propose) -> None:
    suggestion = propose("purchases", AMERICAN_ORDERS)
    assert [(row["line_kind"], row["net_amount_minor"]) for row in suggestion.shown] == [
        ("sale", "9980"), ("sale", "112000"), ("refund", "-112000"),
    ]  # fmt: skip
    assert "refunds are written without a sign, so theirs is turned" in suggestion.yaml


def orders(*days: str) -> str:
    lines = (f"{place};{day};1.50;a{place}@example.com" for place, day in enumerate(days, start=1))
    return "\n".join(["Order;Date;Amount;Email", *lines]) + "\n"


@pytest.mark.parametrize(
    ("days", "form", "remark"),
    [
        (["03/04/2026", "25/04/2026"], "%d/%m/%Y", ""),
        (["03/04/2026", "04/25/2026"], "%m/%d/%Y", ""),
        (["01/02/2026", "02/02/2026", "01/03/2026", "02/03/2026"], "%d/%m/%Y", "in the order of time only"),
        (["02/01/2026", "02/02/2026", "03/01/2026", "03/02/2026"], "%m/%d/%Y", "in the order of time only"),
        (["05/12/2025", "12/05/2026", "04/12/2025", "06/05/2026"], "%d/%m/%Y", "days in the future"),
        (["05/05/2026", "04/04/2026", "06/06/2026"], "%d/%m/%Y", "do not tell whether the day or the month"),
        (["05.05.2026", "04.04.2026", "06.06.2026"], "%d.%m.%Y", ""),
        (["2026-05-05", "2026-04-04"], "iso", ""),
        (["20260505", "20260404"], "%Y%m%d", ""),
        (
            ["Fri, 24 May 2019 17:44:46 +0100", "Sat, 25 May 2019 17:44:46 +0100"],
            "%a, %d %b %Y %H:%M:%S %z",
            "",
        ),
        (["03-Apr-2026", "25-Apr-2026"], "%d-%b-%Y", ""),
    ],
)
def test_day_and_month_are_told_apart_by_all_values(
    propose: Propose, days: list[str], form: str, remark: str
) -> None:
    suggestion = propose("purchases", orders(*days))
    assert mapping(suggestion)["time_formats"] == [form]
    assert remark in suggestion.yaml
    assert ("day" in suggestion.yaml) == bool(remark)
    assert suggestion.accepted == len(days)


def test_the_evidence_may_stand_behind_the_first_thousand_rows(propose: Propose) -> None:
    days = ["05/06/2026"] * 1200 + ["06/05/2026"] * 5 + ["04/30/2026"]
    suggestion = propose("purchases", orders(*days))
    assert mapping(suggestion)["time_formats"] == ["%m/%d/%Y"]
    assert (suggestion.rows, suggestion.tried) == (1206, 1000)


@pytest.mark.parametrize(
    ("amounts", "sign"),
    [(["1,50", "12,00"], ","), (["1.50", "12.00"], "."), (["1.234,50", "2"], ","), (["1,234.50", "2"], ".")],
)
def test_the_decimal_sign_is_told_by_the_amounts(propose: Propose, amounts: list[str], sign: str) -> None:
    rows = "".join(f"{place};2026-10-01;{amount}\n" for place, amount in enumerate(amounts))
    suggestion = propose("purchases", "Order;Date;Amount\n" + rows)
    assert mapping(suggestion).get("decimal", ".") == sign
    assert suggestion.accepted == len(amounts)


def test_a_decimal_sign_that_nothing_tells_is_said_to_be_open(propose: Propose) -> None:
    suggestion = propose("purchases", "Order;Date;Amount\n1;2026-10-01;1.234\n2;2026-10-01;2.500\n")
    assert "do not tell whether 1.234 is about one or about a thousand" in suggestion.yaml


def test_cents_are_no_euros(propose: Propose) -> None:
    suggestion = propose("purchases", "order,date,amount_cents,currency\n1,2026-10-01,1990,EUR\n")
    assert suggestion.shown[0]["net_amount_minor"] == "1990"


def test_columns_without_any_useful_header_are_told_by_their_values(propose: Propose) -> None:
    content = "a,b,c,d\nann@example.com,+447700900001,2026-10-01 10:00,x\nbo@example.com,+447700900002,2026-10-02 10:00,y\n"
    suggestion = propose("contacts", content)
    assert (suggestion.shown[0]["email"], suggestion.shown[0]["phone"]) == (
        "ann@example.com",
        "+447700900001",
    )
    assert suggestion.shown[0]["occurred_at"] == "2026-10-01 09:00:00"
    assert suggestion.unused == ("d",)


def test_a_column_that_names_each_row_becomes_the_record_id(propose: Propose) -> None:
    content = "Line ID,Order,Date,Amount\nL1,1,2026-10-01,1.00\nL2,1,2026-10-01,1.00\n"
    assert mapping(propose("purchases", content))["record_id"] == "line/{Line ID}"
    again = content.replace("L2", "L1")
    assert mapping(propose("purchases", again))["record_id"] == "line/{content}-{ordinal}"


def test_a_position_in_the_file_is_no_name_of_a_record(propose: Propose) -> None:
    suggestion = propose("purchases", "No,Order,Date,Amount\n1,A,2026-10-01,1.00\n2,A,2026-10-01,2.00\n")
    assert mapping(suggestion)["record_id"] == "line/{content}-{ordinal}"


def test_a_file_for_another_table_is_told(propose: Propose) -> None:
    suggestion = propose("purchases", ENGLISH_REVIEWS)
    assert suggestion.looks_like == "reviews"
    assert "looks more like reviews: try rapport ingest reviews file.csv --suggest-map" in suggestion.yaml


def test_permission_is_never_guessed(propose: Propose) -> None:
    suggestion = propose("consents", "Date,Email\n2026-10-01,ann@example.com\n")
    assert "action: {empty: 'true'} # TO DO" in suggestion.yaml
    assert (suggestion.accepted, suggestion.quarantined) == (0, 1)


def test_permission_that_the_file_states_is_understood(propose: Propose) -> None:
    suggestion = propose(
        "consents",
        "Datum;E-Mail;Einwilligung;Kanal\n01.10.2026;ann@example.com;ja;E-Mail\n02.10.2026;bo@example.com;nein;SMS\n",
    )
    assert [(row["action"], row["channel"]) for row in suggestion.shown] == [
        ("grant", "email"),
        ("revoke", "sms"),
    ]
    assert suggestion.accepted == 2


def test_words_that_nobody_knows_are_named_and_set_no_row_aside(propose: Propose) -> None:
    suggestion = propose("tickets", DUTCH_TICKETS.replace("hoog", "korkea"))
    assert "priority: {column: Prioriteit, map: {normaal: normal}, otherwise: empty}" in suggestion.yaml
    assert "say what korkea is" in suggestion.yaml
    assert suggestion.accepted == 2


def test_a_file_in_which_nothing_is_known_is_refused(propose: Propose) -> None:
    with pytest.raises(InputError, match="No column of the file"):
        propose("products", "x,y\n1,2\n")


def test_an_encoding_that_is_not_utf_8_is_found_and_stated(propose: Propose) -> None:
    suggestion = propose("contacts", FRENCH_CONTACTS.encode("cp1252"))
    assert mapping(suggestion)["format"]["encoding"] == "cp1252"
    assert suggestion.shown[0]["family_name"] == "Lefèvre"


def test_utf_16_with_its_mark_needs_no_word(propose: Propose) -> None:
    suggestion = propose("contacts", FRENCH_CONTACTS.encode("utf-16"))
    assert "encoding" not in mapping(suggestion)["format"]
    assert suggestion.accepted == 2


@pytest.mark.parametrize("name", ["orders.json", "orders.jsonl"])
def test_json_is_looked_through_too(propose: Propose, take: Take, tmp_path: Path, name: str) -> None:
    rows = [
        {"number": f"S-{place}", "created_at": "2026-10-01T10:00:00Z", "customer": {"id": 7, "email": "ann@example.com"},
         "total": "19.90", "currency": "EUR", "tags": ["a"]}
        for place in range(3)
    ]  # fmt: skip
    content = (
        json.dumps({"page": 1, "orders": rows}) if name == "orders.json" else "\n".join(map(json.dumps, rows))
    )
    suggestion = propose("purchases", content, name)
    assert mapping(suggestion)["format"] == {
        "kind": "json",
        "records": "orders[]" if name == "orders.json" else "[]",
    }
    assert suggestion.accepted == 3
    (tmp_path / "own.yaml").write_text(suggestion.yaml)
    assert take("purchases", tmp_path / name, mapping=tmp_path / "own.yaml").accepted == 3


def test_parquet_keeps_its_types(propose: Propose, settings: Settings, clock: Clock, tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "orders.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'S-' || range AS order_id, TIMESTAMP '2026-10-01 10:00:00' AS created_at, 19.9::DOUBLE AS total,"
            " 2 AS quantity, 'ann@example.com' AS email FROM range(3)) TO ? (FORMAT parquet)",
            [str(path)],
        )
    suggestion = suggest(settings, clock, "purchases", path)
    assert (suggestion.accepted, suggestion.shown[0]["net_amount_minor"]) == (3, "1990")
    assert suggestion.shown[0]["occurred_at"] == "2026-10-01 09:00:00"


def test_odd_headers_do_no_harm(propose: Propose) -> None:
    content = "Order: \"no\" #,{Date},'Amount',Mail,Mail,,content\n1,2026-10-01,1.00,a@example.com,b@example.com,x,y\n"
    suggestion = propose("purchases", content)
    assert suggestion.rows == 1


def test_a_last_line_without_an_end_is_looked_at_and_said_so(propose: Propose) -> None:
    suggestion = propose("purchases", GERMAN_ORDERS.strip())
    assert suggestion.accepted == 3
    assert "--complete (if it is whole: its last line has no end)" in suggestion.yaml


def test_a_header_alone_gives_a_mapping_of_its_words(propose: Propose) -> None:
    suggestion = propose("purchases", GERMAN_ORDERS.splitlines()[0] + "\n")
    assert (suggestion.rows, suggestion.accepted) == (0, 0)


@pytest.mark.parametrize("content", ["", b"\x00\x01\x02\n"])
def test_what_cannot_be_read_is_refused(propose: Propose, content: str | bytes) -> None:
    with pytest.raises(InputError):
        propose("purchases", content)


def test_a_folder_and_an_unknown_table_are_refused(settings: Settings, clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        suggest(settings, clock, "purchases", tmp_path)
    with pytest.raises(UsageError, match="no inbound table"):
        suggest(settings, clock, "buys", tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("table", "file", "accepted"),
    [
        ("purchases", "online_retail/online_retail_first_week.csv", 0.99),
        ("chat_messages", "multidogo/finance/dev.tsv.gz", 0.0),
        ("chat_messages", "banking77/test.csv", 0.0),
        ("contacts", "identity_senzing/customers.csv", 0.0),
    ],
)
def test_real_files_get_a_mapping_that_loads(
    real_data: Path, settings: Settings, clock: Clock, table: str, file: str, accepted: float
) -> None:
    suggestion = suggest(settings, clock, table, real_data / file)
    assert suggestion.accepted >= accepted * suggestion.tried
    assert suggestion.tried > 0


def test_a_file_without_a_header_keeps_its_first_row(propose: Propose) -> None:
    suggestion = propose("events", "1735900000,a@example.com,click\n1735900100,b@example.com,open\n")
    assert suggestion.rows == 2
    assert mapping(suggestion)["format"]["names"] == ["column 1", "column 2", "column 3"]
