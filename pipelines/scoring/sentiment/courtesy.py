"""What stands in a letter because letters have it, and says nothing about how its writer feels.

VADER takes "Kind regards" and "Good morning" for praise, so that a complaint that is properly signed counts as a
happy letter: "Where is my parcel?" is 0, with "Kind regards" below it .53. Only whole greetings at the head and
whole closings at the foot are taken away; a text that is nothing else is left as it is.
"""

import re

FOOT = 8  # lines: a closing with a signature below it has no more
WIDE = 60  # characters: a longer line is no part of a signature

_NAME = r"(?:[ \t]+(?:there|all|both|team|sir|madam|or|[A-Z][\w.'-]*))*"
_GREETING = re.compile(
    r"(?i:dear|hello|hey|hi|greetings|good (?:morning|afternoon|evening|day))"
    + _NAME
    + r"[ \t]*(?:[,:!.]+|$)"
)
# the wish on a line of its own or before a name
_CLOSING = re.compile(
    r"(?i:(?:(?:with )?(?:kind(?:est)?|best|warm(?:est)?|many) )?(?:regards|wishes)"
    r"|yours (?:sincerely|faithfully|truly)|sincerely|cheers|best|thank you(?: in advance)?"
    r"|(?:many |with )?thanks(?: in advance| and regards| and best wishes)?)"
    r"[ \t]*[,.!]*(?:[ \t]+[A-Z][^\n]{0,40})?"
)


def without_courtesies(text: str) -> str:
    """Take the greeting and the closing from a text; what has no more than these is given back as it is."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return text
    kept = _without_closing([_GREETING.sub("", lines[0], count=1).strip(), *lines[1:]])
    return "\n".join(kept).strip() or text


def _without_closing(lines: list[str]) -> list[str]:
    """Cut at the first closing of the foot; the first line is never one, for then it is what was said."""
    for place in range(max(1, len(lines) - FOOT), len(lines)):
        if _CLOSING.fullmatch(lines[place]) and all(len(line) <= WIDE for line in lines[place:]):
            return lines[:place]
    return lines
