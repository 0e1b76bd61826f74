-- readme_spec.lua: the README's Lua runs as it stands, and says what it says.

local function blocks(path)
  local f = assert(io.open(path))
  local text = f:read("a")
  f:close()
  local list = {}
  for code in text:gmatch("```lua\n(.-)```") do list[#list + 1] = code end
  return list, text
end

describe("README.md", function()
  local list, text = blocks("README.md")

  it("has scripts", function() assert.equal(3, #list) end)

  for i, code in ipairs(list) do
    it("script " .. i .. " runs", function()
      local out = {}
      local env = setmetatable({print = function(...)
        for k = 1, select("#", ...) do out[#out + 1] = tostring((select(k, ...))) end
      end}, {__index = _G})
      nn.seed(0)
      assert(load(code, "=README" .. i, "t", env))()
      if i == 1 then
        assert.equal("y = 0.336 x + 0.805", out[#out])
        assert.truthy(text:find("`y = 0.336 x + 0.805`", 1, true))
      elseif i == 2 then
        assert.is_true(tonumber(out[#out]) > 0.93, out[#out])
      end
    end)
  end

  it("names files that are there", function()
    for path in text:gmatch("`([%w/]+%.%w+)`") do
      if path ~= "line.lua" and not path:find("^build/") then
        local f = io.open(path)
        assert.truthy(f, path)
        f:close()
      end
    end
  end)
end)
