-- plot/medium.lua: what a picture is drawn on: sizes, and how wide text is.
local text = require "nn.plot.text"

local medium = {}

local function graphic_line(size) return size * 1.4 end

-- A page of pixels.
function medium.page(width, height)
  return {
    width = width, height = height, terminal = false, pad = 12, gap = 6, sample = 20, apart = 15,
    title = 16, label = 13, tick = 12, legend = 13, column = 1,
    line = graphic_line, text_width = text.width,
  }
end

local function cell_width(s) return text.cells(s) * 2 end
local function cell_line() return 4 end

-- A terminal's window, in dots.
function medium.window(columns, rows, how)
  return {
    width = columns * 2, height = rows * 4, terminal = true, pad = 0, gap = 2, sample = 6,
    apart = 6, title = 4, label = 4, tick = 4, legend = 4, column = 1, how = how,
    line = cell_line, text_width = cell_width,
  }
end

return medium
