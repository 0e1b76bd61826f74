-- plot/grid.lua: several pictures side by side as one.
local colors = require "nn.plot.colors"
local picture = require "nn.plot.picture"
local scene_of = require "nn.plot.scene"
local text = require "nn.plot.text"
local util = require "nn.util"

local raise = util.raise
local grid = {}

local WIDTH, HEIGHT = 640, 300 -- of one row; a cell beside another is higher than wide else
local MOST = 36

local function draw(p, scene, m, x, y, width, height)
  local top, title = y, p.options.title
  if title then
    local function wide(s) return m.text_width(s, m.title * 1.1, true) end
    local line = m.line(m.title) * (m.terminal and 1 or 1.3)
    scene:text(m.terminal and x + 2 or x + m.pad, y + line / 2 + m.pad / 2,
      text.fit(title, width - 2 * m.pad - 2, m.terminal and m.text_width or wide),
      {size = m.terminal and 4 or m.title * 1.1, bold = true, color = colors.ink})
    top = y + line + m.pad / 2
  end
  local columns, rows = p.columns, math.ceil(#p.pictures / p.columns)
  local w, h = width / columns, (y + height - top) / rows
  if m.terminal then w, h = w // 2 * 2, h // 4 * 4 end
  local function each(target, i, one)
    local left, above = x + (i - 1) % columns * w, top + (i - 1) // columns * h
    return one:_draw(target, m, left, above, w - (m.terminal and columns > 1 and 2 or 0), h)
  end
  local views = m.views
  m.views = nil
  local before, reach = m.reach, {} -- the widest labels of a column make room for all of it
  for i, one in ipairs(p.pictures) do
    local view = #p.pictures > columns and each(scene_of.new(0, 0), i, one)
    local c = (i - 1) % columns
    reach[c] = math.max(reach[c] or 0, view and view.reach or 0)
  end
  m.views = views
  for i, one in ipairs(p.pictures) do
    m.reach = reach[(i - 1) % columns]
    each(scene, i, one)
  end
  m.reach = before
end

local function size(p)
  local o, rows = p.options, math.ceil(#p.pictures / p.columns)
  local width = o.width or (p.columns == 1 and WIDTH or math.max(WIDTH, 400 * p.columns))
  local each = p.columns == 1 and HEIGHT or width / p.columns * 0.8
  return math.min(width, 10000),
    math.min(o.height or math.ceil(rows * each + (o.title and 32 or 0)), 10000)
end

-- nn.plot.grid({picture, ...}, {columns, title, width, height, scale, out})
function grid.new(owner, pictures, options)
  if type(pictures) ~= "table" or picture.is(pictures) or #pictures == 0 or #pictures > MOST then
    raise("%s: expected a list of 1 to %d pictures, got %s", owner, MOST,
      type(pictures) == "table" and not picture.is(pictures) and #pictures .. " of them"
        or util.describe(pictures))
  end
  for i, one in ipairs(pictures) do
    if not picture.is(one) then
      raise("%s: element %d must be a picture, nn.plot{}, got %s", owner, i, util.describe(one))
    end
  end
  local o = util.options(owner, options, {columns = {"count"}, title = {"string"},
    width = {"count"}, height = {"count"}, scale = {"number"}, out = {"string"}})
  local columns, out = o.columns, o.out
  if out then picture.check_path(owner, out) end
  o.columns, o.out = nil, nil
  local p = picture.new("plot", o)
  p.pictures, p.out = table.move(pictures, 1, #pictures, 1, {}), out
  p.columns = math.min(columns or (#pictures <= 3 and #pictures or 2), #pictures)
  p._draw, p._size = draw, size
  function p:_rows(width)
    local rows = math.ceil(#self.pictures / self.columns)
    return math.min(rows * math.max(12, math.min(width * 3 // 10 // math.min(rows, 2), 24)), 100)
  end
  return p
end

return grid
