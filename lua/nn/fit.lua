-- fit.lua: nn.fit, the training loop. Where model, loss and optimizer are C, a batch is one call;
-- where Lua has to see each batch, it is the same five lines written here. Both give the same bits.
local callbacks = require "nn.callbacks"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local metrics = require "nn.metrics"
local module = require "nn.module"
local progress = require "nn.progress"
local util = require "nn.util"

local raise, kind_of, train_step = util.raise, core.kind, core.train_step

-- ---- options ----------------------------------------------------------------------------------

local known = {
  batch_size = {"count", 32}, callbacks = {"any"}, epochs = {"count", 10}, loss = {"any"},
  metrics = {"any"}, optimizer = {"any"}, progress = {"any", "auto"}, shuffle = {"boolean", true},
  validation = {"any"},
}

local function refuse_held_out(ds, role)
  if not ds.held_out then return end
  raise("fit: the %s data is held out (the last part of a split in three): a fit that sees it "
    .. "leaves nothing to test with. Use it once, with nn.evaluate, when all choices are made",
    role)
end

-- The two parts: what is trained on and what is measured on (or nil).
local function read_data(train, validation)
  refuse_held_out(train, "training")
  if type(validation) == "number" then
    if not (validation > 0 and validation < 1) then
      raise("fit: option 'validation' is a dataset or a fraction between 0 and 1, got %s",
        util.describe(validation))
    end
    train, validation = train:split {1 - validation, validation}
  elseif validation ~= nil then
    dataset.check(validation, "fit", "option 'validation'")
    refuse_held_out(validation, "validation")
    evaluate.check_filled("fit", validation, "the validation data")
  end
  evaluate.check_filled("fit", train, "the training data")
  return train, validation
end

local function check_optimizer(optimizer)
  if kind_of(optimizer) == "optimizer" then return optimizer end
  if type(optimizer) == "table" and optimizer.step and optimizer.zero_grad then return optimizer end
  raise("fit: option 'optimizer' must be an optimizer, such as nn.optim.Adam(model:parameters(), "
    .. "{lr = 1e-3}), got %s", util.describe(optimizer))
end

-- An optimizer made for another model, or before parts were replaced, would silently train nothing.
local function check_holds(optimizer, model, loss)
  if kind_of(optimizer) ~= "optimizer" or kind_of(loss) ~= "loss" then return end
  local held = {}
  for _, group in ipairs(optimizer:groups()) do
    for _, t in ipairs(group.params) do held[t] = true end
  end
  local parameters = module.Module.parameters(model)
  for _, t in ipairs(parameters) do
    if held[t] then return end
  end
  if #parameters == 0 then return end -- a script may hide them in a function
  raise "fit: the optimizer holds none of the model's parameters; make it with model:parameters()"
end

-- The columns of the history.
local function columns_of(list, validation)
  local columns = {"epoch", "loss"}
  for _, metric in ipairs(list) do columns[#columns + 1] = metric.name end
  for i = 2, validation and #columns or 0 do columns[#columns + 1] = "val_" .. columns[i] end
  columns[#columns + 1] = "lr"
  columns[#columns + 1] = "seconds"
  return columns
end

local function stop(state, reason)
  state.stopped = reason == nil and "a callback" or tostring(reason)
end

-- Everything that the loop needs, checked.
local function prepare(model, train, options)
  evaluate.check_model("fit", model)
  dataset.check(train, "fit", "the training data")
  local o = util.options("fit", options, known)
  local run = {model = model, epochs = o.epochs, batch_size = o.batch_size, shuffle = o.shuffle}
  run.loss = evaluate.check_loss("fit", o.loss)
  run.optimizer = check_optimizer(o.optimizer)
  check_holds(run.optimizer, model, run.loss)
  run.metrics = metrics.resolve("fit", o.metrics, run.loss)
  run.plan = callbacks.prepare(o.callbacks)
  run.show = progress.new(o.progress, o.epochs)
  run.train, run.validation = read_data(train, o.validation)
  run.want = {loss = run.loss, metrics = run.metrics, batch_size = math.max(o.batch_size, 256)}
  run.history = history.new(columns_of(run.metrics, run.validation))
  run.native = kind_of(model) == "layer" and kind_of(run.loss) == "loss"
    and kind_of(run.optimizer) == "optimizer" and #run.metrics == 0
    and #run.plan.on_batch_end == 0
  run.state = {
    model = model, optimizer = run.optimizer, history = run.history, epoch = 0, batch = 0,
    stop = stop,
  }
  return run
end

-- ---- an epoch ---------------------------------------------------------------------------------

local function not_finite(run, batch, value)
  raise("fit: the loss became %s at epoch %d, batch %d (lr %s); the model is as it was before that "
    .. "batch. A lower learning rate, or inputs scaled to about -1..1, are the usual cures",
    history.text(value), run.state.epoch, batch, tostring(run.optimizer.lr))
end

-- Rows first .. first + count - 1 of the epoch's order, as x and y. Methods are called as functions
-- here: looking one up costs as much as what these do.
local narrow, release = core.methods.tensor.narrow, core.methods.tensor.release
local function batch_of(x, y, order, first, count)
  if not order then return narrow(x, 1, first, count), narrow(y, 1, first, count) end
  local rows = narrow(order, 1, first, count)
  local bx, by = x[rows], y[rows]
  release(rows)
  return bx, by
end

-- All in C. Returns the sum of the losses, each for its samples.
local function native_epoch(run, order)
  local model, loss, optimizer, state = run.model, run.loss, run.optimizer, run.state
  local x, y, n, size = run.train.x, run.train.y, #run.train, run.batch_size
  local alone, is_sum = run.alone, evaluate.is_sum(loss)
  local total, batch = 0, 0
  for first = 1, n, size do
    local count = first + size > n and n - first + 1 or size
    batch = batch + 1
    local bx, by = batch_of(x, y, order, first, count)
    local value = train_step(model, loss, optimizer, bx, by)
    if value - value ~= 0 then not_finite(run, batch, value) end
    total = total + (is_sum and value or value * count)
    if alone then
      release(bx)
      release(by)
    end
  end
  state.batch = batch
  return total, n
end

-- A model that does nothing returns its input.
local function release_step(bx, by, out, l)
  if out ~= bx then release(out) end
  release(bx)
  release(by)
  release(l)
end

-- One batch in Lua: the closure that optimizers may call more than once (LBFGS, Nesterov), others
-- once. Returns the loss as a number, the prediction and the loss of the first call.
local function plain_step(run, bx, by)
  local model, loss, optimizer = run.model, run.loss, run.optimizer
  local first, out, l
  local function closure()
    optimizer:zero_grad()
    local prediction = evaluate.answer("fit", model, bx)
    local value = loss(prediction, by)
    local number = kind_of(value) == "tensor" and history.number(value, "fit", "the loss")
    if not number then raise("fit: the loss must be a tensor, got %s", util.describe(value)) end
    if not first then
      if number - number ~= 0 then not_finite(run, run.state.batch, number) end
      first, out, l = number, prediction, value
    end
    if value.requires_grad then value:backward() end -- not where the optimizer wants the loss alone
    return value
  end
  if kind_of(optimizer) == "optimizer" then
    local result = optimizer:step(closure)
    if type(result) == "number" then first = result end -- its own account of the step
  else -- a script's own, which need not know of closures
    closure()
    optimizer:step()
  end
  return first, out, l
end

-- The same as native_epoch in Lua, for what must see every batch. Returns the sum, the samples seen
-- and the predictions made on the way, where metrics want them.
local function plain_epoch(run, order)
  local state, alone = run.state, run.alone
  local x, y, n, size = run.train.x, run.train.y, #run.train, run.batch_size
  local outputs = #run.metrics > 0 and metrics.gather(n)
  local total, seen, is_sum = 0, 0, evaluate.is_sum(run.loss)
  for first = 1, n, size do
    local count = first + size > n and n - first + 1 or size
    state.batch = state.batch + 1
    local bx, by = batch_of(x, y, order, first, count)
    local value, out, l = plain_step(run, bx, by)
    total, seen = total + (is_sum and value or value * count), seen + count
    if outputs then outputs.add(out) end
    if alone then release_step(bx, by, out, l) end
    state.loss = value
    callbacks.fire(run.plan, "on_batch_end", state)
    if state.stopped then break end
  end
  return total, seen, outputs
end

-- The metrics of the predictions that were made while training.
local function training_metrics(run, order, outputs, record)
  local y = order and run.train.y[order] or run.train.y
  local prediction = outputs.all
  if outputs.rows < #run.train then
    prediction, y = prediction:narrow(1, 1, outputs.rows), y:narrow(1, 1, outputs.rows)
  end
  core.no_grad(metrics.measure, "fit", run.metrics, prediction, y, record, "")
end

local function epoch(run)
  local state, began = run.state, core.time()
  state.batch, state.record = 0, nil
  callbacks.fire(run.plan, "on_epoch_begin", state)
  -- Then nobody else holds a batch when its step is done, and its memory serves the next at once.
  run.alone = kind_of(run.loss) == "loss" and module.is_native(run.model)
  local order = run.shuffle and core.randperm(#run.train, {stream = "shuffle"})
  local total, seen, outputs = (run.native and native_epoch or plain_epoch)(run, order)
  local record = {epoch = state.epoch, loss = total / seen, lr = run.optimizer.lr}
  if outputs then training_metrics(run, order, outputs, record) end
  if order then order:release() end
  if run.validation then
    local measured = evaluate.measure("fit", run.model, run.validation, run.want)
    for name, value in pairs(measured) do record["val_" .. name] = value end
  end
  record.seconds = core.time() - began
  run.history[#run.history + 1] = record
  state.record = record
  callbacks.fire(run.plan, "on_epoch_end", state)
  run.show(record, run.history.columns)
end

-- ---- the fit ----------------------------------------------------------------------------------

local function loop(run)
  local state = run.state
  local _ <close> = module.mode(run.model, true)
  local _ <close> = util.finally(run.show.close)
  callbacks.fire(run.plan, "on_fit_begin", state)
  while state.epoch < run.epochs and not state.stopped do
    state.epoch = state.epoch + 1
    epoch(run)
  end
  run.history.stopped_by = state.stopped or "epochs"
  callbacks.fire(run.plan, "on_fit_end", state)
end

return function(model, train, options)
  local run = prepare(model, train, options)
  require "nn".last = {model = model, optimizer = run.optimizer, history = run.history}
  loop(run)
  return run.history
end
