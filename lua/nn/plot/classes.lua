-- plot/classes.lua: layers for classifiers: confusion matrices and decision boundaries.
local colors = require "nn.plot.colors"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local field = require "nn.plot.field"
local marks = require "nn.plot.marks"
local scale = require "nn.plot.scale"
local text = require "nn.plot.text"
local util = require "nn.util"

local raise = util.raise
local classes = {}

local function names(given, n)
  local list = {}
  for i = 1, n do list[i] = text.clean(given and given[i] or i) end
  return list
end

-- ---- confusion --------------------------------------------------------------------------------

local function counts(owner, data)
  local t = data
  if type(t) == "table" then
    local ok, made = pcall(core.tensor, t)
    t = ok and made or t
  end
  if core.kind(t) ~= "tensor" or t:dim() ~= 2 or t:size(1) ~= t:size(2) or t:numel() == 0 then
    raise("%s: expected a square matrix of counts, rows the truth, as the metric 'confusion' "
      .. "gives; got %s", owner, util.describe(data))
  end
  return t:detach():to("float64"):totable()
end

local function confusion_text(scene, view, i, j, v, share)
  local m = view.medium
  local cell = view.x(2) - view.x(1)
  local label = scale.label(v)
  if m.text_width(label, m.tick) > cell - (m.terminal and 0 or 2) then return end
  local x, y = view.x(j), view.y(i)
  local color = share > 0.55 and colors.paper or v == 0 and colors.axis or colors.ink
  if m.terminal then color = i == j and colors.series[1] or v == 0 and colors.axis or colors.ink end
  scene:text(x, y, label, {size = m.tick, anchor = "middle", color = color,
    bold = i == j and not m.terminal})
end

local function draw_confusion(layer, scene, view)
  local n, ramp = #layer.rows, colors.ramp("confusion", "blue")
  local width, height = view.x(2) - view.x(1), view.y(2) - view.y(1)
  for i, row in ipairs(layer.rows) do
    local sum = 0
    for _, v in ipairs(row) do sum = sum + (v == v and v or 0) end
    for j, v in ipairs(row) do
      local share = sum > 0 and v == v and v / sum or 0
      if not view.terminal then
        scene:rect(view.x(j) - width / 2, view.y(i) - height / 2, width, height,
          {fill = ramp(share ^ 0.6), stroke = colors.paper, line = n <= 20 and 1 or 0.4,
            tip = ("%s taken for %s: %s"):format(layer.ynames[i], layer.xnames[j],
              scale.label(v))})
      end
      confusion_text(scene, view, i, j, v, share ^ 0.6)
    end
  end
end

-- Counts by class: rows the truth, columns the answers. A cell's colour is its share of its row.
function classes.confusion(owner, p, data, options)
  local rows = counts(owner, data)
  local list = names(options.classes, #rows)
  local layer = {kind = owner, rows = rows, xnames = list, ynames = list, down = true, plain = true}
  if p.options.xlabel == nil then p.options.xlabel = "answer" end
  if p.options.ylabel == nil then p.options.ylabel = "truth" end
  function layer.extent() end
  function layer.draw(scene, view)
    if #rows > 1 then draw_confusion(layer, scene, view) end
  end
  return layer
end

-- ---- boundary ---------------------------------------------------------------------------------

local function check_points(owner, ds)
  dataset.check(ds, owner, "the second argument")
  if ds.x:dim() ~= 2 or ds.x:size(2) ~= 2 or #ds == 0 then
    raise("%s: the dataset must have samples of two features, got %s", owner, util.shape(ds.x))
  end
  if not dataset.has_labels(ds) then
    raise("%s: the dataset must have labels (int64); its y is %s", owner, util.describe(ds.y))
  end
end

-- How far each class is ahead of the best other one: where this is 0 the boundary runs.
local function margins(out, count)
  local list = {}
  for k = 1, count > 2 and count or 1 do
    local rest = out:clone()
    rest:select(2, k):fill_(-math.huge)
    list[k] = out:select(2, k):sub((rest:max(2)))
  end
  return list
end

-- The model's answers at all places, as a class (from 1), how sure it is (0..1) or nil, and the
-- margins.
local function answers(owner, model, x, threshold)
  local out
  if type(model) == "function" then
    out = core.no_grad(model, x)
  else
    require "nn.evaluate".check_model(owner, model)
    out = require "nn.evaluate".predict(model, x)
  end
  if core.kind(out) ~= "tensor" or out:size(1) ~= x:size(1) or out:dim() > 2 then
    raise("%s: the model must return a row of scores for each point, got %s for %s", owner,
      util.describe(out), util.shape(x))
  end
  out = out:detach():to "float64"
  if out:dim() == 1 or out:size(2) == 1 then
    local score = out:reshape(-1)
    return score:gt(threshold):to("int64"):add(1), nil, {score:sub(threshold)}
  end
  local best, class = out:max(2)
  local rest = out:logsumexp(2)
  local sure = best:sub(rest):exp()
  local lowest, total = out:min():item(), out:sum(2)
  if lowest >= 0 and total:sub(1):abs():max():item() < 1e-3 then sure = best end -- probabilities
  return class, sure, margins(out, out:size(2))
end

-- The plane in the classes' colours, paler where the model is less sure.
local function plane(class, sure, n)
  local most = class:max():item()
  local rgb = {}
  for k = 1, most do rgb[k] = {colors.rgb(colors.of(k))} end
  local tone = core.tensor(rgb, {dtype = "float64"}):index_select(1, class)
  local strength = 0.34
  if sure then strength = sure:sub(1 / math.max(most, 2)):clamp(0, 1):mul(0.36):add(0.08) end
  if core.kind(strength) == "tensor" then strength = strength:unsqueeze(2) end
  local mixed = tone:sub(255):mul(strength):add(255.5):clamp(0, 255):floor():to "uint8"
  return mixed:view(n, n, 3)
end

local STEPS = 160

-- Places at the middles of n x n cells of the panel, the top row first.
local function places(ds, xrange, yrange, n)
  local dtype = ds.x:dtype()
  local x = core.linspace(xrange.lo, xrange.hi, 2 * n + 1):narrow(1, 2, 2 * n - 1)
  local y = core.linspace(yrange.lo, yrange.hi, 2 * n + 1):narrow(1, 2, 2 * n - 1)
  local odd = core.range(1, 2 * n - 1, 2):to "int64"
  x, y = x:index_select(1, odd), y:index_select(1, odd):flip(1)
  return core.stack({x:unsqueeze(1):expand(n, n):reshape(-1), y:unsqueeze(2):expand(n, n)
    :reshape(-1)}, 2):to(dtype):contiguous()
end

-- options: points (of the grid), threshold, size
function classes.boundary(owner, p, model, options, ds)
  check_points(owner, ds)
  local layer = marks.scatter(owner, p, ds, {classes = options.classes, legend = options.legend,
    size = options.size or 4})
  layer.kind, layer.under = owner, true
  local n, extent = options.points or STEPS, layer.extent
  for k, s in ipairs(layer.series) do -- a class has its colour, whichever classes are there
    layer.looks[k].color = colors.of(s.class)
    layer.looks[k].shape = (s.class - 1) % 6 + 1
    if layer.entries[k] then
      layer.entries[k].color, layer.entries[k].shape = layer.looks[k].color, layer.looks[k].shape
    end
  end
  function layer.extent(...)
    local x0, x1, y0, y1 = extent(...)
    if not x0 then return nil end
    local dx, dy = 0.08 * (x1 - x0), 0.08 * (y1 - y0)
    return x0 - dx, x1 + dx, y0 - dy, y1 + dy
  end
  function layer.prepare(xrange, yrange)
    local key = ("%.17g %.17g %.17g %.17g"):format(xrange.lo, xrange.hi, yrange.lo, yrange.hi)
    if layer.key == key then return end
    local class, sure, margin = answers(owner, model, places(ds, xrange, yrange, n),
      options.threshold or 0.5)
    layer.pixels, layer.key, layer.margins = plane(class, sure, n), key, {}
    local xs, ys = {}, {}
    for i = 1, n do
      xs[i] = xrange.lo + (xrange.hi - xrange.lo) * (i - 0.5) / n
      ys[i] = yrange.lo + (yrange.hi - yrange.lo) * (i - 0.5) / n
    end
    for k, z in ipairs(margin) do
      layer.margins[k] = {x = xs, y = ys, z = z:reshape(n, n):flip(1):contiguous()}
    end
  end
  function layer.draw(scene, view)
    local edge = view.terminal and 1 or 0
    if not view.terminal or view.medium.how.color then
      scene:image(view.left, view.top, view.width + edge, view.height + edge, layer.pixels,
        {smooth = true})
    end
    for _, grid in ipairs(layer.margins) do
      local parts = field.contour(grid, 0, false, view)
      if #parts > 0 then scene:path(parts, {stroke = colors.muted, line = 1}) end
    end
  end
  return layer
end

return classes
