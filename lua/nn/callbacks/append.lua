-- append.lua: how the callbacks that log add to their files: opened, written and closed each time,
-- so that others can read along and a crash loses nothing.
local util = require "nn.util"

return function(owner, path, text)
  local file, why = io.open(path, "ab")
  if not file then util.raise("%s: %s", owner, why) end
  local written, trouble = file:write(text)
  local closed, late = file:close()
  if not (written and closed) then
    util.raise("%s: cannot write %s: %s", owner, path, trouble or late)
  end
end
