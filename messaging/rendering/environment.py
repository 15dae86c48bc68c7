"""The language that templates may use: a small part of Jinja2, in its sandbox, that can only fill in words.

There are no loops, calls, attributes, arithmetic, joins of text or macros, so the work that a template can
ask for grows with its own length and nothing else, and that is bounded. What is checked is the syntax tree,
before anything is compiled (constants would be folded while compiling).
"""

from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, NoReturn

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2 import TemplateError as JinjaError
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from data_contracts.errors import TemplateError
from messaging import formats

LARGEST_SOURCE = 20_000  # characters
DEEPEST = 40
ALLOWED_NODES = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Assign,
    nodes.Filter,
    nodes.Keyword,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.List,
    nodes.Tuple,
)


class MissingValueError(Exception):
    """A template wanted to show something that we do not know of this customer, and gave no default."""


class _Nothing(str):
    """An empty text that a template asked for, unlike one that the data happened to hold."""

    __slots__ = ()


def make_environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    """Build the environment of templates: for HTML, where values are escaped, or for plain text."""
    environment = ImmutableSandboxedEnvironment(
        autoescape=html,
        undefined=StrictUndefined,
        optimized=False,  # folding constants would run a template while it is only being checked
        finalize=_shown,
        cache_size=0,
    )
    environment.globals.clear()
    environment.tests.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    return environment


def check_source(source: str, known: Iterable[str], largest: int = LARGEST_SOURCE) -> frozenset[str]:
    """Check a template's text and give the names that it uses. Raises TemplateError naming line and mend."""
    if len(source) > largest:
        raise TemplateError(
            f"The template holds {len(source)} characters; {largest} are allowed.", "Shorten it."
        )
    try:
        tree = make_environment(html=False).parse(source)
    except JinjaError as error:
        line = getattr(error, "lineno", None)
        raise TemplateError(f"Line {line}: {error.message}.", "Correct it.") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise TemplateError(
            "The template cannot be read: it is nested or numbered absurdly.", "Simplify it."
        ) from error
    _check_tree(tree, 0)
    return _check_names(tree, set(known))


def names_in(source: str) -> frozenset[str]:
    """Name what a template's text is filled from; nothing where it cannot be read, which `check_source` tells."""
    try:
        tree = make_environment(html=False).parse(source)
    except (JinjaError, RecursionError, ValueError, OverflowError):
        return frozenset()
    return frozenset(each.name for each in tree.find_all(nodes.Name) if each.ctx == "load")


def _check_tree(node: nodes.Node, depth: int) -> None:
    if not isinstance(node, ALLOWED_NODES) or depth > DEEPEST:
        _refuse(node, f"uses {type(node).__name__}, which templates may not")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        near = get_close_matches(node.name, FILTERS, 1)
        _refuse(
            node, f"uses the unknown filter {node.name!r}" + (f" (did you mean {near[0]}?)" if near else "")
        )
    if isinstance(node, nodes.Filter) and (node.dyn_args or node.dyn_kwargs):
        _refuse(node, "spreads arguments, which templates may not")
    if isinstance(node, nodes.Assign) and not isinstance(node.target, nodes.Name):
        _refuse(node, "sets something other than a name")
    for child in node.iter_child_nodes():
        _check_tree(child, depth + 1)


def _refuse(node: nodes.Node, what: str) -> NoReturn:
    raise TemplateError(
        f"Line {node.lineno}: the template {what}.",
        f"It may fill in names, with `if`, `set` and the filters {', '.join(sorted(FILTERS))}.",
    )


def _check_names(tree: nodes.Template, known: set[str]) -> frozenset[str]:
    used = {each.name for each in tree.find_all(nodes.Name) if each.ctx == "load"}
    own = {each.name for each in tree.find_all(nodes.Name) if each.ctx == "store"}
    if clash := sorted(own & known):
        raise TemplateError(
            f"The template sets {clash[0]!r}, which is a column's name.", "Choose another name."
        )
    if unknown := sorted(used - own - known):
        near = get_close_matches(unknown[0], known, 3, 0.5)
        hint = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "See the dictionary for what is known of a customer."
        )
        lines = (each.lineno for each in tree.find_all(nodes.Name) if each.name == unknown[0])
        raise TemplateError(
            f"Line {min(lines)}: the template names {unknown[0]!r}, which nothing fills in.", hint
        )
    return frozenset(used & known)


def _shown(value: Any) -> Any:
    """Let a value through to the text, but never one that we do not have."""
    if value is None or isinstance(value, Undefined) or (value == "" and not isinstance(value, _Nothing)):
        raise MissingValueError
    if isinstance(value, bool | datetime):
        raise MissingValueError  # `True` and 2026-10-30 00:00:00 are no words for a customer
    return value


def _default(value: Any, instead: Any = "") -> Any:
    """Put something in place of what is missing: None, an empty or blank text, an unknown name."""
    missing = value is None or isinstance(value, Undefined) or (isinstance(value, str) and not value.strip())
    return (instead or _Nothing()) if missing else value


def _known_only(value: Any) -> Any:
    if value is None or isinstance(value, Undefined):
        raise MissingValueError
    return value


@pass_context
def _money(context: Context, minor: Any) -> str:
    return formats.money(int(_known_only(minor)), str(context["currency"]), str(context["language"]))


@pass_context
def _number(context: Context, value: Any) -> str:
    return formats.number(_known_only(value), str(context["language"]))


@pass_context
def _date(context: Context, moment: datetime | date | None) -> str:
    return formats.day(_known_only(moment), str(context["language"]), context["time_zone"])


def _name(value: Any) -> str | None:
    return None if value is None or isinstance(value, Undefined) else formats.name(str(value))


def _shorten(value: Any, length: int = 40) -> str:
    text = str(_known_only(value))
    kept = min(max(length, 1), 200)
    return text if len(text) <= kept else text[: kept - 1].rstrip() + "…"


def _capitalize(value: Any) -> str:
    text = str(_known_only(value))
    return text[:1].upper() + text[1:]


FILTERS = {
    "default": _default,
    "name": _name,
    "money": _money,
    "number": _number,
    "date": _date,
    "shorten": _shorten,
    "capitalize": _capitalize,
    "upper": lambda value: str(_known_only(value)).upper(),
    "lower": lambda value: str(_known_only(value)).lower(),
    "trim": lambda value: str(_known_only(value)).strip(),
}
