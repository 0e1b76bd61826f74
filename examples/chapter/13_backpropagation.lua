-- 13. Backpropagation against finite differences: the same gradient, at another price.
--
--   nnlua examples/chapter/13_backpropagation.lua [--largest 64] [--out folder] [--seed 0]
--
-- The slow way: move one weight by e, see how the loss changes, (J(w + e) - J(w)) / e, for each of
-- the N weights: N + 1 passes through the network. Backpropagation applies the chain rule from the
-- loss backward, and gives all N slopes in one pass forward and one back.
local nn = require "nn"
local opt = nn.args {largest = 64, out = ".", seed = 0}
nn.seed(opt.seed)
nn.set_default_dtype "float64" -- differences of nearly equal numbers need all digits

local x, y, mse = nn.randn(16, 8), nn.randn(16, 4), nn.MSELoss()
local function network(hidden)
  return nn.Sequential {nn.Linear(8, hidden), nn.Tanh(), nn.Linear(hidden, 4)}
end

-- Both gradients of all weights, as one long list each. `both` takes the slope from both sides,
-- (J(w + e) - J(w - e)) / 2e, which is exact to e^2 where one side is to e.
local function backward(model)
  model:zero_grad()
  mse(model(x), y):backward()
  local all = {}
  for i, p in ipairs(model:parameters()) do all[i] = p.grad:view(-1) end
  return nn.cat(all)
end

local function differences(model, e, both)
  local all = {}
  nn.no_grad(function()
    local middle = mse(model(x), y):item()
    for _, p in ipairs(model:parameters()) do
      local w = p:detach():view(-1) -- the same numbers in a row: a change here is one in the model
      for i = 1, #w do
        local old = w[i]
        w[i] = old + e
        local above = mse(model(x), y):item()
        w[i] = old - e
        all[#all + 1] = both and (above - mse(model(x), y):item()) / (2 * e) or (above - middle) / e
        w[i] = old
      end
    end
  end)
  return nn.tensor(all)
end

local model = network(10)
local exact = backward(model)
print "        e   error from one side   from both sides"
local es, one, two = {}, {}, {}
for k = 1, 10 do
  es[k] = 10 ^ -k
  one[k] = (differences(model, es[k]) - exact):abs():max():item()
  two[k] = (differences(model, es[k], true) - exact):abs():max():item()
  print(("  1e%-4d   %19.1e   %15.1e"):format(-k, one[k], two[k]))
end
print(("nn.gradcheck says %s\n"):format(nn.gradcheck(model, {x})))

local function seconds(f, model_)
  local times = 0
  local start = nn.time()
  repeat
    f(model_, 1e-6)
    times = times + 1
  until nn.time() - start > 0.05
  return (nn.time() - start) / times
end

print " weights   passes, slow way   times as long as backpropagation"
local n, ratio = {}, {}
local hidden = 1
while hidden <= opt.largest do
  model = network(hidden)
  n[#n + 1] = model:parameter_count()
  ratio[#ratio + 1] = seconds(differences, model) / seconds(backward, model)
  print(("%8d   %16d   %32.0f"):format(n[#n], n[#n] + 1, ratio[#ratio]))
  hidden = hidden * 2
end
nn.plot.grid({
  nn.plot {title = "Errors of finite differences", xlabel = "e", ylabel = "largest error", xlog = true,
    ylog = true}:line({["one side"] = {x = es, y = one}, ["both sides"] = {x = es, y = two}}),
  nn.plot {title = "Price", xlabel = "weights", ylabel = "times backpropagation", xlog = true,
    ylog = true}:line({x = n, y = ratio}, {points = true}),
}, {out = opt.out .. "/13_backpropagation.svg"})

-- Try: nn.set_default_dtype "float32". Why is small e bad, and why is float32 worse?
