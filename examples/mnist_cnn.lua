-- A convolutional network that reads handwritten digits: MNIST where its folder is given, else the
-- 1,797 embedded ones of 8x8 pixels. Three epochs of MNIST reach 98.5 % or more.
--
--   nnlua examples/mnist_cnn.lua [--folder data/mnist] [--epochs 3] [--seed 0] [--quick]
local nn = require "nn"

local opt = nn.args {folder = "", epochs = 0, seed = 0, quick = false}
nn.seed(opt.seed)

local train, test
if opt.folder ~= "" then
  train, test = nn.data.mnist(opt.folder)
else
  train, test = nn.data.digits():split {0.85, 0.15, seed = opt.seed}
  print "no MNIST folder: the embedded digits of 8x8 pixels"
end
local large = #train > 10000
local epochs = opt.epochs > 0 and opt.epochs or opt.quick and 1 or large and 3 or 15

-- Two convolutions of 3x3 and a pool of 2x2 leave (side - 4) // 2 places a side.
local places = (train.x:size(3) - 4) // 2

local model = nn.Sequential {
  nn.Conv2d(1, 32, 3), nn.ReLU(),
  nn.Conv2d(32, 64, 3), nn.ReLU(),
  nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
  nn.Linear(64 * places * places, 128), nn.ReLU(), nn.Dropout(0.5),
  nn.Linear(128, 10),
}
print(model:summary(train.x:size(2), train.x:size(3), train.x:size(4)))

nn.fit(model, train, {
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = 1e-3}),
  epochs = epochs, batch_size = 64,
  metrics = {"accuracy"}, progress = true,
})
local result = nn.evaluate(model, test, {metrics = {"accuracy"}})
print(("accuracy on %d digits it has not seen: %.2f %%"):format(#test, 100 * result.accuracy))
