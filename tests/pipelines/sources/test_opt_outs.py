"""An opt-out in any import counts before the next send: it is in the store before the rows that brought it are visible."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import insert, select

from data_contracts.errors import BatchRefusedError, InputError
from data_contracts.sql import Sql
from messaging import outbox
from messaging.addresses import read_addresses
from messaging.clock import Clock
from messaging.consent import lift, state, suppressed
from messaging.consent_chain import ConsentEvent, append, verify_chain
from messaging.dispatch import dispatch_once
from messaging.senders.base import Accepted, OutboundMessage
from messaging.settings import Settings
from messaging.store import open_store
from messaging.store.tables import campaign_runs, consent_events, messages, suppressions
from pipelines.landing.manifest import list_landings
from pipelines.sources import intake
from pipelines.sources.opt_outs import find_words
from pipelines.sources.report import IngestReport

NOW = datetime.fromisoformat("2026-10-30T12:00")  # as the clock of these tests
MAIL, PHONE = "ada@example.com", "+447400123456"

Take = Callable[..., IngestReport]
Row = dict[str, str]


def consent(number: int, action: str = "revoke", said: str = "2026-10-01 10:00:00", **columns: str) -> Row:
    row = {"source": "crm", "source_record_id": f"consent/{number}", "occurred_at": said, "action": action}
    row |= {"channel": "email", "purpose": "marketing", "legal_basis": "consent"}
    return row | (columns or {"email": MAIL})


def event(number: int, what: str, said: str = "2026-10-01 10:00:00", email: str = MAIL) -> Row:
    row = {"source": "crm", "source_record_id": f"event/{number}", "occurred_at": said}
    return row | {"event_id": str(number), "event": what, "email": email}


def text(number: int, body: str, said: str = "2026-10-01 10:00:00", **columns: str) -> Row:
    row = {"source": "crm", "source_record_id": f"message/{number}", "occurred_at": said, "body": body}
    row |= {"message_id": str(number), "channel": "sms", "direction": "inbound", "phone": PHONE}
    return row | {"from_address": PHONE, "to_address": "+15005550006", "status": "received"} | columns


def chat(number: int, body: str, **columns: str) -> Row:
    row = {"source": "crm", "source_record_id": f"message/{number}", "occurred_at": "2026-10-01 10:00:00"}
    row |= {"conversation_id": "1", "message_id": str(number), "author_kind": "customer", "body": body}
    return row | {"phone": PHONE, "channel": "whatsapp"} | columns


def mail(number: int, subject: str, body: str) -> Row:
    row = {"source": "crm", "source_record_id": f"message/{number}", "occurred_at": "2026-10-01 10:00:00"}
    row |= {"message_id": str(number), "direction": "inbound", "kind": "letter", "email": MAIL}
    return row | {
        "subject": subject,
        "body_text": body,
        "from_email": MAIL,
        "to_email": "us@shop.example.com",
    }


@pytest.fixture
def bring(tmp_path: Path, take: Take) -> Callable[..., IngestReport]:
    """Take rows of a table in, as a file of its own columns."""
    made: list[Path] = []

    def bringing(table: str, *rows: Row) -> IngestReport:
        made.append(tmp_path / f"{table}-{len(made)}.parquet")
        columns = list(dict.fromkeys(column for row in rows for column in row))
        values = {column: pa.array([row.get(column) for row in rows], pa.string()) for column in columns}
        pq.write_table(pa.table(values), made[-1])
        return take(table, made[-1])

    return bringing


class Books:
    """Reads what the store says of one address."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def suppressed(self, address: str = MAIL, channel: str = "email") -> str | None:
        """Give why it is suppressed."""
        with open_store(self.settings) as store, store.read() as connection:
            hashed = read_addresses(self.settings, store).hash(address)
            return suppressed(connection, [hashed], channel).get(hashed)

    def granted(self, address: str = MAIL, channel: str = "email", *people: str) -> bool | None:
        """Give what it said of marketing last."""
        with open_store(self.settings) as store, store.read() as connection:
            hashed = read_addresses(self.settings, store).hash(address)
            found = state(connection, people, hashed, channel)
        return None if found is None else found.granted

    def events(self) -> list[Any]:
        """Give all that was recorded, and check the chain."""
        with open_store(self.settings) as store, store.read() as connection:
            assert verify_chain(connection).broken_at is None
            return list(connection.execute(select(consent_events).order_by(consent_events.c.sequence)))

    def say(self, action: str, at: datetime, **facts: Any) -> None:
        """Record what the address said to us ourselves."""
        values = {"channel": "email", "purpose": "marketing", "legal_basis": "consent", "source": "form"}
        values |= {"actor": "customer", "method": "checkbox"} | facts
        with open_store(self.settings) as store:
            hashed = read_addresses(self.settings, store).hash(MAIL)  # before the write: it may write itself
            with store.write() as connection:
                append(
                    connection,
                    [ConsentEvent(action=action, occurred_at=at, address_hash=hashed, **values)],
                    at,
                )


@pytest.fixture
def books(settings: Settings) -> Books:
    return Books(settings)


@pytest.mark.parametrize(
    ("table", "row", "channel", "reason", "method"),
    [
        ("email_events", event(1, "unsubscribe"), "email", "unsubscribe", "unsubscribe"),
        ("email_events", event(1, "group_unsubscribe"), "email", "unsubscribe", "group_unsubscribe"),
        ("email_events", event(1, "spamreport"), "email", "complaint", "spamreport"),
        ("email_messages", mail(1, "Unsubscribe", ""), "email", "unsubscribe", "reply"),
        ("email_messages", mail(1, "Re: our sale", "remove me."), "email", "unsubscribe", "reply"),
        ("sms_messages", text(1, " Stop "), "sms", "stop", "keyword"),
        ("sms_messages", text(1, "STOPALL", channel="mms"), "sms", "stop", "keyword"),
        ("sms_messages", text(1, "stop", channel="whatsapp"), "whatsapp", "stop", "keyword"),
        (
            "sms_messages",
            text(1, "A sale", direction="outbound", status="failed", error_code="21610"),
            "sms",
            "stop",
            "provider",
        ),
        ("chat_messages", chat(1, "STOP"), "whatsapp", "stop", "keyword"),
    ],
)
def test_a_no_in_an_import_suppresses_at_once_even_as_the_first_thing_that_ever_came(
    bring: Any, books: Books, table: str, row: Row, channel: str, reason: str, method: str
) -> None:
    report = bring(table, row)
    assert (report.rows_in, report.accepted, report.opt_outs) == (1, 1, 1)
    address = MAIL if channel == "email" else PHONE
    assert books.suppressed(address, channel) == reason
    (said,) = books.events()
    assert (said.action, said.method, said.source) == ("revoke", method, "crm")
    assert (said.source_record_id, str(said.occurred_at)) == (row["source_record_id"], row["occurred_at"])
    assert said.evidence["file_sha256"]
    assert said.recorded_at == NOW


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("email_events", event(1, "open")),
        ("email_events", event(1, "group_resubscribe")),
        ("sms_messages", text(1, "please don't stop my order")),
        ("sms_messages", text(1, "START")),
        ("sms_messages", text(1, "STOP", direction="outbound")),
        ("chat_messages", chat(1, "STOP", channel="web")),
        ("chat_messages", chat(1, "STOP", author_kind="agent")),
        ("email_messages", mail(1, "CANCEL", "Please cancel my order 7")),
        ("email_messages", mail(1, "How do I unsubscribe?", "I cannot find it")),
        ("consents", consent(1, "grant")),
        ("consents", consent(1, external_id="7")),
    ],
)
def test_what_is_no_opt_out_of_an_address_makes_no_store_and_no_event(
    bring: Any, settings: Settings, table: str, row: Row
) -> None:
    assert bring(table, row).opt_outs == 0
    assert not Path(settings.store_address.removeprefix("sqlite:///")).exists()


def test_a_revoked_consent_becomes_an_event_with_its_evidence_and_no_suppression(
    bring: Any, books: Books
) -> None:
    bring("consents", consent(1, email=MAIL, method="preference page", wording="No more mail, please"))
    (said,) = books.events()
    assert (said.method, said.wording, said.actor) == ("preference page", "No more mail, please", "import")
    assert (books.granted(), books.suppressed()) == (False, None)


@pytest.mark.parametrize(
    ("table", "row", "channel"),
    [
        ("email_events", event(1, "unsubscribe", said="yesterday"), "email"),
        ("sms_messages", text(1, "STOP", said="24/13/2026"), "sms"),
        ("sms_messages", text(1, "STOP", status="no such status"), "sms"),
        ("consents", consent(1, said="soon"), "email"),
        ("consents", consent(1, said="2099-01-01 00:00:00"), "email"),
        ("consents", consent(1, email=MAIL, channel="pigeon", purpose="joy", legal_basis="none"), "email"),
        ("consents", consent(1, email=MAIL, source_record_id=""), "email"),
    ],
)
def test_a_clear_no_counts_though_its_row_is_set_aside(
    bring: Any, books: Books, table: str, row: Row, channel: str
) -> None:
    report = bring(table, row)
    assert (report.accepted, report.quarantined, report.opt_outs) == (0, 1, 1)
    address = MAIL if channel == "email" else PHONE
    assert books.granted(address, channel) is False
    assert bring(table, row, row).opt_outs == 0
    (said,) = books.events()
    assert said.occurred_at <= NOW
    read = row["occurred_at"].startswith("2026-")
    assert read != ("stands in for it" in (said.evidence.get("date") or ""))


def test_the_opt_outs_of_a_batch_that_is_refused_as_a_whole_count(
    bring: Any, books: Books, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("The batch is refused.", "Mend it.")

    monkeypatch.setattr(intake, "prepare", refuse)
    with pytest.raises(InputError, match="refused"):
        bring("email_events", event(1, "unsubscribe"))
    assert list_landings(settings, "email_events") == []
    assert books.suppressed() == "unsubscribe"


def test_an_ingest_that_dies_before_its_rows_are_visible_leaves_the_opt_outs_and_doubles_none(
    bring: Any, books: Books, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [event(1, "unsubscribe"), event(2, "spamreport", email="ben@example.com")]
    with monkeypatch.context() as patch:
        patch.setattr(intake, "commit", _die)
        with pytest.raises(KeyboardInterrupt):
            bring("email_events", *rows)
    assert list_landings(settings, "email_events") == []
    assert len(books.events()) == 2
    report = bring("email_events", *rows)
    assert (report.accepted, report.opt_outs, len(books.events())) == (2, 0, 2)


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_one_record_is_one_event_however_often_and_in_whatever_file_it_comes(
    bring: Any, books: Books
) -> None:
    bring("consents", consent(1))
    bring("consents", consent(2), consent(1))
    bring("consents", consent(1), consent(2))
    assert [said.source_record_id for said in books.events()] == ["consent/1", "consent/2"]


@pytest.mark.parametrize(
    "written", ["07400 123456", "447400123456", "+44 (0)7400 123-456", " +447400123456 "]
)
def test_a_number_is_known_however_it_is_written(bring: Any, books: Books, written: str) -> None:
    bring("sms_messages", text(1, "STOP", phone=written))
    bring("consents", consent(2, channel="sms", phone=written))
    assert books.suppressed(PHONE, "sms") == "stop"
    assert {said.address_hash for said in books.events()} == {books.events()[0].address_hash}


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        (["STOP"], True),
        (["STOP", "START"], False),
        (["START", "STOP", "thanks"], True),
        (["STOP", "START", "STOP"], True),
    ],
)
def test_of_one_deliverys_words_the_last_counts(
    bring: Any, books: Books, said: list[str], stands: object
) -> None:
    rows = [text(number, body, f"2026-10-0{number} 10:00:00") for number, body in enumerate(said, start=1)]
    bring("sms_messages", *reversed(rows))
    assert (books.suppressed(PHONE, "sms") == "stop") == stands


def test_a_start_of_a_later_delivery_lifts_nothing(bring: Any, books: Books) -> None:
    bring("sms_messages", text(1, "STOP"))
    bring("sms_messages", text(2, "START", "2026-10-05 10:00:00"))
    bring("email_events", event(1, "unsubscribe"))
    bring("email_events", event(2, "group_resubscribe", "2026-10-05 10:00:00"))
    assert (books.suppressed(PHONE, "sms"), books.suppressed()) == ("stop", "unsubscribe")


def test_a_complaint_is_not_taken_back_by_a_resubscribe_nor_hidden_by_an_unsubscribe(
    bring: Any, books: Books
) -> None:
    said = [event(1, "spamreport"), event(2, "unsubscribe", "2026-10-02 10:00:00")]
    bring("email_events", *said, event(3, "group_resubscribe", "2026-10-03 10:00:00"))
    assert books.suppressed() == "complaint"


def test_an_address_that_bounced_is_suppressed_unless_a_later_mail_reached_it(
    bring: Any, books: Books
) -> None:
    rows = [event(1, "bounce"), event(2, "delivered", "2026-10-02 10:00:00")]
    bring("email_events", *rows, event(3, "bounce", email="ben@example.com"))
    assert (books.suppressed(), books.suppressed("ben@example.com")) == (None, "bounce")
    assert books.events() == []


JULY, AUGUST = "2026-07-01 10:00:00", "2026-08-01 10:00:00"
EARLIER = datetime.fromisoformat("2025-12-01")
BEFORE, AFTER = datetime.fromisoformat("2026-06-01"), datetime.fromisoformat("2026-09-01")


@pytest.mark.parametrize(
    ("known", "table", "rows", "may"),
    [
        # a recorded consent that was revoked goes by time against what else was said
        (("grant", BEFORE), "consents", [consent(1, said=JULY)], False),
        (("grant", AFTER), "consents", [consent(1, said=JULY)], True),
        (("grant", AFTER), "consents", [consent(1, said="no date")], False),
        (("revoke", BEFORE), "consents", [consent(1, "grant", JULY)], False),  # grants wait for the build
        (None, "consents", [consent(1, said=JULY), consent(2, "grant", AUGUST)], False),
        # somebody's own word, a complaint or a dead address is not outweighed by a consent, however new
        (("grant", BEFORE), "email_events", [event(1, "unsubscribe", JULY)], False),
        (("grant", AFTER), "email_events", [event(1, "unsubscribe", JULY)], False),
        (("grant", AFTER), "email_events", [event(1, "spamreport", JULY)], False),
        (("grant", AFTER), "email_events", [event(1, "bounce", JULY)], False),
        (("grant", AFTER), "email_messages", [mail(1, "unsubscribe", "")], False),
        # but by the same address taking it back, in the same data or to ourselves, later
        (("grant", BEFORE), "email_events", [event(1, "unsubscribe", JULY), event(2, "group_resubscribe", AUGUST)], True),
        (("grant", BEFORE), "email_events", [event(1, "unsubscribe", AUGUST), event(2, "group_resubscribe", JULY)], False),
        (("grant", BEFORE), "email_events", [event(1, "unsubscribe", JULY), event(2, "group_resubscribe", "no date")], False),
        (("lift", AFTER), "email_events", [event(1, "unsubscribe", JULY)], True),
        (("lift", BEFORE), "email_events", [event(1, "unsubscribe", JULY)], False),
    ],
)  # fmt: skip
def test_what_wins_where_words_contradict_one_another(
    bring: Any, books: Books, known: tuple[str, datetime] | None, table: str, rows: list[Row], may: object
) -> None:
    if known and known[0] == "lift":
        books.say("grant", EARLIER)  # a START gives back what stood before the opt-out, and that alone
        bring("email_events", event(0, "unsubscribe", "2026-01-01 10:00:00"))
        _lift(books.settings, known[1])
    elif known:
        books.say(*known)
    bring(table, *rows)
    assert (books.suppressed() is None and books.granted() is True) == may


def _lift(settings: Settings, at: datetime) -> None:
    with open_store(settings) as store, store.write() as connection:
        hashed = read_addresses(settings, store).hash(MAIL)
        assert lift(connection, address_hash=hashed, channel="email", at=at, source="form")


class Provider:
    """A mail provider in memory."""

    provider = "smtp"
    can_find = False

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: OutboundMessage) -> Accepted:
        """Take a message."""
        self.sent.append(message.to)
        return Accepted(f"<{len(self.sent)}@example.com>")


def test_a_list_of_unsubscribed_people_stops_a_campaign_that_is_planned_already(
    bring: Any, books: Books, settings: Settings, clock: Clock
) -> None:
    _queue_mail(settings, [MAIL, "ben@example.com", "cat@example.com"])
    bring("email_events", event(1, "unsubscribe"))
    bring("consents", consent(2, email="BEN@example.com"))
    provider = Provider()
    with open_store(settings) as store:
        report = dispatch_once(store, {"email": provider}, clock)
        with store.read() as connection:
            rows = select(messages.c.address, messages.c.state, messages.c.detail)
            told = {address: (state, detail) for address, state, detail in connection.execute(rows)}
    assert provider.sent == ["cat@example.com"]
    assert report.skipped == {"suppressed": 1, "opted_out": 1}
    assert told[MAIL] == ("skipped", "This e-mail address was unsubscribed from marketing.")


def _queue_mail(settings: Settings, people: list[str]) -> None:
    grant: dict[str, Any] = {
        "channel": "email",
        "purpose": "marketing",
        "legal_basis": "consent",
        "source": "form",
    }
    grant |= {
        "action": "grant",
        "occurred_at": NOW - timedelta(days=99),
        "actor": "customer",
        "method": "form",
    }
    run = {"run_id": "run_1", "campaign": "sale", "content_hash": "0", "content": {}, "release_version": "1"}
    with open_store(settings) as store:
        addresses = read_addresses(settings, store)
    with open_store(settings) as store, store.write() as connection:
        connection.execute(
            insert(campaign_runs).values(state="running", planned_at=NOW, planned_by="t", **run)
        )
        append(connection, [ConsentEvent(customer_id=person, **grant) for person in people], NOW)
        planned = [
            outbox.PlannedMessage(
                message_id=f"msg_{person}",
                customer_id=person,
                channel="email",
                address=person,
                address_hash=addresses.hash(person),
                body="A sale",
                subject="A sale",
                time_zone="Europe/London",
                country="GB",
                run_id="run_1",
            )
            for person in people
        ]
        outbox.insert_planned(connection, planned, NOW, queued=True)


@pytest.mark.slow
def test_a_long_list_of_suppressions_is_taken_in_pieces(
    settings: Settings, books: Books, take: Take, tmp_path: Path
) -> None:
    path = tmp_path / "list.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT 'crm' AS source, 'event/' || n AS source_record_id, '2026-10-01 10:00:00' AS occurred_at,"
            " 'e' || n AS event_id, 'unsubscribe' AS event, 'p' || n || '@example.com' AS email"
            f" FROM range(50000) AS numbers(n)) TO '{path}' (FORMAT parquet)"
        )
    assert take("email_events", path).opt_outs == 50_000
    with open_store(settings) as store, store.read() as connection:
        assert len(connection.execute(select(suppressions.c.address_hash)).all()) == 50_000


def test_opt_outs_come_in_pieces_and_of_each_address_and_reason_once() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE said AS SELECT 'crm' AS source, 'event/' || n AS source_record_id, TIMESTAMP '2026-10-01' AS"
            " occurred_at, 'unsubscribe' AS event, 'p' || n % 25000 || '@example.com' AS email FROM range(50000) AS t(n)"
        )
        pieces = [len(words) for words in find_words(connection, {"email_events": Sql("said")})]
    assert pieces == [10_000, 10_000, 5_000]


def test_a_refusal_says_that_the_opt_outs_in_it_count(
    settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "log.csv"
    lines = [
        f"SM{n},+4477009{n:05d},+15005550006,STOP,lost,2024-05-24T10:00:00Z,1,inbound" for n in range(30)
    ]
    path.write_text("\n".join(["Sid,From,To,Body,Status,SentDate,NumSegments,Direction", *lines]) + "\n")
    with pytest.raises(BatchRefusedError, match="The 30 new opt-outs that it holds count all the same"):
        intake.ingest(settings, clock, "twilio", [path])
