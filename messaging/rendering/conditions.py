"""What a condition of a template tells of values: which of them are there where it holds, and where it does not."""

from collections.abc import Mapping

from jinja2 import nodes

Known = frozenset[str]
NOTHING: Known = frozenset()
SORTED = frozenset({"gt", "gteq", "lt", "lteq"})


def told(node: nodes.Expr, meant: Mapping[str, nodes.Expr], *, true: bool) -> Known:
    """Give the expressions, by their shape, that have a value where a condition is true, or where it is false.

    `meant` are the expressions that variables of the template's own stand for, none of which names itself.
    """
    if isinstance(node, nodes.Not):
        return told(node.node, meant, true=not true)
    if isinstance(node, nodes.And | nodes.Or):
        left, right = told(node.left, meant, true=true), told(node.right, meant, true=true)
        return left | right if isinstance(node, nodes.And) is true else left & right
    if isinstance(node, nodes.Compare):
        return _told_by_comparing(node, meant, true=true)
    if not true or not isinstance(node, nodes.Name | nodes.Filter):
        return NOTHING
    found = frozenset({repr(node)})
    if isinstance(node, nodes.Name) and node.name in meant:
        found |= told(meant[node.name], meant, true=True)
    if isinstance(node, nodes.Filter) and node.name != "default" and node.node is not None:
        found |= told(node.node, meant, true=True)
    return found


def _told_by_comparing(node: nodes.Compare, meant: Mapping[str, nodes.Expr], *, true: bool) -> Known:
    operand = node.ops[0]
    if len(node.ops) > 1:
        return NOTHING
    if operand.op in SORTED:  # had it been missing, the comparison would have left this person out
        return told(node.expr, meant, true=True) | told(operand.expr, meant, true=True)
    wanted = "eq" if true else "ne"
    if operand.op == wanted and isinstance(operand.expr, nodes.Const) and operand.expr.value:
        return told(node.expr, meant, true=True)
    not_none = operand.op == ("ne" if true else "eq")
    if not_none and isinstance(operand.expr, nodes.Const) and operand.expr.value is None:
        return told(node.expr, meant, true=True)
    listed = isinstance(operand.expr, nodes.List | nodes.Tuple) and all(
        isinstance(each, nodes.Const) and each.value for each in operand.expr.items
    )
    if listed and operand.op == ("in" if true else "notin"):
        return told(node.expr, meant, true=True)
    return NOTHING
