-- search_spec.lua: nn.search: its methods, that workers and kills change nothing, what it refuses;
-- nn.diagnose: what it finds, and that it stays silent and changes nothing.
local core = require "nn.core"

local tools = dofile("spec/tools.lua")
local nnlua, text = tools.nnlua, tools.text

local function run(command)
  local f = assert(io.popen(command .. " 2>&1"))
  local out = f:read("a")
  f:close()
  return out
end

-- A bowl with its top at x = 0.3, n = 4, kind "b".
local space = {
  x = nn.uniform(0, 1), rate = nn.log_uniform(1e-4, 1), n = nn.int(1, 6), kind = nn.choice{"a",
    "b"},
  fixed = 7,
}
local function bowl(p)
  assert(p.fixed == 7)
  return 1 - (p.x - 0.3) ^ 2 - 0.05 * (p.n - 4) ^ 2 - (math.log(p.rate, 10) + 2) ^ 2 / 10
    - (p.kind == "b" and 0 or 0.2)
end

local function search(more)
  local o = {space = space, run = bowl, trials = 12, seed = 4}
  for key, v in pairs(more or {}) do o[key] = v end
  return nn.search(o)
end

describe("the ranges of a search", function()
  it("hold what is drawn from them", function()
    local found = search{trials = 60}
    local seen = {}
    for _, trial in ipairs(found.trials) do
      local p = trial.params
      assert.is_true(p.x >= 0 and p.x < 1)
      assert.is_true(p.rate >= 1e-4 and p.rate < 1)
      assert.is_true(math.type(p.n) == "integer" and p.n >= 1 and p.n <= 6)
      seen[p.n], seen[p.kind], seen[math.floor(math.log(p.rate, 10))] = true, true, true
    end
    for _, v in ipairs {1, 2, 3, 4, 5, 6, "a", "b", -4, -3, -2, -1} do
      assert.is_true(seen[v], v)
    end
  end)
  it("say what is wrong", function()
    assert.matches("uniform: expected two numbers", text(nn.uniform, 1))
    assert.matches("the first number must be below the second, got 2 and 1", text(nn.uniform, 2, 1))
    assert.matches("log_uniform: both numbers must be above 0, got 0", text(nn.log_uniform, 0, 1))
    assert.matches("int: expected whole numbers", text(nn.int, 0.5, 2))
    assert.matches("choice: expected a list", text(nn.choice, 3))
  end)
end)

describe("search", function()
  it("gives the same table with any number of workers, by every method", function()
    for _, method in ipairs {"random", "tpe", "grid", "halving"} do
      local function go(n)
        return search{method = method, workers = n, trials = 16, points = 2, budget = 4, eta = 2,
          run = function(p, trial)
            if trial.number == 3 then error "three is unlucky" end
            for epoch = 1, 3 do trial:report(epoch, bowl(p) - 1 / epoch) end
            return bowl(p) - 1 / trial.budget + nn.rand(1):item() * 1e-3
          end}
      end
      local one = go(1)
      assert.equal(tostring(one), tostring(go(2)), method)
      assert.equal(tostring(one), tostring(go(5)), method)
      assert.equal(tostring(one), tostring(go(0)), method)
      assert.matches("three is unlucky", one.trials[3].error)
      assert.is_nil(one.trials[3].score)
    end
  end)
  it("goes through a whole grid", function()
    local found = nn.search{method = "grid", points = 3, run = bowl,
      space = {x = nn.uniform(0, 1), n = nn.int(3, 4), kind = nn.choice{"a", "b"},
        rate = nn.log_uniform(1e-4, 1), fixed = 7}}
    assert.equal(3 * 2 * 2 * 3, #found.trials)
    local seen = {}
    for _, trial in ipairs(found.trials) do
      local p = trial.params
      seen[("%s %d %.3f %.4f"):format(p.kind, p.n, p.x, p.rate)] = true
    end
    for _, key in ipairs {"a 3 0.000 0.0001", "b 4 0.500 0.0100", "b 3 1.000 1.0000"} do
      assert.is_true(seen[key], key)
    end
    assert.equal("b", found.best.params.kind)
    assert.equal(4, found.best.params.n)
  end)
  it("by estimators comes nearer to the top than by chance", function()
    local wins = 0
    for seed = 1, 5 do
      local o = {trials = 40, seed = seed, workers = 0}
      o.method = "random"
      local chance = search(o).best.score
      o.method = "tpe"
      if search(o).best.score > chance then wins = wins + 1 end
    end
    assert.is_true(wins >= 4, wins)
  end)
  it("by halving gives the best the largest budget", function()
    local found = search{method = "halving", trials = 9, budget = 9, run = function(p, trial)
      return bowl(p) - 1 / trial.budget
    end}
    local counts = {}
    for _, trial in ipairs(found.trials) do
      counts[trial.budget] = (counts[trial.budget] or 0) + 1
      assert.is_true(bowl(trial.params) <= bowl(found.best.params))
    end
    assert.same({[1] = 6, [3] = 2, [9] = 1}, counts)
    assert.equal(9, found.best.budget)
  end)
  it("minimises where it is asked to", function()
    local found = search{direction = "min", run = function(p) return -bowl(p) end}
    local least = math.huge
    for _, trial in ipairs(found.trials) do least = math.min(least, trial.score) end
    assert.equal(least, found.best.score)
    assert.matches("^trial +score", tostring(found))
  end)
  it("ends a trial that reports less than the median of those before it", function()
    local found = search{trials = 30, ahead = 4, run = function(p, trial)
      for epoch = 1, 3 do trial:report(epoch, epoch * p.x) end
      return 3 * p.x
    end}
    local ended = 0
    for i, trial in ipairs(found.trials) do
      if trial.stopped then
        ended = ended + 1
        assert.is_true(i > 4 + 4)
        assert.equal(trial.stopped * trial.params.x, trial.score)
      end
    end
    assert.is_true(ended > 4)
    assert.is_nil(found.best.stopped)
  end)
  it("ranks models on data that no trial has stopped on", function()
    local found = nn.search{space = {lr = nn.log_uniform(1e-3, 1e-1)}, trials = 3,
      data = nn.data.iris(),
      run = function(p, trial)
        assert(#trial.train == 90 and #trial.validation == 30)
        local model = nn.Linear(4, 3)
        nn.fit(model, trial.train, {validation = trial.validation, loss = nn.CrossEntropyLoss(),
          epochs = 3, optimizer = nn.optim.Adam(model:parameters(), {lr = p.lr})})
        return model
      end}
    assert.is_true(found.best.score > 0.2 and found.best.score <= 1, found.best.score)
    assert.near(0, found.best.score * 30 % 1, 1e-6)
  end)
  it("leaves the streams alone, writes and draws what it found", function()
    local before = core.rng_state()
    local found = search()
    assert.same(before, core.rng_state())
    local path = os.tmpname()
    found:csv(path)
    local f = assert(io.open(path))
    assert.equal("trial,score,kind,n,rate,x", f:read "l")
    f:close()
    found:plot(path .. ".svg")
    assert.is_true(os.remove(path .. ".svg"))
    os.remove(path)
  end)
  it("refuses what would spoil its choice", function()
    local _, _, test = nn.data.iris():split{0.6, 0.2, 0.2}
    assert.matches("option 'data' is held out", text(search, {data = test}))
    local found = search{trials = 1, run = function()
      return nn.evaluate(nn.Linear(4, 3), test, {metrics = {"accuracy"}}).accuracy
    end}
    assert.matches("the data is held out, and nn.search makes a choice", found.trials[1].error)
    assert.equal(0, test.opened)
    assert.equal("no trial has a score", tostring(found):match "[^\n]*$")
  end)
  it("says what is wrong", function()
    assert.matches("did you mean 'random'", text(search, {method = "randon"}))
    assert.matches('must be "max" or "min", got "up"', text(search, {direction = "up"}))
    assert.matches("option 'run' must be a function", text(search, {run = 3}))
    assert.matches("the space has no range", text(search, {space = {a = 1}}))
    assert.matches("a path that ends in .nn", text(search, {resume = "x"}))
    local found = search{trials = 3, run = function(_, trial)
      return ({0 / 0, "much", nn.Linear(1, 1)})[trial.number]
    end}
    assert.matches("the score is nan", found.trials[1].error)
    assert.matches("must give a number, got the string", found.trials[2].error)
    assert.matches("run returned a model; with the option 'data'", found.trials[3].error)
  end)
end)

describe("a search's file", function()
  local script = [[
    local path, trials, dies, method = arg[1], tonumber(arg[2]), tonumber(arg[3]), arg[4]
    local parent = io.open("/proc/self/stat"):read("n")
    print(nn.search{
      space = {x = nn.uniform(0, 1), n = nn.choice{1, 2, 3}}, method = method, trials = trials,
      seed = 3, workers = 2, resume = path ~= "-" and path or nil, budget = 4, eta = 2,
      run = function(p, trial)
        if trial.number == dies then os.execute("kill -9 " .. parent) end
        return p.x * p.n + nn.rand(1):item() - 1 / trial.budget
      end})]]
  it("carries it over a kill to the same table", function()
    local name = os.tmpname()
    local f = assert(io.open(name, "w"))
    f:write(script)
    f:close()
    for _, method in ipairs {"tpe", "halving", "random"} do
      local path = name .. ".nn"
      local function go(file, trials, dies)
        return run(("'%s' %s %s %d %d %s"):format(nnlua, name, file, trials, dies, method))
      end
      local whole = go("-", 20, 0)
      assert.matches("best: trial", whole)
      assert.is_nil(go(path, 20, 12):find "best: trial")
      local kept = nn.load(path).answers
      assert.is_true(#kept >= 1 and #kept < 20, #kept)
      assert.equal(whole, go(path, 20, 12 + 100))
      assert.equal(whole, go(path, 20, 0)) -- nothing is left to do
      if method ~= "halving" then -- more trials go on from there
        assert.equal(go("-", 26, 0), go(path, 26, 0))
      end
      local other = method == "tpe" and "random" or "tpe"
      assert.matches("is of another search: its .- is .*, here it is",
        run(("'%s' %s %s 20 0 %s"):format(
        nnlua, name, path, other)))
      os.remove(path)
    end
    os.remove(name)
  end)
end)

-- ---- diagnose ---------------------------------------------------------------------------------

describe("diagnose", function()
  local ce = nn.CrossEntropyLoss()
  local function names(found)
    local list = {}
    for _, f in ipairs(found.findings) do
      list[#list + 1] = f.finding
      assert.is_true(#f.evidence > 10 and #f.cure > 10 and #f.where > 0)
    end
    return table.concat(list, "; ")
  end
  local function digits_net()
    return nn.Sequential{nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)}
  end
  it("is silent on healthy networks, and changes nothing", function()
    local train, val = nn.data.digits():split{0.8, 0.2}
    local Net = nn.Module:extend "DiagnosedNet"
    function Net:init()
      self.first, self.act, self.last = nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10)
    end
    function Net:forward(x) return self.last(self.act(self.first(x:flatten(2)))) end
    for _, model in ipairs {digits_net(), Net()} do
      for _, make in ipairs {
        function(p) return nn.optim.Adam(p, {lr = 1e-3}) end,
        function(p) return nn.optim.SGD(p, {lr = 0.1, momentum = 0.9}) end,
      } do
        local opt = make(model:parameters())
        for _ = 1, 2 do
          local streams, state = core.rng_state(), model:state()
          local found = nn.diagnose(model, train, ce, {optimizer = opt, validation = val})
          assert.equal("", names(found))
          assert.matches("nothing wrong was found", tostring(found))
          assert.same(streams, core.rng_state())
          for key, t in pairs(model:state()) do assert.is_true(nn.equal(t, state[key])) end
          nn.fit(model, train, {loss = ce, optimizer = opt, epochs = 3})
        end
      end
    end
  end)
  it("knows the largest curvature of the chapter's regression, and its limit", function()
    local model = nn.Linear(1, 1)
    local function at(lr, momentum)
      return nn.diagnose(model, nn.data.line(), nn.MSELoss(), {batch_size = 7,
        optimizer = nn.optim.SGD(model:parameters(), {lr = lr, momentum = momentum})})
    end
    assert.near(29.1761, at(0.01).curvature, 0.05)
    assert.near(0.068549, at(0.01).limit, 2e-4)
    assert.near(0.068549 * 1.9, at(0.01, 0.9).limit, 4e-4)
    assert.equal("", names(at(0.06)))
    assert.equal("learning rate too high", names(at(0.075)))
  end)
  it("finds an output squashed twice, a copy of the target, missing numbers", function()
    local model = digits_net():add(nn.Softmax())
    assert.equal("squashed twice", names(nn.diagnose(model, nn.data.digits(), ce)))
    local y = nn.randn(50, 1)
    local x = nn.cat({nn.randn(50, 2), y * 2 + 1}, 2)
    local leak = nn.diagnose(nn.Linear(3, 1), nn.data.tensors(x, y), nn.MSELoss())
    assert.equal("leak: a feature is the target", names(leak))
    assert.matches("feature 3", leak.findings[1].evidence)
    x[1][2] = 0 / 0
    assert.matches("numbers missing", names(nn.diagnose(nn.Linear(3, 1),
      nn.data.tensors(x, y + nn.randn(50, 1)), nn.MSELoss())))
  end)
  it("finds overfitting, and a rate too low", function()
    local train, val = nn.data.digits():split{0.03, 0.97}
    local model = digits_net()
    local opt = nn.optim.Adam(model:parameters(), {lr = 0.01})
    nn.fit(model, train, {loss = ce, optimizer = opt, epochs = 60})
    assert.matches("overfitting", names(nn.diagnose(model, train, ce, {validation = val})))
    assert.equal("learning rate too low", names(nn.diagnose(model, nn.data.digits(), ce,
      {optimizer = nn.optim.SGD(model:parameters(), {lr = 1e-7})})))
  end)
  it("writes its findings and says what is wrong", function()
    local model = digits_net()
    local found = nn.diagnose(model, nn.data.digits(), ce,
      {optimizer = nn.optim.SGD(model:parameters(), {lr = 100})})
    local path = os.tmpname()
    found:csv(path)
    local f = assert(io.open(path))
    assert.equal("finding,where,evidence,cure", f:read "l")
    assert.matches("^learning rate too high,optimizer,", f:read "l")
    f:close()
    found:plot(path .. ".svg")
    assert.is_true(os.remove(path .. ".svg"))
    os.remove(path)
    assert.equal(1, #found)
    assert.matches("held out", text(nn.diagnose, model, (select(3, nn.data.digits():split{0.8, 0.1,
      0.1})),
      ce))
    assert.matches("loss must be a loss", text(nn.diagnose, model, nn.data.digits()))
  end)
end)

describe("the examples", function()
  it("find all planted faults", function()
    local out = run(("'%s' examples/diagnose.lua"):format(nnlua))
    assert.matches("new and trained: nothing wrong was found", out)
    assert.matches("8 of 8 planted faults found", out)
  end)
  it("race and compare", function()
    local name = os.tmpname()
    os.remove(name)
    core.make_folder(name)
    local command = "'%s' examples/optimizer_race.lua --out %s --seeds 1 --epochs 1"
    local out = run(command:format(nnlua, name))
    assert.matches("Adam .*val_accuracy after 1 epochs.*RandomSearch", out)
    for _, file in ipairs {"ravine", "ravine_moving", "saddle", "saddle_moving", "optimizers"} do
      assert.is_true(os.remove(name .. "/" .. file .. ".svg"))
    end
    os.remove(name)
  end)
  it("search until digits are right at 98 %", function()
    local path = os.tmpname()
    local out = run(("'%s' examples/search.lua --file %s.nn"):format(nnlua, path))
    os.remove(path .. ".nn")
    os.remove(path)
    local score = tonumber(out:match "best: trial %d+, score ([%d.]+)")
    assert.is_true(score ~= nil and score >= 0.98, out)
  end)
end)
