"""Small JSON documents of the application, in Redis.

An owner's documents of one kind are in a hash by key, with a sorted set of the order in which
they were added, and another one of those that expire.
"""

import json
import time
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Any

from app.base import ChatStore
from app.entries import Entry, Record, parse_value
from app.errors import StartupError
from app.leases import Leases
from app.redis_store.keys import PREFIX, valid_id
from app.redis_store.server import Call, RedisServer
from app.redis_store.store import RedisStore
from app.redis_store.transfer import ROWS, Link, has_no_keys, names_after

Value = dict[str, Any]

_DOCUMENTS = f"{PREFIX}records:"
"""What the keys of documents begin with; the kind and the owner follow."""

# Keys: the documents, their order, and the times at which they expire. The first argument is the
# time now. What has expired counts as missing; some of it is deleted by the way, and Redis
# deletes the keys when nothing valid is left in them.
_BEGIN = """
local documents, order, ends = unpack(KEYS)
local now = tonumber(ARGV[1])

local function valid(key)
    local expires = redis.call('ZSCORE', ends, key)
    return not expires or tonumber(expires) > now
end

local function remove(key)
    redis.call('HDEL', documents, key)
    redis.call('ZREM', order, key)
    redis.call('ZREM', ends, key)
end

local function settle()
    for _, key in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', ARGV[1], 'LIMIT', 0, 100)) do
        remove(key)
    end
    local last = redis.call('ZREVRANGE', ends, 0, 0, 'WITHSCORES')
    local all_end = redis.call('ZCARD', ends) == redis.call('ZCARD', order)
    for _, key in ipairs(KEYS) do
        if all_end and last[2] then
            redis.call('PEXPIREAT', key, math.ceil(tonumber(last[2]) * 1000))
        else
            redis.call('PERSIST', key)
        end
    end
end
"""


def _script(operation: str) -> str:
    return _BEGIN + operation


# More arguments: the key, the document, and when it expires, or nothing.
_ADD = _script("""
local key = ARGV[2]
if redis.call('HEXISTS', documents, key) == 1 and valid(key) then return 0 end
remove(key)
local last = redis.call('ZREVRANGE', order, 0, 0, 'WITHSCORES')
redis.call('ZADD', order, (last[2] or 0) + 1, key)
redis.call('HSET', documents, key, ARGV[3])
if ARGV[4] ~= '' then redis.call('ZADD', ends, ARGV[4], key) end
settle()
return 1
""")

# Argument: the key.
_LOAD = _script("""
return valid(ARGV[2]) and redis.call('HGET', documents, ARGV[2])
""")

# Arguments: the key, the new document, and the one to replace.
_REPLACE = _script("""
local key = ARGV[2]
if not valid(key) or redis.call('HGET', documents, key) ~= ARGV[4] then return 0 end
redis.call('HSET', documents, key, ARGV[3])
return 1
""")

# Argument: the key.
_DELETE = _script("""
local found = valid(ARGV[2]) and redis.call('HEXISTS', documents, ARGV[2]) or 0
remove(ARGV[2])
settle()
return found
""")

# Argument: how many.
_LIST = _script("""
local found, seen, limit = {}, 0, tonumber(ARGV[2])
while #found < limit do
    local keys = redis.call('ZRANGE', order, seen, seen + limit - #found - 1)
    if #keys == 0 then break end
    for _, key in ipairs(keys) do
        if valid(key) then found[#found + 1] = {key, redis.call('HGET', documents, key)} end
    end
    seen = seen + #keys
end
return found
""")

_DELETE_ALL = _script("""
local expired = redis.call('ZCOUNT', ends, '-inf', ARGV[1])
local count = redis.call('HLEN', documents) - expired
redis.call('UNLINK', documents, order, ends)
return count
""")

# Arguments: the place before the first document, and the number of documents. Returns their places,
# keys, texts and, if they expire, when; expired ones have no text.
_PAGE = _script("""
local page = {}
local keys = redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[2], '+inf', 'WITHSCORES',
    'LIMIT', 0, ARGV[3])
for n = 1, #keys, 2 do
    page[#page + 1] = {keys[n + 1], keys[n],
        valid(keys[n]) and redis.call('HGET', documents, keys[n]),
        redis.call('ZSCORE', ends, keys[n])}
end
return page
""")

# Argument: the key. Returns the text, and when it expires.
_FIND = _script("""
return {redis.call('HGET', documents, ARGV[2]), redis.call('ZSCORE', ends, ARGV[2])}
""")


class Records:
    """Keeps documents by kind, owner and key. Every method is one script.

    All raise `StoreUnavailableError` if Redis cannot be used. A turn that has lost its lease cannot
    change them.
    """

    def __init__(self, server: RedisServer, leases: Leases) -> None:
        self._server = server
        self._leases = leases

    async def add(
        self, kind: str, owner: str, key: str, value: Value, expires_at: float | None = None
    ) -> bool:
        """Save a document that does not exist yet; return False if it does.

        Args:
            kind: What it is, such as `accounts`.
            owner: Whose it is.
            key: Which of the owner's documents it is.
            value: The document.
            expires_at: After this time, in Unix seconds, it counts as missing.
        """
        arguments = (valid_id(key), _text(value), _end(expires_at))
        return bool(await self._write(_ADD, kind, owner, *arguments))

    async def load(self, kind: str, owner: str, key: str) -> Value | None:
        """Return a document, or None if there is none."""
        text = await self._run(_LOAD, kind, owner, valid_id(key))
        return None if text is None else _value(text)

    async def replace(self, kind: str, owner: str, key: str, value: Value, was: Value) -> bool:
        """Replace a document unless someone else has changed it; return whether it was replaced.

        Args:
            kind: What it is.
            owner: Whose it is.
            key: Which it is.
            value: The new document.
            was: The document that is to be replaced, as it was loaded.
        """
        texts = (_text(value), _text(was))
        return bool(await self._write(_REPLACE, kind, owner, valid_id(key), *texts))

    async def delete(self, kind: str, owner: str, key: str) -> bool:
        """Delete a document; return whether there was one."""
        return bool(await self._write(_DELETE, kind, owner, valid_id(key)))

    async def listed(self, kind: str, owner: str, limit: int) -> list[tuple[str, Value]]:
        """Return up to *limit* of an owner's documents by key, oldest first."""
        found = await self._run(_LIST, kind, owner, limit)
        return [(key, _value(text)) for key, text in found]

    async def delete_all(self, kind: str, owner: str) -> int:
        """Delete the owner's documents of a kind; return how many there were."""
        return int(await self._write(_DELETE_ALL, kind, owner))

    async def _write(self, script: str, kind: str, owner: str, *arguments: str) -> Any:
        await self._leases.require()
        return await self._run(script, kind, owner, *arguments)

    async def _run(self, script: str, kind: str, owner: str, *arguments: str | int) -> Any:
        return await self._server.execute(*_call(script, kind, valid_id(owner), *arguments))


def records_of(store: ChatStore) -> Records:
    """Return the records in the store's Redis."""
    if not isinstance(store, RedisStore):
        raise TypeError(f"{type(store).__name__} keeps no records")
    return Records(store.server, store.leases)


class Documents:
    """All documents, for an export or an import."""

    kinds: tuple[type[Entry], ...] = (Record,)

    def __init__(self, link: Link) -> None:
        self._server = link.server

    def fit(self, entry: Entry) -> Entry:
        """Return the entry: every document can be kept."""
        return entry

    async def dump(self) -> AsyncIterator[Entry]:
        """Read all documents that have not expired."""
        async for name in names_after(self._server, _DOCUMENTS):
            kind, _, owner = name.partition(":")
            async for entry in self._of(kind, owner):
                yield entry

    async def is_empty(self) -> bool:
        """Return whether there is no document."""
        return await has_no_keys(self._server, _DOCUMENTS)

    async def find(self, entries: Sequence[Entry]) -> Collection[Entry]:
        """Return the documents of the same names."""
        own = [entry for entry in entries if isinstance(entry, Record)]
        calls = [_call(_FIND, entry.kind, entry.owner, entry.key) for entry in own]
        results = await self._server.execute_all(calls)
        return [
            _record(entry.kind, entry.owner, entry.key, *result)
            for entry, result in zip(own, results, strict=True)
            if result[0] is not None
        ]

    async def load(self, entries: Sequence[Entry]) -> None:
        """Add documents in one transaction.

        Raises:
            StartupError: One exists already.
        """
        own = [entry for entry in entries if isinstance(entry, Record)]
        results = await self._server.execute_all([_adding(entry) for entry in own])
        if 0 in results:
            raise StartupError(f"the store has {own[results.index(0)].key!r} already")

    async def _of(self, kind: str, owner: str) -> AsyncIterator[Entry]:
        place = "0"
        while found := await self._server.execute(*_call(_PAGE, kind, owner, place, ROWS)):
            for _, key, text, end in found:
                if text is not None:
                    yield _record(kind, owner, key, text, end)
            place = found[-1][0]


def _adding(entry: Record) -> Call:
    arguments = (entry.key, _text(entry.value), _end(entry.expires_at))
    return _call(_ADD, entry.kind, entry.owner, *arguments)


def _record(kind: str, owner: str, key: str, text: str, end: str | None) -> Record:
    return Record(
        type="record",
        kind=kind,
        owner=owner,
        key=key,
        expires_at=None if end is None else float(end),
        value=parse_value(text),
    )


def _call(script: str, kind: str, owner: str, *arguments: str | int) -> Call:
    return script, _keys(kind, owner), [repr(time.time()), *arguments]


def _end(expires_at: float | None) -> str:
    return "" if expires_at is None else repr(float(expires_at))


def _keys(kind: str, owner: str) -> Sequence[str]:
    """Return the keys of an owner's documents; a kind has no colon, so no two are the same."""
    return [f"{PREFIX}{what}:{kind}:{owner}" for what in ("records", "record-order", "record-ends")]


def _text(value: Value) -> str:
    """Return the document as text that is the same for the same document."""
    return json.dumps(value, sort_keys=True)


def _value(text: str) -> Value:
    value: Value = json.loads(text)
    return value
