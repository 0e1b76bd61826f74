-- fit/checkpoint.lua: what outlives the process. A checkpoint is a .nn file with all that the rest
-- of the fit depends on, so that a run that goes on from it ends with the same bits as one that was
-- never stopped. Two are kept: the file, and beside it the one before, `run.previous.nn`.
--
--   model, optimizer, history   as objects, for nn.load
--   place      epoch, row and batch in it, sums, predictions for metrics, where the streams stand
--   schedules, callbacks        their states
--   settings, conditions        see settings.lua
--   ended      of a fit that is over: why, and the weights of its last epoch, if callbacks put
--              others in their place
local batches = require "nn.fit.batches"
local callbacks = require "nn.callbacks"
local core = require "nn.core"
local files = require "nn.files"
local module = require "nn.module"
local settings = require "nn.fit.settings"
local streams = require "nn.fit.streams"
local util = require "nn.util"

local raise, kind_of = util.raise, core.kind
local checkpoint = {}

local FORMAT = "nnlua fit 1"

local function previous_of(path)
  return (path:gsub("%.nn$", ".previous.nn"))
end

local function say(format, ...)
  io.stderr:write("fit: ", format:format(...), "\n")
end

-- ---- saving -----------------------------------------------------------------------------------

-- Every tensor by name, themselves.
local function tensors_of(model)
  local map = {}
  module.each_tensor(model, function(entry, name) map[name] = entry.tensor end)
  return map
end

local function place_of(run, last)
  local place = {
    epoch = run.done, stopped = run.state.stopped, open = run.open or false,
    streams = last and last.streams or streams.state(),
  }
  if not run.open then return place end
  place.row, place.batch, place.spent = run.row, run.batch, run.spent
  place.total, place.penalty, place.shuffled_at = run.total, run.penalty, run.shuffled_at
  place.outputs = run.outputs and run.row > 0 and run.outputs:narrow(1, 1, run.row) or nil
  return place
end

local function optimizer_of(run)
  local optimizer = run.optimizer
  if kind_of(optimizer) == "optimizer" then return {optimizer = optimizer} end
  return {state = optimizer:state()}
end

local function schedule_states(run)
  local list = {}
  for i, s in ipairs(run.schedules) do list[i] = s:state() end
  return list
end

-- `last`: see before_end.
local function tree_of(run, last)
  local saved = optimizer_of(run)
  local tree = {
    format = FORMAT, history = run.history, place = place_of(run, last), settings = run.settings,
    conditions = run.conditions, optimizer = saved.optimizer, optimizer_state = saved.state,
    schedules = last and last.schedules or schedule_states(run),
    callbacks = last and last.callbacks or callbacks.states(run.plan),
  }
  if last then
    tree.ended = {stopped_by = run.history.stopped_by, weights = last.weights}
  end
  -- A model that no file can hold (a Lambda, a class without a name) goes on by its tensors.
  if run.nameless then tree.weights = tensors_of(run.model) else tree.model = run.model end
  return tree
end

local function write(path, tree)
  core.keep_previous(path, previous_of(path))
  files.save(path, tree)
end

function checkpoint.save(run, last)
  local path = run.checkpoint.path
  if run.nameless == nil then
    run.nameless = not pcall(require "nn.files.tree".encode, run.model)
  end
  write(path, tree_of(run, last))
end

local function is_same(model, weights)
  local same = true
  module.each_tensor(model, function(entry, name)
    same = same and core.equal(entry.tensor, weights[name])
  end)
  return same
end

-- What a fit of more epochs would go on from: taken before on_fit_end, which may put the best
-- weights in the place of the last. Returns a function that gives it afterwards.
function checkpoint.before_end(run)
  local last = {
    weights = run.model:state(), callbacks = callbacks.states(run.plan),
    schedules = schedule_states(run), streams = streams.state(),
  }
  return function()
    if is_same(run.model, last.weights) then last.weights = nil end
    return last
  end
end

-- ---- loading ----------------------------------------------------------------------------------

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function check_tree(tree, path)
  if type(tree) == "table" and tree.format == FORMAT and type(tree.place) == "table"
    and type(tree.settings) == "table" and type(tree.history) == "table" then
    return tree
  end
  raise("fit: checkpoint: %s holds something else than a checkpoint of nn.fit; choose another path "
    .. "or remove it", path)
end

-- The newest of the two that can be read, or nil where there is none.
local function load(path)
  local previous = previous_of(path)
  if not exists(path) then
    if not exists(previous) then return nil end
    say("the checkpoint %s is gone; going on from the one before, %s", path, previous)
    return check_tree(files.load(previous), previous)
  end
  local ok, tree = pcall(files.load, path)
  if ok then return check_tree(tree, path) end
  local reason = tostring(tree):gsub("^[^\n]-:%d+: ", "")
  if reason:find "no class" or not exists(previous) then
    raise("fit: checkpoint: %s cannot be read (%s)%s", path, reason,
      reason:find "no class" and "" or "; remove it, or set resume = false, to begin anew")
  end
  local good, before = pcall(files.load, previous)
  if not good then
    raise("fit: checkpoint: neither %s (%s) nor %s (%s) can be read; remove them, or set resume = "
      .. "false, to begin anew", path, reason, previous,
      (tostring(before):gsub("^[^\n]-:%d+: ", "")))
  end
  say("the checkpoint %s cannot be read (%s); going on from the one before, %s", path, reason,
    previous)
  return check_tree(before, previous)
end

-- ---- going on ---------------------------------------------------------------------------------

local function check_settings(run, tree)
  local lines = settings.differences(run.settings, tree.settings)
  if tree.place.epoch > run.epochs then
    lines[#lines + 1] = ("epochs: %d, in the checkpoint %d are done"):format(run.epochs,
      tree.place.epoch)
  end
  if #lines == 0 then return end
  raise("fit: the checkpoint %s is of a fit with other settings:\n  %s\nSet them back, choose "
    .. "another path, or set resume = false to begin anew", run.checkpoint.path,
    table.concat(lines, "\n  "))
end

local function warn_conditions(run, tree)
  local lines = settings.differences(run.conditions, tree.conditions or {})
  if #lines == 0 then return end
  say("going on from %s, but not under the same conditions, so the numbers may not be what they "
    .. "would have been:\n  %s", run.checkpoint.path, table.concat(lines, "\n  "))
end

-- The model's tensors, and whether each requires a gradient.
local function load_weights(run, tree, weights)
  local from = tree.model and tensors_of(tree.model) or tree.weights
  run.model:load_state(weights or from)
  local known = {}
  for _, t in ipairs(run.params) do known[t] = true end
  module.each_tensor(run.model, function(entry, name)
    if not entry.buffer and known[entry.tensor] then
      entry.tensor:requires_grad_(from[name].requires_grad)
    end
  end)
end

-- What modules in Lua keep in fields that are no tensors: numbers, strings, flags.
local function load_fields(run, tree)
  if not tree.model then return end
  local from = module.all(tree.model)
  for i, m in ipairs(module.all(run.model)) do
    for _, name in ipairs(kind_of(m) ~= "layer" and module.fields(from[i]) or {}) do
      local value = rawget(from[i], name)
      if type(value) == "number" or type(value) == "string" or type(value) == "boolean" then
        rawset(m, name, value)
      end
    end
  end
end

local function load_history(run, tree)
  for i = #run.history, 1, -1 do run.history[i] = nil end
  for i, record in ipairs(tree.history) do run.history[i] = record end
end

local function load_optimizer(run, tree)
  if kind_of(run.optimizer) == "optimizer" then
    run.optimizer:load_state(tree.optimizer:state())
  else
    run.optimizer:load_state(tree.optimizer_state)
  end
  for i, s in ipairs(run.schedules) do s:load_state(tree.schedules[i]) end
end

local function load_place(run, place)
  run.done, run.open, run.streams = place.epoch, place.open, place.streams
  run.state.epoch = place.epoch
  if not place.open then return end
  run.state.epoch, run.state.batch = place.epoch + 1, place.batch
  run.row, run.batch, run.spent = place.row, place.batch, place.spent
  run.total, run.penalty, run.shuffled_at = place.total, place.penalty, place.shuffled_at
  if run.shuffle then streams.set(run.shuffled_at) end
  batches.draw(run, place.row)
  if place.outputs then
    local size = place.outputs:size()
    size[1] = run.rows
    run.outputs = core.zeros(size, {dtype = place.outputs:dtype()})
    run.outputs:narrow(1, 1, run.row):copy_(place.outputs)
  end
end

-- A fit that is over, and no more epochs are wanted.
local function is_finished(run, tree)
  local ended = tree.ended
  return ended and (ended.stopped_by ~= "epochs" or run.epochs <= tree.place.epoch)
end

-- Finds the checkpoint, if there is one and the fit shall go on from it, and puts the run where it
-- was. Returns the file's contents for restore_callbacks; `run.over`: there is nothing left to do.
function checkpoint.open(run)
  local optimizer = run.optimizer
  if kind_of(optimizer) ~= "optimizer" and not (optimizer.state and optimizer.load_state) then
    raise "fit: checkpoint: the optimizer needs the methods state and load_state"
  end
  core.sweep(run.checkpoint.path)
  core.sweep(previous_of(run.checkpoint.path))
  run.settings, run.conditions = settings.of(run), settings.conditions(run)
  local tree = run.checkpoint.resume and load(run.checkpoint.path)
  if not tree then return nil end
  check_settings(run, tree)
  warn_conditions(run, tree)
  run.over = is_finished(run, tree)
  load_weights(run, tree, not run.over and tree.ended and tree.ended.weights)
  load_fields(run, tree)
  load_optimizer(run, tree)
  load_history(run, tree)
  load_place(run, tree.place)
  if run.over then
    run.history.stopped_by, run.history.best_epoch = tree.history.stopped_by,
      tree.history.best_epoch
  end
  return tree
end

-- After on_fit_begin, which sets them back.
function checkpoint.restore_callbacks(run, tree)
  callbacks.load_states(run.plan, tree.callbacks)
  run.state.stopped = tree.place.stopped
end

return checkpoint
