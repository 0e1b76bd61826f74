-- fit/batches.lua: the batches of an epoch. Where model, loss and optimizer are C, whole stretches
-- of them are one call; where Lua has to see each, it is the same loop written here, with the same
-- bits.
local callbacks = require "nn.callbacks"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local schedule = require "nn.fit.schedules"
local stream = require "nn.data.stream"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind
local batches = {}

-- Set by Ctrl-C while a fit holds it back; there is none outside nnlua itself.
local interrupts = core.interrupts or {pending = function() return false end}

-- ---- the trainer ------------------------------------------------------------------------------

-- What a forward may change besides random streams: tensors that are no parameters.
local function buffers_of(model)
  local list, seen = {}, {}
  module.each_tensor(model, function(entry)
    if not entry.buffer or seen[entry.tensor] then return end
    seen[entry.tensor] = true
    list[#list + 1] = entry.tensor
  end)
  return list
end

-- Anew where callbacks could have changed the model since the last epoch.
function batches.prepare(run)
  local native = run.native
  local spec = {
    params = run.params, buffers = buffers_of(run.model), x = run.train.x, y = run.train.y,
    weight = run.train.weight, batch_size = run.size, accumulate = run.accumulate, l1 = run.l1,
    l2 = run.l2, clip_norm = run.clip_norm, clip_value = run.clip_value,
    optimizer = kind_of(run.optimizer) == "optimizer" and run.optimizer or nil,
    model = native and run.model or nil, loss = native and run.loss or nil,
    gather = #run.metrics > 0,
  }
  -- Then nobody else holds a batch when its step is done, and its memory serves the next at once.
  run.alone = kind_of(run.loss) == "loss" and module.is_native(run.model)
  spec.yields = native and run.alone
  if run.trainer then run.trainer:release() end -- its memory serves the new one
  run.trainer = core.trainer(spec)
  run.is_sum = evaluate.is_sum(run.loss)
end

-- The order of an epoch's samples is drawn: the next rows are its first, or follow `done` of them.
function batches.draw(run, done)
  if stream.is_stream(run.train) then
    run.reader = stream.reader(run.train, run.shuffle, #run.metrics > 0)
    run.reader.skip(done or 0, run.size)
  elseif run.shuffle then
    run.order = core.randperm(run.rows, {stream = "shuffle"})
  end
end

-- The targets of the samples that the epoch has seen, in its order.
function batches.targets(run)
  if run.reader then return run.reader.targets() end
  local y = run.order and run.train.y[run.order] or run.train.y
  return run.row < run.rows and y:narrow(1, 1, run.row) or y
end

-- ---- in C -------------------------------------------------------------------------------------

local function native(run)
  local trainer, show, state, rows = run.trainer, run.show, run.state, run.rows
  local scheduled, watched = schedule.any(run, "batch"), #run.plan.on_batch_end > 0
  local single = scheduled or watched
  while run.row < rows do
    local before, most = run.batch, single and 1 or show.live and show:room() or math.huge
    local fault, first, failed
    run.row, run.batch, run.total, run.penalty, state.loss, fault, first, failed =
      trainer:run(most)
    if fault then
      return {kind = fault, first = first, batch = failed, value = state.loss}
    end
    if run.batch == before then return end -- Ctrl-C has undone it
    state.batch = run.batch
    if scheduled then schedule.step(run, "batch") end
    if watched then callbacks.fire(run.plan, "on_batch_end", state) end
    if show.live then show:batch(run.row, run.total, run.batch - before) end
    if state.stopped or interrupts.pending() then return end
  end
end

-- Whether nothing in Lua has to see the end of an epoch: then many are one call.
function batches.are_unseen(run)
  return run.native and run.show.silent and #run.plan.list == 0 and #run.metrics == 0
    and #run.schedules == 0 and not run.validation and not run.checkpoint
end

-- Up to `most` epochs, of which the first has begun. What they came to: trainer:ended().
function batches.run_epochs(run, most)
  local trainer = run.trainer
  trainer:begin(run.order, run.row, run.batch, run.total, run.penalty, run.outputs)
  local value, fault, first, failed = trainer:epochs(most)
  run.state.loss = value
  return fault and {kind = fault, first = first, batch = failed, value = value}
end

-- ---- in Lua -----------------------------------------------------------------------------------

-- Rows first .. first + count - 1 of the epoch's order, as x, y and weights. Methods are called as
-- functions here: looking one up costs as much as what these do.
local narrow, release = core.methods.tensor.narrow, core.methods.tensor.release
local item, numel, backward = core.methods.tensor.item, core.methods.tensor.numel,
  core.methods.tensor.backward

local function rows_of(run, first, count)
  local train, order = run.train, run.order
  if run.reader then return run.reader.rows(first, count, run.row) end
  if train.augmentation then return dataset.batch(train, order, first, count) end
  local x, y, w = train.x, train.y, train.weight
  if not order then
    return narrow(x, 1, first, count), narrow(y, 1, first, count), w and narrow(w, 1, first, count)
  end
  local rows = narrow(order, 1, first, count)
  local bx, by, bw = x[rows], y[rows], w and w[rows]
  release(rows)
  return bx, by, bw
end
batches.rows = rows_of

local function loss_of(run, prediction, by, bw)
  local loss = run.loss
  if bw and kind_of(loss) == "loss" then return core.weighted_loss(loss, prediction, by, bw) end
  return loss(prediction, by, bw)
end

-- Predictions go where those of the epoch are gathered, in its order.
local function keep_output(run, prediction, first)
  if not run.outputs then
    local size = prediction:size()
    size[1] = run.rows
    run.outputs = core.zeros(size, {dtype = prediction:dtype()})
  end
  local place = narrow(run.outputs, 1, first, prediction:size(1))
  core.no_grad(place.copy_, place, prediction)
  release(place)
end

-- A model that does nothing returns its input.
local function release_batch(bx, by, out, l)
  if out ~= bx then release(out) end
  release(bx)
  release(by)
  release(l)
end

-- Forward and backward of one batch; returns its loss as a number.
local function run_batch(run, first, count, share, keep)
  local bx, by, bw = rows_of(run, first, count)
  local out = evaluate.answer("fit", run.model, bx)
  if keep then keep_output(run, out, first) end
  local l = loss_of(run, out, by, bw)
  if kind_of(l) ~= "tensor" then
    raise("fit: the loss must be a tensor, got %s", util.describe(l))
  end
  local value = numel(l) == 1 and item(l) or history.number(l, "fit", "the loss")
  if value - value == 0 and l.requires_grad then -- not where the optimizer wants the loss alone
    if share == 1 then backward(l) else backward(l:mul(share)) end
  end
  if run.alone then release_batch(bx, by, out, l) end
  return value
end

-- The batches of a step: what they add up to goes into `now`. In the first call for a step, one
-- whose loss is no number is its fault.
local function run_batches(run, rows, found, now)
  local size, row, is_sum, is_first = run.size, run.row, run.is_sum, found.calls == 1
  local keep = is_first and #run.metrics > 0
  for first = row, row + rows - 1, size do
    local left = row + rows - first
    local count = left < size and left or size
    local share = is_sum and 1 or count / rows
    local value = run_batch(run, first + 1, count, share, keep)
    now.sum = now.sum + (is_sum and value or value * count)
    now.value = now.value + share * value
    if is_first then run.state.loss = value end
    if value - value ~= 0 then
      if is_first then
        found.fault = {kind = "loss", first = first, value = value,
          batch = run.batch + (first - row) // size + 1}
      end
      return
    end
  end
end

-- What a step sees: an optimizer may ask for it more than once (LBFGS, Nesterov). Its calls go into
-- `found`: the first, and the one with the lowest value.
local function closure_of(run, found)
  local optimizer, trainer, size = run.optimizer, run.trainer, run.size
  local zero_grad, settle = optimizer.zero_grad, trainer.settle
  return function()
    local rows, now = found.rows, {value = 0, sum = run.total, penalty = 0}
    found.calls = found.calls + 1
    zero_grad(optimizer)
    run_batches(run, rows, found, now)
    if now.value - now.value == 0 then
      local finite
      now.penalty, finite = settle(trainer)
      now.value = now.value + now.penalty
      if not finite then
        if found.calls == 1 then
          found.fault = {kind = "gradient", first = run.row, value = run.state.loss,
            batch = run.batch + (rows + size - 1) // size}
        end
        now.value = 0 / 0
      end
    end
    if found.calls == 1 then found.first, found.least = now, now end
    if now.value < found.least.value then found.least = now end
    return now.value
  end
end

-- The optimizer's step, where there is a way to take one. Returns what went wrong.
local function step(run, found, closure, takes_closure)
  local optimizer, rows = run.optimizer, found.rows
  local value
  found.calls, found.fault = 0, nil
  if takes_closure then
    value = optimizer:step(closure)
  else -- a script's own need not know of closures
    value = closure()
    if not found.fault then optimizer:step() end
  end
  if value - value ~= 0 then
    return found.fault or {kind = "loss", first = run.row, value = value, batch = run.batch + 1}
  end
  local first, least = found.first, found.least
  local told = value == first.value and first or value == least.value and least
    or {sum = run.total + value * rows, penalty = 0}
  run.total = told.sum
  if run.l1 ~= 0 or run.l2 ~= 0 then run.penalty = run.penalty + told.penalty * rows end
end

local function plain(run)
  local state, trainer, size, optimizer = run.state, run.trainer, run.size, run.optimizer
  local found, most, mark = {}, size * run.accumulate, trainer.mark
  local closure = closure_of(run, found)
  local takes_closure = kind_of(optimizer) == "optimizer" and optimizer:needs_closure()
  while run.row < run.rows do
    local left = run.rows - run.row
    local rows = left < most and left or most
    found.rows = rows
    mark(trainer)
    run.stepping = true -- so that whoever ends it undoes it
    local fault = step(run, found, closure, takes_closure)
    if fault then return fault end
    run.stepping = false
    local count = (rows + size - 1) // size
    run.row, run.batch = run.row + rows, run.batch + count
    state.batch = run.batch
    schedule.step(run, "batch")
    callbacks.fire(run.plan, "on_batch_end", state)
    if run.show.live then run.show:batch(run.row, run.total, count) end
    if state.stopped or interrupts.pending() then return end
  end
end

-- ---- either -----------------------------------------------------------------------------------

-- Where the trainer stands, also after an error in the middle of a stretch.
function batches.settle(run)
  if run.native then
    run.row, run.batch, run.total, run.penalty = run.trainer:place()
    run.outputs = run.trainer:outputs()
  elseif run.stepping then
    run.trainer:rewind()
  end
  run.stepping = false
  run.state.batch = run.batch
end

-- The epoch, or the rest of it. It ends early where a callback stops the fit or Ctrl-C was pressed.
-- Returns what went wrong, when the run is as before that step: {kind, first, batch, value}.
function batches.run(run)
  run.trainer:begin(run.order, run.row, run.batch, run.total, run.penalty, run.outputs)
  local fault = (run.native and native or plain)(run)
  batches.settle(run)
  return fault
end

return batches
