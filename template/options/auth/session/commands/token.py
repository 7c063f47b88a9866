"""Print a header that signs USER in at the running backend, for local work."""

import argparse
import hmac
import ipaddress
import json
from http.client import HTTPConnection, HTTPException
from http.cookies import SimpleCookie

from app.auth import AuthSettings
from app.errors import StartupError
from app.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what follows `token` on the command line."""
    parser.add_argument(
        "user", metavar="USER", help="an e-mail address, or a name: alice is alice@example.com"
    )


def run(settings: Settings, arguments: argparse.Namespace) -> None:
    """Print the header.

    Raises:
        StartupError: In production, where users sign in themselves; or the backend does not run
            or refuses the user.
    """
    print(f"Cookie: {session_cookie(arguments.user, settings)}")


def session_cookie(user: str, settings: AuthSettings) -> str:
    """Sign *user* in, with a new account if there is none, and return the cookie.

    Raises:
        StartupError: In production; or the backend does not run or refuses the user.
    """
    if settings.app_env == "production":
        raise StartupError("APP_ENV=production does not sign users in from the command line")
    email = user if "@" in user else f"{user}@example.com"
    secret = settings.session_secret.get_secret_value().encode()
    # The same each time, and known to nobody without the secret.
    password = hmac.digest(secret, f"password of {email}".encode(), "sha256").hex()
    body = json.dumps({"email": email, "password": password})
    cookie, _ = post("/auth/register", body, settings)
    if not cookie:
        cookie, reason = post("/auth/login", body, settings)
    if not cookie:
        raise StartupError(f"{email} cannot sign in: {reason}")
    return cookie


def post(path: str, body: str, settings: AuthSettings) -> tuple[str, str]:
    """Send the body to the running backend; return the cookie that it sets, and its error."""
    host = "127.0.0.1" if is_any_address(settings.host) else settings.host
    connection = HTTPConnection(host, settings.port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, HTTPException, ValueError):
        raise StartupError(
            f"no backend answers at HOST={settings.host} PORT={settings.port}; "
            "start it first: uv run python -m app"
        ) from None
    finally:
        connection.close()
    cookies = SimpleCookie(response.getheader("Set-Cookie", ""))
    cookie = "".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
    return cookie, answer["error"]["message"] if "error" in answer else ""


def is_any_address(host: str) -> bool:
    """Return whether a server at *host* listens on all addresses of the machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
