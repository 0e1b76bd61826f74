-- metrics.lua: how nn.fit and nn.evaluate measure. A metric is a function of all predictions and
-- all targets; those with a name are in metrics/named.lua.
local core = require "nn.core"
local history = require "nn.history"
local named = require "nn.metrics.named"
local util = require "nn.util"

local raise = util.raise
local metrics = {}

-- ---- which metrics ----------------------------------------------------------------------------

-- "accuracy", "top_3" or {name = "top_k", k = 3} as {name, f, options}.
local function read_named(owner, place, given)
  local name, options = given, {}
  if type(given) == "table" and not getmetatable(given) then
    name = given.name
    for key, value in pairs(given) do
      if key ~= "name" then options[key] = value end
    end
  end
  if type(name) ~= "string" then
    raise("%s: metric %s must be a name (a function needs one: name = function), got %s", owner,
      place, util.describe(name))
  end
  local column = name
  local k = name:match "^top_(%d+)$"
  if k then name, options.k = "top_k", math.tointeger(k) end
  local f = named.find(name)
  if not f then util.unknown(owner, "metric", name, named.names()) end
  return {name = column, f = f, options = named.options(name, options)}
end

-- A script's own function, or a named one under another name.
local function read_field(owner, key, value)
  if type(value) == "string" or (type(value) == "table" and not getmetatable(value)) then
    local metric = read_named(owner, "'" .. key .. "'", value)
    metric.name = key
    return metric
  end
  if type(value) ~= "function" then
    raise("%s: metric '%s' must be a function of prediction and target, got %s", owner, key,
      util.describe(value))
  end
  return {name = key, f = value}
end

local taken = {loss = true, epoch = true, lr = true, seconds = true}

-- {"accuracy", "top_3", {name = "top_k", k = 3}, mine = function(prediction, target) ... end} as a
-- list: those with a place in their order, then the others sorted by name. `loss` is the one that
-- is trained with: it tells what a single output means.
function metrics.resolve(owner, given, loss)
  local list, seen = {}, {}
  if given == nil then return list end
  if type(given) == "string" then given = {given} end
  if type(given) ~= "table" or getmetatable(given) then
    raise('%s: metrics are a list, such as {"accuracy"}, got %s', owner, util.describe(given))
  end
  for _, key in ipairs(util.sorted_keys(given)) do
    local numbered = type(key) == "number"
    local metric = numbered and read_named(owner, tostring(key), given[key])
      or read_field(owner, tostring(key), given[key])
    if seen[metric.name] or taken[metric.name] then
      raise("%s: there is already a column '%s'; give the metric another name, as in "
        .. "{other_name = ...}", owner, metric.name)
    end
    seen[metric.name] = true
    if metric.options then metric.options.loss = loss end
    list[#list + 1] = metric
  end
  return list
end

-- ---- measuring --------------------------------------------------------------------------------

-- Sets record[prefix .. name] for each metric: a number, or the matrix of `confusion`.
function metrics.measure(owner, list, prediction, target, record, prefix)
  for _, metric in ipairs(list) do
    local value = metric.f(prediction, target, metric.options)
    if not (metric.options and core.kind(value) == "tensor") then
      value = history.number(value, owner, "metric '" .. metric.name .. "'")
    end
    record[prefix .. metric.name] = value
  end
end

-- ---- predictions ------------------------------------------------------------------------------

-- Gathers batches into one tensor, `all`, of `total` rows. Where the total is not known, `all` is
-- there after `finish`, which joins the pieces.
local function add_known(self, piece)
  if not self.all then
    local size = piece:size()
    size[1] = self.total
    self.all = core.zeros(size, {dtype = piece:dtype()})
  end
  local place = self.all:narrow(1, self.rows + 1, piece:size(1))
  place:copy_(piece)
  place:release()
end

function metrics.gather(total)
  local self = {rows = 0, total = total, pieces = {}}
  function self.add(piece)
    piece = piece:detach()
    local rows = piece:size(1)
    if total then
      add_known(self, piece)
      piece:release()
    else
      self.pieces[#self.pieces + 1] = piece
    end
    self.rows = self.rows + rows
  end
  function self.finish()
    if #self.pieces > 0 then self.all, self.pieces = core.cat(self.pieces, 1), {} end
    return self.all
  end
  return self
end

return metrics
