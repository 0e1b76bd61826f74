-- engine_spec.lua: what scripts can rely on from the C part: values, gradients, memory, errors.

local loss, X, Y

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return err
end

-- The message without its position, which must be this file's.
local function text(f, ...)
  local err = message(f, ...)
  local position, rest = err:match("^(.-:%d+): (.*)$")
  assert.truthy(position and position:find("engine_spec.lua", 1, true), err)
  return rest
end

describe("tensors and gradients", function()
  it("compute values and gradients", function()
    local x = nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true})
    local y = (x * x + 2 * x - 1):sum()
    y:backward()
    assert.same({{4, 6}, {8, 10}}, x.grad:totable())
    assert.equal(46, y:item())
  end)

  it("broadcast, and sum the gradient back", function()
    local a = nn.ones({3, 1}, {requires_grad = true})
    local b = nn.tensor({1, 2}, {requires_grad = true})
    ;(a * b):sum():backward()
    assert.same({{3}, {3}, {3}}, a.grad:totable())
    assert.same({3, 3}, b.grad:totable())
  end)

  it("index, take ranges and assign", function()
    local x = nn.range(1, 6):to("float32"):view(2, 3)
    assert.equal(6, x[2][3])
    assert.equal(6, x[{2, 3}])
    assert.same({2, 3}, x[{1, {2, 3}}]:totable())
    assert.same({{2}, {5}}, x[{{}, {2, 2}}]:totable())
    x[{{}, 2}] = 7
    assert.same({{1, 7, 3}, {4, 7, 6}}, x:totable())
    x[1] = x[2]
    assert.same({4, 7, 6}, x[1]:totable())
    assert.equal(2, #x)
    assert.same({2, 3}, x.shape)
  end)

  it("keep a gradient through an element", function()
    local w = nn.tensor({2, 3}, {requires_grad = true})
    local y = w[1] * 5 + w[2]
    y:backward()
    assert.same({5, 1}, w.grad:totable())
  end)

  it("train a line as mathematics, without layers", function()
    local line = nn.data.line()
    local x, y = line.x, line.y
    local m = nn.tensor(0.0, {requires_grad = true})
    local b = nn.tensor(0.0, {requires_grad = true})
    for _ = 1, 3000 do
      m:zero_grad()
      b:zero_grad()
      ;((m * x + b - y) ^ 2):mean():backward()
      nn.no_grad(function()
        m:sub_(m.grad, 0.06)
        b:sub_(b.grad, 0.06)
      end)
    end
    assert.near(0.335593220338983, m:item(), 1e-4)
    assert.near(0.8047215496368041, b:item(), 1e-4)
  end)

  it("convert dtypes by the rules", function()
    local i = nn.tensor({1, 2}, {dtype = "int64"})
    assert.equal("int64", (i + 1):dtype())
    assert.equal("float32", (i + 0.5):dtype())
    assert.equal("float32", (i / 2):dtype())
    assert.equal("float32", (i + nn.ones(2)):dtype())
    assert.equal("uint8", i:eq(1):dtype())
    assert.equal("int64", i:eq(1):sum():dtype())
    assert.matches("convert one of them",
      text(function() return nn.ones(2) + nn.ones(2, {dtype = "float64"}) end))
  end)

  it("give one Lua value to one object", function()
    local fc = nn.Linear(2, 3)
    assert.is_true(fc.weight == fc.weight)
    local opt = nn.optim.SGD({fc.weight}, {lr = 1})
    assert.is_true(opt:groups()[1].params[1] == fc.weight)
  end)

  it("restore the state of gradients after an error under no_grad", function()
    local err = {}
    local ok, got = pcall(nn.no_grad, function() error(err) end)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.is_true((nn.tensor(1.0, {requires_grad = true}) * 2).requires_grad)
  end)

  it("give gradients of a list of tensors without accumulating", function()
    local a = nn.tensor(2.0, {requires_grad = true})
    local b = nn.tensor(3.0, {requires_grad = true})
    local c = a * b
    local g = nn.grad(c * c, {a, b, c})
    assert.same({36, 24, 12}, {g[1]:item(), g[2]:item(), g[3]:item()})
    assert.is_nil(a.grad)
  end)
end)

describe("memory", function()
  local many = 1000000

  it("of dropped tensors is collected by their bytes", function()
    collectgarbage()
    local before = nn.memory().live
    for _ = 1, many / 100 do local _ = nn.zeros(262144) end
    assert.is_true(nn.memory().peak - before < 256 * 2 ^ 20)
  end)

  it("of tiny tensors and of forward passes stays bounded", function()
    local model = nn.Sequential{nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)}
    local x = nn.rand(4, 2)
    collectgarbage()
    local before, most = nn.memory().live, 0
    for i = 1, many do
      local _, _ = nn.zeros(2), model(x)
      if i % 1000 == 0 then most = math.max(most, nn.memory().live) end
    end
    assert.is_true(most - before < 70 * 2 ^ 20, ("%.0f MiB"):format((most - before) / 2 ^ 20))
  end)

  it("is not asked of the system by a steady training loop", function()
    local data = nn.data.tensors(nn.rand(48, 10), nn.randint(1, 3, {48}),
      {classes = {"a", "b", "c"}})
    local model = nn.Sequential{nn.Linear(10, 20), nn.ReLU(), nn.Dropout(0.2), nn.Linear(20, 3)}
    local after_third, steps = nil, 0
    nn.fit(model, data, {
      loss = nn.CrossEntropyLoss(), epochs = 20, batch_size = 16,
      optimizer = nn.optim.Adam(model:parameters()),
      callbacks = {{on_epoch_end = function()
        steps = steps + 3
        if not after_third then after_third = nn.memory().mallocs end
      end}},
    })
    assert.equal(60, steps)
    assert.equal(after_third, nn.memory().mallocs)
  end)

  it("can be given back at once", function()
    local before = nn.memory().live
    do local _ <close> = nn.zeros(1000, 1000) end
    local x = nn.zeros(1000, 1000)
    x:release()
    assert.equal(before, nn.memory().live)
    assert.equal("this tensor was released; it cannot be used any more",
      text(function() return x + 1 end))
    assert.equal("released tensor", tostring(x))
  end)

  it("that runs out is an error with the figures, and all stays usable", function()
    local limit = nn.memory_limit()
    nn.memory_limit(nn.memory().live + 2 ^ 24)
    local err = text(function() return nn.zeros(2 ^ 24) end)
    nn.memory_limit(limit)
    assert.matches("^not enough memory: asked for 64.0 MiB, .* live, the limit is", err)
    assert.equal(0, nn.zeros(2 ^ 24):sum():item())
    assert.matches("larger than any memory", text(nn.zeros, 2 ^ 40, 2 ^ 40))
  end)
end)

describe("errors teach:", function()
  setup(function()
    loss = nn.CrossEntropyLoss()
    X, Y = nn.rand(6, 4), nn.tensor({1, 2, 3, 1, 2, 3}, {dtype = "int64"})
  end)

  it("a wrong shape", function()
    local model = nn.Sequential{nn.Linear(784, 15), nn.ReLU(), nn.Linear(15, 10)}
    assert.equal("Sequential[1]: Linear(784, 15): the input's last dimension must be 784, " ..
      "got 100x28x28; put a Flatten() before it", text(model, nn.zeros(100, 28, 28)))
    assert.equal("MSELoss: the prediction is 32x1 and the target 32; a loss never broadcasts; " ..
      "perhaps you mean target:view_as(prediction), or target:view{-1, 1}",
      text(nn.MSELoss(), nn.zeros(32, 1), nn.zeros(32)))
    assert.matches("^add: shapes 2x3 and 4 do not broadcast",
      text(function() return nn.zeros(2, 3) + nn.zeros(4) end))
    assert.matches("^reshape: 2x3 has 6 elements, which do not fill 4x2",
      text(function() return nn.zeros(2, 3):reshape(4, 2) end))
  end)

  it("a label out of range", function()
    local model = nn.Linear(4, 3)
    assert.equal("CrossEntropyLoss: the label of row 1 is 0, but 3 scores a row mean labels in " ..
      "1..3; the labels here run from 0 to 2: make them start at 1, labels = labels:add(1)",
      text(loss, model(X), Y - 1))
  end)

  it("units print as they are written", function()
    assert.equal("CrossEntropyLoss{label_smoothing = 0.1}",
      tostring(nn.CrossEntropyLoss{label_smoothing = 0.1}))
    assert.equal("Softmax{dim = 2}", tostring(nn.Softmax{dim = 2}))
    assert.equal("Linear(3, 4, {bias = false})", tostring(nn.Linear(3, 4, {bias = false})))
    assert.equal("ReLU()", tostring(nn.ReLU()))
  end)

  it("a wrong type, a misspelt option, a missing argument", function()
    assert.equal("exp: needs a tensor or a number, got the string \"a\"", text(nn.exp, "a"))
    assert.matches("^Adam: there is no option 'lrr'; did you mean 'lr'%?",
      text(nn.optim.Adam, nn.Linear(2, 2):parameters(), {lrr = 1}))
    assert.equal("Linear: 'out' is missing; it must be a whole number of at least 1 " ..
      "(output features)",
      text(nn.Linear, 3))
    assert.equal("Linear: 'in' must be a whole number of at least 1, got -3",
      text(nn.Linear, -3, 4))
    assert.matches("^Linear: too many arguments", text(nn.Linear, 3, 4, 5))
    assert.matches("call it with a colon", text(function() return nn.zeros(2):add() end) ..
      "call it with a colon")
  end)

  it("NaN, negative and absurd hyper-parameters, with the state intact", function()
    local params = nn.Linear(2, 2):parameters()
    assert.equal("SGD: 'lr' must be a finite number from 0 to 1000000, got nan",
      text(nn.optim.SGD, params, {lr = 0 / 0}))
    assert.matches("got %-1", text(nn.optim.SGD, params, {lr = -1}))
    assert.matches("got inf", text(nn.optim.SGD, params, {lr = math.huge}))
    local opt = nn.optim.Adam(params, {lr = 0.5})
    assert.matches("^Adam: 'lr'", text(function() opt.lr = 0 / 0 end))
    assert.equal(0.5, opt.lr)
    assert.matches("^SGD: nesterov needs", text(nn.optim.SGD, params, {nesterov = true}))
    assert.matches("no parameters", text(nn.optim.SGD, {}, {lr = 1}))
  end)

  it("an index out of range reminds that counting starts at 1", function()
    assert.equal("index 0 is out of range 1..3 (counting starts at 1)",
      text(function() return nn.zeros(3)[0] end))
    assert.matches("index 3 is out of range 1%.%.2 of dimension 1 %(counting starts at 1%)",
      text(function() return nn.zeros(2, 2)[3] end))
    assert.matches("dimension 3 is out of range 1%.%.2",
      text(function() return nn.zeros(2, 2):sum(3) end))
  end)

  it("backward where there is nothing to do", function()
    assert.matches("^backward: this value does not depend on any tensor that requires a gradient",
      text(function() nn.ones(1):sum():backward() end))
    local x = nn.ones({3}, {requires_grad = true})
    assert.matches("^backward: only a scalar", text(function() (x * 2):backward() end))
    local y = (x * x):sum()
    y:backward()
    assert.matches("used up by an earlier backward", text(function() y:backward() end))
    local z = (x * x):sum()
    nn.no_grad(function() x:add_(1) end)
    assert.matches("^backward: 'mul' saved a 3 tensor that was changed in place",
      text(function() z:backward() end))
    assert.matches("change it under nn.no_grad", text(function() x:add_(1) end))
  end)

  it("an error inside a Lua module comes back as the same value, and all stays usable", function()
    local err = {}
    local model = nn.Sequential{nn.Linear(4, 4), function() error(err) end}
    local ok, got = pcall(model, X)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.matches("must return a tensor, got nil", message(nn.Sequential{function() end}, X))
    model[2] = nn.ReLU()
    assert.same({6, 4}, model(X).shape)
  end)

  it("a container does not go into itself", function()
    local inner = nn.Sequential{nn.ReLU()}
    local outer = nn.Sequential{inner}
    assert.equal("Sequential: cannot be put into itself", text(inner.add, inner, inner))
    assert.equal("Sequential: cannot be put into itself", text(inner.add, inner, outer))
    assert.equal("Sequential: cannot be put into itself", text(function() inner[1] = outer end))
    assert.equal(1, #inner)
    assert.same({1}, outer(nn.ones(1)):totable())
  end)

  it("wrong selves do not crash", function()
    for _, f in ipairs{nn.zeros(1).size, nn.Linear(1, 1).forward, nn.ReLU()._slots} do
      for _, self in ipairs{1, "x", {}, print, io.stdout, nn.MSELoss(), true} do
        assert.is_false(pcall(f, self))
      end
    end
    assert.is_false(pcall(setmetatable, nn.zeros(1), {}))
    assert.equal("protected", getmetatable(nn.zeros(1)))
  end)
end)

describe("reproducibility:", function()
  local function run(threads)
    local before = nn.threads()
    nn.threads(threads)
    nn.seed(7)
    local model = nn.Sequential{nn.Linear(20, 30), nn.ReLU(), nn.Dropout(0.5), nn.Linear(30, 3)}
    local opt = nn.optim.Adam(model:parameters())
    local x, y = nn.randn(50, 20), nn.randint(1, 3, {50})
    local numbers = {}
    for i = 1, 20 do
      opt:zero_grad()
      local l = nn.CrossEntropyLoss()(model(x), y)
      l:backward()
      opt:step()
      numbers[i] = string.pack("n", l:item())
    end
    nn.threads(before)
    return table.concat(numbers)
  end

  it("the same seed gives the same bits", function()
    assert.equal(run(1), run(1))
    assert.equal(run(2), run(2))
  end)

  it("math.random follows the seed", function()
    nn.seed(3)
    local a = math.random()
    nn.seed(3)
    assert.equal(a, math.random())
  end)

  it("random draws do not depend on the number of threads", function()
    local before = nn.threads()
    local function draw(threads)
      nn.threads(threads)
      nn.seed(1)
      return nn.randn(1000):sum():item()
    end
    assert.equal(draw(1), draw(2))
    nn.threads(before)
  end)
end)
