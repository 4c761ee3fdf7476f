-- Compare-and-swap of an account.
-- KEYS: account hash, record
-- ARGV: the expected refreshToken, the new one ('' where it stays), the record, the name of a field that forbids the
-- change of the hash by being 'true' ('' for none), then field, value, …
local stored = call('HGET', KEYS[1], 'refreshToken')
if call('EXISTS', KEYS[1]) == 0 then
  return 'gone'
end
if stored ~= ARGV[1] then
  -- Ours already: the client sent this again because the reply was lost. Ciphertexts are unique.
  if ARGV[2] ~= '' and stored == ARGV[2] then
    return 'done'
  end
  return 'changed'
end
-- The record first: a script that fails between the two writes is not undone, and the record heals the hash.
-- It goes by itself half a year later: nothing of an account that was deleted stays for ever.
call('SET', KEYS[2], ARGV[3], 'EX', 180 * 86400)
if #ARGV == 4 then -- nothing to change: shows all the same that the hash can be written, before a token is spent
  call('HSET', KEYS[1], 'refreshToken', stored)
end
if #ARGV > 4 and (ARGV[4] == '' or call('HGET', KEYS[1], ARGV[4]) ~= 'true') then
  call('HSET', KEYS[1], unpack(ARGV, 5))
end
return 'done'
