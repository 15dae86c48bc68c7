"""What the documents promise is what the code does."""

import re
from pathlib import Path

import click
import pytest
import typer

import rapport
from messaging.outbox.states import RANK, TRANSITIONS
from messaging.senders.codes import CODES_FILE, SENDGRID_CODES_FILE, read_codes
from messaging.settings import SECRET_NAMES, Settings

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NOT_SETTINGS = {"RAPPORT_CHROMIUM", "RAPPORT_REAL_DATA"}  # read by tests alone


def documented_settings() -> set[str]:
    """Give the names in the first column of the tables of docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text()
    return set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE))


def all_commands() -> dict[str, click.Command]:
    """Give every leaf command by its full name, such as 'segment preview'."""
    found: dict[str, click.Command] = {}

    def walk(command: click.Command, name: str) -> None:
        children = getattr(command, "commands", {})
        if not children:
            found[name] = command
        for child_name, child in children.items():
            walk(child, f"{name} {child_name}".strip())

    walk(typer.main.get_command(rapport.build_app()), "")
    return found


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    real = {str(field.alias) for field in Settings.model_fields.values()}
    assert documented_settings() - NOT_SETTINGS == real


def test_every_secret_can_come_from_a_file_and_says_so() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    assert all(f"`{name}_FILE`" in text for name in SECRET_NAMES)


@pytest.mark.parametrize("name", sorted(all_commands()))
def test_every_command_is_documented(name: str) -> None:
    assert f"rapport {name}" in (ROOT / "docs" / "commands.md").read_text()


def test_every_command_that_a_document_names_exists() -> None:
    known = set(all_commands()) | {name.split()[0] for name in all_commands()}
    for document in DOCS:
        for line in re.findall(r"^(?:\$ )?rapport ([a-z][^\n]*)", document.read_text(), re.MULTILINE):
            words = line.split()
            assert " ".join(words[:2]) in known or words[0] in known, f"{document.name}: rapport {line}"


@pytest.mark.parametrize("name", sorted(all_commands()))
def test_every_command_says_what_it_is_for(name: str) -> None:
    command = all_commands()[name]
    assert command.help, name
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
        assert (document.parent / target).exists(), target


def test_the_two_machines_are_drawn_as_they_are() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text()
    drawn = set(re.findall(r"^    ([a-z]+) --> ([a-z]+)$", text, re.MULTILINE))
    assert drawn == {(source, target) for source, targets in TRANSITIONS.items() for target in targets}
    ranks = re.findall(r"^\| (\d) \| ([a-z, ]+) \|$", text, re.MULTILINE)
    assert {word: int(rank) for rank, words in ranks for word in words.split(", ")} == RANK


@pytest.mark.parametrize(("provider", "file"), [("Twilio", CODES_FILE), ("SendGrid", SENDGRID_CODES_FILE)])
def test_what_is_tried_again_is_told_as_it_is(provider: str, file: Path) -> None:
    text = (ROOT / "docs" / "delivery.md").read_text()
    told = re.findall(rf"^\| {provider} (\d+) \| (.+) \| (\d+) \|$", text, re.MULTILINE)
    rules = read_codes(file).items()
    assert told == [
        (str(code), rule.sentence, str(rule.attempts)) for code, rule in rules if rule.kind == "retry"
    ]


def test_the_codes_that_close_an_address_are_told_as_they_are() -> None:
    text = " ".join((ROOT / "docs" / "delivery.md").read_text().split())
    stops = ", ".join(str(code) for code, rule in read_codes().items() if rule.kind == "stop")
    assert f"closes the address ({stops} of Twilio's)" in text


def test_what_holds_a_promise_exists() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text()
    named = re.findall(r"`(tests/[a-z_/]+\.py)`", text)
    assert named
    assert all((ROOT / name).is_file() for name in named), named
