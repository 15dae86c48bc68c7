"""Segments of an SMS: what is counted at a glance is what smsutil counts."""

import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from messaging.rendering.segments import count_segments

LETTERS = "abc XYZ 019 \n\r@£$¥èéùìòÇØøÅåΔ_ΦÆæßÉ¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà^{}\\[~]|€ç`\táê漢😀\x1b\x0c"


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(st.text(LETTERS, max_size=330), st.text(max_size=40), st.text("aé", min_size=150, max_size=320))
)
@example("a" * 160)
@example("a" * 161)
@example("€" * 80)
@example("a" * 159 + "€")
def test_every_text_has_as_many_segments_as_smsutil_finds(body: str) -> None:
    assert count_segments(body) == len(smsutil.split(body).parts)
