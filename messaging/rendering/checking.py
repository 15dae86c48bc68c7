"""Templates held against the contract of what is known of a customer, before anybody is written to.

Walks the syntax tree with what is known at each point of it: behind `{% if favourite_category %}` that column is there.
An expression is recognised by its shape, so that `given_name | name` is known where just that was asked for.
"""

from collections.abc import Mapping
from typing import Literal, cast

from jinja2 import nodes

from data_contracts.model import Column, Contract
from messaging.rendering.conditions import NOTHING, SORTED, Known, told
from messaging.rendering.environment import make_environment
from messaging.rendering.findings import Finding
from messaging.rendering.templates import Template

# What a template may name beside columns, and what may be empty of it.
MAY_BE_EMPTY = frozenset({"company_address", "company_logo_url"})
ALWAYS_THERE = frozenset({"language", "time_zone"})  # a message has both, whatever its reader's columns hold
MOMENTS = ("TIMESTAMP",)
WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def check_contract(template: Template, contract: Contract) -> list[Finding]:
    """Find what of a template breaks the contract of `customer_360`; its syntax and its names are right already."""
    columns = {column.name: column for column in contract.columns}
    found = [
        Finding(
            "error",
            "unknown_column",
            template.file,
            template.head_line("only_with"),
            f"`only_with` names {name!r}, which is no column of {contract.name}.",
            "See the dictionary for what is known of a customer.",
        )
        for name in template.only_with
        if name not in columns
    ]
    subject = _Walk(template, columns, "subject").findings(template.subject)
    text = _Walk(template, columns, "text").findings(template.text or "")
    return list(dict.fromkeys([*found, *subject, *_Walk(template, columns).findings(template.source), *text]))


class _Walk:
    """One walk through one text of a template."""

    def __init__(
        self,
        template: Template,
        columns: Mapping[str, Column],
        part: Literal["subject", "source", "text"] = "source",
    ) -> None:
        self._template, self._columns, self._part = template, columns, part
        self._found: list[Finding] = []
        self._own: dict[str, frozenset[str]] = {}  # what makes a variable of the template's own empty
        self._meant: dict[str, nodes.Expr] = {}
        # Each expression is walked once for what is known there: two looks a level would be 2^40 at the deepest.
        self._absences: dict[tuple[int, Known], frozenset[str]] = {}
        self._used: set[tuple[int, Known]] = set()

    def findings(self, source: str) -> list[Finding]:
        tree = make_environment(html=False).parse(source)
        for name in tree.find_all(nodes.Name):
            self._check_class(name)
        self._body(tree.body, NOTHING)
        return self._found

    def _body(self, body: list[nodes.Node], known: Known) -> Known:
        """Walk statements in order, and give what is known behind them."""
        for node in body:
            if isinstance(node, nodes.Output):
                for shown in node.nodes:
                    self._show(shown, known)
            elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                known = self._set(node.target.name, cast("nodes.Expr", node.node), known)
            elif isinstance(node, nodes.If):
                known = self._if(node, known)
        return known

    def _set(self, name: str, value: nodes.Expr, known: Known) -> Known:
        self._check_leaving(value)
        absent = self._absent(value, known)
        self._meant.pop(name, None)
        if not _names(value) & {name, *self._own}:  # what stands on variables would be followed 2^n ways
            self._meant[name] = value
        self._own[name] = absent
        return frozenset(each for each in known if f"Name({name!r}" not in each)

    def _if(self, node: nodes.If, known: Known) -> Known:
        """Walk every branch with what its conditions tell; behind it is known what each branch knows."""
        before, after, ends = dict(self._own), [], known
        for branch in (node, *node.elif_):
            test = cast("nodes.Expr", branch.test)
            self._use(test, ends)
            ends_here = self._body(branch.body, ends | self._told(test, true=True))
            after.append((self._own, ends_here))
            self._own = dict(before)
            ends |= self._told(test, true=False)
        after.append((self._own, self._body(node.else_, ends)))
        names = {name for own, _ in after for name in own}
        self._own = {
            name: frozenset[str]().union(*(own.get(name, frozenset({name})) for own, _ in after))
            for name in names
        }
        for name in names - set(before):
            self._meant.pop(name, None)
        return frozenset.intersection(*(each for _, each in after))

    def _show(self, node: nodes.Expr, known: Known) -> None:
        if isinstance(node, nodes.TemplateData):
            return
        self._check_leaving(node)
        if isinstance(node, nodes.Name) and (column := self._columns.get(node.name)):
            self._check_shown_type(node, column)
        if isinstance(node, nodes.Name) and node.name == "today":
            self._error(node, "wrong_type", "shows 'today' as a moment.", "Write {{ today | date }}.")
        if culprits := self._absent(node, known):
            names = " and ".join(repr(each) for each in sorted(culprits))
            self._error(
                node,
                "may_be_missing",
                f"shows {names}, which is not known of everybody, without a default or a condition.",
                _mend(min(culprits)),
            )

    def _absent(self, node: nodes.Expr, known: Known) -> frozenset[str]:
        """Give the names for want of which a value may be missing; none where it never is."""
        asked = (id(node), known)
        if asked not in self._absences:
            self._absences[asked] = NOTHING if repr(node) in known else self._find_absent(node, known)
        return self._absences[asked]

    def _find_absent(  # noqa: PLR0911 - one a kind of node
        self, node: nodes.Expr, known: Known
    ) -> frozenset[str]:
        if isinstance(node, nodes.Name):
            return self._absent_name(node.name, known)
        if isinstance(node, nodes.Filter):
            return self._absent_filter(node, known)
        self._use(node, known)
        if isinstance(node, nodes.CondExpr):
            yes = self._absent(node.expr1, known | self._told(node.test, true=True))
            if node.expr2 is None:
                return yes | frozenset(_names(node.test))
            return yes | self._absent(node.expr2, known | self._told(node.test, true=False))
        if isinstance(node, nodes.Or):
            return self._absent(node.right, known | self._told(node.left, true=False))
        if isinstance(node, nodes.And):
            right = self._absent(node.right, known | self._told(node.left, true=True))
            return self._absent(node.left, known) | right
        return NOTHING

    def _absent_name(self, name: str, known: Known) -> frozenset[str]:
        if name in self._own:
            meant = self._meant.get(name)
            surely = meant is not None and not isinstance(meant, nodes.Const) and repr(meant) in known
            return NOTHING if surely else self._own[name]
        if name in ALWAYS_THERE or name in self._template.only_with:
            return NOTHING
        if name in self._columns:
            return NOTHING if self._columns[name].required else frozenset({name})
        mail = self._template.channel == "email"
        empty = name in MAY_BE_EMPTY or (name == "unsubscribe_url" and not mail)
        return frozenset({name}) if empty else NOTHING

    def _absent_filter(self, node: nodes.Filter, known: Known) -> frozenset[str]:
        inner = node.node
        if inner is None:
            return NOTHING
        self._check_filter_type(node, inner)
        culprits = self._absent(inner, known)
        if node.name == "default":
            return NOTHING
        if node.name == "name":  # a placeholder such as `Test` is no name to greet with
            return culprits | (frozenset(_names(inner)) - frozenset(self._template.only_with))
        if culprits:
            self._error(
                node,
                "may_be_missing",
                f"writes {' and '.join(repr(each) for each in sorted(culprits))} by `{node.name}`,"
                " but it is not known of everybody.",
                _mend(min(culprits)),
            )
        return NOTHING

    def _use(self, node: nodes.Expr | None, known: Known) -> None:
        """Walk what is only asked: what is missing is false there, but cannot be sorted or written."""
        if node is None or isinstance(node, nodes.Const | nodes.Name) or (id(node), known) in self._used:
            return
        self._used.add((id(node), known))
        if isinstance(node, nodes.Filter):
            self._absent_filter(node, known)
        elif isinstance(node, nodes.And | nodes.Or):
            self._use(node.left, known)
            self._use(node.right, known | self._told(node.left, true=isinstance(node, nodes.And)))
        elif isinstance(node, nodes.Compare):
            self._compare(node, known)
        elif isinstance(node, nodes.CondExpr):
            self._use(node.test, known)
            self._use(node.expr1, known | self._told(node.test, true=True))
            self._use(node.expr2, known | self._told(node.test, true=False))
        else:
            for child in node.iter_child_nodes():
                if isinstance(child, nodes.Expr):
                    self._use(child, known)

    def _compare(self, node: nodes.Compare, known: Known) -> None:
        left = node.expr
        for operand in node.ops:
            strict = [operand.expr] if operand.op in {"in", "notin"} else []
            strict = [left, operand.expr] if operand.op in SORTED else strict
            for side in strict:
                if culprits := self._absent(side, known):
                    self._error(
                        node,
                        "may_be_missing",
                        f"compares {' and '.join(repr(each) for each in sorted(culprits))},"
                        " which is not known of everybody.",
                        f"Ask for it first: {{% if {min(culprits)} and ... %}}.",
                    )
            for side in (left, operand.expr):
                self._use(side, known)
            left = operand.expr

    def _told(self, node: nodes.Expr, *, true: bool) -> Known:
        return told(node, self._meant, true=true)

    def _check_class(self, node: nodes.Name) -> None:
        """Refuse what is sensitive wherever it is named: a text that depends on it tells it, too."""
        column = self._columns.get(node.name)
        if column is not None and column.classification == "sensitive":
            self._error(
                node,
                "restricted",
                f"names {node.name!r}, which is sensitive and must not leave the company.",
                "Write to a segment, and say nothing of the reason.",
            )

    def _check_leaving(self, node: nodes.Expr) -> None:
        """Refuse to write what we conclude of a person, such as a risk; a condition may go by it."""
        for name in sorted(_shown_names(node)):
            column = self._columns.get(name)
            if column is not None and column.personal and column.profiling:
                self._error(
                    node,
                    "restricted",
                    f"shows {name!r}, which is what we conclude of a person and must not leave the company.",
                    "Take it into a condition or the segment, and write what it means for them.",
                )

    def _check_shown_type(self, node: nodes.Name, column: Column) -> None:
        if column.type.startswith(MOMENTS):
            self._error(
                node,
                "wrong_type",
                f"shows {node.name!r} as a moment.",
                f"Write {{{{ {node.name} | date }}}}.",
            )
        elif column.type == "BOOLEAN":
            self._error(
                node,
                "wrong_type",
                f"shows {node.name!r}, which is true or false.",
                f"Ask for it: {{% if {node.name} %}}.",
            )

    def _check_filter_type(self, node: nodes.Filter, inner: nodes.Expr) -> None:
        column = self._columns.get(inner.name) if isinstance(inner, nodes.Name) else None
        if column is None:
            return
        kind = column.type
        fits = {
            "date": kind == "DATE" or kind.startswith(MOMENTS),
            "money": kind in WHOLE,
            "number": kind in {*WHOLE, "DOUBLE", "FLOAT"} or kind.startswith("DECIMAL"),
            "name": kind == "VARCHAR",
        }
        if not fits.get(node.name, True):
            wanted = {"date": "a day or a moment", "money": "whole minor units", "number": "a number"}
            self._error(
                node,
                "wrong_type",
                f"writes {column.name!r} ({kind}) by `{node.name}`, which takes {wanted.get(node.name, 'a text')}.",
                "Take another filter, or none.",
            )

    def _error(self, node: nodes.Node, code: str, what: str, mend: str) -> None:
        if self._part == "subject":
            file, line = self._template.file, self._template.head_line("subject")
        elif self._part == "text":
            file, line = self._template.file, self._template.text_at + node.lineno
        else:
            file, line = self._template.origin(node.lineno)
        self._found.append(Finding("error", code, file, line, f"The template {what}", mend))


def _mend(name: str) -> str:
    return (
        f"Write {{{{ {name} | default('...') }}}}, ask {{% if {name} %}}, or leave out who lacks it:"
        f" `only_with: [{name}]` in the head."
    )


def _names(node: nodes.Expr) -> set[str]:
    found = {each.name for each in node.find_all(nodes.Name)}
    return found | ({node.name} if isinstance(node, nodes.Name) else set())


def _shown_names(node: nodes.Expr) -> set[str]:
    """Name what the text of an expression may hold: what its conditions go by is not written."""
    if isinstance(node, nodes.Name):
        return {node.name}
    if isinstance(node, nodes.Compare | nodes.Not):
        return set()
    skipped = node.test if isinstance(node, nodes.CondExpr) else None
    return {
        name
        for child in node.iter_child_nodes()
        if child is not skipped and isinstance(child, nodes.Expr)
        for name in _shown_names(child)
    }
