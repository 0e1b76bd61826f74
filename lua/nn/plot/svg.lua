-- plot/svg.lua: a scene as SVG 1.1. The same scene gives the same bytes.
--
-- Coordinates have one decimal, and paths go by differences, which halves their length. Clipping
-- is by nested <svg> elements, so that no ids are needed and pictures can stand side by side in
-- one page.
local core = require "nn.core"
local scene_of = require "nn.plot.scene"
local text = require "nn.plot.text"

local svg = {}
local floor = math.floor

-- Tenths of a pixel as text: 125 gives "12.5", -5 "-.5".
local decimal = setmetatable({}, {__mode = "k", __index = function(self, n)
  local s
  if n % 10 == 0 then
    s = tostring(n // 10)
  else
    s = ("%.1f"):format(n / 10):gsub("^(%-?)0%.", "%1.")
  end
  if n > -10000 and n < 10000 then self[n] = s end
  return s
end})

local FAR = 1e6 -- pixels: what lies further out is drawn at that distance

local function tenths(v)
  if v > FAR then v = FAR elseif v < -FAR then v = -FAR end
  return floor(v * 10 + 0.5)
end
local function number(v) return decimal[tenths(v)] end
svg.number = number

-- "m1 2 3 4": a run of points; `closed` adds the z.
local function append_run(out, xs, ys, closed)
  local px, py = tenths(xs[1]), tenths(ys[1])
  out[#out + 1] = "M" .. decimal[px] .. " " .. decimal[py]
  if #xs == 1 then
    out[#out + 1] = "h0"
    return
  end
  local lead = "l"
  for i = 2, #xs do
    local x, y = tenths(xs[i]), tenths(ys[i])
    if x ~= px or y ~= py or #xs == 2 then
      local dx, dy = decimal[x - px], decimal[y - py]
      if lead == " " and dx:byte() == 45 then lead = "" end
      out[#out + 1] = lead .. dx .. (dy:byte() == 45 and "" or " ") .. dy
      px, py, lead = x, y, " "
    end
  end
  if closed then out[#out + 1] = "z" end
end

-- The d attribute of some runs.
function svg.path(parts, closed)
  local out = {}
  for _, part in ipairs(parts) do
    if #part[1] > 0 then append_run(out, part[1], part[2], closed) end
  end
  return table.concat(out)
end

local function paint(style, put)
  put(' fill="', style.fill or "none", '"')
  if style.stroke then
    put(' stroke="', style.stroke, '"')
    local line = style.line or 1
    if line ~= 1 then put(' stroke-width="', ("%g"):format(line), '"') end
    if style.dash then put(' stroke-dasharray="', table.concat(style.dash, " "), '"') end
    if style.kind == "path" then put ' stroke-linejoin="round" stroke-linecap="round"' end
  end
  if style.opacity then put(' opacity="', ("%g"):format(style.opacity), '"') end
end

local writers = {}

function writers.path(item, put)
  local d = svg.path(item.parts, item.closed)
  if d == "" then return end
  put("<path d=\"", d, '"')
  if item.bare then return put(' fill="', item.fill, '"/>\n') end -- the group has the rest
  if item.fill then put ' fill-rule="evenodd"' end
  paint(item, put)
  put "/>\n"
end

function writers.rect(item, put)
  put('<rect x="', number(item.x), '" y="', number(item.y), '" width="', number(item.width),
    '" height="', number(item.height), '"')
  paint(item, put)
  if item.tip then
    put("><title>", text.escape(item.tip), "</title></rect>\n")
  else
    put "/>\n"
  end
end

-- Full circles of one colour are lines of no length with round ends: nine bytes each.
local function dots(item, put)
  local out, r = {}, item.size
  for i, x in ipairs(item.xs) do
    out[i] = "M" .. number(x) .. " " .. number(item.ys[i]) .. "h0"
  end
  local d = table.concat(out)
  if item.outline then
    local circles, edge = {}, number(r)
    local arc = "a" .. edge .. " " .. edge .. " 0 1 0 "
    for i, x in ipairs(item.xs) do
      circles[i] = ("M%s %s%s%s 0%s%s 0z"):format(number(x - r), number(item.ys[i]), arc,
        number(2 * r), arc, number(-2 * r))
    end
    put('<path d="', table.concat(circles), '" fill="', item.fill, '" stroke="', item.outline, '"')
  else
    put('<path d="', d, '" fill="none" stroke="', item.fill, '" stroke-width="', number(2 * r),
      '" stroke-linecap="round"')
  end
end

local function polygons(item, put, shape)
  local out = {}
  for i, x in ipairs(item.xs) do
    local xs, ys = scene_of.outline(shape, x, item.ys[i], item.size)
    append_run(out, xs, ys, true)
  end
  put('<path d="', table.concat(out), '" fill="', item.fill, '"')
  if item.outline then put(' stroke="', item.outline, '"') end
end

function writers.marks(item, put)
  if #item.xs == 0 then return end
  local shape = scene_of.shapes[item.shape or 1]
  if shape == "circle" then dots(item, put) else polygons(item, put, shape) end
  if item.opacity then put(' opacity="', ("%g"):format(item.opacity), '"') end
  put "/>\n"
end

function writers.text(item, put)
  local x, y, size = item.x, item.y, item.size
  if item.turned then
    put('<text transform="translate(', number(x + 0.36 * size), " ", number(y), ')rotate(-90)"')
  else
    put('<text x="', number(x), '" y="', number(y + 0.36 * size), '"')
  end
  put(' font-size="', ("%g"):format(size), '" fill="', item.color, '"')
  if item.anchor and item.anchor ~= "start" then put(' text-anchor="', item.anchor, '"') end
  if item.bold then put ' font-weight="bold"' end
  put(">", text.escape(item.text), "</text>\n")
end

function writers.image(item, put)
  put('<image x="', number(item.x), '" y="', number(item.y), '" width="', number(item.width),
    '" height="', number(item.height), '" preserveAspectRatio="none"')
  if not item.smooth then put ' style="image-rendering:pixelated"' end
  put(' href="data:image/png;base64,', core.draw.base64(core.draw.encode(item.pixels)), '"/>\n')
end

function writers.clip(item, put)
  local x, y, w, h = number(item.x), number(item.y), number(item.width), number(item.height)
  put('<svg x="', x, '" y="', y, '" width="', w, '" height="', h, '" viewBox="', x, " ", y, " ", w,
    " ", h, '">\n')
end
function writers.unclip(_, put) put "</svg>\n" end

function writers.enter(item, put)
  put "<g"
  for _, pair in ipairs(item.attributes or {}) do
    put(" ", pair[1], '="', text.escape(pair[2]), '"')
  end
  put ">\n"
end
function writers.leave(_, put) put "</g>\n" end
function writers.raw(item, put) put(item.svg) end

-- A scene as a document; options: title (for those who cannot see it), inline (for a page: no
-- XML declaration), recolor (a function of a colour).
function svg.write(scene, options)
  options = options or {}
  local out = {}
  local function put(...)
    for i = 1, select("#", ...) do out[#out + 1] = (select(i, ...)) end
  end
  local w, h = number(scene.width), number(scene.height)
  if not options.inline then put '<?xml version="1.0" encoding="UTF-8"?>\n' end
  put('<svg xmlns="http://www.w3.org/2000/svg" width="', w, '" height="', h, '" viewBox="0 0 ', w,
    " ", h, '" role="img" font-family="', text.family, '"')
  if options.title then put(' aria-label="', text.escape(options.title), '"') end
  put ">\n"
  if options.title and not options.inline then
    put("<title>", text.escape(options.title), "</title>\n")
  end
  for _, item in ipairs(scene) do
    local writer = writers[item.kind]
    if writer and item.role ~= "terminal" then writer(item, put) end
  end
  put "</svg>\n"
  local document = table.concat(out)
  if options.recolor then document = document:gsub('"(#%x%x%x%x%x%x)"', options.recolor) end
  return document
end

return svg
