"""One-word commands by country and channel, and our one answer where the provider gives none."""

from pathlib import Path

import pytest

from data_contracts.errors import InputError
from messaging.addresses import country_of
from messaging.inbox.keywords import keyword_of, read_keywords


@pytest.mark.parametrize("word", ["ARRET", "arrêt", "Remove", "td", "Stop  All", "opt-out"])
def test_a_word_of_a_country_counts_for_its_numbers_and_for_no_others(word: str) -> None:
    assert keyword_of(word, country="CA") == "stop"
    assert keyword_of(word, country="GB") is None
    assert keyword_of(word) is None


@pytest.mark.parametrize("channel", ["email", "chat"])
@pytest.mark.parametrize("word", ["CANCEL", "END", "QUIT", "HELP", "INFO"])
def test_what_is_an_answer_in_a_conversation_is_no_command_there(channel: str, word: str) -> None:
    assert keyword_of(word, channel=channel) is None
    assert keyword_of(word, channel="sms") is not None


@pytest.mark.parametrize("word", ["YES", "yes!", "Ja", "oui", "sí", "ok"])
def test_a_yes_is_a_start_only_where_we_asked(word: str) -> None:
    assert keyword_of(word) is None
    assert keyword_of(word, asked=True) == "start"


def test_a_question_of_ours_turns_no_stop_into_a_start() -> None:
    assert keyword_of("STOP", asked=True) == "stop"
    assert keyword_of("yes please send it", asked=True) is None


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("+447400123456", "GB"),
        ("+447911123456", "GG"),
        ("+14165550123", "CA"),
        ("+4791234567", "NO"),
        ("BANK", None),
        ("a@x.example", None),
        ("+1", None),
        ("+80012345678", None),
    ],
)
def test_the_country_is_that_of_the_number(address: str, country: str | None) -> None:
    assert country_of(address) == country


def test_we_answer_where_the_provider_does_not() -> None:
    words = read_keywords()
    assert words.answers_itself("twilio", "sms", "stop")
    assert not words.answers_itself("twilio", "sms", "ARRET")
    assert not words.answers_itself("twilio", "whatsapp", "stop")
    assert not words.answers_itself("sendgrid", "email", "stop")


def test_help_names_the_company_and_where_it_is_reached_and_start_has_no_answer() -> None:
    words = read_keywords()
    told = words.answer("help", "Harbour & Pine", "+44 20 7946 0000")
    assert told is not None
    assert "Harbour & Pine" in told
    assert "+44 20 7946 0000" in told
    assert words.answer("start", "Harbour & Pine", "") is None
    assert words.answer("stop", "Harbour & Pine", "", "de") != words.answer(
        "stop", "Harbour & Pine", "", "xx"
    )


def test_every_list_of_words_has_its_source() -> None:
    file = read_keywords().file
    sources = [
        file.everywhere.source,
        *(each.source for each in file.countries.values()),
        *(each.source for each in file.answered_by.values()),
    ]
    assert all(each.startswith("https://") for each in sources)


def test_a_slip_in_the_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("as_of: 2026-11-22\neverywhere: {source: x, stpo: [STOP]}\n", encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        read_keywords(path)
