-- nn.data's transforms: what they compute against plain arithmetic, their inverses, what they
-- refuse, their states and files.

local nn = require "nn"
local message = dofile("spec/tools.lua").message

local function dataset(x, options)
  return nn.data.tensors(x, nn.zeros(#x, 1), options)
end

local function near(a, b, atol)
  assert.is_true(nn.allclose(a, b, {atol = atol or 1e-5, rtol = 1e-5}), tostring(a) .. tostring(b))
end

local function made()
  return {
    nn.data.Standardize(), nn.data.MinMax {low = -1}, nn.data.Whiten(),
    nn.data.Whiten {method = "zca", eps = 0.1}, nn.data.Polynomial {degree = 3, bias = true},
    nn.data.Chain {nn.data.Standardize(), nn.data.Polynomial()},
  }
end

describe("MinMax", function()
  it("maps the training part's range", function()
    local x = nn.tensor({{1, 5, 7}, {3, 5, -7}, {2, 5, 0}})
    local t = nn.data.MinMax():fit(dataset(x))
    assert.same({{0, 0, 1}, {1, 0, 0}, {0.5, 0, 0.5}}, t(x):totable())
    assert.same({{-0.5, 2, 2}}, t(nn.tensor({{0, 7, 21}})):totable())
    near(x, t:invert(t(x)))
    local wide = nn.data.MinMax {low = -1, high = 3}:fit(x)
    assert.same({{-1, -1, 3}, {3, -1, -1}, {1, -1, 1}}, wide(x):totable())
    near(x, wide:invert(wide(x)))
    assert.equal("MinMax(high = 3.0, low = -1.0, fitted to 3)",
      tostring(nn.data.MinMax {low = -1.0, high = 3.0}:fit(x)))
    assert.matches("low must be below high, got 2 and 1",
      message(nn.data.MinMax, {low = 2, high = 1}))
  end)

  it("leaves NaN out of what it learns", function()
    local t = nn.data.MinMax():fit(nn.tensor({{1}, {0 / 0}, {3}}))
    assert.equal(0.5, t(nn.tensor({{2}}))[1][1])
    local y = t(nn.tensor({{0 / 0}}))[1][1]
    assert.is_true(y ~= y)
  end)
end)

describe("Whiten", function()
  -- Correlated features with a constant and a repeated one.
  local function data(n)
    local a, b = nn.randn({n, 1}), nn.randn({n, 1})
    return nn.cat({a * 3 + 1, a + b * 0.5, nn.full({n, 1}, 4), a * 6 + 2}, 2)
  end

  it("leaves no correlation and unit variance", function()
    nn.seed(3)
    local x = data(500):to("float64")
    local t = nn.data.Whiten():fit(x)
    local z = t(x)
    near(nn.tensor({{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}}, {dtype = "float64"}),
      z:t():matmul(z) / 500, 1e-9)
    near(x, t:invert(z), 1e-9)
  end)

  it("turns back with zca", function()
    nn.seed(4)
    local x = nn.randn({400, 3}):to("float64") * nn.tensor({1, 2, 3}, {dtype = "float64"})
    local t = nn.data.Whiten {method = "zca"}:fit(x)
    local z = t(x)
    near(nn.eye(3, {dtype = "float64"}), z:t():matmul(z) / 400, 1e-9)
    near(t.forward, t.forward:t(), 1e-9)
    near(x, t:invert(z), 1e-9)
  end)

  it("keeps the shape of images", function()
    local ds = nn.data.digits()
    local t = nn.data.Whiten {eps = 0.01}:fit(ds)
    assert.same({1797, 1, 8, 8}, t(ds).x:size())
    near(ds.x, t:invert(t(ds.x)), 1e-3)
  end)

  it("says what is wrong", function()
    assert.matches('option \'method\' must be "pca" or "zca", got the string "svd"',
      message(nn.data.Whiten, {method = "svd"}))
    assert.matches("Whiten: x holds NaN", message(function()
      nn.data.Whiten():fit(nn.tensor({{1, 2}, {0 / 0, 1}}))
    end))
  end)
end)

describe("OneHot", function()
  it("makes columns of categories", function()
    local ds = dataset({{3, 0.5}, {1, 0.25}, {3, 2.5}}, {feature_names = {"kind", "size"}})
    local t = nn.data.OneHot {columns = {"kind"}}:fit(ds)
    assert.same({{0, 1, 0.5}, {1, 0, 0.25}, {0, 1, 2.5}}, t(ds).x:totable())
    assert.same({"kind=1", "kind=3", "size"}, t(ds).feature_names)
    assert.same(ds.x:totable(), t:invert(t(ds)).x:totable())
    assert.same({"kind", "size"}, t:invert(t(ds)).feature_names)
    assert.matches("row 1 has 2.0? in feature 1, which the training part had not",
      message(t, nn.tensor({{2, 0.5}})))
    local lax = nn.data.OneHot {columns = {1}, unknown = "ignore"}:fit(ds)
    assert.same({{0, 0, 0.5}}, lax(nn.tensor({{2, 0.5}})):totable())
    assert.matches("size holds fractions", message(function() nn.data.OneHot():fit(ds) end))
    assert.matches("there is no feature 'sort'", message(function()
      nn.data.OneHot {columns = {"sort"}}:fit(ds)
    end))
    assert.matches("columns%[1%] must be a feature's name or its number in 1..2, got 3",
      message(function() nn.data.OneHot {columns = {3}}:fit(ds) end))
  end)

  it("takes labels", function()
    local ds = nn.data.tensors({1, 2, 3}, {2, 1, 2}, {classes = {"a", "b", "c"}})
    local t = nn.data.OneHot {target = true}:fit(ds)
    assert.same({{0, 1, 0}, {1, 0, 0}, {0, 1, 0}}, t(ds).y:totable())
    assert.equal(ds.x, t(ds).x)
    assert.same({2, 1, 2}, t:invert(t(ds)).y:totable())
    assert.same({{0, 0, 1}}, t(nn.tensor({3}, {dtype = "int64"})):totable())
    local y = t:invert(nn.tensor({{0.1, 0.2, 0.7}, {0.6, 0.3, 0.1}}))
    assert.equal("int64", y:dtype())
    assert.same({3, 1}, y:totable())
    local labels = nn.tensor({4, 2, 4}, {dtype = "int64"})
    assert.same({{0, 1}, {1, 0}, {0, 1}}, nn.data.OneHot():fit(labels)(labels):totable())
  end)
end)

describe("Polynomial", function()
  it("has all products, in scikit-learn's order", function()
    local t = nn.data.Polynomial {degree = 3}:fit(nn.ones(1, 2))
    assert.same({{2, 3, 4, 6, 9, 8, 12, 18, 27}}, t(nn.tensor({{2, 3}})):totable())
    local ds = dataset({{2, 3}}, {feature_names = {"a", "b"}})
    assert.same({"a", "b", "a^2", "a b", "b^2", "a^3", "a^2 b", "a b^2", "b^3"},
      t(ds).feature_names)
    assert.same({{2, 3}}, t:invert(t(ds)).x:totable())
    local u = nn.data.Polynomial {degree = 3, interaction_only = true, bias = true}:fit(nn.ones(1,
      3))
    assert.same({{1, 2, 3, 5, 6, 10, 15, 30}}, u(nn.tensor({{2, 3, 5}})):totable())
    assert.same({"1", "x1", "x2", "x3", "x1 x2", "x1 x3", "x2 x3", "x1 x2 x3"},
      u(dataset({{1, 2, 3}})).feature_names)
    assert.matches("300 features to degree 3 make more than 20000 columns",
      message(function() nn.data.Polynomial {degree = 3}:fit(nn.ones(1, 300)) end))
  end)

  it("lets gradients through", function()
    local t = nn.data.Polynomial {degree = 3}:fit(nn.ones(1, 2))
    assert.is_true(nn.gradcheck(function(x) return t(x) end, {nn.randn({3, 2},
      {dtype = "float64"})}))
  end)
end)

describe("every transform", function()
  it("keeps y, weights, classes and the held-out mark", function()
    local ds = nn.data.tensors(nn.randn(30, 3), nn.randint(1, 3, {30}),
      {classes = {"a", "b", "c"}, weight = nn.rand(30)})
    local train, _, test = ds:split {0.5, 0.2, 0.3}
    for _, t in ipairs(made()) do
      assert.equal(t, t:fit(train))
      local out = t(test)
      assert.is_true(out.held_out)
      assert.equal(test.y, out.y)
      assert.equal(test.weight, out.weight)
      assert.same(test.classes, out.classes)
      near(test.x, t:invert(out).x, t.steps and 1e-4 or 1e-3)
      assert.is_nil(t(train).held_out)
      assert.matches("held out", message(t.fit, t, test))
    end
    test.opened = 2
    assert.equal(2, nn.data.Standardize():fit(train)(test).opened)
  end)

  it("has a state", function()
    local x = nn.randn({20, 3})
    for i, t in ipairs(made()) do
      t:fit(x)
      local other = made()[i]:load_state(t:state())
      assert.is_true(nn.equal(t(x), other(x)))
      assert.matches("state", message(other.load_state, other, {class = "Nothing"}))
    end
  end)

  it("comes back from a file", function()
    local path = os.tmpname() .. ".nn"
    local x = nn.randn({20, 3})
    local all = made()
    for _, t in ipairs(all) do t:fit(x) end
    local hot = nn.data.OneHot {columns = {1}}:fit(nn.tensor({{1, 2.5}, {2, 3.5}}))
    nn.save(path, {all = all, hot = hot})
    local back = nn.load(path)
    os.remove(path)
    for i, t in ipairs(all) do
      assert.is_true(nn.equal(t(x), back.all[i](x)))
      assert.equal(tostring(t), tostring(back.all[i]))
    end
    assert.same({{0, 1, 9}}, back.hot(nn.tensor({{2, 9}})):totable())
  end)

  it("refuses a state that does not fit together", function()
    local t = nn.data.Standardize():fit(nn.randn({4, 3}))
    for _, spoil in ipairs {
      function(f) f.sample = {4} end, function(f) f.mean = nil end, function(f) f.std = "x" end,
      function(f) f.sample = {-1} end, function(f) f.sample = "3" end,
      function(f) f.mean = f.mean:to("float32") end,
    } do
      local state = t:state()
      spoil(state.fitted)
      local fresh = nn.data.Standardize()
      assert.matches("Standardize: ", message(fresh.load_state, fresh, state))
      assert.is_nil(fresh.mean)
    end
  end)

  it("says what is wrong", function()
    for _, t in ipairs(made()) do
      assert.matches("call t:fit%(train%) before t", message(t, nn.ones(2, 3)))
      assert.matches("wants a dataset or a tensor", message(t.fit, t, "x"))
      assert.matches("at least one row", message(t.fit, t, nn.zeros(0, 3)))
      t:fit(nn.randn(5, 3))
      assert.matches("fitted to samples of 3, got x of 2x4", message(t, nn.ones(2, 4)))
      assert.has_error(function() t.fit(3, nn.ones(2, 2)) end)
    end
    assert.matches("feature 2 %(b%) holds an infinite number", message(function()
      nn.data.Standardize():fit(dataset({{1, 1 / 0}}, {feature_names = {"a", "b"}}))
    end))
    assert.matches("feature 1 holds no number, only NaN", message(function()
      nn.data.MinMax():fit(nn.tensor({{0 / 0}}))
    end))
    assert.matches("Chain: step 1 must be a transform, got 3", message(nn.data.Chain, {3}))
    assert.matches("Chain: expected a list of transforms", message(nn.data.Chain, {}))
  end)

  it("works on one row, float64, integers and nothing", function()
    for _, t in ipairs(made()) do
      t:fit(nn.tensor({{1, 2, 3}}, {dtype = "float64"}))
      assert.equal("float64", t(nn.ones({2, 3}, {dtype = "float64"})):dtype())
      assert.equal("float32", t(nn.ones({2, 3}, {dtype = "int64"})):dtype())
      assert.equal(0, #t(nn.zeros(0, 3)))
      assert.is_true(t(nn.ones(2, 3)):isfinite():all())
    end
  end)
end)
