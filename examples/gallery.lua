-- gallery.lua: every kind of picture, and the figures of a chapter on how networks are trained,
-- into a folder (doc/gallery) with an index (doc/gallery.md). `make gallery` runs it.
local opt = nn.args {out = "doc/gallery"}

local index = {"# Gallery\n", [[
Every kind of picture that `nn.plot` draws, in one line, and then the figures of a chapter on how
neural networks are trained. `make gallery` draws them all anew, by `examples/gallery.lua`. Each is
saved by `p:save "x.svg"` (or `.png`, or `.pdf`), and drawn in the terminal by `p:show()`.
]]}
local function note(...) index[#index + 1] = (...):format(select(2, ...)) end

-- Saves a picture, as PNG too where that is asked for, and writes its entry.
local function figure(name, caption, p, png)
  p:save(("%s/%s.svg"):format(opt.out, name))
  if png then p:save(("%s/%s.png"):format(opt.out, name)) end
  note("\n![%s](gallery/%s.svg)\n\n*%s*%s\n", caption, name, caption,
    png and (" (as [PNG](gallery/%s.png))"):format(name) or "")
end

-- The picture that a piece of code returns, and the code beside it.
local shared = setmetatable({}, {__index = _G})
local function shown(name, caption, code, png)
  figure(name, caption, assert(load("return " .. code, "=" .. name, "t", shared))(), png)
  note("\n```lua\n%s\n```\n", (code:gsub("^%s+", ""):gsub("%s+$", "")))
end

local function train(model, data, validation, options)
  local settings = {validation = validation, loss = nn.CrossEntropyLoss(), metrics = {"accuracy"},
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}), epochs = 60, progress = false}
  for name, value in pairs(options or {}) do settings[name] = value end
  return nn.fit(model, data, settings)
end

-- ---- every kind -------------------------------------------------------------------------------

nn.seed(1)
local digits = nn.data.digits()
local some, rest = digits:split {0.5, 0.5, seed = 1}
shared.digits, shared.test, shared.t = digits, rest, nn.linspace(0, 20, 300)
shared.model = nn.Sequential {nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10)}
shared.history = train(shared.model, some, rest, {epochs = 40})

-- Two arms of a spiral that turn around each other.
local function spirals(n)
  local x, y = nn.zeros(2 * n, 2), nn.zeros {2 * n}
  for i = 1, 2 * n do
    local r, arm = (i - 1) // 2 / n * 5 + 0.3, (i - 1) % 2
    local t = 1.2 * r + arm * math.pi
    x[i] = nn.tensor {r * math.sin(t), r * math.cos(t)} + nn.randn(2) * 0.12
    y[i] = arm + 1
  end
  return nn.data.tensors(x, y:to "int64", {classes = {"one", "other"}})
end
shared.spirals = spirals(120)
local matrix = nn.randn(6, 4):matmul(nn.randn(4, 200)) + nn.randn(6, 200)
matrix = matrix - matrix:mean(2, true)
matrix = matrix / matrix:square():sum(2, true):sqrt()
shared.correlations = matrix:matmul(matrix:t())
shared.net = nn.Sequential {nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(),
  nn.Linear(24, 2)}
train(shared.net, shared.spirals, nil, {epochs = 150})

note "\n## Every kind\n"
shown("line", "A line", [[
nn.plot{title = "Oscillations that die away", xlabel = "t"}
  :line{slow = {x = t, y = (t * -0.15):exp() * t:cos()},
    fast = {x = t, y = (t * -0.3):exp() * t:cos()}}]])
shown("history", "A training run: nn.plot.history, or history:plot(path) for one measure",
  [[nn.plot.history(history, {title = "Digits", out = os.tmpname() .. ".svg"})]])
shown("scatter", "Points by class", [[nn.plot{title = "Two spirals"}:scatter(spirals)]])
shown("boundary", "What a network says all over the plane", [[
nn.plot{title = "Two spirals, learnt"}:boundary(net, spirals)]], true)
shown("bar", "Bars", [[
nn.plot{title = "Test accuracy", ylabel = "%", yrange = {90, 100}, legend = {"plain", "dropout"},
  classes = {"SGD", "momentum", "RMSprop", "Adam"}}
  :bar{plain = {93.1, 95.2, 95.9, 96.4}, dropout = {93.8, 96.0, 96.8, 97.1}}]])
shown("hist", "Histograms", [[
nn.plot{title = "Weights", xlabel = "weight", ylabel = "count"}
  :hist{["first layer"] = model[2].weight, ["second layer"] = model[4].weight}]])
shown("heatmap", "A matrix", [[
nn.plot{title = "Correlations of six features"}
  :heatmap(correlations, {colors = "diverging", zrange = {-1, 1}})]])
shown("contour", "Lines of equal height, spaced logarithmically", [[
nn.plot{title = "Rosenbrock's valley", xrange = {-2, 2}, yrange = {-1, 3}}
  :contour(function(x, y) return (1 - x) ^ 2 + 100 * (y - x * x) ^ 2 end)]])
shown("surface", "A surface", [[
nn.plot{title = "A saddle", xlabel = "x", ylabel = "y", xrange = {-2, 2}, yrange = {-2, 2}}
  :surface(function(x, y) return x ^ 2 - y ^ 2 end)]], true)
shown("images", "Pictures", [[nn.plot{title = "Handwritten digits"}:images(digits, {count = 20})]])
shown("weights", "The weights of a first layer: blue is negative, red positive", [[
nn.plot{title = "What sixteen hidden units look for"}:images(model[2].weight, {columns = 8})]])
shown("mistakes", "What a network gets wrong", [[
nn.plot{title = "Truth and answer"}:mistakes(model, test, {count = 16})]])
shown("confusion", "A confusion matrix", [[
nn.plot{title = "900 digits"}
  :confusion(nn.evaluate(model, test, {metrics = {"confusion"}}).confusion,
    {classes = test.classes})]])
local rate = nn.optim.SGD({nn.zeros(1, {requires_grad = true})}, {lr = 0.1})
shared.schedules = {
  cosine = nn.schedule.Cosine(rate, {T_max = 60}),
  steps = nn.schedule.Step(rate, {step_size = 20, gamma = 0.3}),
  exponential = nn.schedule.Exponential(rate, {gamma = 0.95}),
}
shown("schedule", "Learning rates to come: nn.schedule.plot",
  [[nn.schedule.plot(schedules, {title = "Schedules", out = os.tmpname() .. ".svg"})]])
note("\nIn a terminal, here without colour:\n\n```\n%s```\n",
  nn.plot {title = "Digits", xlabel = "epoch", ylabel = "accuracy"}
    :line({x = nn.range(1, 40), y = (function()
      local list = {}
      for i, record in ipairs(shared.history) do list[i] = record.val_accuracy end
      return list
    end)()}):text {columns = 78, unicode = true})

-- ---- the chapter: a line through seven points -------------------------------------------------

note "\n## A line through seven points\n"
local line = nn.data.line()
local xs, ys = line.x:view(-1):totable(), line.y:view(-1):totable()
local function mse(m, b)
  local sum = 0
  for i, x in ipairs(xs) do sum = sum + (ys[i] - (m * x + b)) ^ 2 end
  return sum / #xs
end
local w, b = nn.ols(line.x:to "float64", line.y:to "float64")
local best = {w[{1, 1}], b:item()}

local p = nn.plot {title = "Seven points and three lines", xlabel = "x", ylabel = "y",
  xrange = {2, 5.4}}
for _, candidate in ipairs {{-0.11, 2.5}, {0.8, -1}, best} do
  local m, c = candidate[1], candidate[2]
  p:line({{2, 2 * m + c}, {5.4, 5.4 * m + c}},
    {name = ("%.2f x %s %.2f, MSE %.3f"):format(m, c < 0 and "−" or "+", math.abs(c), mse(m, c))})
end
figure("seven-points", "Three lines and how far they are off; the last is the best there is",
  p:scatter(line, {color = "black", name = "data"}))

local ranges = {xrange = {-2, 4}, yrange = {-6, 8}, xlabel = "m", ylabel = "b"}
local function over(title)
  return nn.plot {title = title, xlabel = "m", ylabel = "b", xrange = ranges.xrange,
    yrange = ranges.yrange}
end
figure("bowl", "The mean squared error of every line m x + b: a long bowl",
  over "The loss as a surface":surface(mse))
figure("bowl-contours", "The same from above, with logarithmically spaced levels",
  over "The loss from above":contour(mse, {levels = 16}))

-- Gradient descent by hand: (m, b) after each step, and the loss beside it.
local function descend(rate_, momentum, steps, from)
  local m, c, vm, vc = from[1], from[2], 0, 0
  local path, losses = {{m, c}}, {mse(m, c)}
  for _ = 1, steps do
    local gm, gc = nn.grad(mse, {m, c})[1], nn.grad(mse, {m, c})[2]
    vm, vc = momentum * vm + gm, momentum * vc + gc
    m, c = m - rate_ * vm, c - rate_ * vc
    path[#path + 1], losses[#losses + 1] = {m, c}, mse(m, c)
  end
  return path, losses
end
local start = {-1, 7}
local ground = {filled = true, colors = "pale", levels = 16, bar = false}
local steep = descend(0.05, 0, 600, start)
local slow, slow_loss = descend(0.01, 0, 300, start)
local quick, quick_loss = descend(0.01, 0.9, 300, start)
figure("descent", "Gradient descent: from side to side of the valley, slowly along it",
  over "600 steps at a rate of 0.05":contour(mse, ground)
    :paths({["gradient descent"] = steep}, {minimum = best}))
local least = mse(best[1], best[2])
local function excess(list)
  local result = {}
  for i, v in ipairs(list) do result[i] = v - least end
  return result
end
figure("momentum", "Momentum against none: the path, and what is left to gain after each step",
  nn.plot.grid({
    over "The way":contour(mse, ground)
      :paths({none = slow, ["momentum 0.9"] = quick}, {minimum = best}),
    nn.plot {title = "The loss above the least", xlabel = "step", ylog = true}
      :line {none = excess(slow_loss), ["momentum 0.9"] = excess(quick_loss)},
  }, {out = opt.out .. "/momentum.svg"}))

-- ---- optimizers on a ravine and on a saddle ---------------------------------------------------

note "\n## Optimizers side by side\n"
local function race(f, from, steps, makers)
  local paths = {}
  for name, make in pairs(makers) do
    local at = nn.tensor(from, {requires_grad = true, dtype = "float64"})
    local optimizer, path = make {at}, {from}
    for i = 1, steps do
      optimizer:step(function()
        optimizer:zero_grad()
        local loss = f(at[1], at[2])
        loss:backward()
        return loss
      end)
      path[i + 1] = at:detach():totable()
    end
    paths[name] = path
  end
  return paths
end
local function with(class, options)
  return function(params) return nn.optim[class](params, options) end
end
local order = {"SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adam"}
local function ravine(x, y) return x * x * 0.1 + y * y * 2 end
local ravine_paths = race(ravine, {-9, 2.5}, 120, {
  SGD = with("SGD", {lr = 0.4}), momentum = with("SGD", {lr = 0.05, momentum = 0.9}),
  Nesterov = with("Nesterov", {lr = 0.05, momentum = 0.9}), Adagrad = with("Adagrad", {lr = 1.5}),
  RMSprop = with("RMSprop", {lr = 0.15}), Adam = with("Adam", {lr = 0.4}),
})
local function page(title, xrange, yrange, f)
  return nn.plot {title = title, legend = order, xlabel = "x", ylabel = "y", xrange = xrange,
    yrange = yrange}:contour(f, {filled = true, colors = "pale", bar = false, levels = 14})
end
figure("ravine", "A ravine: plain descent zigzags, momentum overshoots, adaptive rates go straight",
  page("A ravine", {-10, 4}, {-4, 4}, ravine):paths(ravine_paths, {minimum = {0, 0}}))
local function saddle(x, y) return x * x - y * y end
local saddle_paths = race(saddle, {1.4, 0.001}, 60, {
  SGD = with("SGD", {lr = 0.03}), momentum = with("SGD", {lr = 0.03, momentum = 0.9}),
  Nesterov = with("Nesterov", {lr = 0.03, momentum = 0.9}), Adagrad = with("Adagrad", {lr = 0.12}),
  RMSprop = with("RMSprop", {lr = 0.03}), Adam = with("Adam", {lr = 0.06}),
})
figure("saddle", "A saddle: who divides by the size of the gradient leaves it soonest",
  page("A saddle", {-1.6, 1.6}, {-1.2, 1.2}, saddle):paths(saddle_paths))
local animate = require "nn.plot.animate"
animate.save("gallery", opt.out .. "/ravine-moving.svg", ravine, ravine_paths, {legend = order,
  title = "A ravine, moving", xrange = {-10, 4}, yrange = {-4, 4}, minimum = {0, 0}})
note "\n![The ravine, moving](gallery/ravine-moving.svg)\n\n*The same, moving*\n"

-- ---- overfitting ------------------------------------------------------------------------------

note "\n## Overfitting\n"
local eleven = nn.data.overfit()
local ex, ey = eleven.x:to "float64", eleven.y:to "float64"
local lo, hi = ex:min():item(), ex:max():item()
local function powers(x, degree) -- of x taken to -1..1, so that high ones stay small
  local t, list = x:sub(lo):mul(2 / (hi - lo)):sub(1), {}
  for k = 0, degree do list[k + 1] = t ^ k end
  return nn.cat(list, 2)
end
local function fitted(degree, x)
  return powers(x, degree):matmul((nn.linalg.lstsq(powers(ex, degree), ey)))
end
local fine = nn.linspace(lo, hi, 401, {dtype = "float64"}):view(401, 1)
local function curve(degree)
  return {x = fine:view(-1), y = fitted(degree, fine):view(-1)}
end
local pad = (ey:max():item() - ey:min():item()) * 0.6
figure("overfit", "Eleven points by a line, and by a curve that goes through all of them",
  nn.plot {title = "Eleven points", xlabel = "x", ylabel = "y",
    yrange = {ey:min():item() - pad, ey:max():item() + pad}}
    :line {["a line"] = curve(1), ["degree 10"] = curve(10)}
    :scatter(eleven, {color = "black", name = "data"}))

-- A few digits to learn from, many more to be asked about.
local few, asked = digits:split {0.12, 0.88, seed = 3}
local function net(drop)
  nn.seed(5)
  return nn.Sequential {nn.Flatten(), nn.Dropout(drop and 0.2 or 0), nn.Linear(64, 128),
    nn.ReLU(), nn.Dropout(drop or 0), nn.Linear(128, 128), nn.ReLU(), nn.Dropout(drop or 0),
    nn.Linear(128, 10)}
end
local plain = net()
local parted = train(plain, few, asked, {epochs = 120,
  optimizer = nn.optim.Adam(plain:parameters(), {lr = 0.002})})
figure("parting", "Training and validation part: 215 samples are being learnt by heart",
  nn.plot.history(parted, {title = "215 digits", out = opt.out .. "/parting.svg"}))

local decayed = net()
local calm = train(decayed, few, asked, {epochs = 120, l2 = 0.003,
  optimizer = nn.optim.Adam(decayed:parameters(), {lr = 0.002})})
local function of(history, name)
  local list = {}
  for i, record in ipairs(history) do list[i] = record[name] end
  return list
end
figure("l2", "L2 keeps weights small, and the validation loss from rising as far", nn.plot.grid({
  nn.plot {title = "Weights of the first layer", xlabel = "weight", ylabel = "count"}
    :hist {["no L2"] = plain[3].weight, ["L2 0.003"] = decayed[3].weight},
  nn.plot {title = "Validation loss", xlabel = "epoch"}
    :line {["no L2"] = of(parted, "val_loss"), ["L2 0.003"] = of(calm, "val_loss")},
}, {out = opt.out .. "/l2.svg"}))

local dropped = net(0.5)
local spread = train(dropped, few, asked, {epochs = 120,
  optimizer = nn.optim.Adam(dropped:parameters(), {lr = 0.002})})
figure("dropout", "Dropout: training becomes harder, and less is learnt by heart", nn.plot.grid({
  nn.plot {title = "Training loss", xlabel = "epoch", ylog = true}
    :line {none = of(parted, "loss"), ["dropout 0.5"] = of(spread, "loss")},
  nn.plot {title = "Validation loss", xlabel = "epoch"}
    :line {none = of(parted, "val_loss"), ["dropout 0.5"] = of(spread, "val_loss")},
}, {out = opt.out .. "/dropout.svg"}))

local file = assert(io.open(opt.out:gsub("/+$", "") .. ".md", "w"))
assert(file:write(table.concat(index)))
assert(file:close())
