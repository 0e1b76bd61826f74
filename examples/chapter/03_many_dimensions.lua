-- 3. Many dimensions: a weight for each input, and the bias as one more weight.
--
--   nnlua examples/chapter/03_many_dimensions.lua [--features 10] [--out folder] [--seed 0]
--
-- With N inputs the line becomes f(x) = b + w1 x1 + ... + wN xN. Give every sample one more input
-- that is always 1, and the bias is that input's weight: one rule for all of them.
local nn = require "nn"
local opt = nn.args {features = 10, out = ".", seed = 0}

local data = nn.data.regression {n = 200, features = opt.features, noise = 0.5, seed = opt.seed}
local x, y = data.x:to "float64", data.y:to "float64"

-- The bias apart, and the bias as a weight.
local w, b = nn.ols(x, y)
local with_ones = nn.cat({x, nn.ones(#x, 1, {dtype = "float64"})}, 2)
local all = nn.ols(with_ones, y, {intercept = false})

local function mse(weights) return ((with_ones:matmul(weights) - y) ^ 2):mean():item() end

print "weight   by least squares   with ones   what made the data"
for i = 1, opt.features + 1 do
  local bias = i > opt.features
  print(("%6s   %16.6f   %9.6f   %18.6f"):format(bias and "bias" or "w" .. i,
    bias and b:item() or w[i][1], all[i][1], bias and data.bias[1] or data.weights[i][1]))
end
local ones = nn.cat({w, b:view(1, 1)})
print(("\nlargest difference of the two forms: %.1e; MSE %.4f"):format(
  (ones - all):abs():max():item(), mse(all)))

-- A surface over N + 1 weights cannot be drawn, but a cut through it can: one weight moves, the
-- others stay. Every cut is a parabola, and all have their lowest point at the same weights.
local cuts, least = {}, mse(all)
local moves = nn.linspace(-1, 1, 41, {dtype = "float64"}):totable()
for i = 1, opt.features + 1 do
  local cut = {}
  for k, move in ipairs(moves) do
    local moved = all:clone()
    moved[i][1] = moved[i][1] + move
    cut[k] = mse(moved)
  end
  cuts[i <= opt.features and "w" .. i or "bias"] = {x = moves, y = cut}
  assert(cut[21] <= least + 1e-12)
end

-- How many weights? A layer from n units to m has n m, and a bias for each of its m units.
print "\nnetwork        weights   biases   in all"
for _, sizes in ipairs {{2, 1}, {2, 3, 1}, {784, 15, 10}, {784, 512, 512, 10}} do
  local model, weights = nn.Sequential {}, 0
  for k = 1, #sizes - 1 do
    model:add(nn.Linear(sizes[k], sizes[k + 1]))
    model:add(nn.Sigmoid()) -- 1 / (1 + e^-z): without it, layers of lines are one line
    weights = weights + model[2 * k - 1].weight:numel()
  end
  local total = model:parameter_count()
  print(("%-13s  %7d   %6d   %6d"):format(table.concat(sizes, "-"), weights, total - weights,
    total))
end

nn.plot {title = "The loss along each weight", xlabel = "distance from the best", ylabel = "MSE",
  legend = false}:line(cuts):save(opt.out .. "/03_many_dimensions.svg")

-- Try: --features 100. And take fewer samples than weights (n = 50 above): what does MSE become,
-- and are the weights still those that made the data?
