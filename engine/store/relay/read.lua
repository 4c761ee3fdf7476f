-- The needed fields of many accounts at once.
-- KEYS: account hash, record, account hash, record, …   ARGV: the fields
-- For each account: the fields' values, or as text the error that reading them gave; then the record.
local out = {}
for i = 1, #KEYS, 2 do
  local values = try('HMGET', KEYS[i], unpack(ARGV))
  out[#out + 1] = values.err or values
  local record = try('GET', KEYS[i + 1])
  out[#out + 1] = type(record) == 'table' and '?' or record
end
return out
