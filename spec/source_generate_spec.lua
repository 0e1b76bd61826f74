-- The datasets inside the binary, and those made by a formula.

local function refused(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^%S+_spec.lua:%d+: ", ""))
end

describe("built in", function()
  it("iris is Fisher's", function()
    local ds = nn.data.iris()
    assert.same({150, 4}, ds.x.shape)
    assert.same({50, 50, 50}, ds.y:bincount():totable())
    assert.same({"setosa", "versicolor", "virginica"}, ds.classes)
    assert.equal("petal width", ds.feature_names[4])
    -- The means of Fisher's table I.
    local means = {{5.006, 3.428, 1.462, 0.246}, {5.936, 2.770, 4.260, 1.326},
      {6.588, 2.974, 5.552, 2.026}}
    for class = 1, 3 do
      local mean = ds.x[ds.y:eq(class)]:view(-1, 4):to("float64"):mean(1)
      for j = 1, 4 do assert.near(means[class][j], mean[j], 1e-6) end
    end
    assert.is_true(nn.equal(nn.tensor {4.9, 3.1, 1.5, 0.2}, ds.x[35])) -- not UCI's 0.1
  end)

  it("iris and the file that scikit-learn has are the same", function()
    local f = io.open "../shared/data/small/iris.csv"
    if not f then
      io.stderr:write "iris: no ../shared/data/small here, this test is left out\n"
      return
    end
    f:close()
    local file = nn.data.csv("../shared/data/small/iris.csv", {classes = nn.data.iris().classes})
    assert.is_true(nn.equal(file.x, nn.data.iris().x))
    assert.is_true(nn.equal(file.y, nn.data.iris().y))
  end)

  it("overfit lies near a line", function()
    local ds = nn.data.overfit()
    assert.same({{11, 1}, {11, 1}}, {ds.x.shape, ds.y.shape})
    local w, b = nn.ols(ds.x, ds.y)
    local off = (ds.x:matmul(w:view(1, 1)) + b - ds.y):abs():max():item()
    assert.is_true(off > 0.3 and off < 1)
  end)
end)

local makers = {"xor", "blobs", "moons", "circles", "spirals", "polynomial", "regression"}

describe("made from a seed", function()
  it("is the same for the same seed, whatever happens beside", function()
    for _, name in ipairs(makers) do
      local make = nn.data[name]
      local a = make {n = 50, seed = 7, noise = 0.1}
      assert.equal(50, #a)
      nn.seed(99)
      nn.rand(10)
      make()
      local b = make {n = 50, seed = 7, noise = 0.1}
      assert.is_true(nn.equal(a.x, b.x), name)
      assert.is_true(nn.equal(a.y, b.y), name)
      assert.is_false(nn.equal(a.x, make({n = 50, seed = 8, noise = 0.1}).x), name)
      assert.equal(#a.x:flatten() , #a.x:flatten():unique(), name) -- no number is drawn twice
    end
  end)

  it("follows nn.seed without one, and then differs from call to call", function()
    for _, name in ipairs(makers) do
      nn.seed(5)
      local a, b = nn.data[name](), nn.data[name]()
      nn.seed(5)
      nn.randn(100)
      assert.is_true(nn.equal(a.x, nn.data[name]().x), name)
      assert.is_false(nn.equal(a.x, b.x), name)
    end
  end)

  it("has these very numbers", function()
    -- Philox4x32-10 of seed 1, stream 8, blocks 0 and 2^34 on, computed by a Python program.
    local ds = nn.data.polynomial {n = 3, degree = 1, noise = 0, seed = 1}
    assert.same({0.26680484670351934, -0.5232658548020777}, ds.coefficients)
    local x = nn.tensor {0.21136229163941045, 0.57747317102875, 0.9391799278847708}
    assert.is_true(nn.equal(x:view(3, 1), ds.x))
  end)

  it("takes the default dtype", function()
    nn.set_default_dtype "float64"
    local dtype, iris = nn.data.moons().x:dtype(), nn.data.iris().x
    nn.set_default_dtype "float32"
    assert.equal("float64", dtype)
    assert.equal(5.1, iris[1][1])
    assert.equal("float32", nn.data.moons().x:dtype())
  end)

  it("xor is the truth table", function()
    local ds = nn.data.xor {n = 4, noise = 0}
    assert.same({{0, 0}, {0, 1}, {1, 0}, {1, 1}}, ds.x:totable())
    assert.same({1, 2, 2, 1}, ds.y:totable())
    assert.same({"0", "1"}, ds.classes)
    local noisy = nn.data.xor {n = 40000, noise = 0.2, seed = 1}
    local off = noisy.x - nn.data.xor({n = 40000, noise = 0}).x
    assert.near(0.2, off:std():item(), 0.003)
    assert.near(0, off:mean():item(), 0.003)
  end)

  it("blobs lie around their centres", function()
    local ds = nn.data.blobs {n = 30000, classes = 3, features = 2, noise = 0.5, seed = 2}
    assert.same({10000, 10000, 10000}, ds.y:bincount():totable())
    local centres = nn.data.blobs {n = 3, classes = 3, features = 2, noise = 0, seed = 2}
    for class = 1, 3 do
      local x = ds.x[ds.y:eq(class)]:view(-1, 2)
      assert.is_true(nn.allclose(x:mean(1), centres.x[class], {atol = 0.03}))
      assert.near(0.5, x:std(1)[1], 0.02)
    end
  end)

  it("moons, circles and spirals are where their formulas say", function()
    local m = nn.data.moons {n = 5, noise = 0}
    assert.same({1, 2, 1, 2, 1}, m.y:totable())
    local want = nn.tensor {{1, 0}, {0, 0.5}, {0, 1}, {2, 0.5}, {-1, 0}}
    assert.is_true(nn.allclose(m.x, want, {atol = 1e-6}))
    local c = nn.data.circles {n = 8, noise = 0, factor = 0.25}
    want = nn.tensor {{1, 0}, {.25, 0}, {0, 1}, {0, .25}, {-1, 0}, {-.25, 0}, {0, -1}, {0, -.25}}
    assert.is_true(nn.allclose(c.x, want, {atol = 1e-6}))
    local s = nn.data.spirals {n = 8, noise = 0, turns = 1}
    want = nn.tensor {{0, 0}, {0, 0}, {.25, 0}, {-.25, 0}, {0, -.5}, {0, .5}, {-.75, 0}, {.75, 0}}
    assert.is_true(nn.allclose(s.x, want, {atol = 1e-6}))
    assert.same({4, 3, 3}, nn.data.spirals({n = 10, classes = 3}).y:bincount():totable())
  end)

  it("polynomial and regression are what they say", function()
    local p = nn.data.polynomial {n = 20, degree = 4, noise = 0, seed = 3}
    for i = 1, 20 do
      local x, y = p.x[i][1], 0
      for k = 4, 0, -1 do y = y * x + p.coefficients[k + 1] end
      assert.near(y, p.y[i][1], 1e-6)
    end
    local r = nn.data.regression {n = 30, features = 3, targets = 2, noise = 0, seed = 3}
    assert.same({{30, 3}, {30, 2}, {3, 2}, {2}},
      {r.x.shape, r.y.shape, r.weights.shape, r.bias.shape})
    assert.is_true(nn.allclose(r.y, r.x:matmul(r.weights) + r.bias, {atol = 1e-5}))
  end)

  it("says what is wrong", function()
    assert.equal("moons: option 'noise' must be a number from 0, got -1",
      refused(nn.data.moons, {noise = -1}))
    assert.equal("blobs: option 'n' must be a positive whole number, got 0",
      refused(nn.data.blobs, {n = 0}))
    assert.equal("xor: option 'n' must be at most 268435456, got 9007199254740992",
      refused(nn.data.xor, {n = 2 ^ 53}))
    assert.equal("circles: option 'factor' must be above 0 and below 1, got 1",
      refused(nn.data.circles, {factor = 1}))
    assert.matches("there is no option 'sed'; did you mean 'seed'?",
      refused(nn.data.spirals, {sed = 1}), nil, true)
    assert.equal("regression: options are a table of named fields, got 3",
      refused(nn.data.regression, 3))
    assert.equal("polynomial: option 'seed' must be a whole number, got 1.5",
      refused(nn.data.polynomial, {seed = 1.5}))
  end)
end)
