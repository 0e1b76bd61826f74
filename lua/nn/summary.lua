-- summary.lua: model:summary([shape of one sample]): a table of every layer's path, output shape,
-- parameters and multiply-adds. The shapes come from a run on one sample of zeros, in eval mode and
-- without gradients, with each layer's call watched.
local core = require "nn.core"
local module = require "nn.module"
local path = require "nn.path"
local util = require "nn.util"

local raise = util.raise

-- ---- costs ------------------------------------------------------------------------------------

local function weights_of(m)
  local n = 0
  for _, slot in ipairs(m:_slots()) do
    if slot.name:find "weight" and slot.tensor:dim() > 1 then n = n + slot.tensor:numel() end
  end
  return n
end

-- Each output element is a sum over what one row of the weights has.
local function by_output(m, _, y)
  return y:numel() * (m.weight:numel() // m.weight:size(1))
end

-- Each row or step of the input meets all the weights.
local function by_row(m, x)
  return x:numel() // x:size(-1) * weights_of(m)
end

-- Four projections, and each head's two products of queries and keys, x with itself.
local function attention(m, x)
  return by_row(m, x) + 2 * x:numel() * x:size(2)
end

local costs = {
  Linear = by_output, Conv1d = by_output, Conv2d = by_output,
  ConvTranspose2d = function(m, x) return x:numel() * (m.weight:numel() // m.weight:size(1)) end,
  RNN = by_row, LSTM = by_row, GRU = by_row, MultiheadAttention = attention,
}

-- ---- rows -------------------------------------------------------------------------------------

-- The parameters that a module itself holds, each tensor in the table once.
local function own_parameters(m, seen)
  local n = 0
  for _, entry in ipairs(module.members(m)) do
    if entry.tensor and not entry.buffer and not seen[entry.tensor] then
      seen[entry.tensor] = true
      n = n + entry.tensor:numel()
    end
  end
  return n
end

local function is_container(m)
  return core.kind(m) == "layer" and (m:_class() == "Sequential" or #m:_children() > 0)
end

local function has_children(m)
  for _, entry in ipairs(module.members(m)) do
    if entry.module then return true end
  end
  return false
end

local function new_row(list, m)
  local row = {path = list.paths[m] or module.class_name(m), layer = tostring(m),
    parameters = own_parameters(m, list.seen)}
  if core.kind(m) ~= "layer" then row.layer = module.class_name(m) end
  list[#list + 1] = row
  list.rows[m] = row
  return row
end

-- What every module of the model gets a row for: what computes, and what holds parameters.
local function wants_row(m, parameters)
  if is_container(m) then return false end
  return core.kind(m) == "layer" or parameters > 0 or not has_children(m)
end

-- ---- watching ---------------------------------------------------------------------------------

local function shape_of(v)
  if core.kind(v) == "tensor" then return v:size() end
  local shapes = {}
  for i, one in ipairs(type(v) == "table" and v or {}) do shapes[i] = shape_of(one) end
  return shapes
end

local function note(list, m, x, y)
  if is_container(m) then return end
  local row = list.rows[m]
  if not row then
    if not wants_row(m, own_parameters(m, setmetatable({}, {__index = list.seen}))) then return end
    row = new_row(list, m)
  end
  local cost = core.kind(m) == "layer" and costs[m:_class()]
  row.shape = row.shape or shape_of(y)
  if cost then row.multiply_adds = (row.multiply_adds or 0) + cost(m, x, y) end
end

local function watched(list, run, m, x, ...)
  local result = table.pack(run(m, x, ...))
  note(list, m, x, result[1])
  return table.unpack(result, 1, result.n)
end

-- A Sequential's children one by one, so that each is seen.
local function run_children(self, x)
  for _, child in ipairs(self:_children()) do x = child(x) end
  return x
end

-- Puts watching calls in place; returns a value to close that puts the old ones back.
local function watch(list, root)
  local before = {}
  local function replace(t, key, f)
    before[#before + 1] = {t, key, rawget(t, key)}
    rawset(t, key, f)
  end
  local layer = debug.getmetatable(core.Identity())
  local run = layer.__call
  local function call_layer(m, x, ...)
    local native = not (is_container(m) and m:_class() == "Sequential")
    return watched(list, native and run or run_children, m, x, ...)
  end
  replace(layer, "__call", call_layer)
  replace(core.methods.layer, "forward", call_layer)
  local seen = {}
  for _, m in ipairs(module.all(root)) do
    local meta = core.kind(m) ~= "layer" and getmetatable(m)
    if meta and not seen[meta] then
      seen[meta] = true
      local old = meta.__call
      replace(meta, "__call", function(self, ...) return watched(list, old, self, ...) end)
    end
  end
  return util.finally(function()
    for i = #before, 1, -1 do rawset(table.unpack(before[i], 1, 3)) end
  end)
end

-- ---- the table --------------------------------------------------------------------------------

local function grouped(n)
  local text = tostring(math.tointeger(n) or n)
  repeat
    local count
    text, count = text:gsub("^(-?%d+)(%d%d%d)", "%1,%2")
  until count == 0
  return text
end

local function shape_text(shape)
  if not shape then return "" end
  if type(shape[1]) == "table" then
    local parts = {}
    for i, one in ipairs(shape) do parts[i] = shape_text(one) end
    return table.concat(parts, ", ")
  end
  return "N" .. (#shape > 1 and "x" .. table.concat(shape, "x", 2) or "")
end

local function lines_of(list)
  local rows = {{"path", "layer", "output", "parameters", "multiply-adds"}}
  for _, row in ipairs(list) do
    rows[#rows + 1] = {row.path, row.layer, shape_text(row.shape), grouped(row.parameters),
      row.multiply_adds and grouped(row.multiply_adds) or ""}
  end
  rows[#rows + 1] = {"total", "", "", grouped(list.parameters),
    list.multiply_adds and grouped(list.multiply_adds) or ""}
  return rows
end

local meta = {}
function meta.__tostring(list)
  local rows, width = lines_of(list), {0, 0, 0, 0, 0}
  for _, row in ipairs(rows) do
    for c = 1, 5 do width[c] = math.max(width[c], #row[c]) end
  end
  local lines = {}
  for i, row in ipairs(rows) do
    local cells = {}
    for c = 1, 5 do
      local space = (" "):rep(width[c] - #row[c])
      cells[c] = c <= 3 and row[c] .. space or space .. row[c]
    end
    lines[i] = (table.concat(cells, "  "):gsub("%s+$", ""))
  end
  return table.concat(lines, "\n")
end

local function check_shape(shape, ...)
  if type(shape) == "number" then shape = {shape, ...} end
  for _, n in ipairs(type(shape) == "table" and shape or {}) do
    if math.type(n) ~= "integer" or n < 1 then shape = nil break end
  end
  if type(shape) ~= "table" or getmetatable(shape) then
    raise("summary: expected the shape of one sample, as in model:summary{1, 28, 28}")
  end
  return shape
end

local function dtype_of(m)
  local p = m:parameters()[1]
  return p and p:dtype() or core.zeros(1):dtype()
end

local function run(list, m, shape)
  local x = core.zeros({1, table.unpack(shape)}, {dtype = dtype_of(m)})
  local streams = core.rng_state()
  local _ <close> = module.mode(m, false)
  local _ <close> = util.finally(function() core.set_rng_state(streams) end)
  local _ <close> = watch(list, m)
  m(x)
end

-- A list of {path, layer, shape (the batch first, 1), parameters, multiply_adds}, with the totals
-- as fields; tostring draws it. `...`: sizes, or a list of them.
return function(m, ...)
  local hidden = {paths = path.all(m), seen = {}, rows = {}}
  local list = setmetatable({}, {__index = hidden})
  if select("#", ...) > 0 and (...) ~= nil then core.no_grad(run, list, m, check_shape(...)) end
  for _, one in ipairs(module.all(m)) do -- what no call has reached, and all without a shape
    if not hidden.rows[one] then
      local held = own_parameters(one, setmetatable({}, {__index = hidden.seen}))
      if not is_container(one) and (held > 0 or (#list == 0 and wants_row(one, held))) then
        new_row(list, one)
      end
    end
  end
  local total = 0
  for _, row in ipairs(list) do total = total + (row.multiply_adds or 0) end
  local result = {parameters = m:parameter_count(), multiply_adds = (...) and total or nil}
  for i, row in ipairs(list) do result[i] = row end
  return setmetatable(result, meta)
end
