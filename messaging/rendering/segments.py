"""In how many segments an SMS goes, and so what it costs."""

import re

import smsutil

# Characters of GSM-7 (3GPP TS 23.038) that are one septet each. Whatever else there is, smsutil counts.
_PLAIN = re.compile(
    r"[\n\r !\"#$%&'()*+,\-./0-9:;<=>?@A-Z_a-z\u00a1\u00a3\u00a4\u00a5\u00a7\u00bf\u00c4-\u00c6\u00c9\u00d1\u00d6\u00d8"
    r"\u00dc\u00df\u00e0\u00e4-\u00e6\u00e8\u00e9\u00ec\u00f1\u00f2\u00f6\u00f8\u00f9\u00fc]*"
)
_ONE = 160  # septets


def count_segments(body: str) -> int:
    """Count the segments of a text; most are a single one of plain letters, which is seen at a glance."""
    if len(body) <= _ONE and _PLAIN.fullmatch(body):
        return 1
    return len(smsutil.split(body).parts)


def outside_gsm7(text: str) -> list[str]:
    """Give the characters that are none of GSM-7, in their order; one of them makes the whole message UCS-2."""
    return [letter for letter in text if not _PLAIN.fullmatch(letter) and not smsutil.is_valid_gsm(letter)]
