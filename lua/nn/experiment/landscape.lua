-- experiment/landscape.lua: nn.landscape: the loss on a line or plane through a model's weights.
--
-- Random directions are filter-normalised (Li, Xu, Taylor, Studer, Goldstein: "Visualizing the loss
-- landscape of neural nets", NeurIPS 2018): each filter (a row of a weight) of the direction is as
-- long as the model's own, biases stay. Through a path: its first two principal components.
local copy = require "nn.experiment.copy"
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local module = require "nn.module"
local result = require "nn.experiment.result"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local raise = util.raise

local SHOWN = 7 -- rows and columns of the printed table
local ROOM = 0.25 -- that a path leaves free around it

-- ---- directions: lists of tensors, one for each parameter -------------------------------------

local function random_direction(params)
  local list = {}
  for i, t in ipairs(params) do
    if t:dim() < 2 then
      list[i] = t:zeros_like()
    else
      local d = core.randn(t:size()):to(t:dtype())
      local rows, own = d:reshape(#t, -1), t:detach():reshape(#t, -1)
      local scale = own:square():sum(2, true):sqrt() / (rows:square():sum(2, true):sqrt() + 1e-12)
      list[i] = (rows * scale):reshape(t:size())
    end
  end
  return list
end

-- What a script gives: tensors by name, as model:state() has them, or a list in the order of
-- model:parameters(); what is not there is 0.
local function read_direction(what, given, names, params)
  if type(given) ~= "table" or getmetatable(given) then
    raise("landscape: %s must be a table of tensors by parameter, as model:state() is, got %s",
      what,
      util.describe(given))
  end
  local list, found = {}, false
  for i, t in ipairs(params) do
    local d = given[names[i]] or given[i]
    if d == nil then
      list[i] = t:zeros_like()
    elseif core.kind(d) ~= "tensor" or not util.same_shape(d, t) then
      raise("landscape: %s: %s must be a tensor of %s, got %s", what, names[i], util.shape(t),
        util.describe(d))
    else
      list[i], found = d:detach():to(t:dtype()), true
    end
  end
  if not found then
    raise("landscape: %s has none of the model's parameters: %s", what, table.concat(names, ", "))
  end
  return list
end

local function dot(a, b)
  local sum = 0
  for i, t in ipairs(a) do sum = sum + (t * b[i]):to("float64"):sum():item() end
  return sum
end

local function combine(lists, factors)
  local out = {}
  for i, t in ipairs(lists[1]) do
    out[i] = t * factors[1]
    for k = 2, #lists do out[i] = out[i] + lists[k][i] * factors[k] end
  end
  return out
end

-- The two directions in which the points of a path lie farthest from the model, of length 1, and
-- where on them the points are. By the matrix of inner products, which is small.
local function principal(steps)
  local n, rows = #steps, {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do rows[i][j] = j < i and rows[j][i] or dot(steps[i], steps[j]) end
  end
  local values, vectors = core.linalg.eigh(core.tensor(rows, {dtype = "float64"}))
  local directions, places = {}, {}
  for k = 1, 2 do
    local v = vectors:select(2, n - k + 1):totable()
    local size = math.sqrt(math.max(values[n - k + 1], 0))
    if n - k + 1 < 1 or size < 1e-12 then
      raise("landscape: the path does not leave a line; option 'dims' = 1 or random directions "
        .. "show it")
    end
    for i = 1, n do v[i] = v[i] / size end
    directions[k] = combine(steps, v)
  end
  for i = 1, n do places[i] = {dot(steps[i], directions[1]), dot(steps[i], directions[2])} end
  return directions, places
end

local function read_path(path, names, params)
  local steps = {}
  for i, state in ipairs(path) do
    local list = read_direction("path[" .. i .. "]", state, names, params)
    for k, t in ipairs(params) do list[k] = list[k] - t:detach() end
    steps[i] = list
  end
  if #steps < 3 then
    raise("landscape: option 'path' is a list of at least 3 states, as model:state() gives them, "
      .. "got %d", #steps)
  end
  return principal(steps)
end

-- ---- the loss on them -------------------------------------------------------------------------

local function around(places, d)
  local low, high = 0, 0
  for _, p in ipairs(places) do low, high = math.min(low, p[d]), math.max(high, p[d]) end
  local room = ROOM * (high - low)
  return {low - room, high + room}
end

local function axis(range, points)
  local list = {}
  for i = 1, points do list[i] = range[1] + (range[2] - range[1]) * (i - 1) / (points - 1) end
  return list
end

-- The loss with the weights at a (and b) along the directions.
local function prober(self, twin, twins, data, o)
  local start = {}
  for i, t in ipairs(twins) do start[i] = t:detach():clone() end
  local want = {loss = o.loss, metrics = {}, batch_size = o.batch_size}
  return function(a, b)
    core.no_grad(function()
      for i, t in ipairs(twins) do
        local w = start[i] + self.directions[1][i] * a
        if b then w = w + self.directions[2][i] * b end
        t:copy_(w)
      end
    end)
    return evaluate.measure("landscape", twin, data, want).loss
  end
end

local function survey(self, probe)
  local rows = {}
  for r, b in ipairs(self.y or {false}) do
    rows[r] = {}
    for c, a in ipairs(self.x) do rows[r][c] = probe(a, b or nil) end
  end
  self.z = core.tensor(self.y and rows or rows[1], {dtype = "float64"})
  self.centre = probe(0, self.y and 0 or nil)
end

-- ---- the result -------------------------------------------------------------------------------

local function csv_table(self)
  local records, z = {}, self.z:totable()
  for r, b in ipairs(self.y or {false}) do
    for c, a in ipairs(self.x) do
      records[#records + 1] = {a = a, b = b or nil, loss = self.y and z[r][c] or z[c]}
    end
  end
  return self.y and {"a", "b", "loss"} or {"a", "loss"}, records
end

-- Some rows and columns of a plane, b downwards and a to the right.
local function shown(self)
  if not self.y then return csv_table(self) end
  local columns, records, z, n = {"b \\ a"}, {}, self.z:totable(), #self.x
  local count = math.min(n, SHOWN)
  local function place(k) return 1 + (k - 1) * (n - 1) // math.max(count - 1, 1) end
  for c = 1, count do columns[c + 1] = ("%.3g"):format(self.x[place(c)]) end
  for r = 1, count do
    records[r] = {[columns[1]] = ("%.3g"):format(self.y[place(r)])}
    for c = 1, count do records[r][columns[c + 1]] = z[place(r)][place(c)] end
  end
  return columns, records
end

local function notes(self)
  return {("at the weights themselves %s; from %s to %s"):format(
    require "nn.history".text(self.centre), require "nn.history".text(self.z:min():item()),
    require "nn.history".text(self.z:max():item()))}
end

local function picture(self, options)
  local page = {title = options.title, xlabel = "a", ylabel = self.y and "b" or "loss",
    width = options.width, height = options.height, scale = options.scale}
  local p = require "nn.plot"(page)
  if not self.y then return p:line({x = self.x, y = self.z}):vline(0, {dash = true}) end
  p:contour({x = self.x, y = self.y, z = self.z}, {filled = true, colors = "pale", levels = 14})
  if self.path then return p:paths({path = self.path}, {minimum = {0, 0}, legend = false}) end
  return p:scatter({{0, 0}})
end

local meta = result.class("landscape", {table = shown, csv = csv_table, notes = notes,
  picture = picture})

local M = {}

local function read_directions(self, o, names, params)
  if o.path then
    self.directions, self.path = read_path(o.path, names, params)
    self.dims = 2
  elseif o.directions then
    self.directions, self.dims = {}, #o.directions
    for i, d in ipairs(o.directions) do
      self.directions[i] = read_direction("directions[" .. i .. "]", d, names, params)
    end
  else
    self.directions, self.dims = {}, o.dims
    for i = 1, math.min(o.dims, 2) do self.directions[i] = random_direction(params) end
  end
  if self.dims < 1 or self.dims > 2 then
    raise("landscape: one direction or two, got %d", self.dims)
  end
end

local function check_range(range)
  local lo, hi = range[1], range[2]
  if #range == 2 and result.is_finite(lo) and result.is_finite(hi) and lo < hi then return range end
  raise "landscape: option 'range' is {from, to}, two numbers of which the second is larger"
end

--- nn.landscape(model, data, loss, {dims = 2, directions, path, range = {-1, 1}, points = 21, seed,
---   batch_size = 256}) -> result
--- The loss on a plane (`dims = 1`: a line) through the model's weights, in evaluation mode: how
--- flat the place is that a training has found. Directions are random ones, filter-normalised, so
--- that 1 is as far as the weights are long; or `directions`, a list of one or two tables of
--- tensors by the parameters' names (such as the difference of two states); or `path`, a list of
--- model:state() kept while training: then the plane is the one in which the path extends most,
--- around it. `result.x`, `result.y` are the places along the directions a and b (the weights are
--- at 0), `result.z` the losses (a tensor, rows are b), `result.centre` the one at the weights,
--- `result.path` where the states lie. It prints, `:csv(path)`, `:plot(path)` draws contours or a
--- line. Model and random streams are left as they were.
--- Example:
---   local model = nn.Linear(1, 1)
---   local path, keep = {}, {}
---   function keep:on_epoch_end(state) path[#path + 1] = state.model:state() end
---   nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 20, batch_size = 7,
---     optimizer = nn.optim.Adam(model:parameters(), {lr = 0.1}), callbacks = {keep}})
---   local scape = nn.landscape(model, nn.data.line(), nn.MSELoss(), {path = path, points = 9})
---   print(scape)
---   scape:plot()
function M.landscape(model, data, loss, options)
  local _ <close> = workers.aside()
  local twin, twins = copy.model("landscape", model)
  result.check_data("landscape", data, "the data")
  evaluate.check_loss("landscape", loss)
  local o = util.options("landscape", options, {
    dims = {"count", 2}, directions = {"table"}, path = {"table"}, range = {"table", {-1, 1}},
    points = {"count", 21}, seed = {"integer"}, batch_size = {"count", 256},
  })
  if #twins == 0 then raise "landscape: the model has no parameters" end
  if o.points < 2 or o.points > 1001 then
    raise("landscape: option 'points' is 2 to 1001, got %d", o.points)
  end
  o.loss = loss
  local names = {}
  for i, entry in ipairs(module.Module.named_parameters(twin)) do names[i] = entry[1] end
  core.seed(workers.seed_of(workers.base_seed(o.seed), 1))
  local self = {}
  core.no_grad(read_directions, self, o, names, twins)
  local range = check_range(o.range)
  self.x = axis(self.path and around(self.path, 1) or range, o.points)
  self.y = self.dims == 2 and axis(self.path and around(self.path, 2) or range, o.points) or nil
  survey(self, prober(self, twin, twins, data, o))
  return setmetatable(self, meta)
end

return M
