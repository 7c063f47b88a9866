"""Users register, sign in and out; without a session nothing is answered."""

import asyncio
import io
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Protocol
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from pydantic import SecretStr, ValidationError

from app import ENDPOINT, passwords
from app.__main__ import main
from app.auth import AuthSettings, SessionCookie
from app.base import ChatStore, User
from app.commands.token import session_cookie
from app.errors import ApiError, StartupError
from app.passwords import MAX_OF_ADDRESS, Passwords
from app.records import Records, records_of
from app.sessions import MAX_PER_USER, Sessions
from tests.backend import Backend, Client, StartBackend, http_client
from tests.private import note_credentials, note_words

PASSWORD = "correct horse battery"
WRONG = "incorrect horse battery"
SECRET = "0123456789abcdef0123456789abcdef"
ANNA = User("user_" + "a" * 32, {"email": "anna@example.com"})

_numbers = count()


class RunApp(Protocol):
    """Runs a command with the settings of a backend."""

    def __call__(
        self, backend: Backend, *arguments: str, entered: bytes = b""
    ) -> tuple[object, str]:
        """Return its exit status, and what it prints."""
        ...


class Browser:
    """A browser, which keeps the cookies that it gets, with one page open."""

    def __init__(self, backend: Backend, **headers: str) -> None:
        url = backend.url.removesuffix(ENDPOINT)
        self.http = http_client(headers, url)
        self._backend = backend

    def post(self, path: str, **body: object) -> httpx.Response:
        """Send JSON to `/auth/…`."""
        note_words(body)
        response = self.http.post(f"/auth/{path}", json=body)
        note_credentials({"Cookie": self.cookie})
        return response

    def sign_in(self, path: str, email: str, password: str = PASSWORD) -> int:
        """Register or log in; return the status."""
        return self.post(path, email=email, password=password).status_code

    def me(self) -> int:
        """Return the status of `GET /auth/me`."""
        return self.http.get("/auth/me").status_code

    @property
    def cookie(self) -> str:
        """The session's cookie, as it is sent."""
        return f"session={self.http.cookies.get('session', '')}"

    @property
    def chatkit(self) -> Client:
        """A ChatKit client that sends the cookie."""
        return self._backend.client(headers={"Cookie": self.cookie})


@pytest.fixture
def browser(backend: Backend) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(backend)


@pytest.fixture
def email() -> str:
    """An address without an account."""
    return f"user{next(_numbers)}@example.com"


@pytest.fixture
def records(store: ChatStore) -> Records:
    """Empty records."""
    return records_of(store)


def status_with(backend: Backend, cookie: str) -> int:
    """Return the status of a request with this `Cookie` header."""
    headers = [(b"cookie", cookie.encode("latin-1"))]
    body = {"type": "threads.list", "params": {}}
    return httpx.post(backend.url, json=body, headers=headers, trust_env=False).status_code


def settings_of(backend: Backend) -> AuthSettings:
    """Return the settings with which commands find a backend."""
    port = int(urlsplit(backend.url).port or 0)
    secret = SecretStr(backend.environment["SESSION_SECRET"])
    return AuthSettings(session_secret=secret, host="0.0.0.0", port=port)


@pytest.fixture
def run_app(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunApp:
    """Return a function that runs a command with the settings of a backend."""

    def run(backend: Backend, *arguments: str, entered: bytes = b"") -> tuple[object, str]:
        port = str(urlsplit(backend.url).port)
        for name, value in {**backend.environment, "PORT": port}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["app", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(entered)))
        capsys.readouterr()
        try:
            main()
            status: object = 0
        except SystemExit as ended:
            status = ended.code
        return status, "".join(capsys.readouterr())

    return run


def test_account_from_the_beginning_to_the_end(browser: Browser, email: str) -> None:
    """Registering signs in, logging out ends that, and logging in brings the threads back."""
    registered = browser.post("register", email=email, password=PASSWORD)
    assert registered.status_code == 201
    user = registered.json()["user"]
    assert user == {"id": user["id"], "email": email}
    assert browser.http.get("/auth/me").json() == registered.json()
    thread_id = browser.chatkit.create_thread("Hi").thread_id
    ended = browser.cookie
    assert browser.post("logout").status_code == 204
    assert "session" not in browser.http.cookies
    assert browser.me() == 401

    # Who has kept the cookie has nothing.
    browser.http.headers["Cookie"] = ended
    assert browser.me() == 401
    del browser.http.headers["Cookie"]

    logged_in = browser.post("login", email=email, password=PASSWORD)
    assert (logged_in.status_code, logged_in.json()) == (200, registered.json())
    assert browser.cookie != ended
    assert browser.chatkit.call("threads.get_by_id", thread_id=thread_id)["id"] == thread_id


def test_users_do_not_see_each_other(backend: Backend) -> None:
    """A thread of one user does not exist for another."""
    thread_id = backend.client("alice").create_thread("Hi").thread_id
    bob = backend.client("bob")
    assert thread_id not in [thread["id"] for thread in bob.call("threads.list")["data"]]
    foreign = bob.post("threads.get_by_id", thread_id=thread_id)
    unknown = bob.post("threads.get_by_id", thread_id="thr_unknown")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


def test_logging_out_everywhere_ends_all_sessions(backend: Backend, email: str) -> None:
    """Logging out ends one of two; everywhere, it ends all of this user, and of nobody else."""
    other, first, second, third = (Browser(backend) for _ in range(4))
    assert other.sign_in("register", f"other-{email}") == 201
    assert first.sign_in("register", email) == 201
    assert second.sign_in("login", email) == third.sign_in("login", email) == 200
    third.post("logout")
    assert [browser.me() for browser in (first, second, third)] == [200, 200, 401]
    cookies = [first.cookie, second.cookie]
    assert third.post("logout", everywhere=True).status_code == 401
    assert second.post("logout", everywhere=True).status_code == 204
    assert [status_with(backend, cookie) for cookie in cookies] == [401, 401]
    assert other.me() == 200


def test_login_begins_a_new_session(browser: Browser, backend: Backend, email: str) -> None:
    """An id that someone has put into the browser is not taken over, and the old one ends."""
    planted = f"session={ANNA.id}.{'x' * 43}"
    browser.http.headers["Cookie"] = planted
    assert browser.sign_in("register", email) == 201
    assert status_with(backend, planted) == 401
    first = browser.cookie
    browser.http.headers["Cookie"] = first
    assert browser.sign_in("login", email) == 200
    assert [status_with(backend, cookie) for cookie in (first, browser.cookie)] == [401, 200]


@pytest.mark.parametrize(
    ("registered", "entered"),
    [
        ("Odd.Name+Chat@Example.COM", "odd.name+chat@example.com"),
        ("jürgen@bücher.example", "JÜRGEN@xn--bcher-kva.example"),
    ],
)
def test_address_is_the_same_in_any_spelling(
    browser: Browser, registered: str, entered: str
) -> None:
    """Upper case and another encoding of the domain are no other account."""
    assert browser.sign_in("register", registered) == 201
    assert browser.sign_in("register", entered) == 409
    assert browser.sign_in("login", entered) == 200
    assert browser.sign_in("login", entered.replace("odd.", "odd").replace("JÜ", "JU")) == 401


def test_password_is_the_same_on_any_keyboard(browser: Browser, email: str) -> None:
    """Some send `é` as two characters; another letter is another password."""
    assert browser.sign_in("register", email, "caf\u00e9 \U0001f511 ключ") == 201
    assert browser.sign_in("login", email, "cafe\u0301 \U0001f511 ключ") == 200
    assert browser.sign_in("login", email, "cafe \U0001f511 ключ") == 401


@pytest.mark.parametrize(
    ("password", "status"),
    [("1234567", 400), ("12345678", 201), ("x" * 1024, 201), ("x" * 1025, 400), ("ä" * 513, 400)],
    ids=lambda value: str(value)[:10],
)
def test_length_of_passwords(browser: Browser, email: str, password: str, status: int) -> None:
    """At least 8 characters, at most 1024 bytes, and nothing else is asked."""
    assert browser.sign_in("register", email, password) == status


@pytest.mark.parametrize(
    "wrong",
    ["", "anna", "@example.com", "a b@example.com", "Anna <anna@example.com>", "a\x00@b.de"],
)
def test_other_texts_are_no_addresses(browser: Browser, wrong: str) -> None:
    """They are refused before anything is looked up."""
    assert browser.sign_in("register", wrong) == browser.sign_in("login", wrong) == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"{not json",
        b'{"email": "a@example.com", "password": null}',
        b'{"email": "a@example.com", "password": "\\ud800 12345678"}',
    ],
    ids=str,
)
def test_wrong_body_is_400(browser: Browser, body: bytes) -> None:
    """The answer says what to send, and nothing of what was sent."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    response = browser.http.post("/auth/login", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "Send a JSON object with: email, password."


def test_huge_body_is_413(browser: Browser) -> None:
    """Nothing here is long."""
    assert browser.sign_in("login", "anna@example.com", "x" * 20_000) == 413


@pytest.mark.parametrize("path", ["register", "login", "logout"])
def test_other_sites_and_forms_are_refused(browser: Browser, path: str) -> None:
    """A page of another site can neither sign a visitor in nor out."""
    url = f"/auth/{path}"
    form = browser.http.post(url, data={"email": "a@example.com", "password": PASSWORD})
    text = browser.http.post(url, content=b"{}", headers={"Content-Type": "text/plain"})
    assert (form.status_code, text.status_code) == (415, 415)
    for origin in ("https://evil.example", "null"):
        assert browser.http.post(url, json={}, headers={"Origin": origin}).status_code == 403
    page = browser.http.post(url, json={}, headers={"Origin": "http://localhost:5173"})
    assert page.status_code == (204 if path == "logout" else 400)


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "session",
        "session=",
        "session=garbage",
        "session=.",
        "session=user_{0}.{1}",
        "session=user_{0}.",
        "session=user_{0}.{1}{1}",
        "session=user_{0}.\xe4\xff",
        "session=" + "x" * 30_000,
        "user=alice; guest=alice",
    ],
    ids=lambda cookie: cookie[:20],
)
def test_no_session_is_401(backend: Backend, cookie: str) -> None:
    """Nothing but the id of a session is accepted."""
    assert status_with(backend, cookie.format("0" * 32, "x" * 43)) == 401


def test_refusal_is_json_and_has_a_scheme(backend: Backend) -> None:
    """A 401 does not make the browser ask for a password itself."""
    response = backend.client(headers={}).post("threads.list")
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Cookie")
    assert response.json()["error"]["code"] == "unauthorized"


def test_session_is_its_users_alone(backend: Backend) -> None:
    """Another user's id before the secret, or any other change of the id, is no session."""
    alice, bob = (backend.headers_for(user)["Cookie"] for user in ("alice", "bob"))
    mixed = f"{bob.partition('.')[0]}.{alice.partition('.')[2]}"
    flipped = alice[:-2] + ("A" if alice[-2] != "A" else "B") + alice[-1]
    assert [status_with(backend, cookie) for cookie in (mixed, flipped)] == [401, 401]
    among_others = f'theme="a; session=b"; {alice}; other=1'
    assert [status_with(backend, cookie) for cookie in (alice, among_others)] == [200, 200]


def test_header_has_no_effect(backend: Backend) -> None:
    """What a proxy in front asks for neither signs in nor out."""
    headers = {"Authorization": "Basic YTpi"}
    assert backend.client(headers=headers).post("threads.list").status_code == 401
    both = {**headers, **backend.headers_for("alice")}
    assert backend.client(headers=both).post("threads.list").status_code == 200


def test_one_of_many_gets_the_address(backend: Backend, email: str) -> None:
    """Of several who register an address at once, one does, and its password counts."""
    spellings = [email, email.upper(), email.title(), email]
    words = [f"{PASSWORD} {number}" for number in range(4)]
    browsers = [Browser(backend) for _ in spellings]
    with ThreadPoolExecutor() as pool:
        statuses = list(pool.map(Browser.sign_in, browsers, ["register"] * 4, spellings, words))
    assert sorted(statuses) == [201, 409, 409, 409]
    assert Browser(backend).sign_in("login", email, words[statuses.index(201)]) == 200
    assert Browser(backend).sign_in("login", email, words[statuses.index(409)]) == 401


def test_unknown_address_and_wrong_password_are_answered_alike(
    browser: Browser, email: str
) -> None:
    """The responses differ in nothing but the request's id."""
    browser.sign_in("register", email)
    wrong = browser.post("login", email=email, password=WRONG)
    unknown = browser.post("login", email=f"un{email}", password=WRONG)
    assert (wrong.status_code, wrong.content) == (401, unknown.content)
    own = {"x-request-id", "date"}
    assert {name: value for name, value in wrong.headers.items() if name not in own} == {
        name: value for name, value in unknown.headers.items() if name not in own
    }


@pytest.mark.anyio
async def test_unknown_address_takes_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an account a password is hashed as with one, with the same parameters."""
    checked = Passwords()
    stored = await checked.hash(PASSWORD)
    hasher, hashes = checked._hasher, list[str]()
    verify = hasher.verify

    def noted(password: str | bytes, compared: str | bytes) -> bool:
        hashes.append(str(compared))
        return verify(password, compared)

    monkeypatch.setattr(hasher, "verify", noted)
    assert await checked.verify(PASSWORD, stored)
    assert not await checked.verify(WRONG, stored)
    assert not await checked.verify(PASSWORD, None)
    parameters = [compared.split("$")[:4] for compared in hashes]
    assert parameters == [stored.split("$")[:4]] * 3


def test_long_queue_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing takes memory and time: those who would wait too long are told so at once.

    One address cannot keep all others out.
    """
    monkeypatch.setattr(passwords, "MAX_QUEUE", 3)
    monkeypatch.setattr(passwords, "MAX_OF_ADDRESS", 2)
    queue = Passwords()

    def status(address: str) -> int:
        try:
            with queue.place(address):
                return 200
        except ApiError as error:
            return error.status

    with queue.place("192.0.2.1"), queue.place("192.0.2.1"):
        assert [status("192.0.2.1"), status("192.0.2.2")] == [503, 200]
        with queue.place("192.0.2.3"):
            assert status("192.0.2.2") == 503
    assert [status("192.0.2.1"), status("192.0.2.2")] == [200, 200]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("password", "status"), [("x" * 1025, 400), (WRONG, 503)], ids=["too long", "queue full"]
)
async def test_attempts_that_are_not_checked_lock_nobody_out(
    store: ChatStore, records: Records, password: str, status: int
) -> None:
    """Neither a password that is too long nor one beyond the queue counts for the account."""
    settings = AuthSettings(session_secret=SecretStr(SECRET), login_rate_limit="1/hour")
    auth = SessionCookie(settings, records, store.counters())
    email = "locked@example.com"
    user = await auth.accounts.create(email, PASSWORD)
    with ExitStack() as queue:
        for _ in range(MAX_OF_ADDRESS):
            queue.enter_context(auth.passwords.place("192.0.2.1"))
        with pytest.raises(ApiError) as refused:
            await auth.verify(email, password, "192.0.2.1")
    assert refused.value.status == status
    assert await auth.verify(email, PASSWORD, "192.0.2.2") == user


def test_guesses_are_limited(start_backend: StartBackend, email: str) -> None:
    """Per account, whether there is one or not, and per address; the right password resets it."""
    backend = start_backend(LOGIN_RATE_LIMIT="3/hour", LOGIN_ADDRESS_RATE_LIMIT="7/hour")
    addresses = (f"192.0.2.{number}" for number in count(1))

    def guess(address: str, entered: str = WRONG, name: str = email) -> httpx.Response:
        forwarded = Browser(backend, **{"X-Forwarded-For": address})
        return forwarded.post("login", email=name, password=entered)

    owner = Browser(backend, **{"X-Forwarded-For": next(addresses)})
    assert owner.sign_in("register", email) == 201
    for _ in range(2):  # The right password forgets the wrong ones before.
        assert [guess(next(addresses)).status_code for _ in range(2)] == [401, 401]
        assert guess(next(addresses), PASSWORD).status_code == 200
    with ThreadPoolExecutor(8) as pool:
        statuses = [response.status_code for response in pool.map(guess, _take(addresses, 8))]
    assert sorted(statuses) == [401] * 3 + [429] * 5
    refused = guess(next(addresses), PASSWORD)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many_attempts")
    assert 0 < int(refused.headers["retry-after"]) <= 3600
    assert owner.me() == 200
    unknown = [guess(next(addresses), name=f"un{email}").status_code for _ in range(4)]
    assert unknown == [401, 401, 401, 429]

    one = next(addresses)
    many = [guess(one, name=f"{number}{email}").status_code for number in range(8)]
    assert many == [401] * 7 + [429]
    crowd = Browser(backend, **{"X-Forwarded-For": one})
    assert crowd.sign_in("register", f"crowd{email}") == 429
    login = guess(one, name=f"new{email}")
    registration = crowd.post("register", email=f"crowd{email}", password=PASSWORD)
    # The same but for the seconds to wait, which may have become one less.
    assert re.sub(r"\d+", "", login.text) == re.sub(r"\d+", "", registration.text)


def _take(addresses: Iterator[str], number: int) -> list[str]:
    return [next(addresses) for _ in range(number)]


@pytest.mark.anyio
async def test_sessions_end_in_time(records: Records) -> None:
    """One that lasts a little longer is valid, one that has just ended is not."""
    ended = await Sessions(records, SECRET, -0.001).begin(ANNA)
    lasting = await Sessions(records, SECRET, 60).begin(ANNA)
    sessions = Sessions(records, SECRET, 60)
    assert await sessions.find(ended) is None
    assert await sessions.find(lasting) == ANNA


@pytest.mark.anyio
async def test_store_has_no_session_id(records: Records) -> None:
    """Who reads the store can use no session: neither what is in it, nor with another secret."""
    session_id = await Sessions(records, SECRET, 60).begin(ANNA)
    [(key, value)] = await records.listed("sessions", ANNA.id, 10)
    assert re.fullmatch("[0-9a-f]{64}", key)
    assert value == {"email": "anna@example.com"}
    sessions = Sessions(records, SECRET, 60)
    assert await sessions.find(f"{ANNA.id}.{key}") is None
    assert await Sessions(records, SECRET[::-1], 60).find(session_id) is None
    assert await sessions.find(session_id) == ANNA


@pytest.mark.anyio
async def test_oldest_of_many_sessions_ends(records: Records) -> None:
    """A program that signs in again and again does not fill the store."""
    sessions = Sessions(records, SECRET, 60)
    begun = [await sessions.begin(ANNA) for _ in range(MAX_PER_USER + 1)]
    found = [await sessions.find(session_id) for session_id in begun]
    assert found == [None] + [ANNA] * MAX_PER_USER
    # Neither does one that does so many times at once.
    await asyncio.gather(*(sessions.begin(ANNA) for _ in range(10)))
    assert len(await records.listed("sessions", ANNA.id, MAX_PER_USER * 2)) == MAX_PER_USER


@pytest.mark.anyio
async def test_production(
    start_backend: StartBackend, store: ChatStore, run_app: RunApp, email: str
) -> None:
    """Cookies are for HTTPS only; with ALLOW_REGISTRATION=no an account comes from the terminal."""
    backend = start_backend(APP_ENV="production", ALLOW_REGISTRATION="no")
    browser = Browser(backend)
    assert browser.sign_in("register", email) == 403
    assert backend.start_page().status_code == 404
    entered = f"{PASSWORD}\r\n".encode()
    status, printed = await anyio.to_thread.run_sync(
        lambda: run_app(backend, "user", "add", email, entered=entered)
    )
    response = browser.post("login", email=email, password=PASSWORD)
    assert ("POST /auth/" in printed, status == 0) == (True, store.shared)
    assert response.status_code == (200 if store.shared else 401)
    if store.shared:
        cookie = response.headers["set-cookie"]
        assert cookie.endswith("; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax; Secure")


def test_account_that_cannot_be_created_is_one_sentence(backend: Backend, run_app: RunApp) -> None:
    """The error of `user add` names the address."""
    ended = run_app(backend, "user", "add", "anna", entered=PASSWORD.encode())
    assert ended == (2, "error: anna: This is not an e-mail address.\n")


def test_token_signs_in_at_the_running_backend(
    backend: Backend, run_app: RunApp, email: str
) -> None:
    """It prints the header of a new session each time, with a new account the first time."""
    status, printed = run_app(backend, "token", email)
    assert status == 0
    name, _, cookie = printed.strip().partition(": ")
    thread_id = backend.client(headers={name: cookie}).create_thread("Hi").thread_id
    again = session_cookie(email, settings_of(backend))
    assert again != cookie
    found = backend.client(headers={name: again}).call("threads.get_by_id", thread_id=thread_id)
    assert found["id"] == thread_id


def test_token_says_why_not(backend: Backend, email: str) -> None:
    """Another password, no backend, and production are one sentence each."""
    local = settings_of(backend)
    Browser(backend).sign_in("register", email)
    with pytest.raises(StartupError, match=rf"^{email} cannot sign in: The e-mail address or"):
        session_cookie(email, local)
    nowhere = local.model_copy(update={"port": 1})
    with pytest.raises(StartupError, match=r"^no backend answers at HOST=0\.0\.0\.0 PORT=1; start"):
        session_cookie(email, nowhere)
    production = local.model_copy(update={"app_env": "production"})
    with pytest.raises(StartupError, match="APP_ENV=production does not sign users in"):
        session_cookie(email, production)


@pytest.mark.parametrize("secret", ["short", "change-me-" * 8])
def test_secrets_that_can_be_guessed_are_refused(secret: str) -> None:
    """The backend does not start with a short secret, or with the example's."""
    with pytest.raises(ValidationError, match=r"needs at least 32 bytes|is still a placeholder"):
        AuthSettings(session_secret=SecretStr(secret))
