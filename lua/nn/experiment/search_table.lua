-- experiment/search_table.lua: what nn.search returns, as table and picture.
local core = require "nn.core"
local result = require "nn.experiment.result"
local util = require "nn.util"

local function shown(v)
  local what = type(v)
  if what == "number" or what == "string" or what == "boolean" then return v end
  return core.kind(v) == "tensor" and v:numel() == 1 and v:item() or util.describe(v)
end

local function first_line(text) return (text:match "^[^\n]*") end

local function row_of(self, trial)
  local row = {trial = trial.number, score = trial.score, seconds = trial.seconds}
  if self.halving then row.budget = trial.budget end
  for _, name in ipairs(self.names) do row[name] = shown(trial.params[name]) end
  if trial.error then
    row.note = first_line(trial.error)
  elseif trial.stopped then
    row.note = "stopped at " .. trial.stopped
  end
  return row
end

-- Rows in the order of the trials, and the columns.
local function rows_of(self)
  local columns, rows, noted = {"trial", "score"}, {}, false
  if self.halving then columns[3] = "budget" end
  for _, name in ipairs(self.names) do columns[#columns + 1] = name end
  local numbers = util.sorted_keys(self.trials)
  for r, number in ipairs(numbers) do
    rows[r] = row_of(self, self.trials[number])
    noted = noted or rows[r].note ~= nil
  end
  if noted then columns[#columns + 1] = "note" end
  return columns, rows
end

-- Whole runs of the largest budget first, each by score; failures last.
local function ranked(self)
  local columns, rows = rows_of(self)
  local sign = self.direction == "min" and -1 or 1
  table.sort(rows, function(a, b)
    local x, y = self.trials[a.trial], self.trials[b.trial]
    if (x.score == nil) ~= (y.score == nil) then return x.score ~= nil end
    if x.score == nil then return a.trial < b.trial end
    if x.budget ~= y.budget then return x.budget > y.budget end
    if (x.stopped == nil) ~= (y.stopped == nil) then return x.stopped == nil end
    if x.score ~= y.score then return sign * x.score > sign * y.score end
    return a.trial < b.trial
  end)
  return columns, rows
end

local function notes(self)
  if not self.best then return {"no trial has a score"} end
  local texts = {}
  for i, name in ipairs(self.names) do
    local v = shown(self.best.params[name])
    texts[i] = name .. " = " .. (math.type(v) == "float" and ("%.4g"):format(v) or tostring(v))
  end
  return {("best: trial %d, score %.6g, %s"):format(self.best.number, self.best.score,
    table.concat(texts, ", "))}
end

-- The scores one after the other with the best so far, then against each number that was searched.
local function picture(self, options)
  local plot = require "nn.plot"
  local xs, ys, so_far, best = {}, {}, {}, nil
  for _, number in ipairs(util.sorted_keys(self.trials)) do
    local score = self.trials[number].score
    if score then
      local better = not best or (self.direction == "min" and score < best)
        or (self.direction ~= "min" and score > best)
      best = better and score or best
      xs[#xs + 1], ys[#ys + 1], so_far[#so_far + 1] = number, score, best
    end
  end
  if #xs == 0 then util.raise "plot: no trial has a score" end
  local panels = {plot{xlabel = "trial", ylabel = "score"}
    :scatter({trials = {x = xs, y = ys}}):line({["best so far"] = {x = xs, y = so_far}})}
  for _, name in ipairs(self.names) do
    local points = {x = {}, y = {}}
    for _, number in ipairs(xs) do
      local v = self.trials[number].params[name]
      if type(v) == "number" then
        points.x[#points.x + 1], points.y[#points.y + 1] = v, self.trials[number].score
      end
    end
    if #points.x > 0 then
      panels[#panels + 1] = plot{xlabel = name, ylabel = "score",
        xlog = self.ranges[name].kind == "log_uniform"}:scatter(points)
    end
  end
  return require "nn.plot.grid".new("grid", panels, options)
end

return result.class("search", {table = ranked, notes = notes, picture = picture})
