"""Authentication by the tokens of an OpenID Connect issuer in the `Authorization` header."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from fastapi import APIRouter, Request
from jwt.exceptions import InvalidSubjectError
from pydantic import ValidationInfo, field_validator

from app.base import Authenticator, ChatStore, User
from app.common_settings import CommonSettings, is_placeholder
from app.errors import ApiError
from app.issuer import ALGORITHMS, open_issuer, problem_with
from app.keys import IssuerKeys, IssuerUnavailableError
from app.logs import RepeatedWarning

FETCH_EXAMPLE = """\
fetch: async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("Authorization", `Bearer ${await getToken()}`);
  return fetch(input, { ...init, headers });
},"""
"""What ChatKit's `api` options need for requests to be accepted."""

LEEWAY = 10
"""Seconds by which the issuer's clock may differ from ours."""

MAX_TOKEN_CHARS = 16_384
"""The longest token that is read."""

router = APIRouter()
"""There are no endpoints here: the issuer has them."""

_REASONS: tuple[tuple[type[jwt.PyJWTError], str, str | None], ...] = (
    (jwt.ExpiredSignatureError, "it has expired", None),
    (jwt.ImmatureSignatureError, "it is not valid yet", None),
    (jwt.InvalidIssuerError, "it is of another issuer", "iss"),
    (jwt.InvalidAudienceError, "it is for another audience", "aud"),
    (InvalidSubjectError, "its sub is not a user id", None),
    (jwt.InvalidAlgorithmError, "its algorithm is not accepted", "alg"),
    (jwt.InvalidSignatureError, "its signature is wrong", None),
    (jwt.InvalidKeyError, "the issuer has no such key", "kid"),
    (jwt.PyJWTError, "it is not a signed JWT", None),
)
"""What the log says of a token, and what of it to compare, by what PyJWT raised; the first that
fits."""


class AuthSettings(CommonSettings):
    """Whose tokens are accepted."""

    oidc_issuer: str
    """What `iss` must be, exactly; also where the issuer's configuration is found."""
    oidc_audience: str
    """What `aud` must be or contain: the name that the issuer has for this backend."""
    oidc_jwks_url: str | None = None
    """Where the issuer's keys are, if it has no configuration that says it."""

    @field_validator("oidc_issuer", "oidc_audience")
    @classmethod
    def refuse_example(cls, value: str) -> str:
        """Reject the value of the example file."""
        if is_placeholder(value):
            raise ValueError(f"is still the placeholder {value!r}, set it to the real value")
        return value

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def refuse_unsafe_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Reject an address at which someone else could answer."""
        development = info.data.get("app_env") == "development"
        if value is not None and (problem := problem_with(value, allow_http=development)):
            raise ValueError(f"{value!r} {problem}")
        return value


class TokenBearer:
    """Takes the user from the `sub` of a token that the issuer signed for this backend.

    Args:
        settings: What a token must look like.
        keys: The issuer's keys.
    """

    def __init__(self, settings: AuthSettings, keys: IssuerKeys) -> None:
        self._issuer = settings.oidc_issuer
        self._audience = settings.oidc_audience
        self._expected = {"iss": self._issuer, "aud": self._audience, "alg": ", ".join(ALGORITHMS)}
        self._keys = keys
        self._refusals = RepeatedWarning("token refused")

    async def __call__(self, request: Request) -> User:
        """Return the token's user.

        Raises:
            ApiError: 401, there is no valid token; 503, the issuer has to be asked and is down.
        """
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        token = credentials.strip()
        if scheme.lower() != "bearer":
            raise unauthorized("Send a token: `Authorization: Bearer …`.")
        try:
            claims = await self._verify(token)
        except jwt.PyJWTError as error:
            # The reason would help to forge a token; the owner finds it in the log.
            self._log(error, token)
            raise unauthorized("The token is not valid.") from None
        except IssuerUnavailableError as error:
            raise ApiError(
                503,
                "issuer_unavailable",
                "Tokens cannot be checked now; try again soon.",
                {"Retry-After": str(error.retry_after)},
            ) from None
        return User(claims["sub"], claims, token)

    async def _verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a valid token.

        Raises:
            PyJWTError: It is not valid.
            IssuerUnavailableError: It may be valid, with a key that is not known yet.
        """
        if len(token) > MAX_TOKEN_CHARS:
            raise jwt.DecodeError("too long")
        header = jwt.get_unverified_header(token)
        if (algorithm := header.get("alg")) not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        # First without the signature: the issuer need not be asked about tokens of others.
        self._decode(token, None)
        key = await self._keys.find(algorithm, header.get("kid"))
        if key is None:
            raise jwt.InvalidKeyError
        return self._decode(token, key)

    def _decode(self, token: str, key: jwt.PyJWK | None) -> dict[str, Any]:
        """Check everything but the key's origin; without a *key*, all but the signature."""
        claims = jwt.decode(
            token,
            key or "",
            algorithms=ALGORITHMS,
            issuer=self._issuer,
            audience=self._audience,
            leeway=LEEWAY,
            options={
                "verify_signature": key is not None,
                "verify_exp": True,
                "verify_nbf": True,
                "verify_iss": True,
                "verify_aud": True,
                "verify_sub": True,
                "require": ["exp", "iss", "aud", "sub"],
            },
        )
        user: str = claims["sub"]
        if not user or len(user) > 255 or not user.isprintable():
            raise InvalidSubjectError
        return claims

    def _log(self, error: jwt.PyJWTError, token: str) -> None:
        """Say which check failed, with what the owner has to compare, and without the token."""
        reason, name = next(
            (reason, name) for kind, reason, name in _REASONS if isinstance(error, kind)
        )
        if isinstance(error, jwt.MissingRequiredClaimError):
            reason, name = f"it has no {error.claim}", error.claim
        details: dict[str, object] = {}
        if name is not None:
            details["got"] = str(_part(token, name))[:200]
        if name in self._expected:
            details["expected"] = self._expected[name]
        self._refusals.log(reason, **details)


def _part(token: str, name: str) -> object:
    """Return a part of a token's header or claims, none of which is proven."""
    if name in ("alg", "kid"):
        return jwt.get_unverified_header(token).get(name)
    return jwt.decode(token, options={"verify_signature": False}).get(name)


@asynccontextmanager
async def open_auth(settings: AuthSettings, store: ChatStore) -> AsyncIterator[Authenticator]:
    """Accept the issuer's tokens; it need not answer yet."""
    async with (
        open_issuer(
            settings.oidc_issuer,
            settings.oidc_jwks_url,
            allow_http=settings.app_env == "development",
        ) as issuer,
        IssuerKeys(issuer.load_keys) as keys,
    ):
        yield TokenBearer(settings, keys)


def unauthorized(message: str) -> ApiError:
    """Return the error for a request that does not prove who sent it."""
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
