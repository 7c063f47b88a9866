"""Authentication by e-mail address and password, and then by a session in a cookie."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from limits.aio.storage import Storage
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from starlette.responses import JSONResponse

from app.accounts import Accounts, normalized_email
from app.base import Authenticator, ChatStore, User
from app.common_settings import Rate
from app.cookies import SECONDS_PER_DAY, Cookie, CookieSettings, check_page, require_long
from app.errors import ApiError
from app.passwords import Passwords, normalized_password
from app.rates import RateLimit, network_of
from app.records import Records, records_of
from app.sessions import Sessions

router = APIRouter(prefix="/auth")

MAX_BODY_BYTES = 16_384

FETCH_EXAMPLE = """\
// Sends the session's cookie. To browsers, localhost and 127.0.0.1 are different sites.
fetch: (input, init) => fetch(input, { ...init, credentials: "include" }),"""
"""What ChatKit's `api` options need for requests to be accepted."""


class AuthSettings(CookieSettings):
    """Who may sign in, how often, and for how long."""

    session_secret: SecretStr
    """The key of the hashes that sessions are stored as; with another one, all sessions end."""
    session_ttl: float = Field(default=30, gt=0, le=400)
    """How long a session lasts, in days; browsers keep a cookie for 400 at most."""
    allow_registration: bool = True
    """Whether anyone may create an account."""
    login_rate_limit: Rate = "10/15 minutes"
    """Wrong passwords for one account, until the right one."""
    login_address_rate_limit: Rate = "100/hour"
    """Wrong passwords and new accounts from one address."""

    @field_validator("session_secret")
    @classmethod
    def refuse_short_secret(cls, secret: SecretStr) -> SecretStr:
        """Reject a secret that could be guessed."""
        return require_long(secret)


class SessionCookie:
    """Takes the user from the session that the cookie names.

    Args:
        settings: The rules.
        records: Where accounts and sessions are kept.
        counters: Where failures are counted.
    """

    def __init__(self, settings: AuthSettings, records: Records, counters: Storage) -> None:
        seconds = settings.session_ttl * SECONDS_PER_DAY
        self.registers = settings.allow_registration
        self.passwords = Passwords()
        self.accounts = Accounts(records, self.passwords)
        self.sessions = Sessions(records, settings.session_secret.get_secret_value(), seconds)
        self.cookie = Cookie("session", settings, seconds)
        self.account_limit = RateLimit(settings.login_rate_limit, counters, "login", "attempts")
        self.address_limit = RateLimit(
            settings.login_address_rate_limit, counters, "login_address", "attempts"
        )

    async def __call__(self, request: Request) -> User:
        """Return the session's user; reject a request without a session (401)."""
        user = await self.sessions.find(self.cookie.value(request) or "")
        if user is None:
            raise unauthorized("Sign in first: POST /auth/login.")
        return user

    async def verify(self, email: str, password: str, address: str) -> User:
        """Return the user with this address and password.

        Raises:
            ApiError: 400, the password is too long; 401, one of them is wrong, and which one is not
                told; 429, that was so too often; 503, too many people are signing in.
        """
        # What is refused unchecked may not count for the account: it would cost the address nothing
        # to lock out everyone.
        password = normalized_password(password)
        with self.passwords.place(address):
            await self.address_limit.check(address)
            # Before the password is checked: of many guesses at the same time, few are checked.
            await self.account_limit.count(email)
            user = await self.accounts.find(email, password)
            if user is None:
                await self.address_limit.count(address)
                raise unauthorized("The e-mail address or the password is wrong.")
            await self.account_limit.forget(email)
            return user


class Credentials(BaseModel):
    """What a user signs in with."""

    email: str
    password: str


class Logout(BaseModel):
    """Which sessions to end."""

    everywhere: bool = False


Body = TypeVar("Body", bound=BaseModel)


@router.post("/register")
async def register(request: Request) -> Response:
    """Create an account, and begin a session."""
    check_page(request)
    auth: SessionCookie = request.app.state.authenticate
    if not auth.registers:
        raise ApiError(403, "registration_closed", "New accounts are not accepted here.")
    credentials = await read(request, Credentials)
    email = normalized_email(credentials.email)
    address = address_of(request)
    with auth.passwords.place(address):
        await auth.address_limit.count(address)
        user = await auth.accounts.create(email, credentials.password)
    return await begin_session(request, user, 201)


@router.post("/login")
async def login(request: Request) -> Response:
    """Begin a session."""
    check_page(request)
    auth: SessionCookie = request.app.state.authenticate
    credentials = await read(request, Credentials)
    email = normalized_email(credentials.email)
    user = await auth.verify(email, credentials.password, address_of(request))
    return await begin_session(request, user, 200)


@router.post("/logout")
async def logout(request: Request) -> Response:
    """End the session, or with `{"everywhere": true}` all sessions of its user."""
    check_page(request)
    auth: SessionCookie = request.app.state.authenticate
    if (await read(request, Logout)).everywhere:
        await auth.sessions.end_all(await auth(request))
    else:
        await auth.sessions.end(auth.cookie.value(request) or "")
    response = Response(status_code=204)
    auth.cookie.delete(response)
    return response


@router.get("/me")
async def me(request: Request) -> Response:
    """Return the user of the session."""
    user = await request.app.state.authenticate(request)
    request.state.user = user.id
    return JSONResponse(described(user))


async def begin_session(request: Request, user: User, status: int) -> Response:
    """Return the user with the cookie of a new session; the browser's old one ends."""
    auth: SessionCookie = request.app.state.authenticate
    request.state.user = user.id
    await auth.sessions.end(auth.cookie.value(request) or "")
    response = JSONResponse(described(user), status)
    auth.cookie.set(response, await auth.sessions.begin(user))
    return response


async def read(request: Request, model: type[Body]) -> Body:
    """Read the body; none counts as `{}`.

    Raises:
        ApiError: 400, it is not what the model describes; 413, it is too large.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            message = f"A request may have at most {MAX_BODY_BYTES} bytes."
            raise ApiError(413, "too_large", message)
    try:
        return model.model_validate_json(bytes(body) or b"{}")
    except ValidationError:
        names = ", ".join(model.model_fields)
        raise ApiError(400, "invalid_request", f"Send a JSON object with: {names}.") from None


def described(user: User) -> dict[str, object]:
    """Return what the user's own page may know."""
    return {"user": {"id": user.id, **user.claims}}


def address_of(request: Request) -> str:
    """Return what the client's addresses have in common."""
    return network_of(request.client.host) if request.client is not None else ""


def unauthorized(message: str) -> ApiError:
    """Return the error for a request that does not prove who sent it."""
    # A 401 has to name a scheme; browsers know this one to be the page's business.
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Cookie"})


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Build the authentication; the store closes what it needs."""
    yield SessionCookie(settings, records_of(store), store.counters())
