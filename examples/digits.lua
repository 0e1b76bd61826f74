-- Learns to read handwritten digits: 1,797 real ones of 8x8 pixels, in a few seconds.
--
--   nnlua examples/digits.lua [--seed 0] [--epochs 60] [--hidden 128] [--dropout 0.3] [--lr 0.002]
local nn = require "nn"

local opt = nn.args {seed = 0, epochs = 60, hidden = 128, dropout = 0.3, lr = 0.002}
nn.seed(opt.seed)

-- Three parts with the same share of every digit: to learn from, to watch, and for the final test.
local train, val, test = nn.data.digits():split {0.7, 0.15, 0.15}

-- Each pixel gets mean 0 and deviation 1, by what the training part knows of it.
local scale = nn.data.Standardize():fit(train)
train, val, test = scale(train), scale(val), scale(test)

local model = nn.Sequential {
  nn.Flatten(),
  nn.Linear(64, opt.hidden), nn.ReLU(), nn.Dropout(opt.dropout),
  nn.Linear(opt.hidden, 64), nn.ReLU(), nn.Dropout(opt.dropout),
  nn.Linear(64, #train.classes),
}
print(model)
print(("%d parameters; %d digits to learn from, %d to watch, %d to test with"):format(
  model:parameter_count(), #train, #val, #test))

local history = nn.fit(model, train, {
  validation = val,
  loss = nn.CrossEntropyLoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = opt.lr}),
  epochs = opt.epochs,
  batch_size = 32,
  metrics = {"accuracy"},
  callbacks = {nn.EarlyStopping {monitor = "val_loss", patience = 10}},
  progress = true,
})

print(("stopped by %s after %d epochs; the weights are those of epoch %d"):format(
  history.stopped_by, #history, history.best_epoch))
print(("test accuracy: %.4f"):format(nn.evaluate(model, test, {metrics = {"accuracy"}}).accuracy))
