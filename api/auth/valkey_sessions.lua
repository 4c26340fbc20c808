-- The operations on sessions, each atomic: ARGV holds its name, the keys' prefix, its arguments.
-- A session is a hash that expires at its idle or absolute end, whichever is earlier. Its id is
-- indexed in sorted sets by subject and by the provider's session, with the absolute end as score.
-- Times are milliseconds of this server's clock, so that all servers of the API agree on them.

local operation, prefix = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function text(number)
  return string.format('%.0f', number)
end

local function session_key(id)
  return prefix .. 'session:' .. id
end

local function index_keys(subject, provider_session)
  local keys = { prefix .. 'subject:' .. subject }
  if provider_session ~= '' then
    keys[2] = prefix .. 'provider-session:' .. provider_session
  end
  return keys
end

local function add_to_index(index, id, ends_at)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', text(now))
  redis.call('ZADD', index, text(ends_at), id)
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', index, text(tonumber(last[2])))
end

local function extend(id, ends_at, idle)
  local earlier = math.min(ends_at, now + idle)
  redis.call('PEXPIREAT', session_key(id), text(earlier))
  return earlier
end

-- Delete the session; returns its encrypted tokens and access token, or nil if there was none.
local function remove(id)
  local fields = redis.call('HMGET', session_key(id),
    'sealed_tokens', 'access_token_hash', 'access_expires_at', 'subject', 'provider_session')
  if not fields[1] then
    return nil
  end
  redis.call('DEL', session_key(id))
  for _, index in ipairs(index_keys(fields[4], fields[5])) do
    redis.call('ZREM', index, id)
  end
  return { fields[1], fields[2], fields[3] }
end

local operations = {}

function operations.open(id, lifetime, idle, ...)
  local key, ends_at = session_key(id), now + lifetime
  redis.call('HSET', key, 'ends_at', text(ends_at), ...)
  local indexed = redis.call('HMGET', key, 'subject', 'provider_session')
  for _, index in ipairs(index_keys(indexed[1], indexed[2])) do
    add_to_index(index, id, ends_at)
  end
  extend(id, ends_at, tonumber(idle))
end

function operations.find(id, idle)
  local fields = redis.call('HMGET', session_key(id),
    'subject', 'username', 'scopes', 'refresh_due_at', 'access_expires_at', 'ends_at')
  if not fields[1] then
    return nil
  end
  local ends_at = extend(id, tonumber(fields[6]), tonumber(idle))
  local due, expired = tonumber(fields[4]) <= now, tonumber(fields[5]) <= now
  return { fields[1], fields[2], fields[3], text(ends_at), due and 1 or 0, expired and 1 or 0 }
end

function operations.claim_refresh(id, lease)
  local fields = redis.call('HMGET', session_key(id),
    'sealed_tokens', 'refresh_due_at', 'refreshing_until')
  if not fields[1] or tonumber(fields[2]) > now or tonumber(fields[3] or 0) >= now then
    return nil
  end
  redis.call('HSET', session_key(id), 'refreshing_until', text(now + lease))
  return fields[1]
end

function operations.release_refresh(id)
  redis.call('HDEL', session_key(id), 'refreshing_until')
end

-- Returns the former access token's hash and expiry; nil if the session has ended.
function operations.save_refresh(id, ...)
  local key = session_key(id)
  local former = redis.call('HMGET', key, 'access_token_hash', 'access_expires_at')
  if not former[1] then
    return nil
  end
  redis.call('HSET', key, ...)
  redis.call('HDEL', key, 'refreshing_until')
  return former
end

operations['end'] = remove

function operations.end_by_logout_token(subject, provider_session)
  local keys, ended = index_keys(subject, provider_session), {}
  for _, id in ipairs(redis.call('ZRANGE', keys[#keys], 0, -1)) do
    local owner = redis.call('HGET', session_key(id), 'subject')
    if owner and (subject == '' or subject == owner) then
      ended[#ended + 1] = remove(id)
    end
  end
  return ended
end

return operations[operation](unpack(ARGV, 3))
