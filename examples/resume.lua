-- A run that is interrupted goes on as if it never had been: the same bits at the end.
--
--   nnlua examples/resume.lua [--epochs 20] [--out folder] [--seed 0]
--
-- Press Ctrl-C while a script with a checkpoint runs and start it again: it goes on. Here it does
-- so by itself, to show that the weights come out the same.
local nn = require "nn"
local opt = nn.args {epochs = 20, out = ".", seed = 0}

local train, val = nn.data.digits():split {0.8, 0.2, seed = opt.seed}

local function fit(epochs, checkpoint)
  nn.seed(opt.seed)
  local model = nn.Sequential {nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3),
    nn.Linear(64, 10)}
  local optimizer = nn.optim.Adam(model:parameters(), {lr = 2e-3})
  local history = nn.fit(model, train, {
    validation = val, loss = nn.CrossEntropyLoss(), optimizer = optimizer, epochs = epochs,
    checkpoint = checkpoint,
  })
  return model, history
end

-- In one go, without a file.
local straight, whole = fit(opt.epochs)

-- In three goes: the model of each begins anew and takes everything from the file: weights, the
-- optimizer's memory, the order of the batches, the dropout masks to come, the history.
local path = opt.out .. "/resume.nn"
os.remove(path)
local model, history
for _, epochs in ipairs {opt.epochs // 4, opt.epochs // 2, opt.epochs} do
  model, history = fit(epochs, {path = path})
  print(("up to epoch %2d: loss %.6f"):format(#history, history[#history].loss))
end
print(("in one go:      loss %.6f"):format(whole[#whole].loss))

local same = true
for i, p in ipairs(model:parameters()) do
  same = same and nn.equal(p, straight:parameters()[i])
end
print("the same weights, bit for bit", same)
for epoch, record in ipairs(history) do assert(record.val_loss == whole[epoch].val_loss) end

-- The file is of use by itself.
local saved = nn.load(path)
print("in the file", saved.model, saved.optimizer, #saved.history .. " epochs")
history:plot(opt.out .. "/resume.svg")
