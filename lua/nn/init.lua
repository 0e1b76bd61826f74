-- init.lua: the module nn: the C core's functions, and the Lua parts, which load on first use so
-- that a script that needs little starts in a few milliseconds.
local core = require "nn.core"

-- Whoever clears package.loaded, as test runners do, must not get a part of ours a second time: the
-- two would not know each other's datasets.
core.loaded = core.loaded or {}
for name, open in pairs(package.preload) do
  if type(name) == "string" and name:find "^nn%." then
    package.preload[name] = function(...)
      if core.loaded[name] == nil then core.loaded[name] = open(...) end
      return core.loaded[name]
    end
  end
end

local module = require "nn.module"
require "nn.module_methods"

-- What the core keeps for us.
local internal = {
  asset = true,
  catalogue = true,
  columns = true,
  draw = true,
  embedded = true,
  files = true,
  fingerprint = true,
  folder = true,
  grad = true,
  gradcheck = true,
  hooks = true,
  init_random = true,
  isatty = true,
  keep_previous = true,
  kind = true,
  loaded = true,
  locate = true,
  make_folder = true,
  math_state = true,
  methods = true,
  optim = true,
  rng_state = true,
  rows = true,
  set_math_state = true,
  set_rng_state = true,
  source = true,
  sweep = true,
  trainer = true,
  weighted_loss = true,
  yields = true,
  wall_time = true,
  workers = true,
}

local nn = {options = {quiet = false, color = false}}
for name, value in pairs(core) do
  if not internal[name] then nn[name] = value end
end
nn.Module = module.Module
nn.Parameter = module.Parameter

core.hooks.tensor_tostring = function(t)
  return require "nn.tensor_print"(t)
end

-- Where a name comes from: a module, or a field of one.
local sources = {
  CSVLog = {"nn.callbacks.csv_log", "CSVLog"},
  Checkpoint = {"nn.callbacks.checkpoint", "Checkpoint"},
  Concat = {"nn.containers", "Concat"},
  EarlyStopping = {"nn.callbacks.early_stopping", "EarlyStopping"},
  Lambda = {"nn.containers", "Lambda"},
  Parallel = {"nn.containers", "Parallel"},
  Residual = {"nn.containers", "Residual"},
  TensorBoard = {"nn.callbacks.tensorboard", "TensorBoard"},
  args = {"nn.args"},
  choice = {"nn.experiment.space", "choice"},
  compare = {"nn.experiment.compare", "compare"},
  cross_validate = {"nn.experiment.cross_validate", "cross_validate"},
  data = {"nn.data"},
  diagnose = {"nn.experiment.diagnose", "diagnose"},
  evaluate = {"nn.evaluate", "evaluate"},
  fit = {"nn.fit", "fit"},
  functions = {"nn.experiment.functions"},
  grad = {"nn.gradcheck", "grad"},
  gradcheck = {"nn.gradcheck", "gradcheck"},
  init = {"nn.initialise"},
  int = {"nn.experiment.space", "int"},
  landscape = {"nn.experiment.landscape", "landscape"},
  learning_curve = {"nn.experiment.curves", "learning_curve"},
  load = {"nn.files", "load"},
  log_uniform = {"nn.experiment.space", "log_uniform"},
  lr_find = {"nn.experiment.lr_find", "lr_find"},
  metrics = {"nn.metrics.named", "public"},
  numeric_grad = {"nn.gradcheck", "numeric_grad"},
  optim = {"nn.optim"},
  plot = {"nn.plot"},
  race = {"nn.experiment.race", "race"},
  report = {"nn.report"},
  save = {"nn.files", "save"},
  resume = {"nn.fit", "resume"},
  schedule = {"nn.schedule"},
  search = {"nn.experiment.search", "search"},
  uniform = {"nn.experiment.space", "uniform"},
  validation_curve = {"nn.experiment.curves", "validation_curve"},
}

return setmetatable(nn, {names = sources, __index = function(self, name)
  local source = sources[name]
  if not source then return nil end
  local value = require(source[1])
  if source[2] then value = value[source[2]] end
  rawset(self, name, value)
  return value
end})
