-- metrics.lua: how good predictions are. A metric is a function of all predictions and all targets.
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local raise = util.raise
local metrics = {}

-- The metrics with a name.
local named = {}

-- Whether the prediction is a score for each class: N x C (x ...) with C > 1.
local function has_classes(prediction)
  return prediction:dim() > 1 and prediction:size(2) > 1
end

-- The share of right answers. Targets are labels or one-hot; with one output, 0 or 1, and the
-- answer is 1 above 0.5.
function named.accuracy(prediction, target)
  local answer, truth
  if has_classes(prediction) then
    answer, truth = prediction:argmax(2), target
    if util.same_shape(prediction, target) then truth = target:argmax(2) end
  else
    answer, truth = prediction:gt(0.5), target
    if prediction:numel() == target:numel() then answer = answer:reshape(target:size()) end
  end
  if not util.same_shape(answer, truth) then
    raise("accuracy: predictions of %s do not fit targets of %s", util.shape(prediction),
      util.shape(target))
  end
  return answer:eq(truth):sum():item() / truth:numel()
end

local function difference(name, prediction, target)
  if not util.same_shape(prediction, target) then
    raise("%s: predictions of %s do not fit targets of %s", name, util.shape(prediction),
      util.shape(target))
  end
  return prediction:sub(target)
end

function named.mse(prediction, target)
  return difference("mse", prediction, target):square():mean():item()
end

function named.mae(prediction, target)
  return difference("mae", prediction, target):abs():mean():item()
end

-- {"accuracy", mine = function(prediction, target) ... end} as a list of {name, f}: the named ones
-- in their order, then the functions sorted by name.
function metrics.resolve(owner, given)
  local list = {}
  if given == nil then return list end
  if type(given) ~= "table" then
    raise('%s: metrics are a list, such as {"accuracy"}, got %s', owner, util.describe(given))
  end
  for _, key in ipairs(util.sorted_keys(given)) do
    local value = given[key]
    if type(key) == "number" then
      if type(value) ~= "string" then
        raise("%s: metric %d must be a name (a function needs one: name = function), got %s", owner,
          key, util.describe(value))
      end
      if not named[value] then
        util.unknown(owner, "metric", value, util.sorted_keys(named))
      end
      list[#list + 1] = {name = value, f = named[value]}
    elseif type(value) ~= "function" then
      raise("%s: metric '%s' must be a function of prediction and target, got %s", owner, key,
        util.describe(value))
    else
      list[#list + 1] = {name = key, f = value}
    end
  end
  return list
end

-- Sets record[prefix .. name] for each metric.
function metrics.measure(owner, list, prediction, target, record, prefix)
  for _, metric in ipairs(list) do
    record[prefix .. metric.name] = history.number(metric.f(prediction, target), owner,
      "metric '" .. metric.name .. "'")
  end
end

-- Gathers batches of predictions into one tensor of `total` rows.
function metrics.gather(total)
  local self = {rows = 0}
  function self.add(piece)
    piece = piece:detach()
    if not self.all then
      local size = piece:size()
      size[1] = total
      self.all = core.zeros(size, {dtype = piece:dtype()})
    end
    local place = self.all:narrow(1, self.rows + 1, piece:size(1))
    place:copy_(piece)
    self.rows = self.rows + piece:size(1)
    place:release()
    piece:release()
  end
  return self
end

return metrics
