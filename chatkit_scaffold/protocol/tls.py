"""TLS: whom to trust, and what a failed handshake means."""

import asyncio
import contextlib
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from chatkit_scaffold.errors import ScaffoldError

_PRIVATE = "Pass the certificate of its authority with --ca-file or SSL_CERT_FILE, or --insecure."
_RENEW = "Renew the certificate, or pass --insecure."
_RENAME = "Use a host name that the certificate is for, or pass --insecure."

# By X509_V_ERR_… of OpenSSL's x509_vfy.h: what is wrong with the certificate, and what to do.
_CERTIFICATE_PROBLEMS = {
    9: ("the server's certificate is not valid yet", "Check the clocks, or pass --insecure."),
    10: ("the server's certificate has expired", _RENEW),
    18: ("the server's certificate is self-signed", _PRIVATE),
    19: ("the server's certificate is from a private authority", _PRIVATE),
    20: ("the server's certificate is from an unknown authority", _PRIVATE),
    21: ("the server's certificate is from an unknown authority", _PRIVATE),
    62: ("the server's certificate is for another host name", _RENAME),
    64: ("the server's certificate is for another IP address", _RENAME),
}
_NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"}
"""OpenSSL's reasons for an answer in plain text."""
_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, slots=True)
class TlsProblem:
    """Why there is no secure connection.

    Attributes:
        error: The reason in a few words.
        advice: What to do about it.
    """

    error: str
    advice: str


def trust(*, ca_file: Path | None = None, insecure: bool = False) -> ssl.SSLContext:
    """Return what to trust: the usual authorities, or those of SSL_CERT_FILE or SSL_CERT_DIR.

    Args:
        ca_file: Certificates in PEM to trust as well.
        insecure: Whether to trust any certificate.

    Raises:
        ScaffoldError: A file of certificates cannot be read.
    """
    if insecure:
        return httpx.create_ssl_context(verify=False)
    context = _usual_trust()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except OSError as error:
            raise _unreadable(f"The CA file {ca_file}", error) from None
    return context


def _usual_trust() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        name = next(name for name in _VARIABLES if os.environ.get(name))
        raise _unreadable(f"{name}={os.environ[name]}", error) from None


def _unreadable(what: str, error: OSError) -> ScaffoldError:
    reason = "it has no certificate" if isinstance(error, ssl.SSLError) else error.strerror
    return ScaffoldError(
        f"{what} cannot be used: {reason}",
        hint="Pass a file in PEM format, with the lines -----BEGIN CERTIFICATE-----.",
    )


def explain(error: BaseException) -> TlsProblem | None:
    """Return what is wrong with TLS, given an error of the connection; None if it is not that."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return None
    if isinstance(cause, ssl.SSLCertVerificationError):
        unknown = f"the server's certificate is not trusted ({cause.verify_message})", _PRIVATE
        return TlsProblem(*_CERTIFICATE_PROBLEMS.get(cause.verify_code, unknown))
    if cause.reason in _NOT_TLS:
        return TlsProblem("the server does not speak TLS at this port", "Use http:// in the URL.")
    reason = (cause.reason or "handshake failure").replace("_", " ").lower()
    return TlsProblem(
        f"the TLS handshake failed ({reason})", "Check the server's TLS settings and its log."
    )


async def speaks_tls(url: str, within: float) -> bool:
    """Return whether the server at an `http://` URL expects TLS."""
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    try:
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or 80, ssl=trust(insecure=True)
            )
    except (OSError, TimeoutError):
        return False
    # Without the farewell of TLS, which some servers never answer.
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
