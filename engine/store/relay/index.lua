-- The index sets of all platforms at once.
-- KEYS: index, its :empty marker, index, marker, …   ARGV: how many members are returned at the most
-- For each: the members, or their number where there are more, or as text the error that reading them gave; then whether
-- the marker is there.
local out = {}
for i = 1, #KEYS, 2 do
  local size = try('SCARD', KEYS[i])
  if type(size) == 'table' then
    out[#out + 1] = size.err
  elseif size > tonumber(ARGV[1]) then
    out[#out + 1] = size
  else
    out[#out + 1] = call('SMEMBERS', KEYS[i])
  end
  out[#out + 1] = call('EXISTS', KEYS[i + 1])
end
return out
