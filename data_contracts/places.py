"""Where something stands in a YAML file, so that a mistake is told with its line."""

import re
from collections.abc import Hashable
from functools import cached_property
from typing import Any, cast

import yaml

Place = tuple[str | int, ...]  # the keys and positions that lead to a value, such as ("schema", 0, "name")
Loader = getattr(
    yaml, "CSafeLoader", yaml.SafeLoader
)  # five times faster, where PyYAML was built with libyaml


MOST_REPEATED = 10_000  # values that aliases may add: nine lines of them can stand for a thousand million
MOST_LEVELS = 100  # of brackets and indents; libyaml recurses on the C stack, and a full one ends the process
# a block of lines begins behind nothing but these
_OPENING = re.compile("[\n\r\x85\u2028\u2029][\ufeff \t?:-]*")
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class DuplicateKeyError(yaml.MarkedYAMLError):
    """A mapping names a key twice; YAML would silently keep the last one."""

    def __init__(self, key: str, mark: yaml.Mark) -> None:
        super().__init__(problem=f"the key {key} stands twice", problem_mark=mark)
        self.key = key


class _OnceLoader(Loader):  # type: ignore[misc,valid-type]
    """Reads YAML and refuses a mapping that names a key twice, and what no table, page or log could hold."""

    def construct_mapping(self, node: yaml.Node, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002
        seen: set[str] = set()
        if not isinstance(node, yaml.MappingNode):
            raise yaml.MarkedYAMLError(problem="no key stands there", problem_mark=node.start_mark)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is no word", problem_mark=key.start_mark)
            if key.value in seen:
                raise DuplicateKeyError(key.value, key.start_mark)
            seen.add(key.value)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return found

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            found = super().construct_object(node, deep=deep)
        except (ValueError, LookupError, AttributeError, TypeError):  # 2026-13-45, or !!int of a word
            kind = str(node.tag).rpartition(":")[2]
            raise yaml.MarkedYAMLError(
                problem=f"what stands there is no {kind}", problem_mark=node.start_mark
            ) from None
        if isinstance(found, str) and _UNWRITABLE.search(found):
            raise yaml.MarkedYAMLError(
                problem="a text holds a control character or half of a pair of surrogates",
                problem_mark=node.start_mark,
            )
        return found


def _refuse_tag(_loader: _OnceLoader, node: yaml.Node) -> None:
    raise yaml.MarkedYAMLError(
        problem="what stands there has a tag that none here knows", problem_mark=node.start_mark
    )


_OnceLoader.add_constructor(None, _refuse_tag)


def _refuse_depth(text: str) -> None:
    """Refuse brackets and indents of more levels than anybody writes, before something recurses into them.

    The events are walked only where there could be so many: an indent or a bracket opens two levels at most.
    """
    indent = max(map(len, _OPENING.findall(f"\n{text}")))
    if 2 * (indent + text.count("[") + text.count("{")) <= MOST_LEVELS:
        return
    level = 0
    for event in yaml.parse(text, Loader=Loader):
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > MOST_LEVELS:
            raise yaml.MarkedYAMLError(
                problem=f"its brackets and indents go deeper than {MOST_LEVELS} levels",
                problem_mark=cast("yaml.Mark", event.start_mark),
            )


def _values(text: str) -> Any:
    _refuse_depth(text)
    loader = _OnceLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        if "*" in text:
            _refuse_growth(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _refuse_growth(root: yaml.Node) -> None:
    """Refuse aliases that repeat more than anybody writes, or that stand inside what they name."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        known = sizes.get(id(node))
        if known == 0:  # begun, and not ended
            raise yaml.MarkedYAMLError(
                problem="an alias stands inside what it names", problem_mark=node.start_mark
            )
        if known is None:
            sizes[id(node)] = 0
            inside = node.value if isinstance(node, yaml.CollectionNode) else ()
            pairs = isinstance(node, yaml.MappingNode)
            known = 1 + sum(size(part) for each in inside for part in (each if pairs else (each,)))
            sizes[id(node)] = known
        return known

    if size(root) - len(sizes) > MOST_REPEATED:
        raise yaml.MarkedYAMLError(
            problem=f"its aliases repeat more than {MOST_REPEATED:,} values", problem_mark=root.start_mark
        )


class Document:
    """A YAML text: its values, and the line of each of them.

    Raises yaml.YAMLError where it is none, and nothing else: with a `problem` in words and its `problem_mark` wherever a
    place can be named.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.values: Any = _values(text)
        except RecursionError:
            raise yaml.YAMLError("its aliases go too deep") from None

    def line(self, place: Place) -> int:
        """Give the line of a place, counted from 1; of a place that is not there, the line of what would hold it.

        Parts that lead nowhere are skipped, for pydantic puts names of types between the keys.
        """
        node, line = self._root, 1
        for part in place:
            if isinstance(node, yaml.MappingNode):
                pairs = {key.value: (key, value) for key, value in node.value}
                if str(part) in pairs:
                    key, node = pairs[str(part)]
                    line = key.start_mark.line + 1
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line

    @cached_property
    def _root(self) -> yaml.Node | None:
        return yaml.compose(self.text, Loader=Loader)
