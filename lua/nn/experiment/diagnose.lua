-- experiment/diagnose.lua: nn.diagnose: what is wrong with a model, its data or its optimizer, each
-- finding with its evidence and the line that would mend it. All is done on copies.
local copy = require "nn.experiment.copy"
local core = require "nn.core"
local evaluate = require "nn.evaluate"
local module = require "nn.module"
local net = require "nn.experiment.diagnose_net"
local result = require "nn.experiment.result"
local steps = require "nn.experiment.diagnose_steps"
local util = require "nn.util"
local workers = require "nn.experiment.workers"

local MOST = 512 -- samples that a pass looks at

-- ---- the result -------------------------------------------------------------------------------

local function layers(self)
  return {"weights", "size", "gradient", "update", "dead", "saturated"}, self.layers
end

local function findings(self)
  return {"finding", "where", "evidence", "cure"}, self.findings
end

-- A text in lines of at most `width` characters, each after `before`.
local function wrapped(before, words, width, lines)
  local line = before
  for word in words:gmatch "%S+" do
    if #line + #word + 1 > width and line:find "%S" then
      lines[#lines + 1], line = line, (" "):rep(#before)
    end
    line = line .. (line:find "%S$" and " " or "") .. word
  end
  lines[#lines + 1] = line
end

local function notes(self)
  local lines = {""}
  for i, f in ipairs(self.findings) do
    lines[#lines + 1] = ("%d. %s (%s)"):format(i, f.finding, f.where)
    wrapped("   ", f.evidence, 96, lines)
    lines[#lines + 1] = "   cure: " .. f.cure
  end
  if #self.findings == 0 then lines[#lines + 1] = "nothing wrong was found" end
  return lines
end

local function picture(self, options)
  local bars = {}
  for i, row in ipairs(self.layers) do bars[i] = {row.weights, math.max(row.gradient, 1e-12)} end
  if #bars == 0 then util.raise "plot: the model has no weights" end
  return require "nn.plot" {title = options.title, ylabel = "gradient (root mean square)",
    ylog = true,
    width = options.width, height = options.height, scale = options.scale}:bar(bars)
end

local methods = {}
local meta = result.class("diagnosis", {table = layers, csv = findings, notes = notes,
  picture = picture, methods = methods})

-- #diagnosis: how many findings.
function meta.__len(self) return #self.findings end

-- ---- the examination --------------------------------------------------------------------------

local function sample_of(c)
  local n = math.min(#c.data, MOST)
  local rows = core.randperm(#c.data, {seed = c.seed}):narrow(1, 1, n)
  local part = c.data:subset(rows)
  c.x, c.y, c.w = part.x, part.y, part.weight
end

-- The activation that follows a weight and what was found there.
local function layer_rows(c)
  local rows, activation, last = {}, {}, nil
  for _, record in ipairs(c.list) do
    local path = c.paths[record.module]
    local m = record.module
    if core.kind(m) == "layer" and core.kind(m.weight) == "tensor" and m.weight:dim() > 1 then
      last = m.weight
    elseif last and path and c.states[path] then
      activation[last] = c.states[path]
    end
  end
  for i, row in ipairs(c.rows) do
    local state = activation[row.tensor] or {}
    rows[i] = {weights = row.name, size = row.weight, gradient = row.gradient, update = row.ratio,
      dead = state.dead, saturated = state.saturated}
  end
  return rows
end

local function examine(c, add)
  c.twin, c.twins, c.originals = copy.model("diagnose", c.model)
  c.probe = module.Module.clone(c.model)
  sample_of(c)
  net.trace(c)
  net.data(c, add)
  net.activations(c, add)
  do
    local _ <close> = module.mode(c.twin, true)
    steps.pass(c, c.twin, c.x, c.y, c.w)
  end
  net.gradients(c, add)
  net.gap(c, add)
  if c.given and #c.rows > 0 then steps.rate(c, add) end
end

local M = {}

--- nn.diagnose(model, data, loss, {optimizer, validation, batch_size = 32, seed}) -> result
--- Looks for what commonly goes wrong: inputs unscaled or missing, classes out of balance,
--- validation rows (or the target) among the training data; dead ReLUs, saturated units, an output
--- squashed twice; gradients that vanish or explode from layer to layer; with `optimizer`, a
--- learning rate too high or too low: some steps are taken, and for gradient descent the rate is
--- held against 2 / L, L the largest curvature of the loss (times 1 + momentum); with `validation`,
--- overfitting. `result.findings` lists finding, where, evidence and cure, a line of Lua; `#result`
--- says how many there are. Printed below a table of the weights: their size and gradient (root
--- mean squares), how far one step moves them (as a share of their length), the share of dead units
--- and of saturated activations behind them. `result.curvature`, `result.limit` and `result.gap`
--- hold what was measured. `:csv(path)` writes the findings, `:plot(path)` draws the gradients.
--- Model, optimizer, data and random streams are left as they were.
--- Example:
---   local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
---   local train, val = nn.data.digits():split{0.8, 0.2}
---   local found = nn.diagnose(model, train, nn.CrossEntropyLoss(), {validation = val,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 1e3})})
---   print(found)
---   print(#found, found.findings[1].cure)
function M.diagnose(model, data, loss, options)
  local _ <close> = workers.aside()
  evaluate.check_model("diagnose", model)
  result.check_data("diagnose", data, "the data")
  evaluate.check_loss("diagnose", loss)
  local o = util.options("diagnose", options, {optimizer = {"any"}, validation = {"any"},
    batch_size = {"count", 32}, seed = {"integer"}})
  local c = {model = model, data = data, loss = loss, given = o.optimizer,
    batch_size = o.batch_size,
    seed = workers.seed_of(workers.base_seed(o.seed), 1)}
  core.seed(c.seed)
  if o.validation ~= nil then
    c.validation = result.check_data("diagnose", o.validation, "option 'validation'")
  end
  local list = {}
  examine(c, function(finding, where, evidence, cure)
    list[#list + 1] = {finding = finding, where = where, evidence = evidence, cure = cure}
  end)
  return setmetatable({findings = list, layers = layer_rows(c), curvature = c.curvature,
    limit = c.limit, gap = c.gap}, meta)
end

return M
