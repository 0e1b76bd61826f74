-- plot/picture.lua: what nn.plot{...} returns: options and layers, saved or shown.
local colors = require "nn.plot.colors"
local core = require "nn.core"
local medium = require "nn.plot.medium"
local panel = require "nn.plot.panel"
local scene = require "nn.plot.scene"
local terminal = require "nn.plot.terminal"
local text = require "nn.plot.text"
local util = require "nn.util"
local window = require "nn.terminal"

local raise = util.raise
local picture = {}
local Picture = {}
local meta = {__index = Picture, __name = "picture"}

-- ---- options ----------------------------------------------------------------------------------

local WIDTH, HEIGHT, MOST = 640, 420, 10000

local page_options = {
  title = {"any"}, xlabel = {"any"}, ylabel = {"any"}, xlog = {"boolean"}, ylog = {"boolean"},
  legend = {"any"}, classes = {"table"}, xrange = {"table"}, yrange = {"table"},
  width = {"count"}, height = {"count"}, scale = {"number"},
}

-- Which module makes a layer, and the options that are its own.
local field = {bar = {"boolean"}, colors = {"string"}, points = {"count"}, zlog = {"boolean"},
  zrange = {"table"}}
local function with(shared, own)
  for name, spec in pairs(shared) do own[name] = spec end
  return own
end

local kinds = {
  bar = {"nn.plot.marks", {color = {"any"}, name = {"string"}}},
  contour = {"nn.plot.fields", with(field, {color = {"any"}, filled = {"boolean"},
    levels = {"any"}, line = {"number"}})},
  heatmap = {"nn.plot.fields", with(field, {values = {"boolean"}})},
  boundary = {"nn.plot.classes", {points = {"count"}, size = {"number"},
    threshold = {"number"}}},
  confusion = {"nn.plot.classes", {}},
  images = {"nn.plot.images", {colors = {"string"}, columns = {"count"}, count = {"count"},
    labels = {"any"}, shape = {"table"}, zrange = {"table"}}},
  surface = {"nn.plot.surface", {colors = {"string"}, points = {"count"}, zlog = {"boolean"},
    zrange = {"table"}}},
  hist = {"nn.plot.marks", {bins = {"count"}, color = {"any"}, name = {"string"}}},
  line = {"nn.plot.marks", {color = {"any"}, dash = {"boolean"}, line = {"number"},
    name = {"string"}, points = {"boolean"}}},
  scatter = {"nn.plot.marks", {color = {"any"}, name = {"string"}, size = {"number"}}},
}
local ruled = {color = {"any"}, dash = {"boolean"}, line = {"number"}, name = {"string"}}
kinds.hline, kinds.vline = {"nn.plot.marks", ruled}, {"nn.plot.marks", ruled}
kinds.paths = {"nn.plot.paths", {line = {"number"}, minimum = {"any"}}}
kinds.mistakes = {"nn.plot.images", {columns = {"count"}, count = {"count"}, shape = {"table"}}}
picture.kinds = util.sorted_keys(kinds)

local function check_range(owner, name, range, log)
  local lo, hi = range[1], range[2]
  local fine = #range == 2 and type(lo) == "number" and type(hi) == "number" and lo < hi
    and lo > -1e300 and hi < 1e300
  if not fine then
    raise("%s: option '%s' is {from, to}, two numbers of which the second is larger", owner, name)
  end
  if log and lo <= 0 then
    raise("%s: option '%s' starts at %g, and a logarithmic axis has only numbers above 0", owner,
      name, lo)
  end
end

local function check_page(owner, o)
  for _, name in ipairs {"title", "xlabel", "ylabel"} do
    local v = o[name]
    if v ~= nil then
      if type(v) ~= "string" and type(v) ~= "number" then
        raise("%s: option '%s' must be a string, got %s", owner, name, util.describe(v))
      end
      o[name] = text.clean(v)
      if o[name] == "" then o[name] = nil end
    end
  end
  if type(o.legend) == "string" then o.legend = {o.legend} end
  if o.legend ~= nil and type(o.legend) ~= "boolean" and type(o.legend) ~= "table" then
    raise("%s: option 'legend' is false or a list of names, got %s", owner, util.describe(o.legend))
  end
  if o.xrange then check_range(owner, "xrange", o.xrange, o.xlog) end
  if o.yrange then check_range(owner, "yrange", o.yrange, o.ylog) end
  for _, name in ipairs {"width", "height"} do
    if o[name] and (o[name] < 100 or o[name] > MOST) then
      raise("%s: option '%s' is 100 to %d pixels, got %d", owner, name, MOST, o[name])
    end
  end
  if o.scale and not (o.scale >= 0.1 and o.scale <= 20) then
    raise("%s: option 'scale' is 0.1 to 20, got %g", owner, o.scale)
  end
end

-- Splits the options of a layer: its own are returned, those of the page go to the picture.
local function read_options(owner, p, given, own)
  local known = {out = {"string"}}
  for name, spec in pairs(page_options) do known[name] = spec end
  for name, spec in pairs(own) do known[name] = spec end
  local o, mine = util.options(owner, given, known), {}
  for name in pairs(own) do mine[name] = o[name] end
  for name in pairs(page_options) do
    if o[name] ~= nil then p.options[name] = o[name] end
  end
  if o.out ~= nil then
    if not p.immediate then
      raise("%s: there is no option 'out' for a layer; p:save(path) writes the picture", owner)
    end
    picture.check_path(owner, o.out)
    p.out = o.out
  end
  check_page(owner, p.options)
  if mine.color ~= nil then mine.color = colors.read(owner, mine.color) end
  local shared = {"legend", "classes", "xrange", "yrange"}
  for _, name in ipairs(shared) do mine[name] = p.options[name] end
  return mine
end

-- ---- making -----------------------------------------------------------------------------------

local function make(immediate)
  return setmetatable({options = {}, layers = {}, numbers = {}, count = 0, named = 0,
    immediate = immediate}, meta)
end

-- An empty picture; with `options` nil, one for a single call (which may say `out`).
function picture.new(owner, options)
  local p = make(options == nil and owner ~= "plot")
  if owner == "plot" then read_options("plot", p, options, {}) end
  return p
end

function picture.is(v)
  return type(v) == "table" and getmetatable(v) == meta
end

local function check(p, name)
  if picture.is(p) then return p end
  raise("%s: called on %s; it wants a picture, p = nn.plot{}, and a colon, p:%s(...)", name,
    util.describe(p), name)
end

for _, kind in ipairs(picture.kinds) do
  local module, own = table.unpack(kinds[kind])
  Picture[kind] = function(p, ...)
    check(p, kind)
    local make_layer = require(module)[kind]
    return picture.add(kind, p, make_layer, own, ...)
  end
end

-- How many arguments stand before the options.
local positions = {boundary = 2, mistakes = 2}

-- Adds a layer; the picture is as before where it fails.
function picture.add(kind, p, make_layer, own, ...)
  if p.pictures then
    raise("%s: this picture is a grid of others; add the layer to one of them", kind)
  end
  local before = {}
  for name, value in pairs(p.options) do before[name] = value end
  local number, named = p.count, p.named
  local data, second, third = ...
  local ok, layer = pcall(function()
    if positions[kind] == 2 then
      return make_layer(kind, p, data, read_options(kind, p, third, own), second)
    end
    return make_layer(kind, p, data, read_options(kind, p, second, own))
  end)
  local last = p.layers[#p.layers]
  if ok and last and (last.alone or layer.alone) then
    local single = last.alone and last.kind or kind
    ok, layer = pcall(raise, "%s: %s have a picture for themselves; nn.plot.grid puts pictures "
      .. "side by side", kind, single == "surface" and "surfaces" or single)
  end
  if not ok then
    p.options, p.count, p.named = before, number, named
    error(layer, 0)
  end
  p.layers[#p.layers + 1] = layer
  return p
end

-- The order of names that was asked for.
function Picture.names(_, options)
  return type(options.legend) == "table" and options.legend or nil
end

-- A single series without a name takes the one that was given, or the legend's next.
function Picture:name_alone(lists, options)
  local s = lists[1]
  if #lists ~= 1 or s.name then
    for _, other in ipairs(lists) do other.name = text.clean(other.name) end
    return
  end
  s.name = options.name
  if not s.name and type(options.legend) == "table" then
    self.named = self.named + 1
    s.name = options.legend[self.named] and tostring(options.legend[self.named])
  end
  s.name = s.name and text.clean(s.name)
end

-- The number of a series, which decides its looks: the same for the same name.
function Picture:next_series(name)
  if name and self.numbers[name] then return self.numbers[name] end
  self.count = self.count + 1
  if name then self.numbers[name] = self.count end
  return self.count
end

-- ---- drawing ----------------------------------------------------------------------------------

-- The picture on a medium: a scene.
function picture.draw(p, m)
  local s = scene.new(m.width, m.height)
  if not m.terminal then
    s:rect(0, 0, m.width, m.height, {fill = colors.paper, role = "grid"})
  end
  p:_draw(s, m, 0, 0, m.width, m.height)
  return s
end

function Picture:_draw(s, m, x, y, width, height)
  return panel.draw(self, s, m, x, y, width, height)
end

function Picture:_size()
  local o, first = self.options, self.layers[1]
  local width, height = o.width or WIDTH, o.height or HEIGHT
  if first and first.ideal and not o.height then -- no more than the pictures need
    local m = medium.page(width, height)
    local above = 2 * m.pad + panel.title_height(self, m, width)
    height = math.ceil(above + first.ideal(m, width - 2 * m.pad, height - above))
    height = math.max(100, math.min(height, MOST))
  end
  return width, height
end

-- How many rows of a terminal it wants.
function Picture:_rows(columns) -- luacheck: ignore self
  return math.max(16, math.min(columns * 3 // 10, 30))
end

local function svg(p, options)
  local width, height = p:_size()
  options = options or {}
  options.title = options.title or p.options.title
  return require "nn.plot.svg".write(picture.draw(p, medium.page(width, height)), options)
end

--- p:svg() -> string
--- The picture as SVG, as `p:save("x.svg")` would write it: the same bytes for the same data.
--- Example:
---   local p = nn.plot{title = "Squares"}:line{1, 4, 9, 16}
---   print(#p:svg() > 500)
function Picture:svg()
  return svg(check(self, "svg"))
end
picture.svg = svg

local writers = {svg = svg}
for _, format in ipairs {"png", "pdf"} do
  writers[format] = function(p)
    local width, height = p:_size()
    local s = picture.draw(p, medium.page(width, height))
    return require "nn.plot.cairo".write(s, format, p.options.scale or 2, p.options.title)
  end
end

-- The format that a path asks for.
function picture.check_path(owner, path)
  if type(path) ~= "string" then
    raise("%s: the path must be a string, got %s", owner, util.describe(path))
  end
  local format = (path:match "%.([^./]+)$" or ""):lower()
  if not writers[format] then
    raise("%s: %s: a picture is written as .svg, .png or .pdf", owner, path)
  end
  return format
end

-- Bytes into a file, as a whole or not at all.
function picture.write_file(owner, path, bytes)
  local ok, why = pcall(core.files.write, path, bytes)
  if not ok then raise("%s: %s", owner, (tostring(why):gsub("^[^\n]-:%d+: ", "", 1))) end
end

--- p:save(path) -> p
--- Writes the picture; the ending chooses SVG, PNG or PDF. The file is there as a whole or not at
--- all: where it cannot be written, what was there stays and an error says why.
--- Example:
---   local path = os.tmpname() .. ".svg"
---   nn.plot{title = "Squares"}:line{1, 4, 9, 16}:save(path)
---   os.remove(path)
function Picture:save(path)
  check(self, "save")
  local format = picture.check_path("save", path)
  picture.write_file("save", path, writers[format](self))
  return self
end

local function read_window(owner, p, given, fd)
  local o = util.options(owner, given,
    {columns = {"count"}, rows = {"count"}, color = {"any"}, unicode = {"boolean"}})
  local how = terminal.abilities(fd ~= nil and core.isatty(fd), require "nn".options.color)
  if o.unicode ~= nil then how.unicode = o.unicode end
  if o.color ~= nil then how.color = o.color == true and "256" or o.color end
  if how.color and how.color ~= "256" and how.color ~= "true" then
    raise('%s: option \'color\' is true, false, "256" or "true", got %s', owner,
      util.describe(o.color))
  end
  local columns = math.max(30, math.min(o.columns or window.columns(fd or 1), 400))
  local rows = math.max(8, math.min(o.rows or p:_rows(columns), 200))
  return columns - (fd and 1 or 0), rows, how
end

--- p:text{columns, rows, color = false, unicode} -> string
--- The picture as lines of text: Braille dots and blocks, or ASCII where `unicode` is false (its
--- default is what the locale says). `columns` (those of the terminal) is 30 to 400, `rows` (three
--- tenths of that, 16 to 30) 8 to 200; `color` true gives escape sequences for 256 colours, "true"
--- for all.
--- Example:
---   print(nn.plot{}:line{1, 4, 9, 16}:text{columns = 60})
function Picture:text(options)
  check(self, "text")
  local columns, rows, how = read_window("text", self, options)
  return terminal.write(picture.draw(self, medium.window(columns, rows, how)), how)
end

--- p:show{columns, rows, color, unicode} -> p
--- Draws the picture in the terminal (on standard output), as wide as its window; in colour where
--- there is a terminal that wants it (no NO_COLOR, no --no-color). Options as for `p:text`.
--- Example:
---   nn.plot{title = "Squares"}:line{1, 4, 9, 16}:show{columns = 60}
function Picture:show(options)
  check(self, "show")
  local columns, rows, how = read_window("show", self, options, 1)
  local drawn = terminal.write(picture.draw(self, medium.window(columns, rows, how)), how)
  local ok, why = io.stdout:write(drawn)
  if not ok then raise("show: %s", why) end
  return self
end

-- Ends a call that draws at once.
function picture.deliver(p)
  p.immediate = false
  if p.out then
    local format = picture.check_path("out", p.out)
    picture.write_file("save", p.out, writers[format](p))
    return p
  end
  return p:show()
end

function meta.__tostring(p)
  local parts = {}
  for _, layer in ipairs(p.layers) do parts[#parts + 1] = layer.kind end
  local what = #parts > 0 and table.concat(parts, ", ") or "empty"
  return ("picture%s (%s)"):format(p.options.title and (" %q"):format(p.options.title) or "", what)
end

return picture
