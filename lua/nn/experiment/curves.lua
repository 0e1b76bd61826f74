-- experiment/curves.lua: nn.learning_curve (how good with how much data) and nn.validation_curve
-- (how good with which value): training and validation side by side, over several cuts of the data.
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local result = require "nn.experiment.result"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

-- ---- one point --------------------------------------------------------------------------------

local function measure(self, model, data)
  local metrics = self.metric ~= "loss" and {self.metric} or nil
  return evaluate.evaluate(model, data, {loss = self.loss, metrics = metrics})[self.metric]
end

-- Trains once: the metric on what was trained on and on what was not.
local function point(self, value, round)
  local train, val = self.train, self.validation
  if not val then
    train, val = self.data:split {1 - self.share, self.share,
      seed = workers.seed_of(self.seed, -round)}
  end
  local second = value
  if self.kind == "size" then
    second = self.count(value, #train)
    train = train:shuffle(workers.seed_of(self.seed, -round - 1000)):subset(
      core.range(1, second):to "int64")
  end
  core.seed(workers.seed_of(self.seed, round)) -- the same start for all values
  local model = self.make(train, second)
  evaluate.check_model(self.owner, model)
  return {train = measure(self, model, train), val = measure(self, model, val), size = #train}
end

local function collect(self, answers)
  for v, value in ipairs(self.values) do
    local train, val = {}, {}
    for r = 1, self.repeats do
      local a = answers[(v - 1) * self.repeats + r]
      train[r], val[r] = a.train, a.val
    end
    local first = answers[(v - 1) * self.repeats + 1]
    self.records[v] = {
      value = self.kind == "size" and first.size or value, train = result.mean(train),
      val = result.mean(val), train_std = result.std(train), val_std = result.std(val),
    }
  end
end

-- ---- the result -------------------------------------------------------------------------------

local function table_of(self)
  local rows = {}
  for i, r in ipairs(self.records) do
    local value = r.value
    if math.type(value) == "float" then value = ("%g"):format(value) end
    rows[i] = {[self.name] = type(value) == "number" and value or tostring(value),
      ["train_" .. self.metric] = r.train, ["val_" .. self.metric] = r.val, train_std = r.train_std,
      val_std = r.val_std}
  end
  return {self.name, "train_" .. self.metric, "val_" .. self.metric, "train_std", "val_std"}, rows
end

local function title(self)
  return ("%s, mean of %d cut%s of the data"):format(self.metric, self.repeats,
    self.repeats == 1 and "" or "s")
end

-- What the end of a learning curve says.
local function size_notes(self)
  local n = #self.records
  local last, before = self.records[n], self.records[n - 1]
  if not before then return {} end
  local sign = self.sign
  local gain, gap = sign * (last.val - before.val), sign * (last.train - last.val)
  local noise = math.max(last.val_std, before.val_std) / math.sqrt(self.repeats)
  local grows = gain > noise and gain > 0.002 * math.abs(last.val)
  return {("from %d to %d samples val_%s became %s better, %s; training is %s better than "
    .. "validation"):format(before.value, last.value, self.metric, history.text(gain),
      grows and "so more data would help" or "no more than noise: more data would help little",
      history.text(gap))}
end

local function value_notes(self)
  local best = self.best
  return {("best: %s = %s, val_%s %s"):format(self.name, tostring(best.value), self.metric,
    history.text(best.val))}
end

local function notes(self)
  return self.kind == "size" and size_notes(self) or value_notes(self)
end

local function numbers_only(self)
  for _, r in ipairs(self.records) do
    if type(r.value) ~= "number" then return false end
  end
  return true
end

-- Whether the values span so much that only a logarithmic axis shows them all.
local function is_wide(self)
  local low, high = math.huge, -math.huge
  for _, r in ipairs(self.records) do
    low, high = math.min(low, r.value), math.max(high, r.value)
  end
  return low > 0 and high / low > 30
end

local function picture(self, options)
  local numeric, lines = numbers_only(self), {}
  for _, part in ipairs {"train", "val"} do
    local s = {x = {}, y = {}, low = {}, high = {}}
    for i, r in ipairs(self.records) do
      s.x[i], s.y[i] = numeric and r.value or i, r[part]
      s.low[i], s.high[i] = r[part] - r[part .. "_std"], r[part] + r[part .. "_std"]
    end
    lines[part] = s
  end
  local p = require "nn.plot" {title = options.title, xlabel = self.name, ylabel = self.metric,
    xlog = numeric and is_wide(self), width = options.width, height = options.height,
    scale = options.scale, legend = {"train", "val"}}
  return p:line(lines, {points = true})
end

local meta = result.class("curve", {table = table_of, title = title, notes = notes,
  picture = picture})

-- ---- what they are given ----------------------------------------------------------------------

local shared = {validation = {"any"}, metric = {"string"}, loss = {"any"}, repeats = {"count", 3},
  seed = {"integer"}, workers = {"index"}}

local function read(owner, make, data, options, own)
  result.check_function(owner, "the first argument, which trains a model and returns it,", make)
  result.check_data(owner, data, "the data")
  for name, spec in pairs(shared) do own[name] = spec end
  local o = util.options(owner, options, own)
  local labels = dataset.has_labels(data)
  local self = {owner = owner, make = make, data = data, repeats = o.repeats, records = {},
    metric = o.metric or (labels and "accuracy" or "mse"), seed = workers.base_seed(o.seed),
    loss = o.loss and evaluate.check_loss(owner, o.loss), workers = workers.count(o.workers)}
  if self.metric == "loss" then
    evaluate.check_loss(owner, o.loss)
  else
    require "nn.metrics".resolve(owner, {self.metric}, o.loss)
  end
  self.sign = history.mode(self.metric) == "min" and -1 or 1
  local validation = o.validation == nil and 0.2 or o.validation
  if type(validation) == "number" then
    if not (validation > 0 and validation < 1) then
      raise("%s: option 'validation' is a dataset or a fraction between 0 and 1, got %g", owner,
        validation)
    end
    self.share = validation
  else
    self.validation = result.check_data(owner, validation, "option 'validation'")
    self.train = data
  end
  return self, o
end

local function finish(self)
  local jobs = workers.map(self.owner, #self.values * self.repeats, function(i)
    return point(self, self.values[(i - 1) // self.repeats + 1], (i - 1) % self.repeats + 1)
  end, {workers = self.workers, seed = self.seed}, function(i)
    return self.name .. " " .. tostring(self.values[(i - 1) // self.repeats + 1])
  end)
  collect(self, jobs)
  for _, r in ipairs(self.records) do
    if not self.best or self.sign * r.val > self.sign * self.best.val then self.best = r end
  end
  return setmetatable(self, meta)
end

local M = {}

-- How many samples a size means: a whole number from 1, or a share below 1 (1.0: all).
local function count_of(size, n)
  if math.type(size) == "integer" then return size end
  return math.max(1, math.floor(size * n + 0.5))
end

local function check_sizes(sizes, n)
  for i, size in ipairs(sizes) do
    local fine = type(size) == "number" and size > 0
      and (math.type(size) == "integer" and size <= n or math.type(size) == "float" and size <= 1)
    if not fine then
      raise("learning_curve: size %d must be a share from 0.0 to 1.0 or a number of samples up to "
        .. "%d, got %s", i, n, util.describe(size))
    end
  end
  if #sizes == 0 then raise("learning_curve: option 'sizes' is empty") end
end

--- nn.learning_curve(make, data, {sizes = {0.1, 0.2, 0.4, 0.7, 1.0}, validation = 0.2, metric,
---   loss, repeats = 3, seed, workers}) -> result
--- How good a model gets with how much data: `make(train, n)` trains a new model on the dataset it
--- is given, of n samples, and returns it. Of the data a part is kept for validation (a fraction,
--- drawn anew for each of `repeats`, or a dataset); models are trained on `sizes` of the rest:
--- shares up to 1.0 (floats), or whole numbers of samples. `metric`: accuracy, mse, ... (as in
--- nn.evaluate), or "loss" with `loss`. `result.records` lists value, train, val, train_std and
--- val_std; it prints as a table that says whether more data would help, `:csv(path)`,
--- `:plot(path)`. The trainings share `workers` processes and do not depend on their number.
--- Example:
---   print(nn.learning_curve(function(train)
---     local model = nn.Linear(4, 3)
---     nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = 5,
---       optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05})})
---     return model
---   end, nn.data.iris(), {sizes = {0.2, 0.5, 1.0}, repeats = 2}))
function M.learning_curve(make, data, options)
  local self, o = read("learning_curve", make, data, options, {sizes = {"table"}})
  self.values, self.kind, self.name = o.sizes or {0.1, 0.2, 0.4, 0.7, 1.0}, "size", "samples"
  self.count = count_of
  local n = self.train and #self.train or #data - math.ceil(#data * self.share)
  check_sizes(self.values, n)
  return finish(self)
end

--- nn.validation_curve(make, data, {values, name = "value", validation = 0.2, metric, loss,
---   repeats = 3, seed, workers}) -> result
--- How good a model gets with which value of one hyper-parameter: `make(train, value)` trains a new
--- model with the value and returns it. The validation part is cut anew for each of `repeats`, the
--- same for all values (or is a dataset). Too small and too large a model show as both curves poor,
--- and as training good while validation is poor. `result.best` is the record with the best
--- validation; the rest is as for nn.learning_curve.
--- Example:
---   print(nn.validation_curve(function(train, hidden)
---     local model = nn.Sequential{nn.Linear(4, hidden), nn.Tanh(), nn.Linear(hidden, 3)}
---     nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = 5,
---       optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05})})
---     return model
---   end, nn.data.iris(), {name = "hidden", values = {1, 4, 16}, repeats = 2}))
function M.validation_curve(make, data, options)
  local self, o = read("validation_curve", make, data, options,
    {name = {"string", "value"}, values = {"table"}})
  if not o.values or #o.values == 0 then
    raise("validation_curve: option 'values' is a list of values to try, got %s",
      util.describe(o.values))
  end
  self.values, self.kind, self.name = o.values, "value", o.name
  return finish(self)
end

return M
