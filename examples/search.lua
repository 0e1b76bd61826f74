-- search.lua: learning rate, width and dropout for handwritten digits, by Parzen estimators, with
-- hopeless trials ended early. Every trial that ends is kept in a file: kill it and run it again,
-- and it goes on to the same table.
--
--   nnlua examples/search.lua [--trials 40] [--workers 2] [--file search.nn]
local opt = nn.args{trials = 40, workers = nn.threads(), file = "search.nn", epochs = 30, seed = 2}

local train, validation, test = nn.data.digits():split{0.6, 0.2, 0.2, seed = 1}

local function run(p, trial)
  local model = nn.Sequential{
    nn.Flatten(), nn.Linear(64, p.hidden), nn.ReLU(), nn.Dropout(p.dropout), nn.Linear(p.hidden,
      10),
  }
  local report = {}
  function report:on_epoch_end(state) -- luacheck: ignore self
    if state.epoch % 5 == 0 then trial:report(state.epoch, state.record.val_accuracy) end
  end
  local history = nn.fit(model, train, {
    validation = validation, loss = nn.CrossEntropyLoss(), metrics = {"accuracy"},
    optimizer = nn.optim.Adam(model:parameters(), {lr = p.lr}), epochs = opt.epochs,
    callbacks = {report},
  })
  return history[#history].val_accuracy
end

local found = nn.search{
  space = {
    lr = nn.log_uniform(1e-4, 1), hidden = nn.choice{16, 32, 64, 128}, dropout = nn.uniform(0, 0.5),
  },
  method = "tpe", trials = opt.trials, workers = opt.workers, seed = opt.seed, resume = opt.file,
  run = run,
}
print(found)

-- The choice is made: now the held-out part may be opened, once.
local best = found.best
nn.seed(best.number)
local model = nn.Sequential{
  nn.Flatten(), nn.Linear(64, best.params.hidden), nn.ReLU(), nn.Dropout(best.params.dropout),
  nn.Linear(best.params.hidden, 10),
}
nn.fit(model, train:concat(validation), {
  loss = nn.CrossEntropyLoss(), epochs = opt.epochs,
  optimizer = nn.optim.Adam(model:parameters(), {lr = best.params.lr}),
})
print(("on %d digits that no choice has seen: accuracy %.4f"):format(#test,
  nn.evaluate(model, test, {metrics = {"accuracy"}}).accuracy))
