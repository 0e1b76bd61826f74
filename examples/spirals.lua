-- Two spirals that wind around each other: a hard boundary for a small network.
--
--   nnlua examples/spirals.lua [--hidden 16] [--epochs 1000] [--classes 2] [--out folder]
local nn = require "nn"
local opt = nn.args {hidden = 16, epochs = 1000, classes = 2, out = ".", seed = 0}
nn.seed(opt.seed)

local function points(seed)
  return nn.data.spirals {n = 200 * opt.classes, classes = opt.classes, noise = 0.02, seed = seed}
end
local train, test = points(opt.seed + 1), points(opt.seed + 2)

local model = nn.Sequential {
  nn.Linear(2, opt.hidden), nn.Tanh(),
  nn.Linear(opt.hidden, opt.hidden), nn.Tanh(),
  nn.Linear(opt.hidden, opt.classes),
}
print(("%d parameters, %d points"):format(model:parameter_count(), #train))

local history = nn.fit(model, train, {
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}),
  epochs = opt.epochs,
  metrics = {"accuracy"},
})
local seen = nn.evaluate(model, train, {metrics = {"accuracy"}}).accuracy
local fresh = nn.evaluate(model, test, {metrics = {"accuracy"}}).accuracy
print(("loss %.4f; accuracy %.1f %% on these points, %.1f %% on new ones"):format(
  history[#history].loss, 100 * seen, 100 * fresh))

nn.plot {title = "Two spirals, learnt"}:boundary(model, test):save(opt.out .. "/spirals.svg")
