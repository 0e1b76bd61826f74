-- experiment/diagnose_net.lua: what nn.diagnose looks for in the data and in a pass through the
-- model. Each check calls add(finding, where, evidence, cure).
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local evaluate = require "nn.evaluate"
local history = require "nn.history"
local module = require "nn.module"
local watch = require "nn.fit.faults"

local M = {}

local WIDE, UNEVEN = 10, 1000  -- inputs beyond that, or scales that far apart, are unscaled
local RARE = 10                -- a class so many times below the largest is rare
local DEAD, STUCK = 0.3, 0.5   -- shares of a layer's units and activations from which they are told
local EDGE = 0.99              -- beyond it Tanh and Sigmoid are flat
local SMALL, LARGE = 1e-3, 1e3 -- a layer's gradient beside the other layers'
local GAP = 0.1                -- in accuracy
local SAME = 0.999             -- a correlation that only a copy of the target has

local text = history.text

-- ---- the data ---------------------------------------------------------------------------------

local STANDARDIZE = "local t = nn.data.Standardize():fit(train); train, val = t(train), t(val)"

local function check_numbers(d, add)
  local bad = {}
  for _, f in ipairs(d.features) do
    if f.missing + f.infinite > 0 then bad[#bad + 1] = f end
  end
  if #bad == 0 then return end
  add("numbers missing", "data.x", ("%s has %d NaN and %d infinite values%s"):format(bad[1].name,
    bad[1].missing, bad[1].infinite, #bad > 1 and (", and %d features more"):format(#bad - 1)
      or ""),
    'train = nn.data.csv(path, {missing = "mean", ...})')
end

local function check_scales(d, add)
  local widest, narrowest
  for _, f in ipairs(d.features) do
    if f.std and f.std > 0 then
      if not widest or f.std > widest.std then widest = f end
      if not narrowest or f.std < narrowest.std then narrowest = f end
    end
  end
  if not widest then return end
  local most = math.max(math.abs(widest.min), math.abs(widest.max))
  local evidence
  if most > WIDE then
    evidence = ("%s runs from %.4g to %.4g (standard deviation %.4g)"):format(widest.name,
      widest.min, widest.max, widest.std)
  elseif widest.std > 1 and widest.std > UNEVEN * narrowest.std then
    evidence = ("%s varies by %.4g, %s by %.4g"):format(widest.name, widest.std, narrowest.name,
      narrowest.std)
  end
  if evidence then
    add("unscaled inputs", "data.x", evidence .. "; weights of one size cannot suit them",
      STANDARDIZE)
  end
end

local function check_balance(c, d, add)
  local classes = d.classes
  if not classes or #classes < 2 then return end
  local most, least = classes[1], classes[1]
  for _, class in ipairs(classes) do
    if class.count > most.count then most = class end
    if class.count < least.count then least = class end
  end
  if least.count * RARE > most.count then return end
  local weights = {}
  for i, class in ipairs(classes) do
    weights[i] = ("%.3g"):format(class.count > 0 and #c.data / (#classes * class.count) or 0)
  end
  add("classes out of balance", "data.y", ("class %s has %d samples, class %s has %d; always "
    .. "answering %s is right in %.1f %%"):format(least.name, least.count, most.name, most.count,
    most.name, 100 * most.count / #c.data),
    ("loss = nn.CrossEntropyLoss{weight = {%s}}"):format(table.concat(weights, ", ")))
end

-- Rows of the validation part that were trained on.
local function check_duplicates(c, add)
  if not c.validation then return end
  local rows = c.validation:duplicates(c.data)
  if #rows == 0 or #rows < 0.01 * #c.validation then return end
  add("leak: validation rows in the training data", "validation", ("%d of %d rows are in both")
    :format(#rows, #c.validation), "local _, at = val:duplicates(train); local keep = "
    .. 'nn.ones(#train, {dtype = "uint8"}); keep[at] = 0; train = train:subset(keep)')
end

local function correlation(x, y)
  x, y = x - x:mean(), y - y:mean()
  local size = (x:square():sum() * y:square():sum()):sqrt():item()
  return size > 0 and (x * y):sum():item() / size or 0
end

-- A feature that is the target in disguise.
local function check_copies(c, add)
  local x, y = c.data.x, c.data.y
  if x:dim() ~= 2 or x:size(2) < 2 or #x < 30 or y:numel() ~= #x then return end
  if not x:dtype():find "^float" then return end
  y = y:to("float64"):reshape(-1)
  for f = 1, x:size(2) do
    local r = correlation(x:select(2, f):to "float64", y)
    if math.abs(r) > SAME then
      local name = c.data.feature_names and c.data.feature_names[f] or "feature " .. f
      add("leak: a feature is the target", "data.x", ("the correlation of %s and y is %.6f"):format(
        name, r), ("nn.data.csv(path, {columns = ...}) without %s, if it is not known in advance")
        :format(name))
    end
  end
end

function M.data(c, add)
  local d = c.data:describe()
  if d.features then
    check_numbers(d, add)
    if c.data.x:dtype():find "^float" and not c.normalises then check_scales(d, add) end
  end
  check_balance(c, d, add)
  check_duplicates(c, add)
  check_copies(c, add)
end

-- ---- a pass through the model -----------------------------------------------------------------

local function class_of(m) return core.kind(m) == "layer" and m:_class() or nil end

-- What each layer put out for the sample, in the order of the calls.
function M.trace(c)
  local _ <close> = module.mode(c.twin, false)
  local out
  c.list = watch.trace(c.twin, function() out = core.no_grad(c.twin, c.x) end)
  c.paths = watch.paths_of(c.twin)
  c.out = out
  local first = c.list[1] and class_of(c.list[1].module) or ""
  c.normalises = first:find "Norm" ~= nil or first == "Embedding"
end

-- Units of N x units x ...: a vector with the result of f for each.
local function by_unit(out)
  return out:reshape(out:size(1), out:size(2), -1):permute(2, 1, 3):reshape(out:size(2), -1)
end

local function check_relu(c, record, path, add)
  local units = by_unit(record.output)
  local dead = units:max(2):le(0):to("int64"):sum():item()
  c.states[path] = {dead = dead / units:size(1)}
  if dead < DEAD * units:size(1) then return end
  add("dead ReLUs", path, ("%d of %d units are 0 for all of %d samples: no gradient passes them")
    :format(dead, units:size(1), #c.x), ("%s = nn.LeakyReLU{negative_slope = 0.01}"):format(path))
end

-- The weights from which an activation was computed.
local function weights_before(c, place)
  for i = place - 1, 1, -1 do
    local m = c.list[i].module
    if core.kind(m) == "layer" and core.kind(m.weight) == "tensor" and m.weight:dim() > 1 then
      return c.paths[m]
    end
  end
end

local function check_saturation(c, place, path, low, add)
  local out = c.list[place].output
  local stuck = (out:gt(EDGE) | out:lt(low)):to("float64"):mean():item()
  c.states[path] = {saturated = stuck}
  if stuck < STUCK then return end
  local weights = weights_before(c, place)
  add("saturated units", path,
    ("%.0f %% of the activations lie beyond %g, where %s is flat"):format(
    100 * stuck, EDGE, tostring(c.list[place].module)),
    ("nn.init.xavier_uniform(%s.weight)"):format(weights or path))
end

local function check_answer(c, add)
  local last = c.list[#c.list]
  local class = last and class_of(last.module) or ""
  local loss = core.kind(c.loss) == "loss" and c.loss:_class() or ""
  local twice = loss == "CrossEntropyLoss" and (class == "Softmax" or class == "LogSoftmax"
    or class == "Sigmoid") or loss == "BCEWithLogitsLoss" and class == "Sigmoid"
  if twice then
    local path = c.paths[last.module] or "the last layer"
    add("squashed twice", path, ("%s applies its own to raw scores, and %s comes before it"):format(
      loss, class), path .. " = nn.Identity()")
  end
end

function M.activations(c, add)
  c.states = {}
  for place, record in ipairs(c.list) do
    local m, out = record.module, record.output
    local path = c.paths[m] or "a layer"
    local fits = core.kind(out) == "tensor" and out:dim() >= 2 and out:numel() > 0
    local class = fits and class_of(m) or nil
    if class == "ReLU" then check_relu(c, record, path, add) end
    if place < #c.list then
      if class == "Tanh" then check_saturation(c, place, path, -EDGE, add) end
      if class == "Sigmoid" then check_saturation(c, place, path, 1 - EDGE, add) end
    end
  end
  check_answer(c, add)
  if not c.out:isfinite():all() then
    add("outputs not finite", "model", "the model answers NaN or infinity",
      "history = nn.fit(model, train, {...}), whose error names the layer")
  end
end

-- ---- gradients --------------------------------------------------------------------------------

local function rms(t) return math.sqrt(t:to("float64"):square():mean():item()) end

local function layer_cure(c, what)
  if what == "exploding gradients" then return "nn.fit(model, train, {clip_norm = 1, ...})" end
  for _, record in ipairs(c.list) do
    local class = class_of(record.module)
    if class == "Sigmoid" or class == "Tanh" then
      return ("%s = nn.ReLU(), and so for every %s"):format(c.paths[record.module] or "layer",
        class)
    end
  end
  return "model:apply(function(m) if m.weight and m.weight:dim() > 1 then "
    .. "nn.init.kaiming_normal(m.weight) end end)"
end

-- Where the weights' gradients are far smaller or larger than in other layers.
function M.gradients(c, add)
  c.rows = {}
  for _, entry in ipairs(module.Module.named_parameters(c.twin)) do
    local name, t = entry.name or entry[1], entry.tensor or entry[2]
    if t.requires_grad and t:dim() > 1 then
      local g = t.grad
      c.rows[#c.rows + 1] = {name = name, tensor = t, weight = rms(t:detach()),
        gradient = g and rms(g) or 0.0}
      if not g then
        add("no gradient", name, "the loss does not depend on it",
          "use it in forward, or freeze it: requires_grad_(false)")
      end
    end
  end
  if #c.rows < 2 then return end
  local least, most = c.rows[1], c.rows[1]
  for _, row in ipairs(c.rows) do
    if row.gradient < least.gradient then least = row end
    if row.gradient > most.gradient then most = row end
  end
  local last = c.rows[#c.rows]
  local function told(row, other, what)
    add(what, row.name, ("its gradient is %s, that of %s is %s (root mean squares)"):format(
      text(row.gradient), other.name, text(other.gradient)), layer_cure(c, what))
  end
  if most.gradient > 0 and least.gradient < SMALL * most.gradient and least ~= last
    and most.gradient < LARGE * last.gradient then
    told(least, most, "vanishing gradients")
  elseif most ~= last and most.gradient > LARGE * last.gradient and last.gradient > 0
    or most.gradient > LARGE then
    told(most, last, "exploding gradients")
  end
end

-- ---- training against validation --------------------------------------------------------------

function M.gap(c, add)
  if not c.validation then return end
  local labels = dataset.has_labels(c.data) and c.out:dim() == 2 and c.out:size(2) > 1
  local metrics = labels and {"accuracy"} or nil
  local train = evaluate.evaluate(c.twin, c.data, {loss = c.loss, metrics = metrics})
  local val = evaluate.evaluate(c.twin, c.validation, {loss = c.loss, metrics = metrics})
  c.gap = {train = train, validation = val}
  local evidence
  if labels and train.accuracy - val.accuracy > GAP then
    evidence = ("accuracy %.3f on the training data, %.3f on the validation data"):format(
      train.accuracy, val.accuracy)
  elseif not labels and val.loss > 3 * train.loss and #c.data > 10 then
    evidence = ("loss %s on the training data, %s on the validation data"):format(text(train.loss),
      text(val.loss))
  end
  if evidence then
    add("overfitting", "model", evidence, "nn.fit(model, train, {validation = val, l2 = 1e-3, "
      .. "callbacks = {nn.EarlyStopping{patience = 5, restore_best = true}}, ...})")
  end
end

return M
