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
--- `p:paths`, `p:mistakes` (as the functions of the same names in nn.plot), and `p:vline(x, {name,
--- color, dash, line})`, `p:hline(y, {...})`: a straight line across. Each returns the picture;
--- `p:save(path)` writes it as .svg, .png or .pdf, `p:show()`
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

--- nn.plot.contour(f, {levels = 12, xrange, yrange, filled, colors, zlog, out, ...}) -> picture
--- Lines of equal height. `f` is a function of two numbers (drawn over `xrange` and `yrange`, which
--- may be left out where other layers or f.range say where), a 2-d tensor (rows are y, columns x,
--- both counted from 1), or `{x = ..., y = ..., z = tensor}`. `levels`: how many, or a list of
--- heights. Where all heights are above 0, or least 0, and differ by a factor of 50, levels are
--- spaced logarithmically; `zlog` true or false decides otherwise. `filled` (false): areas between
--- the levels; `colors`: "viridis", "pale" (for lines on top), "blue", "grey", "diverging";
--- `color`: one for all lines; `line`: their width; `points` (200): samples of f each way;
--- `zrange`; `bar`: false for no bar of colours.
--- Example:
---   local function f(x, y) return x ^ 2 + 10 * y ^ 2 end
---   nn.plot.contour(f, {xrange = {-2, 2}, yrange = {-1, 1}})
function plot.contour(...) return at_once("contour", ...) end

--- nn.plot.heatmap(data, {colors = "viridis", values, zlog, zrange, out, ...}) -> picture
--- A 2-d tensor as cells of colour, its first row at the top; or a function, or {x, y, z}, as for
--- nn.plot.contour. `values`: write each number into its cell (as a rule where there are no more
--- than 100). NaN is grey.
--- Example:
---   nn.plot.heatmap(nn.randn(6, 8), {colors = "diverging"})
function plot.heatmap(...) return at_once("heatmap", ...) end

--- nn.plot.surface(f, {xrange, yrange, colors, points = 30, zlog, out, ...}) -> picture
--- Heights seen from aside. `f` as for nn.plot.contour; `points`: how many lines each way; `zlog`
--- (false): a logarithmic height.
--- Example:
---   nn.plot.surface(function(x, y) return x ^ 2 - y ^ 2 end, {xrange = {-1, 1}, yrange = {-1, 1}})
function plot.surface(...) return at_once("surface", ...) end

--- nn.plot.images(x, {labels, columns, shape, colors, count, zrange, title, out}) -> picture
--- A grid of small pictures. `x`: a tensor N x height x width or N x channels x height x width
--- (three channels are red, green, blue; of other numbers each channel is a picture), rows of
--- pixels (square ones, or `shape` = {height, width}) as in the weight of a first layer, a list of
--- such tensors, or a dataset of images. Values in 0..1 are white to black, negative ones blue and
--- positive ones red (`colors`: "grey", "ink" for black to white, "diverging", "viridis"; `zrange`:
--- {from, to}). `labels`: a text for each; a dataset's are its classes. `columns`: left out, as
--- many as make the pictures largest; `count`: only the first so many, at most 400.
--- Example:
---   nn.plot.images(nn.data.digits():subset {1, 2, 3, 4, 5, 6})
function plot.images(...) return at_once("images", ...) end

--- nn.plot.confusion(matrix, {classes, title, out, ...}) -> picture
--- A confusion matrix with its counts: rows the truth, columns the answers, as the metric
--- "confusion" gives it. The colour is the share of the row. `classes` names the classes.
--- Example:
---   nn.plot.confusion({{50, 0, 0}, {0, 47, 3}, {0, 2, 48}}, {classes = {"a", "b", "c"}})
function plot.confusion(...) return at_once("confusion", ...) end

--- nn.plot.boundary(model, dataset, {classes, threshold = 0.5, points, out, ...}) -> picture
--- What a classifier of two features answers all over the plane, in the colours of the classes,
--- paler where it is less sure, with the dataset's points on top. `model`: a module or a function
--- of an N x 2 tensor that gives N x classes scores, or one score a row, which is compared with
--- `threshold` (0 for raw scores under BCEWithLogitsLoss). `points`: how fine the grid is.
--- Example:
---   local x = nn.randn(60, 2)
---   local ds = nn.data.tensors(x, x:select(2, 1):gt(0):to "int64" + 1)
---   nn.plot.boundary(nn.Linear(2, 2), ds)
function plot.boundary(...) return at_once("boundary", ...) end

--- nn.plot.mistakes(model, dataset, {count = 24, columns, shape, classes, title, out}) -> picture
--- The first pictures of a dataset that a classifier gets wrong, with "truth → answer" below each.
--- Example:
---   local model = nn.Sequential{nn.Flatten(), nn.Linear(64, 10)}
---   nn.plot.mistakes(model, nn.data.digits(), {count = 12})
function plot.mistakes(...) return at_once("mistakes", ...) end

--- nn.plot.paths(paths, {minimum, line = 2, legend, xrange, yrange, out, ...}) -> picture
--- The ways of optimizers: `{name = n x 2 points}`, each a line from a ring to a ball; what is not
--- finite ends a path. Over a function: `nn.plot{}:contour(f, {filled = true, colors =
--- "pale"}):paths(paths)`. `minimum`: {x, y}, or a list of them, marked with a cross.
--- Example:
---   nn.plot.paths({gd = {{2, 1}, {1, 0.5}, {0.5, 0.2}}}, {minimum = {0, 0}})
function plot.paths(...) return at_once("paths", ...) end

--- nn.plot.grid({picture, ...}, {columns, title, width, height, scale, out}) -> picture
--- Several pictures side by side as one. `columns`: all in a row up to three, else 2.
--- Example:
---   local a = nn.plot{title = "squares"}:line{1, 4, 9}
---   local b = nn.plot{title = "cubes"}:line{1, 8, 27}
---   nn.plot.grid({a, b})
function plot.grid(pictures, options)
  return picture.deliver(require "nn.plot.grid".new("grid", pictures, options))
end

--- nn.plot.history(history, {title, width, height, scale, out}) -> picture
--- All curves of a training run, a panel for each measure with training and validation in it and
--- the best epoch marked; history:plot(path) is the same. Losses that fall by more than a factor
--- of 100 have a logarithmic axis.
--- Example:
---   local model = nn.Linear(1, 1)
---   local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 5,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
---   nn.plot.history(history)
function plot.history(history, options)
  return picture.deliver(require "nn.plot.history".new("history", history, options))
end

return setmetatable(plot, meta)
