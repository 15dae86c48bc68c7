"""Scores in the words of people: read where they are plain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging.inbox.scores import read_score


@given(
    st.integers(0, 10),
    st.sampled_from(
        (
            "{}",
            " {} ",
            "{}.",
            "{}!",
            "{}/10",
            "{} / 10",
            "{} out of 10",
            "I'd say {}",
            "A {}, thanks",
            "{}\nThe 3 chairs came late",
        )
    ),
)
def test_a_plain_number_is_read(score: int, said: str) -> None:
    assert read_score(said.format(score), 0, 10) == score


@pytest.mark.parametrize(
    ("said", "score"),
    [
        ("ten", 10),
        ("Zehn Punkte", 10),
        ("sept sur dix", None),
        ("neuf", 9),
        ("Nine, because one of you helped me", None),  # a number word in a sentence
        ("4/5", None),  # another scale
        ("between 7 and 8", None),
        ("11", None),
        ("-3", None),
        ("7.5", None),
        ("7,5", None),
        ("at 10:30", None),
        ("call +44 20 7946 0123", None),
        ("", None),
        ("thank you", None),
        ("I waited 3 weeks for my parcel", None),  # it counts something else
        ("0 problems, great!", None),
        ("We ordered 2 chairs and they came broken", None),
        ("Not before 9 am", None),
        ("My order 10 never came", None),
        ("Refund my 5€", None),
        ("£5 please", None),
        ("Order #7.", None),
        ("I'd give you an 8 because it came fast", 8),
        ("10 points!", 10),
        ("9 👍", 9),
        ("My answer is 9. Thank you", 9),
        ("8\n\nOn 3 October, you wrote:\n> 0 to 10", 8),
    ],
)
def test_what_is_not_plain_is_left_to_a_person(said: str, score: int | None) -> None:
    assert read_score(said, 0, 10) == score


@given(st.text(max_size=300))
def test_whatever_is_written_gives_a_legal_score_or_none(said: str) -> None:
    assert read_score(said, 1, 5) in {None, 1, 2, 3, 4, 5}
