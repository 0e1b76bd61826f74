-- xml.lua: what the specs of pictures and reports check of every document.

local assert = require "luassert"
-- Well-formed enough: every element that opens closes, in order; attributes are quoted.
return function(svg)
  local stack = {}
  local rest = svg:gsub("^<%?xml.-%?>%s*", "")
  for slash, name, attributes, empty in rest:gmatch "<(/?)([%w:]+)(.-)(/?)>" do
    assert.is_nil(attributes:gsub('"[^"]*"', ""):find '[<&"]')
    if slash == "/" then
      assert.equal(table.remove(stack), name)
    elseif empty == "" then
      stack[#stack + 1] = name
    end
  end
  assert.equal(0, #stack)
  assert.is_nil(rest:gsub("<[^<>]*>", ""):find "[<>]")
  return svg
end
