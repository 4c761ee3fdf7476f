-- Sets fields of an account that is there.
-- KEYS: account hash   ARGV: field, value, …   Returns whether the account is there.
if call('EXISTS', KEYS[1]) == 0 then
  return 0
end
call('HSET', KEYS[1], unpack(ARGV))
return 1
