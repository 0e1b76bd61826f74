-- workers_spec.lua: tasks in processes: the same answers with any number of workers, streams as
-- they were, deaths that are told, nobody left behind.
local core = require "nn.core"
local workers = require "nn.experiment.workers"
local nnlua = dofile("spec/tools.lua").nnlua

local function own_pid()
  local f = assert(io.open("/proc/self/stat"))
  local pid = f:read("n")
  f:close()
  return pid
end

-- The processes whose parent this one is.
local function children(pid)
  local f = assert(io.popen(("ps -o pid=,comm= --ppid %d"):format(pid)))
  local list = {}
  for line in f:lines() do
    if line:find "nnlua" then list[#list + 1] = line end
  end
  f:close()
  return list
end

local function collect(count, f, options)
  local results = {}
  options.done = function(i, result)
    assert.equal(#results + 1, i)
    results[i] = result
  end
  workers.run("test", count, f, options)
  return results
end

describe("workers", function()
  it("give the same answers whatever their number, in the order of the tasks", function()
    local function task(i)
      local model = nn.Linear(3, 2)
      return {i = i, first = nn.rand(3):totable(), math = math.random(),
        weight = model.weight:totable(), order = nn.randperm(5, {stream = "shuffle"}):totable()}
    end
    local one = collect(7, task, {workers = 1, seed = 5})
    for _, n in ipairs {0, 2, 3, 20} do
      assert.same(one, collect(7, task, {workers = n, seed = 5}))
    end
    assert.not_same(one[1].value.first, one[2].value.first)
    assert.not_same(one, collect(7, task, {workers = 2, seed = 6}))
  end)
  it("leave every random stream and the number of threads as they were", function()
    local threads = core.threads()
    for _, n in ipairs {0, 2} do
      nn.seed(3)
      nn.rand(5)
      local before, math_before = core.rng_state(), core.math_state()
      collect(3, function() return nn.rand(1):item() end, {workers = n})
      assert.same(before, core.rng_state())
      assert.same(math_before, core.math_state())
      assert.equal(threads, core.threads())
      assert.is_nil(core.choosing)
    end
    nn.seed(0)
  end)
  it("bring back tensors, histories and what is shared", function()
    local model = nn.Linear(1, 1)
    local results = collect(1, function()
      local t = nn.range(1, 250):to("float32"):view(5, 50)
      local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 2,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})})
      return {t = t, again = t, empty = nn.zeros(0, 3), mask = nn.tensor({1, 0}, {dtype = "uint8"}),
        scalar = nn.tensor(0.5, {dtype = "float64"}), history = history,
        whole = nn.tensor({math.maxinteger, 1}, {dtype = "int64"}), inf = 1 / 0}
    end, {workers = 1})
    local v = results[1].value
    assert.is_true(nn.equal(nn.range(1, 250):to("float32"):view(5, 50), v.t))
    assert.equal(v.t, v.again)
    assert.same({0, 3}, v.empty.shape)
    assert.equal("uint8", v.mask:dtype())
    assert.equal(0.5, v.scalar:item())
    assert.equal(math.maxinteger, v.whole[1])
    assert.equal(2, #v.history)
    assert.is_number(v.history:best("loss").loss)
    assert.equal(1 / 0, v.inf)
  end)
  it("tell the cause of a task that fails, and go on", function()
    local results = collect(6, function(i)
      if i == 1 then error("no luck") end
      if i == 2 then os.execute("kill -9 " .. own_pid()) end
      if i == 3 then os.exit(7) end
      if i == 4 then return {f = print} end
      if i == 5 then error({}) end
      return "fine"
    end, {workers = 2})
    assert.matches("workers_spec.lua:%d+: no luck", results[1].error)
    assert.matches("died of signal 9", results[2].error)
    assert.matches("exit code 7", results[3].error)
    assert.matches("a function cannot be saved", results[4].error)
    assert.matches("an error that is a table", results[5].error)
    assert.equal("fine", results[6].value)
    assert.same({}, children(own_pid()))
  end)
  it("refuse tensors beyond their share of the memory", function()
    local results = collect(1, function() return nn.zeros(1 << 40, {dtype = "uint8"}):numel() end,
      {workers = 1})
    assert.matches("not enough memory", results[1].error)
  end)
  it("run with one thread, and may ask for more", function()
    local results = collect(2, function(i)
      local before = nn.threads()
      if i == 2 then nn.threads(2) end
      local x = nn.ones(300, 300)
      return {before, x:matmul(x):sum():item()}
    end, {workers = 2})
    assert.same({1, 300 ^ 3}, results[1].value)
    assert.same({1, 300 ^ 3}, results[2].value)
  end)
  it("start a task when those before it by `after` are told", function()
    local told = 0
    workers.run("test", 8, function(i) return told >= i - 3 end, {workers = 4, after = 3,
      done = function(i, result)
        assert.is_true(result.value)
        told = i
      end})
    assert.equal(8, told)
  end)
  it("are all gone after an error in between", function()
    assert.has_error(function()
      workers.run("test", 4, function(i)
        if i > 1 then while true do end end
      end, {workers = 3, done = function() error("enough", 0) end})
    end, "enough")
    assert.same({}, children(own_pid()))
  end)
end)

-- Runs a script; returns its output, its errors and the exit code; SIGINT comes when it has said
-- "go".
local function interrupted(code, signal)
  local script = os.tmpname()
  local f = assert(io.open(script, "w"))
  f:write("io.stdout:setvbuf 'no'\n", code)
  f:close()
  local command = ([[
    env --default-signal=INT "%s" %s >%s.out 2>%s.err & p=$!
    n=0
    while [ ! -s %s.out ] && [ $n -lt 2000 ]; do sleep 0.01; n=$((n + 1)); done
    sleep 0.2
    kill -%s $p
    (sleep 20; kill -KILL $p) 2>/dev/null >/dev/null & w=$!
    wait $p; rc=$?
    kill $w 2>/dev/null
    sleep 0.3
    pgrep -f "^[^ ]*nnlua [^ ]*%s" | wc -l >%s.left
    exit $rc]]):format(nnlua, script, script, script, script, signal, script, script)
  local _, _, rc = os.execute(command)
  local texts = {}
  for _, suffix in ipairs {".out", ".err", ".left"} do
    local file = assert(io.open(script .. suffix))
    texts[#texts + 1] = file:read("a")
    file:close()
    os.remove(script .. suffix)
  end
  os.remove(script)
  return texts[1], texts[2], rc, tonumber(texts[3])
end

local endless = [[
  nn.search{space = {x = nn.uniform(0, 1)}, trials = 6, workers = 2, run = function(p, trial)
    if trial.number == 2 then print "go" end
    while trial.number > 1 do end
    return p.x
  end}
]]

describe("Ctrl-C", function()
  it("ends all processes and keeps what is done", function()
    local out, err, rc, left = interrupted("local ok, err = pcall(function()" .. endless .. [[
      end)
      print(ok, err:match "[^:]*$", #nn.last.result.trials, nn.last.result.best.number)
    ]], "INT")
    assert.matches("false%s+interrupted%s+1%s+1", out, 1, false, err)
    assert.equal(0, left)
    assert.equal(0, rc)
  end)
  it("and the death of the parent leave nobody behind", function()
    local _, _, _, left = interrupted(endless, "KILL")
    assert.equal(0, left)
    local _, err, rc = interrupted(endless, "INT")
    assert.matches("interrupted", err)
    assert.equal(130, rc)
  end)
end)
