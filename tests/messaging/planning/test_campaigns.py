import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from data_contracts.contracts import published_contract
from data_contracts.errors import CampaignError, LibraryError, NotFoundError, SegmentError, TemplateError
from messaging.campaigns import SHIPPED, Holdout, Library, fill_library, read_campaign, read_content
from messaging.policy import FrequencyCap, shipped_limits
from messaging.settings import Settings

LEGAL = {"segment": "lapsed_customers", "template": "win_back", "channels": ["preferred", "sms", "email"]}


@pytest.fixture
def library(settings: Settings) -> Library:
    fill_library(settings)
    return Library(settings.library_dir)


def change(library: Library, name: str, edit: Callable[[str], str]) -> None:
    path = library.folder / name
    path.write_text(edit(path.read_text()))


def test_everything_that_is_shipped_is_right(library: Library) -> None:
    contract = published_contract("customer_360")
    for name in library.names("segments"):
        library.segment(name)
    for name in library.names("campaigns"):
        content = library.content(name)
        compiled = content.compiled(contract)
        for by_channel in compiled.values():
            assert {channel: sorted(every) for channel, every in by_channel.items()} == {
                "sms": ["de", "en", "fr"],
                "email": ["de", "en", "fr"],
            }


def test_a_segment_may_stand_on_others_which_are_approved_with_it_and_never_on_itself(
    library: Library,
) -> None:
    before = library.content("win_back").hash
    folder = library.folder / "segments"
    (folder / "buyers.yaml").write_text("where: {column: order_count, test: '>', value: 0}\n")
    (folder / "keen.yaml").write_text("where: {segment: buyers}\n")
    (folder / "lapsed_customers.yaml").write_text("where:\n  all:\n    - {segment: keen}\n")
    content = library.content("win_back")
    assert sorted(content.document["segments"]) == ["buyers", "keen"]
    assert read_content(content.document, library.contract).segment == content.segment
    (folder / "buyers.yaml").write_text("where: {column: order_count, test: '>', value: 1}\n")
    assert len({before, content.hash, library.content("win_back").hash}) == 3
    (folder / "buyers.yaml").write_text("where: {segment: lapsed_customers}\n")
    with pytest.raises(
        SegmentError,
        match="Segment 'buyers': line 1: it stands on itself: lapsed_customers -> keen -> buyers",
    ):
        library.content("win_back")


def test_a_wrong_rule_of_a_segment_is_told_with_its_line(library: Library) -> None:
    path = library.folder / "segments" / "lapsed_customers.yaml"
    path.write_text("title: Lapsed\nwhere:\n  all:\n    - {did: {kind: order}}\n    - {did: {kind: ordr}}\n")
    with pytest.raises(SegmentError, match=r"line 5: kind is never 'ordr' .did you mean order"):
        library.segment("lapsed_customers")


def test_filling_a_library_never_touches_what_is_there(settings: Settings) -> None:
    first = fill_library(settings)
    mine = settings.library_dir / "campaigns" / "win_back.yaml"
    mine.write_text("mine\n")
    (settings.library_dir / "templates" / "sms" / "win_back.j2").unlink()
    second = fill_library(settings)
    assert len(first.copied) == sum(path.is_file() for path in SHIPPED.rglob("*"))
    assert second.copied == ("templates/sms/win_back.j2",)
    assert mine.read_text() == "mine\n"


def test_a_library_that_is_cut_off_while_it_is_filled_holds_no_half_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die_halfway(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:20])
        raise KeyboardInterrupt

    elsewhere = settings.model_copy(update={"library": settings.home / "cut_off"})
    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copyfile", die_halfway)
        with pytest.raises(KeyboardInterrupt):
            fill_library(elsewhere)
    assert fill_library(elsewhere).kept == ()


def test_the_holdout_can_be_drawn_again_in_sql() -> None:
    holdout = Holdout(0.1, "spring")
    ids = [f"cus_{number:032x}" for number in range(5000)]
    lot = "('0x' || left(sha256(? || ':' || id), 8))::BIGINT < ? * 4294967296"
    sql = f"SELECT {lot} FROM (SELECT unnest(?) AS id)"
    drawn = duckdb.connect(":memory:").execute(sql, [holdout.salt, holdout.share, ids]).fetchall()
    assert [holdout.holds(each) for each in ids] == [held for (held,) in drawn]
    assert 400 < sum(held for (held,) in drawn) < 600


def test_another_salt_draws_other_people() -> None:
    ids = [f"cus_{number}" for number in range(2000)]
    first, second = ({each for each in ids if Holdout(0.5, salt).holds(each)} for salt in ("a", "b"))
    assert 300 < len(first & second) < 700
    assert not any(Holdout(0, "a").holds(each) for each in ids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"channels": []}, "line 1: channels: list each once"),
        ({"channels": ["preferred"]}, "with one real channel"),
        ({"channels": ["sms", "sms"]}, "list each once"),
        ({"channels": ["pigeon"]}, "'preferred', and it is 'pigeon'"),
        ({"channels": "sms"}, "needs a list"),
        ({"holdout": {"share": 0.9}}, "holdout.share: input should be less than or equal to 0.5"),
        ({"holdout": {"share": True}}, "holdout.share: input should be a valid number"),
        ({"holdout": 0.1}, "holdout: needs keys with values"),
        ({"again_after_days": -1}, "again_after_days: input should be greater"),
        ({"again_after_days": "2026-13-45"}, "again_after_days: input should be a valid integer"),
        ({"frequency_cap": {"sms": 1}}, "frequency_cap"),
        (
            {"frequency_cap": {"sms": {"messages": 0, "days": 1}}},
            "frequency_cap.sms.messages: .* and it is 0",
        ),
        ({"values": {"shop_url": "javascript:alert(1)"}}, "shop_url"),
        ({"values": {"shop_url": 'https://x" onclick="'}}, "shop_url"),
        ({"values": ["a"]}, "values: needs keys with values"),
        ({"values": {"share": True}}, "values.share: needs a text: put it in quotes"),
        ({"colour": "red"}, r"colour is no word of this file .*legal there: title"),
    ],
)
def test_a_wrong_campaign_is_told_by_its_key(change: dict[str, Any], told: str) -> None:
    with pytest.raises(CampaignError, match=told):
        read_campaign("tried", yaml.safe_dump(LEGAL | change))


@pytest.mark.parametrize("document", [None, [], "x"])
def test_a_file_that_is_no_campaign_is_told(document: Any) -> None:
    with pytest.raises(CampaignError, match=r"holds no keys with values\. It may have title"):
        read_campaign("tried", yaml.safe_dump(document))


def test_a_campaign_needs_a_segment_a_template_and_channels() -> None:
    with pytest.raises(CampaignError, match=r"channels: field required"):
        read_campaign("tried", "segment: x")
    with pytest.raises(CampaignError, match="it names no template"):
        read_campaign("tried", "segment: x\nchannels: [sms]")


def test_a_day_may_stand_among_a_campaigns_values_without_quotes() -> None:
    text = yaml.safe_dump(LEGAL) + "values: {until: 2026-12-24, share: 10, days: '014'}"
    assert read_campaign("tried", text).values == {"until": "2026-12-24", "share": "10", "days": "014"}


@pytest.mark.parametrize(
    ("written", "title"),
    [("2026-11-27", "2026-11-27"), ("2026-11-27 18:00:00", "2026-11-27 18:00:00"), ("50", "50")],
)
def test_a_title_and_a_value_may_be_a_day_a_moment_or_a_number_without_quotes(
    written: str, title: str
) -> None:
    text = yaml.safe_dump(LEGAL) + f"title: {written}\nvalues: {{until: {written}}}"
    campaign = read_campaign("tried", text)
    assert (campaign.title, campaign.values) == (title, {"until": title})


@pytest.mark.parametrize(
    ("salt", "drawn_with"),
    [
        *(("0", "tried"), ("0.0", "tried"), ("no", "tried"), ("''", "tried"), ("", "tried")),
        *(("0012", "10"), ("2.10", "2.1"), ("on", "True"), ("'0'", "0"), ("spring", "spring")),
        *(("2026-11-01", "2026-11-01"), ("2026-11-01 08:00:00", "2026-11-01 08:00:00")),
    ],
)
def test_the_lots_of_a_campaign_are_drawn_with_the_salt_they_always_were(salt: str, drawn_with: str) -> None:
    text = yaml.safe_dump(LEGAL) + f"holdout: {{share: 0.1, salt: {salt}}}"
    assert read_campaign("tried", text).holdout == Holdout(0.1, drawn_with)


@pytest.mark.parametrize("none", ["false", "0", "[]", "{}", ""])
def test_nothing_held_out_given_or_capped_may_be_written_in_many_ways(none: str) -> None:
    text = yaml.safe_dump(LEGAL) + f"holdout: {none}\nvalues: {none}\nfrequency_cap: {none}"
    campaign = read_campaign("tried", text)
    assert (campaign.holdout, campaign.values, campaign.caps) == (Holdout(0, "tried"), {}, {})


def test_a_segment_and_a_template_that_are_named_with_a_hyphen_are_looked_for(library: Library) -> None:
    change(library, "campaigns/win_back.yaml", lambda text: text.replace("lapsed_customers", "win-back"))
    assert library.campaign("win_back").segment == "win-back"
    with pytest.raises(CampaignError, match=r"line 5: There is no segment 'win-back'\.") as caught:
        library.content("win_back")
    assert "lapsed_customers" in caught.value.mend


@pytest.mark.parametrize("channel", sorted({cap.channel for cap in shipped_limits().caps if cap.channel}))
def test_every_channel_that_has_a_cap_may_have_one_of_a_campaign(channel: str) -> None:
    text = yaml.safe_dump(LEGAL | {"frequency_cap": {channel: {"messages": 1, "days": 9}}})
    assert read_campaign("tried", text).caps == {channel: FrequencyCap(1, 9, channel)}


@pytest.mark.parametrize(
    ("written", "told"), [("30", 30), ("0", None), ("1.5", None), ("'7'", None), ("366", None)]
)
def test_a_campaigns_end_is_a_number_of_days(written: str, told: int | None) -> None:
    text = yaml.safe_dump(LEGAL) + f"expires_after_days: {written}\n"
    if told is not None:
        assert read_campaign("tried", text).expires_after_days == told
    else:
        with pytest.raises(CampaignError, match="expires_after_days"):
            read_campaign("tried", text)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("12.5", 12_500_000),
        ("0.000001", 1),
        ("0", 0),
        ("much", "as a number"),
        ("-1", "0 or more"),
        ("0.0000001", "a millionth"),
        (".inf", "0 or more"),
        ("true", "as a number"),
    ],
)
def test_a_campaigns_daily_budget_is_an_amount_of_money(written: str, told: int | str) -> None:
    text = yaml.safe_dump(LEGAL) + f"daily_budget: {written}\n"
    if isinstance(told, int):
        assert read_campaign("tried", text).daily_budget == told
    else:
        with pytest.raises(CampaignError, match=f"daily_budget: .*{told}"):
            read_campaign("tried", text)


@pytest.mark.parametrize(
    ("channels", "preferred", "order"),
    [
        (["preferred", "sms", "email"], "email", ["email", "sms"]),
        (["preferred", "sms", "email"], "chat", ["sms", "email"]),
        (["preferred", "sms", "email"], None, ["sms", "email"]),
        (["sms", "email"], "email", ["sms", "email"]),
        (["preferred", "sms"], "email", ["sms"]),
    ],
)
def test_the_preferred_channel_comes_first_where_the_campaign_says_so(
    channels: list[str], preferred: str | None, order: list[str]
) -> None:
    assert (
        read_campaign("tried", yaml.safe_dump(LEGAL | {"channels": channels})).channel_order(preferred)
        == order
    )


@pytest.mark.parametrize("name", ["../store", "win_back/../win_back", "WIN", "", "nothing"])
def test_a_name_outside_the_library_is_not_found(library: Library, name: str) -> None:
    with pytest.raises(NotFoundError):
        library.campaign(name)


def test_a_channel_without_a_template_is_told(library: Library) -> None:
    for path in (library.folder / "templates" / "email").glob("*.j2"):
        path.unlink()
    with pytest.raises(CampaignError, match="line 6: There is no template 'win_back' for email"):
        library.content("win_back")


def test_a_value_that_the_templates_need_has_to_be_given(library: Library) -> None:
    change(library, "campaigns/win_back.yaml", lambda text: text.replace("  offer_code: BACK10\n", ""))
    with pytest.raises(CampaignError, match="offer_code"):
        library.content("win_back")


def test_templates_of_two_classes_make_no_campaign(library: Library) -> None:
    change(
        library,
        "templates/sms/win_back.de.j2",
        lambda text: text.replace("class: marketing", "class: transactional"),
    )
    with pytest.raises(CampaignError, match="several kinds"):
        library.content("win_back")


def test_a_broken_file_is_told_with_its_line(library: Library) -> None:
    change(library, "campaigns/win_back.yaml", lambda text: text + "\n  bad: [\n")
    with pytest.raises(LibraryError, match="line"):
        library.campaign("win_back")


def test_a_file_that_is_no_text_is_told(library: Library) -> None:
    (library.folder / "campaigns" / "win_back.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LibraryError, match="UTF-8"):
        library.campaign("win_back")


def test_a_layout_has_to_say_where_the_words_go(library: Library) -> None:
    change(library, "layouts/email.j2", lambda text: text.replace("{{ content }}", ""))
    with pytest.raises(LibraryError, match="content"):
        library.content("win_back")


def test_a_wrong_translation_is_found_before_a_plan(library: Library) -> None:
    change(library, "templates/email/win_back.fr.j2", lambda text: text + "{{ given_nam }}")
    with pytest.raises(TemplateError, match="given_name"):
        library.content("win_back").compiled(library.contract)


def test_the_hash_changes_with_every_file_and_the_stored_content_reads_back_the_same(
    library: Library,
) -> None:
    first = library.content("win_back")
    assert read_content(yaml.safe_load(yaml.safe_dump(first.document)), library.contract).hash == first.hash
    seen = {first.hash}
    theirs = [*library.folder.rglob("win_back*.j2"), *library.folder.rglob("win_back.yaml")]
    theirs += [library.folder / "layouts" / "email.j2", library.folder / "segments" / "lapsed_customers.yaml"]
    for path in theirs:
        before = path.read_text()
        path.write_text(before + "\n")
        seen.add(library.content("win_back").hash)
        path.write_text(before)
    assert len(seen) == 1 + len(theirs) == 10


def test_the_library_holds_no_personal_data_and_lies_where_the_settings_say(
    settings: Settings, tmp_path: Path
) -> None:
    elsewhere = settings.model_copy(update={"library": tmp_path / "ours"})
    fill_library(elsewhere)
    shipped = Library(elsewhere.library_dir).names("campaigns")
    assert shipped == sorted(path.stem for path in SHIPPED.glob("campaigns/*.yaml") if "." not in path.stem)
    assert len(shipped) == 15
