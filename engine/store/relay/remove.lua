-- Deletes an account. In place of its record a word stays for a minute, by which a removal that is repeated, because
-- its reply was lost or because it was not finished, is recognised.
-- KEYS: account hash, record   Returns whether the account was there.
if call('DEL', KEYS[1]) == 0 then
  return try('GET', KEYS[2]) == 'removed' and 1 or 0
end
call('SET', KEYS[2], 'removed', 'EX', 60)
return 1
