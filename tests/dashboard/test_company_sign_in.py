"""Signing in by an identity provider: a real small one over HTTP, honest or not, before the real door."""

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from httpx import Response
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.door import COOKIE, Gate, door_routes
from dashboard.door.gate import BACK, utc_now
from data_contracts.errors import RefusedError, SettingsError
from messaging import audit, sign_ins, users
from messaging.settings import read_settings
from messaging.store import Store, open_store

HERE = "http://127.0.0.1:8501"
OURS = {"origin": HERE}
CLIENT, SECRET = "rapport:app", "a secret/+of ours"
Claims = dict[str, Any]


@dataclass
class Idp:
    """An identity provider; what a test changes of it makes it a dishonest one."""

    issuer: str = ""
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    kid: str = "one"
    secret: str = SECRET
    subject: str = "248289761001"
    described: dict[str, str] = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)  # in place of the true ones; None leaves one out
    sign: Callable[[Claims], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorize(self, address: str) -> str:
        """Sign somebody in, as the page at this address would; give where it sends the browser back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["client_id"], asked["scope"], asked["response_type"]) == (CLIENT, "openid", "code")
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    async def configuration(self, request: Request) -> JSONResponse:
        """Describe itself."""
        del request
        addresses = {name: f"{self.issuer}/{path}" for name, path in ENDPOINTS.items()}
        return JSONResponse({"issuer": self.issuer, **addresses, **self.described})

    async def jwks(self, request: Request) -> JSONResponse:
        """Publish its key."""
        del request
        shown = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**shown, "kid": self.kid, "use": "sig"}]})

    async def token(self, request: Request) -> JSONResponse:
        """Give an ID token for a code, once, to the app that asked for it."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        basic = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        if [unquote(part) for part in basic.split(":")] != [CLIENT, self.secret]:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = self.codes.pop(form["code"], None)
        proof = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = int(time.time())
        true = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims = {**true, "nonce": asked["nonce"], **self.claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        signed = self.sign or (
            lambda said: jwt.encode(said, self.key, algorithm="RS256", headers={"kid": self.kid})
        )
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": signed(claims)})


ENDPOINTS = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}


@pytest.fixture(scope="module")
def served() -> Iterator[Idp]:
    idp = Idp()
    routes = [
        Route("/.well-known/openid-configuration", idp.configuration),
        Route("/jwks", idp.jwks),
        Route("/token", idp.token, methods=["POST"]),
    ]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    idp.issuer = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield idp
    server.should_exit = True
    thread.join()


@pytest.fixture
def idp(served: Idp) -> Idp:
    served.claims, served.described, served.codes, served.sign = {}, {}, {}, None
    return served


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(read_settings(home=tmp_path_factory.mktemp("company") / "home")) as opened:
        yield opened


@pytest.fixture
def client(tmp_path: Path, store: Store, idp: Idp) -> TestClient:
    return browser(tmp_path, store, idp.issuer)


def browser(home: Path, store: Store, issuer: str) -> TestClient:
    settings = read_settings(
        home=home,
        oidc_issuer=issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SecretStr(SECRET),
        oidc_name="Acme <b>",
    )

    async def inside(request: Request) -> JSONResponse:
        return JSONResponse({"path": request.url.path})

    routes = [*door_routes(settings, lambda: store), Route("/{rest:path}", inside)]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, store=lambda: store)])
    return TestClient(app, base_url=HERE, follow_redirects=False)


def begin(client: TestClient, **form: str) -> str:
    """Press the button; give where its page goes on to."""
    answer = client.post("/sign-in/company", data=form, headers=OURS)
    assert answer.status_code == 200, answer.text
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', answer.text)
    assert found is not None
    return unescape(found[1])


def walk(client: TestClient, idp: Idp, **form: str) -> Response:
    answer: Response = client.get(idp.authorize(begin(client, **form)))
    return answer


def invited(store: Store, name: str) -> tuple[users.User, str]:
    with store.write() as connection:
        return users.invite(connection, name, ["agent"], "test", utc_now())


def joined(store: Store, idp: Idp, name: str) -> users.User:
    """Make an account for whom the provider signs in by this name."""
    idp.subject = f"sub-{name}"
    return users.join_as(store, invited(store, name)[1], idp.issuer, idp.subject, utc_now())


def refused(answer: Response, status: int, *words: str) -> None:
    assert answer.status_code == status
    assert COOKIE not in answer.cookies
    for each in words:
        assert each in answer.text


def test_an_invitation_ties_the_account_to_the_provider_and_is_then_not_needed(
    client: TestClient, store: Store, idp: Idp
) -> None:
    grace, link = invited(store, "Grace")
    idp.subject = "sub-grace"
    assert "Use Acme &lt;b&gt; instead" in client.get(f"/join?link={link}").text
    first = walk(client, idp, link=link)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    with store.read() as connection:
        assert users.find(connection, "Grace").joined
    client.cookies.clear()
    assert "Sign in with Acme &lt;b&gt;" in client.get("/sign-in").text
    later = walk(client, idp, next="/customers?customer=cus_1")
    assert (later.status_code, later.headers["location"]) == (303, "/customers?customer=cus_1")
    person = sign_ins.signed_in(store, client.cookies[COOKIE], utc_now())
    assert person is not None
    assert (person.user_id, person.roles) == (grace.user_id, frozenset({"agent"}))
    assert client.get("/customers").status_code == 200
    with store.read() as connection:
        last = audit.newest(connection, 1)[0]
    assert (last["actor"], last["action"], last["detail"]) == ("Grace", "user.sign_in", {"way": "oidc"})


def test_who_was_not_invited_gets_no_account_whatever_address_the_provider_gives(
    client: TestClient, store: Store, idp: Idp
) -> None:
    joined(store, idp, "Ada")
    idp.subject, idp.claims = "a stranger", {"email": "Ada", "email_verified": True, "name": "Ada"}
    with store.read() as connection:
        before = users.list_users(connection)
    refused(walk(client, idp), 403, "No account here belongs to you.")
    with store.read() as connection:
        assert users.list_users(connection) == before


def test_a_link_binds_once_and_nobody_to_two_accounts(client: TestClient, store: Store, idp: Idp) -> None:
    _, link = invited(store, "Bo")
    idp.subject = "sub-bo"
    assert walk(client, idp, link=link).status_code == 303
    client.cookies.clear()
    idp.subject = "sub-other"
    refused(walk(client, idp, link=link), 403, "This link was used")
    idp.subject = "sub-bo"
    _, second = invited(store, "Bo the second")
    refused(walk(client, idp, link=second), 403, "another account")


def test_an_account_has_one_way_in_and_its_newest_link_changes_it(store: Store, idp: Idp) -> None:
    now, password = utc_now(), "four words will do"
    cy = joined(store, idp, "Cy")
    with store.write() as connection:
        link = users.renew(connection, cy.user_id, "test", now)
    users.join(store, link, password, now)
    with pytest.raises(RefusedError):
        sign_ins.sign_in_as(store, idp.issuer, "sub-Cy", now)
    with store.write() as connection:
        link = users.renew(connection, cy.user_id, "test", now)
    users.join_as(store, link, idp.issuer, "sub-Cy", now)
    with pytest.raises(RefusedError):
        sign_ins.sign_in(store, "Cy", password, "127.0.0.1", now)
    with pytest.raises(RefusedError):
        sign_ins.sign_in_as(store, "https://another.example", "sub-Cy", now)


def test_disabling_the_account_ends_its_session_at_once_and_its_way_in(
    client: TestClient, store: Store, idp: Idp
) -> None:
    di = joined(store, idp, "Di")
    assert walk(client, idp).status_code == 303
    assert client.get("/customers").status_code == 200
    with store.write() as connection:
        users.disable(connection, di.user_id, "test", utc_now())
    assert client.get("/customers").status_code == 403
    client.cookies.clear()
    refused(walk(client, idp), 403, "No account here belongs to you.")
    joined_again = users.join_as(store, invited(store, "Di anew")[1], idp.issuer, "sub-Di", utc_now())
    assert joined_again.joined


def none(claims: Claims) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "one"})


def by_secret(claims: Claims) -> str:
    return jwt.encode(claims, SECRET.ljust(64), algorithm="HS512", headers={"kid": "one"})


def by_another_key(claims: Claims) -> str:
    return jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "one"})


OTHER_KEY = rsa.generate_private_key(65537, 2048)
LIES: list[tuple[str, Claims, Callable[[Claims], str] | None]] = [
    ("nonce", {"nonce": "of another sign-in"}, None),
    ("nonce", {"nonce": None}, None),
    ("audience", {"aud": "another app"}, None),
    ("audience", {"aud": [CLIENT, "another app"]}, None),
    ("audience", {"azp": "another app"}, None),
    ("issuer", {"iss": "https://evil.example"}, None),
    ("time", {"exp": int(time.time()) - 120}, None),
    ("time", {"iat": int(time.time()) + 3_000}, None),
    ("signature", {"exp": None}, None),
    ("signature", {"sub": None}, None),
    ("subject", {"sub": ""}, None),
    ("signature", {}, none),
    ("signature", {}, by_secret),
    ("signature", {}, by_another_key),
    ("signature", {}, lambda _: "no token"),
]


def test_an_id_token_that_does_not_hold_is_refused_by_what_is_wrong(
    client: TestClient, store: Store, idp: Idp
) -> None:
    joined(store, idp, "Eve")
    for what, claims, sign in LIES:
        idp.claims, idp.sign = claims, sign
        refused(walk(client, idp), 403, f"its {what} is not right")
    idp.claims, idp.sign = {"exp": int(time.time()) - 30}, None  # a clock that is half a minute off
    assert walk(client, idp).status_code == 303


def test_a_key_that_the_provider_changed_is_read_again(client: TestClient, store: Store, idp: Idp) -> None:
    joined(store, idp, "Flo")
    assert walk(client, idp).status_code == 303
    was, idp.key, idp.kid = (idp.key, idp.kid), OTHER_KEY, "two"
    try:
        assert walk(client, idp).status_code == 303
    finally:
        idp.key, idp.kid = was


def test_an_answer_counts_once_and_in_the_browser_that_asked(
    client: TestClient, tmp_path: Path, store: Store, idp: Idp
) -> None:
    joined(store, idp, "Gus")
    back = idp.authorize(begin(client))
    other = TestClient(client.app, base_url=HERE, follow_redirects=False)
    refused(other.get(back), 403, "was not begun here")
    forged = f"{HERE}{BACK}?code=code-0&state=guessed"
    refused(other.get(forged, headers={"cookie": "rapport_sign_in=guessed"}), 403, "was not begun here")
    refused(client.get(f"{HERE}{BACK}"), 403, "was not begun here")
    back = idp.authorize(begin(client))
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert client.get(back).status_code == 303
    again = other.get(back, headers={"cookie": f"rapport_sign_in={state}"})
    refused(again, 403, "was not begun here")
    address = begin(client)  # a code of another sign-in, put into one of this browser's own: PKCE
    mine = parse_qs(urlsplit(address).query)["state"][0]
    idp.authorize(begin(other))
    stolen = f"{HERE}{BACK}?{urlencode({'code': list(idp.codes)[-1], 'state': mine})}"
    client.cookies.set("rapport_sign_in", mine, domain="127.0.0.1", path="/sign-in/company")
    refused(client.get(stolen), 403, "its code is not right")


def test_nobody_is_sent_to_a_foreign_site_and_no_foreign_site_begins(
    client: TestClient, store: Store, idp: Idp
) -> None:
    joined(store, idp, "Hal")
    for foreign in ("https://evil.example", "//evil.example", "/\\evil.example"):
        assert walk(client, idp, next=foreign).headers["location"] == "/"
    client.cookies.clear()
    answer = client.post("/sign-in/company", headers={"origin": "https://evil.example"})
    refused(answer, 403, "not sent by a page of Rapport")
    for path in ("/sign-in/company", "/sign-in/as"):
        refused(client.get(path), 403, "not sent by a page of Rapport")  # and not answered by the app behind
    mixed = f"{idp.authorize(begin(client))}&iss=https%3A%2F%2Fevil.example"
    refused(client.get(mixed), 403, "its issuer is not right")
    state = parse_qs(urlsplit(begin(client)).query)["state"][0]
    refused(client.get(f"{BACK}?error=access_denied&state={state}"), 403, "did not sign you in")


def test_a_provider_that_is_down_or_odd_is_told_in_a_sentence(
    tmp_path: Path, client: TestClient, store: Store, idp: Idp
) -> None:
    down = browser(tmp_path, store, "http://127.0.0.1:9")
    refused(down.post("/sign-in/company", headers=OURS), 400, "cannot be reached", "sign in with that")
    address, idp.secret = begin(client), "another one"
    refused(client.get(idp.authorize(address)), 400, "does not take this app")
    idp.secret = SECRET
    client = browser(tmp_path, store, idp.issuer)  # which has not read the provider's description yet
    idp.described = {"issuer": "https://evil.example"}
    refused(client.post("/sign-in/company", headers=OURS), 400, "calls itself otherwise")
    idp.described = {"authorization_endpoint": "http://evil.example/authorize"}
    refused(client.post("/sign-in/company", headers=OURS), 400, "no authorization_endpoint")


def test_without_settings_there_is_no_button_and_half_of_them_are_refused(
    tmp_path: Path, store: Store
) -> None:
    app = Starlette(routes=door_routes(read_settings(home=tmp_path), lambda: store))
    client = TestClient(app, base_url=HERE)
    assert "/sign-in/company" not in client.get("/sign-in").text
    refused(client.post("/sign-in/company", headers=OURS), 403, "There is no company sign-in here.")
    with pytest.raises(SettingsError, match="go together"):
        read_settings(home=tmp_path, oidc_issuer="https://login.example.com")
    rest = {"oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET)}
    for address in ("http://login.example.com", "login.example.com", "https://login.example.com?x=1"):
        with pytest.raises(SettingsError, match="should look like"):
            read_settings(home=tmp_path, oidc_issuer=address, **rest)


def test_an_admin_who_comes_by_the_provider_is_one_who_can_sign_in(tmp_path: Path) -> None:
    now = utc_now()
    with open_store(read_settings(home=tmp_path / "home")) as store:
        with store.write() as connection:
            link = users.first_link(connection, now)
        assert link is not None
        admin = users.join_as(store, link, "https://login.example.com", "sub-admin", now)
        with store.write() as connection:
            assert users.first_link(connection, now) is None
            with pytest.raises(RefusedError, match="last admin"):
                users.disable(connection, admin.user_id, "test", now)
