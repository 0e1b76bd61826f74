-- 12. Dropout: units that are missing at random cannot rely on each other.
--
--   nnlua examples/chapter/12_dropout.lua [--p 0.5] [--epochs 120] [--seeds 3] [--out folder]
--
-- While training, each hidden unit is switched off with probability p, anew for each sample, and
-- the others are scaled by 1/(1-p), so that sums stay as they were on average. When the network is
-- used, all units work. So the loss in training (with holes) may be above that in validation.
local nn = require "nn"
local opt = nn.args {p = 0.5, epochs = 120, samples = 200, seeds = 3, out = ".", seed = 0}

-- What the layer does, on ones: holes and twos in training, nothing in use.
nn.seed(opt.seed)
local drop = nn.Dropout(opt.p)
print("in training", table.concat(drop(nn.ones(10)):totable(), " "))
print("the mean of 100,000", ("%.2f"):format(drop(nn.ones(100000)):mean():item()))
print("in use", table.concat(drop:eval()(nn.ones(10)):totable(), " "))

local loss = nn.CrossEntropyLoss()
local function learn(p, seed)
  local train, val = nn.data.digits():split {opt.samples, 1797 - opt.samples, seed = seed}
  nn.seed(seed)
  local model = nn.Sequential {
    nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(p),
    nn.Linear(128, 128), nn.ReLU(), nn.Dropout(p), nn.Linear(128, 10),
  }
  local history = nn.fit(model, train, {
    validation = val, loss = loss, metrics = {"accuracy"}, epochs = opt.epochs,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.002}),
  })
  return history, nn.evaluate(model, train, {loss = loss}).loss -- the latter without holes
end

-- One run says little: what dropout gains is as large as the luck of one seed.
print(("\n%d digits to learn from, %d to ask about, means of %d seeds"):format(opt.samples,
  1797 - opt.samples, opt.seeds))
print "dropout   loss in training   the same without holes   val_loss   val_accuracy"
local training, validation, names = {}, {}, {}
for _, p in ipairs {0, 0.2, opt.p} do
  local name = ("p = %g"):format(p)
  local a, b, whole, accuracy = {}, {}, 0, 0
  for seed = opt.seed, opt.seed + opt.seeds - 1 do
    local history, clean = learn(p, seed)
    for i, record in ipairs(history) do
      a[i] = (a[i] or 0) + record.loss / opt.seeds
      b[i] = (b[i] or 0) + record.val_loss / opt.seeds
    end
    whole = whole + clean / opt.seeds
    accuracy = accuracy + history[#history].val_accuracy / opt.seeds
  end
  print(("%6.0f %%   %16.5f   %22.5f   %8.4f   %10.1f %%"):format(100 * p, a[#a], whole, b[#b],
    100 * accuracy))
  names[#names + 1], training[name], validation[name] = name, a, b
end

nn.plot.grid({
  nn.plot {title = "Training loss", xlabel = "epoch", ylog = true, legend = names}:line(training),
  nn.plot {title = "Validation loss", xlabel = "epoch", legend = names}:line(validation),
}, {out = opt.out .. "/12_dropout.svg"})

-- Try: --p 0.8, then --samples 1500. With enough data there is less to cure.
