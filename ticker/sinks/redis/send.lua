-- One live call. ARGV[3] n, ARGV[4] instruments kept in latest values, ARGV[5] the mark that it echoes or '', then for each batch:
--   set UID, count, seq, stream bound or '', channel or '', payload, number of latest values,
--   and for each of these: instrument, time, row.
-- KEYS[2...]: for each batch its stream, where it has a bound; latest and times, where it has latest values.
if ended then return { 'ended' } end
if not newestEpoch then return { 'claimFirst' } end
local order = compare(epoch, claim, newestEpoch, newestClaim)
if order > 0 then return { 'claimFirst' } end
if order < 0 then return refused() end
local n = tonumber(ARGV[3])
local mark = field[5] or ''
if n <= newestN then return { 'already', mark } end
if n > newestN + 1 then return { 'gap', field[3] } end

local chunk = 500 -- unpack() and the arguments of one command are bounded

-- Newest rows: never back in time; an equal time replaces.
local function keepLatest(latest, times, first, count)
  for start = 0, count - 1, chunk do
    local names, stop = {}, math.min(start + chunk, count) - 1
    for i = start, stop do names[#names + 1] = ARGV[first + 3 * i] end
    local known = redis.call('HMGET', times, unpack(names))
    local newest, rows, stamps = {}, {}, {}
    for i = 1, #names do
      local name, at = names[i], first + 3 * (start + i - 1)
      local time, last = tonumber(ARGV[at + 1]), newest[name] or tonumber(known[i])
      if not last or time >= last then
        newest[name] = time
        rows[#rows + 1], stamps[#stamps + 1] = name, name
        rows[#rows + 1], stamps[#stamps + 1] = ARGV[at + 2], ARGV[at + 1]
      end
    end
    if #rows > 0 then
      redis.call('HSET', latest, unpack(rows))
      redis.call('HSET', times, unpack(stamps))
    end
  end
  redis.call('HDEL', latest, '@empty')

  local limit, size = tonumber(ARGV[4]), redis.call('HLEN', times)
  if size <= limit then return end
  local all, entries = redis.call('HGETALL', times), {}
  for i = 1, #all, 2 do entries[#entries + 1] = { all[i], tonumber(all[i + 1]) or 0 } end
  table.sort(entries, function(a, b) return a[2] < b[2] end)
  for i = 1, size - math.floor(limit * 0.9) do
    redis.call('HDEL', latest, entries[i][1])
    redis.call('HDEL', times, entries[i][1])
  end
end

local batches, at, key = {}, 6, 2
while at <= #ARGV do
  local batch = { at = at, latestCount = tonumber(ARGV[at + 6]) }
  if ARGV[at + 3] ~= '' then
    batch.stream, key = KEYS[key], key + 1
    expectType(batch.stream, 'stream')
  end
  if batch.latestCount > 0 then
    batch.latest, batch.times, key = KEYS[key], KEYS[key + 1], key + 2
    expectType(batch.latest, 'hash')
    expectType(batch.times, 'hash')
  end
  batches[#batches + 1] = batch
  at = at + 7 + 3 * batch.latestCount
end

-- The fence first: where Redis refuses writes (memory, replica, disk), it refuses this one, and nothing is half done.
redis.call('HSET', fence, 'n', ARGV[3])
local trimmed = 0
if ARGV[5] ~= '' then redis.call('HSET', fence, 'echo', ARGV[5]) end
for _, batch in ipairs(batches) do
  local a = batch.at
  local setUid, count, seq, bound, channel, payload = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4], ARGV[a + 5]
  if count ~= '0' then
    redis.call('HSET', fence, 'set:' .. setUid, ARGV[1] .. ':' .. ARGV[2] .. ':' .. seq)
    if batch.stream then
      redis.call('XADD', batch.stream, '*', 'epoch', ARGV[1], 'claim', ARGV[2], 'seq', seq, 'payload', payload)
      trimmed = trimmed + redis.call('XTRIM', batch.stream, 'MAXLEN', '~', bound)
    end
  end
  if batch.latest then keepLatest(batch.latest, batch.times, a + 7, batch.latestCount) end
  -- With a hash tag it is sharded: its slot is that of the keys.
  if channel ~= '' then redis.call(string.find(channel, '{', 1, true) and 'SPUBLISH' or 'PUBLISH', channel, payload) end
end
return { 'written', mark or '', decimal(trimmed) }
