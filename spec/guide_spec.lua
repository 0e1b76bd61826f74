-- guide_spec.lua: the Lua in the guides runs. The blocks of a guide go on from one another, so they
-- are one script, run in a folder of its own.

local guides = {"doc/training.md"}

local function nnlua()
  local i = 0
  while arg[i - 1] do i = i - 1 end
  local path = os.getenv "NNLUA" or arg[i]
  return path:sub(1, 1) == "/" and path or "$OLDPWD/" .. path
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- The blocks, each at the line where it stands.
local function script_of(path)
  local lines, inside = {}, false
  for line in read(path):gmatch "([^\n]*)\n" do
    if line:find "^```" then
      inside = line == "```lua"
      line = ""
    end
    lines[#lines + 1] = inside and line or ""
  end
  return table.concat(lines, "\n")
end

describe("the guide", function()
  for _, guide in ipairs(guides) do
    it(guide, function()
      local dir = os.tmpname()
      os.remove(dir)
      assert(os.execute("mkdir " .. dir))
      local file = assert(io.open(dir .. "/guide.lua", "w"))
      assert(file:write(script_of(guide)))
      assert(file:close())
      local _, _, code = os.execute(("cd %s && %s guide.lua >out 2>&1"):format(dir, nnlua()))
      local out = read(dir .. "/out")
      assert.equal(0, code, out)
      for line in read(guide):gmatch "\n%-%->%s*%.*:?%s*([^\n]*)" do -- what it says is printed
        assert.is_truthy(out:find(line, 1, true), line .. "\nis not in\n" .. out)
      end
      os.execute("rm -r " .. dir)
    end)
  end
end)
