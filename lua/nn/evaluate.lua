-- evaluate.lua: nn.evaluate and model:predict: a model as it is, in evaluation mode and without
-- gradients, leaving every mode as it was.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local history = require "nn.history"
local metrics = require "nn.metrics"
local module = require "nn.module"
local stream = require "nn.data.stream"
local util = require "nn.util"

local raise = util.raise
local M = {}

local BATCH = 256

-- A model's answer to a batch, checked to have a row for each sample. Methods are functions here:
-- looking one up costs as much as these do.
local kind_of, dim_of, size_of = core.kind, core.methods.tensor.dim, core.methods.tensor.size
function M.answer(owner, model, x)
  local out = model(x)
  if kind_of(out) ~= "tensor" then
    raise("%s: the model must return a tensor, got %s", owner, util.describe(out))
  end
  if dim_of(out) == 0 or size_of(out, 1) ~= size_of(x, 1) then
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

-- A batch's loss as a number; w: what the samples count, or nil.
local function batch_loss(owner, loss, out, y, w)
  if core.kind(loss) ~= "loss" then return history.number(loss(out, y, w), owner, "the loss") end
  local l = w and core.weighted_loss(loss, out, y, w) or loss(out, y)
  local value = history.number(l, owner, "the loss")
  l:release()
  return value
end

local function count_rows(y) return y:size(1) end

-- What a batch's mean stands for: a function of its targets. Rows, except where a loss leaves
-- labels out or weighs the classes: the mean of the batches' means is not the mean of the whole.
local function mass_of(loss, y)
  local class = core.kind(loss) == "loss" and loss.reduction == "mean" and loss:_class()
  if class ~= "CrossEntropyLoss" and class ~= "NLLLoss" then return count_rows end
  local weight, ignored = loss.weight, loss.ignore_index
  if y and (y:dtype() ~= "int64" or (not weight and not y:eq(ignored):any())) then
    return count_rows
  end
  weight = weight and core.tensor(weight, {dtype = "float64"})
  return function(targets)
    if targets:dtype() ~= "int64" then return targets:size(1) end
    local labels = targets:flatten()
    labels = labels:masked_select(labels:ne(ignored))
    return weight and weight[labels]:sum():item() or labels:numel()
  end
end

local function is_in_memory(data)
  return core.kind(data.x) == "tensor" and core.kind(data.y) == "tensor"
end

-- For each batch in order: x, y and what the samples count, or nil. Of what is in memory they are
-- views.
local function batches(data, size)
  if not is_in_memory(data) then return data:batches {size = size, shuffle = false} end
  local x, y, w, n, first = data.x, data.y, data.weight, data.x:size(1), 1
  return function()
    if first > n then return nil end
    local from, count = first, math.min(size, n - first + 1)
    first = first + count
    return x:narrow(1, from, count), y:narrow(1, from, count), w and w:narrow(1, from, count)
  end
end

-- The mean loss over all batches, if `loss` is given, and how many rows there were.
local function run(owner, model, data, size, loss, outputs, targets)
  local alone = is_in_memory(data) and module.is_native(model)
    and (not loss or core.kind(loss) == "loss")
  local is_sum, mass = M.is_sum(loss), loss and mass_of(loss, is_in_memory(data) and data.y or nil)
  local total, share, rows = 0, 0, 0
  for x, y, w in batches(data, size) do
    local out = M.answer(owner, model, x)
    rows = rows + x:size(1)
    local part = loss and mass(y) or 0
    if part > 0 then -- else no row of the batch counts, and the mean of none is no number
      local value = batch_loss(owner, loss, out, y, w)
      total, share = total + (is_sum and value or value * part), share + part
    end
    if outputs then outputs.add(out) end
    if targets then targets.add(y) end
    if alone then -- what nobody else can hold serves the next batch at once
      if out ~= x then out:release() end
      x:release()
      y:release()
    end
  end
  return total / share, rows
end

local function measure(owner, model, data, want)
  local _ <close> = module.mode(model, false)
  local known, gathers = is_in_memory(data), #want.metrics > 0
  local outputs = gathers and metrics.gather(known and data.x:size(1) or nil)
  local targets = gathers and not known and metrics.gather()
  local loss, rows = run(owner, model, data, want.batch_size, want.loss, outputs, targets)
  if rows == 0 then raise("%s: the data has no samples", owner) end
  local result = {loss = want.loss and loss or nil}
  if gathers then
    metrics.measure(owner, want.metrics, outputs.finish(), targets and targets.finish() or data.y,
      result, "")
  end
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

-- A dataset, or what gives its parts by a method `batches` of its own.
local function check_data(data)
  if type(data) == "table" and type(data.batches) == "function" and not is_in_memory(data) then
    return
  end
  dataset.check(data, "evaluate", "the data")
  check_filled("evaluate", data, "the data")
end

local function default_metrics(data)
  if stream.is_stream(data) then return {data.classes and "accuracy" or "mse"} end
  if not is_in_memory(data) then
    raise("evaluate: say what to measure of data that comes in batches: {metrics = {...}}, "
      .. "{loss = ...}")
  end
  return {dataset.has_labels(data) and "accuracy" or "mse"}
end

--- nn.evaluate(model, data, {loss, metrics, batch_size = 256}) -> table
--- How good a model is on a dataset or nn.data.stream, in evaluation mode and without gradients;
--- every module's mode is left as it was. The result has a number for `loss`, if one is given (the
--- mean over the samples, each times its weight where the dataset has weights), and for each of
--- `metrics`, a list as for nn.fit: accuracy, top_k, precision, recall, f1, auc, confusion (a
--- matrix, rows are the truth), mse, mae, r2 (see nn.metrics), or name = function(prediction,
--- target) over the whole set. Without either: accuracy for labels, mse for other targets. The
--- result prints as a table. Of a held-out part, `data.opened` counts how often it was measured:
--- the more often, the less its result means.
--- Example:
---   local train, test = nn.data.digits():split{0.8, 0.2}
---   local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 10)}
---   print(nn.evaluate(model, test, {loss = nn.CrossEntropyLoss(), metrics = {"accuracy", "f1"}}))
function M.evaluate(model, data, options)
  M.check_model("evaluate", model)
  check_data(data)
  if data.held_out and core.choosing then
    raise("evaluate: the data is held out, and nn.%s makes a choice by what it sees; measure on a "
      .. "validation part, and on this one when the choice is made", core.choosing)
  end
  local o = util.options("evaluate", options,
    {loss = {"any"}, metrics = {"any"}, batch_size = {"count", BATCH}})
  if o.loss then M.check_loss("evaluate", o.loss) end
  if not o.loss and not o.metrics then o.metrics = default_metrics(data) end
  o.metrics = metrics.resolve("evaluate", o.metrics, o.loss)
  local values = M.measure("evaluate", model, data, o)
  if data.held_out then data.opened = (data.opened or 0) + 1 end
  return require "nn.metrics.result".new(values, o.metrics, data)
end

-- ---- predictions ------------------------------------------------------------------------------

local function predict(model, data, size, rows)
  local _ <close> = module.mode(model, false)
  local outputs = metrics.gather(rows)
  for x in batches(data, size) do outputs.add(M.answer("predict", model, x)) end
  return outputs.finish()
end

-- No rows have an answer too: its shape is the model's.
local function predict_nothing(model, x)
  local _ <close> = module.mode(model, false)
  return M.answer("predict", model, x)
end

--- model:predict(x, {batch_size = 256}) -> tensor
--- The raw outputs for all rows of x, a tensor or a dataset, computed in batches, in evaluation
--- mode and without gradients. Every module's mode is left as it was. For classes: `:argmax(2)`.
--- Example:
---   local model = nn.Sequential{nn.Linear(2, 3), nn.Softmax()}
---   print(model:predict(nn.randn(4, 2)):argmax(2))
function M.predict(model, x, options)
  local o = util.options("predict", options, {batch_size = {"count", BATCH}})
  if type(x) == "table" and type(x.batches) == "function" and not is_in_memory(x) then
    return core.no_grad(predict, model, x, o.batch_size)
  end
  if dataset.is_dataset(x) then x = x.x end
  if core.kind(x) ~= "tensor" or x:dim() == 0 then
    raise("predict: expected a tensor with a row for each sample, got %s", util.describe(x))
  end
  if #x == 0 then return core.no_grad(predict_nothing, model, x) end
  return core.no_grad(predict, model, {x = x, y = x}, o.batch_size, #x)
end

return M
