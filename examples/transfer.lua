-- Transfer: a network that reads digits learns another question about them from few answers.
--
--   nnlua examples/transfer.lua [--few 30] [--out folder] [--seed 0]
--
-- It learns ten digits from many pictures. Then it is frozen, and a new layer on top of it learns
-- to tell odd from even by a handful of pictures; beside it the same network, all from scratch.
local nn = require "nn"
local opt = nn.args {few = 30, epochs = 200, seeds = 3, out = ".", seed = 0}

local function reader()
  return nn.Sequential {nn.Conv2d(1, 16, 3, {padding = 1}), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, {padding = 1}), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
    nn.Linear(128, 10)}
end
local function learn(model, data, epochs)
  nn.fit(model, data, {loss = nn.CrossEntropyLoss(), epochs = epochs, batch_size = 16,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 3e-3})})
  return model
end
local function accuracy(model, data)
  return nn.evaluate(model, data, {metrics = {"accuracy"}}).accuracy
end
-- The label of digit d is d + 1; odd digits get the label 2, even ones 1.
local function parity(ds)
  return nn.data.tensors(ds.x, (ds.y - 1) % 2 + 1, {classes = {"even", "odd"}})
end

print(("odd or even, learnt from %d pictures:"):format(opt.few))
print "           ten digits   frozen + new layer   from scratch"
local frozen, scratch = 0, 0
for seed = opt.seed, opt.seed + opt.seeds - 1 do
  nn.seed(seed)
  local many, few, test = nn.data.digits():split {800, opt.few, 997 - opt.few, seed = seed}
  local body = learn(reader(), many, 15)

  body:requires_grad_(false) -- no gradients, so no optimizer moves it
  local before = body[1].weight:clone()
  local on_top = nn.Sequential {body, nn.Softmax(), nn.Linear(10, 2)}
  local moved = learn(on_top, parity(few), opt.epochs)
  assert(nn.equal(before, body[1].weight))
  local whole = nn.Sequential {reader(), nn.Softmax(), nn.Linear(10, 2)}
  local anew = learn(whole, parity(few), opt.epochs)

  local a, b = accuracy(moved, parity(test)), accuracy(anew, parity(test))
  print(("seed %d       %6.1f %%   %16.1f %%   %10.1f %%"):format(seed,
    100 * accuracy(body, test), 100 * a, 100 * b))
  frozen, scratch = frozen + a / opt.seeds, scratch + b / opt.seeds
end
print(("mean                    %16.1f %%   %10.1f %%"):format(100 * frozen, 100 * scratch))

nn.plot {title = ("Odd or even from %d pictures"):format(opt.few), ylabel = "accuracy in %"}
  :bar {{"transfer", 100 * frozen}, {"from scratch", 100 * scratch}}
  :save(opt.out .. "/transfer.svg")
