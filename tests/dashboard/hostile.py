"""A customer who means harm in every field that they, or a source, can fill; and a judge of what a browser is given."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
from google.protobuf.message import Message
from sqlalchemy import insert
from streamlit.testing.v1 import AppTest

from data_contracts.contracts import published_contract
from messaging import audit, consent, users
from messaging.campaigns import fill_library
from messaging.clock import Clock
from messaging.consent_chain import ConsentEvent
from messaging.customers import Customers
from messaging.desk.follow_ups import promise
from messaging.desk.identity import decide_identity
from messaging.desk.notes import write_note
from messaging.desk.requests import take_request
from messaging.planner import build_planner
from messaging.settings import Settings, read_settings
from messaging.store import Store, open_store
from messaging.store.tables import builds, inbound_messages

NOON = datetime.fromisoformat("2026-10-30T12:00")
CUSTOMER, TWIN = f"cus_{5:032x}", f"cus_{6:032x}"
MARK = "evil"
HOSTILE = (
    "<script>document.title='evil'</script> "
    "<img src=https://evil.example/i.png onerror=alert('evil') data-evil> "
    "\"><svg onload=alert('evil') data-evil> ' onmouseover='alert(1)' data-evil=' "
    "</div></style></script><b data-evil>evil</b> "
    "![evil](https://evil.example/x.png) [evil](https://evil.example) <https://evil.example> "
    "https://evil.example/auto www.evil.example evil@evil.example "
    ":material/evil: :material_evil: :streamlit: :red[evil] :evil: "
    "$\\href{https://evil.example}{evil}$ **evil** `evil` ~~evil~~ "
    "{{ evil }} {% evil %} javascript:alert('evil') "
    "\u202elive\u2066evil"
)
FORMULA = '=HYPERLINK("https://evil.example","evil")'
EMOJI = "\N{PILE OF POO}" * 10_000
SHORT = "<img src=//evil.example data-evil>![evil](//evil.example):streamlit: *evil*"
# what our own rules limit to a few words, or read as a name of ours: nobody outside can fill it
OURS = {
    *("customer_id", "other_customer_id", "old_customer_id", "attribute", "identifier_type", "other_type"),
    *("kind", "direction", "detail", "time_zone", "lifecycle_stage", "order_id", "touch_id", "review_id"),
    *("email_consent", "sms_consent", "shipment_id", "build_id", "reason", "cause"),
}
TAGS = frozenset(
    {"a", "b", "bdi", "br", "code", "div", "em", "h2", "h3", "i", "li", "p", "span", "strong", "style"}
    | {"table", "tbody", "td", "th", "thead", "tr", "ul"}
)
ATTRIBUTES = frozenset(
    {"aria-hidden", "aria-label", "aria-level", "class", "href", "id", "rel", "role", "scope", "style"}
    | {"tabindex", "target", "title"}
)
SAID = frozenset({"aria-label", "title"})  # attributes that are read out, and obeyed by nobody
LOCAL = re.compile(
    r"(campaigns|customers|privacy|segments|templates|health|overview)?[?#/]?[\w=&%.?#-]*|http://127\.0\.0\.1:\d+/?"
)
# fields of Streamlit's messages: those that its renderer reads as markdown, and those that it shows, or keeps, as they are
MARKDOWN = frozenset({"label", "help", "body", "content", "tooltip", "message", "caption", "text"})
PLAIN = frozenset(
    {"options", "value", "default", "set_value", "placeholder", "id", "form_id", "alt", "raw_values", "key"}
    | {"string_value", "file_name", "url", "formatted_values", "arrow_data", "data", "user_key"}
)


def harm(company: Path, home: Path) -> Path:
    """Copy a company, put the hostile customer into it, and plan a campaign that writes to them."""
    shutil.copytree(company, home)
    settings = read_settings(home=home)
    with open_store(settings) as store:
        everywhere(home, settings, store)
        planner = build_planner(settings, store=store)
        planner.plan("win_back", SHORT)
        planner.customers.close()
    return home


def everywhere(home: Path, settings: Settings, store: Store) -> None:
    """Put hostile words wherever they can come from: the release, what colleagues write, and the library."""
    clock = Clock(NOON)
    (file,) = (home / "releases").glob("*.duckdb")
    with duckdb.connect(str(file)) as release:
        _in_release(release)
    fill_library(settings)
    _in_library(settings.library_dir)
    said = {"actor": SHORT}
    write_note(store, clock, CUSTOMER, HOSTILE, **said)
    write_note(store, clock, CUSTOMER, EMOJI[:2000], **said)
    promise(store, clock, CUSTOMER, SHORT, NOON + timedelta(hours=2), **said)
    take_request(store, clock, "access", SHORT, way="letter", zone="Europe/London", arrived_at=NOON, **said)
    with store.write() as connection:
        users.invite(connection, SHORT[:80], ["viewer"], SHORT, NOON)
        audit.record(connection, SHORT, "customer.look", HOSTILE, at=NOON)
        row = {"build_id": "bld_1", "release_version": SHORT, "as_of": NOON, "started_at": NOON}
        stages = [{"name": SHORT, "seconds": 3.5, "rows": 5}]
        connection.execute(insert(builds).values(**row, state="published", detail={"stages": stages}))
        connection.execute(insert(inbound_messages), [_received(number) for number in range(2)])
        consent.record(connection, _consent(), NOON)
    customers = Customers(settings, store)
    decide_identity(store, customers, clock, "merge", CUSTOMER, TWIN, reason=SHORT, actor=SHORT)
    customers.close()


def _consent() -> ConsentEvent:
    return ConsentEvent(
        channel="sms",
        purpose="marketing",
        action="grant",
        occurred_at=NOON,
        source=SHORT,
        actor=SHORT,
        method=SHORT,
        customer_id=CUSTOMER,
        legal_basis="consent",
        wording=HOSTILE,
    )


def _received(number: int) -> dict[str, Any]:
    body = (HOSTILE, EMOJI)[number]
    received = {"inbound_id": f"inb_{number}", "provider": "twilio", "provider_sid": f"SM{number}"}
    received |= {"channel": SHORT, "from_address": SHORT, "to_address": SHORT, "address_hash": "x"}
    received |= {"body": body, "customer_id": CUSTOMER, "received_at": NOON - timedelta(minutes=number)}
    return received | {"payload": {}}


def _in_release(release: duckdb.DuckDBPyConnection) -> None:
    there = {name for (name,) in release.execute("SHOW TABLES").fetchall()}
    known = {row[0] for row in release.execute("DESCRIBE customer_360").fetchall()}
    for column in published_contract(
        "customer_360"
    ).columns:  # what a build has, and the small company has not
        if column.type == "VARCHAR" and column.name not in known:
            release.execute(f'ALTER TABLE customer_360 ADD COLUMN "{column.name}" VARCHAR')
    release.execute("ALTER TABLE customer_timeline ADD COLUMN conversation_id VARCHAR")
    release.execute("ALTER TABLE customer_timeline ADD COLUMN sentiment DOUBLE")
    release.execute(
        "CREATE TABLE conversations AS SELECT 'conv_1' AS conversation_id, $id AS customer_id, true AS is_open, "
        "$at AS started_at, $at AS last_at, '' AS last_channel, 2 AS inbound_count, 0 AS outbound_count, "
        "$at AS waiting_since, '' AS topic, true AS is_complaint, '' AS ticket_id",
        {"id": CUSTOMER, "at": NOON - timedelta(hours=9)},
    )
    release.execute("ALTER TABLE conversations ADD COLUMN order_id VARCHAR")
    release.execute("UPDATE conversations SET order_id = ?", [SHORT])
    release.execute(
        "CREATE TABLE feedback AS SELECT touch_id, customer_id, $at AS occurred_at, 'nps' AS kind, 2.0 AS score, "
        "10 AS score_scale, 0.2 AS score_share, 'bad' AS verdict, false AS is_verified, '' AS product_name, "
        "'' AS ticket_id FROM customer_timeline WHERE customer_id = $id",
        {"id": CUSTOMER, "at": NOON - timedelta(days=2)},
    )
    release.execute("CREATE TABLE order_lines AS SELECT source, source_record_id, customer_id, '#1' AS order_id, "
                    "?::TIMESTAMP AS occurred_at FROM identity_map", [NOON])  # fmt: skip
    release.execute(
        "CREATE TABLE source_freshness AS SELECT '' AS source, 'purchases' AS table_name, 50 AS record_count, "
        "DATE '2026-10-20' AS last_day, 20 AS active_days, 10 AS silent_days, 'late' AS state"
    )
    release.execute("UPDATE source_freshness SET source = ?", [SHORT])
    for table in sorted(there | {"conversations", "feedback"}):
        columns = {row[0]: row[1] for row in release.execute(f"DESCRIBE {table}").fetchall()}
        if "customer_id" not in columns:
            continue
        filled = [name for name, kind in columns.items() if kind == "VARCHAR" and name not in OURS]
        changes = ", ".join(f'"{name}" = $text' for name in filled)
        if changes:
            release.execute(
                f"UPDATE {table} SET {changes} WHERE customer_id = $id", {"text": HOSTILE, "id": CUSTOMER}
            )
            # the twin has the very same names: a choice between the two has to tell them apart
    release.execute("UPDATE customer_360 SET given_name = $n, family_name = $n, display_name = $n "
                    "WHERE customer_id IN ($a, $b)", {"n": SHORT, "a": CUSTOMER, "b": TWIN})  # fmt: skip
    for table in ("identity_evidence", "identity_refused"):
        for side in ("match_key", "other_key"):
            release.execute(
                f"UPDATE {table} SET {side} = ?, customer_id = ? WHERE {side} NOT LIKE '%:%'",
                [SHORT, CUSTOMER],
            )
    release.execute("UPDATE identity_review SET customer_id = ?", [CUSTOMER])


def _in_library(folder: Path) -> None:
    for path in (folder / "segments").glob("*.yaml"):
        if path.stem not in {"everybody", "lapsed_customers"}:
            path.unlink()
    for path in (folder / "campaigns").glob("*.yaml"):
        if not path.stem.startswith("win_back"):
            path.unlink()
    quoted = json.dumps(SHORT)
    rule = f"{{column: favourite_category, test: contains, value: {json.dumps('evil')}}}"
    one = f"{{column: customer_id, test: in, value: [{CUSTOMER}, {TWIN}]}}"
    for name in ("harm", "harm_again"):  # two of the same title
        (folder / "segments" / f"{name}.yaml").write_text(
            f"title: {quoted}\ndescription: {json.dumps(HOSTILE)}\nwhere: {{any: [{one}, {rule}]}}\n"
        )
    campaign = (folder / "campaigns" / "win_back.yaml").read_text()
    campaign = campaign.replace("title: Win back lapsed customers", f"title: {quoted}")
    campaign = campaign.replace("segment: lapsed_customers", "segment: harm").replace(
        "share: 0.10", "share: 0.0"
    )
    (folder / "campaigns" / "win_back.yaml").write_text(campaign)
    for path in (folder / "templates").glob("*/win_back.j2"):
        path.write_text(path.read_text().replace("title: Win back", f"title: {quoted}"))


RUN = re.compile(r"(?i)(href|url|image|expr|test|filter|calculate|signal|on|format)$")


class Judge(HTMLParser):
    """Finds elements and attributes that no page of ours makes."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        if tag not in TAGS:
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES or (MARK in (value or "") and name not in SAID):
                self.wrong.append(f"<{tag} {name}={value!r}>")
            if name == "href" and not LOCAL.fullmatch(value or ""):
                self.wrong.append(f"a link to {value!r}")
        self.wrong += [
            f"an override of direction in <{tag}>" for _, value in attrs if "\u202e" in (value or "")
        ]

    def handle_data(self, data: str) -> None:
        """Look at a text."""
        if "\u202e" in data or "\u2066" in data:
            self.wrong.append("an override of direction")


def wrong_in_html(text: str) -> list[str]:
    """Name what is alive in a piece of HTML."""
    judge = Judge()
    judge.feed(text.removeprefix("<style>") if text.startswith("<style>:root") else text)
    judge.close()
    return judge.wrong


def wrong_in_markdown(text: str) -> list[str]:
    """Name what Streamlit would make more of than text: it reads some after backslashes are gone."""
    if MARK not in text:
        return []
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", text)
    found = [f"{sign} in {text!r}" for sign in "<>[]!*_`$:~|#" if sign in bare]
    read = text.replace("\\", "")
    found += [
        f"{made} in {text!r}" for made in (":streamlit:", ":material_", "\u202e", "\u2066") if made in read
    ]
    return found


def strings(message: Message, path: str = "") -> Iterator[tuple[str, str]]:
    """Give each text in what is sent to a browser, with the name of its field."""
    for field, value in message.ListFields():
        here = f"{path}.{field.name}"
        several = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        for each in several:
            if isinstance(each, Message):
                yield from strings(each, here)
            elif isinstance(each, str):
                yield here, each


def alive(app: AppTest) -> tuple[list[str], int]:
    """Name everything alive that a page sends, and count the hostile texts that it sends."""
    found: list[str] = []
    seen = 0
    for node in app._tree:
        proto = getattr(node, "proto", None)
        kind = str(getattr(node, "type", ""))
        for path, text in strings(proto) if isinstance(proto, Message) else ():
            name = path.rpartition(".")[2]
            seen += MARK in text
            if kind == "html":
                found += [f"{kind}{path}: {each}" for each in wrong_in_html(text)]
            elif kind == "iframe" and name == "srcdoc":
                found += [] if 'sandbox=""' in text else ["a frame without a sandbox"]
            elif name == "spec":
                found += _in_spec(text)
            elif name in PLAIN or (kind in {"text", "code"} and name == "body"):
                pass
            elif name in MARKDOWN:
                found += [f"{kind}{path}: {each}" for each in wrong_in_markdown(text)]
            elif MARK in text:
                found.append(f"{kind}{path} is a field that nobody has thought of: {text[:80]!r}")
    return found, seen


def _in_spec(text: str) -> list[str]:
    return [
        f"{where} in a chart"
        for where, said in _leaves(json.loads(text))
        if RUN.search(where) and MARK in said
    ]


def _leaves(part: Any, where: str = "") -> Iterator[tuple[str, str]]:
    """Give the texts of a chart, each with its way; what Vega fetches or computes is called so."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _leaves(value, f"{where}/{name}" if name != "datasets" else "data")
    elif isinstance(part, list):
        for value in part:
            yield from _leaves(value, where)
    else:
        yield where, str(part)
