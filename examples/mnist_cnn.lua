-- A convolutional network that reads handwritten digits: MNIST where its folder is given, else the
-- 1,797 embedded ones of 8x8 pixels.
--
--   nnlua examples/mnist_cnn.lua [--data folder] [--seed 0] [--epochs 15] [--lr 0.001] [--batch 64]
local nn = require "nn"

local opt = nn.args {data = "", seed = 0, epochs = 0, lr = 0.001, batch = 64}
nn.seed(opt.seed)

local train, test
if opt.data ~= "" and nn.data.mnist then
  train, test = nn.data.mnist(opt.data)
else
  train, test = nn.data.digits():split {0.85, 0.15}
  print "the embedded digits of 8x8 pixels, not MNIST"
end
if opt.epochs == 0 then opt.epochs = #train > 10000 and 3 or 15 end

-- Two convolutions of 3x3 and a pool of 2x2 leave (side - 4) // 2 places a side.
local side = train.x:size(3)
local places = ((side - 4) // 2) * ((side - 4) // 2)

local model = nn.Sequential {
  nn.Conv2d(1, 32, 3), nn.ReLU(),
  nn.Conv2d(32, 64, 3), nn.ReLU(),
  nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(),
  nn.Linear(64 * places, 128), nn.ReLU(), nn.Dropout(0.5),
  nn.Linear(128, #train.classes),
}
print(model)

nn.fit(model, train, {
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = opt.lr}),
  epochs = opt.epochs,
  batch_size = opt.batch,
  metrics = {"accuracy"},
  progress = true,
})
print(("test accuracy: %.4f"):format(nn.evaluate(model, test, {metrics = {"accuracy"}}).accuracy))
