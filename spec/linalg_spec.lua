-- linalg_spec.lua: factorizations and what is solved with them: values by their definitions,
-- gradients by differences and by what follows from them, batches, dtypes, nothing, error texts.

local la = nn.linalg

local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  local position, rest = err:match("^(.-:%d+): (.*)$")
  assert.truthy(position and position:find("linalg_spec.lua", 1, true), err)
  return rest
end

local function T(v, dtype) return nn.tensor(v, {dtype = dtype or "float64"}) end
local function random(...) return nn.randn({...}, {dtype = "float64"}) end
local function close(a, b, tol)
  assert.is_true(nn.allclose(a, b, {rtol = 0, atol = tol or 1e-11}))
end
local function orthonormal(q)
  close(q:transpose():matmul(q), nn.eye(q:size(-1), {dtype = "float64"}))
end

-- The gradient of sum(w f(x)) at x against central differences.
local function check_gradient(f, x)
  x = x:clone():requires_grad_()
  local y = f(x)
  local w = y:detach():randn_like()
  ;(y * w):sum():backward()
  local flat, eps = x:detach():view(-1), 1e-6
  for i = 1, #flat do
    local old, sides = flat[i], {}
    for k, s in ipairs {1, -1} do
      flat[i] = old + s * eps
      sides[k] = (f(x:detach()) * w):sum():item()
    end
    flat[i] = old
    local numeric = (sides[1] - sides[2]) / (2 * eps)
    assert.near(numeric, x.grad:view(-1)[i], 1e-6 * math.max(1, math.abs(numeric)))
  end
end

describe("solve, inv and det", function()
  setup(function() nn.seed(11) end)

  it("solve square systems", function()
    local a, x = random(4, 4), random(4, 3)
    close(la.solve(a, a:matmul(x)), x)
    close(la.solve(a, a:matmul(x[{{}, 1}])), x[{{}, 1}])
    close(la.solve(a:t(), a:t():matmul(x)), x)
    local many, b = random(2, 3, 4, 4), random(2, 3, 4, 2)
    close(many:matmul(la.solve(many, b)), b)
    assert.same({1.5}, la.solve(nn.tensor {{2}}, nn.tensor {3}):totable())
    assert.equal("float32", la.solve(nn.tensor({{2}}, {dtype = "int64"}), nn.tensor {3}):dtype())
    assert.same({0, 2}, la.solve(random(0, 0), random(0, 2)).shape)
  end)
  it("invert, and give determinants", function()
    local a = random(5, 5)
    close(la.inv(a):matmul(a), nn.eye(5, {dtype = "float64"}))
    assert.near(-2, la.det(T {{1, 2}, {3, 4}}):item(), 1e-14)
    assert.equal(0, la.det(T {{1, 2}, {2, 4}}):item())
    assert.equal(1, la.det(random(0, 0)):item())
    assert.near(-1, la.det(T {{0, 1}, {1, 0}}):item(), 0)
    assert.same({3}, la.det(random(3, 2, 2)).shape)
    assert.same({}, la.det(a).shape)
  end)
  it("have gradients, the determinant also where it is 0", function()
    local a, b = random(3, 3), random(3, 2)
    check_gradient(function(x) return la.solve(x, b) end, a)
    check_gradient(function(x) return la.solve(a, x) end, b)
    check_gradient(function(x) return la.solve(x, b[{{}, 1}]) end, a)
    check_gradient(la.inv, a)
    check_gradient(la.inv, random(2, 2, 2))
    check_gradient(la.det, a)
    check_gradient(la.det, T {{1, 2, 3}, {2, 4, 6}, {1, 0, 1}})
    check_gradient(la.det, T {{0, 0}, {0, 0}})
    check_gradient(la.det, random(2, 3, 3))
  end)
  it("say what is wrong", function()
    assert.equal("linalg.solve: the matrix is singular (pivot 2 is 0); lstsq gives the nearest "
      .. "there is",
      text(la.solve, T {{1, 2}, {2, 4}}, T {1, 2}))
    assert.equal("linalg.inv: the matrix is singular (pivot 1 is 0)", text(la.inv, T {{0}}))
    assert.equal("linalg.inv: wants a square matrix, got 2x3", text(la.inv, random(2, 3)))
    assert.equal("linalg.det: wants a matrix, got 3", text(la.det, random(3)))
    assert.equal("linalg.solve: 3x3 with right sides of 2: they must have as many rows, and the "
      .. "same "
      .. "leading sizes", text(la.solve, random(3, 3), random(2)))
    assert.matches("float32 with float64", text(la.solve, random(2, 2), nn.zeros(2)))
    assert.is_nil(nn["linalg.inv"])
    assert.is_nil(random(2, 2)["linalg.inv"])
  end)
end)

describe("cholesky", function()
  it("gives L with L L^T = A", function()
    local x = random(4, 4)
    local a = x:matmul(x:t()) + nn.eye(4, {dtype = "float64"})
    local l = la.cholesky(a)
    close(l:matmul(l:t()), a)
    assert.is_true(nn.equal(l, l:tril()))
    check_gradient(function(m) return la.cholesky((m + m:t()) / 2) end, a)
    check_gradient(la.cholesky, a)
    close(la.cholesky(T {{0}}, {jitter = 4}), T {{2}})
  end)
  it("refuses what is not positive definite", function()
    assert.equal("linalg.cholesky: the matrix is not positive definite (its first 2 rows and "
      .. "columns are "
      .. "not)", text(la.cholesky, T {{1, 2}, {2, 1}}))
    assert.equal("linalg.cholesky: element 1 of the matrix is NaN", text(la.cholesky, T {{0 / 0}}))
  end)
end)

describe("qr", function()
  it("gives orthonormal columns and an upper triangle, of any form", function()
    for _, s in ipairs {{4, 4}, {5, 3}, {3, 5}, {1, 4}, {4, 1}} do
      local a = random(s[1], s[2])
      local q, r = la.qr(a)
      close(q:matmul(r), a)
      orthonormal(q)
      assert.is_true(nn.equal(r, r:triu()))
      check_gradient(function(x)
        local u, v = la.qr(x)
        return u:matmul(v:sin()) + u:sum()
      end, a)
    end
    local many = random(2, 4, 3)
    local q, r = la.qr(many)
    assert.same({2, 4, 3}, q.shape)
    assert.same({2, 3, 3}, r.shape)
    close(q:matmul(r), many)
    q, r = la.qr(random(3, 0))
    assert.same({3, 0}, q.shape)
    assert.same({0, 0}, r.shape)
  end)
  it("has no gradient where the columns are not independent", function()
    local a = nn.zeros({2, 2}, {requires_grad = true})
    local q, r = la.qr(a)
    assert.equal("linalg.qr: there is no gradient where the columns are not independent",
      text(function() (q:sum() + r:sum()):backward() end))
  end)
end)

describe("svd", function()
  it("gives U, s and V^T, of any form", function()
    for _, s in ipairs {{4, 4}, {5, 3}, {3, 5}, {1, 3}} do
      local a = random(s[1], s[2])
      local u, d, vt = la.svd(a)
      close((u * d):matmul(vt), a)
      orthonormal(u)
      orthonormal(vt:t())
      for i = 2, #d do assert.is_true(d[i] <= d[i - 1]) end
      check_gradient(function(x)
        local p, e, q = la.svd(x)
        return nn.cat {p:sin():view(-1), e, q:cos():view(-1)}
      end, a)
    end
    local u, d, vt = la.svd(random(2, 3, 4))
    assert.same({2, 3, 3}, u.shape)
    assert.same({2, 3}, d.shape)
    assert.same({2, 3, 4}, vt.shape)
    assert.same({0}, select(2, la.svd(random(0, 3))).shape)
  end)
  it("has a gradient by the values also where they are equal or 0", function()
    local a = nn.eye(3, {dtype = "float64", requires_grad = true})
    select(2, la.svd(a)):sum():backward()
    close(a.grad, nn.eye(3, {dtype = "float64"}))
    local u = la.svd(a)
    assert.equal("linalg.svd: there is no gradient by the vectors of equal singular values",
      text(function() (u * random(3, 3)):sum():backward() end))
  end)
  it("refuses what is not finite", function()
    assert.equal("linalg.svd: element 2 of the matrix is NaN", text(la.svd, T {{1, 0 / 0}}))
    assert.equal("linalg.svd: element 1 of the matrix is infinite", text(la.svd, T {{1 / 0, 1}}))
  end)
end)

describe("eigh", function()
  it("gives eigenvalues and vectors of symmetric matrices", function()
    local x = random(4, 4)
    local a = x + x:t()
    local w, v = la.eigh(a)
    close(a:matmul(v), v * w)
    orthonormal(v)
    for i = 2, 4 do assert.is_true(w[i] >= w[i - 1]) end
    local function both(m)
      local p, q = la.eigh(m)
      return nn.cat {p, q:sin():view(-1)}
    end
    check_gradient(both, a)
    check_gradient(both, random(2, 2))
    w, v = la.eigh(random(2, 3, 3))
    assert.same({2, 3}, w.shape)
    assert.same({2, 3, 3}, v.shape)
    w = la.eigh(nn.tensor {{2, 1}, {1, 2}})
    assert.is_true(nn.allclose(w, nn.tensor {1, 3}))
    assert.equal("linalg.eigh: element 1 of the matrix is NaN", text(la.eigh, T {{0 / 0}}))
  end)
end)

describe("lstsq", function()
  it("is least squares, shortest, and solves what can be solved", function()
    local a, b = random(6, 3), random(6, 2)
    local x = la.lstsq(a, b)
    close(a:t():matmul(a:matmul(x) - b), nn.zeros({3, 2}, {dtype = "float64"}))
    local c = random(2, 5)
    local y = la.lstsq(c, b[{{1, 2}}])
    close(c:matmul(y), b[{{1, 2}}])
    close(c:t():matmul(la.solve(c:matmul(c:t()), b[{{1, 2}}])), y)
    close(la.lstsq(T {{1, 1}, {1, 1}}, T {2, 2}), T {1, 1})
    assert.same({3}, la.lstsq(a, b[{{}, 1}]).shape)
    assert.same({2, 3, 1}, la.lstsq(random(2, 4, 3), random(2, 4, 1)).shape)
    close(la.lstsq(nn.zeros({2, 2}, {dtype = "float64"}), T {1, 2}), T {0, 0})
  end)
  it("has gradients, tall and wide", function()
    for _, s in ipairs {{5, 3}, {3, 5}, {4, 4}} do
      local a, b = random(s[1], s[2]), random(s[1], 2)
      check_gradient(function(x) return la.lstsq(x, b) end, a)
      check_gradient(function(x) return la.lstsq(a, x) end, b)
      check_gradient(function(x) return la.lstsq(x, b[{{}, 1}]) end, a)
    end
  end)
  it("says what is wrong", function()
    assert.equal("linalg.lstsq: 3x2 with right sides of 2: they must have as many rows, and the "
      .. "same "
      .. "leading sizes", text(la.lstsq, random(3, 2), random(2)))
  end)
end)

describe("as layers", function()
  it("train through a factorization", function()
    nn.seed(2)
    local w = nn.randn({3, 3}, {requires_grad = true})
    local first
    for _ = 1, 200 do
      w:zero_grad()
      local loss = (la.inv(w:matmul(w:t()) + nn.eye(3)) - nn.eye(3) * 0.25):square():sum()
      first = first or loss:item()
      loss:backward()
      nn.no_grad(function() w:sub_(w.grad, 0.5) end)
    end
    local last = (la.inv(w:matmul(w:t()) + nn.eye(3)) - nn.eye(3) * 0.25):square():sum():item()
    assert.is_true(last < 0.05 * first)
  end)
end)
