-- A loss of one's own: a function of prediction and target. Here it asks for quantiles.
--
--   nnlua examples/custom_loss.lua [--epochs 300] [--out folder] [--seed 0]
--
-- Squared errors give the mean. Let errors below cost q and errors above 1 - q, and the answer is
-- the value that a share q of the targets lies under: a band that says how sure one can be.
local nn = require "nn"
local opt = nn.args {epochs = 300, out = ".", seed = 0}
nn.seed(opt.seed)

-- y = sin x with noise that grows with x.
local function draw(n)
  local x = nn.rand(n, 1) * 6
  return nn.data.tensors(x, x:sin() + nn.randn(n, 1) * (x * 0.1 + 0.05))
end
local train, test = draw(1000), draw(2000)

local function quantile(q)
  return function(prediction, target)
    local error = target - prediction
    return nn.maximum(error * q, error * (q - 1)):mean()
  end
end

local x = nn.linspace(0, 6, 200):view(-1, 1)
local lines = {}
print "asked   targets below, of those it has not seen"
for _, q in ipairs {0.1, 0.5, 0.9} do
  local model = nn.Sequential {nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(),
    nn.Linear(32, 1)}
  nn.fit(model, train, {loss = quantile(q), epochs = opt.epochs, batch_size = 50,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 3e-3})})
  local below = test.y:lt(model:predict(test.x)):to("float32"):mean():item()
  print(("%4.0f %%   %.1f %%"):format(100 * q, 100 * below))
  lines[q] = model:predict(x):view(-1)
end

nn.plot {title = "Half of the points below the line, 80 % within the band"}
  :scatter(test, {size = 1.5, color = "grey"})
  :line({["10 % to 90 %"] = {x = x:view(-1), y = lines[0.5], low = lines[0.1], high = lines[0.9]}})
  :save(opt.out .. "/custom_loss.svg")
