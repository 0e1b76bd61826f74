-- experiment/cross_validate.lua: nn.cross_validate: every part of the data takes its turn as the
-- one that is measured on.
local result = require "nn.experiment.result"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

-- The numbers of a fold's record; matrices and texts stay in it and are not averaged.
local function names_of(folds)
  local names = {}
  for _, fold in ipairs(folds) do
    for name, v in pairs(fold) do
      if type(v) == "number" and name ~= "fold" and name ~= "repeat" then names[name] = true end
    end
  end
  return util.sorted_keys(names)
end

local function table_of(self)
  local columns, records = {"fold"}, {}
  if self.repeats > 1 then columns[2] = "repeat" end
  for _, name in ipairs(names_of(self.folds)) do columns[#columns + 1] = name end
  for i, fold in ipairs(self.folds) do records[i] = fold end
  return columns, records
end

local function with_summary(self)
  local columns, records = table_of(self)
  local mean, std = {fold = "mean"}, {fold = "std"}
  for name, v in pairs(self.mean) do mean[name], std[name] = v, self.std[name] end
  records[#records + 1], records[#records + 2] = mean, std
  return columns, records
end

-- The folds as points, their mean as a line: a picture for each metric.
local function picture(self, options)
  local plot, panels = require "nn.plot", {}
  for i, name in ipairs(names_of(self.folds)) do
    local values = {}
    for f, fold in ipairs(self.folds) do values[f] = fold[name] or 0 / 0 end
    options.title = options.title or nil
    panels[i] = plot{title = name, xlabel = "fold"}:scatter(values):hline(self.mean[name])
  end
  if #panels == 0 then raise("plot: the folds gave no numbers") end
  if #panels == 1 then return panels[1] end
  return require "nn.plot.grid".new("grid", panels, options)
end

local meta = result.class("cross-validation", {table = with_summary, picture = picture})

local function check_metrics(i, value)
  if type(value) == "number" then return {score = value} end
  local name = type(value) == "table" and (getmetatable(value) or {}).__name
  if type(value) ~= "table" or (getmetatable(value) and name ~= "result") then
    raise("cross_validate: the function must return a table of numbers by name, such as "
      .. "nn.evaluate gives, got %s (fold %d)", util.describe(value), i)
  end
  local record = {}
  for key, v in pairs(value) do
    if type(key) ~= "string" then
      raise("cross_validate: the function must return numbers by name, got [%s] (fold %d)",
        tostring(key), i)
    end
    record[key] = v
  end
  return record
end

local function folds_of(data, o, seed)
  local all = {}
  for r = 1, o.repeats do
    local drawn = o.shuffle and workers.seed_of(seed, -r) or nil
    local list = data:kfold(o.folds, {stratify = o.stratify, groups = o.groups, seed = drawn,
      shuffle = o.shuffle})
    for i, fold in ipairs(list) do all[#all + 1] = {fold = fold, number = i, round = r} end
  end
  return all
end

local function summarise(self)
  self.mean, self.std = {}, {}
  for _, name in ipairs(names_of(self.folds)) do
    local values = {}
    for _, fold in ipairs(self.folds) do values[#values + 1] = fold[name] end
    self.mean[name], self.std[name] = result.mean(values), result.std(values)
  end
end

local M = {}

--- nn.cross_validate(data, {folds = 10, stratify, groups, shuffle = true, repeats = 1, seed,
---   workers}, function(train, val, fold, round) return metrics end) -> result
--- Cuts the data into `folds` equal parts and calls the function once for each: it trains a new
--- model on all other parts (`train`) and measures it on this one (`val`). It returns numbers by
--- name, such as nn.evaluate gives, or one number (called `score`); `result.mean.NAME` and
--- `result.std.NAME` (of the sample) sum them up, `result.folds` lists them, print shows all,
--- `:csv(path)` writes and `:plot(path)` draws them. `stratify` (as a rule where there are labels),
--- `groups` and `shuffle` are dataset:kfold's; `repeats`: so many times with other cuts. Each call
--- has random streams of its own, which depend on `seed` (nn.seed's) and on the fold alone. The
--- calls run in `workers` processes (one for each thread), so what they change in the script's
--- variables is lost, and the numbers do not depend on how many there are; 0: in this process, one
--- after the other. An error in one ends it all. Held-out data is refused.
--- Example:
---   local cv = nn.cross_validate(nn.data.iris(), {folds = 5}, function(train, val)
---     local model = nn.Linear(4, 3)
---     nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = 5,
---       optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05})})
---     return nn.evaluate(model, val, {metrics = {"accuracy"}})
---   end)
---   print(cv)
---   print(cv.mean.accuracy, cv.std.accuracy)
function M.cross_validate(data, options, f)
  if type(options) == "function" and f == nil then options, f = nil, options end
  result.check_data("cross_validate", data, "the data")
  local o = util.options("cross_validate", options, {
    folds = {"count", 10}, stratify = {"boolean"}, groups = {"any"}, shuffle = {"boolean", true},
    repeats = {"count", 1}, seed = {"integer"}, workers = {"index"},
  })
  result.check_function("cross_validate", "the last argument", f)
  local seed = workers.base_seed(o.seed)
  local parts = folds_of(data, o, seed)
  local self = {folds = {}, repeats = o.repeats}
  local records = workers.map("cross_validate", #parts, function(i)
    local part = parts[i]
    return check_metrics(i, f(part.fold.train, part.fold.val, part.number, part.round))
  end, {workers = workers.count(o.workers), seed = seed}, function(i) return "fold " .. i end)
  for i, record in ipairs(records) do
    record.fold, record["repeat"] = parts[i].number, parts[i].round
    self.folds[i] = record
  end
  summarise(self)
  return setmetatable(self, meta)
end

return M
