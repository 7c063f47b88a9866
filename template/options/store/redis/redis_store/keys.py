"""The names of the keys.

An id is the last part of a name, after a fixed one, so two ids never make the same name, whatever
characters they have. All names begin with the same hash tag: where keys are spread over several
nodes, these stay together, and one script can use all of them.
"""

from chatkit.store import NotFoundError

PREFIX = "{chatkit}:"
THREAD = f"{PREFIX}thread:"
"""What the key of a thread begins with."""
THREADS = f"{PREFIX}threads:"
"""What the key of a user's threads begins with."""
KEY_OF_PING = f"{PREFIX}ping"
COUNTERS = f"{PREFIX}counters"
"""What the keys of counters begin with."""

ID_LENGTH = 255
"""Maximum length of a user's, thread's or item's id, in characters."""


def valid_id(identifier: str) -> str:
    """Return an id that can be a part of a key's name.

    Raises:
        NotFoundError: It is too long or has a NUL in it, so nothing can be named like that.
    """
    if len(identifier) > ID_LENGTH or "\0" in identifier:
        raise NotFoundError("An id is too long or has a NUL in it.")
    return identifier


def keys_of_thread(thread_id: str) -> list[str]:
    """Return the keys of a thread: itself, its items in order, their payloads, and feedback."""
    return [f"{PREFIX}{kind}:{thread_id}" for kind in ("thread", "order", "items", "feedback")]


def keys_of_user(user_id: str) -> list[str]:
    """Return the keys of a user: the threads in order, and when each of them expires."""
    return [f"{PREFIX}{kind}:{user_id}" for kind in ("threads", "deadlines")]


def key_of_lease(thread_id: str) -> str:
    """Return the key of the lease of a thread's turn."""
    return f"{PREFIX}lease:{thread_id}"
