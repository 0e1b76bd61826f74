-- 14. Handwritten digits by a small network: the chapter put together.
--
--   nnlua examples/chapter/14_digits.lua [--folder mnist] [--hidden 15] [--epochs 0] [--out folder]
--
-- With a folder that holds MNIST's four files: 28 x 28 pixels, the chapter's 784-15-10 network,
-- 60,000 images. Without: the 1,797 digits of 8 x 8 pixels that come with nnlua, 64-15-10.
local nn = require "nn"
local opt = nn.args {folder = "", hidden = 15, epochs = 0, lr = 0, out = ".", seed = 0}
nn.seed(opt.seed)

local all, test
if opt.folder ~= "" then
  all, test = nn.data.mnist(opt.folder)
else
  all, test = nn.data.digits():split {0.85, 0.15, seed = opt.seed}
end
local train, val = all:split {0.85, 0.15, seed = opt.seed}
local large = #train > 10000
local lr = opt.lr > 0 and opt.lr or large and 3e-3 or 2e-2
local pixels = train.x:size(3) * train.x:size(4)

local model = nn.Sequential {
  nn.Flatten(), nn.Linear(pixels, opt.hidden), nn.Sigmoid(), nn.Linear(opt.hidden, 10),
}
print(model:summary(1, train.x:size(3), train.x:size(4)))

local history = nn.fit(model, train, {
  validation = val,
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = lr}),
  epochs = opt.epochs > 0 and opt.epochs or large and 15 or 60,
  batch_size = large and 64 or 32,
  metrics = {"accuracy"},
  callbacks = {nn.EarlyStopping {monitor = "val_loss", patience = 8}},
})
local best = history:best "val_loss"
print(("%d images to learn from, %d to watch, %d to test with"):format(#train, #val, #test))
print(("best epoch %d of %d: validation accuracy %.2f %%"):format(best.epoch, #history,
  100 * best.val_accuracy))

local result = nn.evaluate(model, test, {metrics = {"accuracy", "confusion"}})
print(("accuracy on the test part, opened once: %.2f %%"):format(100 * result.accuracy))

-- Which digits does it take for which?
local worst, truth, answer = 0, nil, nil
for i = 1, 10 do
  for j = 1, 10 do
    local count = result.confusion[i][j]
    if i ~= j and count > worst then
      worst, truth, answer = count, test.classes[i], test.classes[j]
    end
  end
end
if truth then
  print(("most often, %d times, a %s is taken for a %s"):format(worst, truth, answer))
end

nn.plot.grid({
  nn.plot {title = "Mistakes: truth and answer"}:mistakes(model, test, {count = 12}),
  nn.plot {title = "Confusion"}:confusion(result.confusion, {classes = test.classes}),
  nn.plot {title = "What the hidden units look for"}:images(model[2].weight, {columns = 5}),
}, {columns = 3, width = 1500, height = 460, out = opt.out .. "/14_digits.svg"})

-- Try: --hidden 100. Put nn.Tanh() or nn.ReLU() in the Sigmoid's place; add nn.Dropout(0.2).
