-- Sets fields of an account that is there.
-- KEYS: account hash   ARGV: field, value, …   Returns whether the account is there.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
