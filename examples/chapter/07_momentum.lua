-- 7. Momentum: a ball that keeps rolling.
--
--   nnlua examples/chapter/07_momentum.lua [--momentum 0.9] [--out folder]
--
--   gradient descent   w := w - lr g(w)
--   momentum           z := momentum z + g(w),                    w := w - lr z
--   Nesterov           z := momentum z + g(w - lr momentum z),    w := w - lr z
-- Nesterov looks where the ball is about to be. (The chapter looks at w - momentum z, without the
-- rate. That is another place altogether, and on this very bowl it flies away at any rate.)
local nn = require "nn"
local opt = nn.args {momentum = 0.9, out = "."}
nn.set_default_dtype "float64" -- 16 digits instead of 7

local data = nn.data.line()
local x, y = data.x:view(-1), data.y:view(-1)
local function mse(m, b) return ((y - (m * x + b)) ^ 2):mean() end
local w0, b0 = nn.ols(x:view(-1, 1), y)
local least = mse(w0, b0):item()

-- Steps until the loss is within 1e-6 of the least, from (m, b) = (-1, 4); nil if it flies away.
local function run(make)
  local w = nn.tensor({-1, 4}, {requires_grad = true})
  local optimizer, path, above = make({w}), {{-1, 4}}, {}
  local function closure()
    optimizer:zero_grad()
    local loss = mse(w[1], w[2])
    loss:backward()
    return loss
  end
  for step = 1, 8000 do
    optimizer:step(closure)
    local m, b = w[1]:item(), w[2]:item()
    above[step], path[step + 1] = mse(m, b):item() - least, {m, b}
    if above[step] < 1e-6 then return step, path, above end
    if above[step] ~= above[step] or above[step] > 1e12 then return nil, path, above end
  end
  return nil, path, above
end

local function sgd(lr, options)
  options = options or {}
  options.lr = lr
  return function(params) return nn.optim.SGD(params, options) end
end
local function nesterov(lr, convention)
  return function(params)
    return nn.optim.Nesterov(params, {lr = lr, momentum = opt.momentum, convention = convention})
  end
end

print "rate     gradient descent   momentum    Nesterov   Nesterov, the chapter's"
for _, lr in ipairs {0.01, 0.03, 0.06} do
  print(("%-6g   %16s %10s  %10s   %23s"):format(lr,
    run(sgd(lr)) or "diverges", run(sgd(lr, {momentum = opt.momentum})) or "diverges",
    run(nesterov(lr)) or "diverges", run(nesterov(lr, "chapter")) or "diverges"))
end
local k = opt.momentum
print "\nsteps to within 1e-6; Nesterov's look-ahead bears rates up to"
print(("(2 + 2k) / ((1 + 2k) 29.1761) = %.4f at k = %g"):format(
  (2 + 2 * k) / ((1 + 2 * k) * 29.1761), k))
print(nn.optim.SGD({nn.zeros(1)}, {lr = 0.03, momentum = opt.momentum}):formula())

local names, paths, curves = {}, {}, {}
for _, entry in ipairs {{"gradient descent", sgd(0.03)},
  {"momentum", sgd(0.03, {momentum = opt.momentum})}, {"Nesterov", nesterov(0.03)}} do
  local name = entry[1]
  names[#names + 1] = name
  _, paths[name], curves[name] = run(entry[2])
end
nn.plot.grid({
  nn.plot {title = "Rate 0.03", xlabel = "m", ylabel = "b", xrange = {-2, 3}, yrange = {-1, 6}}
    :contour(function(m, b) return mse(m, b):item() end, {filled = true, colors = "pale",
      levels = 16, bar = false, points = 100})
    :paths(paths, {legend = names, minimum = {w0:item(), b0:item()}}),
  nn.plot {title = "What is left to gain", xlabel = "step", ylog = true, xlog = true,
    legend = names}:line(curves),
}, {out = opt.out .. "/07_momentum.svg"})

-- Try: --momentum 0.5, then 0.99. Which is best for which rate?
