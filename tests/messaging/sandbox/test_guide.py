"""docs/sandbox.md names every fault and every control route that there is."""

import re
from pathlib import Path

from messaging.sandbox.app import Sandbox
from messaging.sandbox.control import control_routes
from messaging.sandbox.faults import KINDS

GUIDE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def test_every_fault_is_named() -> None:
    told = GUIDE.partition("\nFaults: ")[2]
    assert set(re.findall(r"`([a-z0-9_]+)`", told)) == set(KINDS)


def test_every_control_route_is_named() -> None:
    sandbox = Sandbox()
    paths = {re.sub(r"\{.*?\}", "*", path) for path in _paths(control_routes(sandbox))}
    told = {
        re.sub(r"\{[a-z, -]+\}", "*", path).partition("?")[0]
        for path in re.findall(r"(?:GET|POST|DELETE) (/[^ `]*?\{answers, busy, no-answer\}|/[^ `]*)", GUIDE)
    }
    assert {path.removeprefix("/_sandbox") for path in paths} == told
    sandbox.close()


def _paths(router: object) -> set[str]:
    from fastapi import FastAPI

    app = FastAPI()
    app.include_router(router)  # type: ignore[arg-type]
    return set(app.openapi()["paths"])
