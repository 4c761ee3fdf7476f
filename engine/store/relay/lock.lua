-- The relay's lock (SET NX EX), which knows its own value again when a command whose reply was lost is repeated.
-- KEYS: lock   ARGV: value, seconds   Returns how long it is ours, in milliseconds; 0: it is another's.
if call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then
  return ARGV[2] * 1000
end
if try('GET', KEYS[1]) == ARGV[1] then
  return call('PTTL', KEYS[1])
end
return 0
