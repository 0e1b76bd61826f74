-- fit/faults.lua: what nn.fit says when a loss or a gradient is not a finite number: which epoch
-- and batch, and, from running that batch once more layer by layer, where it began and why.
local batches = require "nn.fit.batches"
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local util = require "nn.util"

local kind_of = core.kind
local get_metatable = debug.getmetatable -- a layer's is hidden from scripts
local faults = {}

-- ---- numbers that are none --------------------------------------------------------------------

local function is_float(t)
  return kind_of(t) == "tensor" and t:dtype():find "^float" ~= nil
end

local function is_finite(t)
  return not is_float(t) or core.no_grad(function() return t:isfinite():all() end)
end

local function largest(t)
  return core.no_grad(function() return t:numel() > 0 and t:abs():max():item() or 0 end)
end

-- The first element that is no finite number: its place, a list, and its value.
local function first_bad(t)
  return core.no_grad(function()
    local bad = t:detach():isfinite():eq(0):nonzero()
    local place, at = bad[1]:totable(), t:detach()
    for _, i in ipairs(place) do at = at[i] end
    return place, kind_of(at) == "tensor" and at:item() or at
  end)
end

-- "element [25, 1] of x is nan"
local function element_text(name, t, row)
  local place, value = first_bad(t)
  place[1] = row and row(place[1]) or place[1]
  local index = #place > 0 and ("element [%s] of "):format(table.concat(place, ", ")) or ""
  return ("%s%s is %s"):format(index, name, history.text(value + 0.0))
end

-- ---- the model, watched -----------------------------------------------------------------------

-- How a script would write the way to each module below the model: model[3], model.encoder.fc.
local function paths_of(model)
  local paths = {}
  local function enter(m, path)
    if paths[m] then return end
    paths[m] = path
    for _, entry in ipairs(module.members(m)) do
      local steps = entry.name:gsub("[^.]+", function(step)
        return step:find "^%d+$" and "[" .. step .. "]" or "." .. step
      end):gsub("%.%[", "["):gsub("%.%.", ".")
      if entry.module then enter(entry.module, path .. steps) end
    end
  end
  enter(model, "model")
  return paths
end

local function name_of(m, paths)
  local text = paths[m] or "a layer"
  if not module.is_module(m) then return text .. ", a function" end
  if kind_of(m) == "layer" and #m:_children() == 0 then return text .. ", " .. tostring(m) end
  return text .. ", " .. module.class_name(m)
end

-- Runs f while every call of a layer or module goes through `call(m, run, ...)`.
local function watching(model, call, f)
  local plain = {}
  for _, m in ipairs(module.all(model)) do
    local meta = get_metatable(m)
    if plain[meta] == nil then
      local run = meta.__call
      plain[meta] = run
      meta.__call = function(...) return call(run, ...) end
    end
  end
  local _ <close> = util.finally(function()
    for meta, run in pairs(plain) do meta.__call = run end
  end)
  return f()
end

-- A list of {module, input, output} in the order in which they end, so inner ones come first.
-- Sequential is walked here: in C nobody sees what is between its layers.
local function trace(model, f)
  local list = {}
  local function note(m, input, ...)
    list[#list + 1] = {module = m, input = input, output = (...)}
    return ...
  end
  local function call(run, m, x, ...)
    if kind_of(m) ~= "layer" or m:_class() ~= "Sequential" then
      return note(m, x, run(m, x, ...))
    end
    local y = x
    for _, child in ipairs(m:_children()) do
      if module.is_module(child) then y = child(y) else y = note(child, y, child(y)) end
    end
    return y
  end
  watching(model, call, f)
  return list
end

-- ---- causes -----------------------------------------------------------------------------------

local LARGE = 1e4

local function parameters_of(m)
  local list = {}
  if not module.is_module(m) then return list end
  for _, entry in ipairs(module.members(m)) do
    if entry.tensor and not entry.buffer and is_float(entry.tensor) then
      list[#list + 1] = {name = entry.name, tensor = entry.tensor}
    end
  end
  return list
end

local TOO_FAST = "the steps are too large: a lower learning rate, or clip_norm = 1, are the cures"

local function cause_in_layer(record)
  for _, p in ipairs(parameters_of(record.module)) do
    local most = largest(p.tensor)
    if most > LARGE then
      return ("its %s has grown to %s; %s"):format(p.name, history.text(most), TOO_FAST)
    end
  end
  local most = is_float(record.input) and largest(record.input) or 0
  if most > LARGE then
    return ("its input reaches %s; inputs scaled to about -1..1 (nn.data.Standardize), or a lower "
      .. "learning rate, are the usual cures"):format(history.text(most))
  end
  return "a logarithm or a root of 0 or less, a division by 0, or an overflow inside it"
end

-- ---- where it began ---------------------------------------------------------------------------

-- Each returns what is at fault and the likely cause, or nothing.

local function in_data(run, batch)
  local function row(i)
    return run.order and run.order[batch.first + i] or batch.first + i
  end
  for _, part in ipairs {"x", "y", "weight"} do
    local t = batch[part]
    if is_float(t) and not is_finite(t) then
      local place = run.reader and run.shuffle and "the batch's " or "the data's "
      return element_text(place .. part, t, place:find "data" and row),
        "missing values; nn.data.csv(path, {missing = ...}) fills or drops them"
    end
  end
end

local function in_weights(run)
  for _, entry in ipairs(module.Module.named_parameters(run.model)) do
    if not is_finite(entry.tensor) then
      return element_text("parameter " .. entry.name, entry.tensor) .. " before that batch",
        "an earlier step, or the script, has made it so"
    end
  end
end

local function in_forward(list, paths)
  for _, record in ipairs(list) do
    if not is_finite(record.input) then
      return element_text("the input of " .. name_of(record.module, paths) .. ",", record.input),
        "a logarithm or a root of 0 or less, a division by 0, or an overflow in the forward that "
          .. "calls it"
    end
    if not is_finite(record.output) then
      local name = "the output of " .. name_of(record.module, paths) .. ","
      return element_text(name, record.output), cause_in_layer(record)
    end
  end
end

local function in_loss(run, out)
  local name = kind_of(run.loss) == "loss" and tostring(run.loss) or "the loss function"
  local most = largest(out)
  local what = ("%s, of predictions that are finite and reach %s"):format(name, history.text(most))
  if most > LARGE then return what, TOO_FAST end
  return what, "a logarithm or a root of 0, or a division by 0, in the loss"
end

local IN_BACKWARD = "a root, a norm or a power at 0, a division by 0, or an overflow"

-- The last parameter whose gradient is not finite: backward reaches it first.
local function in_parameters(named)
  local worst, most = nil, -1
  for i = #named, 1, -1 do
    local g = named[i].tensor.grad
    if g and not is_finite(g) then
      return element_text("the gradient of " .. named[i].name, g), IN_BACKWARD
    end
    local size = g and largest(g) or 0
    if size > most then worst, most = named[i].name, size end
  end
  if not worst then return end
  return ("the gradient of %s reaches %s: a step by it would leave the range of numbers"):format(
    worst, history.text(most)), TOO_FAST
end

-- Backward from the loss: the first layer whose gradients are not finite.
local function in_gradients(run, list, l, paths)
  local targets, owner = {}, {}
  for _, record in ipairs(list) do
    local out = record.output
    if is_float(out) and out.requires_grad and not owner[out] then
      targets[#targets + 1], owner[out] = out, record.module
    end
  end
  run.optimizer:zero_grad()
  l:backward(nil, {retain = true})
  run.trainer:settle()
  local grads = core.grad(l, targets)
  for i = #targets, 1, -1 do
    if kind_of(grads[i]) == "tensor" and not is_finite(grads[i]) then
      return "the gradient at the output of " .. name_of(owner[targets[i]], paths)
        .. ", which comes from what follows it", IN_BACKWARD
    end
  end
  return in_parameters(module.Module.named_parameters(run.model))
end

-- Rows of the failed batch. Those of its step that came before it run again, so that the random
-- streams stand where they stood.
local function failed_batch(run, fault)
  local function rows(first)
    local batch = {first = first}
    batch.x, batch.y, batch.weight =
      batches.rows(run, first + 1, math.min(run.size, run.rows - first))
    return batch
  end
  for first = run.row, fault.first - 1, run.size do
    core.no_grad(run.model, rows(first).x)
  end
  return rows(fault.first)
end

local function look(run, fault)
  local batch = failed_batch(run, fault)
  local what, why = in_data(run, batch)
  if not what then what, why = in_weights(run) end
  if what then return what, why end
  local paths, out, l = paths_of(run.model)
  local list = trace(run.model, function()
    out = evaluate.answer("fit", run.model, batch.x)
    l = run.loss(out, batch.y, kind_of(run.loss) ~= "loss" and batch.weight or nil)
  end)
  what, why = in_forward(list, paths)
  if what then return what, why end
  if not is_finite(out) then return element_text("the model's output", out) end
  if not is_finite(l) then return in_loss(run, out) end
  if fault.kind == "gradient" then return in_gradients(run, list, l:sum(), paths) end
end

-- Raises. The run is as before the step, and stays so.
function faults.raise(run, fault)
  local ok, what, why = pcall(look, run, fault)
  run.trainer:rewind()
  local text = ("fit: the %s became %s at epoch %d, batch %d (lr %.6g); the model is as it was "
    .. "before that batch"):format(fault.kind == "loss" and "loss" or "gradient",
    fault.kind == "loss" and history.text(fault.value + 0.0) or "infinite or nan", run.state.epoch,
    fault.batch, tonumber(run.optimizer.lr) or 0)
  if ok and what then
    text = text .. ".\n  where it began: " .. what .. (why and "\n  likely cause: " .. why or "")
  else
    text = text .. ". A lower learning rate, or inputs scaled to about -1..1, are the usual cures"
  end
  util.raise("%s", text)
end

-- What nn.diagnose looks through a model with, too.
faults.trace, faults.paths_of = trace, paths_of

return faults
