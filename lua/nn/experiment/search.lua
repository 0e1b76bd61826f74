-- experiment/search.lua: nn.search: hyper-parameters by random draws, on a grid, by successive
-- halving (Jamieson, Talwalkar 2016) or by Parzen estimators (tpe.lua). What trial i is, and when a
-- report ends it, depends on the trials up to i - ahead alone, however many have ended by then: so
-- the result does not depend on the number of workers, and a search can go on from its file.
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local result = require "nn.experiment.result"
local space = require "nn.experiment.space"
local table_of = require "nn.experiment.search_table"
local tpe = require "nn.experiment.tpe"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

local ENOUGH = 5 -- so many trials must have reported before one is ended by them

-- ---- a trial, in its process ------------------------------------------------------------------

local Trial = {}
local trial_meta = {__index = Trial, __name = "trial"}
local ended = setmetatable({}, {__tostring = function() return "trial ended: it was hopeless" end})

--- trial:report(epoch, score)
--- For the function `run` of nn.search: tells how good the model is after so many epochs. Where
--- that is worse than the median of earlier trials after as many, at least five of them, the trial
--- ends there: what follows the call in `run` is not reached, and the score is the last reported
--- one.
--- Example:
---   nn.search{space = {x = nn.uniform(0, 1)}, trials = 8, run = function(p, trial)
---     for epoch = 1, 3 do trial:report(epoch, p.x * epoch) end
---     return p.x * 3
---   end}
function Trial:report(epoch, score)
  if getmetatable(self) ~= trial_meta then
    raise("report: called on %s; it wants a colon: trial:report(epoch, score)",
      util.describe(self))
  end
  if math.type(epoch) ~= "integer" or epoch < 1 then
    raise("report: the epoch must be a whole number from 1, got %s", util.describe(epoch))
  end
  score = history.number(score, "report", "the score")
  self.reports[#self.reports + 1] = {epoch = epoch, score = score}
  local others = {}
  for _, other in ipairs(self.known) do
    for _, r in ipairs(other.reports or {}) do
      if r.epoch == epoch and r.score == r.score then
        others[#others + 1] = self.sign * r.score
        break
      end
    end
  end
  local worse = score ~= score or (#others > 0 and self.sign * score < result.median(others))
  if #others >= ENOUGH and worse then
    self.ended = epoch
    error(ended, 0)
  end
end

-- What `run` returned, as a number: a model is measured on the part that no trial has seen.
local function score_of(self, value)
  if module.is_module(value) then
    if not self.parts then
      raise("search: run returned a model; with the option 'data' the search can rank models, "
        .. "without it run must return a number")
    end
    local wanted = self.loss and self.metric == "loss" and {loss = self.loss}
      or {loss = self.loss, metrics = {self.metric}}
    return evaluate.evaluate(value, self.parts[3], wanted)[self.metric]
  end
  local score = history.number(value, "search", "what run returns")
  if score - score ~= 0 then raise("search: the score is %s", history.text(score)) end
  return score
end

local function run_trial(self, number, known, params, budget)
  local trial = setmetatable({number = number, budget = budget, params = params, known = known,
    seed = workers.seed_of(self.seed, number), reports = {}, sign = self.sign}, trial_meta)
  if self.parts then trial.train, trial.validation = self.parts[1], self.parts[2] end
  core.seed(trial.seed)
  local began = core.time()
  local ok, value = pcall(function() return score_of(self, self.run(params, trial)) end)
  local answer = {reports = trial.reports, seconds = core.time() - began}
  if ok then
    answer.score = value
  elseif trial.ended then -- whoever may have caught the error on its way
    answer.score, answer.ended = trial.reports[#trial.reports].score, trial.ended
    if answer.score - answer.score ~= 0 then answer.error, answer.score = "not finite", nil end
  else
    error(value, 0)
  end
  return answer
end

-- ---- the record of a trial --------------------------------------------------------------------

local function record(self, i, point, answer, budget)
  local trial = {
    number = i, params = space.params(self.space, point), point = point, score = answer.score,
    error = answer.error, reports = answer.reports, stopped = answer.ended, budget = budget,
    seconds = answer.seconds,
  }
  trial.worth = trial.score and self.sign * trial.score or nil
  return trial
end

-- Larger budgets first, then whole runs, then better scores.
local function is_better(a, b)
  if not (a.score and b.score) then return a.score ~= nil and b.score == nil end
  if a.budget ~= b.budget then return a.budget > b.budget end
  if (a.stopped == nil) ~= (b.stopped == nil) then return a.stopped == nil end
  if a.worth ~= b.worth then return a.worth > b.worth end
  return a.number < b.number
end

local function rank(self)
  self.best = nil
  for _, trial in ipairs(self.trials) do
    if trial.score and (not self.best or is_better(trial, self.best)) then self.best = trial end
  end
end

-- ---- the file of a search ---------------------------------------------------------------------

local function settings(self)
  return {
    what = "nn.search", method = self.method, seed = self.seed, direction = self.direction,
    space = space.text(self.space), ahead = self.ahead, budgets = table.concat(self.budgets, " "),
    trials = self.method == "halving" and self.count or 0,
  }
end

local function read_journal(self)
  self.journal = {}
  if not self.resume then return end
  local f = io.open(self.resume, "rb")
  if not f then return end
  f:close()
  local saved = require "nn.files".load(self.resume)
  local mine = settings(self)
  if type(saved) ~= "table" or type(saved.settings) ~= "table"
    or type(saved.answers) ~= "table" then
    raise("search: %s is not the file of a search", self.resume)
  end
  for _, name in ipairs(util.sorted_keys(mine)) do
    if saved.settings[name] ~= mine[name] then
      raise("search: %s is of another search: its %s is %s, here it is %s; give another path, or "
        .. "remove the file to begin anew", self.resume, name, tostring(saved.settings[name]),
        tostring(mine[name]))
    end
  end
  self.journal = saved.answers
end

local function write_journal(self)
  if not self.resume then return end
  require "nn.files".save(self.resume, {settings = settings(self), answers = self.journal})
end

-- Runs jobs first + 1 .. first + count, those of the file at once; done(k, answer) in their order.
local function run_jobs(self, first, count, f, done)
  local old = math.max(0, math.min(#self.journal - first, count))
  for k = 1, old do done(k, self.journal[first + k]) end
  if old == count then return end
  workers.run("search", count - old, function(k) return f(old + k) end, {
    workers = self.workers, seed = self.seed, after = self.ahead,
    note = function() return self.best and "best " .. history.text(self.best.score) end,
    done = function(k, outcome)
      local answer = outcome.value or {error = outcome.error, reports = {}}
      self.journal[first + old + k] = answer
      done(old + k, answer)
      rank(self)
      write_journal(self)
    end,
  })
end

-- ---- methods ----------------------------------------------------------------------------------

-- The trials up to i - ahead, and the points of those between.
local function what_is_known(self, i)
  local known, pending = {}, {}
  for j = 1, i - 1 do
    if j <= i - self.ahead then known[j] = self.trials[j] else pending[#pending + 1] = j end
  end
  return known, pending
end

local function point_of(self, i)
  if self.points[i] then return self.points[i] end
  local point
  if self.method == "grid" then
    point = space.grid_point(self.space, self.places, i)
  elseif self.method == "tpe" then
    local known, pending = what_is_known(self, i)
    for k, j in ipairs(pending) do pending[k] = point_of(self, j) end
    point = tpe.propose(self.space, self.seed, i, known, pending)
  else
    point = space.random(self.space, self.seed, i)
  end
  self.points[i] = point
  return point
end

local function one_by_one(self)
  run_jobs(self, 0, self.count, function(i)
    local known = what_is_known(self, i)
    return run_trial(self, i, known, space.params(self.space, point_of(self, i)), self.budgets[1])
  end, function(i, answer)
    self.trials[i] = record(self, i, point_of(self, i), answer, self.budgets[1])
  end)
end

-- All with the smallest budget; the best part of them with the next, and so on.
local function halving(self)
  local alive, jobs = {}, 0
  for i = 1, self.count do alive[i] = i end
  for rung, budget in ipairs(self.budgets) do
    run_jobs(self, jobs, #alive, function(k)
      local i = alive[k]
      return run_trial(self, i, {}, space.params(self.space, point_of(self, i)), budget)
    end, function(k, answer)
      self.trials[alive[k]] = record(self, alive[k], point_of(self, alive[k]), answer, budget)
    end)
    jobs = jobs + #alive
    table.sort(alive, function(a, b) return is_better(self.trials[a], self.trials[b]) end)
    local most = math.max(1, self.count // self.eta ^ rung // 1 | 0)
    for k = #alive, 1, -1 do
      if k > most or not self.trials[alive[k]].score then table.remove(alive, k) end
    end
    table.sort(alive)
    if #alive == 0 then return end
  end
end

-- ---- options ----------------------------------------------------------------------------------

local AHEAD = {random = 16, grid = 16, tpe = 4, halving = 1 << 40}

local function read_budgets(o)
  if o.method ~= "halving" then return {o.budget or 1} end
  local budgets, b = {}, o.budget or 27
  if o.min_budget > b then
    raise("search: option 'min_budget' must be at most the budget, %d, got %d", b, o.min_budget)
  end
  if o.eta < 2 then raise("search: option 'eta' must be 2 or more, got %d", o.eta) end
  while b >= o.min_budget and b >= 1 do
    table.insert(budgets, 1, b)
    b = b // o.eta
  end
  return budgets
end

local function read_data(self, o)
  if o.data == nil then return end
  result.check_data("search", o.data, "option 'data'")
  self.parts = {o.data:split {0.6, 0.2, 0.2, seed = self.seed, held_out = false}}
  self.loss = o.loss and evaluate.check_loss("search", o.loss)
  local labels = require "nn.data.dataset".has_labels(o.data)
  self.metric = o.metric or (labels and "accuracy" or "mse")
  if self.metric ~= "loss" then require "nn.metrics".resolve("search", {self.metric}, o.loss) end
  if not o.direction then self.direction = history.mode(self.metric) end
end

local function read(options)
  local o = util.options("search", options, {
    space = {"any"}, method = {"string", "random"}, trials = {"count"}, workers = {"index"},
    seed = {"integer"}, run = {"any"}, direction = {"string"}, resume = {"string"},
    budget = {"count"}, min_budget = {"count", 1}, eta = {"count", 3}, points = {"count", 5},
    ahead = {"count"}, data = {"any"}, metric = {"string"}, loss = {"any"},
  })
  if not AHEAD[o.method] then
    util.unknown("search", "method", o.method, util.sorted_keys(AHEAD))
  end
  if o.direction and o.direction ~= "max" and o.direction ~= "min" then
    raise('search: option \'direction\' must be "max" or "min", got %q', o.direction)
  end
  if o.resume and not o.resume:find "%.nn$" then
    raise("search: option 'resume' is a path that ends in .nn, got %q", o.resume)
  end
  local self = {
    space = space.read("search", o.space), method = o.method, places = o.points, eta = o.eta,
    run = result.check_function("search", "option 'run'", o.run), resume = o.resume,
    seed = workers.base_seed(o.seed), workers = workers.count(o.workers), trials = {}, points = {},
    direction = o.direction or "max", ahead = o.ahead or AHEAD[o.method],
    budgets = read_budgets(o),
  }
  read_data(self, o)
  self.sign = self.direction == "max" and 1 or -1
  self.count = o.trials or 20
  if o.method == "grid" then
    local size = space.grid_size(self.space, o.points)
    self.count = math.min(o.trials or size, size)
  end
  return self
end

-- What scripts see.
local function finish(self)
  rank(self)
  local names = {trials = self.trials, best = self.best, method = self.method, seed = self.seed,
    direction = self.direction, halving = self.method == "halving", names = self.space.names,
    ranges = self.space.ranges}
  return setmetatable(names, table_of)
end

local M = {}

--- nn.search{space, run, method = "random", trials = 20, direction = "max", workers, seed, resume,
---   budget, min_budget = 1, eta = 3, points = 5, ahead, data, metric, loss} -> result
--- Looks for good hyper-parameters. `space`: ranges by name (nn.uniform, nn.log_uniform, nn.int,
--- nn.choice; other values stay what they are). `run(p, trial)` trains with the values `p` and
--- returns the score, which is maximised (`direction = "min"`: minimised). `trial` has `number`,
--- `seed`, `budget` and `trial:report(epoch, score)`, which ends a hopeless trial. `method`:
--- "random"; "grid" (all combinations, ranges at `points` places each); "tpe": after ten random
--- trials, where good ones are denser than bad ones; "halving": all trials with the smallest
--- `trial.budget` (epochs, say), the best of them, one in `eta`, with eta times as much, and so on
--- to `budget` (27). `data`: a dataset of which trials get `trial.train` (60 %) and
--- `trial.validation` (20 %, to stop on); `run` returns the model, and the search ranks by `metric`
--- (accuracy, mse, ... as in nn.fit, or "loss" with `loss`) on the rest, on which no trial has
--- stopped. Held-out data is refused. The result has `.best` and `.trials`, records of `params`,
--- `score`, `error`, `stopped` (the epoch of the report that ended it), `seconds`; it prints as a
--- table, best first, `:csv(path)` writes it in order, `:plot(path)` draws scores against trials
--- and values. A trial that fails, or whose process dies, is recorded with its error and does not
--- end the search. Trials run in `workers` processes (one for each thread; 0: here), with random
--- streams of their own from `seed`; the result does not depend on how many there are, as a trial
--- knows of those up to `ahead` before it only (16; tpe: 4). `resume = "search.nn"`: every trial
--- that ended is kept in that file, and a search that was killed goes on from it to the same
--- result; more `trials` than before add to it. On a terminal a live line tells how far it is.
--- After Ctrl-C `nn.last.result` has what was done.
--- Example:
---   local train, val = nn.data.iris():split{0.7, 0.3}
---   local found = nn.search{
---     space = {lr = nn.log_uniform(1e-3, 1), hidden = nn.choice{4, 8}}, trials = 6,
---     run = function(p)
---       local model = nn.Sequential{nn.Linear(4, p.hidden), nn.Tanh(), nn.Linear(p.hidden, 3)}
---       nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = 5,
---         optimizer = nn.optim.Adam(model:parameters(), {lr = p.lr})})
---       return nn.evaluate(model, val, {metrics = {"accuracy"}}).accuracy
---     end,
---   }
---   print(found)
---   print(found.best.params.lr)
function M.search(options)
  local self = read(options)
  read_journal(self)
  write_journal(self) -- what cannot be written is found now
  local _ <close> = util.finally(function(_, err)
    if err == nil or #self.trials == 0 then return end
    local nn = require "nn"
    nn.last = nn.last or {}
    nn.last.result = finish(self)
  end)
  if self.method == "halving" then halving(self) else one_by_one(self) end
  return finish(self)
end

return M
