"""Our counter against smsutil's, which agrees with Twilio's own calculator."""

import pytest
import smsutil
from hypothesis import example, given, settings
from hypothesis import strategies as st

from messaging.sandbox.segments import count_segments, is_gsm

GSM = st.text(alphabet=st.sampled_from("abc XYZ09@£èé\n^{}[]~|€\\"), min_size=1, max_size=700)
ANY = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(GSM, ANY, st.text(alphabet="a€🌲", min_size=1, max_size=400)))
@example("a" * 152 + "€" + "a" * 10)
@example("é" * 66 + "🌲" + "ж" * 80)
def test_it_counts_as_smsutil_does(text: str) -> None:
    assert is_gsm(text) == smsutil.is_valid_gsm(text)
    assert count_segments(text) == len(smsutil.split(text).parts)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("`" + "a" * 70, 2),
        ("\t" + "a" * 70, 2),
        ("ç" + "a" * 70, 2),
        ("á" + "a" * 70, 2),
        ("a" * 79 + "\u2019", 2),
        ("🌲" * 35, 1),
        ("🌲" * 36, 2),
    ],
)
def test_known_lengths(text: str, segments: int) -> None:
    assert count_segments(text) == segments
