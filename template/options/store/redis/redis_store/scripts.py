"""The store's operations, each one Lua script: Redis runs it alone, whole or not at all.

A thread is a hash with its owner, payload and title. Its items are in a hash of payloads by id,
and in a sorted set by the order in which they came; the user's threads are in a sorted set, too.
A page is read from a set by its place, so it costs the same however long the set is.

Every script that is about a thread begins with `_BEGIN`: it gets the same keys and first
arguments, and returns nothing unless the thread is the user's.
"""

_BEGIN = """
local thread, order, items, feedback, threads, deadlines, lease = unpack(KEYS)
local user, id, lifetime, holder = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local owner = redis.call('HGET', thread, 'user')
"""

_OWN = """
if owner ~= user then return false end
"""

_OWN_OR_NEW = """
if owner and owner ~= user then return false end
"""

# The place after the last one of a sorted set.
_NEXT = """
local function next_place(set)
    local last = redis.call('ZREVRANGE', set, 0, 0, 'WITHSCORES')
    return (last[2] or 0) + 1
end
"""

# What a health check writes, and leaves nothing of.
PING = """
redis.call('SET', KEYS[1], '1')
return redis.call('DEL', KEYS[1])
"""

LEASE_LOST = "LEASELOST"
"""Begins the error of a write whose turn has lost its lease."""

# A turn that has lost its lease cannot write. The script runs alone, so no other process can get
# the lease between this check and the write.
_FENCE = """
if holder ~= '' and redis.call('HGET', lease, 'holder') ~= holder then
    return redis.error_reply('LEASELOST Another process may have answered in the thread.')
end
"""

# Every write puts off the end of the thread. All its keys have the same deadline, and the user's
# list keeps it until no thread is left. A list with threads that last forever does, too.
_TOUCH = """
local function settle(now)
    local gone = redis.call(
        'ZRANGEBYSCORE', deadlines, '-inf', string.format('(%.0f', now), 'LIMIT', 0, 100)
    for _, expired in ipairs(gone) do
        redis.call('ZREM', threads, expired)
        redis.call('ZREM', deadlines, expired)
    end
    local last = redis.call('ZREVRANGE', deadlines, 0, 0, 'WITHSCORES')
    local all_end = redis.call('ZCARD', deadlines) == redis.call('ZCARD', threads)
    for _, key in ipairs({threads, deadlines}) do
        if all_end and last[2] then
            redis.call('PEXPIREAT', key, last[2])
        else
            redis.call('PERSIST', key)
        end
    end
end

local function touch(kept)
    if lifetime == 0 and redis.call('EXISTS', deadlines) == 0 then return end
    local clock = redis.call('TIME')
    local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
    if kept and lifetime > 0 then
        redis.call('ZADD', deadlines, now + lifetime, id)
        for _, key in ipairs({thread, order, items, feedback}) do
            redis.call('PEXPIREAT', key, now + lifetime)
        end
    elseif redis.call('ZREM', deadlines, id) == 1 and kept then
        for _, key in ipairs({thread, order, items, feedback}) do
            redis.call('PERSIST', key)
        end
    end
    settle(now)
end
"""

# Returns a function that reads ids of a set from a place on, in either direction.
_PAGE = """
local function reader(set, after, ascending)
    local command = ascending and 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE'
    local first, last = '-inf', '+inf'
    if not ascending then first, last = last, first end
    if after then
        local place = redis.call('ZSCORE', set, after)
        if not place then return nil end
        first = '(' .. place
    end
    return function(offset, count)
        return redis.call(command, set, first, last, 'LIMIT', offset, count)
    end
end
"""


def _paging(script: str) -> str:
    return _PAGE + script


def _reading(script: str) -> str:
    return _BEGIN + _OWN + _PAGE + script


def _writing(script: str) -> str:
    return _BEGIN + _OWN + _FENCE + _TOUCH + _NEXT + script


def _creating(script: str) -> str:
    return _BEGIN + _OWN_OR_NEW + _FENCE + _TOUCH + _NEXT + script


# Arguments: the payload, whether there is a title, and the title. A title that is stored stays.
SAVE_THREAD = _creating("""
if not owner then redis.call('ZADD', threads, next_place(threads), id) end
redis.call('HSET', thread, 'user', user, 'payload', ARGV[5])
if ARGV[6] == '1' then redis.call('HSETNX', thread, 'title', ARGV[7]) end
touch(true)
return 1
""")

LOAD_THREAD = _reading("""
return redis.call('HMGET', thread, 'payload', 'title')
""")

# Argument: the title.
RENAME_THREAD = _writing("""
redis.call('HSET', thread, 'title', ARGV[5])
touch(true)
return redis.call('HMGET', thread, 'payload', 'title')
""")

# Argument: the title.
PROPOSE_TITLE = _writing("""
redis.call('HSETNX', thread, 'title', ARGV[5])
touch(true)
return redis.call('HGET', thread, 'title')
""")

# UNLINK takes the keys away at once, and frees the memory of a long thread in the background.
DELETE_THREAD = _writing("""
redis.call('UNLINK', thread, order, items, feedback)
redis.call('ZREM', threads, id)
touch(false)
return 1
""")

# Argument: the item's id.
LOAD_ITEM = _reading("""
return redis.call('HGET', items, ARGV[5])
""")

# Arguments: the item's id and its payload.
SAVE_ITEM = _writing("""
redis.call('ZADD', order, 'NX', next_place(order), ARGV[5])
redis.call('HSET', items, ARGV[5], ARGV[6])
touch(true)
return 1
""")

# Argument: the item's id.
DELETE_ITEM = _writing("""
if redis.call('ZREM', order, ARGV[5]) == 1 then
    redis.call('HDEL', items, ARGV[5])
    redis.call('HDEL', feedback, ARGV[5])
    touch(true)
end
return 1
""")

# Arguments: the feedback, and the items' ids. Nothing is saved if one is missing.
SAVE_FEEDBACK = _writing("""
for place = 6, #ARGV do
    if redis.call('HEXISTS', items, ARGV[place]) == 0 then return false end
end
for place = 6, #ARGV do
    redis.call('HSET', feedback, ARGV[place], ARGV[5])
end
touch(true)
return 1
""")

LOAD_FEEDBACK = _reading("""
return redis.call('HGETALL', feedback)
""")

# Arguments: `asc` or `desc`, the number of items, and the item before the page, if any.
ITEM_PAGE = _reading("""
local read = reader(order, ARGV[7], ARGV[5] == 'asc')
if not read then return false end
local ids, page = read(0, ARGV[6]), {}
-- Lua passes only so many values at once.
for begin = 1, #ids, 1000 do
    local some = redis.call('HMGET', items, unpack(ids, begin, math.min(begin + 999, #ids)))
    for _, item in ipairs(some) do page[#page + 1] = item end
end
return page
""")

# Key: the user's threads. Arguments: the user, what the names of threads' keys begin with, `asc` or
# `desc`, the number of threads, and the thread before the page, if any. Threads that have expired
# are left out, even if somebody else has one of the same name since.
THREAD_PAGE = _paging("""
local user, prefix, count, after = ARGV[1], ARGV[2], tonumber(ARGV[4]), ARGV[5]
if after and redis.call('HGET', prefix .. after, 'user') ~= user then return false end
local read = reader(KEYS[1], after, ARGV[3] == 'asc')
if not read then return false end
local page, seen = {}, 0
while #page < count do
    local ids = read(seen, count - #page)
    if #ids == 0 then break end
    for _, id in ipairs(ids) do
        local found = redis.call('HMGET', prefix .. id, 'user', 'payload', 'title')
        if found[1] == user then page[#page + 1] = {found[2], found[3]} end
    end
    seen = seen + #ids
end
return page
""")

# Key: the user's threads. Arguments: the place before the first one, and the number of threads.
# Returns ids and places.
THREADS_AFTER = """
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf', 'WITHSCORES',
    'LIMIT', 0, ARGV[2])
"""

# Arguments: the place before the first item, and the number of items. Returns the payload, the
# title, and each item's place, id, payload and feedback.
CONVERSATION = (
    _BEGIN
    + _OWN
    + """
local page = {}
local ids = redis.call('ZRANGEBYSCORE', order, '(' .. ARGV[5], '+inf', 'WITHSCORES',
    'LIMIT', 0, ARGV[6])
for n = 1, #ids, 2 do
    page[#page + 1] = {ids[n + 1], ids[n], redis.call('HGET', items, ids[n]),
        redis.call('HGET', feedback, ids[n])}
end
return {redis.call('HGET', thread, 'payload'), redis.call('HGET', thread, 'title'), page}
"""
)

# Key: a thread.
FIND_THREAD = """
return redis.call('HMGET', KEYS[1], 'user', 'payload', 'title')
"""

# Keys: those of a thread. Argument: the item's id. Returns what `CONVERSATION` does of an item, and
# the thread's user first.
FIND_ITEM = """
local thread, order, items, feedback = unpack(KEYS)
local id = ARGV[1]
return {redis.call('HGET', thread, 'user'), redis.call('ZSCORE', order, id), id,
    redis.call('HGET', items, id), redis.call('HGET', feedback, id)}
"""
