-- 10. Training, validation and test parts, k folds, and how not to fool yourself.
--
--   nnlua examples/chapter/10_validation.lua [--folds 10] [--tries 300] [--out folder] [--seed 0]
--
-- Weights are learnt from the training part; everything else that is chosen (sizes, rates, when to
-- stop) is chosen by the validation part; the test part is opened once, at the end.
local nn = require "nn"
local opt = nn.args {folds = 10, tries = 300, epochs = 40, out = ".", seed = 0}

local all = nn.data.moons {n = 400, noise = 0.25, seed = opt.seed}
local work, test = all:split {0.8, 0.2, seed = opt.seed}

local function learn(hidden, train, val)
  nn.seed(opt.seed)
  local model = nn.Sequential {nn.Linear(2, hidden), nn.Tanh(), nn.Linear(hidden, 2)}
  nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = opt.epochs, batch_size = 16,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.03})})
  return val and nn.evaluate(model, val, {metrics = {"accuracy"}}).accuracy, model
end

-- k folds: k equal parts; each in turn is the validation part, the others train. Small data needs
-- it: the same net differs much from fold to fold, and the mean is what we compare.
local folds = work:kfold(opt.folds, {seed = opt.seed})
print(("hidden   mean of %d folds   worst   best"):format(opt.folds))
local best, chosen, x, y, low, high = 0, nil, {}, {}, {}, {}
for _, hidden in ipairs {1, 2, 4, 8, 16, 32} do
  local sum, least, most = 0, 1, 0
  for _, fold in ipairs(folds) do
    local accuracy = learn(hidden, fold.train, fold.val)
    sum, least, most = sum + accuracy, math.min(least, accuracy), math.max(most, accuracy)
  end
  local mean = sum / #folds
  print(("%6d   %15.1f %%   %3.0f %%  %3.0f %%"):format(hidden, 100 * mean, 100 * least,
    100 * most))
  if mean > best then best, chosen = mean, hidden end
  x[#x + 1], y[#y + 1], low[#low + 1], high[#high + 1] = hidden, mean, least, most
end

-- Chosen: now learn from all of the working part, and open the test part, once.
local accuracy, model = learn(chosen, work, test)
print(("\nchosen: %d hidden units, %.1f %% by the folds, %.1f %% on the test part"):format(chosen,
  100 * best, 100 * accuracy))

-- How to fool yourself: labels by the toss of a coin, from which nothing can be learnt. Try many
-- random classifiers, keep the one that is best on the validation part, and believe that number.
nn.seed(opt.seed)
local function coins(n)
  return nn.data.tensors(nn.randn(n, 10), nn.randint(1, 2, {n}), {classes = {"heads", "tails"}})
end
local val, fresh = coins(50), coins(5000)
local lucky, luckiest = 0, nil
for _ = 1, opt.tries do
  local guess = nn.Linear(10, 2)
  local result = nn.evaluate(guess, val, {metrics = {"accuracy"}}).accuracy
  if result > lucky then lucky, luckiest = result, guess end
end
local truly = nn.evaluate(luckiest, fresh, {metrics = {"accuracy"}}).accuracy
print(("the best of %d random classifiers on 50 coins: %.0f %%; on 5000 fresh ones: %.1f %%")
  :format(opt.tries, 100 * lucky, 100 * truly))

nn.plot.grid({
  nn.plot {title = "Accuracy over the folds", xlabel = "hidden units", xlog = true}
    :line({["mean, worst, best"] = {x = x, y = y, low = low, high = high}}, {points = true}),
  nn.plot {title = ("The test part, %d hidden units"):format(chosen)}:boundary(model, test),
}, {out = opt.out .. "/10_validation.svg"})

-- Try: --tries 10, then 3000. And --epochs 400 with noise = 0.4: what do 32 hidden units do now?
