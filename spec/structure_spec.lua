-- structure_spec.lua: joining, taking apart, indexing, sorting and counting: values, gradients by a
-- small numeric check, views that share storage, dtypes, nothing and scalars, exact error texts.

local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  local position, rest = err:match("^(.-:%d+): (.*)$")
  assert.truthy(position and position:find("structure_spec.lua", 1, true), err)
  return rest
end

local function T(v, dtype) return nn.tensor(v, {dtype = dtype}) end
local function I(v) return T(v, "int64") end
local function M(v) return T(v, "uint8") end
local function grid(...)
  local n = 1
  for _, d in ipairs {...} do n = n * d end
  return nn.range(1, n):to("float32"):reshape(...)
end
local function values(x) return x:totable() end

-- The gradient of sum(w f(x)) with random w against central differences.
local function check_gradient(f, ...)
  local x = nn.rand({...}, {dtype = "float64"}):add(0.1):requires_grad_()
  local y = f(x)
  local w = nn.rand(#y.shape > 0 and y.shape or {1}, {dtype = "float64"})
  if #y.shape == 0 then w = w:reshape {} end
  ;(y * w):sum():backward()
  local flat, eps = x:detach():view(-1), 1e-5
  for i = 1, #flat do
    local old = flat[i]
    local sides = {}
    for k, s in ipairs {1, -1} do
      flat[i] = old + s * eps
      sides[k] = (f(x:detach()) * w):sum():item()
    end
    flat[i] = old
    local numeric = (sides[1] - sides[2]) / (2 * eps)
    assert.near(numeric, x.grad:view(-1)[i], 1e-7)
  end
end

describe("cat and stack", function()
  it("join along any dimension", function()
    assert.same({1, 2, 3}, values(nn.cat({T {1}, T {2, 3}})))
    assert.same({{1, 2, 9}, {3, 4, 9}}, values(nn.cat({grid(2, 2), nn.full({2, 1}, 9)}, 2)))
    assert.same({{1, 2, 9}, {3, 4, 9}}, values(nn.cat({grid(2, 2), nn.full({2, 1}, 9)}, -1)))
    assert.same({{1, 2}, {3, 4}}, values(nn.stack {T {1, 2}, T {3, 4}}))
    assert.same({{1, 3}, {2, 4}}, values(nn.stack({T {1, 2}, T {3, 4}}, 2)))
    assert.same({5, 6}, values(nn.stack {T(5), T(6)}))
    local many = {}
    for i = 1, 100 do many[i] = T {i} end
    assert.equal(5050, nn.cat(many):sum():item())
  end)
  it("keep dtypes, promote mixed ones, take empty parts", function()
    assert.equal("int64", nn.cat({I {1}, I {2}}):dtype())
    assert.equal("float32", nn.cat({I {1}, T {2}}):dtype())
    assert.equal("int64", nn.stack({I {1}, M {2}}):dtype())
    assert.same({1, 2}, values(nn.cat {T {1, 2}, nn.zeros(0)}))
    assert.same({0, 3}, nn.cat({nn.zeros(0, 3), nn.zeros(0, 3)}).shape)
  end)
  it("read views as they lie", function()
    local x = grid(2, 3)
    assert.same({{1, 4}, {2, 5}, {3, 6}, {1, 4}, {2, 5}, {3, 6}}, values(nn.cat {x:t(), x:t()}))
  end)
  it("have gradients", function()
    check_gradient(function(x) return nn.cat({x, x * 2, x[{1, {}}]:view(1, 3)}, 1) end, 2, 3)
    check_gradient(function(x) return nn.stack({x, x * x}, -1) end, 2, 3)
  end)
  it("say what is wrong", function()
    assert.equal("cat: tensor 2 is 3x2 and the first is 2x3; all sizes but that of dimension 1 "
      .. "must be "
      .. "the same", text(nn.cat, {grid(2, 3), grid(3, 2)}))
    assert.equal("cat: tensors without dimensions have nothing to be joined along; nn.stack "
      .. "puts them "
      .. "into a new dimension", text(nn.cat, {T(1), T(2)}))
    assert.equal("stack: tensor 2 is 3, and the first is 2",
      text(nn.stack, {T {1, 2}, T {1, 2, 3}}))
    assert.equal("cat: the list of tensors is empty", text(nn.cat, {}))
    assert.equal("cat: element 2 of the list must be a tensor, got 5", text(nn.cat, {T {1}, 5}))
    assert.matches("float32 with float64", text(nn.cat, {T {1}, T({1}, "float64")}))
    assert.matches("dimension 0 is out of range", text(nn.cat, {T {1}}, 0))
  end)
end)

describe("where and masked_fill", function()
  it("choose by a mask, numbers included", function()
    local x = T {-1, 0, 2}
    assert.same({0, 0, 2}, values(nn.where(x:gt(0), x, 0)))
    assert.same({1, 1, -1}, values(nn.where(x:le(0), 1, -1)))
    assert.equal("float32", nn.where(x:le(0), 1, -1):dtype())
    assert.equal("int64", nn.where(x:le(0), I {1, 2, 3}, 0):dtype())
    assert.equal("float32", nn.where(x:le(0), I {1, 2, 3}, 0.5):dtype())
    assert.equal("float64", nn.where(x:le(0), I {1, 2, 3}, T({1, 2, 3}, "float64")):dtype())
    assert.same({{1, 5}, {5, 1}}, values(nn.where(M {{1, 0}, {0, 1}}, T {{1}, {1}}, T(5))))
    assert.same({9, 0, 2}, values(x:masked_fill(x:lt(0), 9)))
    assert.equal(-math.huge, x:masked_fill(x:lt(0), -math.huge)[1])
    assert.same({9, 0, 2}, values(x:masked_fill_(x:lt(0), 9)))
    assert.same({9, 0, 2}, values(x))
    assert.equal(7, nn.where(M(1), 7, 8):item())
  end)
  it("have gradients for both sides", function()
    local m = M {{1, 0, 1}, {0, 0, 1}}
    check_gradient(function(x) return nn.where(m, x, x * x) end, 2, 3)
    check_gradient(function(x) return nn.where(m, x[1], x:sum()) end, 2, 3)
    check_gradient(function(x) return x:masked_fill(m, 3) * 2 end, 2, 3)
  end)
  it("say what is wrong", function()
    assert.equal("where: the mask must be uint8 (x:gt(0) gives one, m:to(\"uint8\") makes one), "
      .. "got "
      .. "float32", text(nn.where, T {1}, 1, 2))
    assert.equal("where: the mask must be a uint8 tensor, got 1", text(nn.where, 1, T {1}, 2))
    assert.equal("where: wants tensors or numbers to choose from, got a table",
      text(nn.where, M {1}, {}, 2))
    assert.equal("where: float32 with float64; convert one of them, as in x:to(\"float32\")",
      text(nn.where, M {1}, T {1}, T({1}, "float64")))
    assert.equal("masked_fill_: 0.500000 does not fit a int64 tensor in place",
      text(function() I {1}:masked_fill_(M {1}, 0.5) end))
  end)
end)

describe("views", function()
  it("permute, transpose, unsqueeze, squeeze and view share storage", function()
    local x = grid(2, 3, 4)
    local p = x:permute(3, 1, 2)
    assert.same({4, 2, 3}, p.shape)
    p[{2, 1, 3}] = 100
    assert.equal(100, x[{1, 3, 2}])
    local u = x:transpose(1, 3):unsqueeze(2)
    assert.same({4, 1, 3, 2}, u.shape)
    u[{1, 1, 1, 1}] = 7
    assert.equal(7, x[{1, 1, 1}])
    assert.same({4, 3, 2}, u:squeeze().shape)
    u:squeeze(2)[{1, 1, 1}] = 8
    assert.equal(8, x[{1, 1, 1}])
    x[{{}, {1, 2}}]:view(2, 2, 2, 2)[{2, 2, 2, 2}] = 9
    assert.equal(9, x[{2, 2, 4}])
    assert.same({2, 12}, x:flatten(2).shape)
    assert.same({6, 4}, x:flatten(1, 2).shape)
    assert.same({1}, T(3):flatten().shape)
  end)
  it("view refuses what would need a copy, reshape makes one", function()
    local x = grid(2, 3):t()
    assert.equal("view: the tensor of 3x2 is not contiguous, and 6 would need a copy; reshape "
      .. "makes one",
      text(x.view, x, 6))
    assert.same({1, 4, 2, 5, 3, 6}, values(x:reshape(6)))
    assert.equal("view: 3x2 has 6 elements, which do not fill 4", text(x.view, x, 4))
    assert.equal("reshape: 3x2 has 6 elements, which do not fill 4x-1", text(x.reshape, x, 4, -1))
    assert.equal("reshape: only one size may be -1", text(x.reshape, x, -1, -1))
    assert.same({0, 5}, nn.zeros(0, 4):reshape(0, 5).shape)
    assert.same({}, T {4}:view {}.shape)
  end)
  it("have gradients", function()
    check_gradient(function(x) return x:permute(2, 3, 1):unsqueeze(1) * 2 end, 2, 3, 2)
    check_gradient(function(x) return x:t():unsqueeze(2):view(3, 2, 1) end, 2, 3)
    check_gradient(function(x) return x:transpose(1, 3):reshape(-1) end, 2, 3, 2)
  end)
  it("copies of transposed ones are right at any size", function()
    for _, s in ipairs {{64, 64}, {100, 41}, {41, 200}, {257, 130}, {3, 3000}} do
      for _, dtype in ipairs {"float32", "float64", "int64", "uint8"} do
        local n, m = s[1], s[2]
        local x = nn.range(1, n * m):to(dtype):view(n, m)
        local c = x:t():contiguous()
        assert.is_true(c:is_contiguous())
        for _ = 1, 50 do
          local i, j = math.random(n), math.random(m)
          assert.equal(x[{i, j}], c[{j, i}])
        end
        assert.is_true(nn.equal(c:t():contiguous(), x))
        assert.equal(x[{n, m}], c[{m, n}])
      end
    end
    local x = nn.rand(3, 40, 5, 30)
    local c = x:permute(1, 3, 4, 2):contiguous()
    assert.is_true(nn.equal(c:permute(1, 4, 2, 3), x))
    assert.equal(x[{2, 17, 3, 29}], c[{2, 3, 29, 17}])
    local part = x[{{}, {3, 37}, {}, {2, 29}}]:permute(4, 3, 2, 1)
    assert.is_true(nn.equal(part:contiguous():permute(4, 3, 2, 1), x[{{}, {3, 37}, {}, {2, 29}}]))
  end)
  it("say what is wrong", function()
    local x = grid(2, 3)
    assert.equal("permute: wants each of the 2 dimensions once, got 1", text(x.permute, x, 1))
    assert.equal("permute: dimension 1 is named twice", text(x.permute, x, 1, -2))
  end)
end)

describe("indexing", function()
  it("takes by masks and lists of indices", function()
    local x = grid(3, 4)
    assert.same({10, 11, 12}, values(x[x:gt(9)]))
    assert.same({{9, 10, 11, 12}, {1, 2, 3, 4}}, values(x[I {3, 1}]))
    assert.same({{9, 10, 11, 12}, {5, 6, 7, 8}}, values(x[I {-1, -2}]))
    assert.same({{1, 2, 3, 4}, {9, 10, 11, 12}}, values(x[M {1, 0, 1}]))
    assert.same({{4, 1}, {8, 5}, {12, 9}}, values(x[{{}, I {4, 1}}]))
    assert.same({8, 5}, values(x[{2, I {4, 1}}]))
    assert.same({{2, 4}, {6, 8}}, values(x[{{1, 2}, M {0, 1, 0, 1}}]))
    assert.same({{{1, 2, 3, 4}}, {{5, 6, 7, 8}}}, values(x[I {{1}, {2}}]))
    assert.same({0}, x[nn.zeros(3, 4):gt(0)].shape)
    assert.same({0, 4}, x[nn.zeros(0, {dtype = "int64"})].shape)
    assert.same({5, 6}, values(T {5, 6, 7}[M {1, 1, 0}]))
    assert.same({7}, values(T(7)[M(1)]))
  end)
  it("assigns numbers, tensors and lists", function()
    local x = grid(3, 4)
    x[x:gt(9)] = 0
    assert.same({9, 0, 0, 0}, values(x[3]))
    x[x:eq(0)] = T {1, 2, 3}
    assert.same({9, 1, 2, 3}, values(x[3]))
    x[I {1, -1}] = T {0, 0, 0, 5}
    assert.same({{0, 0, 0, 5}, {5, 6, 7, 8}, {0, 0, 0, 5}}, values(x))
    x[I {2}] = 1
    assert.same({1, 1, 1, 1}, values(x[2]))
    x[M {0, 1, 1}] = T {{1, 2, 3, 4}, {5, 6, 7, 8}}
    assert.same({{0, 0, 0, 5}, {1, 2, 3, 4}, {5, 6, 7, 8}}, values(x))
    x[{{}, I {1, 4}}] = -1
    assert.same({{-1, 0, 0, -1}, {-1, 2, 3, -1}, {-1, 6, 7, -1}}, values(x))
    x[{{2, 3}, I {4, 1}}] = {{1, 2}, {3, 4}}
    assert.same({{-1, 0, 0, -1}, {2, 2, 3, 1}, {4, 6, 7, 3}}, values(x))
    x[1] = {9, 8, 7, 6}
    assert.same({9, 8, 7, 6}, values(x[1]))
    x[{{}, 2}] = {1, 2, 3}
    assert.same({1, 2, 3}, values(x[{{}, 2}]))
    local v = T {1, 2, 3}
    v[2] = 9
    v[-1] = 7
    assert.same({1, 9, 7}, values(v))
    local big = I {1, 2}
    big[1] = 9007199254740993
    assert.equal(9007199254740993, big[1])
    local m = M {0, 0}
    m[1] = true
    assert.same({1, 0}, values(m))
    local s = T(1)
    s[M(1)] = 5
    assert.equal(5, s:item())
  end)
  it("copies what overlaps before it writes", function()
    local x = nn.range(1, 6):to("float32")
    x[{{2, 6}}] = x[{{1, 5}}]
    assert.same({1, 1, 2, 3, 4, 5}, values(x))
    x = nn.range(1, 6):to("float32")
    x:narrow(1, 1, 5):copy_(x:narrow(1, 2, 5))
    assert.same({2, 3, 4, 5, 6, 6}, values(x))
    x = nn.range(1, 6):to("float32")
    x:narrow(1, 2, 5):copy_(x:narrow(1, 1, 5))
    assert.same({1, 1, 2, 3, 4, 5}, values(x))
    x = grid(3, 3)
    x:copy_(x:t())
    assert.same({{1, 4, 7}, {2, 5, 8}, {3, 6, 9}}, values(x))
    x = nn.range(1, 4):to("float32")
    x:narrow(1, 2, 3):add_(x:narrow(1, 1, 3))
    assert.same({1, 3, 5, 7}, values(x))
    x[I {1, 2}] = x[{{2, 3}}]
    assert.same({3, 5, 5, 7}, values(x))
  end)
  it("has gradients", function()
    check_gradient(function(x) return x[I {2, 2, -1}] end, 3, 2)
    check_gradient(function(x) return x[x:detach():gt(0.5)] * 2 end, 3, 3)
    check_gradient(function(x) return x[M {1, 0, 1}] end, 3, 2)
    check_gradient(function(x) return x[{{1, 2}, I {2, 1, 2}}] end, 3, 2)
    check_gradient(function(x) return x[{{2, 3}, -1}] end, 3, 2)
    check_gradient(function(x) return x[I {{1, 2}, {3, 1}}] end, 3, 2)
  end)
  it("says what is wrong", function()
    local x = grid(3, 4)
    assert.equal("index 4 is out of range 1..3 of dimension 1 (counting starts at 1)",
      text(function() return x[4] end))
    assert.equal("index 0 is out of range 1..3 of dimension 1 (counting starts at 1)",
      text(function() return x[0] end))
    assert.equal("index 0 is out of range 1..2 (counting starts at 1)",
      text(function() return T {1, 2}[0] end))
    assert.equal("range {2, 5} leaves 1..4 of dimension 2 (counting starts at 1)",
      text(function() return x[{{}, {2, 5}}] end))
    assert.equal("index_select: index 5 (at place 2) is out of range 1..3 (counting starts at 1)",
      text(function() return x[I {1, 5}] end))
    assert.equal("assignment: index 0 (at place 1) is out of range 1..3 (counting starts at 1)",
      text(function() x[I {0}] = 1 end))
    assert.equal("a mask of 4 does not fit a tensor of 3x4: its sizes must be those of the first "
      .. "dimensions", text(function() return x[M {1, 0, 1, 1}] end))
    assert.equal("a tensor as an index is int64 (indices from 1) or uint8 (a mask), got float32",
      text(function() return x[T {1}] end))
    assert.equal("assignment: 0.5 does not fit a int64 tensor", text(function() I {1}[1] = 0.5 end))
    assert.equal("assignment: 256 does not fit a uint8 tensor", text(function() M {1}[1] = 256 end))
    assert.equal("assignment: 3 does not fit into 2",
      text(function() x[x:gt(10)] = T {1, 2, 3} end))
    assert.equal("only numbers, tensors and nested lists can be assigned to elements, got nil",
      text(function() x[1] = nil end))
    assert.equal("a tensor without dimensions cannot be indexed; use item()",
      text(function() return T(1)[1] end))
    local w = nn.zeros(2, {requires_grad = true})
    assert.equal("assignment: the tensor requires a gradient; change it under nn.no_grad",
      text(function() w[1] = 2 end))
    assert.matches("^assignment: the tensor was computed from others",
      text(function() (w * 2)[w:detach():eq(0)] = 2 end))
    nn.no_grad(function() w[I {1}] = 2 end)
    assert.same({2, 0}, values(w))
  end)
  it("leaves everything as it was when it fails", function()
    local x = grid(3)
    pcall(function() x[I {1, 9}] = 0 end)
    pcall(function() x[M {1, 1, 0}] = T {1, 2, 3, 4} end)
    pcall(function() x[{{1, 2}}] = {1, 2, 3} end)
    assert.same({1, 2, 3}, values(x))
  end)
end)

describe("gather, masked_select and nonzero", function()
  it("give what NumPy gives", function()
    local x = grid(2, 3)
    assert.same({{3, 1}, {4, 4}}, values(x:gather(2, I {{3, 1}, {1, 1}})))
    assert.same({{4, 2, 6}}, values(nn.gather(x, 1, I {{2, 1, -1}})))
    assert.same({4, 5, 6}, values(x:masked_select(x:gt(3))))
    assert.same({1, 3, 4, 6}, values(x:masked_select(M {1, 0, 1})))
    assert.same({{1, 2}, {2, 3}}, values(T {{0, 1, 0}, {0, 0, 0 / 0}}:nonzero()))
    assert.same({0, 2}, nn.zeros(2, 2):nonzero().shape)
    assert.same({1, 0}, T(3):nonzero().shape)
    assert.equal("gather: index 4 (at place 1) is out of range 1..3 of dimension 2 (counting "
      .. "starts "
      .. "at 1)", text(x.gather, x, 2, I {{4}}))
    assert.matches("^gather: indices of 3x1 for a tensor of 2x3",
      text(x.gather, x, 2, I {{1}, {1}, {1}}))
    check_gradient(function(y) return y:gather(2, I {{1, 1, 2}, {3, 1, 1}}) end, 2, 3)
  end)
end)

describe("tile, flip, pad, tril and triu", function()
  it("give what NumPy gives", function()
    local x = grid(2, 2)
    assert.same({{1, 2, 1, 2}, {3, 4, 3, 4}}, values(x:tile(1, 2)))
    assert.same({{1, 2}, {3, 4}, {1, 2}, {3, 4}}, values(x:tile {2, 1}))
    assert.same({5, 5, 5}, values(T(5):tile(3)))
    assert.same({2, 0}, x:tile(1, 0).shape)
    assert.same({{2, 1}, {4, 3}}, values(x:flip(2)))
    assert.same({{4, 3}, {2, 1}}, values(x:flip(1, -1)))
    assert.same({{0, 1, 2}, {0, 3, 4}}, values(x:pad {1, 0}))
    assert.same({{9, 9, 9}, {1, 2, 9}, {3, 4, 9}}, values(x:pad({0, 1, 1, 0}, 9)))
    assert.same({{2}, {4}}, values(x:pad({-1, 0}, {value = 5})))
    assert.same({{1, 0}, {3, 4}}, values(x:tril()))
    assert.same({{0, 2}, {0, 0}}, values(x:triu(1)))
    assert.equal("uint8", M {{1, 1}, {1, 1}}:tril():dtype())
    assert.equal("flip: dimension 2 is named twice", text(x.flip, x, 2, -1))
    assert.equal("pad: wants two numbers (before, after) a dimension, from the last one on; got 3 "
      .. "numbers for a tensor of 2x2", text(x.pad, x, {1, 1, 1}))
    assert.equal("tril: wants a matrix (two dimensions or more), got 3", text(nn.tril, T {1, 2, 3}))
  end)
  it("have gradients", function()
    check_gradient(function(x) return x:tile(2, 3) end, 2, 3)
    check_gradient(function(x) return x:flip {1, 2} end, 2, 3)
    check_gradient(function(x) return x:pad({1, -1, 0, 2}, 4) end, 2, 3)
    check_gradient(function(x) return x:tril() + x:triu(1) * 2 end, 3, 3)
  end)
end)

describe("sort and topk", function()
  it("are stable, both ways, and put NaN with the largest", function()
    local v, i = T {3, 1, 2, 1}:sort()
    assert.same({1, 1, 2, 3}, values(v))
    assert.same({2, 4, 3, 1}, values(i))
    v, i = T {3, 1, 3, 1}:sort(1, true)
    assert.same({3, 3, 1, 1}, values(v))
    assert.same({1, 3, 2, 4}, values(i))
    i = select(2, T {1, 0 / 0, 2}:sort())
    assert.same({1, 3, 2}, values(i))
    i = select(2, T {1, 0 / 0, 2}:sort(1, true))
    assert.same({2, 3, 1}, values(i))
    v = grid(2, 3):sort(1, {descending = true})
    assert.same({{4, 5, 6}, {1, 2, 3}}, values(v))
    v, i = T(5):sort()
    assert.equal(5, v:item())
    assert.equal(1, i:item())
    assert.same({0}, nn.zeros(0):sort().shape)
    assert.equal("uint8", M {3, 1}:sort():dtype())
  end)
  it("agree with table.sort on long lines", function()
    local x = nn.randint(1, 500, {3000})
    local t = x:totable()
    table.sort(t)
    local v, i = x:sort()
    assert.same(t, values(v))
    assert.is_true(nn.equal(x[i], v))
    for _, k in ipairs {0, 1, 5, 32, 33, 3000} do
      local top, at = x:topk(k)
      assert.equal(k, #top)
      for j = 1, k do assert.equal(t[#t + 1 - j], top[j]) end
      assert.is_true(nn.equal(x[at], top))
      local all, places = x:sort(1, true)
      assert.is_true(nn.equal(places:narrow(1, 1, k), at) and nn.equal(all:narrow(1, 1, k), top))
    end
  end)
  it("have gradients", function()
    check_gradient(function(x) return (x:sort(1, true)) end, 4, 2)
    check_gradient(function(x) return (x:topk(2)) * 3 end, 2, 5)
    check_gradient(function(x) return (x:topk(1, {dim = 1, largest = false})) end, 3, 2)
  end)
  it("say what is wrong", function()
    assert.equal("topk: wants the first 4 of 3 elements (dimension -1)",
      text(nn.topk, T {1, 2, 3}, 4))
    assert.matches("dimension 3 is out of range 1..2", text(nn.sort, grid(2, 2), 3))
  end)
end)

describe("unique, bincount, one_hot and multinomial", function()
  it("count and encode", function()
    local v, n = I {3, 1, 3, 2, 3}:unique()
    assert.same({1, 2, 3}, values(v))
    assert.same({1, 1, 3}, values(n))
    v, n = T {0 / 0, 1, 0 / 0}:unique()
    assert.equal(2, #v)
    assert.same({1, 2}, values(n))
    assert.same({0}, nn.zeros(0):unique().shape)
    assert.same({1, 2, 0, 1}, values(I {2, 1, 2, 4}:bincount()))
    assert.same({1, 0, 0}, values(I {1}:bincount(3)))
    assert.equal("bincount: 0 (at place 2) is not counted: labels start at 1",
      text(nn.bincount, I {1, 0}))
    local h = nn.one_hot(I {2, 1}, 3)
    assert.same({{0, 1, 0}, {1, 0, 0}}, values(h))
    assert.equal("float32", h:dtype())
    assert.same({2, 2}, nn.one_hot(I {2, 1}).shape)
    assert.same({2, 1, 4}, nn.one_hot(I {{2}, {1}}, 4).shape)
    assert.equal("one_hot: label 0 (at place 1) is out of range 1..3; labels start at 1 (labels = "
      .. "labels:add(1))", text(nn.one_hot, I {0}, 3))
    assert.equal("one_hot: labels are whole numbers (int64), got float32",
      text(nn.one_hot, T {1}, 3))
  end)
  it("draw from weights", function()
    nn.seed(5)
    local w = T {1, 0, 3}
    local n = w:multinomial(20000, {replacement = true}):bincount(3)
    assert.equal(0, n[2])
    assert.near(5000, n[1], 250)
    nn.seed(5)
    assert.is_true(nn.equal(n, w:multinomial(20000, true):bincount(3)))
    local first = {0, 0, 0}
    for _ = 1, 4000 do
      local d = w:multinomial(2)
      first[d[1]] = first[d[1]] + 1
      assert.equal(4, d[1] + d[2])
    end
    assert.near(1000, first[1], 150)
    assert.same({2, 3}, nn.ones(2, 4):multinomial(3).shape)
    assert.equal("multinomial: 3 different ones cannot be drawn from 2 with a weight above 0; "
      .. "{replacement = true} draws the same more than once", text(w.multinomial, w, 3))
    assert.equal("multinomial: weights are finite and not negative, got -1 at place 1 of row 1",
      text(nn.multinomial, T {-1, 2}, 1))
  end)
end)

describe("lists of views", function()
  it("split, chunk and unbind", function()
    local x = nn.range(1, 7):to("float32")
    local parts = x:split(3)
    assert.equal(3, #parts)
    assert.same({7}, values(parts[3]))
    parts[1][2] = 100
    assert.equal(100, x[2])
    parts = grid(2, 5):split({2, 0, 3}, 2)
    assert.same({{3, 4, 5}, {8, 9, 10}}, values(parts[3]))
    assert.same({2, 0}, parts[2].shape)
    parts = x:chunk(3)
    assert.same({3, 3, 1}, {#parts[1], #parts[2], #parts[3]})
    parts = grid(2, 3):unbind(2)
    assert.same({2, 5}, values(parts[2]))
    assert.same({}, T {5}:unbind()[1].shape)
    assert.same({}, nn.zeros(0):split(2))
    assert.equal("split: the sizes must add up to 7, that of dimension 1", text(x.split, x, {3, 3}))
    assert.equal("split: wants parts of 1 element or more, got 0", text(x.split, x, 0))
    assert.equal("chunk: wants 1 part or more, got 0", text(x.chunk, x, 0))
    check_gradient(function(y)
      local p = y:split(2, 2)
      return nn.cat({p[2], p[1] * 2}, 2)
    end, 2, 3)
  end)
  it("meshgrid", function()
    local a, b = nn.meshgrid(T {1, 2, 3}, T {4, 5})
    assert.same({{1, 1}, {2, 2}, {3, 3}}, values(a))
    assert.same({{4, 5}, {4, 5}, {4, 5}}, values(b))
    a, b = nn.meshgrid(T {1, 2, 3}, T {4, 5}, {indexing = "xy"})
    assert.same({{1, 2, 3}, {1, 2, 3}}, values(a))
    assert.same({{4, 4, 4}, {5, 5, 5}}, values(b))
    assert.equal("meshgrid: argument 2 must be a list, got a float32 tensor of 2x2",
      text(nn.meshgrid, T {1}, grid(2, 2)))
  end)
end)

describe("comparing and making alike", function()
  it("equal and allclose", function()
    assert.is_true(nn.equal(T {1, 2}, I {1, 2}))
    assert.is_false(nn.equal(T {1, 2}, T {{1, 2}}))
    assert.is_false(nn.equal(T {0 / 0}, T {0 / 0}))
    assert.is_true(nn.equal(T(3), 3))
    assert.is_false(nn.equal(I {9007199254740993}, I {9007199254740992}))
    assert.is_true(nn.equal(grid(2, 3):t(), grid(2, 3):t():contiguous()))
    assert.is_true(nn.allclose(T {1, 2}, T {1 + 1e-6, 2}))
    assert.is_false(nn.allclose(T {1, 2}, T {1.1, 2}))
    assert.is_true(nn.allclose(T {1, 2}, T {1.1, 2}, {atol = 0.2}))
    assert.is_true(nn.allclose(T {1, 1 / 0}, T {1, 1 / 0}))
    assert.is_false(nn.allclose(T {-1 / 0}, T {1 / 0}))
    assert.is_true(nn.allclose(T {0 / 0}, T {0 / 0}, {equal_nan = true}))
    assert.is_true(nn.allclose(T {1, 1}, 1))
    assert.is_true(nn.zeros(0):allclose(nn.zeros(0)))
    assert.matches("^allclose: shapes 2 and 3 do not broadcast",
      text(nn.allclose, T {1, 2}, T {1, 2, 3}))
    assert.matches("^allclose: .*'tol'", text(nn.allclose, T {1}, T {1}, {tol = 1}))
  end)
  it("zeros_like and its kin", function()
    local x = I {{1, 2, 3}}
    assert.same({{0, 0, 0}}, values(x:zeros_like()))
    assert.equal("int64", x:zeros_like():dtype())
    assert.equal("float64", nn.ones_like(x, {dtype = "float64"}):dtype())
    assert.same({{7, 7, 7}}, values(x:full_like(7)))
    assert.equal("float32", x:rand_like():dtype())
    assert.same({1, 3}, x:randn_like().shape)
    assert.is_true(T {1}:zeros_like({requires_grad = true}).requires_grad)
    assert.equal("full_like: 0.500000 does not fit dtype int64", text(x.full_like, x, 0.5))
    nn.seed(3)
    local a = nn.rand(2, 2)
    nn.seed(3)
    assert.is_true(nn.equal(a, nn.rand_like(a)))
  end)
end)

describe("products", function()
  it("dot, outer and addmm", function()
    assert.equal(11, T {1, 2}:dot(T {3, 4}):item())
    assert.same({{3, 4}, {6, 8}}, values(T {1, 2}:outer(T {3, 4})))
    assert.same({{8, 11}, {16, 23}},
      values(nn.addmm(T {1, 1}, grid(2, 2), grid(2, 2)):add(T {{0, 0}, {0, 0}})))
    assert.same({{16, 22}},
      values(nn.addmm(T {{2, 2}}, T {{1, 2}}, grid(2, 2), {beta = 1, alpha = 2})))
    assert.equal("dot: wants two lists of the same length, got 2 and 3",
      text(nn.dot, T {1, 2}, T {1, 2, 3}))
    assert.equal(0, nn.zeros(0):dot(nn.zeros(0)):item())
  end)
  it("matmul broadcasts, and reads transposed operands as they lie", function()
    local a, b = nn.rand(2, 1, 3, 4), nn.rand(5, 4, 2)
    local c = a:matmul(b)
    assert.same({2, 5, 3, 2}, c.shape)
    assert.is_true(nn.allclose(c[{2, 3}], a[{2, 1}]:matmul(b[3])))
    local x, y = nn.rand(20, 30), nn.rand(20, 25)
    assert.is_true(nn.allclose(x:t():matmul(y), x:t():contiguous():matmul(y), {atol = 1e-5}))
    assert.is_true(nn.allclose(y:t():matmul(x), (x:t():matmul(y)):t(), {atol = 1e-5}))
    assert.is_true(nn.allclose(x[{{}, {3, 9}}]:matmul(y[{{4, 10}}]),
      x[{{}, {3, 9}}]:contiguous():matmul(y[{{4, 10}}]:contiguous()), {atol = 1e-5}))
    assert.same({3}, nn.rand(3, 4):matmul(nn.rand(4)).shape)
    assert.same({5, 2}, nn.rand(4):matmul(b).shape)
    assert.same({2, 0, 3}, nn.rand(2, 0, 4):matmul(nn.rand(4, 3)).shape)
    assert.equal(0, nn.rand(2, 0):matmul(nn.rand(0, 3)):sum():item())
    assert.same({3, 0}, nn.rand(3, 2):matmul(nn.rand(2, 0)).shape)
    assert.equal("matmul: 2x3x4 by 3x4x2: the last size of the first must be the second last of "
      .. "the "
      .. "second, and leading sizes must be equal or 1",
      text(nn.matmul, nn.rand(2, 3, 4), nn.rand(3, 4, 2)))
    check_gradient(function(u) return u:t():matmul(u) end, 2, 3)
    check_gradient(function(u) return u:view(2, 1, 2, 3):matmul(u:view(1, 2, 3, 2)) end, 2, 2, 3)
    check_gradient(function(u) return u:transpose(1, 2):matmul(u[1]) end, 2, 2, 2)
  end)
end)
