-- plot/images.lua: a grid of small pictures: digits, first-layer weights, photographs.
local colors = require "nn.plot.colors"
local core = require "nn.core"
local dataset = require "nn.data.dataset"
local field = require "nn.plot.field"
local series = require "nn.plot.series"
local text = require "nn.plot.text"
local util = require "nn.util"

local raise = util.raise
local images = {}
local MOST = 400 -- pictures

-- ---- reading ----------------------------------------------------------------------------------

-- N x H x W or N x C x H x W, from these, rows of pixels (`shape`, or square), or one H x W.
local function shaped(owner, t, shape)
  local d = t:dim()
  if shape then
    local n = 1
    for _, size in ipairs(shape) do
      if math.type(size) ~= "integer" or size < 1 then
        raise("%s: option 'shape' is {height, width} or {channels, height, width}", owner)
      end
      n = n * size
    end
    local count = d > 1 and t:size(1) or 1
    if (#shape ~= 2 and #shape ~= 3) or t:numel() ~= count * n then
      raise("%s: %s does not hold pictures of %s", owner, util.describe(t),
        table.concat(shape, "x"))
    end
    return t:reshape(count, table.unpack(shape))
  end
  if d == 2 then
    local side = math.floor(math.sqrt(t:size(2)) + 0.5)
    if side > 3 and side * side == t:size(2) and t:size(1) ~= t:size(2) then
      return t:reshape(t:size(1), side, side)
    end
    return t:reshape(1, t:size(1), t:size(2))
  end
  if d == 3 or d == 4 then return t end
  raise("%s: expected pictures, N x height x width or N x channels x height x width (rows of "
    .. "pixels with shape = {height, width}), got %s", owner, util.describe(t))
end

-- One picture a channel, where there are neither one nor three.
local function channels(t)
  if t:dim() == 3 then return t:unsqueeze(2) end
  local c = t:size(2)
  if c == 1 or c == 3 then return t end
  return t:reshape(t:size(1) * c, 1, t:size(3), t:size(4))
end

-- Values as bytes: 0..1 as they are; with negative ones white is 0; else from least to greatest.
local function look(owner, t, options)
  local lo, hi = 0, 1
  local sound = t:masked_select(t:isfinite())
  if #sound > 0 then lo, hi = sound:min():item(), sound:max():item() end
  local name = options.colors
  if lo < 0 and not name then name = "diverging" end
  if options.zrange then
    lo, hi = options.zrange[1], options.zrange[2]
    if type(lo) ~= "number" or type(hi) ~= "number" or lo >= hi then
      raise("%s: option 'zrange' is {from, to}, two numbers of which the second is larger", owner)
    end
  elseif name == "diverging" then
    hi = math.max(-lo, hi)
    lo = -hi
  elseif lo >= 0 and hi <= 1 then
    lo, hi = 0, 1
  elseif lo >= 0 and hi <= 255 and t:dim() == 4 and t:size(2) == 3 then
    lo, hi = 0, 255
  end
  if lo >= hi then hi = lo + 1 end
  return {lo = lo, hi = hi, log = false}, colors.ramp(owner, name or "grey")
end

local function pixels_of(t, i, heights, ramp)
  local one = t:select(1, i)
  if one:size(1) == 3 then
    local rgb = one:permute(2, 3, 1):sub(heights.lo):mul(255 / (heights.hi - heights.lo)):add(0.5)
    return core.where(rgb:isnan(), 0, rgb):clamp(0, 255):floor():to("uint8"):contiguous()
  end
  return field.pixels(one:select(1, 1), heights, ramp)
end

-- ---- drawing ----------------------------------------------------------------------------------

-- How many columns make the pictures largest.
local function best_columns(n, ratio, width, height, caption)
  local best, most = 1, 0
  for columns = 1, n do
    local rows = math.ceil(n / columns)
    local size = math.min(width / columns, (height / rows - caption) * ratio)
    if size > most * 1.001 then best, most = columns, size end
  end
  return best
end

local function draw(layer, scene, view)
  local m, n = view.medium, #layer.pixels
  local h, w = layer.pixels[1]:size(1), layer.pixels[1]:size(2)
  local caption = layer.labels and m.line(m.tick) or 0
  local gap = m.terminal and 2 or math.max(2, math.min(10, 60 / math.sqrt(n)))
  local ratio = w / h
  local columns = math.min(layer.columns
    or best_columns(n, ratio, view.width, view.height, caption + gap), n)
  local rows = math.ceil(n / columns)
  local width = math.min((view.width - gap * (columns - 1)) / columns,
    ((view.height - gap * (rows - 1)) / rows - caption) * ratio)
  width = math.max(width, 1)
  if m.terminal then width = math.max(2, width // 2 * 2) end
  local height = width / ratio
  if m.terminal then height = math.max(4, height // 4 * 4) end
  for i, pixels in ipairs(layer.pixels) do
    local x = view.left + (i - 1) % columns * (width + gap)
    local y = view.top + (i - 1) // columns * (height + caption + (m.terminal and 0 or gap))
    if y + height + caption > view.top + view.height + 1 then break end
    scene:image(x, y, width, height, pixels)
    if not m.terminal then
      scene:rect(x, y, width, height, {stroke = colors.grid, line = 0.6})
    end
    if layer.labels then
      local label = text.fit(layer.labels[i] or "", width + gap - 1,
        function(s) return m.text_width(s, m.tick) end)
      scene:text(x + width / 2, y + height + caption / 2, label,
        {size = m.tick, anchor = "middle",
          color = layer.marked and layer.marked[i] or colors.muted})
    end
  end
end

local function label_list(owner, labels, n, classes)
  if labels == nil then return nil end
  local list = {}
  if core.kind(labels) == "tensor" then labels = series.flat(owner, labels) end
  if type(labels) ~= "table" then
    raise("%s: option 'labels' is a list, a text for each picture; got %s", owner,
      util.describe(labels))
  end
  for i = 1, n do
    local label = labels[i]
    if classes and math.type(label) == "integer" then label = classes[label] or label end
    list[i] = label ~= nil and text.clean(label) or ""
  end
  return list
end

-- options: labels, columns, shape, colors, zrange, count
function images.images(owner, _, data, options)
  local labels = options.labels
  local classes = options.classes
  if dataset.is_dataset(data) then
    if labels == nil and dataset.has_labels(data) then
      labels, classes = data.y, classes or data.classes
    end
    data = data.x
  end
  if type(data) == "table" then
    local ok, joined = pcall(core.stack, data)
    if not ok then
      raise("%s: a list of pictures has tensors of one shape: %s", owner,
        (tostring(joined):gsub("^[^\n]-:%d+: ", "", 1)))
    end
    data = joined
  end
  if core.kind(data) ~= "tensor" or data:numel() == 0 then
    raise("%s: expected pictures as a tensor, a list of tensors or a dataset, got %s", owner,
      util.describe(data))
  end
  local t = channels(shaped(owner, data:detach(), options.shape))
  local n = math.min(t:size(1), options.count or MOST, MOST)
  t = t:narrow(1, 1, n):to "float64"
  local layer = {kind = owner, pixels = {}, columns = options.columns}
  local heights, ramp = look(owner, t, options)
  for i = 1, n do layer.pixels[i] = pixels_of(t, i, heights, ramp) end
  layer.labels = label_list(owner, labels, n, classes)
  layer.marked = options.marked
  function layer.extent() end
  function layer.alone(scene, view)
    draw(layer, scene, view)
    return true
  end
  function layer.ideal(m, width, height)
    local h, w = layer.pixels[1]:size(1), layer.pixels[1]:size(2)
    local caption = layer.labels and m.line(m.tick) or 0
    local gap = math.max(2, math.min(10, 60 / math.sqrt(n)))
    local columns = math.min(layer.columns
      or best_columns(n, w / h, width, height, caption + gap), n)
    local rows = math.ceil(n / columns)
    local size = (width - gap * (columns - 1)) / columns
    return rows * (math.min(size, 256) * h / w + caption) + (rows - 1) * gap
  end
  return layer
end

-- ---- mistakes ---------------------------------------------------------------------------------

-- The samples that a classifier gets wrong, "truth → answer" below each.
function images.mistakes(owner, p, model, options, ds)
  dataset.check(ds, owner, "the second argument")
  if not dataset.has_labels(ds) or ds.x:dim() < 2 then
    raise("%s: the dataset must have pictures and labels, got %s", owner, tostring(ds))
  end
  require "nn.evaluate".check_model(owner, model)
  local out = require "nn.evaluate".predict(model, ds.x)
  if out:dim() ~= 2 or out:size(2) < 2 then
    raise("%s: the model must return N x classes scores, got %s", owner, util.shape(out))
  end
  local answer = out:argmax(2)
  local wrong = answer:ne(ds.y):nonzero():reshape(-1)
  local count, labels = math.min(#wrong, options.count or 24), {}
  if count == 0 then
    local layer = {kind = owner, alone = function() return false end, extent = function() end}
    return layer
  end
  wrong = wrong:narrow(1, 1, count)
  local classes = options.classes or ds.classes or {}
  for k, i in ipairs(wrong:totable()) do
    local truth, said = ds.y[i], answer[i]
    labels[k] = ("%s → %s"):format(classes[truth] or truth, classes[said] or said)
  end
  return images.images(owner, p, ds.x:index_select(1, wrong), {labels = labels,
    columns = options.columns, shape = options.shape, count = count})
end

return images
