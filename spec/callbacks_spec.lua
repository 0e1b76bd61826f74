-- callbacks_spec.lua: the protocol of callbacks, EarlyStopping's states, CSVLog, Checkpoint.
-- (What EarlyStopping decides is in fit_spec.lua, TensorBoard in tensorboard_spec.lua.)

local nn = require "nn"
local callbacks = require "nn.callbacks"
local tools = dofile "spec/tools.lua"
local message, read = tools.message, tools.read

local function with_path(suffix, f)
  local path = os.tmpname()
  os.remove(path)
  local ok, err = pcall(f, path .. suffix)
  os.remove(path .. suffix)
  if not ok then error(err, 0) end
end

-- A small fit; `list` are its callbacks.
local function fit(list, more)
  nn.seed(1)
  local model = nn.Sequential {nn.Linear(1, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)}
  local x = nn.linspace(-1, 1, 12):view(12, 1)
  local o = {loss = nn.MSELoss(), epochs = 4, validation = 0.5, batch_size = 3,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.1}), callbacks = list}
  for key, value in pairs(more or {}) do o[key] = value end
  return nn.fit(model, nn.data.tensors(x, x:mul(2)), o), model
end

-- What `fit` makes a callback see, one record after the other; returns the state.
local function play(callback, records, from, state)
  state = state or {model = nn.Linear(1, 1), history = {columns = {"epoch", "loss", "val_loss"}},
    epoch = 0, stop = function(self, why) self.stopped = why end}
  for i = from or 1, #records do
    if state.stopped then break end
    state.epoch, state.record = i, {epoch = i, loss = 1, val_loss = records[i]}
    nn.no_grad(function()
      for _, p in ipairs(state.model:parameters()) do p:fill_(i) end
    end)
    state.history[i] = state.record
    callback:on_epoch_end(state)
  end
  return state
end

describe("callbacks", function()
  it("are named in the errors that they raise", function()
    local function boom() error "boom" end
    assert.matches("callbacks_spec.lua:%d+: callback 2 %(on_epoch_end%): boom$",
      message(fit, {{}, {on_epoch_end = boom}}))
    assert.matches("callbacks_spec.lua:%d+: logger %(on_batch_end%): boom$",
      message(fit, {{name = "logger", on_batch_end = boom}}))
    local Mine = setmetatable({}, {__name = "Mine", __index = {on_fit_begin = boom}})
    assert.matches("callbacks_spec.lua:%d+: Mine %(on_fit_begin%): boom$", message(fit, {Mine}))
    assert.same({7}, message(fit, {{on_fit_end = function() error {7} end}}))
    assert.equal("interrupted!",
      message(fit, {{on_fit_end = function() error("interrupted!", 0) end}}))
  end)

  it("may be objects with inherited moments, and values that can be called", function()
    local log = {}
    local note = setmetatable({}, {__call = function(_, self) log[#log + 1] = self.tag end})
    local class = {on_epoch_begin = note}
    fit({setmetatable({tag = "a"}, {__index = class}), {tag = "b", on_epoch_end = note}})
    assert.equal("abababab", table.concat(log))
  end)

  it("take the state, or themselves and the state, as they were written", function()
    local log = {}
    local methods = {}
    function methods:on_epoch_end(state) log[#log + 1] = self == methods and state.epoch end
    function methods:on_fit_end() log[#log + 1] = self == methods end
    fit({methods, {on_epoch_end = function(state) log[#log + 1] = state.record.epoch end},
      {on_epoch_end = function(_, state) log[#log + 1] = state.history and 7 end},
      {on_epoch_end = function(...) log[#log + 1] = select("#", ...) end}}, {epochs = 2})
    assert.same({1, 1, 7, 1, 2, 2, 7, 1, true}, log)
  end)

  it("must be what they should be", function()
    local function wrong(pattern, list) assert.matches(pattern, message(fit, list)) end
    wrong("fit: callback 1: on_epoch_end must be a function, got 3", {{on_epoch_end = 3}})
    wrong("fit: callback 1: load_state takes back what state gives, and there is no function state",
      {{load_state = print}})
    wrong("fit: callback 2 must be a table with functions such as on_epoch_end, got a function",
      {{}, print})
    wrong("fit: callbacks are a list of tables, got a EarlyStopping", nn.EarlyStopping {})
    fit {{state = "the script's own", on_epoch_end = function() end}} -- no load_state: no matter
  end)

  it("give their states and take them back, by name", function()
    local function counter(name)
      return {name = name, n = 0, state = function(self) return {n = self.n} end,
        load_state = function(self, saved) self.n = saved.n end}
    end
    local a, b = counter "a", counter "b"
    a.n, b.n = 3, 4
    local saved = callbacks.states(callbacks.prepare {a, {}, b})
    assert.same({{name = "a", state = {n = 3}}, {name = "b", state = {n = 4}}}, saved)
    local c, d = counter "a", counter "b"
    callbacks.load_states(callbacks.prepare {{}, c, d}, saved)
    assert.same({3, 4}, {c.n, d.n})
    assert.matches("fit: the checkpoint was made with the callbacks a, b, now there are b",
      message(callbacks.load_states, callbacks.prepare {d}, saved))
    assert.matches("now there are %(none%)", message(callbacks.load_states, callbacks.prepare(),
      saved))
    assert.matches("fit: x: state must return a table, got nil", message(callbacks.states,
      callbacks.prepare {{name = "x", state = function() end, load_state = print}}))
  end)
end)

describe("EarlyStopping", function()
  it("goes on from its state as if it had never stopped", function()
    local values = {5, 3, 4, 2, 2.5, 2.4, 2.3, 1}
    for cut = 1, 6 do
      local whole = nn.EarlyStopping {patience = 3}
      whole:on_fit_begin {history = {columns = {"val_loss"}}}
      local state = play(whole, values)
      whole:on_fit_end(state)

      local first = nn.EarlyStopping {patience = 3}
      first:on_fit_begin {history = {columns = {"val_loss"}}}
      local halfway = play(first, {table.unpack(values, 1, cut)})
      local saved = first:state()
      play(first, values, cut + 1, halfway) -- what it goes on to do must not reach the state
      local second = nn.EarlyStopping {patience = 3}
      second:on_fit_begin {history = {columns = {"val_loss"}}}
      second:load_state(saved)
      local again = {model = nn.Linear(1, 1), history = {columns = {}}, epoch = cut,
        stop = state.stop}
      play(second, values, cut + 1, again)
      second:on_fit_end(again)
      assert.equal(state.epoch, again.epoch)
      assert.equal("EarlyStopping", again.stopped)
      assert.equal(4, again.history.best_epoch)
      assert.equal(4, again.model.weight[1][1]:item())
      assert.same(state.model.weight:totable(), again.model.weight:totable())
    end
  end)

  it("brings buffers back too, and says which epoch", function()
    local seen = {}
    local history, model = fit({nn.EarlyStopping {patience = 2, monitor = "val_loss"},
      {on_epoch_end = function(_, state) seen[state.epoch] = state.model:state() end}},
      {epochs = 12})
    local best = seen[history.best_epoch]
    assert.equal(history:best("val_loss").epoch, history.best_epoch)
    for name, t in pairs(model:state()) do
      assert.same(best[name]:totable(), t:totable(), name)
    end
    assert.matches("best epoch " .. history.best_epoch .. "$", tostring(history))
  end)

  it("watches any column, and refuses one that cannot come", function()
    local _, err = pcall(fit, {nn.EarlyStopping {monitor = "val_los"}})
    assert.matches("EarlyStopping: the record has no number 'val_los', only epoch, loss, val_loss, "
      .. "lr, seconds %(did you mean 'val_loss'%?%)", err)
    local count = 0
    local counting = {on_epoch_end = function(_, state)
      count = count + 1
      state.record.mine = count
    end}
    local function epochs(mode)
      return #fit {counting, nn.EarlyStopping {monitor = "mine", mode = mode, patience = 2}}
    end
    assert.equal(3, epochs "min")
    assert.equal(4, epochs "auto")
    err = message(fit, {{on_epoch_end = function() end}, nn.EarlyStopping {monitor = "other"}})
    assert.matches("the record has no number 'other', only epoch, loss, lr, seconds, val_loss", err)
  end)

  it("takes what is no number for no improvement", function()
    local stopper = nn.EarlyStopping {patience = 2}
    stopper:on_fit_begin {history = {columns = {"val_loss"}}}
    local state = play(stopper, {0 / 0, 3, 0 / 0, 2, 0 / 0, 0 / 0, 1})
    assert.equal(6, state.epoch)
    stopper:on_fit_end(state)
    assert.equal(4, state.history.best_epoch)
  end)
end)

describe("CSVLog", function()
  it("has a line for each epoch as soon as it is over", function()
    with_path(".csv", function(path)
      local lengths = {}
      local history = fit {nn.CSVLog {path = path}, {on_epoch_end = function()
        lengths[#lengths + 1] = select(2, read(path):gsub("\n", ""))
      end}}
      assert.same({2, 3, 4, 5}, lengths)
      local copy = os.tmpname()
      history:csv(copy)
      assert.equal(read(copy), read(path))
      os.remove(copy)
      fit({nn.CSVLog {path = path}}, {epochs = 1}) -- anew
      assert.equal(2, select(2, read(path):gsub("\n", "")))
    end)
  end)

  it("begins another column when one comes", function()
    with_path(".csv", function(path)
      fit {{on_epoch_end = function(_, state)
        if state.epoch > 2 then state.record.late = 'a "quoted", one' end
      end}, nn.CSVLog {path = path}}
      local lines = {}
      for line in io.lines(path) do lines[#lines + 1] = line end
      assert.equal("epoch,loss,val_loss,lr,seconds,late", lines[1])
      assert.matches(",$", lines[2])
      assert.matches(',"a ""quoted"", one"$', lines[5])
      assert.equal(5, #lines)
    end)
  end)

  it("keeps what the history knows when a fit goes on", function()
    with_path(".csv", function(path)
      local log = nn.CSVLog {path = path}
      local history = fit {log}
      local whole = read(path)
      local f = assert(io.open(path, "ab"))
      f:write "5,1,2,3,4\n6,1," -- epochs that a crash has lost, the last one torn
      f:close()
      nn.CSVLog {path = path}:on_fit_begin {epoch = 4, history = history}
      assert.equal(whole, read(path))
    end)
  end)

  it("says what is wrong", function()
    assert.matches("CSVLog: expected a path, got nil", message(nn.CSVLog))
    assert.matches("CSVLog: there is no option 'file'", message(nn.CSVLog, {file = "x"}))
    assert.matches("/nowhere/log.csv: not written",
      message(fit, {nn.CSVLog {path = "/nowhere/log.csv"}}))
  end)
end)

describe("Checkpoint", function()
  it("saves model, optimizer and history, each time or when it is better", function()
    with_path(".nn", function(path)
      local history, model = fit {nn.Checkpoint {path = path}}
      local saved = nn.load(path)
      assert.equal(4, saved.epoch)
      assert.equal(4, #saved.history)
      assert.equal(tostring(history), tostring(saved.history))
      for name, t in pairs(model:state()) do
        assert.same(t:totable(), saved.model:state()[name]:totable())
      end
      assert.equal(0.1, saved.optimizer.lr)
      fit {nn.Checkpoint {path = path, every = 3}}
      assert.equal(3, nn.load(path).epoch)
    end)
  end)

  it("knows the best again when a fit goes on", function()
    with_path(".nn", function(path)
      local one = nn.Checkpoint {path = path, monitor = "val_loss"}
      one:on_fit_begin {history = {columns = {"val_loss"}}}
      local state = play(one, {3, 2, 5})
      assert.equal(2, nn.load(path).epoch)
      local two = nn.Checkpoint {path = path, monitor = "val_loss"}
      two:on_fit_begin {history = {columns = {"val_loss"}}}
      two:load_state(one:state())
      play(two, {3, 2, 5, 2.5}, 4, state)
      assert.equal(2, nn.load(path).epoch)
      play(two, {3, 2, 5, 2.5, 1}, 5, state)
      assert.equal(5, nn.load(path).epoch)
    end)
  end)

  it("says what is wrong", function()
    assert.matches("Checkpoint: expected a path, got nil", message(nn.Checkpoint))
    assert.matches("Checkpoint: the path must end in .nn, .* got the string \"x.npz\"",
      message(nn.Checkpoint, {path = "x.npz"}))
    assert.matches("Checkpoint: the record has no number 'accuracy', only epoch, loss",
      message(fit, {nn.Checkpoint {path = "x.nn", monitor = "accuracy"}}))
    assert.matches('option \'mode\' must be "min" or "max"',
      message(nn.Checkpoint, {path = "x.nn", mode = "up"}))
  end)
end)

describe("a fit that goes on from its checkpoint", function()
  -- The whole run, or one that ends after two epochs and goes on.
  local function run(path, in_two)
    local history, model
    for _, epochs in ipairs(in_two and {2, 6} or {6}) do
      history, model = fit({
        nn.EarlyStopping {monitor = "val_loss", patience = 3},
        nn.Checkpoint {path = path .. ".best.nn", monitor = "val_loss"},
        nn.CSVLog {path = path .. ".csv"},
      }, {epochs = epochs, checkpoint = {path = path .. ".run.nn"}, shuffle = true})
    end
    local result = {csv = {}, weights = {}, best = nn.load(path .. ".best.nn").epoch,
      stopped = history.stopped_by, best_epoch = history.best_epoch}
    for line in io.lines(path .. ".csv") do table.insert(result.csv, (line:gsub(",[^,]*$", ""))) end
    for _, p in ipairs(model:parameters()) do table.insert(result.weights, p:totable()) end
    for _, suffix in ipairs {".best.nn", ".csv", ".run.nn", ".run.previous.nn"} do
      os.remove(path .. suffix)
    end
    return result
  end

  it("logs, saves and stops as if it had not been interrupted", function()
    with_path("", function(path)
      local whole = run(path, false)
      assert.is_true(#whole.csv > 4)
      assert.same(whole, run(path, true))
    end)
  end)
end)
