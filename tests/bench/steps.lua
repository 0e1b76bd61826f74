-- bench/steps.lua: the training steps of `make bench` in nnlua.
--
-- usage: nnlua --threads N steps.lua fit|loop; then it answers requests, one a line:
--   run WORK BATCH SECONDS   -> ok STEPS_PER_SECOND LABEL
--   peak                     -> ok MIB LABEL; the largest resident memory so far
-- `fit` drives the steps by nn.fit, `loop` by the plain loop that a script would have. The data
-- have MNIST's shape and are walked through in order, as in PyTorch's part.

local nn = require "nn"
local way = arg[1]
local ROWS = 2000

-- One pixel in five is not black, as in MNIST. In place, not to count copies as the run's memory.
local function images(batch)
  nn.seed(1)
  local n = math.max(ROWS, 2 * batch)
  return nn.rand(n, 784):sub_(0.8):relu_():mul_(5), nn.randint(1, 10, {n})
end

local function column(values)
  local rows = {}
  for i, v in ipairs(values) do rows[i] = {v} end
  return nn.tensor(rows)
end

-- The same few rows over and over, so that every batch of an epoch is the full batch.
local function copies(x, y, count)
  local index = {}
  for i = 1, count * #x do index[i] = (i - 1) % #x + 1 end
  index = nn.tensor(index, {dtype = "int64"})
  return x[index], y[index]
end

local function xor()
  return nn.tensor{{0, 0}, {0, 1}, {1, 0}, {1, 1}}, column{0, 1, 1, 0}
end

local function sevenpoints()
  return column{0, 1, 2, 3, 4, 5, 6}, column{1, 3, 5, 7, 9, 11, 13}
end

-- Each makes {model, loss, optimizer, x, y, batch, copies}; the last: how often the few rows stand
-- in the data that nn.fit gets, so that an epoch has more than one step.
local works = {}

works["seed-net"] = function(batch)
  local model = nn.Sequential{nn.Linear(784, 15), nn.Sigmoid(), nn.Linear(15, 10)}
  local x, y = images(batch)
  return {model = model, loss = nn.CrossEntropyLoss(), x = x, y = y, batch = batch,
    optimizer = nn.optim.SGD(model:parameters(), {lr = 0.5})}
end

works.mlp = function(batch)
  local model = nn.Sequential{nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(),
    nn.Linear(512, 10)}
  local x, y = images(batch)
  return {model = model, loss = nn.CrossEntropyLoss(), x = x, y = y, batch = batch,
    optimizer = nn.optim.Adam(model:parameters(), {lr = 1e-3})}
end

works.tiny = function(batch)
  nn.seed(1)
  local model = nn.Sequential{nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)}
  local x, y = xor()
  return {model = model, loss = nn.MSELoss(), x = x, y = y, batch = batch, copies = 1000,
    optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1})}
end

-- The same with the four rows as the whole data set: one step an epoch, a record each.
works["tiny-epochs"] = function(batch)
  local work = works.tiny(batch)
  work.copies = 1
  return work
end

works.line = function(batch)
  nn.seed(1)
  local model = nn.Linear(1, 1)
  local x, y = sevenpoints()
  return {model = model, loss = nn.MSELoss(), x = x, y = y, batch = batch, copies = 1000,
    optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01})}
end

-- Tensor operations instead of a layer and a loss.
works["line-ops"] = function(batch)
  local x, y = sevenpoints()
  local w, b = nn.zeros(1, {requires_grad = true}), nn.zeros(1, {requires_grad = true})
  local function loss(prediction, target)
    local e = prediction - target
    return (e * e):mean()
  end
  return {model = function(input) return w * input + b end, loss = loss, x = x, y = y,
    batch = batch, optimizer = nn.optim.SGD({w, b}, {lr = 0.01})}
end

for name, make in pairs(dofile "tests/bench/nets.lua") do works[name] = make end

-- ---- single calls: each makes a function of no argument, of a size ----

local function optimizer(name, options)
  return function(size)
    local w = nn.zeros(size, {requires_grad = true})
    local opt = nn.optim[name]({w}, options)
    local y = (w * nn.full({size}, 0.01)):sum()
    y:backward()
    return function() opt:step() end
  end
end

local function on_two(f)
  return function(size)
    local x, y = nn.rand(size):sub_(0.5), nn.rand(size)
    return function() return f(x, y) end
  end
end

local calls = {
  SGD = optimizer("SGD", {lr = 1e-3}), momentum = optimizer("SGD", {lr = 1e-3, momentum = 0.9}),
  Adagrad = optimizer("Adagrad", {lr = 1e-3}), RMSprop = optimizer("RMSprop", {lr = 1e-3}),
  Adadelta = optimizer("Adadelta"), Adam = optimizer("Adam", {lr = 1e-3}),
  tanh = on_two(function(x) return x:tanh() end), exp = on_two(function(x) return x:exp() end),
  sigmoid = on_two(function(x) return x:sigmoid() end),
  relu = on_two(function(x) return x:relu() end),
  add = on_two(function(x, y) return x + y end), sum = on_two(function(x) return x:sum() end),
  max = on_two(function(x) return x:max() end),
  softmax = function(size)
    local x = nn.rand(size // 1000, 1000)
    return function() return x:softmax(-1) end
  end,
}

-- ---- driving ----

-- Each takes a work and gives a function that does at least n steps and returns how many it did.
local drive = {}

function drive.fit(work)
  local x, y = work.x, work.y
  if work.copies then x, y = copies(x, y, work.copies) end
  local data = nn.data.tensors(x, y)
  local each = #data // work.batch
  -- Whole batches only: the steps in PyTorch and of the bound have no shorter one at the end.
  if each * work.batch < #data then
    data = nn.data.tensors(x:narrow(1, 1, each * work.batch), y:narrow(1, 1, each * work.batch))
  end
  return function(n)
    local epochs = (n + each - 1) // each
    nn.fit(work.model, data, {loss = work.loss, optimizer = work.optimizer, epochs = epochs,
      batch_size = work.batch, shuffle = false, progress = false})
    return epochs * each
  end
end

function drive.loop(work)
  local model, loss, opt, X, Y = work.model, work.loss, work.optimizer, work.x, work.y
  local size, rows, at = work.batch, #work.x, 1
  local function full(n)
    for _ = 1, n do
      opt:zero_grad()
      local l = loss(model(X), Y)
      l:backward()
      opt:step()
    end
    return n
  end
  local function sliced(n)
    for _ = 1, n do
      local x, y = X:narrow(1, at, size), Y:narrow(1, at, size)
      at = at + 2 * size - 1 <= rows and at + size or 1
      opt:zero_grad()
      local l = loss(model(x), y)
      l:backward()
      opt:step()
    end
    return n
  end
  return size == rows and full or sliced
end

-- Steps a second: a tenth of the time warms up and finds out how many steps fill the rest.
local function measure(steps, seconds)
  local start, done, some, spent = nn.time(), 0, 1
  repeat
    done = done + steps(some)
    some = some * 2
    spent = nn.time() - start
  until spent >= seconds / 10
  local count = math.ceil(seconds / spent * done)
  start = nn.time()
  count = steps(count)
  return count / (nn.time() - start)
end

local made = {}

local function run(work, batch, seconds)
  local key = work .. " " .. batch
  if not made[key] and calls[work] and way == "loop" then
    made = {} -- tensors of ten million numbers do not wait beside each other
    collectgarbage()
    local call = calls[work](batch)
    made[key] = function(n)
      for _ = 1, n do call() end
      return n
    end
  elseif not made[key] then
    if not works[work] or way == "fit" and work == "line-ops" then
      return ("skip no %s by %s"):format(work, way)
    end
    local one = works[work](batch)
    made[key] = one.steps or drive[way](one)
  end
  return ("ok %.9g %s"):format(measure(made[key], seconds), way)
end

local function peak()
  local status = io.open("/proc/self/status")
  local kib = status and status:read("a"):match("VmHWM:%s*(%d+)")
  if status then status:close() end
  return kib and ("ok %.9g peak"):format(kib / 1024) or "skip no VmHWM here"
end

io.stdout:setvbuf("line")
for request in io.lines() do
  local work, batch, seconds = request:match("^run (%S+) (%d+) (%S+)$")
  local ok, answer
  if work then
    ok, answer = pcall(run, work, math.tointeger(batch), tonumber(seconds))
  else
    ok, answer = true, request == "peak" and peak() or "error not understood: " .. request
  end
  print(ok and answer or "error " .. tostring(answer):gsub("\n", " | "))
end
