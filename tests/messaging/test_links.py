"""Unsubscribe links: ours are read, everything else is nobody's."""

import threading

import pytest

from messaging.links import LINK_KEY_FILE, Links, read_links
from messaging.settings import Settings
from messaging.store.ids import new_id


@pytest.fixture
def links(settings: Settings) -> Links:
    return read_links(settings)


def test_a_link_names_its_message(links: Links) -> None:
    message_id = new_id("msg")
    url = links.unsubscribe(message_id)
    assert url.startswith("http://127.0.0.1:8011/u/msg_")
    assert links.message_id(url.rpartition("/")[2]) == message_id


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: token + "0", lambda _: ""])
@pytest.mark.parametrize("part", ["whole", "signature"])
def test_a_token_that_was_changed_is_nobodys(links: Links, change: object, part: str) -> None:
    assert callable(change)
    message_id = new_id("msg")
    token = links.unsubscribe(message_id).rpartition("/")[2]
    changed = change(token) if part == "whole" else f"{message_id}.{change(token.partition('.')[2])}"
    assert links.message_id(changed) is None


def test_another_messages_signature_is_nobodys(links: Links) -> None:
    mine, other = new_id("msg"), new_id("msg")
    signature = links.unsubscribe(mine).rpartition(".")[2]
    assert links.message_id(f"{other}.{signature}") is None


def test_a_new_key_ends_the_links_of_the_old_one(settings: Settings, links: Links) -> None:
    token = links.unsubscribe(new_id("msg")).rpartition("/")[2]
    (settings.secrets_dir / LINK_KEY_FILE).unlink()
    assert read_links(settings).message_id(token) is None


def test_processes_that_make_the_key_together_get_the_same_one(settings: Settings) -> None:
    found: list[Links] = []
    threads = [threading.Thread(target=lambda: found.append(read_links(settings))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.key for one in found}) == 1
    assert [path.name for path in settings.secrets_dir.iterdir()] == [LINK_KEY_FILE]
