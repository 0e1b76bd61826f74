-- Checkpoints of nn.fit: a run that was stopped, killed or torn goes on to the very same bytes.

local nn = require "nn"
local tools = dofile "spec/tools.lua"
local nnlua, message = tools.nnlua, tools.message

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

describe("a checkpoint", function()
  local dir

  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir " .. dir))
  end)
  after_each(function() os.execute("rm -rf " .. dir) end)

  local function path(name) return dir .. "/" .. name end

  -- Runs tests/resume/run.lua; returns its exit code, what it said on stderr, its outcome.
  local function run(name, flags, before)
    local command = ("%s %s tests/resume/run.lua %s %s %s 2>%s"):format(before or "", nnlua,
      path(name .. ".nn"), path(name .. ".txt"), flags or "", path "said")
    local _, _, code = os.execute(command)
    return code, read(path "said"), read(path(name .. ".txt"))
  end

  local function whole(flags)
    local code, said, outcome = run("whole", flags)
    assert.equal("", said)
    assert.equal(0, code)
    return outcome
  end

  it("lets a killed run end with the same bytes", function()
    local pipe = assert(io.popen(("tests/resume/kill %s 20 2>&1"):format(nnlua)))
    local said = pipe:read "a"
    assert.matches("killed 20 times, %d+ runs came to their end, all with the same bytes", said)
    assert.is_true(pipe:close())
  end)

  it("is written when Ctrl-C or SIGTERM comes, in the middle of an epoch", function()
    for _, way in ipairs {"", "--lua"} do
      local outcome = whole(way)
      for signal, code in pairs {INT = 130, TERM = 143} do
        local stopped, said
        local rounds = 0
        repeat
          rounds = rounds + 1
          stopped, said = run(signal, way .. " --slow 0.03",
            ("timeout --preserve-status -s %s %.3f"):format(signal, 0.1 + 0.013 * rounds))
          if stopped ~= 0 then
            assert.equal(code, stopped)
            assert.is_true(said == "" or said:find "interrupted" ~= nil, said)
          end
        until stopped == 0
        assert.is_true(rounds > 2)
        assert.equal(outcome, read(path(signal .. ".txt")))
        os.execute("rm -f " .. path "*.nn")
      end
    end
  end)

  it("goes on from the one before where it is torn or gone, and says so", function()
    local outcome = whole "--epochs 9"
    whole "--epochs 9"
    for _, damage in ipairs {
      function(text) return text:sub(1, #text // 2) end, function() return "" end,
      function(text) return text:sub(1, 4000) .. "x" .. text:sub(4002) end,
    } do
      os.execute("rm -f " .. path "torn*")
      run("torn", "--epochs 5")
      write(path "torn.nn", damage(read(path "torn.nn")))
      local code, said, after = run("torn", "--epochs 9")
      assert.equal(0, code)
      assert.matches("fit: the checkpoint [^\n]*torn.nn cannot be read %(.*going on from the one "
        .. "before, [^\n]*torn.previous.nn\n", said)
      assert.equal(outcome, after)
    end
    os.execute("rm -f " .. path "torn*")
    run("torn", "--epochs 5")
    os.remove(path "torn.nn")
    local code, said, after = run("torn", "--epochs 9")
    assert.equal(0, code)
    assert.matches("torn.nn is gone; going on from the one before", said)
    assert.equal(outcome, after)
    write(path "torn.nn", "nothing")
    write(path "torn.previous.nn", "nothing")
    code, said = run("torn", "--epochs 9")
    assert.equal(1, code)
    assert.matches("neither [^\n]*torn.nn %(.*nor [^\n]*torn.previous.nn .*resume = false", said)
  end)

  it("goes on for more epochs as if they had been asked for at once", function()
    local outcome = whole "--epochs 9"
    run("more", "--epochs 4")
    run("more", "--epochs 5")
    local code, said, after = run("more", "--epochs 9")
    assert.equal("", said)
    assert.equal(0, code)
    assert.equal(outcome, after)
  end)

  it("of a fit that is over gives its history at once", function()
    for _, flags in ipairs {"--epochs 4", "--patience 1 --epochs 40"} do
      os.execute("rm -f " .. path "whole*")
      local outcome = whole(flags)
      local before = read(path "whole.nn")
      assert.equal(outcome, whole(flags))
      assert.equal(before, read(path "whole.nn"))
    end
    assert.matches("^EarlyStopping %d+\n", read(path "whole.txt"))
  end)

  -- ---- in this process ------------------------------------------------------------------------

  local function data()
    nn.seed(7)
    local x = nn.randn(40, 2)
    return nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1))
  end

  local function fit(more, ds)
    ds = ds or data()
    nn.seed(1)
    local model = more and more.model
      or nn.Sequential {nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)}
    local o = {
      loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}),
      epochs = 3, batch_size = 8, checkpoint = {path = path "run.nn"},
    }
    for name, value in pairs(more or {}) do
      if name ~= "model" then o[name] = value end
    end
    local history = nn.fit(model, ds, o)
    return history, model, o.optimizer
  end

  it("loads as a model, an optimizer and a history", function()
    local history, model, optimizer = fit()
    local saved = nn.load(path "run.nn")
    assert.equal(tostring(history), tostring(saved.history))
    assert.equal(tostring(model), tostring(saved.model))
    for name, t in pairs(model:state()) do
      assert.same(t:totable(), saved.model:state()[name]:totable())
    end
    assert.equal(tostring(optimizer), tostring(saved.optimizer))
    assert.equal(saved.model[1].weight, saved.optimizer:groups()[1].params[1])
    assert.equal(2, #nn.load(path "run.previous.nn").history)
  end)

  it("of other settings is refused, and names them", function()
    fit()
    local err = message(fit, {batch_size = 16, l2 = 0.1, epochs = 2})
    assert.matches("fit: the checkpoint .*run.nn is of a fit with other settings:\n", err)
    assert.matches("  batch_size: 16, in the checkpoint 8\n", err)
    assert.matches("  l2: 0.1, in the checkpoint 0\n", err)
    assert.matches("  epochs: 2, in the checkpoint 3 are done\n", err)
    assert.matches("resume = false to begin anew", err)
    local model = nn.Linear(2, 2)
    assert.matches("model: Linear, weight float32 2x2, bias float32 2, in the checkpoint "
      .. "Sequential, 1.weight float32 4x2", message(fit, {model = model}))
    assert.matches("callbacks: EarlyStopping.* in the checkpoint none",
      message(fit, {callbacks = {nn.EarlyStopping {monitor = "loss"}}}))
    local history = fit {batch_size = 16, checkpoint = {path = path "run.nn", resume = false}}
    assert.equal(3, #history)
    write(path "run.nn", read(path "run.previous.nn"))
    nn.save(path "run.nn", {1, 2})
    assert.matches("run.nn holds something else than a checkpoint of nn.fit", message(fit))
  end)

  it("warns where the bits may differ", function()
    fit {epochs = 2}
    local script = path "again.lua"
    write(script, ([[
      local x = nn.zeros(40, 2)
      local ds = nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1))
      nn.seed(1)
      local model = nn.Sequential {nn.Linear(2, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)}
      nn.fit(model, ds, {loss = nn.CrossEntropyLoss(), epochs = 3, batch_size = 8,
        optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}),
        checkpoint = {path = %q}})]]):format(path "run.nn"))
    os.execute(("%s %s 2>%s"):format(nnlua, script, path "said"))
    local said = read(path "said")
    assert.matches("^fit: going on from .*run.nn, but not under the same conditions", said)
    assert.matches("\n  the training data: %x+ %x+, in the checkpoint %x+ %x+\n", said)
    assert.matches("\n  the script: %x+, in the checkpoint ", said)
  end)

  it("holds models that no file can hold by their tensors", function()
    local function model()
      nn.seed(1)
      return nn.Sequential {nn.Linear(2, 4), nn.Lambda(function(x) return x:tanh() end),
        nn.Linear(4, 2)}
    end
    local _, straight = fit {model = model(), epochs = 5, checkpoint = {path = path "x.nn"}}
    fit {model = model(), epochs = 2}
    local history, resumed = fit {model = model(), epochs = 5}
    assert.equal(5, #history)
    for name, t in pairs(straight:state()) do
      assert.same(t:totable(), resumed:state()[name]:totable())
    end
    assert.is_nil(nn.load(path "run.nn").model)
  end)

  it("holds what a module in Lua keeps in its fields", function()
    local Counter = nn.Module:extend "CheckpointCounter"
    function Counter:init()
      self.fc, self.calls = nn.Linear(2, 2), 0
    end
    function Counter:forward(x)
      self.calls = self.calls + 1
      return self.fc(x) * (1 + self.calls / 100)
    end
    local function model()
      nn.seed(1)
      return Counter()
    end
    local _, straight = fit {model = model(), epochs = 5, checkpoint = {path = path "x.nn"}}
    fit {model = model(), epochs = 2}
    local _, resumed = fit {model = model(), epochs = 5}
    assert.equal(25, resumed.calls)
    assert.same(straight.fc.weight:totable(), resumed.fc.weight:totable())
  end)

  it("cannot be written: is found before the first epoch", function()
    local seen = 0
    assert.matches("nowhere", message(fit, {checkpoint = {path = "/nowhere/run.nn"},
      callbacks = {{on_epoch_begin = function() seen = seen + 1 end}}}))
    assert.equal(0, seen)
  end)

  it("is written every so many epochs, and at the end", function()
    local epochs = {}
    fit {epochs = 7, checkpoint = {path = path "run.nn", every = 3}, callbacks = {{
      on_epoch_begin = function() epochs[#epochs + 1] = nn.load(path "run.nn").place.epoch end,
    }}}
    assert.same({0, 0, 0, 3, 3, 3, 6}, epochs)
    assert.equal(7, nn.load(path "run.nn").place.epoch)
  end)
end)

describe("nn.resume", function()
  local function data()
    nn.seed(7)
    local x = nn.randn(60, 2)
    return nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1))
  end

  local function outcome(model, history)
    local list = {}
    for name, t in pairs(model:state()) do list[name] = t:totable() end
    for i, record in ipairs(history) do
      list[i] = {record.epoch, record.loss, record.val_loss, record.accuracy, record.lr}
    end
    list.stopped_by = history.stopped_by
    return list
  end

  -- `disturb(state)` is called after each batch; nil: all is in C.
  local function start(disturb, forward)
    local ds = data()
    nn.seed(1)
    local model = nn.Sequential {
      nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), forward or nn.Identity(),
      nn.Linear(4, 2),
    }
    local optimizer = nn.optim.Adam(model:parameters(), {lr = 0.05})
    local function run()
      return nn.fit(model, ds, {
        loss = nn.CrossEntropyLoss(), optimizer = optimizer, epochs = 4, batch_size = 8,
        metrics = {"accuracy"}, validation = 0.2,
        callbacks = {disturb and {on_batch_end = disturb}},
        schedule = nn.schedule.Exponential(optimizer, {gamma = 0.9, by = "batch"}),
      })
    end
    return model, run
  end

  local function straight(forward)
    local model, run = start(nil, forward)
    return outcome(model, run())
  end

  it("goes on after Ctrl-C, in the middle of an epoch, as if nothing had been", function()
    local pid = assert(tonumber(read("/proc/self/stat"):match "^%d+"))
    local expected, batches = straight(), 0
    local model, run = start(function()
      batches = batches + 1
      if batches == 9 or batches == 13 then -- os.execute would ignore the signal
        io.popen("kill -INT " .. pid):close()
      end
    end)
    assert.equal("interrupted", message(run))
    assert.equal(9, batches)
    assert.equal(1, #nn.last.history)
    assert.equal(model, nn.last.model)
    nn.randn(10)
    nn.Dropout(0.5)(nn.ones(30))
    assert.equal("interrupted", message(nn.resume))
    assert.equal(13, batches)
    assert.is_true(model.training)
    assert.same(expected, outcome(model, nn.resume()))
    assert.matches("resume: the last fit has come to its end %(stopped by epochs%)",
      message(nn.resume))
  end)

  it("goes on after Ctrl-C in the validation, which is done again", function()
    local pid = assert(tonumber(read("/proc/self/stat"):match "^%d+"))
    local function run(interrupt)
      local ds, measured = data(), 0
      nn.seed(1)
      local model = nn.Sequential {nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 2)}
      local function metric(prediction)
        measured = measured + 1
        if interrupt and measured == 4 then io.popen("kill -INT " .. pid):close() end
        return prediction:abs():mean()
      end
      local function fit()
        return nn.fit(model, ds, {
          loss = nn.CrossEntropyLoss(), epochs = 3, batch_size = 8, validation = 0.2,
          optimizer = nn.optim.Adam(model:parameters()), metrics = {size = metric},
        })
      end
      if not interrupt then return outcome(model, fit()) end
      assert.equal("interrupted", message(fit))
      assert.equal(1, #nn.last.history)
      local history = nn.resume()
      assert.equal(history, nn.last.history)
      return outcome(model, history)
    end
    assert.same(run(false), run(true))
  end)

  it("goes on after an error, from before the batch that failed", function()
    local calls, broken = 0, true
    local function forward(x)
      calls = calls + 1
      if broken and calls > 8 then error "a slip" end
      return x
    end
    local expected = straight(function(x) return x end)
    local model, run = start(nil, forward)
    assert.matches("a slip", message(run))
    broken = false
    assert.same(expected, outcome(model, nn.resume()))
  end)
end)
