-- resume/run.lua: a fit with everything that a checkpoint has to hold, for tests that end it at any
-- moment.
-- usage: nnlua run.lua CHECKPOINT OUTCOME [--epochs N] [--lua] [--patience N] [--slow SECONDS]
--
-- OUTCOME gets every weight, buffer and number of the history, without the seconds: two runs are
-- the same if their files are.
local nn = require "nn"
local opt = nn.args {epochs = 24, lua = false, patience = 30, slow = 0.0}

nn.seed(11)
local x = nn.randn(300, 6)
local y = (x:narrow(2, 1, 3):square():sum(2) - x:narrow(2, 4, 3):square():sum(2)):gt(0)
local train, val = nn.data.tensors(x, y:to "int64" + 1):split {0.8, 0.2}

local model = nn.Sequential {
  nn.Linear(6, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.3), nn.Linear(24, 2),
}
local optimizer = nn.optim.Adam(model:parameters(), {lr = 0.02})
-- Counts in Lua what has to go on too, and draws from Lua's own generator.
local watcher = {name = "watcher", sum = 0}
function watcher:on_epoch_end(state)
  self.sum = self.sum + math.random()
  state.record.luck = self.sum
  local t = nn.time()
  while nn.time() - t < opt.slow do end
end
function watcher:state() return {sum = self.sum} end
function watcher:load_state(saved) self.sum = saved.sum end

local list = {watcher, nn.EarlyStopping {patience = opt.patience}}
local loss = nn.CrossEntropyLoss()
local function loss_in_lua(prediction, target) return loss(prediction, target) end
local history = nn.fit(model, train, {
  validation = val, loss = opt.lua and loss_in_lua or loss, optimizer = optimizer,
  epochs = opt.epochs, batch_size = 16, metrics = {"accuracy"}, l2 = 1e-3, clip_norm = 2,
  accumulate = 2,
  schedule = nn.schedule.Warmup(optimizer, {steps = 20, by = "batch",
    after = nn.schedule.Exponential(optimizer, {gamma = 0.95})}),
  callbacks = list, checkpoint = {path = opt[1]},
})

local lines = {("%s %s"):format(history.stopped_by, history.best_epoch)}
for _, record in ipairs(history) do
  for _, name in ipairs(history.columns) do
    if name ~= "seconds" then lines[#lines + 1] = ("%s %a"):format(name, record[name]) end
  end
  lines[#lines + 1] = ("luck %a"):format(record.luck)
end
local state, names = model:state(), {}
for name in pairs(state) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  for _, v in ipairs(state[name]:reshape(-1):totable()) do
    lines[#lines + 1] = ("%s %a"):format(name, v)
  end
end
lines[#lines + 1] = ("next %a"):format(nn.rand(1):item())
local file = assert(io.open(opt[2], "w"))
assert(file:write(table.concat(lines, "\n"), "\n"))
assert(file:close())
