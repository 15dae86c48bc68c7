"""Whatever stands in a file that people keep: it can be used, or it is refused in one sentence of ours.

Each file is the shipped one with one to three of its places overwritten: by YAML that reads otherwise than it looks, by
values of another type, by names of SQL. What is let through has to work to its end, in SQL too.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment

from data_contracts.contracts import published_contract
from data_contracts.errors import RapportError
from data_contracts.traits import FILE as TRAITS
from data_contracts.traits import read_traits
from messaging.campaigns import SHIPPED as LIBRARY
from messaging.campaigns import Library, read_campaign
from messaging.clock import Clock
from messaging.identity_decisions import export_decisions, import_decisions
from messaging.quiet_hours import RULES_FILE as QUIET_HOURS
from messaging.quiet_hours import Place, next_legal, read_quiet_rules
from messaging.rendering import read_template
from messaging.segments import compile_segment, describe
from messaging.settings import read_settings
from messaging.store import open_store
from pipelines.identity.linking.model import SHIPPED as PARAMETERS
from pipelines.identity.linking.model import load_model
from pipelines.identity.policy import SHIPPED as IDENTITY
from pipelines.identity.policy import load_policy
from pipelines.identity.survivorship import dbt_vars
from pipelines.pulls.files import SHIPPED as PULLS
from pipelines.pulls.files import load_pull
from pipelines.scoring.actions.rules import SHIPPED as ACTIONS
from pipelines.scoring.actions.rules import VARIABLE, load_actions
from pipelines.scoring.sentiment.policy import SHIPPED as SENTIMENT
from pipelines.scoring.sentiment.policy import load_sentiment_policy

FOLDER = Path(__file__).parents[2] / "dbt_project" / "macros"
MACROS = "".join((FOLDER / name).read_text() for name in ("words.sql", "next_best_action.sql"))
VIEW = published_contract("customer_360")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
NOON = datetime(2026, 10, 30, 12)
LONGEST = 1500  # characters of what is said about one file

# Nine values, nine times over at each of eight steps: 400 characters for 387 million values.
BOMB = f"[&a0 [{', '.join('123456789')}], " + ", ".join(
    f"&a{step} [{', '.join(9 * [f'*a{step - 1}'])}]" for step in range(1, 9)
) + "]"  # fmt: skip
ODD = [
    *(".inf", "-.inf", ".nan", "1e400", "0x10", "9" * 30, "9" * 5000, "1_000", "12:30:45", "-1", "0", "1.5", "true", "null", "~"),
    *("''", "'x'", "known", "order", "unknown", "vip_tier", "last_order_at", "order_count", "'{'", "'{}'", "'{vip_tier}'", "'{order_count:order}'", "'{order_count:}'", "'{vip_tier:tier}'", "'{{ var }}'"),
    *("{}", "[]", "[[]]", "{a: 1}", "{a: 1, a: 2}", "{1: 2}", "{null: 1}", "{? [a] : 1}", "{<<: 1}", "{<<: [1]}", "&a [*a]", "*x"),
    *("2026-01-01", "2026-13-45", "2026-02-30T10:00:00Z", "2001-01-01 10:00:00 +99:99", "'2026-01-01'", "=", "?", "%", "@", "- a"),
    *("!!int abc", "!!float abc", "!!bool x", "!!timestamp abc", "!!map x", "!!seq x", "!!binary a", "!!set {a}", "!!python/name:os.system"),
    *("{<<: *x}", "[&a [1, 2], *a]", "{a: &a [*a]}", BOMB),
    *(r'"\0"', r'"\ud800"', r'"a\nb"', '"\'; drop table known; --"', "'%s'", '"\U0001f44d"', "[" * 400, "x" * 500, "\x07", "\t"),
]  # fmt: skip


class Written(str):
    """YAML as it is to stand in the file, where all else is quoted."""

    __slots__ = ()


def places(document: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(document, dict | list):
        pairs = document.items() if isinstance(document, dict) else enumerate(document)
        for key, value in pairs:
            yield from places(value, (*place, key))


def overwritten(document: Any, place: tuple[Any, ...], odd: Written, *, key: bool) -> Any:
    """Give a copy of a document with something else at one of its places, or with another key there."""
    if not place:
        return odd
    first, rest = place[0], place[1:]
    if isinstance(document, dict) and first in document:
        if key and not rest:
            return {odd if name == first else name: value for name, value in document.items()}
        return document | {first: overwritten(document[first], rest, odd, key=key)}
    if isinstance(document, list) and isinstance(first, int) and first < len(document):
        return [
            overwritten(each, rest, odd, key=key) if at == first else each for at, each in enumerate(document)
        ]
    return document  # it was overwritten before


def as_yaml(document: Any) -> str:
    if isinstance(document, Written):
        return document
    if isinstance(document, dict):
        return "{" + ",\n".join(f"{as_yaml(key)}: {as_yaml(value)}" for key, value in document.items()) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(map(as_yaml, document)) + "]"
    return json.dumps(document, ensure_ascii=False, default=str)  # a day stands in quotes


def files_like(document: Any) -> st.SearchStrategy[str]:
    odd = st.one_of(st.sampled_from(ODD), st.text(max_size=12), st.floats().map(str), st.integers().map(str))
    edit = st.tuples(st.sampled_from(list(places(document))), odd.map(Written), st.booleans())

    def edited(edits: list[tuple[tuple[Any, ...], Written, bool]]) -> str:
        found = document
        for place, written, key in edits:
            found = overwritten(found, place, written, key=key)
        return as_yaml(found)

    return st.lists(edit, min_size=1, max_size=3).map(edited)


def use_actions(path: Path) -> None:
    """Run the rules as the view does, over a view without rows: what they compare has types all the same."""
    variables = load_actions(path).to_variables()
    json.dumps(variables).encode()
    made = Environment(extensions=["jinja2.ext.do"]).from_string(  # noqa: S701 it makes SQL
        re.sub(r"\{#.*?#\}", "", MACROS, flags=re.DOTALL) + "{{ next_best_action('reason') }}",
        globals={
            "var": lambda name, _default: variables[name],
            "as_text": lambda expression: f"cast({expression} as varchar)",
        },
    )
    assert variables[VARIABLE]
    columns = ", ".join(f"cast(null as {column.type}) as {column.name}" for column in VIEW.columns)
    with duckdb.connect() as connection:
        connection.execute(f"with known as (select {columns}) select {made.render()} from known").fetchall()


def use_policy(path: Path) -> None:
    policy = load_policy(path)
    assert policy.fingerprint
    assert set(policy.naming()) <= set(policy.linking())
    json.dumps(dbt_vars(policy.survivorship)).encode()


def use_sentiment(path: Path) -> None:
    assert load_sentiment_policy(path).fingerprint


def use_traits(path: Path) -> None:
    """Add the columns as the view's last projection does."""
    with duckdb.connect() as connection:
        for trait in read_traits(path, [column.name for column in VIEW.columns if not column.trait]):
            name = trait.name
            connection.execute(
                f"create table {name} as select '1' as customer_id, cast(null as {trait.type}) as {name}"
            )
            connection.execute(
                f"with known as (select '1' as customer_id) select known.*, {name}.{name} from known"
                f" left join {name} as {name} on known.customer_id = {name}.customer_id"
            )


def use_parameters(path: Path) -> None:
    """Weigh with the model, and write it again."""
    model = load_model(path)
    assert 0 < model.prior(1000) <= 0.5
    assert all(isfinite(level.weight) for levels in model.comparisons.values() for level in levels)
    json.dumps(model.to_splink(1000), allow_nan=False).encode()
    model.to_file(path)
    assert load_model(path) == model


def use_pull(path: Path) -> None:
    """Load it as a company's own."""
    (path.parent / "pulls").mkdir(exist_ok=True)
    path.rename(path.parent / "pulls" / path.name)
    pull = load_pull(read_settings(home=path.parent), path.stem)
    assert pull.cron or not pull.plan.every or pull.missing or not pull.plan.enabled
    pull.plan.model_dump_json(by_alias=True).encode()


def use_quiet_hours(path: Path) -> None:
    rules = read_quiet_rules(path)
    hours = rules.hours(tuple(Place(country) for country in rules.countries), "voice")
    assert all(span.start < span.end for span in hours.on(date(2026, 3, 8)))
    next_legal(datetime(2026, 3, 8), ("America/New_York", "Pacific/Apia"), hours)


def use_campaign(path: Path) -> None:
    campaign = read_campaign(path.stem, path.read_bytes().decode("utf-8"))
    json.dumps(asdict(campaign), allow_nan=False, default=sorted).encode()
    assert campaign.channel_order("sms")
    assert campaign.holdout.holds("cus_1") in {True, False}


def use_segment(path: Path) -> None:
    """Compile it, and ask a view without rows."""
    shutil.rmtree(path.parent / "segments", ignore_errors=True)
    (path.parent / "segments").mkdir()
    path.rename(path.parent / "segments" / path.name)
    segment = Library(path.parent).segment(path.stem)
    query = compile_segment(segment, datetime(2026, 1, 1))
    columns = ", ".join(f"cast(null as {column.type}) as {column.name}" for column in VIEW.columns)
    with duckdb.connect() as connection:
        sql = f"select * from (select {columns}) as customer_360 where {query.where}"
        connection.execute(sql, query.parameters).fetchall()
    assert describe(segment.rule, VIEW, "GBP")


def use_template(path: Path) -> None:
    text = f"---\n{path.read_bytes().decode('utf-8')}\n---\nReply STOP to opt out."
    template = read_template("sms", path.stem, "en", text)
    assert template.message_class
    json.dumps(asdict(template)).encode()


@cache
def empty_store() -> bytes:
    with TemporaryDirectory() as folder:
        with open_store(read_settings(home=Path(folder))):
            pass
        return (Path(folder) / "store.db").read_bytes()


def use_decisions(path: Path) -> None:
    """Take over its decisions, and once more, which changes nothing."""
    text = path.read_bytes().decode("utf-8")
    (path.parent / "store.db").write_bytes(empty_store())
    with open_store(read_settings(home=path.parent)) as store:
        times = [
            import_decisions(store, Clock(NOON), text, "ann", known=lambda asked: asked, name=path.name)
            for _ in range(2)
        ]
        export_decisions(store).encode()
    assert times[1].new == ()


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


KINDS: dict[str, tuple[str, Any, Callable[[Path], None]]] = {
    "next best actions": (ACTIONS.name, read(ACTIONS), use_actions),
    "identity": (IDENTITY.name, read(IDENTITY), use_policy),
    "sentiment": (SENTIMENT.name, read(SENTIMENT), use_sentiment),
    "traits": (TRAITS.name, read(TRAITS), use_traits),
    "trained parameters": (PARAMETERS.name, read(PARAMETERS), use_parameters),
    "a pull of an API": ("shop.yaml", read(PULLS / "shopify.yaml"), use_pull),
    "a pull of a table": ("till.yaml", {"kind": "sql", "source": "till", "url": "{TILL_URL}", "table": "orders", "cursor": "at", "every": "hour"}, use_pull),
    "a pull of a mailbox": ("mail.yaml", {"kind": "imap", "source": "mail", "mailbox": {"host": "mail.example.com", "user": "{MAIL_USER}", "password": "{MAIL_PASSWORD}"}}, use_pull),
    "a pull that rests on a shipped one": ("shop.yaml", {"use": "shopify", "with": {"shop": "harbour"}, "every": "hour", "only": ["orders"]}, use_pull),
    "quiet hours": (QUIET_HOURS.name, read(QUIET_HOURS), use_quiet_hours),
    "campaign": ("win_back.yaml", read(LIBRARY / "campaigns" / "win_back.yaml"), use_campaign),
    "segment": ("lapsed.yaml", {"title": "Lapsed", "where": {"all": [{"column": "last_order_at", "test": "older than days", "value": 90}, {"not": {"column": "country", "test": "in", "value": ["GB", "US"]}}]}}, use_segment),
    "head of a template": ("tried.j2", {"title": "Hi", "class": "marketing", "purpose": "marketing", "language": "en", "needs": ["offer_code"]}, use_template),
    "decisions": ("decided.yaml", {"decisions": [{"kind": "merge", "one": "crm/1", "other": "web/1", "reason": "So.", "author": "ann", "decision_id": "dec_1"}, {"kind": "split", "one": "crm/2", "other": "web/2", "reason": "So."}]}, use_decisions),
}  # fmt: skip


@pytest.mark.parametrize(("name", "document", "use"), KINDS.values(), ids=list(KINDS))
def test_a_file_can_be_used_or_is_refused_in_one_sentence(
    name: str, document: Any, use: Callable[[Path], None]
) -> None:
    refusals: list[RapportError] = []

    @settings(max_examples=150, deadline=None)
    @given(text=files_like(document))
    def holds(text: str) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            refused = refusal(use, path)
        if refused:
            said = str(refused)
            assert refused.mend
            assert path.stem in said
            assert not CONTROL.search(said)
            assert len(said) - len(folder) < LONGEST
            refusals.append(refused)

    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(yaml.safe_dump(document))
        use(path)
    holds()
    assert refusals, "nothing that was written into the file was ever wrong"


def refusal(use: Callable[[Path], None], path: Path) -> RapportError | None:
    try:
        use(path)
    except RapportError as error:
        return error
    return None
