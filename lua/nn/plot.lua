-- plot.lua: nn.plot: pictures of data, models and runs, in the terminal, as SVG, PNG or PDF.
--
-- A picture holds layers (plot/marks.lua, plot/fields.lua, ...), which a panel lays out
-- (plot/panel.lua) into a scene (plot/scene.lua), which a writer puts down.
local picture = require "nn.plot.picture"

local plot = {}
local meta = {}

--- nn.plot{title, xlabel, ylabel, xlog, ylog, legend, classes, xrange, yrange, ...} -> picture
--- An empty picture, to which its methods add layers: `p:line(data)`, `p:scatter(data)`, `p:hist`,
--- `p:bar`, `p:heatmap`, `p:contour`, `p:surface`, `p:images`, `p:confusion`, `p:boundary`,
--- each of which returns the picture; `p:save(path)` writes it as .svg, .png or .pdf, `p:show()`
--- draws it in the terminal, `p:text{columns, rows}` returns what `show` would write.
---
--- Options: `title`, `xlabel`, `ylabel` (texts); `xlog`, `ylog` (false): logarithmic axes, on which
--- numbers that are not above 0 have no place and are left out, as NaN and infinity always are;
--- `legend`: false for none, or the names of the series in the order in which they are to stand (a
--- single series takes the first as its name); `classes`: names of classes; `xrange`, `yrange`:
--- {from, to}; `width` (640), `height` (420) in pixels; `scale` (2): how many pixels a PNG has for
--- each of these.
--- Example:
---   local p = nn.plot{title = "Seven points", xlabel = "x", ylabel = "y"}
---   p:scatter(nn.data.line())
---   p:line{{2, 1.48}, {5.4, 2.62}}
---   p:show()
function meta.__call(_, options)
  return picture.new("plot", options)
end

-- A picture of one layer, saved as `out` says or drawn in the terminal.
local function at_once(kind, ...)
  local p = picture.new(kind)
  p[kind](p, ...)
  return picture.deliver(p)
end

--- nn.plot.line(data, {title, xlog, ylog, color, dash, line, points, out, ...}) -> picture
--- Lines. `data` is a series or `{name = series}`, one line each, in the order of their names or of
--- `legend`. A series is a list of y (a table or a tensor; x is then 1, 2, ...), n x 2 points, or
--- `{x = ..., y = ...}`, with `low` and `high` beside them where a band is to be drawn. NaN and
--- infinity interrupt a line. Without `out` ("x.svg", ".png", ".pdf") it is drawn in the terminal.
---
--- `color`: "#rrggbb" or a name (blue, red, green, orange, purple, sky, grey, black); `dash`
--- (false); `line` (2): the width; `points` (false): mark the points too; the rest as for nn.plot.
--- Of long series only what can be seen is kept: the first, lowest, highest and last point of each
--- column of pixels.
--- Example:
---   nn.plot.line({loss = {1, 0.5, 0.3}, val_loss = {1.1, 0.7, 0.6}}, {xlabel = "epoch"})
function plot.line(...) return at_once("line", ...) end

--- nn.plot.scatter(data, {title, xlog, ylog, classes, color, size, out, ...}) -> picture
--- Points. `data` as for nn.plot.line, or a dataset: of two features, coloured by its labels
--- (`classes` names them), or of one feature against its target. `size` (4.5) is the radius. More
--- than 4,000 points are drawn once for each place they can be told apart at.
--- Example:
---   nn.plot.scatter(nn.data.line(), {title = "Seven points"})
function plot.scatter(...) return at_once("scatter", ...) end

--- nn.plot.bar(data, {title, ylabel, ylog, classes, color, out, ...}) -> picture
--- Bars from 0. `data` is a list of numbers (`classes` names the bars), `{name = number}` in the
--- order of the names, `{{name, number}, ...}` in the order given, or `{name = {numbers}}`: bars
--- side by side in groups.
--- Example:
---   nn.plot.bar({{"SGD", 0.91}, {"Adam", 0.97}}, {ylabel = "accuracy"})
function plot.bar(...) return at_once("bar", ...) end

--- nn.plot.hist(data, {title, bins, xlog, color, out, ...}) -> picture
--- How often numbers fall into bins of equal width. `data` is a list of numbers, a tensor of any
--- shape, or `{name = numbers}`. `bins`: how many; left out, the rule of Freedman and Diaconis
--- chooses, 5 to 60.
--- Example:
---   nn.plot.hist(nn.randn(1000), {bins = 20})
function plot.hist(...) return at_once("hist", ...) end

return setmetatable(plot, meta)
