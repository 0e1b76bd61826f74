-- 5. Landscapes that are not bowls: several minima, saddles, plateaus.
--
--   nnlua examples/chapter/05_nonconvex.lua [--lr 0.01] [--starts 200] [--out folder] [--seed 0]
--
-- A line's loss is a bowl, with one lowest point. Networks have landscapes of every kind, and
-- gradient descent ends where it is flat: in a minimum, but not always the least one, and where you
-- start decides which.
local nn = require "nn"
local opt = nn.args {lr = 0.01, starts = 200, out = ".", seed = 0}
nn.seed(opt.seed)

local function descend(f, x, y, lr, steps)
  local path = {{x, y}}
  for i = 1, steps do
    local g = nn.grad(f, {x, y})
    x, y = x - lr * g[1], y - lr * g[2]
    path[i + 1] = {x, y}
  end
  return path
end

-- Himmelblau's function has four minima, all of height 0.
local function himmelblau(x, y) return (x ^ 2 + y - 11) ^ 2 + (x + y ^ 2 - 7) ^ 2 end
local minima = {{3, 2}, {-2.805118, 3.131313}, {-3.779310, -3.283186}, {3.584428, -1.848127}}
local ended, paths = {0, 0, 0, 0}, {}
for i = 1, opt.starts do
  local start = nn.rand(2, {dtype = "float64"}) * 8 - 4
  local path = descend(himmelblau, start[1], start[2], opt.lr, 150)
  if i <= 12 then paths[("%d"):format(i)] = path end
  for k, m in ipairs(minima) do
    local at = path[#path]
    if math.abs(at[1] - m[1]) + math.abs(at[2] - m[2]) < 1e-3 then ended[k] = ended[k] + 1 end
  end
end
print(("%d random starts end in these minima of Himmelblau's function:"):format(opt.starts))
for k, m in ipairs(minima) do print(("  (%6.3f, %6.3f)  %4d"):format(m[1], m[2], ended[k])) end

-- A saddle is flat, but no minimum: it falls away to both sides. Exactly on its ridge the gradient
-- leads to the middle and stays there; the smallest push aside gets away, slowly at first.
local function saddle(x, y) return x ^ 2 - y ^ 2 end
print "\nThe saddle x^2 - y^2, from (1, y), 50 steps of rate 0.1:"
for _, y in ipairs {0, 1e-6, 1e-3} do
  local path = descend(saddle, 1, y, 0.1, 50)
  print(("  y = %-5g  ends at (%.6f, %.6g)"):format(y, path[51][1], path[51][2]))
end

-- A plateau: where a sigmoid is saturated it has hardly a slope, so descent hardly moves.
local function plateau(x, y) return (1 / (1 + nn.exp(-x)) - 1) ^ 2 + 0 * y end
print "\nThe plateau (sigmoid(x) - 1)^2, 100 steps of rate 1:"
for _, x in ipairs {-10, -5, 0} do
  local path = descend(plateau, x, 0, 1, 100)
  print(("  from x = %3g to %8.4f"):format(x, path[101][1]))
end

local function picture(title, size)
  return nn.plot {title = title, legend = false, xrange = {-size, size}, yrange = {-size, size}}
end
local look = {filled = true, colors = "pale", bar = false, levels = 16}
local saddles = {}
for _, y in ipairs {0, 1e-3, -0.05} do saddles[tostring(y)] = descend(saddle, 1.3, y, 0.1, 40) end
nn.plot.grid({
  picture("Four minima, twelve starts", 5):contour(himmelblau, look)
    :paths(paths, {minimum = minima}),
  picture("A saddle", 1.5):contour(saddle, look):paths(saddles),
}, {out = opt.out .. "/05_nonconvex.svg"})

-- Try: --lr 0.02: the starts that vanish from the counts bounce for ever, or have flown away. Put
-- your own function in himmelblau's place, nn.sin(x) * nn.cos(y) for one.
