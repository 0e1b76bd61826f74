-- plot/animate.lua: the ways of optimizers over the contours of a function, moving.
--
-- One SVG with SMIL animations, which browsers play: every optimizer is a ball that runs along its
-- path, all at one step a beat, and draws its trail. A viewer that does not animate shows the whole
-- paths with the balls at their ends.
local colors = require "nn.plot.colors"
local paths = require "nn.plot.paths"
local picture = require "nn.plot.picture"
local svg = require "nn.plot.svg"
local text = require "nn.plot.text"
local util = require "nn.util"

local animate = {}

local KEYS, REST = 180, 0.12 -- most keyframes; the part of them that rests at the end

-- The picture's places at evenly spaced beats; a path that ended early stays where it was.
local function beats(s, view, steps)
  local count = math.min(steps, KEYS)
  local px, py = paths.in_pixels(s, view)
  local xs, ys = {}, {}
  for k = 1, count do
    local at = 1 + (k - 1) * (steps - 1) / math.max(count - 1, 1)
    local i = math.min(math.floor(at), #px)
    local j = math.min(i + 1, #px)
    local t = i < j and at - i or 0
    xs[k], ys[k] = px[i] + (px[j] - px[i]) * t, py[i] + (py[j] - py[i]) * t
  end
  return xs, ys
end

local function listed(values, write)
  local out, rest = {}, math.ceil(#values * REST)
  for i, v in ipairs(values) do out[i] = write(v) end
  for _ = 1, rest do out[#out + 1] = out[#values] end
  return table.concat(out, ";")
end

local function animated(name, values, seconds)
  return ('<animate attributeName="%s" dur="%gs" repeatCount="indefinite" values="%s"/>')
    :format(name, seconds, values)
end

-- How much of the way is still ahead, in thousandths, at each beat.
local function ahead(xs, ys)
  local far, sum = {0}, 0
  for i = 2, #xs do
    sum = sum + math.sqrt((xs[i] - xs[i - 1]) ^ 2 + (ys[i] - ys[i - 1]) ^ 2)
    far[i] = sum
  end
  for i = 1, #far do far[i] = sum > 0 and 1000 * (1 - far[i] / sum) or 0 end
  return far
end

local function whole(v) return ("%.0f"):format(v) end

local function ball(s, view, steps, seconds)
  local xs, ys = beats(s, view, steps)
  local n = #xs
  local label = s.name and "<title>" .. text.escape(s.name) .. "</title>" or ""
  local out = {}
  out[1] = ('<g data-series="%s">%s'):format(text.escape(s.name or ""), label)
  out[2] = ('<path d="%s" pathLength="1000" stroke-dasharray="1000" fill="none" stroke="%s" '
    .. 'stroke-width="2" stroke-linejoin="round">%s</path>'):format(svg.path({{xs, ys}}), s.color,
    animated("stroke-dashoffset", listed(ahead(xs, ys), whole), seconds))
  out[3] = ('<circle cx="%s" cy="%s" r="6" fill="%s" stroke="#ffffff" stroke-width="1.5">%s%s'
    .. "</circle></g>\n"):format(svg.number(xs[n]), svg.number(ys[n]), s.color,
    animated("cx", listed(xs, svg.number), seconds),
    animated("cy", listed(ys, svg.number), seconds))
  return table.concat(out)
end

-- A thin bar along the bottom that fills as the steps go by.
local function clock(view, seconds, steps)
  local values = {}
  for k = 1, math.min(steps, KEYS) do
    values[k] = view.width * (k - 1) / math.max(math.min(steps, KEYS) - 1, 1)
  end
  return ('<rect x="%s" y="%s" width="%s" height="3" fill="%s">%s</rect>\n'):format(
    svg.number(view.left), svg.number(view.top + view.height - 3), svg.number(view.width),
    colors.axis, animated("width", listed(values, svg.number), seconds))
end

local function animation(list, options)
  local layer = {kind = "animation", entries = paths.entries(list)}
  function layer.extent() return paths.extent(list) end
  function layer.draw(scene, view)
    paths.draw_minimum(scene, view, options.minimum)
    local steps = 1
    for _, s in ipairs(list) do steps = math.max(steps, #s.y, s.diverged or 0) end
    for _, s in ipairs(list) do
      if #s.y > 0 then scene:raw(ball(s, view, steps, options.seconds)) end
    end
    scene:raw(clock(view, options.seconds, steps))
  end
  return layer
end

-- The bytes of an SVG. f(x, y) or nil; data {name = n x 2, ...}; options: those of paths.picture,
-- and seconds (8), how long it takes before it starts anew.
function animate.svg(owner, f, data, options)
  local p, own = paths.ground(owner, f, options)
  p.layers[#p.layers + 1] = animation(paths.read(owner, p, data, own), own)
  return picture.svg(p)
end

-- Writes it: a path that ends in .svg.
function animate.save(owner, path, f, data, options)
  if type(path) ~= "string" or not path:lower():find "%.svg$" then
    util.raise("%s: an animation is written as .svg, got %s", owner, util.describe(path))
  end
  picture.write_file(owner, path, animate.svg(owner, f, data, options))
end

return animate
