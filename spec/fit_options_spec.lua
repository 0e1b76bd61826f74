-- nn.fit's options against the plain loop that a script would write, bit for bit, by both of its
-- ways.

local nn = require "nn"
local tools = dofile "spec/tools.lua"
local message = tools.message

local function data(n, weighted)
  nn.seed(7)
  local x = nn.randn(n or 50, 2)
  local weight = weighted and nn.rand(n or 50):add(0.1) or nil
  return nn.data.tensors(x, x:sum(2):gt(0):to("int64"):add(1), {weight = weight})
end

local function network()
  nn.seed(1)
  return nn.Sequential {
    nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2), nn.Linear(8, 2),
  }
end

local function numbers(model, history)
  local list = {}
  for _, entry in ipairs(model:named_parameters()) do list[entry.name] = entry.tensor:totable() end
  for name, t in pairs(model:state()) do list[name] = t:totable() end
  for i, record in ipairs(history) do list[i] = {record.loss, record.penalty, record.lr} end
  return list
end

-- Fifty lines that any script could have: what nn.fit promises to be.
local function by_hand(model, ds, o)
  local history, n, size, k = {}, #ds, o.batch_size, o.accumulate or 1
  local optimizer, loss = o.optimizer, o.loss
  for epoch = 1, o.epochs do
    local order = nn.randperm(n, {stream = "shuffle"})
    local total, penalty = 0, 0
    for first = 1, n, size * k do
      local rows = math.min(size * k, n - first + 1)
      optimizer:zero_grad()
      for from = first, first + rows - 1, size do
        local count = math.min(size, first + rows - from)
        local index = order:narrow(1, from, count)
        local l
        if ds.weight then
          l = nn.CrossEntropyLoss {reduction = "none"}(model(ds.x[index]), ds.y[index])
          l = l:mul(ds.weight[index]):mean()
        else
          l = loss(model(ds.x[index]), ds.y[index])
        end
        total = total + l:item() * count
        if count == rows then l:backward() else (l * (count / rows)):backward() end
      end
      local value = 0
      for _, w in ipairs(model:parameters()) do
        if w:dim() > 1 then
          if o.l2 then
            w.grad:add_(w:detach(), o.l2)
            value = value + o.l2 / 2 * w:detach():to("float64"):square():sum():item()
          end
          if o.l1 then
            w.grad:add_(w:detach():sign(), o.l1)
            value = value + o.l1 * w:detach():to("float64"):abs():sum():item()
          end
        end
      end
      if o.clip_value then nn.clip_grad_value(model:parameters(), o.clip_value) end
      if o.clip_norm then nn.clip_grad_norm(model:parameters(), o.clip_norm) end
      optimizer:step()
      penalty = penalty + value * rows
      if o.schedule and o.schedule.by == "batch" then o.schedule:step() end
    end
    history[epoch] = {loss = total / n, lr = optimizer.lr,
      penalty = (o.l1 or o.l2) and penalty / n or nil}
    if o.schedule and o.schedule.by == "epoch" then o.schedule:step() end
  end
  return history
end

-- A callback makes fit come back to Lua after each step; with a model in Lua, batches go through
-- it.
local function watcher() return {on_batch_end = function() end} end
local InLua = nn.Module:extend "InLua"
function InLua:init(inner) self.inner = inner end
function InLua:forward(x) return self.inner(x) end

describe("a batch of more than there is", function()
  it("is a batch of all", function()
    local function run(size, accumulate, lua)
      nn.seed(3)
      local ds, model = data(20), network()
      local history = nn.fit(lua and InLua(model) or model, ds, {
        loss = nn.CrossEntropyLoss(), epochs = 2, batch_size = size, accumulate = accumulate,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
      })
      return history[2].loss
    end
    local whole = run(20, 1)
    for _, lua in ipairs {false, true} do
      assert.equal(whole, run(math.maxinteger, 1, lua))
      assert.equal(whole, run(math.maxinteger, math.maxinteger, lua))
      assert.equal(run(5, 4, lua), run(5, math.maxinteger, lua))
    end
  end)
end)

local function same(case, weighted)
  local function run(way)
    local ds, model = data(50, weighted), network()
    local o = {loss = nn.CrossEntropyLoss(), epochs = 3, batch_size = 8}
    for name, value in pairs(case) do o[name] = value end
    o.optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01})
    if o.schedule then o.schedule = o.schedule(o.optimizer) end
    nn.seed(2)
    if way == "hand" then return numbers(model, by_hand(model, ds, o)) end
    if way == "watched" then o.callbacks = {watcher()} end
    return numbers(model, nn.fit(way == "lua" and InLua(model) or model, ds, o))
  end
  local hand, native, plain = run "hand", run "native", run "lua"
  for epoch, record in ipairs(hand) do -- sums in another order
    if record[2] then assert.near(record[2], native[epoch][2], 1e-9 * record[2]) end
    record[2] = native[epoch][2]
  end
  assert.same(hand, native)
  assert.same(native, plain)
  assert.same(native, run "watched")
  return native
end

describe("nn.fit is the loop by hand with", function()
  for name, case in pairs {
    ["nothing more"] = {}, l2 = {l2 = 0.03}, l1 = {l1 = 0.01},
    ["both penalties"] = {l1 = 0.01, l2 = 0.1},
    clip_norm = {clip_norm = 0.05}, clip_value = {clip_value = 0.002},
    ["both clips and penalties"] = {clip_norm = 0.3, clip_value = 0.1, l1 = 0.01, l2 = 0.02},
    accumulate = {accumulate = 3},
    ["accumulate and the rest"] = {accumulate = 2, l2 = 0.1, clip_norm = 0.1},
    ["a schedule by epoch"] = {schedule = function(opt)
      return nn.schedule.Exponential(opt, {gamma = 0.5})
    end},
    ["a schedule by batch"] = {accumulate = 2, schedule = function(opt)
      return nn.schedule.OneCycle(opt, {max_lr = 0.1, total_steps = 12, by = "batch"})
    end},
    ["a warm-up before epochs"] = {schedule = function(opt)
      return nn.schedule.Warmup(opt, {steps = 5, by = "batch",
        after = nn.schedule.Exponential(opt, {gamma = 0.5})})
    end},
  } do
    it(name, function() same(case) end)
  end

  it("sample weights", function()
    local weighted = same({}, true)
    same({accumulate = 3, l2 = 0.01}, true)
    assert.is_not_same(weighted, same {})
  end)
end)

describe("nn.fit", function()
  it("puts the penalty beside the loss, of weights and not of biases", function()
    local model = nn.Linear(1, 1)
    nn.no_grad(function()
      model.weight:fill_(3)
      model.bias:fill_(5)
    end)
    local history = nn.fit(model, nn.data.line(), {
      loss = nn.MSELoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0}), epochs = 1,
      l2 = 0.5, l1 = 0.25, batch_size = 3,
    })
    assert.equal(0.25 * 9 + 0.25 * 3, history[1].penalty)
    local line = nn.data.line()
    assert.near(nn.MSELoss()(model(line.x), line.y):item(), history[1].loss, 1e-4)
    assert.matches("epoch +loss +penalty +lr +seconds", tostring(history))
  end)

  it("accumulates the gradient of one large batch", function()
    local function weights(size, k)
      nn.seed(3)
      local model = nn.Linear(2, 2):to "float64"
      local ds = data(50)
      nn.fit(model, nn.data.tensors(ds.x:to "float64", ds.y), {
        loss = nn.CrossEntropyLoss(), optimizer = nn.optim.SGD(model:parameters(), {lr = 0.5}),
        epochs = 4, batch_size = size, accumulate = k, shuffle = false,
      })
      return model.weight:detach()
    end
    assert.is_true(nn.allclose(weights(24, 1), weights(8, 3), {rtol = 1e-12, atol = 1e-14}))
    assert.is_true(nn.allclose(weights(50, 1), weights(7, 100), {rtol = 1e-12, atol = 1e-14}))
  end)

  it("weights classes by the loss and samples by the data", function()
    local function scores(class_weight, sample_weight)
      local model, ds = nn.Linear(2, 2), data(60)
      nn.no_grad(function() for _, p in ipairs(model:parameters()) do p:fill_(0) end end)
      if sample_weight then
        ds = nn.data.tensors(ds.x, ds.y, {weight = ds.y:eq(2):to "float32" * 9 + 1})
      end
      nn.fit(model, ds, {
        loss = nn.CrossEntropyLoss {weight = class_weight}, epochs = 20, batch_size = 60,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}),
      })
      local bias = model.bias:detach()
      return bias[2] - bias[1]
    end
    local even = scores()
    assert.is_true(scores {1, 10} > even + 0.1)
    assert.is_true(scores(nil, true) > even + 0.1)
  end)

  it("penalises and clips for optimizers that ask for the loss themselves", function()
    for _, name in ipairs {"LBFGS", "Nesterov"} do
      local function run(callbacks, wrap)
        nn.seed(4)
        local model = nn.Linear(1, 1)
        local optimizer = nn.optim[name](model:parameters(), {lr = 0.01})
        local history = nn.fit(wrap and InLua(model) or model, nn.data.line(), {
          loss = nn.MSELoss(), optimizer = optimizer, epochs = 30, batch_size = 7, l2 = 0.1,
          accumulate = 2, callbacks = callbacks,
        })
        return {model.weight:item(), model.bias:item(), history[30].loss, history[30].penalty}
      end
      local native = run()
      assert.same(native, run {watcher()})
      assert.same(native, run(nil, true))
      assert.is_true(native[4] > 0)
    end
  end)

  it("lets ReduceOnPlateau see the record", function()
    local model, ds = network(), data()
    local optimizer = nn.optim.SGD(model:parameters(), {lr = 1})
    local s = nn.schedule.ReduceOnPlateau(optimizer,
      {patience = 0, threshold = 100, monitor = "loss"})
    local history = nn.fit(model, ds, {loss = nn.CrossEntropyLoss(), optimizer = optimizer,
      epochs = 3, schedule = s})
    assert.same({1, 1}, {history[1].lr, history[2].lr})
    assert.near(0.1, history[3].lr, 1e-12)
  end)

  it("says what is wrong with them", function()
    local model, ds = network(), data()
    local optimizer = nn.optim.SGD(model:parameters(), {lr = 1})
    local function wrong(pattern, more)
      local o = {loss = nn.CrossEntropyLoss(), optimizer = optimizer}
      for name, value in pairs(more) do o[name] = value end
      assert.matches(pattern, message(nn.fit, model, ds, o))
    end
    wrong("option 'l2' must be 0 or more, got %-1", {l2 = -1})
    wrong("option 'clip_norm' must be above 0, got 0", {clip_norm = 0})
    wrong("option 'accumulate' must be a positive whole number, got 0", {accumulate = 0})
    wrong("option 'accumulate' .* got nan$", {accumulate = 0 / 0}) -- either sign is the same
    wrong("option 'batch_size' .* got nan$", {batch_size = -(0 / 0)})
    wrong("option 'schedule' must be a schedule, such as .* got 3", {schedule = 3})
    wrong("schedule 1 must be one of nn.schedule, got 3", {schedule = {3}})
    local other = nn.optim.SGD(model:parameters(), {lr = 1})
    wrong("the schedule Cosine was made for another optimizer",
      {schedule = nn.schedule.Cosine(other, {T_max = 5})})
    wrong("watches 'val_loss', and the columns are epoch, loss, lr, seconds; it needs the option '",
      {schedule = nn.schedule.ReduceOnPlateau(optimizer, {})})
    wrong("checkpoint: the field 'path' is missing", {checkpoint = {}})
    wrong("checkpoint: the path must end in .nn, got \"x\"", {checkpoint = "x"})
    wrong("CrossEntropyLoss.*", {loss = nn.CrossEntropyLoss(),
      validation = nn.data.tensors(nn.zeros(3, 2), nn.zeros(3, 2, 2))})
  end)
end)

describe("nn.fit and numbers that are none", function()
  local function fails(model, ds, more)
    local o = {loss = nn.MSELoss(), batch_size = 8, shuffle = false}
    for name, value in pairs(more or {}) do o[name] = value end
    o.optimizer = o.optimizer or nn.optim.Adam(model:parameters(), {lr = 0.1})
    return message(nn.fit, model, ds, o), o
  end

  local function regression(n)
    nn.seed(5)
    return nn.data.tensors(nn.randn(n or 40, 2), nn.randn(n or 40, 1))
  end

  it("says where in the data", function()
    local ds = regression()
    ds.x[{25, 2}] = 0 / 0
    local err = fails(nn.Sequential {nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)}, ds)
    assert.matches("fit: the loss became nan at epoch 1, batch 4 %(lr 0.1%); the model is as it "
      .. "was before that batch.\n  where it began: element %[25, 2%] of the data's x is nan\n  "
      .. "likely cause: missing values", err)
    err = fails(nn.Linear(2, 1), ds, {shuffle = true})
    assert.matches("element %[25, 2%] of the data's x", err)
    err = fails(nn.Linear(2, 1), ds, {accumulate = 5})
    assert.matches("epoch 1, batch 4 .*element %[25, 2%] of the data's x", err)
  end)

  it("says in which layer", function()
    local ds = regression()
    local err = fails(nn.Sequential {
      nn.Linear(2, 4), nn.Sequential {nn.Dropout(0.5), nn.Lambda(function(x) return x / 0 end)},
      nn.Linear(4, 1)}, ds)
    assert.matches("of the output of model%[2%]%[2%], Lambda, is ", err)
    local Net = nn.Module:extend "Net"
    function Net:init() self.a, self.b = nn.Linear(2, 4), nn.Linear(4, 1) end
    function Net:forward(x) return self.b((self.a(x) * 0 - 1):log()) end
    assert.matches("element %[1, 1%] of the input of model.b, Linear%(4, 1%), is nan\n  likely "
      .. "cause: a logarithm", (fails(Net(), ds)))
    local wild = nn.Linear(2, 1)
    nn.no_grad(function() wild.weight:fill_(math.huge) end)
    assert.matches("element %[1, 1%] of parameter weight is inf before that batch",
      (fails(wild, ds)))
    err = fails(nn.Linear(2, 1), ds, {loss = function(p) return (p * 0 - 1):log():mean() end})
    assert.matches("the loss function, of predictions that are finite", err)
  end)

  it("stops before a gradient that is none", function()
    local ds = regression()
    local Root = nn.Module:extend "Root"
    function Root:init() self.a = nn.Linear(2, 1) end
    function Root:forward(x) return (self.a(x) * 0):sqrt() end
    local err = fails(Root(), ds)
    assert.matches("fit: the gradient became infinite or nan at epoch 1, batch 1", err)
    assert.matches("the gradient at the output of model.a, Linear%(2, 1%), which comes from", err)
    local model = nn.Linear(2, 1)
    err = fails(model, ds, {l2 = 1e3, loss = nn.L1Loss(), epochs = 99,
      optimizer = nn.optim.SGD(model:parameters(), {lr = 1e5})})
    assert.matches("the gradient of weight reaches .*likely cause: the steps are too large", err)
    assert.is_true(model.weight:isfinite():all())
  end)

  it("leaves weights, buffers, optimizer and streams as before that batch", function()
    for _, way in ipairs {"native", "watched", "lua"} do
      local ds = regression()
      ds.x[{20, 1}] = math.huge
      local function fit(rows, fail)
        nn.seed(1)
        local model = nn.Sequential {
          nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1),
        }
        local o = {loss = nn.MSELoss(), batch_size = 8, shuffle = false, epochs = 1,
          callbacks = way == "watched" and {watcher()} or nil}
        o.optimizer = nn.optim.Adam(model:parameters(), {lr = 0.1})
        local part = nn.data.tensors(ds.x:narrow(1, 1, rows), ds.y:narrow(1, 1, rows))
        local whole = way == "lua" and InLua(model) or model
        if fail then message(nn.fit, whole, part, o) else nn.fit(whole, part, o) end
        local state, kept = {}, o.optimizer:state().params
        for name, t in pairs(model:state()) do state[name] = t:totable() end
        for i, slots in ipairs(kept) do
          for name, v in pairs(slots) do
            state[i .. name] = type(v) == "userdata" and v:totable() or v
          end
        end
        state.mask = nn.Dropout(0.5)(nn.ones(20)):totable()
        return state
      end
      assert.same(fit(16), fit(40, true))
    end
  end)
end)

describe("a fit that runs again", function()
  -- What each batch and each dropout mask was, and the history.
  local script = [[
    nn.seed(3)
    local x = nn.randn(3000, 40)
    local words = {}
    local see = nn.Lambda(function(t)
      local rows = nn.range(1, #t):to "float64":unsqueeze(2)
      words[#words + 1] = ("%a"):format(t:detach():to "float64":mul(rows):sum():item())
      return t
    end)
    local model = nn.Sequential {see, nn.Lambda(function(t) return t * 0 + 1 end), nn.Dropout(0.5),
      see, nn.Linear(40, 2)}
    local history = nn.fit(model, nn.data.tensors(x, x:sum(2):gt(0):to "int64" + 1), {
      loss = nn.CrossEntropyLoss(), optimizer = nn.optim.Adam(model:parameters()), epochs = 2,
      batch_size = 500, validation = 0.1,
    })
    print(table.concat(words, " "))
    for _, r in ipairs(history) do print(("%a %a"):format(r.loss, r.val_loss)) end]]

  local function run(threads)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    assert(file:write(script))
    assert(file:close())
    local pipe = assert(io.popen(("%s --threads %d %s 2>&1"):format(tools.nnlua, threads, path)))
    local out = pipe:read "a"
    assert.is_true(pipe:close(), out)
    os.remove(path)
    return out
  end

  it("has the same history, to the last bit", function()
    assert.equal(run(1), run(1))
    assert.equal(run(2), run(2))
  end)

  it("has the same batches and masks with any number of threads", function()
    local one, two = run(1):match "^[^\n]*", run(2):match "^[^\n]*"
    assert.is_true(#one > 200)
    assert.equal(one, two)
  end)
end)
