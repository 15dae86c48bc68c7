"""What people said about being written to, in data that came from elsewhere."""

from datetime import datetime, timedelta

import pytest

from pipelines.defs.consents import LandedWord, last_opt_outs
from pipelines.redaction import redacted

START = datetime.fromisoformat("2026-10-01T10:00")


def word(said: str, day: int = 0, channel: str = "sms", address: str = "+447400123456") -> LandedWord:
    return LandedWord("twilio", f"message/{day}", START + timedelta(days=day), address, channel, said, None)


@pytest.mark.parametrize("said", ["STOP", "stop", " Unsubscribe ", "QUIT"])
def test_a_message_that_is_one_stop_word_opts_out(said: str) -> None:
    assert [found.reason for found in last_opt_outs([word(said)])] == ["stop"]


@pytest.mark.parametrize("said", ["please don't stop my order", "thanks", "", "START"])
def test_anything_else_opts_nobody_out(said: str) -> None:
    assert last_opt_outs([word(said)]) == []


def test_the_last_word_counts() -> None:
    assert last_opt_outs([word("STOP", 1), word("START", 2)]) == []
    assert len(last_opt_outs([word("START", 1), word("STOP", 2), word("thanks", 3)])) == 1


def test_a_stop_counts_for_its_own_channel_and_address_alone() -> None:
    found = last_opt_outs(
        [word("STOP"), word("START", channel="whatsapp"), word("START", address="+44740012")]
    )
    assert [(opt_out.channel, opt_out.address) for opt_out in found] == [("sms", "+447400123456")]


@pytest.mark.parametrize(
    ("event", "reason"),
    [("unsubscribe", "unsubscribe"), ("group_unsubscribe", "unsubscribe"), ("spamreport", "complaint")],
)
def test_an_unsubscribe_or_a_spam_report_opts_out_of_e_mail(event: str, reason: str) -> None:
    found = last_opt_outs([word(event, channel="email", address="ada@example.com")])
    assert [opt_out.reason for opt_out in found] == [reason]


def test_a_group_resubscribe_takes_an_unsubscribe_back() -> None:
    mail = {"channel": "email", "address": "ada@example.com"}
    assert last_opt_outs([word("group_unsubscribe", 1, **mail), word("group_resubscribe", 2, **mail)]) == []


def test_an_error_of_a_library_is_told_without_values_addresses_or_numbers() -> None:
    said = (
        "Conversion Error: Could not convert 'Ada Lovelace' to INT\nin row ada@example.com +44 7400 123 456"
    )
    assert redacted(said) == "Conversion Error: Could not convert … to INT in row … …"
