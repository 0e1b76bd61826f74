-- api.lua: random calls of everything that scripts can reach, with arguments of every kind.
--
--   nnlua tests/fuzz/api.lua [--calls 100000] [--seconds 0] [--seed 1] [--trace]
--
-- Every call must return or raise a Lua error; a crash, a sanitizer's report or a tensor that was
-- left broken ends the run. --trace writes each call to stderr before it is made, so that the last
-- line is the one at fault; the seed repeats the run.
local nn = require "nn"
local core = require "nn.core"
local opt = nn.args{calls = 100000, seconds = 0, seed = 1, trace = false}

nn.seed(opt.seed)
nn.threads(2)
nn.memory_limit(192 * 2 ^ 20)
local random = math.random

local function pick(list)
  return list[random(#list)]
end

-- ---- what is called ---------------------------------------------------------------------------

-- Left out: what changes the run itself, or takes long by design.
local skip = {
  threads = true, memory_limit = true, seed = true, set_rng_state = true, args = true, fit = true,
  set_default_dtype = true, release = true, __gc = true,
}

local deeper = {optim = true, linalg = true, init = true}
local targets = {}
local function add(prefix, t, depth)
  local names = {}
  for name, f in pairs(t) do
    if type(name) == "string" and not skip[name] then
      if type(f) == "function" then names[#names + 1] = name end
      if type(f) == "table" and depth > 0 and deeper[name] then
        add(prefix .. name .. ".", f, depth - 1)
      end
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do targets[#targets + 1] = {name = prefix .. name, f = t[name]} end
end
add("nn.", nn, 1)
for _, kind in ipairs{"tensor", "layer", "loss", "optimizer"} do
  add(kind .. ":", core.methods[kind], 0)
end

-- Sources that read or write nothing, and what datasets and transforms can do.
local made = {}
for _, name in ipairs{"Chain", "MinMax", "OneHot", "Polynomial", "Standardize", "Whiten", "from",
  "is_dataset", "tensors"} do
  made[name] = nn.data[name]
end
add("data.", made, 0)
for _, name in ipairs{"augment", "batches", "concat", "describe", "duplicates", "kfold", "map",
  "shuffle", "split", "subset"} do
  targets[#targets + 1] = {name = "dataset:" .. name, f = nn.data.line()[name]}
end
for _, name in ipairs{"fit", "invert", "load_state", "state"} do
  targets[#targets + 1] = {name = "transform:" .. name, f = nn.data.MinMax()[name]}
end

local binary = {
  function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end,
  function(a, b) return a / b end, function(a, b) return a ^ b end, function(a, b) return a % b end,
  function(a, b) return a < b end, function(a, b) return a <= b end,
  function(a, b) return a .. b end, function(a, b) return a & b end, function(a) return ~a end,
  function(a, b) return a == b end, function(a, b) return a[b] end, function(a) return -a end,
  function(a) return #a end, function(a, b, c) a[b] = c end, function(a, b) return a(b) end,
  function(a, b, c) return a(b, c) end, function(a) return tostring(a) end,
  function(a) return a.shape, a.grad, a.weight end, function(a, b) a.grad = b end,
  function(a) nn.no_grad(function() a:add_(1) end) end,
}
for i, f in ipairs(binary) do targets[#targets + 1] = {name = "operator " .. i, f = f} end

-- ---- with what --------------------------------------------------------------------------------

local sizes = {0, 1, 1, 2, 3, 4, 5, 7}
local function shape()
  local s = {}
  for i = 1, random(0, 4) do s[i] = pick(sizes) end
  return s
end

local dtypes = {"float32", "float32", "float64", "int64", "uint8"}
local function new_tensor()
  local s = shape()
  local dtype = pick(dtypes)
  local t = random(2) == 1 and nn.full(s, pick{0, 1, -1, 0.5, 3, 0 / 0, 1 / 0}, {dtype = dtype})
    or nn.randn(s):to(dtype)
  if #s > 1 and random(3) == 1 then t = t:transpose(1, #s) end
  if t:dim() > 0 and t:size(1) > 1 and random(4) == 1 then t = t:narrow(1, 2, t:size(1) - 1) end
  if t:dtype():find("float") and random(3) == 1 then t = t:detach():requires_grad_() end
  return t
end

local function dataset()
  local n = random(0, 9)
  local x = pick{
    function() return nn.randn(n, 3) end, function() return nn.randn(n, 2, 4, 5) end,
    function() return nn.full({n, 2}, pick{1, 0 / 0, 1 / 0}, {dtype = "float64"}) end,
    function() return nn.randint(0, 2, {n, 2}) end, function() return nn.randn(3, n):t() end,
  }()
  local y = random(2) == 1 and nn.randint(1, 3, {n}) or nn.randn(n, 2)
  return nn.data.tensors(x, y, {weight = random(2) == 1 and nn.rand(n) or nil})
end

local function transform()
  local name = pick{"MinMax", "OneHot", "Polynomial", "Standardize", "Whiten"}
  return nn.data[name]():fit(nn.randint(0, 2, {5, random(3)}):to(pick(dtypes)))
end

local function layer()
  return pick{
    function() return nn.Linear(random(1, 4), random(1, 4)) end,
    function()
      return nn.Sequential{nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)}
    end,
    function() return nn.Sequential{nn.Flatten(), function(x) return x * 2 end} end,
    nn.ReLU, nn.Sigmoid, nn.Softmax, nn.Flatten, nn.Identity,
  }()
end

local numbers = {0, 1, -1, 2, 3, 0.5, -2.5, 1e9, -1e9, 2 ^ 40, 2 ^ 63, 1e300, 0 / 0, 1 / 0, -1 / 0,
  math.maxinteger, math.mininteger}
local texts = {"", "x", "float32", "float64", "int64", "mean", "weight", "lr", "\0",
  ("long"):rep(300)}
local pool = {}

local makers = {
  function() return pick(numbers) end, function() return random(-3, 5) end,
  function() return pick(texts) end,
  function() return nil end, function() return random(2) == 1 end, function() return shape() end,
  function() return {} end, function() return {lr = pick(numbers)} end,
  function() return {dim = 1, keepdim = true} end, function() return {dtype = pick(dtypes)} end,
  function() return {pick(numbers), {pick(numbers)}} end,
  function() return function(...) return ... end end, function() return error end,
  function() return coroutine.create(print) end, function() return io.stderr end,
  function()
    local meta = {__index = function() error "index" end, __call = function() return 1 end}
    return setmetatable({}, meta)
  end,
  new_tensor, new_tensor, new_tensor, new_tensor, layer,
  function() return pick(pool) end, function() return pick(pool) end,
  function() return pick(pool) end,
  function() return {pick(pool), pick(pool)} end,
  function() return nn.MSELoss() end,
  function() return nn.CrossEntropyLoss{label_smoothing = 0.1} end,
  function() return pick{nn.optim.SGD, nn.optim.Adam}(nn.Linear(2, 2):parameters(), {lr = 0.1}) end,
  function() local t = nn.zeros(3) t:release() return t end,
  dataset, transform, function() return {0.5, 0.5, groups = pick(pool), seed = random(3)} end,
  function() return {shift = pick(numbers), rotate = pick(numbers), flip = true, cutout = 2} end,
}

local function argument()
  local ok, v = pcall(pick(makers))
  if ok then return v end
end

-- Two calls in three begin as somebody would who knows the function.
local function likely(name, args)
  if random(3) == 1 then return end
  if name:find("^layer") then
    args[1] = layer()
  elseif name:find("^loss") then
    args[1] = pick{nn.MSELoss, nn.CrossEntropyLoss}()
  elseif name:find("^optimizer") then
    args[1] = pick{nn.optim.SGD, nn.optim.Adam}(nn.Linear(2, 2):parameters())
  elseif name:find("^dataset") then
    args[1] = dataset()
    if name == "dataset:augment" and random(2) == 1 then args[1] = nn.data.digits():subset{1, 2} end
  elseif name:find("^transform") then
    args[1] = transform()
    if name == "transform:load_state" then args[2] = args[1]:state() end
  else
    args[1] = new_tensor()
    if random(2) == 1 then args[2] = random(2) == 1 and args[1]:clone() or random(-1, 3) end
    if random(6) == 1 then args[1], args[2] = {args[1], args[1]:clone()}, random(-1, 2) end
  end
end

local function show(v)
  if type(v) == "string" then return ("%q"):format(v:sub(1, 20)) end
  if core.kind(v) == "tensor" then
    local ok, text = pcall(function() return v:dtype() .. " " .. table.concat(v:size(), "x") end)
    return ok and text or "released"
  end
  return core.kind(v) or tostring(v)
end

-- ---- the run ----------------------------------------------------------------------------------

-- A tensor that came out must be whole: its elements can be read, its text be made.
local function inspect(v)
  if core.kind(v) ~= "tensor" then return end
  local ok, n = pcall(v.numel, v)
  if not ok then return end
  assert(n >= 0)
  if n > 1000 then return end -- an expanded one may have more elements than memory has bytes
  assert(n == #v:flatten():totable(), "a tensor that does not hold together")
  if n < 50 then tostring(v) end
end

local function keep(v)
  if v == nil then return end
  if #pool < 64 then
    pool[#pool + 1] = v
  else
    pool[random(64)] = v
  end
end

local started, calls, fine = nn.time(), 0, 0
while calls < opt.calls or (opt.seconds > 0 and nn.time() - started < opt.seconds) do
  if opt.seconds > 0 and nn.time() - started >= opt.seconds then break end
  calls = calls + 1
  local target, args, n = pick(targets), {}, random(0, 4)
  for i = 1, n do args[i] = argument() end
  likely(target.name, args)
  n = math.max(n, #args)
  if opt.trace then
    local words = {}
    for i = 1, n do words[i] = show(args[i]) end
    io.stderr:write(calls, " ", target.name, "(", table.concat(words, ", "), ")\n")
  end
  local ok, r1, r2 = pcall(target.f, table.unpack(args, 1, n))
  if ok then
    fine = fine + 1
    inspect(r1)
    keep(r1)
    keep(r2)
  end
  if calls % 1000 == 0 then
    pool = {}
    collectgarbage()
  end
end
pool = nil
collectgarbage()
print(("%d random calls of %d functions, %d without an error, seed %d: no report"):format(
  calls, #targets, fine, opt.seed))
