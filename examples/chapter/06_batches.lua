-- 6. Batch, stochastic and mini-batch gradient descent: how many samples for one step?
--
--   nnlua examples/chapter/06_batches.lua [--epochs 10] [--out folder] [--seed 0]
--
-- The gradient over all n samples is exact and dear; over one sample it is cheap and noisy; over a
-- mini-batch of K it is in between. An epoch is one pass over the data, in a new random order, and
-- has ceil(n / K) steps; the last batch may be smaller, and counts by its samples.
local nn = require "nn"
local opt = nn.args {epochs = 10, out = ".", seed = 0}

local train, val = nn.data.digits():split {0.8, 0.2, seed = opt.seed}
local scale = nn.data.Standardize():fit(train)
train, val = scale(train), scale(val)

local function network()
  nn.seed(opt.seed) -- the same initial weights for each
  return nn.Sequential {nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10)}
end

-- How far the gradient of K random samples is from that of all, relative to its length.
local model, loss = network(), nn.CrossEntropyLoss()
local function gradient(ds)
  model:zero_grad()
  loss(model(ds.x), ds.y):backward()
  local list = {}
  for i, p in ipairs(model:parameters()) do list[i] = p.grad:clone():view(-1) end
  return nn.cat(list)
end
local function noise(k)
  local exact, sum = gradient(train), 0
  for _ = 1, 50 do
    local rows = nn.randperm(#train):narrow(1, 1, k)
    sum = sum + (gradient(train:subset(rows)) - exact):norm():item() ^ 2
  end
  return (sum / 50) ^ 0.5 / exact:norm():item()
end

print(("%d samples, %d epochs"):format(#train, opt.epochs))
print "batch   steps   noise of a gradient    loss   validation accuracy   seconds"
local curves, by_time, names = {}, {}, {}
for _, k in ipairs {1, 10, 100, #train} do
  model = network()
  local error = noise(k)
  local history = nn.fit(model, train, {
    validation = val, loss = loss, metrics = {"accuracy"},
    optimizer = nn.optim.SGD(model:parameters(), {lr = 0.02 * math.min(k, 10) ^ 0.5}),
    epochs = opt.epochs, batch_size = k,
  })
  local last, seconds, name = history[#history], 0, k == #train and "all" or tostring(k)
  names[#names + 1], curves[name], by_time[name] = name, {}, {x = {}, y = {}}
  for i, record in ipairs(history) do
    seconds = seconds + record.seconds
    curves[name][i] = record.loss
    by_time[name].x[i], by_time[name].y[i] = i * math.ceil(#train / k), record.loss
  end
  print(("%5s  %6d   %19.2f  %6.4f   %18.1f %%   %7.2f"):format(name,
    opt.epochs * math.ceil(#train / k), error, last.loss, 100 * last.val_accuracy, seconds))
end
nn.plot.grid({
  nn.plot {title = "By epochs: the work", xlabel = "epoch", ylabel = "loss", ylog = true,
    legend = names}:line(curves),
  nn.plot {title = "By steps", xlabel = "step", ylabel = "loss", xlog = true, ylog = true,
    legend = names}:line(by_time),
}, {out = opt.out .. "/06_batches.svg"})

-- Try: the rate here grows with the root of the batch, up to 10. Give all of them 0.5 and see which
-- bear it. Then give "all" as many steps as mini-batches of 10 had: --epochs 1440.
