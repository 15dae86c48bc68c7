"""Pictures of mails are served by what is in them, and nothing else of the installation is."""

from typing import Any

import pytest

from messaging.settings import Settings

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
NAME = "0" * 32 + ".png"


@pytest.mark.sqlite
def test_a_picture_is_shown_to_whoever_has_its_name_and_nothing_else_is(
    post: Any, settings: Settings
) -> None:
    settings.assets_dir.mkdir()
    (settings.assets_dir / NAME).write_bytes(PNG)
    (settings.assets_dir / "notes.png").write_bytes(PNG)
    shown = post.client.get(f"/a/{NAME}")
    assert (shown.status_code, shown.content, shown.headers["content-type"]) == (200, PNG, "image/png")
    assert "immutable" in shown.headers["cache-control"]
    assert shown.headers["x-content-type-options"] == "nosniff"
    for name in ("1" * 32 + ".png", "notes.png", "..%2Fstore.db", NAME + ".bak", f".{NAME}.draft"):
        assert post.client.get(f"/a/{name}").status_code == 404
