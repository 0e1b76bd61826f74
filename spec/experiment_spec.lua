-- experiment_spec.lua: cross_validate, compare, race, lr_find, landscape and the curves: their
-- numbers, that nothing they were given changes, and what they refuse.
local core = require "nn.core"

local text = dofile("spec/tools.lua").text

local function mlp(inputs, hidden, outputs)
  return nn.Sequential{nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs)}
end

local function train_iris(train, epochs)
  local model = mlp(4, 8, 3)
  nn.fit(model, train, {loss = nn.CrossEntropyLoss(), epochs = epochs or 5,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 0.02})})
  return model
end

local function held_out()
  return (select(3, nn.data.iris():split{0.6, 0.2, 0.2}))
end

-- Runs f and checks that random streams, and everything that `state` gives, are as before.
local function untouched(state, f)
  nn.seed(11)
  nn.rand(3)
  local streams, math_state, before = core.rng_state(), core.math_state(), state()
  f()
  assert.same(streams, core.rng_state())
  assert.same(math_state, core.math_state())
  local after = state()
  for name, v in pairs(before) do
    if core.kind(v) == "tensor" then
      assert.is_true(nn.equal(v, after[name]), name)
    else
      assert.same(v, after[name], name)
    end
  end
  nn.seed(0)
end

local function saved(path)
  local f = assert(io.open(path))
  local all = f:read("a")
  f:close()
  os.remove(path)
  return all
end

-- A result prints, writes a CSV whose first line is `header`, and draws itself.
local function check_result(result, header)
  assert.is_true(#tostring(result) > 20)
  local path = os.tmpname()
  result:csv(path)
  assert.equal(header, saved(path):match "^[^\n]*")
  result:plot(path .. ".svg", {title = "A title"})
  assert.matches("<svg", saved(path .. ".svg"))
  os.remove(path)
end

describe("cross_validate", function()
  local function run(options)
    options.folds = options.folds or 4
    return nn.cross_validate(nn.data.iris(), options, function(train, val)
      return nn.evaluate(train_iris(train, 2), val, {metrics = {"accuracy", "confusion"}})
    end)
  end
  it("gives the same numbers with any number of workers", function()
    local one, two = run{workers = 1}, run{workers = 2}
    assert.equal(tostring(one), tostring(two))
    assert.equal(tostring(one), tostring(run{workers = 0}))
    assert.equal(4, #two.folds)
    check_result(two, "fold,accuracy")
  end)
  it("measures on every row once, and sums up", function()
    local rows, values = {}, {}
    local cv = nn.cross_validate(nn.data.tensors(nn.range(1, 20):view(20, 1), nn.range(1,
      20):view(20, 1)),
      {folds = 5, repeats = 2, workers = 1}, function(train, val, fold, round)
        assert(#train == 16 and #val == 4)
        return {sum = val.x:sum():item(), fold_number = fold, round = round}
      end)
    for i, fold in ipairs(cv.folds) do
      rows[fold.round] = (rows[fold.round] or 0) + fold.sum
      values[i] = fold.sum
    end
    assert.same({210.0, 210.0}, rows)
    assert.near(42, cv.mean.sum, 1e-9)
    local square = 0
    for _, v in ipairs(values) do square = square + (v - 42) ^ 2 end
    assert.near(math.sqrt(square / 9), cv.std.sum, 1e-9)
  end)
  it("refuses held-out data, inside too, and says which fold failed", function()
    assert.matches("cross_validate: the data is held out", text(nn.cross_validate, held_out(), {},
      function() return {} end))
    local test = held_out()
    assert.matches("evaluate: the data is held out, and nn.cross_validate makes a choice",
      text(nn.cross_validate, nn.data.iris(), {folds = 2, workers = 2}, function(train)
        return nn.evaluate(train_iris(train, 1), test)
      end))
    assert.matches("cross_validate: fold 2: .*bad luck", text(nn.cross_validate, nn.data.iris(),
      {folds = 2}, function(_, _, fold)
        if fold == 2 then error "bad luck" end
        return 1
      end))
    assert.matches("did you mean 'folds'", text(nn.cross_validate, nn.data.iris(), {fold = 2},
      print))
    assert.matches("must be a function, got nil", text(nn.cross_validate, nn.data.iris(), {}))
    assert.equal(0, test.opened)
  end)
end)

describe("compare", function()
  local function options(more)
    local o = {model = function() return mlp(4, 8, 3) end, data = nn.data.iris(), seeds = 3,
      epochs = 3,
      loss = nn.CrossEntropyLoss(), optimizers = {"SGD", "Adam"}, tune = {lr = {0.01, 0.1}}}
    for key, v in pairs(more or {}) do o[key] = v end
    return o
  end
  it("starts all from the same weights, with the same batches, seed by seed", function()
    -- Two names for one optimizer: whatever else differed would show.
    local r = nn.compare(options{optimizers = {A = {"SGD", momentum = 0.9}, B = {"SGD",
      momentum = 0.9}}})
    assert.same(r.A.scores, r.B.scores)
    for s = 1, 3 do assert.equal(r.A.histories[s][3].loss, r.B.histories[s][3].loss) end
    assert.not_equal(r.A.histories[1][3].loss, r.A.histories[2][3].loss)
    assert.equal(r.A.lr, r.B.lr)
  end)
  it("does not depend on the number of workers, and leaves the streams alone", function()
    local one, two
    untouched(function() return {} end, function()
      one, two = nn.compare(options{workers = 1}), nn.compare(options{workers = 2})
    end)
    for _, name in ipairs {"SGD", "Adam"} do
      assert.same(one[name].scores, two[name].scores)
      assert.equal(one[name].lr, two[name].lr)
      assert.is_true(two[name].low <= two[name].median and two[name].median <= two[name].high)
    end
    assert.matches("^val_accuracy after 3 epochs, median and range of 3 seeds\noptimizer",
      tostring(two))
    check_result(two, "optimizer,median,low,high,lr,good,to_target,seconds,diverged")
  end)
  it("tunes each with the same budget and tells how sensitive it is", function()
    local r = nn.compare(options{tune = {lr = {1e-7, 0.1}}, optimizers = {"Adam"}, seeds = 1})
    assert.equal(0.1, r.Adam.lr)
    assert.equal(2, #r.Adam.tried)
    assert.equal(1, r.Adam.good)
  end)
  it("counts runs that diverge, as the worst of all", function()
    local r = nn.compare{model = function() return nn.Linear(1, 1) end, data = nn.data.line(),
      validation = nn.data.line(), loss = nn.MSELoss(), epochs = 40, batch_size = 7, seeds = 2,
        tune = false,
      optimizers = {good = {"SGD", lr = 0.01}, wild = {"SGD", lr = 1e5}}}
    assert.equal(2, r.wild.diverged)
    assert.matches("fit: the loss became", r.wild.errors[1])
    assert.equal(math.huge, r.wild.median)
    assert.equal(0, r.good.diverged)
    assert.is_true(r.good.median < 1)
    assert.matches("\ngood .*\nwild ", tostring(r))
  end)
  it("says what is wrong", function()
    assert.matches("option 'data' is held out", text(nn.compare, options{data = held_out()}))
    assert.matches("option 'validation' is held out", text(nn.compare,
      options{validation = held_out()}))
    assert.matches("no optimizer 'Adma'; did you mean 'Adam'", text(nn.compare,
      options{optimizers = {"Adma"}}))
    assert.matches("optimizers.x must return an optimizer, such as .*, got 3", text(nn.compare,
      options{optimizers = {x = function() return 3 end}}))
    assert.matches("tune.lr must be a list of values, got 3", text(nn.compare,
      options{tune = {lr = 3}}))
    assert.matches("option 'model' must be a function", text(nn.compare, options{model = 3}))
  end)
end)

describe("race", function()
  it("keeps every step of every path", function()
    local race = nn.race{f = nn.functions.sphere, start = {2, -1}, steps = 10,
      optimizers = {SGD = {lr = 0.25}, Adam = {lr = 0.1}}}
    assert.same({11, 2}, race.paths.SGD.shape)
    for i = 1, 11 do -- w := w - 0.25 * 2 w
      assert.near(2 * 0.5 ^ (i - 1), race.paths.SGD[i][1], 1e-12)
      assert.near(-0.5 ^ (i - 1), race.paths.SGD[i][2], 1e-12)
    end
    check_result(race, "optimizer,reached,f,distance,x,y")
    local path = os.tmpname() .. ".svg"
    race:animate(path, {seconds = 2})
    assert.matches("animate", saved(path))
  end)
  it("takes steps of what needs a closure, ends what diverges, and leaves the streams alone",
    function()
    untouched(function() return {} end, function()
      local race = nn.race{f = function(x, y) return x ^ 2 + 3 * y ^ 2 end, start = {2, -1},
        steps = 60,
        optimizers = {LBFGS = {}, Nesterov = {lr = 0.1, momentum = 0.9}, RandomSearch = {},
          wild = {"SGD", lr = 1e5}}}
      assert.is_true(race.paths.LBFGS[-1][1] ^ 2 < 1e-8)
      assert.is_true(race.diverged.wild < 60)
      assert.is_nil(race.diverged.LBFGS)
      check_result(race, "optimizer,f,x,y,note")
    end)
  end)
  it("says what is wrong", function()
    assert.matches("option 'start' is two numbers", text(nn.race, {f = nn.functions.beale,
      start = {1},
      optimizers = {"SGD"}}))
    assert.matches("option 'f' must be a function", text(nn.race, {start = {1, 1},
      optimizers = {"SGD"}}))
    assert.matches("must return one, got a float64 tensor of 2", text(nn.race, {start = {1, 1},
      f = function(x) return nn.stack{x, x} end, optimizers = {"SGD"}}))
  end)
end)

describe("functions", function()
  it("are 0 at their minima, where the gradient is too, and lie above around them", function()
    local count = 0
    for _, name in ipairs {"rosenbrock", "beale", "himmelblau", "booth", "rastrigin", "ackley",
      "sphere",
      "saddle", "valley"} do
      local f = nn.functions[name]
      assert.is_true(f.range[1][1] < f.range[1][2])
      local minima = f.minimum and (type(f.minimum[1]) == "table" and f.minimum or {f.minimum})
        or {}
      for _, m in ipairs(minima) do
        count = count + 1
        assert.near(0, f(m[1], m[2]), 1e-12)
        for angle = 0, 6 do
          local x, y = m[1] + 0.01 * math.cos(angle), m[2] + 0.01 * math.sin(angle)
          assert.is_true(f(x, y) > 1e-8)
          local t = f(nn.tensor(x, {dtype = "float64"}), nn.tensor(y, {dtype = "float64"}))
          assert.near(f(x, y), t:item(), 1e-12)
        end
      end
    end
    assert.equal(11, count)
    assert.is_nil(nn.functions.saddle.minimum)
    -- Known values elsewhere.
    assert.near(24.2, nn.functions.rosenbrock(-1.2, 1), 1e-12)
    assert.near(14.203125, nn.functions.beale(0, 0), 1e-12)
    assert.equal(170.0, nn.functions.himmelblau(0, 0) * 1.0)
    assert.equal(74.0, nn.functions.booth(0, 0) * 1.0)
    assert.near(2, nn.functions.rastrigin(1, 1), 1e-9)
    assert.near(3.6253849384, nn.functions.ackley(1, 1), 1e-9)
    assert.equal(3.0, nn.functions.saddle(2, 1) * 1.0)
  end)
end)

-- A model, an optimizer with a state, and all that belongs to them.
local function trained()
  local model = nn.Sequential{nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2),
    nn.Linear(8, 3)}
  local opt = nn.optim.SGD(model:parameters(), {lr = 0.05, momentum = 0.9})
  nn.fit(model, nn.data.iris(), {loss = nn.CrossEntropyLoss(), epochs = 2, optimizer = opt})
  return model, opt, function()
    local all = model:state()
    all.lr, all.training = opt.lr, model.training
    for i, entry in ipairs(opt:state().params) do
      for name, v in pairs(entry) do all[i .. name] = v end
    end
    for i, p in ipairs(model:parameters()) do
      all["grad" .. i] = p.grad and p.grad:clone() or false
    end
    return all
  end
end

describe("lr_find", function()
  it("suggests a rate that trains, and leaves everything as it found it", function()
    local model, opt, state = trained()
    local found
    untouched(state, function()
      found = nn.lr_find(model, nn.data.iris(), {loss = nn.CrossEntropyLoss(), optimizer = opt})
    end)
    assert.is_true(found.suggestion == nil or found.suggestion >= 1e-6)
    local fresh = mlp(4, 8, 3)
    found = nn.lr_find(fresh, nn.data.digits():map(function(x, y) return x:flatten() [{{1, 4}}] * 1,
      y end),
      {loss = function(p, t) return nn.CrossEntropyLoss()(p:narrow(2, 1, 3), t:clamp(1, 3)) end})
    assert.is_true(found.suggestion > 1e-4 and found.suggestion < 1, tostring(found.suggestion))
    assert.is_true(found.suggestion <= found.lowest)
    check_result(found, "lr,loss,smooth")
  end)
  it("says what is wrong", function()
    local model = nn.Linear(4, 3)
    local loss = nn.CrossEntropyLoss()
    assert.matches("held out", text(nn.lr_find, model, held_out(), {loss = loss}))
    assert.matches("wants 0 < low < high", text(nn.lr_find, model, nn.data.iris(), {loss = loss,
      low = 20}))
    assert.matches("has no learning rate", text(nn.lr_find, model, nn.data.iris(),
      {loss = loss, optimizer = nn.optim.RandomSearch(model:parameters())}))
    assert.matches("is no parameter of the model", text(nn.lr_find, model, nn.data.iris(),
      {loss = loss, optimizer = nn.optim.SGD(nn.Linear(2, 2):parameters(), {lr = 1})}))
    assert.matches("loss must be a loss", text(nn.lr_find, model, nn.data.iris()))
  end)
end)

describe("landscape", function()
  local line, mse = nn.data.line(), nn.MSELoss()
  it("is the loss along given directions, exactly", function()
    local model = nn.Linear(1, 1)
    nn.no_grad(function()
      model.weight:fill_(0.5)
      model.bias:fill_(1)
    end)
    local scape = nn.landscape(model, line, mse, {range = {-1, 2}, points = 4,
      directions = {{weight = nn.ones(1, 1)}, {bias = nn.ones(1)}}})
    for r, b in ipairs {-1, 0, 1, 2} do
      for c, a in ipairs {-1, 0, 1, 2} do
        local expected = ((line.x * (0.5 + a) + (1 + b)) - line.y):square():mean():item()
        assert.near(expected, scape.z[r][c], 1e-4)
      end
    end
    assert.near(0.656, scape.centre, 1e-3) -- J(0.5, 1.0) of the chapter
    check_result(scape, "a,b,loss")
  end)
  it("is filter-normalised where directions are random", function()
    local model, opt, state = trained()
    untouched(state, function()
      local flat = nn.landscape(model, nn.data.iris(), nn.CrossEntropyLoss(), {dims = 1, points = 5,
        seed = 1})
      assert.equal(5, #flat.x)
      assert.equal(flat.centre, flat.z[3])
      local again = nn.landscape(model, nn.data.iris(), nn.CrossEntropyLoss(), {dims = 1,
        points = 5,
        seed = 1})
      assert.is_true(nn.equal(flat.z, again.z))
      check_result(flat, "a,loss")
    end)
    assert.equal(0.05, opt.lr)
  end)
  it("goes through a path, whose states lie where they are", function()
    local model, path = nn.Linear(1, 1), {}
    nn.no_grad(function()
      model.weight:fill_(-1)
      model.bias:fill_(4)
    end)
    path[1] = model:state()
    nn.fit(model, line, {loss = mse, epochs = 30, batch_size = 7,
      optimizer = nn.optim.Adam(model:parameters(), {lr = 0.1}),
      callbacks = {{on_epoch_end = function(_, s) path[#path + 1] = s.model:state() end}}})
    local scape = nn.landscape(model, line, mse, {path = path, points = 5})
    -- Two parameters: the plane is all there is, and distances in it are those of the weights.
    for i, state in ipairs(path) do
      local d = (state.weight - model.weight):square():sum()
        + (state.bias - model.bias):square():sum()
      assert.near(math.sqrt(d:item()), math.sqrt(scape.path[i][1] ^ 2 + scape.path[i][2] ^ 2), 1e-4)
    end
    check_result(scape, "a,b,loss")
  end)
  it("says what is wrong", function()
    local model = nn.Linear(1, 1)
    assert.matches("has none of the model's parameters: weight, bias", text(nn.landscape, model,
      line, mse,
      {directions = {{w = nn.ones(1)}}}))
    assert.matches("weight must be a tensor of 1x1, got a float32 tensor of 2", text(nn.landscape,
      model,
      line, mse, {directions = {{weight = nn.ones(2)}}}))
    assert.matches("at least 3 states", text(nn.landscape, model, line, mse, {path = {}}))
    assert.matches("one direction or two, got 3", text(nn.landscape, model, line, mse, {dims = 3}))
    assert.matches("option 'range' is {from, to}", text(nn.landscape, model, line, mse, {range = {1,
      0}}))
  end)
end)

describe("learning_curve and validation_curve", function()
  it("do not depend on the number of workers, and tell the best", function()
    local function curve(n)
      return nn.learning_curve(function(train, size)
        assert(#train == size)
        return train_iris(train, 3)
      end, nn.data.iris(), {sizes = {10, 0.5, 1.0}, repeats = 2, workers = n})
    end
    local one = curve(1)
    assert.equal(tostring(one), tostring(curve(2)))
    assert.equal(10, one.records[1].value)
    assert.equal(60, one.records[2].value)
    assert.equal(120, one.records[3].value)
    assert.matches("from 60 to 120 samples val_accuracy became", tostring(one))
    check_result(one, "samples,train_accuracy,val_accuracy,train_std,val_std")
    local two = nn.validation_curve(function(train, epochs) return train_iris(train, epochs) end,
      nn.data.iris(), {name = "epochs", values = {1, 20}, repeats = 2, metric = "loss",
        loss = nn.CrossEntropyLoss()})
    assert.equal(20, two.best.value)
    check_result(two, "epochs,train_loss,val_loss,train_std,val_std")
  end)
  it("say what is wrong", function()
    assert.matches("held out", text(nn.learning_curve, print, held_out()))
    assert.matches("size 1 must be a share from 0.0 to 1.0 or a number of samples up to 120, got",
      text(nn.learning_curve, print, nn.data.iris(), {sizes = {500}}))
    assert.matches("option 'values' is a list", text(nn.validation_curve, print, nn.data.iris()))
    assert.matches("must be a layer or a module, got nil", text(nn.validation_curve, function() end,
      nn.data.iris(), {values = {1}}))
  end)
end)
