"""A small language for the words of a rule, turned into a regular expression over sentences of `messaging.inbox.written`.

`word` is that word, `unsub*` every word that begins so, `{send}` any of the words listed under that name, `(a|b c)` one of
these, `(a)?` that or nothing, `(! a)` that this does not follow here, `..3` at most three words of the same clause, `^` and
`$` its beginning and end.
"""

import re
from collections.abc import Mapping, Sequence

from data_contracts.errors import InputError

_TOKEN = re.compile(
    r"\{(?P<group>\w+)\}|\.\.(?P<gap>\d)|(?P<sign>\)\??|\(!|[(|^$])|(?P<word>[a-z0-9]+\*?|,)|(?P<space>\s+)"
)
_SIGNS = {
    "(": "(?:",
    "(!": "(?!",
    ")": ")",
    ")?": ")?",
    "|": "|",
    "^": "(?:(?<![^,] )(?<![a-z0-9]))",
    "$": "(?=,|$)",
}
_WORD = re.compile(r"[a-z0-9]+")

Groups = Mapping[str, Sequence[str]]


def compiled(patterns: Sequence[str], groups: Groups) -> re.Pattern[str] | None:
    """Give one expression for any of these patterns, None where there are none. Raises InputError for a slip in one."""
    if not patterns:
        return None
    return re.compile("|".join(f"(?<![a-z0-9])(?:{_expression(each, groups, ())})" for each in patterns))


def words_in(patterns: Sequence[str]) -> set[str]:
    """Give the whole words that patterns name."""
    found: set[str] = set()
    for each in patterns:
        found |= {
            token["word"]
            for token in _TOKEN.finditer(each)
            if token["word"] and _WORD.fullmatch(token["word"])
        }
    return found


def _expression(pattern: str, groups: Groups, above: tuple[str, ...]) -> str:
    made, place = [], 0
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            raise InputError(
                f"The pattern {pattern!r} cannot be read from its character {place + 1} on.", "Mend it there."
            )
        made.append(_part(token, groups, above))
        place = token.end()
    return "".join(made)


def _part(token: re.Match[str], groups: Groups, above: tuple[str, ...]) -> str:
    if token["group"]:
        name = token["group"]
        if name not in groups or name in above:
            why = "holds itself" if name in above else "is no group of the file"
            raise InputError(f"{{{name}}} {why}.", f"It may be one of {', '.join(sorted(groups))}.")
        inner = (_expression(each, groups, (*above, name)) for each in groups[name])
        return f"(?:{'|'.join(inner)})"
    if token["gap"]:
        return f"(?:[a-z0-9]+ ){{0,{token['gap']}}}"
    if token["sign"]:
        return _SIGNS[token["sign"]]
    word = token["word"]
    if not word:
        return ""
    return f"{word[:-1]}[a-z0-9]* " if word.endswith("*") else f"{word} "
