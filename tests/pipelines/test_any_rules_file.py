"""Whatever stands in a file of rules or of traits: it can be used, or it is refused in one sentence of ours.

Each file is the shipped one with one to three of its places overwritten: by YAML that reads otherwise than it looks, by
values of another type, by names of SQL. What is let through has to work to its end, in SQL too.
"""

import json
import re
from collections.abc import Callable, Iterator
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
from data_contracts.errors import InputError
from data_contracts.traits import FILE as TRAITS
from data_contracts.traits import read_traits
from pipelines.identity.policy import SHIPPED as IDENTITY
from pipelines.identity.policy import load_policy
from pipelines.identity.survivorship import dbt_vars
from pipelines.scoring.actions.rules import SHIPPED as ACTIONS
from pipelines.scoring.actions.rules import VARIABLE, load_actions
from pipelines.scoring.sentiment.policy import SHIPPED as SENTIMENT
from pipelines.scoring.sentiment.policy import load_sentiment_policy

FOLDER = Path(__file__).parents[2] / "dbt_project" / "macros"
MACROS = "".join((FOLDER / name).read_text() for name in ("words.sql", "next_best_action.sql"))
VIEW = published_contract("customer_360")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST = 1500  # characters of what is said about one file

ODD = [
    *(".inf", "-.inf", ".nan", "1e400", "0x10", "9" * 30, "9" * 5000, "1_000", "12:30:45", "-1", "0", "1.5", "true", "null", "~"),
    *("''", "'x'", "known", "order", "unknown", "vip_tier", "last_order_at", "order_count", "'{'", "'{}'", "'{vip_tier}'", "'{order_count:order}'", "'{order_count:}'", "'{vip_tier:tier}'", "'{{ var }}'"),
    *("{}", "[]", "[[]]", "{a: 1}", "{a: 1, a: 2}", "{1: 2}", "{null: 1}", "{? [a] : 1}", "{<<: 1}", "{<<: [1]}", "&a [*a]", "*x"),
    *("2026-01-01", "2026-13-45", "2026-02-30T10:00:00Z", "2001-01-01 10:00:00 +99:99", "'2026-01-01'", "=", "?", "%", "@", "- a"),
    *("!!int abc", "!!float abc", "!!bool x", "!!timestamp abc", "!!map x", "!!seq x", "!!binary a", "!!set {a}", "!!python/name:os.system"),
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
    return json.dumps(document, ensure_ascii=False)


def files_like(shipped: Path) -> st.SearchStrategy[str]:
    document = yaml.safe_load(shipped.read_text(encoding="utf-8"))
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


@pytest.mark.parametrize(
    ("shipped", "use"),
    [(ACTIONS, use_actions), (IDENTITY, use_policy), (SENTIMENT, use_sentiment), (TRAITS, use_traits)],
    ids=["next best actions", "identity", "sentiment", "traits"],
)
def test_a_file_can_be_used_or_is_refused_in_one_sentence(shipped: Path, use: Callable[[Path], None]) -> None:
    refusals: list[InputError] = []

    @settings(max_examples=150, deadline=None)
    @given(text=files_like(shipped))
    def holds(text: str) -> None:
        with TemporaryDirectory() as folder:
            path = Path(folder) / shipped.name
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            refused = refusal(use, path)
        if refused:
            said = str(refused)
            assert refused.mend
            assert shipped.name in said
            assert not CONTROL.search(said)
            assert len(said) - len(folder) < LONGEST
            refusals.append(refused)

    use(shipped)
    holds()
    assert refusals, "nothing that was written into the file was ever wrong"


def refusal(use: Callable[[Path], None], path: Path) -> InputError | None:
    try:
        use(path)
    except InputError as error:
        return error
    return None
