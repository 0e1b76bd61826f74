-- metrics_spec.lua: nn.metrics against values counted from the definitions (golden/metrics.py),
-- and as nn.fit and nn.evaluate take them.

local nn = require "nn"

local folder = debug.getinfo(1, "S").source:match "^@(.*)spec/[^/]*$" .. "tests/golden/"

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return err
end

local function labels(list) return nn.tensor(list, {dtype = "int64"}) end

local function make(given, dtype)
  local kind, shape, values = table.unpack(given)
  return nn.tensor(values, {dtype = kind == "float" and dtype or kind}):reshape(shape)
end

local function close(want, got, tolerance)
  return (want ~= want and got ~= got) or math.abs(want - got) <= tolerance
end

describe("nn.metrics", function()
  it("counts as the definitions do", function()
    local cases, seen = 0, {}
    for line in io.lines(folder .. "metrics.txt") do
      local case = assert(load("return " .. line))()
      cases, seen[case.metric] = cases + 1, true
      for dtype, tolerance in pairs {float64 = 1e-12, float32 = 1e-6} do
        local prediction, target = make(case.prediction, dtype), make(case.target, dtype)
        local got = nn.metrics[case.metric](prediction, target, case.options)
        local what = ("case %d, %s in %s"):format(cases, case.metric, dtype)
        if type(case.want) == "table" then
          assert.equal("int64", got:dtype(), what)
          assert.same(case.want, got:totable(), what)
        else
          assert.is_true(close(case.want, got, tolerance),
            ("%s: %s, wanted %s"):format(what, got, case.want))
        end
      end
    end
    assert.is_true(cases > 100)
    for _, name in ipairs {"accuracy", "auc", "confusion", "f1", "mae", "mse", "precision", "r2",
      "recall", "top_k"} do assert.is_true(seen[name], name) end
  end)

  it("takes views, and leaves no graph", function()
    local scores = nn.randn({4, 30}, {requires_grad = true}):t()
    local truth = nn.randint(1, 4, {30})
    local dense = scores:detach():contiguous()
    for _, name in ipairs {"accuracy", "auc", "f1"} do
      assert.equal(nn.metrics[name](dense, truth), nn.metrics[name](scores, truth))
    end
  end)

  it("says what is wrong", function()
    local two = nn.tensor {{0.5, 0.5}, {0.1, 0.9}}
    local function wrong(pattern, name, ...)
      assert.matches(pattern, message(nn.metrics[name], ...))
    end
    wrong("metrics_spec.lua:%d+: accuracy: the prediction must be a tensor .* got nil", "accuracy")
    wrong("auc: the target must be a tensor with a row for each sample, got 3", "auc", two, 3)
    wrong("accuracy: predictions of 2x2 do not fit targets of 3", "accuracy", two,
      labels {1, 2, 1})
    wrong("f1: predictions of 2x2 do not fit targets of 2x1", "f1", two, labels {{1}, {2}})
    wrong("confusion: label 0 is outside 1..2, .*labels:add%(1%)", "confusion", two, labels {1, 0})
    wrong("recall: label 3 is outside 1..2", "recall", two, labels {1, 3})
    wrong("auc: label 3 is outside 1..2", "auc", two, labels {1, 3})
    wrong("top_k: k is 3, but there are only 2 classes", "top_k", two, labels {1, 2}, {k = 3})
    wrong("top_k: there is no option 'n'", "top_k", two, labels {1, 2}, {n = 3})
    wrong("top_k: option 'k' must be a positive whole number, got 0", "top_k", two, labels {1, 2},
      {k = 0})
    wrong("top_k: wants a score for each class, got predictions of 2x1", "top_k", nn.zeros(2, 1),
      labels {1, 2})
    wrong("accuracy: with one output the targets are 0 and 1; target 2 is 2", "accuracy",
      nn.zeros(2, 1), labels {1, 2})
    wrong("accuracy: with one output the targets are %-1 and 1; target 1 is 0", "accuracy",
      nn.zeros(2, 1), nn.zeros(2, 1), {loss = nn.HingeLoss()})
    wrong("mse: predictions of 2x1 do not fit targets of 2", "mse", nn.zeros(2, 1), nn.zeros(2))
    wrong("auc: wants N or N x C scores, got predictions of 2x3x4", "auc", nn.zeros(2, 3, 4),
      nn.zeros(2, 3, 4))
    wrong("f1: option 'loss' must be a loss or a function, got 3", "f1", two, two, {loss = 3})
    assert.is_nil(nn.metrics.acuracy)
  end)
end)

describe("nn.metrics, called at random", function()
  local random = math.random
  local dtypes = {"float32", "float64", "int64", "uint8"}

  local function shape(rows)
    local size = {}
    for d = 1, random(0, 4) do size[d] = random(0, 4) end
    if #size > 0 and rows then size[1] = rows end
    return size
  end

  local function tensor(rows)
    local size = shape(rows)
    local makers = {
      function() return nn.randn(size) end,
      function() return nn.randint(-2, 5, size) end,
      function() return nn.randint(0, 1, size) end,
      function() return nn.full(size, ({0 / 0, 1 / 0, -1 / 0, 1e30})[random(4)]) end,
    }
    local t = makers[random(#makers)]()
    local ok, converted = pcall(t.to, t, dtypes[random(#dtypes)])
    t = ok and converted or t
    return t:dim() > 1 and random(3) == 1 and t:transpose(1, 2) or t
  end

  local options = {
    function() return nil end, function() return {k = random(-1, 6)} end,
    function() return {loss = nn.BCEWithLogitsLoss()} end,
    function() return {loss = nn.HingeLoss()} end,
    function() return {loss = nn.CrossEntropyLoss {ignore_index = random(0, 4)}} end,
    function() return {loss = print} end, function() return random(3) end,
  }

  it("gives a number or an error that names it", function()
    nn.seed(11)
    local names, good = {}, 0
    for name in pairs(nn.metrics) do names[#names + 1] = name end
    table.sort(names)
    for _ = 1, 6000 do
      local name, rows = names[random(#names)], random(0, 5)
      local o = random(2) == 1 and options[random(#options)]() or nil
      local prediction, target, kind = tensor(rows), tensor(rows), random(4)
      if kind == 1 then target = nn.randint(0, 4, {rows}) end
      if kind == 2 then target = nn.randint(0, 1, prediction:size()) end
      local ok, result = pcall(nn.metrics[name], prediction, target, o)
      if not ok then
        assert.matches("^[^ ]+:%d+: " .. name .. ": ", result)
      else
        good = good + 1
        assert.is_true(type(result) == "number" or (name == "confusion" and nn.is_tensor(result)))
      end
    end
    assert.is_true(good > 300, tostring(good))
  end)
end)

describe("metrics of nn.fit and nn.evaluate", function()
  local function data()
    nn.seed(3)
    local x = nn.randn(60, 4)
    return nn.data.tensors(x, x:argmax(2), {classes = {"north", "east", "south", "west"}})
  end

  local function measure(list, more)
    local o = {metrics = list}
    for key, value in pairs(more or {}) do o[key] = value end
    return nn.evaluate(nn.Identity(), data(), o)
  end

  it("have the names that they were given", function()
    local r = measure {"top_2", "accuracy", {name = "f1"}, {name = "top_k", k = 3},
      best_two = {name = "top_k", k = 2}, right = "accuracy",
      mine = function(p) return p:abs():max() end}
    assert.equal(1, r.top_2)
    assert.equal(1, r.top_k)
    assert.equal(1, r.best_two)
    assert.equal(1, r.f1)
    assert.equal(r.accuracy, r.right)
    assert.is_number(r.mine)
    assert.is_number(measure("accuracy").accuracy)
    assert.is_number(measure(nil, {loss = nn.CrossEntropyLoss()}).loss)
  end)

  it("know the loss", function()
    local y = nn.tensor {{1}, {1}, {0}, {0}}
    local ds = nn.data.tensors(nn.tensor {{0.3}, {2}, {-1}, {-2}}, y)
    local function accuracy(loss)
      return nn.evaluate(nn.Identity(), ds, {loss = loss, metrics = {"accuracy"}}).accuracy
    end
    assert.equal(1, accuracy(nn.BCEWithLogitsLoss()))
    assert.equal(0.75, accuracy(nn.MSELoss()))
    local model = nn.Linear(1, 1)
    local h = nn.fit(model, ds, {loss = nn.BCEWithLogitsLoss(), metrics = {"accuracy"}, epochs = 1,
      validation = ds, optimizer = nn.optim.SGD(model:parameters(), {lr = 0})})
    local want = model(ds.x):gt(0):eq(y:gt(0)):sum():item() / 4
    assert.equal(want, h[1].accuracy)
    assert.equal(want, h[1].val_accuracy)
  end)

  it("print as a table, the confusion with the names of the classes", function()
    local r = measure({"confusion", "accuracy"}, {loss = nn.CrossEntropyLoss()})
    assert.same({4, 4}, r.confusion:size())
    assert.equal(60, r.confusion:sum():item())
    local lines = {}
    for line in tostring(r):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.matches("^loss       %d%.%d%d%d%d$", lines[1])
    assert.equal("accuracy   1.0000", lines[2])
    assert.equal("confusion", lines[3])
    assert.matches("truth \\ answer  north  east  south  west$", lines[4])
    assert.matches("^ +north +%d+ +0 +0 +0$", lines[5])
    assert.equal(8, #lines)
    local names = {}
    for name in pairs(r) do names[#names + 1] = name end
    table.sort(names)
    assert.same({"accuracy", "confusion", "loss"}, names)
  end)

  it("keep the confusion out of the history's line", function()
    local model = nn.Linear(4, 4)
    local h = nn.fit(model, data(), {loss = nn.CrossEntropyLoss(), metrics = {"confusion"},
      epochs = 2, validation = 0.5, optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1})})
    assert.equal(30, h[1].confusion:sum():item())
    assert.equal(30, h[2].val_confusion:sum():item())
    assert.equal("epoch loss val_loss lr seconds",
      (tostring(h):match "[^\n]+":gsub(" +", " "):gsub("^ ", "")))
    local path = os.tmpname()
    h:csv(path)
    assert.equal("epoch,loss,val_loss,lr,seconds", io.lines(path)())
    os.remove(path)
  end)

  it("say what is wrong", function()
    local function wrong(pattern, list) assert.matches(pattern, message(measure, list)) end
    wrong("evaluate: there is no metric 'acuracy'; did you mean 'accuracy'%?", {"acuracy"})
    wrong("evaluate: metrics are a list, such as {\"accuracy\"}, got 3", 3)
    wrong("evaluate: metric 1 must be a name %(a function needs one: name = function%), got a fun",
      {print})
    wrong("evaluate: metric 2 must be a name .*, got nil", {"f1", {k = 3}})
    wrong("top_k: there is no option 'kk'; the options are k, loss", {{name = "top_k", kk = 3}})
    wrong("evaluate: there is already a column 'top_k'; give the metric another name", {
      {name = "top_k", k = 3}, {name = "top_k", k = 2}})
    wrong("evaluate: there is already a column 'loss'", {loss = print})
    wrong("evaluate: metric 'mine' must be a function of prediction and target, got 3", {mine = 3})
    wrong("evaluate: metric 'mine' must give a number, got a float32 tensor of 60x4",
      {mine = function(p) return p end})
    wrong("top_k: k is 9, but there are only 4 classes", {"top_9"})
  end)
end)
