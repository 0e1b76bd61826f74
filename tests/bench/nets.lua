-- bench/nets.lua: the works of steps.lua with convolutions and recurrence, on data of MNIST's
-- shape. Each makes what the works there make; `steps`, where there is one, drives it instead.

local nn = require "nn"

local ROWS = 512

local function images(...)
  nn.seed(1)
  return nn.rand(ROWS, ...):sub_(0.8):relu_():mul_(5), nn.randint(1, 10, {ROWS})
end

local function cnn()
  return nn.Sequential{nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
    nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(),
    nn.Dropout(0.5), nn.Linear(128, 10)}
end

local function lenet()
  return nn.Sequential{nn.Conv2d(1, 6, 5, {padding = 2}), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(),
    nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)}
end

local Reader = nn.Module:extend "Reader"

function Reader:init()
  self.lstm, self.fc = nn.LSTM(28, 128), nn.Linear(128, 10)
end

function Reader:forward(x) return self.fc(self.lstm(x):select(2, -1)) end

local function work(model, optimizer, batch, x, y)
  return {model = model, loss = nn.CrossEntropyLoss(), optimizer = optimizer, x = x, y = y,
    batch = batch}
end

local nets = {}

function nets.cnn(batch)
  local model = cnn()
  return work(model, nn.optim.Adam(model:parameters(), {lr = 1e-3}), batch, images(1, 28, 28))
end

nets["cnn-inference"] = function(batch)
  local model, at = cnn():eval(), 1
  local x = images(1, 28, 28)
  return {steps = function(n)
    for _ = 1, n do
      nn.no_grad(model, x:narrow(1, at, batch))
      at = at + 2 * batch - 1 <= ROWS and at + batch or 1
    end
    return n
  end}
end

function nets.lenet(batch)
  local model = lenet()
  return work(model, nn.optim.SGD(model:parameters(), {lr = 0.01, momentum = 0.9}), batch,
    images(1, 28, 28))
end

function nets.lstm(batch)
  local model = Reader()
  return work(model, nn.optim.Adam(model:parameters(), {lr = 1e-3}), batch, images(28, 28))
end

return nets
