"""`rapport up`: what it starts, and what it refuses; the whole tree itself is tried in test_up_whole.py."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dashboard.cli import addresses, app, only_one, refuse_taken, require_demo, show
from dashboard.palette import STREAMLIT_OPTIONS
from dashboard.parts import Ports, installation, prepare_dagster
from data_contracts.errors import ServiceError, UsageError
from messaging.settings import Settings, read_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home")


def live(home: Path) -> Settings:
    return read_settings(home=home, sending="live", public_url="https://rapport.example.com")


def test_a_sandbox_installation_has_all_six_parts(settings: Settings) -> None:
    names = [part.name for part in installation(settings, Ports())]
    assert names == ["sandbox", "webhooks", "dispatcher", "watch", "app", "dagster"]


def test_a_live_installation_has_no_sandbox_and_keeps_its_public_address(tmp_path: Path) -> None:
    parts = installation(live(tmp_path), Ports())
    assert "sandbox" not in [part.name for part in parts]
    assert "RAPPORT_PUBLIC_URL" not in parts[0].environment
    assert set(Ports().in_use(live(tmp_path))) == {"app", "dagster", "webhooks"}


def test_every_part_is_told_the_chosen_ports_and_the_same_absolute_home(settings: Settings) -> None:
    parts = installation(settings, Ports(app=1, dagster=2, webhooks=3, sandbox=4, mail=5))
    for part in parts:
        assert Path(part.environment["RAPPORT_HOME"]).is_absolute()
        assert part.environment["RAPPORT_PUBLIC_URL"] == "http://127.0.0.1:3"
        assert part.environment["RAPPORT_SANDBOX_URL"] == "http://127.0.0.1:4"
        assert part.environment["RAPPORT_SMTP_URL"] == "smtp://127.0.0.1:5"


def test_every_part_listens_on_this_machine_alone_and_sends_no_statistics(settings: Settings) -> None:
    parts = {part.name: part for part in installation(settings, Ports())}
    assert all(part.address.startswith("http://127.0.0.1:") for part in parts.values() if part.address)
    assert "--host 127.0.0.1" in " ".join(parts["app"].command)
    assert STREAMLIT_OPTIONS["browser.gatherUsageStats"] is False
    assert STREAMLIT_OPTIONS["client.showErrorDetails"] == "none"
    assert parts["dagster"].environment["DAGSTER_DISABLE_TELEMETRY"] == "1"


def test_dagsters_home_gets_our_settings_once(settings: Settings) -> None:
    prepare_dagster(settings)
    path = settings.dagster_dir / "dagster.yaml"
    assert "telemetry:\n  enabled: false" in path.read_text()
    path.write_text("# mine")
    prepare_dagster(settings)
    assert path.read_text() == "# mine"


def test_a_taken_port_is_named_with_its_option() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"Port {port}, wanted for app.*--app-port"):
            refuse_taken({"app": port})


def test_one_port_for_two_parts_is_a_wrong_call() -> None:
    with pytest.raises(UsageError, match="--app-port and --mail-port are both 9000"):
        refuse_taken({"app": 9000, "mail": 9000})


def test_a_second_installation_on_the_same_home_is_refused_by_name(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(ServiceError, match=r"process \d+\) runs on"), only_one(tmp_path):
        pass


def test_the_demo_wants_a_home_that_make_demo_made(settings: Settings, company: Path) -> None:
    with pytest.raises(ServiceError, match=r"holds no demo yet\. Run `make demo` first\."):
        require_demo(settings)
    require_demo(read_settings(home=company))


def test_up_demo_without_a_demo_ends_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAPPORT_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["--demo"])
    assert isinstance(result.exception, ServiceError)
    assert result.exception.exit_code == 1


def test_the_addresses_are_a_document_and_a_table(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = installation(settings, Ports())
    document = json.loads(json.dumps(addresses(parts, settings)))
    assert {part["name"]: part["address"] for part in document["parts"]}["app"] == "http://127.0.0.1:8501"
    show(parts, settings)
    printed = capsys.readouterr().out
    assert printed.index("http://127.0.0.1:8501") < printed.index("http://127.0.0.1:3000")
