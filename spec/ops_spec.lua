-- ops_spec.lua: elementwise operations and reductions as scripts see them: values, dtypes, NaN
-- and infinity, nothing, tensors without dimensions, gradients where they are chosen, error texts.

local inf, nan = math.huge, 0 / 0

-- The message without its position, which must be this file's.
local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  local position, rest = err:match("^(.-:%d+): (.*)$")
  assert.truthy(position and position:find("ops_spec.lua", 1, true), err)
  return rest
end

local function int(t)
  return nn.tensor(t, {dtype = "int64"})
end
local function mask(t)
  return nn.tensor(t, {dtype = "uint8"})
end
local function wide(t)
  return nn.tensor(t, {dtype = "float64"})
end
local function leaf(t)
  return nn.tensor(t, {dtype = "float64", requires_grad = true})
end

-- Nested lists, NaN equal to NaN.
local function same(want, got)
  if nn.is_tensor(got) then got = got:totable() end
  if type(want) ~= "table" or type(got) ~= "table" then
    if want ~= want then return assert.is_true(got ~= got) end
    return assert.equal(want, got)
  end
  assert.equal(#want, #got)
  for i = 1, #want do same(want[i], got[i]) end
end

local function near(want, got)
  if nn.is_tensor(got) then got = got:totable() end
  if type(want) ~= "table" then return assert.near(want, got, 1e-12 * (1 + math.abs(want))) end
  assert.equal(#want, #got)
  for i = 1, #want do near(want[i], got[i]) end
end

local function gradient(f, t)
  local x = leaf(t)
  f(x):backward()
  return x.grad
end

describe("rounding", function()
  local x = wide {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.2, inf, nan}

  it("goes down, up, and to the even one of two neighbours", function()
    same({-3, -2, -1, 0, 1, 2, 3, inf, nan}, x:floor())
    same({-2, -1, 0, 1, 2, 3, 4, inf, nan}, x:ceil())
    same({-2, -2, 0, 0, 2, 2, 3, inf, nan}, x:round())
    same({-1, -1, -1, 1, 1, 1, 1, 1, nan}, x:sign())
    same({0, 0}, wide({0, -0.0}):sign())
  end)

  it("leaves integers as they are", function()
    for _, name in ipairs {"floor", "ceil", "round"} do
      local y = int({-7, 7})[name](int {-7, 7})
      assert.equal("int64", y:dtype())
      same({-7, 7}, y)
    end
    same({-1, 0, 1}, int({-7, 0, 1 << 62}):sign())
    same({0, 1}, mask({0, 200}):sign())
  end)

  it("has a gradient of 0", function()
    for _, name in ipairs {"floor", "ceil", "round", "sign"} do
      same({0, 0}, gradient(function(v) return v[name](v):sum() end, {1.2, -3.7}))
    end
  end)

  it("works on plain numbers and in place", function()
    assert.equal(-3, nn.floor(-2.5))
    assert.equal(2, nn.round(2.5))
    same({2, -2}, nn.tensor({1.5, -1.5}):round_())
  end)
end)

describe("functions", function()
  it("have exact values", function()
    near({0, math.log(2), -math.log(2)}, wide({0, 1, -0.5}):log1p())
    assert.equal(1e-20, wide({1e-20}):log1p():item())
    same({-inf, nan, inf, nan}, wide({-1, -2, inf, nan}):log1p())
    same({1, 0.5, inf, nan, 0}, wide({1, 4, 0, -1, inf}):rsqrt())
    near({0, 1, math.sin(1e9), math.sin(-3)}, wide({0, math.pi / 2, 1e9, -3}):sin())
    near({1, -1, math.cos(1e9), math.cos(-3)}, wide({0, math.pi, 1e9, -3}):cos())
    same({nan, nan}, wide({inf, nan}):sin())
  end)

  it("make floats of integers", function()
    for _, name in ipairs {"log1p", "rsqrt", "sin", "cos", "exp", "sqrt", "tanh"} do
      assert.equal("float32", nn[name](int {1, 2}):dtype())
      assert.equal("number", type(nn[name](1)))
    end
    assert.equal("exp_: its result does not fit a int64 tensor in place", text(function()
      int({1}):exp_()
    end))
  end)

  it("take nothing and a single number", function()
    same({}, nn.zeros(0):sin())
    same({3, 0}, nn.zeros(3, 0):log1p().shape)
    assert.equal(0, nn.tensor(0.5):floor():dim())
  end)
end)

describe("clamp", function()
  it("bounds on one side or both", function()
    local x = wide {-2, 0, 2, nan, inf}
    same({-1, 0, 1, nan, 1}, x:clamp(-1, 1))
    same({-2, 0, 1, nan, 1}, x:clamp(nil, 1))
    same({-1, 0, 2, nan, inf}, x:clamp(-1))
    same({-1, 0, 2, nan, inf}, x:clamp {lo = -1})
    same({-2, 0, 2, nan, inf}, x:clamp())
    same({1, 1, 1, nan, 1}, x:clamp(3, 1))
    assert.equal(1, nn.clamp(7, 0, 1))
  end)

  it("keeps integers where the bounds are whole", function()
    assert.equal("int64", int({1, 5}):clamp(2, 3):dtype())
    same({2, 3}, int({1, 5}):clamp(2, 3))
    same({2.5, 5}, int({1, 5}):clamp(2.5))
    assert.equal("float32", int({1, 5}):clamp(2.5):dtype())
    same({0, 255}, mask({0, 255}):clamp(-1, 300))
    same({-(1 << 62)}, int({-(1 << 62)}):clamp(nil, 5))
  end)

  it("passes the gradient between the bounds, ends included", function()
    same({0, 1, 1, 1, 0}, gradient(function(x) return x:clamp(-1, 1):sum() end, {-2, -1, 0, 1, 2}))
  end)

  it("works in place", function()
    same({1, 2}, nn.tensor({0, 5}):clamp_(1, 2))
    assert.equal("clamp_: a fraction does not fit a int64 tensor in place", text(function()
      int({1}):clamp_(0.5)
    end))
    local err = text(function() nn.ones(2):clamp("a") end)
    assert.truthy(err:find("'lo' must be a finite number", 1, true))
  end)
end)

describe("maximum and minimum", function()
  it("pick, and let NaN win", function()
    same({2, nan, nan}, nn.maximum(wide {1, nan, 1}, wide {2, 1, nan}))
    same({1, nan, nan}, nn.minimum(wide {1, nan, 1}, wide {2, 1, nan}))
    same({3, 5}, int({1, 5}):maximum(3))
    same({{1, 1}, {2, 1}}, wide({{1}, {2}}):minimum(wide {3, 1}))
    assert.equal("float32", int({1}):maximum(0.5):dtype())
  end)

  it("share the gradient at ties", function()
    same({0, 0.5, 1}, gradient(function(x) return x:maximum(2):sum() end, {1, 2, 3}))
    same({1, 0.5, 0}, gradient(function(x) return x:minimum(2):sum() end, {1, 2, 3}))
  end)
end)

describe("%", function()
  it("is Lua's", function()
    for _, y in ipairs {3, -3, 2.5, -2.5, inf, -inf} do
      local x = {-7.25, -3, -0.5, 0, 0.5, 3, 7.25}
      local want = {}
      for i, v in ipairs(x) do want[i] = v % y end
      same(want, wide(x) % y)
      same(want, nn.tensor(x) % y)
    end
    same({2, -2}, 5 % int {3, -7})
    same({2, 1, 1}, int({-7, 7, 1 << 62}) % 3)
    same({0}, int({math.mininteger}) % -1)
    same({nan}, wide({1}) % 0)
    same({44 % 7}, mask({44}) % mask({7}))
  end)

  it("refuses integers modulo zero", function()
    assert.equal("mod: integer modulo zero", text(function() return int {1, 2} % 0 end))
    assert.equal("mod: integer modulo zero",
      text(function() return mask({1, 2}) % mask({1, 0}) end))
    assert.equal("mod: integer modulo zero", text(function() int({1, 2}):mod_(0) end))
    same({}, nn.zeros(0, {dtype = "int64"}) % 0)
  end)

  it("has the gradient of x - floor(x / y) y", function()
    same({1, 1}, gradient(function(x) return (x % 2):sum() end, {3.5, -1.5}))
    same({-3, 4}, gradient(function(y) return (7 % y):sum() end, {2, -2}))
  end)
end)

describe("powers", function()
  it("are C's, whatever the exponent", function()
    local x = {-inf, -2, -0.5, -0.0, 0, 0.3, 1, 2, inf, nan}
    for _, p in ipairs {0, 1, 2, 3, 4, -1, -2, 0.5, -0.5, 1.7, -3, 7, inf, -inf, nan} do
      local want = {}
      for i, v in ipairs(x) do want[i] = v ^ p end
      local got = (wide(x) ^ p):totable()
      for i = 1, #x do
        local close = want[i] == got[i] or (want[i] ~= want[i] and got[i] ~= got[i])
          or math.abs(want[i] - got[i]) <= 4e-16 * math.abs(want[i])
        assert.is_true(close, ("%g ^ %g: %.17g, not %.17g"):format(x[i], p, got[i], want[i]))
      end
      same(nn.tensor(want):totable(), nn.tensor(got))
    end
  end)

  it("of float32 are as exact as of float64", function()
    local x = nn.rand(1000) * 4 + 0.01
    for _, p in ipairs {1.75, -2.25, 5, 0.125} do
      local a, b = (x ^ p):to("float64"), x:to("float64") ^ p
      assert.is_true(((a - b) / b):abs():max():item() < 1e-7)
    end
  end)

  it("have gradients at zero", function()
    same({0, 0, 4}, gradient(function(x) return (x ^ 2):sum() end, {0, -0.0, 2}))
    same({0, 0}, gradient(function(x) return (x ^ 0):sum() end, {0, 3}))
    same({1}, gradient(function(x) return (x ^ 1):sum() end, {0}))
    same({0}, gradient(function(y) return (wide {0} ^ y):sum() end, {2}))
  end)
end)

describe("masks", function()
  it("say what is NaN and what is finite", function()
    same({0, 1, 0, 0}, wide({1, nan, inf, -inf}):isnan())
    same({1, 0, 0, 0}, wide({1, nan, inf, -inf}):isfinite())
    same({0, 0}, int({1, 2}):isnan())
    same({1, 1}, int({1, 2}):isfinite())
    assert.equal("uint8", nn.ones(2):isnan():dtype())
    assert.is_true(nn.isnan(nan))
    assert.is_false(nn.isfinite(inf))
    assert.is_true(nn.lt(1, 2))
  end)

  it("combine by & | ~", function()
    local a, b = mask {1, 1, 0, 0}, mask {1, 0, 1, 0}
    same({1, 0, 0, 0}, a & b)
    same({1, 1, 1, 0}, a | b)
    same({0, 0, 1, 1}, ~a)
    same({{1, 0}, {0, 0}}, mask {{1}, {0}} & mask {1, 0})
    same({1, 1}, mask {1, 7} & mask {2, 4}) -- logical, not bit by bit
    same({1, 0, 1}, nn.logical_and(wide {2, 0, nan}, 1))
  end)

  it("are asked for where something else stands", function()
    local wants = ": combines masks (uint8), got %s; compare first, as in x:gt(0)"
    assert.equal("logical_and" .. wants:format "a float64 tensor of 1",
      text(function() return wide {1} & mask {1} end))
    assert.equal("logical_not" .. wants:format "a float32 tensor of 2",
      text(function() return ~nn.ones(2) end))
  end)

  it("answer any and all with a boolean", function()
    assert.is_true(mask({0, 1}):any())
    assert.is_false(mask({0, 1}):all())
    assert.is_false(nn.zeros(0):any())
    assert.is_true(nn.zeros(0):all())
    assert.is_true(wide({nan}):any())
    assert.is_true(nn.any(nn.tensor(2)))
    same({1, 0}, mask({{0, 1}, {0, 0}}):any(2))
    same({{1, 0}}, mask({{1, 1}, {1, 0}}):all(1, true))
    local long = nn.zeros(300000, {dtype = "uint8"})
    assert.is_false(long:any())
    long[299999] = 1
    assert.is_true(long:any())
    assert.is_false(long:all())
  end)
end)

describe("integers", function()
  it("stay exact to 64 bits", function()
    same({(1 << 60) + 1}, int({1}) + (1 << 60))
    same({(1 << 62) - 1}, int({1 << 62}):sub_(1))
    same({math.mininteger}, int({math.maxinteger}) + 1)
    assert.equal("int64", (mask({1}) + 300):dtype())
    assert.equal("float32", (mask({1}) + 0.5):dtype())
    assert.equal("float32", (int({1}) / 2):dtype())
    assert.equal("add_: 0.5 does not fit a int64 tensor in place",
      text(function() int({1}):add_(0.5) end))
  end)

  it("negate a uint8 as int64", function()
    same({-1, 0, -255}, -mask {1, 0, 255})
    assert.equal("int64", (-mask {1}):dtype())
    assert.equal("neg_: the result is 1 int64, which does not fit the 1 uint8 tensor in place",
      text(function() mask({1}):neg_() end))
    assert.equal(-inf, 1 / (-wide({0})):item())
  end)

  it("are summed and multiplied as int64", function()
    assert.equal("int64", mask({200, 100}):sum():dtype())
    assert.equal(300, mask({200, 100}):sum():item())
    assert.equal(20000, mask({200, 100}):prod():item())
    same({200, 300}, mask({200, 100}):cumsum())
    same({{4, 6}}, int({{1, 2}, {3, 4}}):sum(1, true))
    assert.equal(math.mininteger, int({math.maxinteger, 1}):sum():item())
    local long = nn.range(1, 400000)
    assert.equal(400000 * 400001 // 2, long:to("int64"):sum():item())
    same({200000 * 200001 // 2, 200000 * 600001 // 2}, long:to("int64"):view(2, -1):sum(2))
  end)
end)

describe("max and min", function()
  local x = wide {{1, 5, 3}, {4, 2, 6}}

  it("give the value alone, or values and places", function()
    assert.equal(6, x:max():item())
    assert.equal(1, select("#", x:max()))
    local v, i = x:max(2)
    same({5, 6}, v)
    same({2, 3}, i)
    assert.equal("int64", i:dtype())
    v, i = x:min(1, true)
    same({{1, 2, 3}}, v)
    same({{1, 2, 1}}, i)
    v, i = nn.max(x, {dim = -1, keepdim = true})
    same({{5}, {6}}, v)
    same({{2}, {3}}, i)
    same({{6}}, x:max {keepdim = true})
    assert.equal(7, int({3, 7}):max():item())
    assert.equal("uint8", (mask({3, 7}):max(1)):dtype())
    assert.equal(4, nn.tensor(4):max():item())
  end)

  it("say where: a plain number over everything", function()
    assert.equal(6, x:argmax())
    assert.equal(1, x:argmin())
    assert.equal("integer", math.type(x:argmax()))
    same({2, 1, 2}, x:argmax(1))
    same({{1}, {2}}, x:argmin(2, true))
    assert.equal(2, wide({1, 3, 3}):argmax())
    assert.equal(2, wide({3, 1, 1}):argmin())
  end)

  it("let NaN win, the first of several", function()
    local v, i = wide({{1, nan, 3, nan}, {1, 2, 3, 4}}):max(2)
    same({nan, 4}, v)
    same({2, 4}, i)
    assert.equal(2, wide({1, nan, 3}):argmin())
    assert.equal(3, wide({-inf, -inf, inf}):argmax())
  end)

  it("find it in long lines, contiguous or not", function()
    local n = 300000
    local long = nn.zeros(n)
    long[n - 7] = 1
    long[n - 5] = 1
    assert.equal(n - 7, long:argmax())
    long[12345] = nan
    assert.equal(12345, long:argmax())
    local columns = nn.zeros(2000, 37)
    columns[{1777, 20}] = 3
    local v, i = columns:max(1)
    assert.equal(3, v[20])
    assert.equal(1777, i[20])
    assert.equal(0, v[21])
    assert.equal(1, i[21])
    v, i = columns:t():max(2)
    assert.equal(3, v[20])
    assert.equal(1777, i[20])
  end)

  it("send the gradient to the first of equal ones", function()
    same({0, 1, 0}, gradient(function(v) return v:max() end, {1, 3, 3}))
    same({{0, 2}, {2, 0}}, gradient(function(v) return (v:min(2) * 2):sum() end, {{3, 1}, {1, 1}}))
  end)

  it("refuse nothing", function()
    assert.equal("max: there is no largest element of none",
      text(function() nn.zeros(0):max() end))
    assert.equal("min: there is no smallest element of none",
      text(function() nn.zeros(2, 0):min(2) end))
    assert.equal("argmin: there is no smallest element of none",
      text(function() nn.zeros(0):argmin() end))
    local v, i = nn.zeros(0, 3):max(2)
    same({0}, v.shape)
    same({0}, i.shape)
  end)
end)

describe("dimensions", function()
  it("are counted from 1", function()
    local x = nn.ones(2, 3)
    assert.equal("sum: dimension 0 is out of range 1..2 (counting starts at 1; -1 is the last)",
      text(function() x:sum(0) end))
    assert.equal("max: dimension 0 is out of range 1..2 (counting starts at 1; -1 is the last)",
      text(function() x:max {dim = 0} end))
    assert.equal("std: dimension 3 is out of range 1..2 (counting starts at 1; -1 is the last)",
      text(function() x:std(3) end))
    assert.equal("prod: dimension 1 asked of a tensor that has no dimensions",
      text(function() nn.tensor(1):prod(1) end))
  end)
end)

describe("prod", function()
  it("multiplies, 1 for nothing", function()
    assert.equal(24, wide({{1, 2}, {3, 4}}):prod():item())
    same({2, 12}, wide({{1, 2}, {3, 4}}):prod(2))
    assert.equal(1, nn.zeros(0):prod():item())
    same({1, 1}, nn.zeros(0, 2):prod(1))
    assert.equal(-1, nn.full({3}, -1):prod():item())
  end)

  it("has the right gradient with zeros", function()
    same({12, 8, 6}, gradient(function(x) return x:prod() end, {2, 3, 4}))
    same({0, 8, 0}, gradient(function(x) return x:prod() end, {2, 0, 4}))
    same({0, 0, 0}, gradient(function(x) return x:prod() end, {2, 0, 0}))
    same({{3, 1}, {0, 2}}, gradient(function(x) return x:prod(2):sum() end, {{1, 3}, {2, 0}}))
  end)
end)

describe("var and std", function()
  it("divide by n - 1, or by n", function()
    local x = wide {{1, 2, 3, 4}, {2, 2, 2, 2}}
    near({5 / 3, 0}, x:var(2))
    near({1.25, 0}, x:var(2, {unbiased = false}))
    near({{math.sqrt(5 / 3)}, {0}}, x:std(2, true))
    near(math.sqrt(1.25), x[1]:std {unbiased = false}:item())
    assert.near(2 / 3, int({1, 2, 3}):var({unbiased = false}):item(), 1e-7)
  end)

  it("are exact far from zero and for long lines", function()
    local x = nn.range(1, 300000, 1):to("float64") + 1e9
    near((300000 ^ 2 - 1) / 12, x:var {unbiased = false}:item())
    near((100000 ^ 2 - 1) / 12 * 9, x:view(-1, 3):var(1, {unbiased = false})[2])
  end)

  it("are NaN where they are not defined", function()
    same(nan, nn.zeros(0):var():item())
    same(nan, nn.zeros(1):std():item())
    assert.equal(0, nn.zeros(1):std({unbiased = false}):item())
  end)

  it("have a gradient of 0 where std is 0", function()
    same({0, 0, 0}, gradient(function(x) return x:std() end, {2, 2, 2}))
    same({0}, gradient(function(x) return x:std {unbiased = false} end, {2}))
    near({-1, 0, 1}, gradient(function(x) return x:var() end, {1, 2, 3}))
  end)
end)

describe("norm", function()
  it("takes any power", function()
    local x = wide {{3, -4}, {0, 0}}
    assert.equal(5, x:norm():item())
    same({5, 0}, x:norm(2))
    same({{7}, {0}}, x:norm(2, true, {p = 1}))
    near((27 + 64) ^ (1 / 3), x:norm {p = 3}:item())
    assert.equal(0, nn.zeros(0):norm():item())
    assert.equal("norm: 'p' must be a finite number above 0 to 1000000, got 0",
      text(function() x:norm {p = 0} end))
  end)

  it("has a gradient of 0 at zero", function()
    for _, p in ipairs {1, 2, 3, 0.5} do
      same({0, 0}, gradient(function(x) return x:norm {p = p} end, {0, 0}))
    end
    near({0.6, -0.8}, gradient(function(x) return x:norm() end, {3, -4}))
    same({1, -1, 0}, gradient(function(x) return x:norm {p = 1} end, {3, -4, 0}))
  end)
end)

describe("logsumexp", function()
  it("stays finite at any score", function()
    near(1000 + math.log(2), wide({1000, 1000}):logsumexp():item())
    near(-1000, wide({-1000, -2000}):logsumexp():item())
    near({math.log(math.exp(1) + math.exp(2)), 3}, wide({{1, 2}, {3, -inf}}):logsumexp(2))
    same({-inf, inf, nan}, wide({{-inf, -inf}, {inf, 1}, {nan, 1}}):logsumexp(2))
    assert.equal(-inf, nn.zeros(0):logsumexp():item())
    near(math.log(300000), nn.zeros(300000, {dtype = "float64"}):logsumexp():item())
  end)

  it("reads nothing along dimensions in front of an empty one", function()
    for _, op in ipairs {"softmax", "log_softmax", "cumsum", "sort"} do
      local y = nn.zeros(2, 3, 0)[op](nn.zeros(2, 3, 0), 2)
      assert.same({2, 3, 0}, y.shape)
    end
  end)

  it("has softmax for a gradient", function()
    near({0.25, 0.75}, gradient(function(x) return x:logsumexp() end, {0, math.log(3)}))
    same({0, 0}, gradient(function(x) return x:logsumexp() end, {-inf, -inf}))
    same({0, 1}, gradient(function(x) return x:logsumexp() end, {1, inf}))
  end)
end)

describe("softmax and its logarithm", function()
  it("have the same gradients along rows, along columns, and added to others", function()
    for _, op in ipairs {"softmax", "log_softmax"} do
      for _, n in ipairs {1, 2, 15, 16, 17, 40, 300} do
        nn.seed(n)
        local x = nn.randn(3, n, {dtype = "float64", requires_grad = true})
        local weights = nn.randn(3, n, {dtype = "float64"})
        local rows = nn.grad((x[op](x, 2) * weights):sum(), {x})[1]
        local columns = nn.grad((x:t()[op](x:t(), 1) * weights:t()):sum(), {x})[1]
        local twice = nn.grad(((x[op](x, 2) + x) * weights):sum(), {x})[1]
        near(rows:totable(), columns)
        near((rows + weights):totable(), twice)
      end
    end
  end)
end)

describe("cumsum", function()
  it("sums along one dimension", function()
    local x = wide {{1, 2, 3}, {4, 5, 6}}
    same({{1, 3, 6}, {4, 9, 15}}, x:cumsum())
    same({{1, 2, 3}, {5, 7, 9}}, x:cumsum(1))
    same({}, nn.zeros(0):cumsum())
    assert.equal(3, nn.tensor(3):cumsum():item())
    assert.equal("int64", mask({1}):cumsum():dtype())
    same({3, 2, 1}, gradient(function(v) return v:cumsum():sum() end, {7, 7, 7}))
    same({{2, 2}, {1, 1}}, gradient(function(v) return v:cumsum(1):sum() end, {{0, 0}, {0, 0}}))
  end)
end)

describe("reductions of nothing", function()
  it("follow NumPy", function()
    local x = nn.zeros(0, 3)
    assert.equal(0, x:sum():item())
    same(nan, x:mean():item())
    same({0, 0, 0}, x:sum(1))
    same({nan, nan, nan}, x:mean(1))
    same({0}, x:sum(2).shape)
    same({0, 0, 0}, x:any(1))
    same({1, 1, 1}, x:all(1))
  end)
end)
