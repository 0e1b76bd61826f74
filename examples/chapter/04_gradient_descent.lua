-- 4. Gradient descent: walk downhill, by hand, by nn.grad, and by an optimizer.
--
--   nnlua examples/chapter/04_gradient_descent.lua [--lr 0.05] [--out folder]
--
-- The gradient points uphill, so each step is  w := w - lr dJ/dw.  For the line and its MSE
--   dJ/dm = -(2/n) sum x (y - (m x + b)),   dJ/db = -(2/n) sum (y - (m x + b)).
-- (The chapter leaves out the minus signs; its own steps would then climb, as the last rows show.)
local nn = require "nn"
local opt = nn.args {lr = 0.05, out = "."}
nn.set_default_dtype "float64" -- 16 digits instead of 7

local data = nn.data.line()
local xs, ys = data.x:view(-1), data.y:view(-1)
local points, n = xs:totable(), #xs

local function loss(m, b) return ((ys - (m * xs + b)) ^ 2):mean() end

-- By hand: plain Lua, the two formulas as they stand.
local function gradient(m, b)
  local gm, gb = 0, 0
  for i, x in ipairs(points) do
    local error = ys[i] - (m * x + b)
    gm, gb = gm - 2 / n * x * error, gb - 2 / n * error
  end
  return gm, gb
end

local least = loss(nn.ols(xs:view(-1, 1), ys)):item()
local function descend(lr, steps, sign)
  local m, b, path, losses = 0, 0, {{0, 0}}, {}
  for step = 1, steps do
    local gm, gb = gradient(m, b)
    m, b = m - sign * lr * gm, b - sign * lr * gb
    path[step + 1], losses[step] = {m, b}, loss(m, b):item()
    if losses[step] - least < 1e-6 or losses[step] > 1e12 then break end
  end
  return path, losses
end

-- By nn.grad, which differentiates any function; and by an optimizer, which also takes the step.
local m, b = 0, 0
local w = nn.zeros(2, {requires_grad = true})
local optimizer = nn.optim.SGD({w}, {lr = opt.lr})
for _ = 1, 10 do
  local g = nn.grad(loss, {m, b})
  m, b = m - opt.lr * g[1], b - opt.lr * g[2]
  optimizer:zero_grad()
  loss(w[1], w[2]):backward()
  optimizer:step()
end
local hand = descend(opt.lr, 10, 1)[11]
print "after 10 steps                  m                  b"
print(("by hand        %18.15f %18.15f"):format(hand[1], hand[2]))
print(("by nn.grad     %18.15f %18.15f"):format(m, b))
print(("by nn.optim    %18.15f %18.15f"):format(w[1]:item(), w[2]:item()))

-- Rates: the bowl's largest curvature is 29.1761, and steps of more than 2/29.1761 overshoot more
-- each time.
print(("\nrates above 2 / 29.1761 = %.6f diverge"):format(2 / 29.1761))
local names, curves = {}, {}
for _, try in ipairs {{0.001, 1}, {0.01, 1}, {0.05, 1}, {0.069, 1}, {0.01, -1, "wrong sign"}} do
  local _, losses = descend(try[1], try[2] < 0 and 30 or 6000, try[2])
  local last = losses[#losses] - least
  local name = ("%g%s"):format(try[1], try[3] and ", " .. try[3] or "")
  local verdict = last < 1e-6 and "there, within 1e-6" or last > 1 and "diverges, loss %.1e"
    or "still %.1e above"
  print(("rate %-17s %5d steps: %s"):format(name, #losses, verdict:format(last)))
  for i, v in ipairs(losses) do losses[i] = v - least end
  names[#names + 1], curves[name] = name, losses
end
nn.plot {title = "What is left to gain", xlabel = "step", ylabel = "loss above the least",
  xlog = true, ylog = true, legend = names, yrange = {1e-6, 1e6}}:line(curves)
  :save(opt.out .. "/04_gradient_descent.svg")

-- Try: --lr 0.0683, the best fixed rate, and --lr 0.0686. What do ten steps do then?
