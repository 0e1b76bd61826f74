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

-- "2x3 4<3" as tensors: floating, labels in 1..3, "2x3?" a mask, "s" a scalar; in the given range.
local function inputs_of(entry)
  local list = {}
  for word in entry.inputs:gmatch "%S+" do
    local sizes, most = word:match "^([%dx]+)<(%d+)$"
    local mask = word:match "^([%dx]+)%?$"
    local shape = (sizes or mask or word):gsub("x", ", ")
    if sizes then
      list[#list + 1] = ("nn.randint(1, %s, {%s})"):format(most, shape)
    elseif mask then
      list[#list + 1] = ("nn.rand(%s):gt(0.5)"):format(shape)
    else
      shape = word == "s" and "{}" or shape
      local low, high = entry.input_low, entry.input_high
      list[#list + 1] = (low ~= 0 or high ~= 0)
        and ("nn.rand(%s) * %g + %g"):format(shape, high - low, low)
        or ("nn.randn(%s)"):format(shape)
    end
  end
  return table.concat(list, ", ")
end

-- "3, 4, bias = false" as a call has it: (3, 4, {bias = false})
local function arguments_of(text)
  local places, options = {}, {}
  for part in ((text or "") .. ","):gmatch "%s*(.-)%s*," do
    if part:find "=" then
      options[#options + 1] = part
    elseif part ~= "" then
      places[#places + 1] = part
    end
  end
  if #options > 0 then places[#places + 1] = "{" .. table.concat(options, ", ") .. "}" end
  return table.concat(places, ", ")
end

local descent = [[
local w = nn.tensor{4, -2}:requires_grad_()
local opt = nn.optim.%s({w})
for _ = 1, 3 do
  opt:step(function()
    opt:zero_grad()
    local loss = w:square():sum()
    if loss.requires_grad then loss:backward() end
    return loss
  end)
end
print(w)]]

-- A few lines that run, from the example by which the unit is tested.
local function example_of(kind, name, entry)
  if kind == "optimizers" then return descent:format(name) end
  if not entry.inputs or (entry.input_args or ""):find "[{\"]" then return nil end
  local inputs, arguments = inputs_of(entry), arguments_of(entry.input_args)
  if kind == "operations" then
    return ("print(nn.%s(%s%s))"):format(name, inputs,
      arguments ~= "" and ", " .. arguments or "")
  end
  local variable = kind == "layers" and "layer" or "loss"
  return ("local %s = nn.%s(%s)\nprint(%s(%s))"):format(variable, name, arguments, variable, inputs)
end

local function add_unit(entries, kind, prefix, entry, first, suffix)
  local name = prefix .. entry.name
  if entries[name] then -- a comment says more than the descriptor, or gives an example
    local known = entries[name]
    known.params = known.params or entry.params
    if known.text == "" then known.text = entry.doc or "" end
    return
  end
  entries[name] = {
    name = name, signature = signature_of(prefix, entry, first) .. (suffix or ""),
    text = entry.doc or "", params = entry.params, kind = kind,
    example = example_of(kind, entry.name, entry),
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
