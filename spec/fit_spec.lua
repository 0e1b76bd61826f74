-- nn.fit, nn.evaluate, model:predict, callbacks, history.

local nn = require "nn"
local tools = dofile "spec/tools.lua"
local read = tools.read

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return err
end

-- Two classes that a line separates.
local function two_classes(n)
  nn.seed(7)
  local x = nn.randn(n or 90, 2)
  return nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1))
end

local function network(seed)
  nn.seed(seed or 1)
  return nn.Sequential {nn.Linear(2, 8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2)}
end

local function options(model, more)
  local o = {
    loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}),
    epochs = 3, batch_size = 16,
  }
  for name, value in pairs(more or {}) do o[name] = value end
  return o
end

-- Everything that a fit leaves, as numbers without the seconds.
local function outcome(model, history)
  local list = {}
  for _, p in ipairs(model:parameters()) do list[#list + 1] = p:totable() end
  for _, record in ipairs(history) do
    list[#list + 1] = {record.epoch, record.loss, record.val_loss, record.lr}
  end
  return list
end

local Wrapped = nn.Module:extend "Wrapped"
function Wrapped:init(inner) self.inner = inner end
function Wrapped:forward(x) return self.inner(x) end

describe("nn.fit", function()
  it("learns, and returns a record an epoch", function()
    local data = two_classes()
    local model = network()
    local history = nn.fit(model, data, options(model, {epochs = 30, metrics = {"accuracy"}}))
    assert.equal(30, #history)
    for epoch, record in ipairs(history) do
      assert.equal(epoch, record.epoch)
      assert.equal(0.01, record.lr)
      assert.is_true(record.seconds >= 0)
      assert.is_nil(record.val_loss)
    end
    assert.is_true(history[30].loss < history[1].loss / 3)
    assert.is_true(history[30].accuracy > 0.9)
    assert.equal("epochs", history.stopped_by)
    assert.equal(model, nn.last.model)
    assert.equal(history, nn.last.history)
    assert.is_truthy(nn.last.optimizer)
  end)

  it("gives the same bits each time and by each way", function()
    local data = two_classes()
    local parts = {data:split {0.8, 0.2, seed = 1}}
    local function run(wrap, more)
      local model = network()
      local whole = wrap and Wrapped(model) or model
      nn.seed(2)
      local o = options(model, {validation = parts[2]})
      for name, value in pairs(more or {}) do o[name] = value end
      return outcome(model, nn.fit(whole, parts[1], o))
    end
    local loss = nn.CrossEntropyLoss()
    local native = run()
    assert.same(native, run())
    assert.same(native, run(false, {callbacks = {{on_batch_end = function() end}}}))
    assert.same(native, run(false, {metrics = {"accuracy"}}))
    assert.same(native, run(true))
    assert.same(native, run(false, {loss = function(p, y) return loss(p, y) end}))
  end)

  it("is the loop that a script would write", function()
    local data = two_classes()
    local model = network()
    nn.seed(2)
    local fitted = outcome(model, nn.fit(model, data, options(model)))
    model = network()
    nn.seed(2)
    local loss = nn.CrossEntropyLoss()
    local optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01})
    local history = {}
    for epoch = 1, 3 do
      local total = 0
      for x, y in data:batches {size = 16} do
        optimizer:zero_grad()
        local l = loss(model(x), y)
        l:backward()
        optimizer:step()
        total = total + l:item() * #x
      end
      history[epoch] = {epoch = epoch, loss = total / #data, lr = 0.01}
    end
    assert.same(outcome(model, history), fitted)
  end)

  it("fits the chapter's line", function()
    local model = nn.Linear(1, 1)
    nn.fit(model, nn.data.line(), {
      loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.05}),
      epochs = 3000, batch_size = 7, shuffle = false,
    })
    assert.near(0.335593, model.weight:item(), 1e-3)
    assert.near(0.804722, model.bias:item(), 4e-3)
  end)

  it("measures a validation set, in evaluation mode", function()
    local train, val = two_classes(200):split {0.7, 0.3}
    local model = network()
    local history = nn.fit(model, train, options(model, {validation = val,
      metrics = {"accuracy", worst = function(p) return p:abs():mean() end}}))
    local last = history[#history]
    local again = nn.evaluate(model, val,
      {loss = nn.CrossEntropyLoss(), metrics = {"accuracy"}})
    assert.equal(again.loss, last.val_loss)
    assert.equal(again.accuracy, last.val_accuracy)
    assert.is_number(last.worst)
    assert.is_number(last.val_worst)
    assert.equal("epoch  loss  accuracy  worst  val_loss  val_accuracy  val_worst  lr  seconds",
      (tostring(history):match("^[^\n]*"):gsub(" +", "  "):gsub("^ +", "")))
  end)

  it("takes a fraction of the training part for validation", function()
    local data = two_classes(100)
    local model = network()
    local history = nn.fit(model, data, options(model, {validation = 0.25}))
    assert.is_number(history[1].val_loss)
    assert.matches("option 'validation' is a dataset or a fraction between 0 and 1, got 2",
      message(nn.fit, model, data, options(model, {validation = 2})))
  end)

  it("leaves the modes as it found them", function()
    local data = two_classes()
    local model = network():eval()
    model[1]:train()
    nn.fit(model, data, options(model, {validation = 0.5}))
    assert.is_true(model[1].training)
    assert.is_false(model[3].training)
    message(nn.fit, model, data, options(model, {loss = function() error "oops" end}))
    assert.is_false(model[3].training)
  end)

  it("refuses held-out data", function()
    local train, val, test = two_classes():split {0.6, 0.2, 0.2}
    local model = network()
    assert.matches("fit: the training data is held out .* nn.evaluate",
      message(nn.fit, model, test, options(model)))
    assert.matches("fit: the validation data is held out",
      message(nn.fit, model, train, options(model, {validation = test})))
    nn.fit(model, train, options(model, {validation = val}))
    nn.evaluate(model, test)
    assert.equal(1, test.opened)
  end)

  it("stops where the loss is no number, before that step", function()
    local data = nn.data.tensors(nn.randn(40, 2), nn.randn(40, 1))
    data.x[25]:fill_(0 / 0)
    for _, wrap in ipairs {false, true} do
      local model = nn.Linear(2, 1)
      local before
      local err = message(nn.fit, wrap and Wrapped(model) or model, data, {
        loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
        batch_size = 8, shuffle = false,
        callbacks = wrap and {{on_batch_end = function() before = model:state() end}} or nil,
      })
      assert.matches("fit_spec.lua:%d+: fit: the loss became nan at epoch 1, batch 4 %(lr 0.1%); "
        .. "the model is as it was before that batch", err)
      if wrap then assert.same(before.weight:totable(), model.weight:totable()) end
      local w = model.weight:detach()[1][1]
      assert.is_true(w == w)
    end
  end)

  it("says what is wrong", function()
    local data, model = two_classes(), network()
    local function wrong(pattern, more)
      assert.matches(pattern, message(nn.fit, model, data, options(model, more)))
    end
    wrong("fit: there is no option 'epoch'; did you mean 'epochs'%?", {epoch = 3})
    wrong("fit: there is no option 'clip'; .*the options are accumulate, batch_size, callbacks, ",
      {clip = 1})
    wrong("fit: option 'epochs' must be a positive whole number, got 1.5", {epochs = 1.5})
    wrong("fit: there is no metric 'acuracy'; did you mean 'accuracy'%?", {metrics = {"acuracy"}})
    wrong("fit: metric 1 must be a name %(a function needs one", {metrics = {print}})
    wrong("fit: loss must be a loss, such as nn.CrossEntropyLoss%(%), .* got 3", {loss = 3})
    wrong("fit: option 'optimizer' must be an optimizer, such as nn.optim.Adam", {optimizer = 3})
    wrong("fit: callback 1: there is no moment 'on_epoch_ends'; did you mean 'on_epoch_end'%?",
      {callbacks = {{on_epoch_ends = print}}})
    wrong("fit: callbacks are a list of tables; put { } around", {callbacks = {on_fit_end = print}})
    wrong("fit: option 'progress' must be \"auto\", true or false, got 3", {progress = 3})
    wrong("fit: the loss must give a number, got a float32 tensor of 16",
      {loss = nn.CrossEntropyLoss {reduction = "none"}, metrics = {"accuracy"}})
    assert.matches("fit: the model must be a layer or a module, got nil", message(nn.fit))
    assert.matches("fit: the training data must be a dataset, such as nn.data.tensors%(x, y%), "
      .. "got a table", message(nn.fit, model, {}))
    local loose = Wrapped(function() return 3 end)
    assert.matches("fit: the model must return a tensor, got 3",
      message(nn.fit, loose, data, options(model)))
  end)

  it("shows progress when asked, on stderr", function()
    local path = os.tmpname()
    local script = [[
      local x = nn.randn(20, 2)
      local data, model = nn.data.tensors(x, x:sum(2)), nn.Linear(2, 1)
      nn.fit(model, data, {loss = nn.MSELoss(), epochs = 2, progress = %s, validation = 0.5,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})]]
    local function stderr_of(flags, progress)
      local command = ("%s %s -e '%s' 2>%s"):format(tools.nnlua, flags, script:format(progress),
        path)
      assert(os.execute(command))
      return read(path)
    end
    assert.equal("", stderr_of("", '"auto"'))
    assert.equal("", stderr_of("", "false"))
    assert.equal("", stderr_of("--quiet", "true"))
    local number = "%d[%d.]*"
    assert.matches(("^epoch 1/2  loss %s  val_loss %s  %s s\nepoch 2/2 [^\n]*\n$"):format(
      number, number, number), stderr_of("", "true"))
    os.remove(path)
  end)
end)

describe("callbacks", function()
  it("run at their moments and see the state", function()
    local data, model = two_classes(40), network()
    local log = {}
    local function note(name)
      return function(self, state)
        log[#log + 1] = ("%s%d.%d"):format(name, state.epoch, state.batch)
        assert.equal(model, state.model)
        assert.equal("mine", self.name)
        assert.is_truthy(state.optimizer)
        assert.equal(nn.last.history, state.history)
      end
    end
    local history = nn.fit(model, data, options(model, {epochs = 2, callbacks = {{
      name = "mine", on_fit_begin = note "F", on_epoch_begin = note "E", on_batch_end = note "b",
      on_epoch_end = function(self, state)
        note "e"(self, state)
        state.record.extra = state.epoch * 10
      end,
      on_fit_end = note "f",
    }}}))
    assert.equal("F0.0 E1.0 b1.1 b1.2 b1.3 e1.3 E2.0 b2.1 b2.2 b2.3 e2.3 f2.3",
      table.concat(log, " "))
    assert.equal(20, history[2].extra)
    assert.matches("seconds +extra\n", tostring(history))
  end)

  it("may stop the fit, after an epoch or a batch", function()
    local data, model = two_classes(40), network()
    local history = nn.fit(model, data, options(model, {callbacks = {{
      on_epoch_end = function(_, state) if state.epoch == 2 then state:stop "enough" end end,
    }}}))
    assert.equal(2, #history)
    assert.equal("enough", history.stopped_by)
    history = nn.fit(model, data, options(model, {metrics = {"accuracy"}, callbacks = {{
      on_batch_end = function(_, state) state:stop() end,
    }}}))
    assert.equal(1, #history)
    assert.equal("a callback", history.stopped_by)
    assert.is_number(history[1].accuracy)
  end)

  it("may stop the fit before an epoch, which then does not take place", function()
    for _, wrap in ipairs {false, true} do
      local data, model = two_classes(40), network()
      local before = model[1].weight:totable()
      local function stop(_, state) state:stop "no more" end
      local whole = wrap and Wrapped(model) or model
      local history = nn.fit(whole, data, options(model, {callbacks = {{on_epoch_begin = stop}}}))
      local is_last = nn.last.history == history
      assert.same({0, "no more", true}, {#history, history.stopped_by, is_last})
      history = nn.fit(whole, data, options(model, {callbacks = {{on_fit_begin = stop}}}))
      assert.same({0, "no more"}, {#history, history.stopped_by})
      assert.same(before, model[1].weight:totable())
      history = nn.fit(whole, data, options(model, {callbacks = {{
        on_epoch_begin = function(state) if state.epoch == 3 then stop(nil, state) end end,
      }}}))
      assert.equal(2, #history)
    end
  end)

  it("sees the gradients, and may do as it likes with them between batches", function()
    local function run(wrap, meddle)
      local data, model, seen = two_classes(100), network(), {}
      local weight = model[1].weight
      nn.seed(2)
      local history = nn.fit(wrap and Wrapped(model) or model, data, options(model, {callbacks = {{
        on_batch_end = function(state)
          seen[#seen + 1] = weight.grad and weight.grad:totable() or "none"
          meddle(model, state)
        end,
      }}}))
      seen[#seen + 1] = outcome(model, history)
      return seen
    end
    for _, meddle in ipairs {
      function() end,
      function(model) model[1].weight.grad = nil end,
      function(_, state) state.optimizer:zero_grad() end,
      function(model, state) model[1].weight:requires_grad_(state.batch % 5 > 2) end,
      function(model) model(nn.ones(1, 2)):sum():backward() end,
      function(model, state) if state.batch == 3 then model:eval() end end,
      function(model, state) if state.batch == 4 then model[2] = nn.Tanh() end end,
    } do
      assert.same(run(true, meddle), run(false, meddle))
    end
  end)

  it("may change the learning rate", function()
    local data, model = two_classes(40), network()
    local history = nn.fit(model, data, options(model, {callbacks = {{
      on_epoch_begin = function(_, state) state.optimizer.lr = 0.1 / state.epoch end,
    }}}))
    assert.same({0.1, 0.05}, {history[1].lr, history[2].lr})
  end)
end)

describe("EarlyStopping", function()
  -- A fit whose val_loss follows the list, because the loss is the model's only weight.
  local function follow(values, stopper)
    local model = nn.Module:extend()()
    model.w = nn.Parameter(nn.zeros(1, 1))
    function model.forward(self, x) return x:matmul(self.w) end
    local data = nn.data.tensors(nn.ones(4, 1), nn.ones(4, 1))
    local history = nn.fit(model, data, {
      epochs = #values, validation = data, loss = function(p) return p:mean() end,
      optimizer = {step = function() end, zero_grad = function() end, lr = 0},
      callbacks = {{on_epoch_begin = function(_, state)
        nn.no_grad(function() model.w:fill_(values[state.epoch]) end)
      end}, stopper},
    })
    return history, model.w[1][1]:item()
  end

  it("stops after `patience` epochs without a better value and goes back to the best", function()
    local history, w = follow({5, 4, 2, 3, 2, 2.5, 1}, nn.EarlyStopping {patience = 3})
    assert.equal(6, #history)
    assert.equal("EarlyStopping", history.stopped_by)
    assert.equal(3, history.best_epoch)
    assert.equal(2, w)
    assert.equal(history[3], history:best "val_loss")
  end)

  it("goes back also when the epochs are over, and not when told not to", function()
    local history, w = follow({5, 1, 2, 3}, nn.EarlyStopping {patience = 5})
    assert.equal("epochs", history.stopped_by)
    assert.equal(1, w)
    history, w = follow({5, 1, 2, 3}, nn.EarlyStopping {patience = 2, restore_best = false})
    assert.equal(2, history.best_epoch)
    assert.equal(3, w)
  end)

  it("knows min_delta, mode, baseline and start_from_epoch", function()
    assert.equal(3, #follow({5, 4.9, 4.8, 1}, nn.EarlyStopping {patience = 2, min_delta = 0.5}))
    local history, w = follow({1, 2, 1, 1}, nn.EarlyStopping {patience = 2, mode = "max"})
    assert.equal(2, history.best_epoch)
    assert.equal(2, w)
    assert.equal(2, #follow({5, 4, 3, 2}, nn.EarlyStopping {patience = 2, baseline = 3.5}))
    assert.equal(2, select(2, follow({1, 3, 2}, nn.EarlyStopping {start_from_epoch = 1})))
  end)

  it("is ready for another fit", function()
    local stopper = nn.EarlyStopping {patience = 1}
    assert.equal(2, #follow({1, 2, 3}, stopper))
    assert.equal(3, #follow({9, 8, 7}, stopper))
  end)

  it("says what is wrong", function()
    local data, model = two_classes(), network()
    assert.matches("EarlyStopping: the record has no number 'val_loss', only epoch, loss, lr, "
      .. "seconds; does fit have the option 'validation'%?",
      message(nn.fit, model, data, options(model, {callbacks = {nn.EarlyStopping {}}})))
    assert.matches("EarlyStopping: there is no option 'patient'; did you mean 'patience'%?",
      message(nn.EarlyStopping, {patient = 3}))
    assert.matches("option 'mode' must be \"min\" or \"max\"",
      message(nn.EarlyStopping, {mode = "up"}))
  end)
end)

describe("history", function()
  local function some()
    local data, model = two_classes(), network()
    return nn.fit(model, data, options(model, {validation = 0.3, metrics = {"accuracy"}}))
  end

  it("finds the best record", function()
    local history = some()
    local lowest, highest = history[1], history[1]
    for _, record in ipairs(history) do
      if record.val_loss < lowest.val_loss then lowest = record end
      if record.accuracy > highest.accuracy then highest = record end
    end
    assert.equal(lowest, history:best "val_loss")
    assert.equal(lowest, history:best())
    assert.equal(highest, history:best "accuracy")
    assert.matches("best: no record has a number 'val_los'; the columns are epoch, loss, ",
      message(history.best, history, "val_los"))
  end)

  it("prints as a table and writes one", function()
    local history = some()
    local lines = {}
    for line in tostring(history):gmatch "[^\n]+" do lines[#lines + 1] = #line end
    assert.equal(4, #lines)
    assert.equal(lines[1], lines[4])
    local path = os.tmpname()
    history:csv(path)
    local text = read(path)
    assert.matches("^epoch,loss,accuracy,val_loss,val_accuracy,lr,seconds\n1,", text)
    assert.equal(history[1].loss, tonumber(text:match "\n1,([^,]+),"))
    os.remove(path)
    assert.matches("/nowhere/x.csv: not written", message(history.csv, history, "/nowhere/x.csv"))
    assert.matches("csv: expected a path, got nil", message(history.csv, history))
  end)
end)

describe("nn.evaluate", function()
  it("measures in evaluation mode, leaving the modes and the streams", function()
    local data, model = two_classes(), network()
    model[1]:eval()
    nn.seed(4)
    local result = nn.evaluate(model, data, {loss = nn.CrossEntropyLoss(), metrics = {"accuracy"},
      batch_size = 7})
    local next_draw = nn.randn(1):item()
    nn.seed(4)
    assert.equal(nn.randn(1):item(), next_draw)
    assert.is_true(model[3].training)
    assert.is_false(model[1].training)
    local out = model:clone():eval()(data.x)
    assert.near(nn.CrossEntropyLoss()(out, data.y):item(), result.loss, 1e-5)
    assert.equal(out:argmax(2):eq(data.y):sum():item() / #data, result.accuracy)
    local sum = nn.evaluate(model, data, {loss = nn.CrossEntropyLoss {reduction = "sum"}})
    assert.near(result.loss, sum.loss, 1e-5)
  end)

  it("knows what to measure without being told", function()
    local data, model = two_classes(), network()
    assert.is_number(nn.evaluate(model, data).accuracy)
    local line = nn.data.line()
    local result = nn.evaluate(nn.Linear(1, 1), line, {metrics = {"mse", "mae"}})
    assert.is_true(result.mae ^ 2 <= result.mse + 1e-6)
    assert.is_number(nn.evaluate(nn.Linear(1, 1), line).mse)
  end)

  it("counts right answers for labels, one-hot rows and single outputs", function()
    local function accuracy(prediction, target)
      local ds = nn.data.tensors(nn.tensor(prediction), target)
      return nn.evaluate(nn.Identity(), ds, {metrics = {"accuracy"}}).accuracy
    end
    assert.equal(2 / 3, accuracy({{1, 0}, {0, 1}, {1, 0}}, {1, 2, 2}))
    assert.equal(0.5, accuracy({{1, 0}, {0, 1}}, nn.tensor {{1, 0}, {1, 0}}))
    assert.equal(0.75, accuracy({{0.9}, {0.2}, {0.6}, {0.1}}, nn.tensor {1, 0, 0, 0}))
    assert.matches("accuracy: predictions of 2x3 do not fit targets of 2x2",
      message(accuracy, {{1, 0, 0}, {0, 1, 0}}, nn.tensor {{1, 0}, {1, 0}}))
  end)

  it("predicts all rows, whatever the batches", function()
    local model = network()
    local x = nn.randn(10, 2)
    local whole = model:predict(x)
    assert.same({10, 2}, whole:size())
    assert.is_false(whole.requires_grad)
    assert.is_true(model[3].training)
    local parts = model:predict(x, {batch_size = 3})
    assert.near(0, whole:sub(parts):abs():sum():item(), 1e-6)
    assert.same({0, 2}, model:predict(nn.zeros(0, 2)):size())
    assert.same(whole:totable(), Wrapped(model):predict(x):totable())
    assert.matches("predict: expected a tensor with a row for each sample, got 3",
      message(model.predict, model, 3))
    assert.matches("predict: there is no option 'batch'", message(model.predict, model, x,
      {batch = 3}))
  end)

  it("leaves the modes after an error too", function()
    local data, model = two_classes(), network()
    model:add(function() error "oops" end)
    assert.matches("oops", message(nn.evaluate, model, data))
    assert.is_true(model.training and model[3].training)
    assert.is_true(nn.ones({1}, {requires_grad = true}):mul(2).requires_grad)
  end)
end)

describe("fit with an optimizer that asks for the loss itself", function()
  local function fit(name, settings, loss)
    nn.seed(1)
    local line, model = nn.data.line(), nn.Linear(1, 1)
    local h = nn.fit(model, nn.data.tensors(line.x, line.y), {
      loss = loss, optimizer = nn.optim[name](model:parameters(), settings), epochs = 40,
      batch_size = 7, shuffle = false,
    })
    return h[#h].loss
  end

  for _, case in ipairs{
    {"LBFGS", {}, 0.01806}, {"Nesterov", {lr = 0.03, momentum = 0.9}, 0.03},
    {"RandomSearch", {}, 0.6},
  } do
    it(case[1], function()
      local native = fit(case[1], case[2], nn.MSELoss())
      local mse = nn.MSELoss()
      assert.is_true(native < case[3], tostring(native))
      assert.equal(native, fit(case[1], case[2], function(p, t) return mse(p, t) end))
    end)
  end
end)
