-- A successor's mark. ARGV[3] the mark; the caller has no token, ARGV[1] and ARGV[2] are 0.
if ended then return { 'ended' } end
if not newestEpoch then return { 'claimFirst' } end
redis.call('HSET', fence, 'mark', ARGV[3])
return { 'marked', redis.call('HGET', fence, 'echo') or '' }
