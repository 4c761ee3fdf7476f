-- The relay's lock (SET NX EX), which knows its own value again when a command whose reply was lost is repeated.
-- KEYS: lock   ARGV: value, seconds   Returns for how many milliseconds it is ours, or negative another's.
if call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then
  return ARGV[2] * 1000
end
local left = math.max(call('PTTL', KEYS[1]), 0)
return try('GET', KEYS[1]) == ARGV[1] and left or -left
