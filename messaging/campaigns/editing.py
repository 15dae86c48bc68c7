"""A campaign's file changed key by key, as a form does: everything else in it stays as it was written, comments too."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from data_contracts.errors import CampaignError

Path = tuple[str, ...]
ORDER = ("title", "description", "segment", "template", "variants", "channels", "holdout", "goal", "schedule")
WIDTH = 100_000  # no line is folded anew


def changed(text: str, changes: Mapping[Path, Any]) -> str:
    """Give the text with keys set, such as ("holdout", "share"), or taken out where the value is None.

    A key that is new comes where people look for it. Raises CampaignError where the text is no YAML of keys and values:
    whoever wrote it mends that first.
    """
    editor = _editor()
    try:
        document = editor.load(text) if text.strip() else CommentedMap()
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise CampaignError(f"This is no YAML{where}.", "Mend it there before a form changes it.") from None
    if not isinstance(document, CommentedMap):
        raise CampaignError(
            "This is no YAML of keys and values.", "Begin with a line such as `title: Welcome`."
        )
    for path, value in changes.items():
        _change(document, path, value)
    written = StringIO()
    editor.dump(document, written)
    return written.getvalue()


def _change(document: CommentedMap, path: Path, value: Any) -> None:
    *above, last = path
    place = document
    for key in above:
        if not isinstance(place.get(key), CommentedMap):
            if value is None:
                return
            _put(place, key, CommentedMap())
        place = place[key]
    if value is None:
        place.pop(last, None)
    elif place.get(last) != value:
        _put(place, last, _written(value))


def _written(value: Any) -> Any:
    """Dress a value as people write it: a list on one line, and quotes around what YAML 1.1 takes for something else."""
    if isinstance(value, dict):
        return CommentedMap({key: _written(each) for key, each in value.items()})
    if isinstance(value, list):
        row = CommentedSeq(map(_written, value))
        row.fa.set_flow_style()
        return row
    if isinstance(value, str) and not _is_plain(value):
        return DoubleQuotedScalarString(value)
    return value


def _is_plain(value: str) -> bool:
    """Say whether a text without quotes is read as itself: 10:00 would be the number 600, and on would be true."""
    try:
        return bool(yaml.safe_load(value) == value)
    except yaml.YAMLError:
        return False


def _put(place: CommentedMap, key: str, value: Any) -> None:
    """Set a key, one that is new behind those that come before it in a campaign."""
    if key in place or key not in ORDER:
        place[key] = value
        return
    before = [each for each in ORDER[: ORDER.index(key)] if each in place]
    place.insert(list(place).index(before[-1]) + 1 if before else 0, key, value)


def _editor() -> YAML:
    editor = YAML()  # the round trip: it keeps comments, quotes and order
    editor.preserve_quotes = True
    editor.width = WIDTH
    editor.allow_duplicate_keys = False
    return editor
