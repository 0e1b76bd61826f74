-- fit/options.lua: what nn.fit is given, checked and put together as a `run`: all that the loop
-- needs.
local callbacks = require "nn.callbacks"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local metrics = require "nn.metrics"
local module = require "nn.module"
local progress = require "nn.progress"
local schedule = require "nn.schedule"
local stream = require "nn.data.stream"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind

local known = {
  accumulate = {"count", 1}, batch_size = {"count", 32}, callbacks = {"any"}, checkpoint = {"any"},
  clip_norm = {"number"}, clip_value = {"number"}, epochs = {"count", 10}, l1 = {"number", 0},
  l2 = {"number", 0}, loss = {"any"}, metrics = {"any"}, optimizer = {"any"},
  progress = {"any", "auto"}, schedule = {"any"}, shuffle = {"boolean", true},
  validation = {"any"},
}

-- ---- data -------------------------------------------------------------------------------------

local function refuse_held_out(ds, role)
  if not ds.held_out then return end
  raise("fit: the %s data is held out (the last part of a split in three): a fit that sees it "
    .. "leaves nothing to test with. Use it once, with nn.evaluate, when all choices are made",
    role)
end

local function check_data(v, what)
  return stream.is_stream(v) and v or dataset.check(v, "fit", what)
end

-- The two parts: what is trained on and what is measured on (or nil).
local function read_data(train, validation)
  refuse_held_out(train, "training")
  if type(validation) == "number" then
    if not (validation > 0 and validation < 1) then
      raise("fit: option 'validation' is a dataset or a fraction between 0 and 1, got %s",
        util.describe(validation))
    end
    if stream.is_stream(train) then
      raise("fit: a stream cannot be split, so option 'validation' must be a dataset or another "
        .. "stream, got %s", util.describe(validation))
    end
    train, validation = train:split {1 - validation, validation}
  elseif validation ~= nil then
    check_data(validation, "option 'validation'")
    refuse_held_out(validation, "validation")
    evaluate.check_filled("fit", validation, "the validation data")
  end
  evaluate.check_filled("fit", train, "the training data")
  return train, validation
end

-- ---- the optimizer and its schedules ----------------------------------------------------------

local function check_optimizer(optimizer)
  if kind_of(optimizer) == "optimizer" then return optimizer end
  if type(optimizer) == "table" and optimizer.step and optimizer.zero_grad then return optimizer end
  raise("fit: option 'optimizer' must be an optimizer, such as nn.optim.Adam(model:parameters(), "
    .. "{lr = 1e-3}), got %s", util.describe(optimizer))
end

-- What an optimizer trains; a script's own does not say, so the model's parameters.
local function trained(optimizer, model)
  if kind_of(optimizer) ~= "optimizer" then return module.Module.parameters(model) end
  local list = {}
  for _, group in ipairs(optimizer:groups()) do
    for _, t in ipairs(group.params) do list[#list + 1] = t end
  end
  return list
end

-- An optimizer made for another model, or before parts were replaced, would silently train nothing.
local function check_holds(run)
  if kind_of(run.optimizer) ~= "optimizer" or kind_of(run.loss) ~= "loss" then return end
  local held = {}
  for _, t in ipairs(run.params) do held[t] = true end
  local parameters = module.Module.parameters(run.model)
  for _, t in ipairs(parameters) do
    if held[t] then return end
  end
  if #parameters == 0 then return end -- a script may hide them in a function
  raise "fit: the optimizer holds none of the model's parameters; make it with model:parameters()"
end

local function check_column(run, s, monitor)
  for _, name in ipairs(run.history.columns) do
    if name == monitor then return end
  end
  if #run.plan.list > 0 then return end -- a callback may come to add it
  raise("fit: the schedule %s watches '%s', and the columns are %s%s", s.kind, monitor,
    table.concat(run.history.columns, ", "),
    monitor:find "^val_" and "; it needs the option 'validation'" or "")
end

-- One schedule, or a list of them, each for this optimizer.
local function read_schedules(run, given)
  if given == nil then return {} end
  local list = schedule.is(given) and {given} or given
  if type(list) ~= "table" or getmetatable(list) and not schedule.is(given) then
    raise("fit: option 'schedule' must be a schedule, such as nn.schedule.Cosine(optimizer, {T_max "
      .. "= 50}), got %s", util.describe(given))
  end
  for i, s in ipairs(list) do
    if not schedule.is(s) then
      raise("fit: schedule %d must be one of nn.schedule, got %s", i, util.describe(s))
    end
    if s.optimizer ~= run.optimizer then
      raise("fit: the schedule %s was made for another optimizer than the one of this fit", s.kind)
    end
    if s.kind == "ReduceOnPlateau" then check_column(run, s, s.monitor or "val_loss") end
  end
  return list
end

-- ---- numbers ----------------------------------------------------------------------------------

local function check_numbers(o)
  for _, name in ipairs {"l1", "l2"} do
    if o[name] < 0 then raise("fit: option '%s' must be 0 or more, got %s", name, o[name]) end
  end
  for _, name in ipairs {"clip_norm", "clip_value"} do
    if o[name] and o[name] <= 0 then
      raise("fit: option '%s' must be above 0, got %s (leave it out for no clipping)", name,
        o[name])
    end
  end
end

local function read_checkpoint(given)
  if given == nil or given == false then return nil end
  if type(given) == "string" then given = {path = given} end
  local o = util.options("fit: checkpoint", given, {
    path = {"string"}, every = {"count", 1}, resume = {"boolean", true},
  })
  if not o.path then
    raise "fit: checkpoint: the field 'path' is missing, as in {path = \"run.nn\"}"
  end
  if not o.path:find "%.nn$" then
    raise("fit: checkpoint: the path must end in .nn, got %q", o.path)
  end
  return o
end

-- ---- the run ----------------------------------------------------------------------------------

-- The columns of the history.
local function columns_of(run, o)
  local columns, measured = {"epoch", "loss"}, {"loss"}
  for _, metric in ipairs(run.metrics) do measured[#measured + 1] = metric.name end
  if o.l1 > 0 or o.l2 > 0 then columns[#columns + 1] = "penalty" end
  for i = 2, #measured do columns[#columns + 1] = measured[i] end
  for i = 1, run.validation and #measured or 0 do columns[#columns + 1] = "val_" .. measured[i] end
  columns[#columns + 1] = "lr"
  columns[#columns + 1] = "seconds"
  return columns
end

local function stop(state, reason)
  state.stopped = reason == nil and "a callback" or tostring(reason)
end

-- Everything that the loop needs, checked.
return function(model, train, options)
  evaluate.check_model("fit", model)
  check_data(train, "the training data")
  local o = util.options("fit", options, known)
  check_numbers(o)
  local run = {
    model = model, epochs = o.epochs, shuffle = o.shuffle, l1 = o.l1, l2 = o.l2,
    clip_norm = o.clip_norm, clip_value = o.clip_value, done = 0,
  }
  run.loss = evaluate.check_loss("fit", o.loss)
  run.optimizer = check_optimizer(o.optimizer)
  run.params = trained(run.optimizer, model)
  check_holds(run)
  run.metrics = metrics.resolve("fit", o.metrics, run.loss)
  run.plan = callbacks.prepare(o.callbacks)
  run.show = progress.new(o.progress, o.epochs)
  run.train, run.validation = read_data(train, o.validation)
  run.rows = #run.train
  -- No more than there is, so that products of the two stay whole numbers.
  run.size = math.min(o.batch_size, math.max(run.rows, 1))
  run.accumulate = math.min(o.accumulate, (run.rows - 1) // run.size + 1)
  run.want = {loss = run.loss, metrics = run.metrics, batch_size = math.max(o.batch_size, 256)}
  run.history = history.new(columns_of(run, o))
  run.schedules = read_schedules(run, o.schedule)
  run.checkpoint = read_checkpoint(o.checkpoint)
  run.native = kind_of(model) == "layer" and kind_of(run.loss) == "loss"
    and kind_of(run.optimizer) == "optimizer" and not run.train.augmentation
    and not stream.is_stream(run.train)
  run.state = {
    model = model, optimizer = run.optimizer, history = run.history, epoch = 0, batch = 0,
    stop = stop,
  }
  return run
end
