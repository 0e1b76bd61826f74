-- evaluate.lua: nn.evaluate and model:predict: a model as it is, in evaluation mode and without
-- gradients, leaving every mode as it was.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local history = require "nn.history"
local metrics = require "nn.metrics"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local M = {}

local BATCH = 256

-- A model's answer to a batch, checked to have a row for each sample.
function M.answer(owner, model, x)
  local out = model(x)
  if core.kind(out) ~= "tensor" then
    raise("%s: the model must return a tensor, got %s", owner, util.describe(out))
  end
  if out:dim() == 0 or out:size(1) ~= x:size(1) then
    raise("%s: the model returned %s for a batch of %s; the first sizes must agree", owner,
      util.shape(out), util.shape(x))
  end
  return out
end

function M.check_loss(owner, loss)
  if core.kind(loss) == "loss" or type(loss) == "function" or module.is_module(loss) then
    return loss
  end
  raise("%s: loss must be a loss, such as nn.CrossEntropyLoss(), or a function of prediction and "
    .. "target, got %s", owner, util.describe(loss))
end

-- Whether a batch's loss is a sum over its samples, rather than their mean.
function M.is_sum(loss)
  return core.kind(loss) == "loss" and loss.reduction == "sum"
end

-- A batch's loss as a number that counts for its samples.
local function batch_loss(owner, loss, out, y, count)
  local l = loss(out, y)
  local value = history.number(l, owner, "the loss")
  if core.kind(loss) ~= "loss" then return value * count end
  l:release()
  y:release()
  return M.is_sum(loss) and value or value * count
end

local function measure(owner, model, data, want)
  local x, y, n, size = data.x, data.y, #data, want.batch_size
  local total, outputs = 0, #want.metrics > 0 and metrics.gather(n)
  local alone = module.is_native(model) and (not want.loss or core.kind(want.loss) == "loss")
  local _ <close> = module.mode(model, false)
  for first = 1, n, size do
    local count = math.min(size, n - first + 1)
    local piece = x:narrow(1, first, count)
    local out = M.answer(owner, model, piece)
    if want.loss then
      total = total + batch_loss(owner, want.loss, out, y:narrow(1, first, count), count)
    end
    if outputs then outputs.add(out) end
    if alone then -- what nobody else can hold serves the next batch at once
      if out ~= piece then out:release() end
      piece:release()
    end
  end
  local result = {}
  if want.loss then result.loss = total / n end
  if outputs then metrics.measure(owner, want.metrics, outputs.all, y, result, "") end
  return result
end

-- want: {loss or nil, metrics = resolved list, batch_size}
function M.measure(owner, model, data, want)
  return core.no_grad(measure, owner, model, data, want)
end

function M.check_model(owner, model)
  if module.is_module(model) then return model end
  raise("%s: the model must be a layer or a module, got %s", owner, util.describe(model))
end

local function check_filled(owner, data, what)
  if #data == 0 then raise("%s: %s has no samples", owner, what) end
end
M.check_filled = check_filled

-- nn.evaluate(model, data, {loss, metrics, batch_size}): a table of numbers by name
function M.evaluate(model, data, options)
  M.check_model("evaluate", model)
  dataset.check(data, "evaluate", "the data")
  check_filled("evaluate", data, "the data")
  local o = util.options("evaluate", options,
    {loss = {"any"}, metrics = {"any"}, batch_size = {"count", BATCH}})
  if o.loss then M.check_loss("evaluate", o.loss) end
  if not o.loss and not o.metrics then
    o.metrics = {dataset.has_labels(data) and "accuracy" or "mse"}
  end
  o.metrics = metrics.resolve("evaluate", o.metrics)
  local result = M.measure("evaluate", model, data, o)
  if data.held_out then data.opened = (data.opened or 0) + 1 end
  return result
end

local function predict(model, x, size)
  local n = x:size(1)
  local _ <close> = module.mode(model, false)
  if n == 0 then return M.answer("predict", model, x) end
  local outputs = metrics.gather(n)
  for first = 1, n, size do
    outputs.add(M.answer("predict", model, x:narrow(1, first, math.min(size, n - first + 1))))
  end
  return outputs.all
end

-- model:predict(x, {batch_size}): the raw outputs for all rows
function M.predict(model, x, options)
  local o = util.options("predict", options, {batch_size = {"count", BATCH}})
  if dataset.is_dataset(x) then x = x.x end
  if core.kind(x) ~= "tensor" or x:dim() == 0 then
    raise("predict: expected a tensor with a row for each sample, got %s", util.describe(x))
  end
  return core.no_grad(predict, model, x, o.batch_size)
end

return M
