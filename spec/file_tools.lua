-- file_tools.lua: what the specs of files share: a temporary file with an ending, the text of an
-- error without places and paths, and CRC-32 by its definition.
local tools = {read = dofile("spec/tools.lua").read}

-- path, and a function for teardown.
function tools.temporary(ending)
  local base = os.tmpname()
  return base .. ending, function()
    os.remove(base .. ending)
    os.remove(base)
  end
end

function tools.write(path, bytes)
  local f = assert(io.open(path, "wb"))
  f:write(bytes)
  f:close()
end

-- What f(...) fails with: behind the place in the script, which must be there, and the file's path.
function tools.text(f, ...)
  local ok, err = pcall(f, ...)
  if ok then error("this should fail", 2) end
  local rest = tostring(err):match("^%S-%.lua:%d+: (.*)$")
  if not rest then error("no place in a script: " .. tostring(err), 2) end
  return (rest:gsub("^/[^:%s]*: ", ""))
end

local remainders = {}
for i = 0, 255 do
  local c = i
  for _ = 1, 8 do c = c & 1 == 1 and 0xedb88320 ~ (c >> 1) or c >> 1 end
  remainders[i] = c
end
function tools.crc32(bytes)
  local c = 0xffffffff
  for i = 1, #bytes do c = remainders[(c ~ bytes:byte(i)) & 255] ~ (c >> 8) end
  return c ~ 0xffffffff
end

return tools
