-- experiment/tpe.lua: the tree of Parzen estimators (Bergstra, Bardenet, Bengio, Kegl: "Algorithms
-- for hyper-parameter optimization", NIPS 2011): two densities for each parameter, l(u) of the
-- points that did well and g(u) of the others; of some points drawn from l, the one with the
-- largest l(u) / g(u). Points lie in the unit cube (space.lua).
local space = require "nn.experiment.space"

local tpe = {}

local STARTUP = 10    -- trials drawn at random first
local GOOD = 0.25     -- the share that did well, of at most
local MOST_GOOD = 25
local CANDIDATES = 24
local FIRST_DRAW = 1000 -- numbers of a trial below that are those of the random points

-- The normal distribution's share below z (Abramowitz and Stegun 7.1.26, error below 1.5e-7).
local function share_below(z)
  local x = math.abs(z) / math.sqrt(2)
  local t = 1 / (1 + 0.3275911 * x)
  local poly = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t
    + 0.254829592) * t
  local erf = 1 - poly * math.exp(-x * x)
  return 0.5 * (1 + (z < 0 and -erf or erf))
end

-- Normal kernels at sorted points of [0, 1], each as wide as the larger gap beside it, and a wide
-- one for what nobody has tried.
local function parzen(points)
  local kernels = {{mean = 0.5, sd = 1}}
  table.sort(points)
  local least = 1 / math.min(100, 2 + #points)
  for i, p in ipairs(points) do
    local gap = math.max(p - (points[i - 1] or 0), (points[i + 1] or 1) - p)
    kernels[#kernels + 1] = {mean = p, sd = math.max(least, math.min(gap, 1))}
  end
  for _, k in ipairs(kernels) do
    k.mass = share_below((1 - k.mean) / k.sd) - share_below(-k.mean / k.sd)
  end
  return kernels
end

local function density(kernels, u)
  local sum = 0
  for _, k in ipairs(kernels) do
    sum = sum + math.exp(-0.5 * ((u - k.mean) / k.sd) ^ 2) / (k.sd * k.mass)
  end
  return sum / #kernels
end

-- A number drawn from the kernels, within [0, 1): draw() gives numbers in [0, 1).
local function sample(kernels, draw)
  local k = kernels[1 + math.floor(draw() * #kernels)]
  for _ = 1, 50 do
    local radius = math.sqrt(-2 * math.log(1 - draw()))
    local u = k.mean + k.sd * radius * math.cos(2 * math.pi * draw())
    if u >= 0 and u < 1 then return u end
  end
  return draw()
end

local function choose_number(good, bad, draw)
  local l, g = parzen(good), parzen(bad)
  local best, most
  for _ = 1, CANDIDATES do
    local u = sample(l, draw)
    local ratio = density(l, u) / density(g, u)
    if not most or ratio > most then best, most = u, ratio end
  end
  return best
end

-- How likely each of n values is, one count for each beforehand.
local function counts(points, n)
  local c = {}
  for i = 1, n do c[i] = 1 / (n + #points) end
  for _, u in ipairs(points) do
    local i = math.min(1 + math.floor(u * n), n)
    c[i] = c[i] + 1 / (n + #points)
  end
  return c
end

local function choose_value(good, bad, n, draw)
  local l, g = counts(good, n), counts(bad, n)
  local best, most
  for _ = 1, CANDIDATES do
    local u, i = draw(), 1
    while i < n and u >= l[i] do u, i = u - l[i], i + 1 end
    if not most or l[i] / g[i] > most then best, most = i, l[i] / g[i] end
  end
  return (best - 0.5) / n
end

-- The known trials, best first: those that did well, and the others.
local function divide(known)
  local order = {}
  for i, trial in ipairs(known) do order[i] = {trial = trial, place = i} end
  table.sort(order, function(a, b)
    local x, y = a.trial.worth or -math.huge, b.trial.worth or -math.huge
    if x ~= y then return x > y end
    return a.place < b.place
  end)
  local good, bad = {}, {}
  local most = math.min(MOST_GOOD, math.ceil(GOOD * #order))
  for i, entry in ipairs(order) do
    local list = i <= most and entry.trial.worth and good or bad
    list[#list + 1] = entry.trial.point
  end
  return good, bad
end

-- The point of trial number i: `known` have {point, worth} (nil where it failed; more is better),
-- `pending` are points that are being tried, which count as poor so that they are not tried again.
function tpe.propose(self, seed, i, known, pending)
  if #known < STARTUP then return space.random(self, seed, i) end
  local good, bad = divide(known)
  for _, point in ipairs(pending) do bad[#bad + 1] = point end
  local k = FIRST_DRAW
  local function draw()
    k = k + 1
    return space.draw(seed, i, k)
  end
  local point = {}
  for _, name in ipairs(self.names) do
    local function of(list)
      local values = {}
      for j, p in ipairs(list) do values[j] = p[name] end
      return values
    end
    local range = self.ranges[name]
    if range.kind == "choice" then
      point[name] = choose_value(of(good), of(bad), range.high, draw)
    else
      point[name] = choose_number(of(good), of(bad), draw)
    end
  end
  return point
end

return tpe
