"""A second channel is asked for those alone for whom the first will not do, and nothing of it shows in what is decided."""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import pytest

from messaging.facts import Candidate, gather
from messaging.planner import Planner, decisions, runs
from messaging.policy import SendFacts
from tests.messaging.planning.test_planner import Agree, MakePerson, agree, planner  # noqa: F401 - fixtures

Asked = list[list[str]]  # the channels of each time that facts were asked for
Found = list[tuple[str, str, str | None, str | None]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Note which channels facts are asked for."""
    noted: Asked = []

    def noting(connection: Any, candidates: Sequence[Candidate], *rest: Any) -> Mapping[str, SendFacts]:
        noted.append([each.channel for each in candidates])
        return gather(connection, candidates, *rest)

    monkeypatch.setattr(runs, "gather", noting)
    return noted


def found_by(planner: Planner) -> Found:  # noqa: F811 - the fixture's
    decided = planner.decided("win_back", "run_" + "0" * 32)[2]
    return [(each.customer_id, each.decided, each.reason, each.channel) for each in decided]


def lacking_a_value_by_sms(planner: Planner) -> None:  # noqa: F811 - the fixture's
    for path in (planner.library.folder / "templates" / "sms").glob("win_back*.j2"):
        text = path.read_text() + " {{ favourite_category }}"
        path.write_text(text.replace("class:", "only_with: [favourite_category]\nclass:", 1))


def test_whoever_may_be_written_to_by_the_first_is_not_asked_for_the_second(
    planner: Planner,  # noqa: F811 - the fixture
    publish: Callable[..., str],
    make_person: MakePerson,
    agree: Agree,  # noqa: F811 - the fixture
    asked: Asked,
) -> None:
    people = [
        make_person(number, phone=None if number < 3 else make_person(number)["phone"]) for number in range(9)
    ]
    publish(customer_360=people)
    agree(people)
    assert {channel for *_, channel in found_by(planner)} == {"sms", "email"}
    assert asked == [["sms"] * 9, ["email"] * 3]


def test_where_words_lack_a_value_for_everybody_it_takes_few_questions_to_find_out(
    planner: Planner,  # noqa: F811 - the fixture
    publish: Callable[..., str],
    make_person: MakePerson,
    agree: Agree,  # noqa: F811 - the fixture
    asked: Asked,
) -> None:
    lacking_a_value_by_sms(planner)
    people = [make_person(number, favourite_category=None) for number in range(100)]
    publish(customer_360=people)
    agree(people)
    assert {channel for *_, channel in found_by(planner)} == {"email"}
    assert [len(each) for each in asked] == [100, 1, 2, 4, 8, 16, 32, 37]


@pytest.mark.parametrize("fall_back", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_decided_does_not_hang_on_how_many_are_looked_at_together(
    planner: Planner,  # noqa: F811 - the fixture
    publish: Callable[..., str],
    make_person: MakePerson,
    agree: Agree,  # noqa: F811 - the fixture
    asked: Asked,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    *,
    fall_back: bool,
) -> None:
    lacking_a_value_by_sms(planner)
    path = planner.library.folder / "campaigns" / "win_back.yaml"
    path.write_text(path.read_text() + f"fall_back: {str(fall_back).lower()}\n")
    drawn = random.Random(seed)
    shared = [make_person(number)["phone"] for number in range(6)]
    people = [
        make_person(
            number,
            phone=drawn.choice([None, "12", *shared, make_person(100 + number)["phone"]]),
            email=drawn.choice([None, "all@example.com", f"ada{number}@example.com"]),
            preferred_channel=drawn.choice([None, "email", "sms"]),
            favourite_category=drawn.choice([None, "Lamps"]),
        )
        for number in range(60)
    ]
    publish(customer_360=people)
    for channel in ("sms", "email"):
        agree(drawn.sample(people, 45), (channel,))
    found = []
    for at_once in (1, 7, 1000):
        monkeypatch.setattr(decisions, "AT_ONCE", at_once)
        found.append(found_by(planner))
    assert found[0] == found[1] == found[2]
    assert len({reason for _, _, reason, _ in found[0]}) > 3
    assert len(list(chain(*asked))) <= 3 * 2 * len(people)
