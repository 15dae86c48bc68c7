"""What mood our scorer reads in texts, and what it does not read."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from pipelines.scoring.sentiment.courtesy import without_courtesies
from pipelines.scoring.sentiment.policy import SentimentPolicy
from pipelines.scoring.sentiment.scorer import Scorer
from pipelines.scoring.sentiment.vader import LONGEST, VaderScorer

ANGRY = "still no sign of my parcel. this is ridiculous, nobody answers"
ASKED = "Where is my parcel?"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love it, the mug is wonderful", "positive"),
        ("Great!", "positive"),
        ("thx 👍", "positive"),
        (ANGRY, "negative"),
        ("The bowl came broken and nobody helps", "negative"),
        ("Parcel #123 still not here. Not happy.", "negative"),
        (ASKED, "neutral"),
        ("please help, which size is the small one?", "neutral"),
    ],
)
def test_a_mood_that_people_see_is_seen(scorer: Scorer, text: str, label: str) -> None:
    found = scorer.score(text)
    assert (found.language, found.label) == ("en", label)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das ist wirklich ärgerlich. Ich brauche die Lieferung bis Samstag.", "de"),
        ("Merci beaucoup, c'est parfait.", "fr"),
        ("Hola, mi pedido lleva cinco días de retraso. ¿Dónde está?", "es"),
        ("Hej, min beställning är fem dagar försenad. Var är den?", "sv"),
        ("Isto é inaceitável, a minha encomenda está atrasada.", "pt"),
        ("Bardzo dziękuję, wszystko dotarło na czas.", "pl"),
        ("荷物がまだ届きません。どうなっていますか。", "ja"),
    ],
)
def test_of_a_language_that_it_cannot_read_it_says_nothing(scorer: Scorer, text: str, language: str) -> None:
    found = scorer.score(text)
    assert (found.language, found.sentiment, found.label) == (language, None, "unknown")


def test_german_the_is_not_taken_for_english_die(scorer: Scorer) -> None:
    assert scorer.score("Die Hose ist da").sentiment is None


def test_a_word_that_many_languages_have_is_of_none(scorer: Scorer) -> None:
    found = scorer.score("Danke!")
    assert (found.language, found.label) == ("unknown", "unknown")


@pytest.mark.parametrize("text", ["", "   ", "12345", "...", "#4711", "https://happy.example/great?love=1"])
def test_what_has_no_words_has_no_mood(scorer: Scorer, text: str) -> None:
    found = scorer.score(text)
    assert (found.language, found.sentiment) == ("zxx", None)


@pytest.mark.parametrize(("text", "label"), [(":-(", "negative"), ("👍", "positive"), ("😡", "negative")])
def test_a_smiley_is_read_where_there_are_no_words(scorer: Scorer, text: str, label: str) -> None:
    assert scorer.score(text).label == label


def test_a_smiley_is_read_in_every_language(scorer: Scorer) -> None:
    found = scorer.score("Das ist wirklich schade, ich warte seit Montag :-(")
    assert (found.language, found.label) == ("de", "negative")


@pytest.mark.parametrize(
    "closing",
    [
        "\n\nKind regards\nAnn",
        "\nBest wishes,\nAnn Lee\nLeeds",
        "\n\nMany thanks Ann",
        "\nThanks\n\n07700 900001",
    ],
)
def test_a_complaint_that_is_properly_signed_is_no_happy_letter(scorer: Scorer, closing: str) -> None:
    assert scorer.score(f"Dear Sir or Madam,\n\n{ANGRY}{closing}") == scorer.score(ANGRY)
    assert scorer.score(f"Good morning,\n{ASKED}{closing}").label == "neutral"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "Many thanks, Ann",
        "Kind regards",
        "Hello!",
        "I love it\nand so does my mother\nbest mug ever",
    ],
)
def test_what_is_more_than_a_courtesy_or_nothing_else_stays(text: str) -> None:
    assert without_courtesies(text) == text


def test_thanks_that_are_followed_by_a_letter_are_no_closing() -> None:
    text = f"Hi Tom,\nthanks\n{'now it has happened again and I want to know why that is ' * 2}"
    assert without_courtesies(text).startswith("thanks\n")


def test_a_sentence_alone_scores_what_vader_gives_it() -> None:
    """One sentence is what VADER was made for: there, nothing is ours."""
    ours, theirs = VaderScorer(SentimentPolicy()), SentimentIntensityAnalyzer()
    for text in (
        "The book was VERY good!!!",
        "it is not a bad phone at all",
        "the screen is awful and it broke",
    ):
        assert ours.score(text).sentiment == pytest.approx(theirs.polarity_scores(text)["compound"], abs=1e-4)


def test_two_nots_that_are_sentences_apart_do_not_undo_each_other() -> None:
    apart = VaderScorer(SentimentPolicy()).score("It is still not here. Not happy.").sentiment
    assert apart is not None
    assert (
        apart
        < 0
        < SentimentIntensityAnalyzer().polarity_scores("It is still not here. Not happy.")["compound"]
    )


def test_a_word_of_the_policy_weighs_what_the_policy_says() -> None:
    text = "the delivery was tardy and that is all that I can say about it"
    assert VaderScorer(SentimentPolicy()).score(text).sentiment == 0
    assert VaderScorer(SentimentPolicy(lexicon={"tardy": -3})).score(text).label == "negative"


def test_another_policy_is_another_version(scorer: Scorer) -> None:
    others = {VaderScorer(SentimentPolicy(lexicon={"tardy": weight})).version for weight in (-3, -2)}
    assert len(others | {scorer.version}) == 3


@given(text=st.text(max_size=300) | st.text("not good bad!?. \n:-()<3", max_size=300))
def test_any_text_has_a_mood_between_the_ends_or_none(scorer: Scorer, text: str) -> None:
    found = scorer.score(text)
    assert found.sentiment is None or -1 <= found.sentiment <= 1
    assert found == scorer.score(text)
    assert (found.label == "unknown") == (found.sentiment is None)


def test_a_text_without_end_is_read_as_far_as_anybody_would(scorer: Scorer) -> None:
    long = "this is bad " * 100_000
    assert scorer.score(long) == scorer.score(long[:LONGEST])


def test_nothing_that_people_put_into_a_text_takes_long_to_read(scorer: Scorer) -> None:
    """These took VADER alone or a careless pattern a second each; here each is bounded, and ends."""
    for text in (
        "\n \t" * 100_000,
        "Dear " + "A " * 100_000,
        "!" * 100_000,
        "bad " * 100_000,
        "a@" * 100_000,
    ):
        found = scorer.score(text)
        assert found.sentiment is None or math.isfinite(found.sentiment)
