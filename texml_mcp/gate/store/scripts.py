"""The scripts that Redis runs for the store: each is one step that nothing else comes between.

A space of items is three keys: `items` (a hash: key to version, expiry and value), `order` (a sorted set:
key to the moment of its first put) and `expiry` (a sorted set: key to when it expires). A series is a
sorted set of amounts by time. None of them has an expiry of Redis' own, so that a policy that evicts
only keys which expire leaves them alone.

ARGV starts with the caller's time and whether the server's own counts instead. Then every time that a
caller gives is moved by the difference, and every time that it gets is moved back: replicas whose clocks
differ still agree on what has expired and on what happened within a minute.
"""

from __future__ import annotations

_CLOCK = """
local given, moved = tonumber(ARGV[1]), 0
local now = given
if ARGV[2] == 'server' then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1000000
  moved = now - given
end
local function exact(number) return string.format('%.17g', number) end
local function here(text) return exact(tonumber(text) + moved) end
local function there(number) return exact(tonumber(number) - moved) end
"""

# KEYS: items, order, expiry, sequence, spaces. Expired items are swept here, a few with each change, so
# that a server that runs for months needs no housekeeping; a minute late, for readers that look back.
_ITEMS = (
    _CLOCK
    + """
local function live(key)
  local raw = redis.call('HGET', KEYS[1], key)
  if not raw then return nil end
  local version, expires, value = string.match(raw, '^(%d+) (%S+) (.*)$')
  if expires ~= '-' and tonumber(expires) <= now then return nil end
  return version, expires, value
end
local function remove(key)
  redis.call('ZREM', KEYS[2], key)
  redis.call('ZREM', KEYS[3], key)
  return redis.call('HDEL', KEYS[1], key)
end
local function keep(space, key, expires, value)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', exact(now - 60), 'LIMIT', 0, 10)) do
    if old ~= key then remove(old) end
  end
  local version = redis.call('INCR', KEYS[4])
  redis.call('HSET', KEYS[1], key, version .. ' ' .. expires .. ' ' .. value)
  redis.call('ZADD', KEYS[2], 'NX', version, key)
  if expires == '-' then redis.call('ZREM', KEYS[3], key)
  else redis.call('ZADD', KEYS[3], expires, key) end
  redis.call('SADD', KEYS[5], space)
end
local function told(key)
  local version, expires, value = live(key)
  if not version then return nil end
  if expires ~= '-' then expires = there(expires) end
  return {key, version, expires, value}
end
"""
)

# space, key, expires or -, value
PUT = (
    _ITEMS
    + """
local expires = ARGV[5]
if expires ~= '-' then expires = here(expires) end
keep(ARGV[3], ARGV[4], expires, ARGV[6])
return 1
"""
)
CLAIM = (
    _ITEMS
    + """
if live(ARGV[4]) then return 0 end
local expires = ARGV[5]
if expires ~= '-' then expires = here(expires) end
keep(ARGV[3], ARGV[4], expires, ARGV[6])
return 1
"""
)
# space, key, version, value
REPLACE = (
    _ITEMS
    + """
local version, expires = live(ARGV[4])
if not version or version ~= ARGV[5] then return 0 end
keep(ARGV[3], ARGV[4], expires, ARGV[6])
return 1
"""
)
# space, key
GET = _ITEMS + "return told(ARGV[4])"
TAKE = (
    _ITEMS
    + """
local _, _, value = live(ARGV[4])
remove(ARGV[4])
return value
"""
)
# space, key, and the value that it must hold, if any
DELETE = (
    _ITEMS
    + """
local _, _, value = live(ARGV[4])
if ARGV[5] and value ~= ARGV[5] then return 0 end
return remove(ARGV[4])
"""
)
# space, limit, whether the newest come first
LIST = (
    _ITEMS
    + """
local found, most, from = {}, tonumber(ARGV[4]), 0
local command = ARGV[5] == '1' and 'ZREVRANGE' or 'ZRANGE'
while #found < most do
  local keys = redis.call(command, KEYS[2], from, from + 199)
  if #keys == 0 then break end
  for _, key in ipairs(keys) do
    local item = told(key)
    if item and #found < most then found[#found + 1] = item end
  end
  from = from + 200
end
return found
"""
)
# space, the moment: at most 500 in one step, so that nobody waits long
PURGE = (
    _ITEMS
    + """
local old = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', here(ARGV[4]), 'LIMIT', 0, 500)
for _, key in ipairs(old) do remove(key) end
return #old
"""
)

# A member of a series is its amount and its id.
_SERIES = (
    _CLOCK
    + """
local function counted(key, since)
  local members = redis.call('ZRANGEBYSCORE', key, since, '+inf')
  local sum = 0
  for _, member in ipairs(members) do sum = sum + tonumber(string.match(member, '^%S+')) end
  return #members, sum
end
"""
)
# KEYS: the series. since
TOTAL = (
    _SERIES
    + """
local entries, sum = counted(KEYS[1], here(ARGV[3]))
return {entries, exact(sum)}
"""
)
# KEYS: the index of all series, one series a limit, one an amount.
# How many limits and how long amounts are kept; a limit is since, most, adding, of; an amount at, member.
RESERVE = (
    _SERIES
    + """
local limits, at = tonumber(ARGV[3]), 5
local oldest = exact(now - tonumber(ARGV[4]))
for index = 1, limits do
  local key, since, entries, sum = KEYS[1 + index], here(ARGV[at])
  if ARGV[at + 3] == 'entries' then sum = redis.call('ZCOUNT', key, since, '+inf')
  else entries, sum = counted(key, since) end
  if sum + tonumber(ARGV[at + 2]) > tonumber(ARGV[at + 1]) then return {index - 1, exact(sum)} end
  at = at + 4
end
for index = limits + 2, #KEYS do
  local moment = here(ARGV[at])
  redis.call('ZREMRANGEBYSCORE', KEYS[index], '-inf', oldest)
  redis.call('ZADD', KEYS[index], moment, ARGV[at + 1])
  redis.call('ZADD', KEYS[1], 'GT', moment, KEYS[index])
  at = at + 2
end
for _, series in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', oldest, 'LIMIT', 0, 10)) do
  redis.call('DEL', series)
  redis.call('ZREM', KEYS[1], series)
end
return false
"""
)
# KEYS: one series an amount. The members.
RELEASE = """
for index, key in ipairs(KEYS) do redis.call('ZREM', key, ARGV[index]) end
return 1
"""
# KEYS: the index of all series. Before which moment; from which place in the index, and how many.
TRIM = (
    _CLOCK
    + """
local gone, left, oldest = 0, 0, here(ARGV[3])
local from = tonumber(ARGV[4])
local some = redis.call('ZRANGE', KEYS[1], from, from + tonumber(ARGV[5]) - 1)
for _, series in ipairs(some) do
  gone = gone + redis.call('ZREMRANGEBYSCORE', series, '-inf', '(' .. oldest)
  if redis.call('EXISTS', series) == 0 then redis.call('ZREM', KEYS[1], series)
  else left = left + 1 end
end
return {#some, gone, left}
"""
)
# KEYS: the bucket, which is the moment at which it will be full again. capacity, seconds for a token
DRAW = (
    _CLOCK
    + """
local capacity, token = tonumber(ARGV[3]), tonumber(ARGV[4])
local full = tonumber(redis.call('GET', KEYS[1]) or now)
full = math.max(now, math.min(full, now + capacity * token))
local wait = full + token - capacity * token - now
if wait > 0 then return exact(wait) end
full = full + token
redis.call('SET', KEYS[1], exact(full), 'PX', math.ceil((full - now) * 1000) + 1000)
return '0'
"""
)
