-- 8. A rate for each weight: AdaGrad, AdaDelta, RMSprop, Adam, and how to compare fairly.
--
--   nnlua examples/chapter/08_adaptive.lua [--steps 200] [--out folder]
--
-- One rate for all weights is too large for a steep one and too small for a flat one. These methods
-- divide by how large a weight's own gradients were: AdaGrad by the root of the sum of all their
-- squares, RMSprop by a running mean, AdaDelta too, in units of its own past steps; Adam adds
-- momentum. Each gets its best rate from the same grid, of those that keep it on the map: comparing
-- at one rate compares luck.
local nn = require "nn"
local opt = nn.args {steps = 200, out = "."}

-- A ravine, 400 times as steep across as along; and a twisted valley (Rosenbrock's banana).
local places = {
  {name = "a ravine", f = function(x, y) return 0.05 * x ^ 2 + 20 * y ^ 2 end, start = {-9, 1},
    minimum = {0, 0}, xrange = {-10, 3}, yrange = {-2, 2}},
  {name = "a twisted valley", f = function(x, y) return (1 - x) ^ 2 + 100 * (y - x ^ 2) ^ 2 end,
    start = {-1.5, 1}, minimum = {1, 1}, xrange = {-2, 2}, yrange = {-1, 3}},
}

local methods = {
  {"SGD", "SGD", {}}, {"momentum", "SGD", {momentum = 0.9}}, {"AdaGrad", "Adagrad", {}},
  {"AdaDelta", "Adadelta", {}}, {"RMSprop", "RMSprop", {}}, {"Adam", "Adam", {}},
}
local names = {}
for i, method in ipairs(methods) do names[i] = method[1] end

local function run(place, method, lr)
  local w = nn.tensor(place.start, {dtype = "float64", requires_grad = true})
  local options = {lr = lr}
  for name, value in pairs(method[3]) do options[name] = value end
  local optimizer = nn.optim[method[2]]({w}, options)
  local path, losses = {place.start}, {}
  for step = 1, opt.steps do
    optimizer:zero_grad()
    local loss = place.f(w[1], w[2])
    loss:backward()
    optimizer:step()
    local x, y = w[1]:item(), w[2]:item()
    losses[step], path[step + 1] = loss:item(), {x, y}
    if not (x > place.xrange[1] and x < place.xrange[2] and y > place.yrange[1]
      and y < place.yrange[2]) then return math.huge end
  end
  return place.f(w:detach()[1], w:detach()[2]), path, losses
end

local rates, pictures = {}, {}
for e = -16, 8 do rates[#rates + 1] = 10 ^ (e / 4) end -- 0.0001, 0.00018, 0.00032, ... 100
for _, place in ipairs(places) do
  print(("%s: the loss after %d steps, each at its best of %d rates"):format(place.name,
    opt.steps, #rates))
  local paths, curves = {}, {}
  for _, method in ipairs(methods) do
    local name, best, rate = method[1], math.huge, nil
    for _, lr in ipairs(rates) do
      local final, path, losses = run(place, method, lr)
      if final < best then best, rate, paths[name], curves[name] = final, lr, path, losses end
    end
    print(("  %-9s %10.3g   %s"):format(name, best, rate and ("rate %.3g"):format(rate) or
      "no rate keeps it on the map"))
  end
  pictures[#pictures + 1] = nn.plot {title = place.name, xrange = place.xrange,
    yrange = place.yrange}
    :contour(place.f, {filled = true, colors = "pale", levels = 16, bar = false, points = 60})
    :paths(paths, {legend = names, minimum = place.minimum})
  pictures[#pictures + 1] = nn.plot {title = "the loss", xlabel = "step", ylog = true,
    legend = names, yrange = {1e-8, 1e3}}:line(curves)
end
nn.plot.grid(pictures, {columns = 2, out = opt.out .. "/08_adaptive.svg"})

print "\nRMSprop as Keras has it, one step from w = 10 on w^2 / 2:"
local w = nn.tensor({10}, {dtype = "float64", requires_grad = true})
local keras = nn.optim.RMSprop({w}, {lr = 0.1, convention = "keras"});
((w ^ 2) / 2):sum():backward()
keras:step()
print(("  w = %.6f; %s"):format(w[1]:item(), keras:formula()))

-- Try: tilt the ravine, 0.05 * x ^ 2 + 20 * (y + x / 10) ^ 2: rates of their own for x and y do not
-- help as much any more. Who suffers?
