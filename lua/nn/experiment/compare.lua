-- experiment/compare.lua: nn.compare: optimizers under the same conditions: initial weights, order
-- of the batches, dropout masks and budget for tuning are the same for all of them, seed by seed.
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local optimizers = require "nn.experiment.optimizers"
local result = require "nn.experiment.result"
local table_of = require "nn.experiment.compare_table"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

local GRID = {1e-4, 1e-3, 1e-2, 1e-1, 1}

-- ---- one run ----------------------------------------------------------------------------------

-- A run of one optimizer with these settings: {score, history, seconds} or {diverged = text}. The
-- seed sets every random stream, so what the optimizers differ in is all that differs.
local function run(self, name, settings, seed)
  local core = require "nn.core"
  core.seed(workers.seed_of(self.seed, seed))
  local model = self.make()
  evaluate.check_model("compare", model)
  local opt = self.makers[name](module.Module.parameters(model))
  for _, key in ipairs(util.sorted_keys(settings)) do opt[key] = settings[key] end
  local given = {}
  for key, v in pairs(self.fit) do given[key] = v end
  given.optimizer, given.loss = opt, self.loss
  given.validation, given.epochs, given.batch_size = self.validation, self.epochs, self.size
  given.metrics = self.metrics
  local began = core.time()
  local ok, records = pcall(require "nn.fit".fit, model, self.data, given)
  if not ok then
    if type(records) == "string" and records:find "fit: the %w+ became " then
      return {diverged = records}
    end
    error(records, 0)
  end
  local score = records[#records][self.column]
  if type(score) ~= "number" then
    raise("compare: the histories have no number '%s'; the columns are %s", self.column,
      table.concat(records.columns, ", "))
  end
  return {score = score, history = records, seconds = core.time() - began}
end

-- Better is higher; what diverged is worse than all.
local function worth_of(self, answer)
  local score = answer.score
  if not score or score - score ~= 0 then return -math.huge end
  return self.sign * score
end

-- Runs a list of jobs {name, settings, seed}; answers in their order.
local function run_all(self, jobs)
  return workers.map("compare", #jobs, function(i)
    return run(self, jobs[i].name, jobs[i].settings, jobs[i].seed)
  end, {workers = self.workers, seed = self.seed},
    function(i) return "optimizers." .. jobs[i].name end)
end

-- ---- tuning -----------------------------------------------------------------------------------

-- All combinations of {name = {values}} as tables of settings.
local function grid_of(tune)
  local list = {{}}
  for _, name in ipairs(util.sorted_keys(tune)) do
    local longer = {}
    for _, settings in ipairs(list) do
      for _, value in ipairs(tune[name]) do
        local more = {[name] = value}
        for key, v in pairs(settings) do more[key] = v end
        longer[#longer + 1] = more
      end
    end
    list = longer
  end
  return list
end

-- What of `tune` an optimizer has; one without a rate has nothing to tune.
local function own_grid(self, name)
  local core = require "nn.core"
  local probe = self.makers[name]({core.zeros({1}, {requires_grad = true})})
  local tune = {}
  for key, values in pairs(self.tune) do
    if probe[key] ~= nil then tune[key] = values end
  end
  if next(tune) == nil then return nil end
  return grid_of(tune)
end

-- How many settings do nearly as well as the best: what a user who guesses may hope for.
local function count_good(entries, best, slack)
  local good = 0
  for _, e in ipairs(entries) do
    if e.worth > -math.huge and e.worth >= best - slack then good = good + 1 end
  end
  return good
end

-- Within 2 points of the best where the scores are shares, within a tenth of a loss.
local function slack_of(self, best)
  return self.sign > 0 and 0.02 or 0.1 * math.abs(best)
end

local function tune_all(self)
  local jobs, of = {}, {}
  for _, name in ipairs(self.names) do
    for _, settings in ipairs(own_grid(self, name) or {}) do
      jobs[#jobs + 1] = {name = name, settings = settings, seed = 0}
    end
  end
  local answers = run_all(self, jobs)
  for i, job in ipairs(jobs) do
    local entries = of[job.name] or {}
    of[job.name] = entries
    entries[#entries + 1] = {settings = job.settings, score = answers[i].score,
      diverged = answers[i].diverged, worth = worth_of(self, answers[i])}
  end
  for _, name in ipairs(self.names) do
    local entry, entries = self.results[name], of[name]
    entry.settings = {}
    if entries then
      local best = entries[1]
      for _, e in ipairs(entries) do
        if e.worth > best.worth then best = e end
      end
      entry.settings, entry.tried, entry.lr = best.settings, entries, best.settings.lr
      entry.good = count_good(entries, best.worth, slack_of(self, best.worth))
      local edge = best.settings.lr
      entry.at_edge = edge ~= nil and #self.tune.lr > 2
        and (edge == self.tune.lr[1] or edge == self.tune.lr[#self.tune.lr]) or nil
    end
  end
end

-- ---- the comparison ---------------------------------------------------------------------------

local function reached(self, records)
  local seconds = 0
  for _, r in ipairs(records) do
    seconds = seconds + r.seconds
    local v = r[self.column]
    if type(v) == "number" and self.sign * v >= self.sign * self.target then
      return r.epoch, seconds
    end
  end
  return math.huge, math.huge
end

local function summarise(entry, self, answers)
  local worths, seconds = {}, {}
  entry.histories, entry.scores, entry.diverged, entry.errors = {}, {}, 0, {}
  for s, answer in ipairs(answers) do
    worths[s] = worth_of(self, answer)
    entry.scores[s] = self.sign * worths[s]
    if answer.diverged then
      entry.diverged = entry.diverged + 1
      entry.errors[#entry.errors + 1] = answer.diverged
    else
      entry.histories[#entry.histories + 1] = answer.history
      seconds[#seconds + 1] = answer.seconds
    end
  end
  table.sort(worths)
  entry.worth = result.median(worths)
  entry.median = self.sign * entry.worth
  local first, last = self.sign * worths[1], self.sign * worths[#worths]
  entry.low, entry.high = math.min(first, last), math.max(first, last)
  entry.seconds = result.median(seconds)
end

-- Epochs and seconds to the target: medians over the seeds, infinite where half of them never got
-- there.
local function times(entry, self)
  local epochs, seconds = {}, {}
  for _, records in ipairs(entry.histories) do
    epochs[#epochs + 1], seconds[#seconds + 1] = reached(self, records)
  end
  for _ = 1, entry.diverged do
    epochs[#epochs + 1], seconds[#seconds + 1] = math.huge, math.huge
  end
  local e, s = result.median(epochs), result.median(seconds)
  entry.epochs_to_target = e < math.huge and e or nil
  entry.seconds_to_target = s < math.huge and s or nil
end

-- Near the best median, so that most get there and how fast they do can be told apart.
local function default_target(self)
  local best = -math.huge
  for _, name in ipairs(self.names) do best = math.max(best, self.results[name].worth) end
  return self.sign > 0 and 0.98 * best or -1.1 * best
end

local function compare_all(self)
  local jobs = {}
  for _, name in ipairs(self.names) do
    for s = 1, self.seeds do
      jobs[#jobs + 1] = {name = name, settings = self.results[name].settings, seed = s}
    end
  end
  local answers = run_all(self, jobs)
  for i, name in ipairs(self.names) do
    local first = (i - 1) * self.seeds + 1
    summarise(self.results[name], self,
      table.move(answers, first, first + self.seeds - 1, 1, {}))
  end
  self.target = self.target or default_target(self)
  for _, name in ipairs(self.names) do times(self.results[name], self) end
end

-- ---- options ----------------------------------------------------------------------------------

local function read_tune(given)
  if given == nil then return {lr = GRID} end
  if given == false then return {} end
  if type(given) ~= "table" or getmetatable(given) then
    raise("compare: option 'tune' is a table such as {lr = {0.01, 0.1, 1}}, or false, got %s",
      util.describe(given))
  end
  for _, name in ipairs(util.sorted_keys(given)) do
    local values = given[name]
    if type(name) ~= "string" or type(values) ~= "table" or #values == 0 then
      raise("compare: tune.%s must be a list of values, got %s", tostring(name),
        util.describe(values))
    end
  end
  return given
end

local function read_data(self, o)
  result.check_data("compare", o.data, "option 'data'")
  local validation = o.validation == nil and 0.2 or o.validation
  if type(validation) == "number" then
    if not (validation > 0 and validation < 1) then
      raise("compare: option 'validation' is a dataset or a fraction between 0 and 1, got %g",
        validation)
    end
    self.data, self.validation = o.data:split {1 - validation, validation, seed = self.seed}
  else
    self.data = o.data
    self.validation = result.check_data("compare", validation, "option 'validation'")
  end
end

local function read(options)
  local o = util.options("compare", options, {
    model = {"any"}, data = {"any"}, validation = {"any"}, loss = {"any"}, optimizers = {"any"},
    tune = {"any"}, seeds = {"count", 5}, epochs = {"count", 10}, batch_size = {"count", 32},
    metrics = {"any"}, workers = {"index"}, seed = {"integer"}, target = {"number"},
    monitor = {"string"}, fit = {"table", {}},
  })
  local names, makers = optimizers.read("compare", o.optimizers)
  local self = {
    make = result.check_function("compare", "option 'model'", o.model), names = names,
    makers = makers, loss = evaluate.check_loss("compare", o.loss), tune = read_tune(o.tune),
    seeds = o.seeds, epochs = o.epochs, size = o.batch_size, metrics = o.metrics,
    workers = workers.count(o.workers), seed = workers.base_seed(o.seed), target = o.target,
    fit = o.fit, results = {},
  }
  read_data(self, o)
  if not o.metrics and not o.monitor and dataset.has_labels(self.data) then
    self.metrics = {"accuracy"}
  end
  local list = require "nn.metrics".resolve("compare", self.metrics, self.loss)
  self.column = o.monitor or "val_" .. (list[1] and list[1].name or "loss")
  self.sign = history.mode(self.column) == "min" and -1 or 1
  for _, name in ipairs(names) do self.results[name] = {} end
  return self
end

local M = {}

--- nn.compare{model, data, loss, optimizers, validation = 0.2, tune = {lr = {...}}, seeds = 5,
---   epochs = 10, batch_size = 32, metrics, monitor, target, seed, workers, fit} -> result
--- Which optimizer is best here, fairly: `model()` makes a new model; for every seed all optimizers
--- start from the same weights and see the same batches and dropout masks, and each is tuned with
--- the same budget: one run of all `epochs`, with a seed of its own, for each value of `tune` (lr:
--- 1e-4, 1e-3, ... 1; `tune` assigns opt[name]; several names: all combinations; false: as they are
--- made). Then each runs with its best value for `seeds` seeds. `optimizers`: name =
--- function(params) that returns one, as for nn.race. `validation`: a dataset or the fraction that
--- is split off; held-out data is refused. Compared is `monitor` after the last epoch: "val_" and
--- the first of `metrics` (accuracy where there are labels), or "val_loss". `fit`: more options for
--- nn.fit, such as {l2 = 1e-4}. `result[name]` has `median`, `low` and `high` over the seeds, `lr`,
--- `settings`, `scores`, `histories`, `diverged` (how many of the seeds, which count as worst of
--- all; `errors` says how), `seconds` of a run, `epochs_to_target` and `seconds_to_target`
--- (medians; `target`: 98 % of the best median, or 1.1 times a loss), `tried` (settings and score
--- of each run for tuning) and `good`: how many of the tried values came within 0.02 (a loss: a
--- tenth) of the best, which is how much care the optimizer needs. Printed best first;
--- `:csv(path)`; `:plot(path)` draws median and range by epoch, and the score against the rate.
--- Runs share `workers` processes (one for each thread), and do not depend on their number.
--- Example:
---   local result = nn.compare{
---     model = function() return nn.Sequential{nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)} end,
---     data = nn.data.iris(), loss = nn.CrossEntropyLoss(), seeds = 2, epochs = 4,
---     optimizers = {"SGD", "Adam", momentum = {"SGD", momentum = 0.9}}, tune = {lr = {0.01, 0.1}},
---   }
---   print(result)
---   print(result.Adam.lr, result.Adam.median)
function M.compare(options)
  local self = read(options)
  tune_all(self)
  compare_all(self)
  return table_of.new(self)
end

return M
