-- fit.lua: nn.fit, the training loop, and nn.resume. What it is given is read in fit/options.lua,
-- the batches are in fit/batches.lua, what outlives the process in fit/checkpoint.lua.
local batches = require "nn.fit.batches"
local callbacks = require "nn.callbacks"
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local metrics = require "nn.metrics"
local module = require "nn.module"
local options = require "nn.fit.options"
local schedules = require "nn.fit.schedules"
local streams = require "nn.fit.streams"
local util = require "nn.util"

local raise = util.raise

-- Ctrl-C waits for the end of the batch while a fit holds it; there is none outside nnlua itself.
local function nothing() end
local interrupts = core.interrupts
  or {hold = nothing, release = nothing, pending = nothing, obey = nothing}

-- The run behind nn.last, for nn.resume.
local runs = setmetatable({}, {__mode = "k"})

local function checkpoint() return require "nn.fit.checkpoint" end

-- ---- an epoch ---------------------------------------------------------------------------------

-- False where a callback does not want it.
local function begin_epoch(run)
  local state = run.state
  state.epoch, state.batch, state.record = run.done + 1, 0, nil
  callbacks.fire(run.plan, "on_epoch_begin", state)
  if state.stopped then
    state.epoch = run.done
    return false
  end
  if not run.trainer or #run.plan.list > 0 then batches.prepare(run) end
  run.shuffled_at = run.checkpoint and streams.state()
  batches.draw(run)
  run.row, run.batch, run.total, run.penalty, run.outputs = 0, 0, 0.0, 0.0, nil
  run.spent, run.open = 0, true
  return true
end

-- The metrics of the predictions that were made while training.
local function training_metrics(run, record)
  local y, prediction = batches.targets(run), run.outputs
  if run.row < run.rows then prediction = prediction:narrow(1, 1, run.row) end
  core.no_grad(metrics.measure, "fit", run.metrics, prediction, y, record, "")
end

-- Ctrl-C need not wait for it: it can be done again. Returns nothing then.
local function validate(run)
  local _ <close> = util.finally(function() core.yields(false) end)
  core.yields(run.alone)
  local ok, measured = pcall(evaluate.measure, "fit", run.model, run.validation, run.want)
  if ok then return measured end
  if not interrupts.pending() then error(measured, 0) end
end

-- Nothing where Ctrl-C came while it was measured.
local function record_of(run)
  local record = {epoch = run.state.epoch, loss = run.total / run.row, lr = run.optimizer.lr}
  if run.l1 ~= 0 or run.l2 ~= 0 then record.penalty = run.penalty / run.row end
  if #run.metrics > 0 then training_metrics(run, record) end
  if run.validation then
    local measured = validate(run)
    if not measured then return nil end
    for name, value in pairs(measured) do record["val_" .. name] = value end
  end
  return record
end

local function end_epoch(run, began)
  local state, record = run.state, record_of(run)
  if not record then return false end
  record.seconds = run.spent + core.time() - began
  if run.order then run.order:release() end
  run.order, run.reader, run.outputs = nil, nil, nil
  run.open, run.done = false, state.epoch
  run.history[#run.history + 1] = record
  state.record = record
  if run.plan.may_print then run.show:pause() end
  callbacks.fire(run.plan, "on_epoch_end", state)
  schedules.step(run, "epoch")
  run.show:epoch(record, run.history.columns)
  return true
end

-- ---- the loop ---------------------------------------------------------------------------------

-- An epoch, or the rest of one; false where Ctrl-C came between.
local function epoch(run)
  local began = core.time()
  if not run.open and not begin_epoch(run) then return false end
  run.show:begin(run.state.epoch, run.rows, run.size)
  local fault = batches.run(run)
  if fault then require "nn.fit.faults".raise(run, fault) end
  local whole = (run.row == run.rows or run.state.stopped) and end_epoch(run, began)
  if not whole then run.spent = run.spent + core.time() - began end
  return whole
end

-- What the epochs of one call have left: a record each, and where the last one stands.
local function collect(run)
  local state, rows, lr = run.state, run.rows, run.optimizer.lr
  local list, spent = run.trainer:ended()
  local penalised = run.l1 ~= 0 or run.l2 ~= 0
  run.many = false
  for i = 1, #list, 3 do
    run.done = run.done + 1
    local record = {epoch = run.done, loss = list[i] / rows, lr = lr}
    if penalised then record.penalty = list[i + 1] / rows end
    record.seconds = run.spent + list[i + 2]
    run.history[#run.history + 1], state.record, run.spent = record, record, 0
  end
  batches.settle(run)
  run.open, run.spent = run.row < run.rows, run.spent + spent
  run.order = run.open and run.trainer:order() or nil
  state.epoch = run.open and run.done + 1 or run.done
end

-- Epochs that nobody looks at, in one call.
local function epochs(run)
  local MOST = 1000 -- the records wait in memory
  if not run.open then begin_epoch(run) end
  run.many = true
  local fault = batches.run_epochs(run, math.min(run.epochs - run.done, MOST))
  collect(run)
  if fault then require "nn.fit.faults".raise(run, fault) end
end

-- Ctrl-C: the run can go on from here, and its checkpoint says so.
local function interrupted(run)
  if run.checkpoint then checkpoint().save(run) end
  interrupts.obey()
  error("interrupted", 0)
end

local function is_over(run)
  return run.state.stopped or (run.done >= run.epochs and not run.open)
end

-- However the run is left, it can be taken up again.
local function leave(run, err)
  if err == nil then return end
  if run.many then
    collect(run)
  elseif run.open then
    batches.settle(run)
  end
  run.streams = streams.state()
end

local function finish(run)
  local state = run.state
  run.history.stopped_by = state.stopped or "epochs"
  local last = run.checkpoint and checkpoint().before_end(run)
  callbacks.fire(run.plan, "on_fit_end", state)
  if last then checkpoint().save(run, last()) end
  run.over = true
  run.trainer, run.train, run.validation = nil, nil, nil -- the data are not to live as long as that
  require "nn".last = run.last -- a fit in a callback has put its own there
end

local function loop(run)
  local _ <close> = util.finally(interrupts.release)
  interrupts.hold()
  local _ <close> = util.finally(function(_, err) leave(run, err) end)
  local _ <close> = module.mode(run.model, true)
  local _ <close> = run.show
  run.trainer = nil
  if run.open then batches.prepare(run) end
  local run_some = batches.are_unseen(run) and epochs or epoch
  while not is_over(run) do
    local whole = run_some(run)
    if interrupts.pending() then interrupted(run) end
    local due = whole and run.checkpoint and run.done % run.checkpoint.every == 0
    if due and not is_over(run) then checkpoint().save(run) end
  end
  finish(run)
end

-- ---- nn.fit, nn.resume ------------------------------------------------------------------------

local M = {}

local function go(run)
  require "nn".last = run.last
  if run.streams then streams.set(run.streams) end
  run.streams = nil
  loop(run)
  return run.history
end

--- nn.fit(model, data, {loss, optimizer, validation, epochs = 10, batch_size = 32, shuffle = true,
---   metrics, l1 = 0, l2 = 0, clip_norm, clip_value, accumulate = 1, schedule, progress = "auto",
---   callbacks, checkpoint}) -> history
--- Trains a model, in place, on a dataset or nn.data.stream, and returns the history: a list of
--- records, one for each epoch. `loss`: a loss, or a function of prediction and target (and the
--- samples' weights, if the data have them) that gives one number. `optimizer`: one of nn.optim,
--- made of the model's parameters. `validation`: a dataset, a stream, or a fraction that is split
--- off; measured after each epoch, in evaluation mode. `metrics`: names such as "accuracy", or name
--- = function(prediction, target), over all predictions of an epoch. `shuffle`: a new order of the
--- samples each epoch.
--- `l2` adds (l2/2) sum w^2 and `l1` adds l1 sum |w| of the weights, not of biases (tensors of one
--- dimension); the sum stands beside the loss as `penalty`. `clip_norm` scales a step's gradient
--- down to that length, `clip_value` cuts each of its elements. `accumulate` batches make one step,
--- by the mean over all their samples. `schedule`: one of nn.schedule or a list, each stepped by
--- epoch or by step, as its `by` says. `callbacks`: nn.EarlyStopping{...} and its kin, or tables
--- with any of on_fit_begin, on_epoch_begin, on_batch_end, on_epoch_end, on_fit_end (state), where
--- state has epoch, batch, model, optimizer, record, history, and state:stop(reason).
--- `progress`: "auto" draws a live line on a terminal, true also writes a line an epoch elsewhere.
--- `checkpoint = {path = "run.nn", every = 1, resume = true}`: saves every so many epochs, and goes
--- on from the file, bit for bit, when the script runs again; the file before is kept beside it.
--- A loss or gradient that is not finite stops the fit, with the model as before that batch, and an
--- error that names epoch, batch, layer and the likely cause. The first Ctrl-C ends it after the
--- batch with the error "interrupted"; nn.resume() goes on. doc/training.md tells the rest.
--- Example:
---   local train, val = nn.data.digits():split {0.8, 0.2}
---   local model = nn.Sequential {nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
---   print(nn.fit(model, train, {
---     validation = val, loss = nn.CrossEntropyLoss(), metrics = {"accuracy"}, epochs = 5,
---     optimizer = nn.optim.Adam(model:parameters(), {lr = 0.002}), l2 = 1e-4,
---   }))
function M.fit(model, train, given)
  local run = options(model, train, given)
  run.last = {model = model, optimizer = run.optimizer, history = run.history}
  require "nn".last = run.last
  runs[run.last] = run
  local saved = run.checkpoint and checkpoint().open(run)
  if run.over then
    streams.set(run.streams)
    return run.history
  end
  callbacks.fire(run.plan, "on_fit_begin", run.state)
  if saved then
    checkpoint().restore_callbacks(run, saved)
  elseif run.checkpoint then -- what cannot be written is found now
    checkpoint().save(run)
  end
  return go(run)
end

--- nn.resume() -> history
--- Goes on with the fit that was interrupted last (Ctrl-C, or an error in a callback), as if it had
--- never stopped, and returns its whole history: the records from before and after. Random streams,
--- the order of the batches and the place in the epoch are where they were, so every number is what
--- it would have been. `nn.last` holds the model, optimizer and history meanwhile.
--- Example:
---   local model = nn.Linear(1, 1)
---   local pause = {}
---   function pause:on_epoch_end(state) assert(state.epoch ~= 2, "pause") end
---   pcall(nn.fit, model, nn.data.line(), {loss = nn.MSELoss(), epochs = 4, callbacks = {pause},
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
---   print(#nn.last.history, #nn.resume()) --> 2 4
function M.resume()
  local run = runs[require "nn".last or runs]
  if not run then raise "resume: there was no fit yet" end
  if run.over then
    raise("resume: the last fit has come to its end (stopped by %s); nothing is left to do",
      tostring(run.history.stopped_by))
  end
  return go(run)
end

return M
