-- plot/cairo.lua: a scene as a display list for src/plot/cairo.c, which makes PNG and PDF of it.
local colors = require "nn.plot.colors"
local core = require "nn.core"
local scene_of = require "nn.plot.scene"
local text = require "nn.plot.text"

local cairo = {}
local FAR = 1e5

local function rgb(color) return string.char(colors.rgb(color or "#000000")) end

local function clamp(v) return v < -FAR and -FAR or v > FAR and FAR or v end

local function points(put, xs, ys)
  put(("=I4"):pack(#xs))
  local format = ("=ff")
  for i = 1, #xs do put(format:pack(clamp(xs[i]), clamp(ys[i]))) end
end

local function path(put, item, parts)
  local flags = (item.fill and 1 or 0) | (item.stroke and 2 or 0) | (item.closed and 4 or 0)
  local dash = item.dash or {}
  put(("=c1B"):pack("P", flags), rgb(item.fill), rgb(item.stroke),
    ("=ffB"):pack(item.line or 1, item.opacity or 1, #dash))
  for _, length in ipairs(dash) do put(("=f"):pack(length)) end
  put(("=I4"):pack(#parts))
  for _, part in ipairs(parts) do points(put, part[1], part[2]) end
end

local records = {}

function records.path(put, item) path(put, item, item.parts) end

function records.rect(put, item)
  local x0, y0 = item.x, item.y
  local x1, y1 = x0 + item.width, y0 + item.height
  local closed = {fill = item.fill, stroke = item.stroke, line = item.line, closed = true,
    opacity = item.opacity}
  path(put, closed, {{{x0, x1, x1, x0}, {y0, y0, y1, y1}}})
end

function records.marks(put, item)
  local shape = scene_of.shapes[item.shape or 1]
  if shape == "circle" then
    put("M", ("=f"):pack(item.size), rgb(item.fill), item.outline and "\1" or "\0",
      rgb(item.outline), ("=f"):pack(item.opacity or 1))
    return points(put, item.xs, item.ys)
  end
  local parts = {}
  for i, x in ipairs(item.xs) do
    parts[i] = {scene_of.outline(shape, x, item.ys[i], item.size)}
  end
  path(put, {fill = item.fill, stroke = item.outline, closed = true, opacity = item.opacity}, parts)
end

local anchors = {start = 0, middle = 1, ["end"] = 2}

function records.text(put, item)
  put(("=c1fffBB"):pack("T", clamp(item.x), clamp(item.y), item.size,
    anchors[item.anchor or "start"], (item.bold and 1 or 0) | (item.turned and 2 or 0)),
    rgb(item.color), ("=s4"):pack(text.clean(item.text)))
end

function records.image(put, item)
  local t = item.pixels
  put(("=c1ffffBI4I4"):pack("I", clamp(item.x), clamp(item.y), clamp(item.width),
    clamp(item.height), item.smooth and 1 or 0, t:size(2), t:size(1)), core.draw.bytes(t))
end

function records.clip(put, item)
  put(("=c1ffff"):pack("C", item.x, item.y, item.width, item.height))
end
function records.unclip(put) put "U" end

-- The bytes of a file; format: "png" or "pdf".
function cairo.write(scene, format, scale, title)
  local out = {}
  local function put(...)
    for i = 1, select("#", ...) do out[#out + 1] = (select(i, ...)) end
  end
  for _, item in ipairs(scene) do
    if records[item.kind] and item.role ~= "terminal" then records[item.kind](put, item) end
  end
  local list = table.concat(out)
  if format == "pdf" then
    return core.draw.pdf(list, scene.width, scene.height, 1, title)
  end
  return core.draw.png(list, scene.width, scene.height, scale)
end

return cairo
