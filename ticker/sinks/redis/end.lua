-- Makes the fence a tombstone. ARGV[3]: milliseconds that it is kept.
-- KEYS[2...]: stream, late, latest and times of each set.
if ended then return { 'ended' } end
if not newestEpoch then return { 'claimFirst' } end
local order = compare(epoch, claim, newestEpoch, newestClaim)
if order > 0 then return { 'claimFirst' } end
if order < 0 then return refused() end
redis.call('HSET', fence, 'ended', '1')
redis.call('PEXPIRE', fence, ARGV[3])
for key = 2, #KEYS, 4 do
  redis.call('PEXPIRE', KEYS[key], ARGV[3])
  redis.call('PEXPIRE', KEYS[key + 1], ARGV[3])
  redis.call('UNLINK', KEYS[key + 2], KEYS[key + 3])
end
return { 'written' }
