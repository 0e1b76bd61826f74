-- gather.lua: every entry of the help, by full name:
--
--   {name = "nn.data.csv", signature = "nn.data.csv(path, {...}) -> dataset", text =, example =,
--    params = {...} for units of the core, kind = "function" | "layers" | ...}
local core = require "nn.core"
local util = require "nn.util"

local M = {}

-- ---- comments in Lua files --------------------------------------------------------------------

-- "nn.fit(model, ...) -> history" is about nn.fit; "for x, y in ds:batches{...} do" of ds:batches.
local function name_in(signature)
  return signature:match "^[%w_]+%s*=%s*([%a_][%w_.:]*)" or signature:match "in ([%a_][%w_.:]*)[({]"
    or signature:match "^([%a_][%w_.:]*)"
end

-- Whether every bracket is closed: a long signature goes on in the next line.
local function is_whole(signature)
  local opened = select(2, signature:gsub("[({]", ""))
  return opened == select(2, signature:gsub("[)}]", ""))
end

-- The lines of a block without their dashes: {signature, text..., "Example:", lines...}.
local function read_block(lines, file)
  local signature, text, example, first = lines[1], {}, nil, 2
  while not is_whole(signature) and lines[first] do
    signature, first = signature .. " " .. lines[first]:match "^%s*(.-)$", first + 1
  end
  for i = first, #lines do
    if lines[i]:match "^Example" then
      example = {}
    elseif example then
      example[#example + 1] = lines[i]:gsub("^  ", "")
    else
      text[#text + 1] = lines[i]
    end
  end
  local name = name_in(signature)
  if not name then return nil end
  return {
    name = name, signature = signature, text = table.concat(text, "\n"), kind = "function",
    example = example and table.concat(example, "\n"), file = file,
  }
end

local function add_file(entries, file)
  local block
  for line in (core.embedded(file) .. "\n"):gmatch "(.-)\n" do
    local comment = line:match "^%s*%-%-%- ?(.*)$"
    if comment then
      block = block or {}
      block[#block + 1] = comment
    elseif block then
      local entry = read_block(block, file)
      if entry then entries[entry.name] = entry end
      block = nil
    end
  end
end

-- ---- descriptors ------------------------------------------------------------------------------

-- "Linear(in, out, {bias = true})"
local function signature_of(prefix, entry, first)
  local places, options = {first}, {}
  for _, p in ipairs(entry.params) do
    if p.place then
      places[#places + 1] = p.name
    else
      options[#options + 1] = p.default and p.name .. " = " .. p.default or p.name
    end
  end
  if #options > 0 then places[#places + 1] = "{" .. table.concat(options, ", ") .. "}" end
  if #places == 1 and #options > 0 then return prefix .. entry.name .. places[1] end
  return ("%s%s(%s)"):format(prefix, entry.name, table.concat(places, ", "))
end

local function add_unit(entries, kind, prefix, entry, first, suffix)
  local name = prefix .. entry.name
  if entries[name] then -- a comment says more than the descriptor
    entries[name].params = entries[name].params or entry.params
    return
  end
  entries[name] = {
    name = name, signature = signature_of(prefix, entry, first) .. (suffix or ""),
    text = entry.doc or "", params = entry.params, kind = kind,
  }
end

local function add_descriptors(entries)
  local catalogue = core.catalogue()
  for _, entry in ipairs(catalogue.operations) do
    add_unit(entries, "operations", "nn.", entry, entry.args or "x")
  end
  for _, entry in ipairs(catalogue.layers) do add_unit(entries, "layers", "nn.", entry) end
  for _, entry in ipairs(catalogue.losses) do
    add_unit(entries, "losses", "nn.", entry, nil, ("; loss(%s)"):format(entry.args))
  end
  for _, entry in ipairs(catalogue.optimizers) do
    add_unit(entries, "optimizers", "nn.optim.", entry, "params")
  end
end

-- x:exp(), x:exp_() and nn.exp(x) are one: the entries of tensors' methods, by name.
local function tensor_methods(entries)
  local methods = {}
  for name in pairs(core.methods.tensor) do
    local plain = name:gsub("_$", "")
    methods["tensor:" .. name] = entries["tensor:" .. name] or entries["tensor:" .. plain]
      or entries["nn." .. plain]
  end
  return methods
end

-- ---- all of it --------------------------------------------------------------------------------

local all, sorted, by_value, aliases

function M.entries()
  if all then return all end
  all = {}
  for _, file in ipairs(core.embedded()) do
    if file:match "%.lua$" then add_file(all, file) end
  end
  add_descriptors(all)
  aliases = tensor_methods(all)
  return all
end

-- Other names of entries: "tensor:exp_" -> the entry of nn.exp.
function M.aliases()
  M.entries()
  return aliases
end

function M.names()
  sorted = sorted or util.sorted_keys(M.entries())
  return sorted
end

-- The value of "nn.optim.Adam", without running more than our own loading on first use.
local function value_of(name)
  local value = require "nn"
  for key in name:gsub("^nn%.", ""):gmatch "[^.:]+" do
    if type(value) ~= "table" then return nil end
    local ok, field = pcall(function() return value[key] end)
    value = ok and field or nil
  end
  return value
end

-- The full name of a function or class of ours, or nil.
function M.name_of(value)
  if not by_value then
    by_value = {}
    for _, name in ipairs(M.names()) do
      local v = name:match "^nn%." and value_of(name)
      if v then by_value[v] = name end
    end
    by_value[require "nn"] = "nn"
  end
  return by_value[value]
end

return M
