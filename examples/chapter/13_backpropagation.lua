-- 13. Backpropagation against finite differences: the same gradient, at another price.
--
--   nnlua examples/chapter/13_backpropagation.lua [--largest 64] [--out folder]
--
-- The slow way moves each of N weights by e and sees how the loss changes, (J(w + e) - J(w)) / e: N
-- + 1 passes. Backpropagation, the chain rule from the loss backward, needs one there and one back.
local nn = require "nn"
local opt = nn.args {largest = 64, out = "."}
nn.set_default_dtype "float64" -- differences of nearly equal numbers need all digits

local x, y, mse = nn.randn(16, 8), nn.randn(16, 4), nn.MSELoss()

local function network(hidden)
  return nn.Sequential {nn.Linear(8, hidden), nn.Tanh(), nn.Linear(hidden, 4)}
end
-- All slopes as one long list. `both`: (J(w + e) - J(w - e)) / 2e, exact to e^2, one side to e.
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
        local function at(v) w[i] = v; return mse(model(x), y):item() end
        all[#all + 1] = both and (at(old + e) - at(old - e)) / (2 * e) or (at(old + e) - middle) / e
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
  local e = 10 ^ -k
  es[k], one[k] = e, (differences(model, e) - exact):abs():max():item()
  two[k] = (differences(model, e, true) - exact):abs():max():item()
  print(("  1e%-4d   %19.1e   %15.1e"):format(-k, one[k], two[k]))
end
print(("nn.gradcheck says %s\n"):format(nn.gradcheck(model, {x})))

local function seconds(f, net)
  local times, start = 0, nn.time()
  repeat
    f(net, 1e-6)
    times = times + 1
  until nn.time() - start > 0.05
  return (nn.time() - start) / times
end
print " weights   passes, slow way   times as long as backpropagation"
local n, ratio, hidden = {}, {}, 1
while hidden <= opt.largest do
  model = network(hidden)
  n[#n + 1] = model:parameter_count()
  ratio[#ratio + 1] = seconds(differences, model) / seconds(backward, model)
  print(("%8d   %16d   %32.0f"):format(n[#n], n[#n] + 1, ratio[#ratio]))
  hidden = hidden * 2
end
nn.plot.grid({
  nn.plot {title = "Errors of finite differences", xlabel = "e", xlog = true, ylog = true}
    :line {["one side"] = {x = es, y = one}, ["both sides"] = {x = es, y = two}},
  nn.plot {title = "Price", xlabel = "weights", ylabel = "times backpropagation", xlog = true,
    ylog = true}:line({x = n, y = ratio}, {points = true}),
}, {out = opt.out .. "/13_backpropagation.svg"})

-- Try: "float32" for "float64" above. Why is a small e bad, and why is float32 worse?
