-- The relay's lock (SET NX EX), which knows its own value again when the client repeats a lost reply's command.
-- KEYS: lock   ARGV: value, seconds
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) or redis.call('GET', KEYS[1]) == ARGV[1] then
  return 1
end
return 0
