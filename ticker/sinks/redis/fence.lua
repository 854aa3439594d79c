-- What every script of a slice shares. KEYS[1] is the slice's fence, a hash:
--   epoch, claim, n   the newest token and the last n accepted of it, live
--   before            epoch:claim:n of the last live call accepted of an older token
--   older             epoch:claim:live:late of up to 15 older tokens, oldest first, joined by ';'
--   set:<uid>         epoch:claim:seq of the last live batch of a set
--   mark, echo        the newest mark of a successor, and the newest that an accepted call echoed, since the last claim
--   ended             the slice has ended
-- ARGV[1], ARGV[2] are the epoch and the claim of the caller's token. Numbers stay below 2^53.

local fence = KEYS[1]
local epoch, claim = tonumber(ARGV[1]), tonumber(ARGV[2])
local field = redis.call('HMGET', fence, 'epoch', 'claim', 'n', 'ended', 'mark')
local newestEpoch, newestClaim, newestN = tonumber(field[1]), tonumber(field[2]), tonumber(field[3])
local ended = field[4]

-- Negative where the first token is the older one.
local function compare(e1, c1, e2, c2)
  if e1 ~= e2 then return e1 - e2 end
  return c1 - c2
end

local function decimal(number)
  return string.format('%.0f', number)
end

local function readOlder()
  local tokens = {}
  for e, c, live, late in string.gmatch(redis.call('HGET', fence, 'older') or '', '(%d+):(%d+):(%d+):(%d+)') do
    tokens[#tokens + 1] = {
      epoch = tonumber(e), claim = tonumber(c), live = tonumber(live), late = tonumber(late),
    }
  end
  return tokens
end

local function writeOlder(tokens)
  local parts = {}
  for i, t in ipairs(tokens) do
    parts[i] = table.concat({ decimal(t.epoch), decimal(t.claim), decimal(t.live), decimal(t.late) }, ':')
  end
  redis.call('HSET', fence, 'older', table.concat(parts, ';'))
end

local function find(tokens, e, c)
  for _, t in ipairs(tokens) do
    if t.epoch == e and t.claim == c then return t end
  end
end

-- Puts a token in its place, oldest first. No token where it is older than all `limit` that are kept.
local function insert(tokens, token, limit)
  local at = #tokens + 1
  while at > 1 and compare(tokens[at - 1].epoch, tokens[at - 1].claim, token.epoch, token.claim) > 0 do at = at - 1 end
  if at == 1 and #tokens >= limit then return nil end
  table.insert(tokens, at, token)
  if #tokens > limit then table.remove(tokens, 1) end
  return token
end

local function refused()
  local known = find(readOlder(), epoch, claim)
  local last = known and math.max(known.live, known.late) or 0
  return { 'refused', field[1], field[2], decimal(last) }
end

-- Fails before anything is written where a key holds something else: a script is not rolled back.
local function expectType(key, expected)
  local actual = redis.call('TYPE', key)['ok']
  if actual ~= 'none' and actual ~= expected then
    error('key ' .. key .. ' is a ' .. actual .. ', not a ' .. expected .. ': something else writes there')
  end
end
