-- files.lua: nn.save and nn.load: the format is chosen by the path's extension.
local core = require "nn.core"
local util = require "nn.util"

local raise, files = util.raise, core.files
local M, formats = {}, {}

-- ---- .nn --------------------------------------------------------------------------------------

formats.nn = {
  save = function(path, value, options)
    util.options("save", options, {})
    local tree = require "nn.files.tree"
    files.write_nn(path, tree.encode(value))
  end,
  load = function(path, options)
    util.options("load", options, {})
    local bytes, tensors, at = files.read_nn(path)
    return require "nn.files.tree".decode(bytes, tensors, at, path)
  end,
}

-- ---- the two functions ------------------------------------------------------------------------

local function format_of(owner, path)
  if type(path) ~= "string" then
    raise("%s: the path must be a string, got %s", owner, util.describe(path))
  end
  local extension = path:match "%.([%w]+)$"
  local format = extension and formats[extension:lower()]
  if format then return format end
  local names = {}
  for _, name in ipairs(util.sorted_keys(formats)) do names[#names + 1] = "." .. name end
  raise("%s: %q: the extension says what a file is, and must be one of %s", owner, path,
    table.concat(names, ", "))
end

function M.save(path, value, options)
  format_of("save", path).save(path, value, options)
end

function M.load(path, options)
  return format_of("load", path).load(path, options)
end

return M
