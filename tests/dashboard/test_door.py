"""The door of the app: who has no session gets nothing, and who signs in gets a cookie that only the store can honour."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from httpx import Response
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from dashboard.door import COOKIE, HEADER, Gate, door_routes
from dashboard.door.gate import utc_now
from dashboard.door.pages import LARGEST, own_path
from messaging import sign_ins, users
from messaging.clock import PIN_FILE, pin_clock
from messaging.settings import read_settings
from messaging.store import Store, open_store

HERE = "http://127.0.0.1:8501"
LIVE = "ws://127.0.0.1:8501/_stcore/stream"
OURS = {"origin": HERE}
PASSWORD = "four words will do"
PATHS = ("/", "/customers", "/_stcore/metrics", "/_stcore/host-config", "/media/1.csv", "/static/js/index.js")
PATHS += (
    "/component/x/index.html",
    "/_stcore/upload_file/1/2",
    "/sign-in/",
    "//sign-in",
    "/sign-in/../customers",
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(read_settings(home=tmp_path / "home")) as opened:
        yield opened


@pytest.fixture
def client(tmp_path: Path, store: Store) -> TestClient:
    return knocking(tmp_path / "home", store)


def knocking(home: Path, store: Store, address: str = HERE) -> TestClient:
    """Give a browser of sorts before an app that says whose session it was told of."""

    async def told(request: Request) -> JSONResponse:
        values = request.headers.getlist(HEADER) + request.headers.getlist("x_rapport_session")
        return JSONResponse({"told": values, "path": request.url.path})

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json({"told": socket.headers.getlist(HEADER)})
        await socket.close()

    def give() -> Store:
        return store

    routes = [*door_routes(read_settings(home=home), give), WebSocketRoute("/_stcore/stream", live)]
    routes.append(Route("/{rest:path}", told, methods=["GET", "POST", "PUT", "DELETE"]))
    app = Starlette(routes=routes, middleware=[Middleware(Gate, store=give)])
    return TestClient(app, base_url=address, follow_redirects=False)


def colleague(store: Store, name: str = "Grace", roles: tuple[str, ...] = ("agent",)) -> users.User:
    now = utc_now()
    with store.write() as connection:
        _, token = users.invite(connection, name, roles, "test", now)
    return users.join(store, token, PASSWORD, now)


def sign_in(client: TestClient, name: str = "Grace", password: str = PASSWORD) -> Response:
    form = {"name": name, "password": password, "next": "/customers"}
    return client.post("/sign-in", data=form, headers=OURS)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_who_has_no_session_gets_nothing_at_any_path(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 403
    assert "told" not in answer.text


def test_a_browser_that_asks_for_a_page_is_shown_the_way_in_and_back(client: TestClient) -> None:
    answer = client.get("/customers?customer=cus_1", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fcustomers%3Fcustomer%3Dcus_1"
    assert 'name="next" value="/customers?customer=cus_1"' in client.get(answer.headers["location"]).text


def test_the_live_connection_needs_a_session_and_a_page_of_ours(client: TestClient, store: Store) -> None:
    for headers in ({}, OURS):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers):
            pass
    colleague(store)
    sign_in(client)
    for headers in ({}, {"origin": "https://evil.example"}):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(LIVE, headers=headers):
            pass
    with client.websocket_connect(LIVE, headers=OURS) as socket:
        assert socket.receive_json() == {"told": [client.cookies[COOKIE]]}


def test_a_header_of_ours_that_a_caller_sends_is_thrown_away(client: TestClient, store: Store) -> None:
    colleague(store)
    token = sign_in(client).cookies[COOKIE]
    forged = {HEADER: "of somebody else", "X_Rapport_Session": "of somebody else"}
    assert client.get("/customers", headers=forged).json()["told"] == [token]
    client.cookies.clear()
    assert client.get("/customers", headers={HEADER: token, "X-Rapport-Session": token}).status_code == 403


def test_signing_in_opens_a_session_by_a_cookie_that_scripts_and_other_sites_do_not_get(
    client: TestClient, store: Store
) -> None:
    grace = colleague(store)
    answer = sign_in(client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/customers")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # by plain HTTP on this machine a secure cookie would never come back
    person = sign_ins.signed_in(store, client.cookies[COOKIE], utc_now())
    assert person is not None
    assert person.user_id == grace.user_id
    assert client.get("/customers").status_code == 200


def test_by_https_the_cookie_is_secure(tmp_path: Path, store: Store) -> None:
    colleague(store)
    client = knocking(tmp_path / "home", store, "https://rapport.example")
    form = {"name": "Grace", "password": PASSWORD}
    answer = client.post("/sign-in", data=form, headers={"origin": "https://rapport.example"})
    assert "Secure" in answer.headers["set-cookie"]


def test_a_session_that_ended_opens_nothing(client: TestClient, store: Store) -> None:
    grace = colleague(store)
    sign_in(client)
    with store.write() as connection:
        users.set_roles(connection, grace.user_id, ["viewer"], "test", utc_now())
    assert client.get("/customers").status_code == 403


def test_a_wrong_password_is_told_as_an_unknown_name_is_and_no_cookie_is_given(
    client: TestClient, store: Store
) -> None:
    colleague(store)
    wrong, unknown = sign_in(client, password="not this one at all"), sign_in(client, name="Nobody")
    for answer in (wrong, unknown):
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "do not belong together" in answer.text
        assert "not this one" not in answer.text


def test_too_many_attempts_are_told_so(client: TestClient, store: Store) -> None:
    colleague(store)
    for _ in range(sign_ins.PER_ACCOUNT):
        sign_in(client, password="not this one at all")
    assert "Too many attempts" in sign_in(client).text


def test_a_form_that_another_site_sent_is_refused(client: TestClient, store: Store) -> None:
    colleague(store)
    form = {"name": "Grace", "password": PASSWORD}
    for headers in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
        answer = client.post("/sign-in", data=form, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_what_is_no_form_of_ours_is_refused_with_a_sentence(client: TestClient) -> None:
    for body in (b"a" * (LARGEST + 1), b"name=%ff&password=%fe", b"&".join(b"f=1" for _ in range(11))):
        answer = client.post("/sign-in", content=body, headers=OURS)
        assert answer.status_code == 400
        assert "This form" in answer.text


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "customers",
        "/a\nb",
        "",
    ],
)
def test_nobody_is_sent_on_to_another_place(asked: str) -> None:
    assert own_path(asked) == "/"
    assert own_path("/customers?customer=cus_1") == "/customers?customer=cus_1"


def test_what_is_typed_is_shown_as_text(client: TestClient) -> None:
    hostile = '"><script>alert(1)</script>'
    assert "<script>alert" not in client.get("/join", params={"link": hostile}).text
    assert "<script>alert" not in client.get("/sign-in", params={"next": f"/{hostile}"}).text


def test_a_link_sets_a_password_once(client: TestClient, store: Store) -> None:
    with store.write() as connection:
        _, link = users.invite(connection, "Ada", ["marketer"], "test", utc_now())
    assert client.get("/join", params={"link": link}).status_code == 200  # a scanner of mails used nothing up
    form = {"link": link, "password": PASSWORD, "again": PASSWORD}
    assert (
        "The two passwords differ" in client.post("/join", data=form | {"again": "other"}, headers=OURS).text
    )
    assert (
        "has 5 characters"
        in client.post("/join", data=form | {"password": "short", "again": "short"}, headers=OURS).text
    )
    assert "Your password is set" in client.post("/join", data=form, headers=OURS).text
    assert "was used" in client.post("/join", data=form, headers=OURS).text
    assert sign_in(client, name="ada").status_code == 303


def test_a_demo_on_this_machine_lets_anybody_in_by_role(tmp_path: Path, store: Store) -> None:
    pin_clock(tmp_path / "home", datetime.fromisoformat("2026-10-30T12:00"))
    client = knocking(tmp_path / "home", store)
    assert client.get("/sign-in").text.count('action="/sign-in/as"') == 6
    answer = client.post("/sign-in/as", data={"role": "viewer", "next": "/campaigns"}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/campaigns")
    person = sign_ins.signed_in(store, client.cookies[COOKIE], utc_now())
    assert person is not None
    assert person.roles == {"viewer"}
    assert "is no role" in client.post("/sign-in/as", data={"role": "king"}, headers=OURS).text


def test_what_is_no_demo_on_this_machine_lets_nobody_in_by_role(tmp_path: Path, store: Store) -> None:
    home = tmp_path / "home"
    pin_clock(home, datetime.fromisoformat("2026-10-30T12:00"))
    elsewhere = "http://rapport.example"  # a name that somebody else's name server may point at this machine
    client = knocking(home, store, elsewhere)
    assert "/sign-in/as" not in client.get("/sign-in").text
    answer = client.post("/sign-in/as", data={"role": "admin"}, headers={"origin": elsewhere})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    (home / PIN_FILE).unlink()
    answer = knocking(home, store).post("/sign-in/as", data={"role": "admin"}, headers=OURS)
    assert answer.status_code == 403


def test_sessions_go_by_the_machines_clock_also_in_a_demo(tmp_path: Path, store: Store) -> None:
    pin_clock(tmp_path / "home", utc_now() + timedelta(days=900))
    client = knocking(tmp_path / "home", store)
    client.post("/sign-in/as", data={"role": "viewer"}, headers=OURS)
    assert client.get("/customers").status_code == 200
