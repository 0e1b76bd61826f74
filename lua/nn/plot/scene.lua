-- plot/scene.lua: a picture as a list of things to draw, in the order of drawing, which the
-- writers (svg, cairo, terminal) walk.
--
-- Units are those of the medium: pixels, or the dots of a terminal (a cell has 2 x 4); y grows
-- downwards. Colours are "#rrggbb". Things that only some writers draw say so in `role`.
local scene = {}
local Scene = {}
Scene.__index = Scene

function scene.new(width, height)
  return setmetatable({width = width, height = height}, Scene)
end

local function add(self, item)
  self[#self + 1] = item
  return item
end

-- Lines and areas. `parts`: a list of {xs, ys}; style: fill, stroke, line, dash, opacity, closed,
-- role. Areas are filled by the even-odd rule. bare: the stroke is that of the SVG group around.
function Scene:path(parts, style)
  style.kind, style.parts = "path", parts
  return add(self, style)
end

-- A straight line.
function Scene:segment(x0, y0, x1, y1, style)
  return self:path({{{x0, x1}, {y0, y1}}}, style)
end

-- style: fill, stroke, line, opacity, pattern (a number, for terminals without colour)
function Scene:rect(x, y, width, height, style)
  style.kind, style.x, style.y, style.width, style.height = "rect", x, y, width, height
  return add(self, style)
end

-- Markers. style: shape (1.., see shapes), size, fill, opacity, outline (a colour)
function Scene:marks(xs, ys, style)
  style.kind, style.xs, style.ys = "marks", xs, ys
  return add(self, style)
end

-- y is the middle of the line. style: size, anchor ("start", "middle", "end"), color, bold, turned
-- (reads upwards)
function Scene:text(x, y, text, style)
  if text == "" then return end
  style.kind, style.x, style.y, style.text = "text", x, y, text
  return add(self, style)
end

-- Pixels: a uint8 tensor, h x w x 3. style: smooth
function Scene:image(x, y, width, height, pixels, style)
  style = style or {}
  style.kind, style.x, style.y, style.width, style.height = "image", x, y, width, height
  style.pixels = pixels
  return add(self, style)
end

-- What follows shows only inside the rectangle, until unclip.
function Scene:clip(x, y, width, height)
  return add(self, {kind = "clip", x = x, y = y, width = width, height = height})
end
function Scene:unclip()
  return add(self, {kind = "unclip"})
end

-- What follows, until leave, belongs together: `attributes` (names and texts) are SVG's.
function Scene:enter(attributes)
  return add(self, {kind = "enter", attributes = attributes})
end
function Scene:leave()
  return add(self, {kind = "leave"})
end

-- SVG of its own that other writers pass over: animations.
function Scene:raw(svg)
  return add(self, {kind = "raw", svg = svg})
end

-- Outlines of the markers around 0, 0 at size 1, by number; 1 is a circle.
scene.shapes = {
  "circle",
  {{-0.9, 0.9, 0.9, -0.9}, {-0.9, -0.9, 0.9, 0.9}},
  {{0, 1.15, -1.15}, {-1.2, 0.85, 0.85}},
  {{0, 1.25, 0, -1.25}, {-1.25, 0, 1.25, 0}},
  {{0, 1.15, -1.15}, {1.2, -0.85, -0.85}},
  {{-0.4, 0.4, 0.4, 1.2, 1.2, 0.4, 0.4, -0.4, -0.4, -1.2, -1.2, -0.4},
    {-1.2, -1.2, -0.4, -0.4, 0.4, 0.4, 1.2, 1.2, 0.4, 0.4, -0.4, -0.4}},
}

-- A marker's outline at a place and size.
function scene.outline(shape, x, y, size)
  local xs, ys = {}, {}
  for k, sx in ipairs(shape[1]) do xs[k], ys[k] = x + sx * size, y + shape[2][k] * size end
  return xs, ys
end

return scene
