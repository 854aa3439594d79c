-- Raises the token. ARGV[2] is the highest claim of this epoch that the caller remembers.
-- ARGV[3] tokens kept, ARGV[4] sets remembered, ARGV[5] milliseconds that a set's keys are kept, ARGV[6...] UIDs of the sets.
-- KEYS[2...]: stream, late, latest and times of each set; created where they are missing, since a slot migration holds
-- up a script that names a missing key.
if ended then return { 'ended' } end
if newestEpoch and epoch < newestEpoch then return { 'refused', field[1], field[2] } end

for key = 2, #KEYS, 4 do
  expectType(KEYS[key], 'stream')
  expectType(KEYS[key + 1], 'stream')
  expectType(KEYS[key + 2], 'hash')
  expectType(KEYS[key + 3], 'hash')
end

local counted = newestEpoch == epoch and newestClaim or 0
local raised = math.max(counted, claim) + 1
local before = redis.call('HGET', fence, 'before') or ''
local older = readOlder()
if newestEpoch then
  if newestN > 0 then before = field[1] .. ':' .. field[2] .. ':' .. field[3] end
  insert(older, { epoch = newestEpoch, claim = newestClaim, live = newestN, late = 0 }, tonumber(ARGV[3]) - 1)
end
redis.call('HSET', fence, 'epoch', ARGV[1], 'claim', decimal(raised), 'n', '0', 'before', before)
redis.call('HDEL', fence, 'mark', 'echo')
writeOlder(older)

-- Longer than 64 bytes, so that Redis keeps the hash as a table: looking up n fields of a packed one takes n * n steps.
local unpacked = string.rep('-', 65)
for key = 2, #KEYS, 4 do
  for stream = key, key + 1 do
    if redis.call('EXISTS', KEYS[stream]) == 0 then
      redis.call('XGROUP', 'CREATE', KEYS[stream], 'created', '$', 'MKSTREAM')
      redis.call('XGROUP', 'DESTROY', KEYS[stream], 'created')
    end
  end
  for hash = key + 2, key + 3 do
    if redis.call('EXISTS', KEYS[hash]) == 0 then redis.call('HSET', KEYS[hash], '@empty', unpacked) end
  end
  for any = key, key + 3 do redis.call('PEXPIRE', KEYS[any], ARGV[5]) end
end

local named, previous = {}, {}
for i = 6, #ARGV do named['set:' .. ARGV[i]] = true end
local all = redis.call('HGETALL', fence)
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 4) == 'set:' then previous[#previous + 1] = { all[i], all[i + 1] } end
end
if #previous > tonumber(ARGV[4]) then
  local kept = {}
  for _, entry in ipairs(previous) do
    if named[entry[1]] then kept[#kept + 1] = entry else redis.call('HDEL', fence, entry[1]) end
  end
  previous = kept
end

local answer = { 'claimed', decimal(raised), before }
for _, entry in ipairs(previous) do
  answer[#answer + 1] = string.sub(entry[1], 5)
  answer[#answer + 1] = entry[2]
end
return answer
