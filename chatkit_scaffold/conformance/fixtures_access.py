"""Requests that a server refuses, and the two users whose data it keeps apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatkit_scaffold.conformance.credentials import Credential, as_headers
from chatkit_scaffold.conformance.expectations import (
    require_no_server_error,
    skip,
    untestable,
)
from chatkit_scaffold.conformance.fixtures import OwnThread, fixture, own_thread, unknown_thread
from chatkit_scaffold.conformance.target import Target
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange, item_text, rows

_MOST_CREDENTIALS = 6
"""Of more than this, the others are always sent: each one costs several requests."""


@fixture
async def listed_without_credentials(target: Target) -> Exchange:
    """The response to `threads.list` without credentials; skips the check if none were passed."""
    if not target.authenticated:
        skip("no credentials were passed with --header")
    client = await target.client_without_credentials("a client without credentials")
    return await client.call("threads.list", limit=1)


async def require_credentials_needed(target: Target) -> None:
    """Skip the check if the server serves clients without credentials as well."""
    if (await listed_without_credentials(target)).ok:
        skip("the server does not require credentials")


@fixture
async def provoked_errors(target: Target) -> list[Exchange]:
    """The responses to three requests that are not valid."""
    return [
        await target.user.call("threads.get_by_id", thread_id=unknown_thread()),
        await target.user.send_raw(b"{not json"),
        await target.user.call("threads.get_by_id"),
    ]


@dataclass(frozen=True, slots=True)
class Replaceable:
    """Credentials whose validity decides whether the server accepts a request.

    Attributes:
        replaced: Those to replace, all at once.
        kept: Those to send as they are, because the server requires them, too.
    """

    replaced: tuple[Credential, ...]
    kept: tuple[Credential, ...] = ()


@fixture
async def replaceable(target: Target) -> list[Replaceable]:
    """The first user's credentials, each with the others that it is valid with.

    A credential that the server does not look at, because another one is enough, is tried
    without that one; one that it never looks at, such as a cookie with the page's colors, is
    left out. So is a header that is required but need not be a secret, such as a tenant's id:
    a server may accept any value of it from a user it knows by another one.
    """
    used = await _used_credentials(target)
    found = []
    for one in used[:_MOST_CREDENTIALS]:
        kept = await _required_with(target, one, used)
        if not await _accepted(target, kept):
            found.append(Replaceable((one,), kept))
    secrets = [place for place in found if place.replaced[0].seems_secret]
    places = secrets or (found if len(found) == 1 else [Replaceable(tuple(used))])
    if all(one.header.lower() != "authorization" for one in target.credentials):
        places.append(Replaceable((Credential("Authorization", "Bearer token"),)))
    return places


async def _used_credentials(target: Target) -> list[Credential]:
    """Return the credentials whose names are those of secrets, if the server needs no others."""
    secrets = [one for one in target.credentials if one.seems_secret]
    if secrets and (secrets == target.credentials or await _accepted(target, secrets)):
        return secrets
    return target.credentials


async def _required_with(
    target: Target, credential: Credential, used: list[Credential]
) -> tuple[Credential, ...]:
    """Return the other credentials without as many as the server accepts to be left out."""
    kept = tuple(one for one in used if one != credential)
    for other in kept[:_MOST_CREDENTIALS]:
        fewer = tuple(one for one in kept if one != other)
        if await _accepted(target, (*fewer, credential)):
            kept = fewer
    return kept


async def _accepted(target: Target, credentials: Iterable[Credential]) -> bool:
    """Return whether the server accepts a request with only these credentials."""
    sent = frozenset(credentials)
    if not sent or sent == {*target.credentials}:
        return bool(sent)
    known: dict[frozenset[Credential], bool] = target.fixtures.setdefault(_accepted, {})
    if sent not in known:
        client = await target.client_without_credentials(
            "the user with fewer credentials",
            as_headers(one for one in target.credentials if one in sent),
        )
        known[sent] = (await client.call("threads.list", limit=1)).ok
    return known[sent]


@fixture
async def listed_by_second_user(target: Target) -> Exchange:
    """The second user's first `threads.list`; skips the check if there is no such user."""
    if target.second_user is None:
        skip("a second user is required: pass credentials with --other-header")
    return await target.second_user.call("threads.list", limit=1, order="desc")


async def second_user(target: Target) -> Chatkit:
    """Return the second user, whose credentials the server accepts."""
    response = await listed_by_second_user(target)
    require_no_server_error(response)
    if not response.ok or target.second_user is None:
        untestable("the server rejects the second user's credentials (--other-header)")
    return target.second_user


@fixture
async def victim(target: Target) -> OwnThread:
    """A thread of the first user, which the second one tries to read and to change.

    Several checks share it: on a right backend it never changes, and each check judges only what
    its own request has done.
    """
    return await own_thread(target)


@fixture
async def victim_last_read(target: Target) -> Exchange:
    """The victim as the first user has read it last: a foreign retry can have changed its answers.

    The check that tries one presets it.
    """
    return (await victim(target)).read


@fixture
async def victim_read_by_second_user(target: Target) -> Exchange:
    """The response to the second user's request for the victim."""
    other, thread = await second_user(target), await victim(target)
    return await other.call("threads.get_by_id", thread_id=thread.id)


async def foreign_thread(target: Target) -> tuple[Chatkit, OwnThread]:
    """Return the second user, and the thread of the first user to try to change.

    A backend that ignores the id in a request would change a conversation of the second user
    instead, which may have been there before; on such a backend, the check is untestable.
    """
    other, thread = await second_user(target), await victim(target)
    read = await victim_read_by_second_user(target)
    if read.ok and [*_texts(read)] != [*_texts(thread.read)]:
        untestable("the server returns another thread than the one that is requested")
    return other, thread


def _texts(read: Exchange) -> Iterator[str]:
    return map(item_text, rows(read.json, "items", "data"))
