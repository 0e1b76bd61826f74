-- A recurrent network that reads handwritten digits row by row: each row of an image is a step of
-- the LSTM, and the state after the last one tells the digit. MNIST where its folder is given, else
-- the 1,797 embedded digits of 8x8 pixels. Three epochs of MNIST reach 96.5 % or more.
--
--   nnlua examples/mnist_lstm.lua [--folder data/mnist] [--epochs 3] [--seed 0] [--quick]
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
local epochs = opt.epochs > 0 and opt.epochs or opt.quick and 2 or large and 3 or 20

local Reader = nn.Module:extend "Reader"

function Reader:init(columns, hidden, classes)
  self.lstm = nn.LSTM(columns, hidden)
  self.fc = nn.Linear(hidden, classes)
end

-- x: N x 1 x rows x columns
function Reader:forward(x)
  local steps = self.lstm(x:squeeze(2)) -- N x rows x hidden, the state after every row
  return self.fc(steps:select(2, -1))
end

local model = Reader(train.x:size(4), 128, 10)
print(model:summary(train.x:size(2), train.x:size(3), train.x:size(4)))

nn.fit(model, train, {
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = large and 2e-3 or 5e-3}),
  epochs = epochs, batch_size = large and 128 or 32,
  metrics = {"accuracy"}, progress = true,
})
local result = nn.evaluate(model, test, {metrics = {"accuracy"}})
print(("accuracy on %d digits it has not seen: %.2f %%"):format(#test, 100 * result.accuracy))
