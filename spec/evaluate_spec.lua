-- evaluate_spec.lua: nn.evaluate and model:predict on data of every kind. (Modes, streams and
-- errors of the model: fit_spec.lua; the metrics: metrics_spec.lua.)

local nn = require "nn"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return err
end

-- Data that only comes in batches of its own making.
local function streaming(x, y)
  local opened = 0
  return {
    batches = function(_, o)
      assert.is_false(o.shuffle)
      opened = opened + 1
      local first = 1
      return function()
        if first > #x then return nil end
        local count = math.min(o.size, #x - first + 1)
        first = first + count
        return x:narrow(1, first - count, count):clone(), y:narrow(1, first - count, count):clone()
      end
    end,
    count = function() return opened end,
  }
end

local function some(n)
  nn.seed(5)
  local x, y = nn.randn(n or 50, 3), nn.randint(1, 4, {n or 50})
  return x, y, nn.Sequential {nn.Linear(3, 8), nn.Dropout(0.5), nn.Tanh(), nn.Linear(8, 4)}
end

describe("nn.evaluate", function()
  it("gives the loss of the whole, whatever the batches", function()
    local x, y, model = some()
    local out = model:predict(x)
    y[nn.tensor({3, 4, 9, 50}, {dtype = "int64"})] = 2
    for _, o in ipairs {
      {}, {reduction = "sum"}, {weight = {1, 2, 5, 0.5}}, {ignore_index = 2},
      {weight = {1, 2, 5, 0.5}, ignore_index = 2}, {label_smoothing = 0.1},
    } do
      local loss = nn.CrossEntropyLoss(o)
      local want = loss(out, y):item() / (o.reduction == "sum" and #x or 1)
      for _, size in ipairs {1, 7, 50, 256} do
        local got = nn.evaluate(model, nn.data.tensors(x, y), {loss = loss, batch_size = size}).loss
        assert.near(want, got, 1e-5, ("%s in batches of %d"):format(loss, size))
        got = nn.evaluate(model, streaming(x, y), {loss = loss, batch_size = size}).loss
        assert.near(want, got, 1e-5, ("%s in streamed batches of %d"):format(loss, size))
      end
    end
  end)

  it("takes data that comes in batches", function()
    local x, y, model = some()
    local o = {loss = nn.CrossEntropyLoss(), metrics = {"accuracy", "confusion", "auc"},
      batch_size = 8}
    local want = nn.evaluate(model, nn.data.tensors(x, y), o)
    local stream = streaming(x, y)
    local got = nn.evaluate(model, stream, o)
    assert.equal(1, stream.count())
    assert.equal(want.accuracy, got.accuracy)
    assert.equal(want.auc, got.auc)
    assert.equal(want.loss, got.loss)
    assert.same(want.confusion:totable(), got.confusion:totable())
    local whole, parts = model:predict(x, {batch_size = 8}), model:predict(stream, {batch_size = 8})
    assert.same(whole:totable(), parts:totable())
    assert.matches("evaluate: say what to measure of data that comes in batches",
      message(nn.evaluate, model, stream))
    assert.matches("evaluate: the data has no samples",
      message(nn.evaluate, model, streaming(x:narrow(1, 1, 0), y:narrow(1, 1, 0)), o))
  end)

  it("counts samples by their weights", function()
    local x, y, model = some(6)
    local w = nn.tensor {1, 0, 2, 1, 0.5, 3}
    local each = nn.CrossEntropyLoss {reduction = "none"}(model:predict(x), y)
    local data = nn.data.tensors(x, y)
    data.weight = w
    for _, size in ipairs {2, 4, 6} do
      local got = nn.evaluate(model, data, {loss = nn.CrossEntropyLoss(), batch_size = size}).loss
      assert.near(each:mul(w):sum():item() / 6, got, 1e-6)
    end
  end)

  it("works in float64, and for models written in Lua", function()
    local x, y, model = some()
    local function answer(m, inputs)
      local r = nn.evaluate(m, nn.data.tensors(inputs, y),
        {loss = nn.CrossEntropyLoss(), metrics = {"accuracy", "auc", "f1"}, batch_size = 9})
      return r
    end
    local single = answer(model, x)
    local Mine = nn.Module:extend "Mine"
    function Mine:init(inner) self.inner = inner end
    function Mine:forward(v) return self.inner(v) end
    assert.equal(single.loss, answer(Mine(model), x).loss)
    local double = model:clone():to "float64"
    assert.equal("float64", double:predict(x:to "float64"):dtype())
    local other = answer(double, x:to "float64")
    assert.near(single.loss, other.loss, 1e-6)
    assert.equal(single.accuracy, other.accuracy)
    assert.near(single.auc, other.auc, 1e-3)
  end)

  it("builds no graph and leaves no memory behind", function()
    local x, y, model = some(500)
    local data = nn.data.tensors(x, y)
    local function once()
      nn.evaluate(model, data, {loss = nn.CrossEntropyLoss(), batch_size = 10})
      collectgarbage()
      collectgarbage()
      return nn.memory().live
    end
    local before = once()
    assert.equal(before, once())
    local grads = 0
    model:apply(function(m) if m.weight and m.weight.grad then grads = grads + 1 end end)
    assert.equal(0, grads)
  end)

  it("counts how often held-out data was opened, and says so", function()
    local x, y, model = some()
    local _, _, test = nn.data.tensors(x, y):split {0.6, 0.2, 0.2}
    local first = nn.evaluate(model, test)
    assert.is_nil(tostring(first):find "held out")
    local second = nn.evaluate(model, test)
    assert.equal(2, test.opened)
    assert.matches("%(held out, and measured 2 times: choices made by it flatter it%)",
      tostring(second))
  end)

  it("says what is wrong", function()
    local x, y, model = some()
    local data = nn.data.tensors(x, y)
    assert.matches("evaluate_spec.lua:%d+: evaluate: the data must be a dataset, .* got a float32",
      message(nn.evaluate, model, x))
    assert.matches("evaluate: there is no option 'metric'; did you mean 'metrics'%?",
      message(nn.evaluate, model, data, {metric = {}}))
    assert.matches("evaluate: loss must be a loss", message(nn.evaluate, model, data, {loss = 3}))
    assert.matches("evaluate: option 'batch_size' must be a positive whole number, got 0",
      message(nn.evaluate, model, data, {batch_size = 0}))
    assert.matches("evaluate: the model must be a layer or a module, got a function",
      message(nn.evaluate, print, data))
  end)
end)
