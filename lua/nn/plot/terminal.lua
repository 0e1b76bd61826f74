-- plot/terminal.lua: a scene in the cells of a terminal: lines in the 2 x 4 dots of Braille
-- characters, bars in eighths of blocks, pictures in half blocks or shades, text as text.
--
-- Without UTF-8 (a locale that says so) a cell has one dot above another, and all is ASCII.
local text = require "nn.plot.text"
local colors = require "nn.plot.colors"
local window = require "nn.terminal"

local terminal = {}
local floor, max, min, abs = math.floor, math.max, math.min, math.abs

terminal.CELL_WIDTH, terminal.CELL_HEIGHT = 2, 4

-- The bit of dot (column 0..1, row 0..3), Unicode's numbering.
local bits = {[0] = {[0] = 1, 2, 4, 64}, {[0] = 8, 16, 32, 128}}
local eighths = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}
local fills = {"█", "▓", "▒", "░"}
local plain_fills = {"#", "=", "+", "-"}
local shades = {" ", "░", "▒", "▓", "█"}
local plain_shades = {" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"}
local marks = {"●", "■", "▲", "◆", "▼", "✚"}
local plain_marks = {"o", "#", "^", "x", "v", "+"}
local plain_text = {["−"] = "-", ["×"] = "x", ["…"] = "~", ["∞"] = "inf", ["│"] = "|",
  ["─"] = "-", ["└"] = "+", ["┤"] = "+", ["┬"] = "+", ["━"] = "-", ["╌"] = "-", ["·"] = ".",
  ["●"] = "o", ["■"] = "#", ["▲"] = "^", ["◆"] = "x", ["▼"] = "v", ["✚"] = "+", ["█"] = "#",
  ["▓"] = "=", ["▒"] = "+", ["░"] = "-"}
local dashes = {false, {4, 3}, {1, 2}, {6, 2, 1, 2}}

terminal.marks = marks
terminal.fills = fills
terminal.lines = {"━━━", "╌╌╌", "···", "━·━"}

-- ---- the canvas -------------------------------------------------------------------------------

local Canvas = {}
Canvas.__index = Canvas

local function new_canvas(columns, rows, how)
  local self = setmetatable({columns = columns, rows = rows, how = how}, Canvas)
  self.dots, self.chars, self.ink, self.back = {}, {}, {}, {}
  self.left, self.top, self.right, self.bottom = 0, 0, columns * 2 - 1, rows * 4 - 1
  return self
end

function Canvas:dot(x, y, color)
  if x < self.left or x > self.right or y < self.top or y > self.bottom then return end
  local cell = (y // 4) * self.columns + x // 2
  self.dots[cell] = (self.dots[cell] or 0) | bits[x % 2][y % 4]
  self.ink[cell] = color
  self.chars[cell] = nil
end

function Canvas:char(column, row, char, color, back)
  local x, y = column * 2, row * 4
  if x + 1 < self.left or x > self.right or y + 3 < self.top or y > self.bottom then return end
  if column < 0 or column >= self.columns or row < 0 or row >= self.rows then return end
  local cell = row * self.columns + column
  self.chars[cell], self.ink[cell], self.dots[cell] = char, color, nil
  if back then self.back[cell] = back end
end

-- A straight line of dots; `phase` is how far into the dashes it starts, and is returned.
function Canvas:line(x0, y0, x1, y1, color, dash, phase)
  local dx, dy = x1 - x0, y1 - y0
  local steps = max(abs(dx), abs(dy))
  if steps > 1e5 then return phase end
  for k = 0, max(1, floor(steps + 0.5)) do
    local t = steps == 0 and 0 or min(k / steps, 1)
    local on = true
    if dash then
      local place, i = phase % dash.total, 1
      while place >= dash[i] do
        place, i = place - dash[i], i + 1
      end
      on = i % 2 == 1
    end
    if k > 0 then phase = phase + 1 end
    if on then self:dot(floor(x0 + dx * t + 0.5), floor(y0 + dy * t + 0.5), color) end
  end
  return phase
end

-- ---- things -----------------------------------------------------------------------------------

local draw = {}

local function clamp(v, low, high) return v < low and low or v > high and high or v end

-- The part of a segment inside the canvas' clip (Liang and Barsky), or nil.
local function clipped(c, x0, y0, x1, y1)
  local from, to = 0, 1
  local dx, dy = x1 - x0, y1 - y0
  for _, side in ipairs {{-dx, x0 - c.left}, {dx, c.right - x0}, {-dy, y0 - c.top},
      {dy, c.bottom - y0}} do
    local p, q = side[1], side[2]
    if p == 0 then
      if q < -0.5 then return nil end
    elseif p < 0 then
      from = max(from, q / p)
    else
      to = min(to, q / p)
    end
  end
  if from > to then return nil end
  return x0 + from * dx, y0 + from * dy, x0 + to * dx, y0 + to * dy
end

local function stroke(c, item)
  local dash = item.pattern and not c.how.color and dashes[(item.pattern - 1) % 4 + 1]
  if dash then
    dash.total = 0
    for i = 1, #dash do dash.total = dash.total + dash[i] end
  end
  for _, part in ipairs(item.parts) do
    local xs, ys, phase = part[1], part[2], 0
    local n = #xs
    if n == 1 then c:dot(floor(xs[1] + 0.5), floor(ys[1] + 0.5), item.stroke) end
    for i = 1, item.closed and n or n - 1 do
      local j = i % n + 1
      local x0, y0, x1, y1 = clipped(c, xs[i], ys[i], xs[j], ys[j])
      if x0 then phase = c:line(x0, y0, x1, y1, item.stroke, dash, phase) end
    end
  end
end

-- Where a row of dots crosses the outline.
local function crossings(parts, y)
  local list = {}
  for _, part in ipairs(parts) do
    local xs, ys = part[1], part[2]
    for i = 1, #xs do
      local j = i % #xs + 1
      local a, b = ys[i], ys[j]
      if (a <= y) ~= (b <= y) then
        list[#list + 1] = xs[i] + (y - a) / (b - a) * (xs[j] - xs[i])
      end
    end
  end
  table.sort(list)
  return list
end

-- Every other dot of an area, so that lines on it stay visible.
local function area(c, item)
  local sparse = item.opacity and item.opacity < 0.6
  for y = c.top, c.bottom do
    local list = crossings(item.parts, y)
    for i = 1, #list - 1, 2 do
      for x = max(c.left, floor(list[i] + 0.5)), min(c.right, floor(list[i + 1] + 0.5)) do
        if not sparse or (x + y) % 2 == 0 then c:dot(x, y, item.fill) end
      end
    end
  end
end

-- What lies behind a face goes.
local function erase(c, item)
  local low, high = math.huge, -math.huge
  for _, part in ipairs(item.parts) do
    for _, y in ipairs(part[2]) do low, high = min(low, y), max(high, y) end
  end
  for y = max(c.top, floor(low)), min(c.bottom, floor(high + 1)) do
    local list = crossings(item.parts, y)
    for i = 1, #list - 1, 2 do
      for x = max(c.left, floor(list[i] + 0.5)), min(c.right, floor(list[i + 1] + 0.5)) do
        local cell = (y // 4) * c.columns + x // 2
        if c.dots[cell] then c.dots[cell] = c.dots[cell] & ~bits[x % 2][y % 4] end
      end
    end
  end
end

function draw.path(c, item)
  if item.role == "solid" then
    erase(c, item)
    return stroke(c, {parts = item.parts, closed = true, stroke = item.fill})
  end
  if item.fill then area(c, item) end
  if item.stroke and not (item.fill and item.role == "soft") then stroke(c, item) end
end

function draw.rect(c, item)
  if not item.fill then return end
  local unicode, color = c.how.unicode, c.how.color
  local pattern = ((item.pattern or 1) - 1) % 4 + 1
  local full = color and (unicode and "█" or "#")
    or (unicode and fills or plain_fills)[pattern]
  local first, last = floor(item.x / 2 + 0.5), max(floor((item.x + item.width) / 2 + 0.5) - 1,
    floor(item.x / 2 + 0.5))
  local top, bottom = item.y, item.y + item.height + (item.role == "cell" and 0 or 1)
  for column = max(first, 0), min(last, c.columns - 1) do
    for row = max(floor(top / 4), 0), min(floor((bottom - 0.01) / 4), c.rows - 1) do
      local part = (min(bottom, row * 4 + 4) - max(top, row * 4)) * 2
      local char = full
      if part < 7.5 then
        local n = floor(part + 0.5)
        char = n > 0 and (unicode and full == "█" and eighths[n] or n >= 4 and full)
      end
      if char then c:char(column, row, char, item.fill) end
    end
  end
end

local MANY = 300 -- more marks than that are dots

function draw.marks(c, item)
  local char = (c.how.unicode and marks or plain_marks)[(item.shape or 1)]
  for i, x in ipairs(item.xs) do
    local y = item.ys[i]
    if #item.xs > MANY or item.size < 2.5 then
      c:dot(floor(x + 0.5), floor(y + 0.5), item.fill)
    else
      c:char(floor(x / 2), floor(y / 4), char, item.fill)
    end
  end
end

function draw.text(c, item)
  local shown = item.text
  if not c.how.unicode then
    shown = shown:gsub(utf8.charpattern, plain_text):gsub("[\128-\255]+", "?")
  end
  local cells = text.cells(shown)
  local column = floor(item.x / 2 + 0.5)
  if item.anchor == "end" then
    column = column - cells
  elseif item.anchor == "middle" then
    column = floor(item.x / 2 - cells / 2 + 0.5)
  end
  local row = floor(item.y / 4)
  for _, code in utf8.codes(shown) do
    c:char(column, row, utf8.char(code), item.color)
    column = column + 1
    if text.is_wide(code) then
      c:char(column, row, "", item.color)
      column = column + 1
    end
  end
end

-- The picture's pixel at a dot of the terminal, as three numbers.
local function sampler(item)
  local h, w = item.pixels:size(1), item.pixels:size(2)
  local rows = {}
  return function(x, y)
    local i = clamp(floor((y - item.y) / item.height * h), 0, h - 1) + 1
    local j = clamp(floor((x - item.x) / item.width * w), 0, w - 1) + 1
    rows[i] = rows[i] or item.pixels[i]:totable()
    return rows[i][j]
  end
end

local function light(p) return (0.2126 * p[1] + 0.7152 * p[2] + 0.0722 * p[3]) / 255 end
local function rgb(p) return ("#%02x%02x%02x"):format(p[1], p[2], p[3]) end

function draw.image(c, item)
  local at = sampler(item)
  local scale = c.how.unicode and shades or plain_shades
  local right, bottom = (item.x + item.width) / 2, (item.y + item.height) / 4
  for row = max(0, floor(item.y / 4 + 0.5)), min(c.rows, floor(bottom + 0.5)) - 1 do
    for column = max(0, floor(item.x / 2 + 0.5)), min(c.columns, floor(right + 0.5)) - 1 do
      local upper, lower = at(column * 2 + 1, row * 4 + 1), at(column * 2 + 1, row * 4 + 3)
      if c.how.color and c.how.unicode then
        c:char(column, row, "▀", rgb(upper), rgb(lower))
      else
        local dark = 1 - (light(upper) + light(lower)) / 2
        c:char(column, row, scale[min(floor(dark * #scale), #scale - 1) + 1], colors.ink)
      end
    end
  end
end

function draw.clip(c, item)
  c.left, c.top = floor(item.x + 0.5), floor(item.y + 0.5)
  c.right, c.bottom = floor(item.x + item.width - 0.5), floor(item.y + item.height - 0.5)
end
function draw.unclip(c)
  c.left, c.top, c.right, c.bottom = 0, 0, c.columns * 2 - 1, c.rows * 4 - 1
end

-- ---- out --------------------------------------------------------------------------------------

-- Which of the 216 colours of the cube of 256-colour terminals is nearest.
local function cube(color)
  local r, g, b = colors.rgb(color)
  local function level(v) return v < 48 and 0 or v < 115 and 1 or (v - 35) // 40 end
  return 16 + 36 * level(r) + 6 * level(g) + level(b)
end

-- Colours of the palette that are hard to see on black, a little lighter.
local lighter = {["#0072b2"] = "#2f93d6", ["#4d4d4d"] = "#8a8a8a", ["#8a7500"] = "#b09a20"}

-- Ink that is nearly black or grey is the terminal's own colour: its background may be dark.
local function escape(color, how, back)
  if not back and (color == colors.ink or color == colors.muted) then return "\27[39m" end
  if not back and color == colors.axis then return "\27[90m" end
  local lead = back and 48 or 38
  color = not back and lighter[color] or color
  if how.color == "true" then return ("\27[%d;2;%d;%d;%dm"):format(lead, colors.rgb(color)) end
  return ("\27[%d;5;%dm"):format(lead, cube(color))
end

local function braille(c, cell)
  local set = c.dots[cell]
  if not set then return " " end
  if c.how.unicode then return utf8.char(0x2800 + set) end
  local upper, lower = set & 0x1b ~= 0, set & 0xe4 ~= 0
  return upper and lower and ":" or upper and "'" or "."
end

local function row_text(c, row)
  local out, ink, back, last = {}, nil, nil, 0
  for column = 0, c.columns - 1 do
    local cell = row * c.columns + column
    local char = c.chars[cell] or braille(c, cell)
    if c.how.color and char ~= " " and char ~= "" then
      local new, behind = c.ink[cell], c.back[cell]
      if behind ~= back then
        out[#out + 1] = behind and escape(behind, c.how, true) or "\27[49m"
        back = behind
      end
      if new ~= ink then
        out[#out + 1] = escape(new, c.how)
        ink = new
      end
    elseif back then
      out[#out + 1] = "\27[49m"
      back = nil
    end
    out[#out + 1] = char
    if char ~= " " then last = #out end
  end
  return table.concat(out, "", 1, last) .. ((ink or back) and "\27[0m" or "")
end

-- A scene of columns x rows cells as lines of text. how: unicode, color (false, "256" or "true").
function terminal.write(scene, how)
  local columns, rows = scene.width // 2, scene.height // 4
  local canvas = new_canvas(columns, rows, how)
  for _, item in ipairs(scene) do
    if draw[item.kind] and item.role ~= "grid" then draw[item.kind](canvas, item) end
  end
  local lines = {}
  for row = 0, rows - 1 do lines[row + 1] = row_text(canvas, row) end
  while lines[#lines] == "" do lines[#lines] = nil end
  return table.concat(lines, "\n") .. "\n"
end

-- What the output can show: text in UTF-8, colours and how many.
function terminal.abilities(is_terminal, welcome)
  local color = false
  if is_terminal and welcome and (os.getenv "NO_COLOR" or "") == "" then
    local depth = os.getenv "COLORTERM"
    color = (depth == "truecolor" or depth == "24bit") and "true" or "256"
  end
  return {unicode = window.utf8(), color = color}
end

return terminal
