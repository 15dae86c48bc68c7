"""Which of a provider's records is a message of ours, where the provider may have changed its text on the way.

Twilio's smart encoding replaces typographic characters by those of GSM 03.38, white space is trimmed, and long links may be
shortened. The first two are undone here; a text that still reads otherwise proves nothing either way.
"""
# ruff: noqa: RUF001 - characters that look like others are what this is about

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from messaging.senders.base import ProviderRecord
from messaging.store.tables import attempts, messages

# What smart encoding makes of characters, where Unicode's compatibility forms (NFKC) do not say the same. By Twilio's list
# (github.com/TwilioDevEd/message-segment-calculator, read 2026-11-23); it swaps the single angle quotation marks as well.
_REPLACED = {
    '"': "«»“”„‟ʺˮ❝❞〝〞",
    "'": "‘’‛ʻˈʼʽʹ´ˊ`ˋ❛❜\u0313\u0314︐︑‗",
    "/": "÷⧸\u0337\u0338⁄∕",
    "\\": "⧹⧵\u20e5",
    "_": "\u0332",
    "|": "\u20d2\u20d3∣⎸⎹⏐⎜⎟",
    "-": "⎼⎽―‐‑‒–—⁃•−",
    ",": "‚\u0326、",
    ".": "。",
    "!": "ǃ",
    "(": "❨❪⟮⦅",
    ")": "❩❫⟯⦆",
    "*": "⁎∗⊛✢✣✤✥✱✲✳✺✻✼✽❃❉❊❋⧆",
    "+": "˖",
    ":": "ː˸⦂꞉",
    ";": "⁏",
    ">": "‹",
    "<": "›",
    "=": "\u0347꞊",
    "^": "ˆ\u0302\u1dcd",
    "{": "❴",
    "}": "❵",
    "~": "˜˷\u0303\u0330\u0334∼",
}
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True))
_TABLE = str.maketrans({old: new for new, olds in _REPLACED.items() for old in olds} | _SMALL_CAPITALS)
_UNSEEN = {"Cc", "Cf", "Zs", "Zl", "Zp"}  # controls, marks without a width, and white space


def normal_form(text: str) -> str:
    """Give what is left of a text by which it is known again: without white space, in the characters that carriers keep.

    Characters are composed first, so that an accent of a letter stays one.
    """
    plain = unicodedata.normalize("NFC", text).translate(_TABLE)
    plain = unicodedata.normalize("NFKC", plain).translate(_TABLE)
    return "".join(each for each in plain if unicodedata.category(each) not in _UNSEEN)


def same_text(records: Iterable[ProviderRecord], body: str) -> list[ProviderRecord]:
    """Find the records with a text, those with exactly it before those that a provider changed, the oldest first."""
    wanted = normal_form(body)
    found = [one for one in records if one.body == body or normal_form(one.body) == wanted]
    return sorted(found, key=lambda one: (one.body != body, one.created_at))


def free_records(
    connection: Connection, provider: str, records: Sequence[ProviderRecord]
) -> list[ProviderRecord]:
    """Leave out the records that are known to be other messages by the provider's id."""
    return [record for record in records if not _taken(connection, provider, record.sid)]


def strangers(connection: Connection, row: Row[Any], free: Sequence[ProviderRecord]) -> int:
    """Count the free records to an address that no other message of ours explains: each may be this one, changed.

    A message that was called and has no provider's id explains one record with its text.
    """
    others = select(messages.c.body).where(
        messages.c.address == row.address,
        messages.c.channel == row.channel,
        messages.c.message_id != row.message_id,
        messages.c.provider_sid.is_(None),
        messages.c.state.in_(("calling", "unknown", "accepted", "done")),
    )
    ours: list[str] = list(connection.execute(others).scalars())
    explained = Counter(normal_form(body) for body in ours)
    here = Counter(normal_form(record.body) for record in free if record.to == row.address)
    return (here - explained).total()


def has_twin_in_call(connection: Connection, row: Row[Any]) -> bool:
    """Say whether a message with the same text is being called to the same address: a free record may be its own."""
    others = select(messages.c.body).where(
        messages.c.address == row.address,
        messages.c.channel == row.channel,
        messages.c.message_id != row.message_id,
        messages.c.provider_sid.is_(None),
        messages.c.state == "calling",
    )
    bodies: list[str] = list(connection.execute(others).scalars())
    return normal_form(row.body) in map(normal_form, bodies)


def _taken(connection: Connection, provider: str, sid: str) -> bool:
    rows = select(messages.c.message_id).outerjoin(attempts, attempts.c.message_id == messages.c.message_id)
    by_sid = or_(messages.c.provider_sid == sid, attempts.c.provider_sid == sid)
    of_provider = or_(messages.c.provider == provider, messages.c.provider.is_(None))
    return connection.execute(rows.where(by_sid, of_provider).limit(1)).first() is not None
