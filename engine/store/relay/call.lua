-- Stands before every script. Of a command that fails, call raises the error, and try returns it where the key is of the
-- wrong type, which says something of an account. No other error does.
local function try(command, ...)
  local reply = redis.pcall(command, ...)
  local err = type(reply) == 'table' and reply.err
  if not err or err:find('WRONGTYPE', 1, true) then
    return reply
  end
  if err:find("can't run this command", 1, true) then -- Redis 6 and 7.0 do not say which
    error("NOPERM no permissions to run the '" .. command:lower() .. "' command")
  end
  return redis.call(command, ...)
end
local function call(...)
  local reply = try(...)
  return type(reply) == 'table' and reply.err and redis.call(...) or reply
end
