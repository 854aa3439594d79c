-- One late call. ARGV[3] n, ARGV[4] tokens kept, ARGV[5] milliseconds that a late stream is kept,
-- then for each batch: seq, stream bound, payload. KEYS[2...]: the late stream of each batch.
if ended then return { 'ended' } end
if not newestEpoch or compare(epoch, claim, newestEpoch, newestClaim) >= 0 then return { 'claimFirst' } end
local tokens = readOlder()
local known = find(tokens, epoch, claim)
  or insert(tokens, { epoch = epoch, claim = claim, live = 0, late = 0 }, tonumber(ARGV[4]) - 1)
if not known then return refused() end
local n, last = tonumber(ARGV[3]), math.max(known.live, known.late)
if n <= last then return { 'already' } end
if n > last + 1 then return { 'gap', decimal(last) } end

for key = 2, #KEYS do expectType(KEYS[key], 'stream') end
known.late = n
writeOlder(tokens)
for key = 2, #KEYS do
  local at = 6 + 3 * (key - 2)
  redis.call('XADD', KEYS[key], 'MAXLEN', '~', ARGV[at + 1], '*',
    'epoch', ARGV[1], 'claim', ARGV[2], 'n', ARGV[3], 'seq', ARGV[at], 'payload', ARGV[at + 2])
  redis.call('PEXPIRE', KEYS[key], ARGV[5])
end
return { 'written' }
