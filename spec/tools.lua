-- tools.lua: what specs share: the interpreter under test, the error of a call, the text of a file.
local tools = {}

-- The interpreter, to run scripts in processes of their own.
local first = 0
while arg[first - 1] do first = first - 1 end
tools.nnlua = os.getenv "NNLUA" or arg[first]

-- What f(...) fails with. (A spec that checks the place in the script calls pcall itself.)
function tools.message(f, ...)
  local ok, err = pcall(f, ...)
  if ok then error("this should fail", 2) end
  return err
end

-- The same without the place in the script.
function tools.text(f, ...)
  return (tools.message(f, ...):gsub("^.-:%d+: ", ""))
end

function tools.read(path)
  local f = assert(io.open(path, "rb"))
  local text = f:read "a"
  f:close()
  return text
end

return tools
