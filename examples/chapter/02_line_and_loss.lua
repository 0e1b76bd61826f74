-- 2. A line, and how wrong it is: the loss of every line, as a landscape.
--
--   nnlua examples/chapter/02_line_and_loss.lua [--out folder]
--
-- The line f(x) = m x + b is wrong at each of the seven points by y - f(x). The loss is the mean of
-- the squares:  MSE = (1/n) sum (y - f(x))^2. The best line is the one with the least loss.
local nn = require "nn"
local opt = nn.args {out = "."}
nn.set_default_dtype "float64" -- 16 digits instead of 7

local data = nn.data.line()
local x, y = data.x:view(-1), data.y:view(-1)

local function mse(m, b)
  return ((y - (m * x + b)) ^ 2):mean():item()
end

-- Least squares finds the best line in one step; linear models alone have such a formula.
local w, c = nn.ols(data.x, data.y)
local best = {m = w:item(), b = c:item()}

-- (The chapter gives 0.08 for the second line: half of the mean, as some books define the loss.)
local lines = {{m = 0.8, b = -1}, {m = -0.11, b = 2.5}, {m = 0.5, b = 1}, best}
print "line                     MSE   half of it"
for _, l in ipairs(lines) do
  l.name = ("%5.2f x %s %.2f"):format(l.m, l.b < 0 and "-" or "+", math.abs(l.b))
  print(("%s  %10.4f   %10.4f"):format(l.name, mse(l.m, l.b), mse(l.m, l.b) / 2))
end
print(("\nthe least: m = %.6f, b = %.6f, MSE = %.8f"):format(best.m, best.b, mse(best.m, best.b)))

-- The landscape is a bowl. How steeply it bends is in its second derivatives, the Hessian
-- (2/n) X^T X, where X has a column of x and a column of ones; its eigenvalues are the curvatures
-- across the valley and along it.
local X = nn.stack({x, nn.ones_like(x)}, 2)
local curvature = nn.linalg.eigh(X:t():matmul(X) * (2 / #data))
print(("curvature along the valley %.6f, across it %.4f: %.1f times as much"):format(
  curvature[1], curvature[2], curvature[2] / curvature[1]))

local fit = nn.plot {title = "Seven points and four lines", xlabel = "x", ylabel = "y"}
for _, l in ipairs(lines) do
  fit:line({{2, 2 * l.m + l.b}, {5.4, 5.4 * l.m + l.b}}, {name = l.name})
end
fit:scatter(data, {color = "black", name = "data"})

local over = {xlabel = "m", ylabel = "b", xrange = {-2, 4}, yrange = {-6, 8}}
local function picture(title)
  local options = {title = title}
  for name, value in pairs(over) do options[name] = value end
  return nn.plot(options)
end
local surface = picture "The loss of every line":surface(mse)
local above = picture "The same from above":contour(mse, {levels = 16})
  :scatter({{best.m, best.b}}, {color = "red", name = "the least"})
nn.plot.grid({fit, surface, above}, {out = opt.out .. "/02_line_and_loss.svg"})

-- Try: move one point far up, data.y[7][1] = 9, and see where the best line goes. Squares make one
-- wild point heavy; replace ^ 2 by :abs() in mse and compare the landscape.
