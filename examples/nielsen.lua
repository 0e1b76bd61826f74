-- The experiments of Michael Nielsen's "Neural Networks and Deep Learning", chapters 1 and 3, on
-- MNIST: the same nets, costs, rates and starting weights as in his book.
--
--   nnlua examples/nielsen.lua --data folder [--run NAME | all] [--epochs N] [--seed N]
--
--   quadratic      784-30-10, quadratic cost, rate 3, batches of 10, 30 epochs
--   cross-entropy  784-100-10, cross-entropy, L2, starting weights scaled by 1/sqrt(inputs)
--   small          784-30-10 learns from 1,000 images alone, for 400 epochs: it overfits
--   small-l2       the same with L2
local nn = require "nn"

local opt = nn.args {data = "", run = "all", epochs = 0, seed = 0}

-- `rate` is his eta, `lambda` his L2 in (lambda/2n) sum w^2, n the number of training images.
local runs = {
  quadratic = {hidden = 30, cost = "quadratic", rate = 3, epochs = 30, book = "test 95.4 %"},
  ["cross-entropy"] = {hidden = 100, rate = 0.1, lambda = 5, scaled = true, epochs = 30,
    book = "best validation 97.8 %"},
  small = {hidden = 30, rate = 0.5, images = 1000, epochs = 400, book = "best test 82.3 %"},
  ["small-l2"] = {hidden = 30, rate = 0.5, lambda = 0.1, images = 1000, epochs = 400,
    book = "best test 87.1 %"},
}
local order = {"quadratic", "cross-entropy", "small", "small-l2"}

-- Ten outputs, one for each digit: the targets are rows like 0 0 1 0 0 0 0 0 0 0.
local function one_hot(ds, last)
  local rows = nn.range(1, last or #ds):to "int64"
  return nn.data.tensors(ds.x[rows]:reshape(#rows, 784), nn.one_hot(ds.y[rows], 10))
end

-- Weights and biases from N(0, 1), or weights from N(0, 1/sqrt(inputs)).
local function start(layer, scaled)
  nn.init.normal(layer.weight, {std = scaled and layer.weight:size(2) ^ -0.5 or 1})
  nn.init.normal(layer.bias)
  return layer
end

local function run(name, train, test)
  local r = runs[name]
  nn.seed(opt.seed)
  local watch = nn.data.tensors(train.x:narrow(1, 50001, 10000), train.y:narrow(1, 50001, 10000))
  local data, validation = one_hot(train, r.images or 50000), one_hot(watch)
  local model = nn.Sequential {
    start(nn.Linear(784, r.hidden), r.scaled), nn.Sigmoid(),
    start(nn.Linear(r.hidden, 10), r.scaled),
  }
  -- His costs add up over the ten outputs, ours are means over them: so the rate is scaled, by 10,
  -- or by 5 for his half of the squares.
  local scale, loss = 10, nn.BCEWithLogitsLoss()
  if r.cost == "quadratic" then
    scale, loss = 5, nn.MSELoss()
    model:add(nn.Sigmoid())
  end
  local history = nn.fit(model, data, {
    validation = validation, loss = loss, metrics = {"accuracy"}, batch_size = 10,
    optimizer = nn.optim.SGD(model:parameters(), {lr = r.rate * scale}),
    l2 = (r.lambda or 0) / #data / scale,
    epochs = opt.epochs > 0 and opt.epochs or r.epochs,
  })
  local best = history:best "val_accuracy"
  local tested = nn.evaluate(model, one_hot(test), {metrics = {"accuracy"}})
  local seconds = 0
  for _, record in ipairs(history) do seconds = seconds + record.seconds end
  print(("%-14s training %6.2f %%, validation %5.2f %% (best %5.2f %%, epoch %d), test %5.2f %%, "
    .. "%.0f s; the book: %s"):format(name, 100 * history[#history].accuracy,
    100 * history[#history].val_accuracy, 100 * best.val_accuracy, best.epoch,
    100 * tested.accuracy, seconds, r.book))
end

assert(opt.data ~= "", "--data: the folder with MNIST's four files")
local train, test = nn.data.mnist(opt.data)
for _, name in ipairs(order) do
  if opt.run == "all" or opt.run == name then run(name, train, test) end
end
