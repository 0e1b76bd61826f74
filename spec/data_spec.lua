-- Datasets: sources, parts, batches, Standardize.

local nn = require "nn"
local message = dofile("spec/tools.lua").message

-- n rows: x is {row, -row}, y the label 1 + row % classes.
local function numbered(n, classes)
  local x, y = {}, {}
  for row = 1, n do x[row], y[row] = {row, -row}, 1 + row % classes end
  return nn.data.tensors(x, y)
end

local function rows(ds)
  local list = {}
  for i, x in ipairs(ds.x:totable()) do list[i] = math.tointeger(x[1]) end
  return list
end

local function counts(ds)
  local list = {}
  for _, label in ipairs(ds.y:totable()) do list[label] = (list[label] or 0) + 1 end
  return list
end

describe("nn.data.tensors", function()
  it("takes tensors and tables", function()
    local ds = nn.data.tensors({{1, 2}, {3, 4}, {5, 6}}, {1, 2, 1},
      {classes = {"no", "yes"}, feature_names = {"a", "b"}})
    assert.equal(3, #ds)
    assert.equal("float32", ds.x:dtype())
    assert.equal("int64", ds.y:dtype())
    assert.same({"no", "yes"}, ds.classes)
    assert.same({"a", "b"}, ds.feature_names)
    assert.is_true(nn.data.is_dataset(ds))
    assert.equal("dataset of 3 samples: x float32 2, 2 classes (no, yes)", tostring(ds))
    local x = nn.randn(4, 3)
    assert.equal(x, nn.data.tensors(x, nn.randn(4, 2)).x)
  end)

  it("makes columns of lists", function()
    local ds = nn.data.tensors({1, 2, 3}, {1.5, 2.5, 3.5})
    assert.same({3, 1}, ds.x:size())
    assert.same({3, 1}, ds.y:size())
    assert.equal("dataset of 3 samples: x float32 1, y float32 1", tostring(ds))
  end)

  it("takes texts for labels", function()
    local ds = nn.data.tensors({1, 2, 3}, {"plum", "fig", "plum"})
    assert.same({{2, 1, 2}, {"fig", "plum"}}, {ds.y:totable(), ds.classes})
    ds = nn.data.tensors({1, 2}, {"plum", "fig"}, {classes = {"plum", "pear", "fig"}})
    assert.same({{1, 3}, {"plum", "pear", "fig"}}, {ds.y:totable(), ds.classes})
  end)

  it("says what does not fit", function()
    assert.matches("tensors: x and y must have a row for each sample, got 3x1 and 2",
      message(nn.data.tensors, {1, 2, 3}, {1, 2}))
    assert.matches("tensors: y%[2%] is 0, but there are 2 classes and labels count from 1; "
      .. "labels = labels:add%(1%) mends it",
      message(nn.data.tensors, {1, 2}, {1, 0}, {classes = {"a", "b"}}))
    assert.matches("tensors: 'feature_names' has 1 names for 2 features",
      message(nn.data.tensors, {{1, 2}}, {1}, {feature_names = {"a"}}))
    assert.matches("tensors: y is missing", message(nn.data.tensors, {1}))
    assert.matches("tensors: y[2] is \"figg\", which is not in 'classes' (did you mean \"fig\"?)",
      message(nn.data.tensors, {1, 2}, {"fig", "figg"}, {classes = {"fig", "plum"}}), nil, true)
    assert.matches("tensors: y[1] is a text, so all of y must be, but y[2] is 3",
      message(nn.data.tensors, {1, 2}, {"fig", 3}), nil, true)
    assert.matches("tensors: x must be a tensor or a table, got the string",
      message(nn.data.tensors, "x", {1}))
    assert.matches("there is no option 'class'; did you mean 'classes'%?",
      message(nn.data.tensors, {1}, {1}, {class = {}}))
    assert.matches("'classes' names labels, but y is a float32 tensor of 1x1",
      message(nn.data.tensors, {1}, {1.5}, {classes = {"a"}}))
  end)
end)

describe("the built-in data", function()
  it("has the digits", function()
    local ds = nn.data.digits()
    assert.equal(1797, #ds)
    assert.same({1797, 1, 8, 8}, ds.x:size())
    assert.equal("float32", ds.x:dtype())
    assert.equal("int64", ds.y:dtype())
    assert.same({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, ds.classes)
    assert.same({178, 182, 177, 183, 181, 182, 181, 179, 174, 180}, counts(ds))
    assert.same({1, 2, 3, 4, 5}, ds.y:narrow(1, 1, 5):totable())
    local first = {0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0}
    for i, pixel in ipairs(ds.x[1]:reshape(64):narrow(1, 1, 16):totable()) do
      assert.equal(first[i] / 16, pixel)
    end
    assert.same({294, 313, 344}, {
      ds.x[1]:sum():item() * 16, ds.x[2]:sum():item() * 16, ds.x[3]:sum():item() * 16,
    })
    assert.equal(561718, ds.x:to("float64"):sum():item() * 16)
  end)

  it("has the chapter's line", function()
    local ds = nn.data.line()
    assert.same({7, 1}, ds.x:size())
    assert.same({7, 1}, ds.y:size())
    -- The chapter's best line, by the normal equations.
    local x, y = ds.x:to("float64"), ds.y:to("float64")
    local dx, dy = x - x:mean(), y - y:mean()
    local m = (dx * dy):sum():item() / (dx * dx):sum():item()
    local b = y:mean():item() - m * x:mean():item()
    assert.near(0.335593220338983, m, 1e-6)
    assert.near(0.8047215496368041, b, 1e-6)
    assert.near(0.01805188516084405, (y - (x * m + b)):square():mean():item(), 1e-7)
  end)
end)

describe("split", function()
  it("gives disjoint parts that are all of it", function()
    local ds = numbered(103, 3)
    local seen, n = {}, 0
    for _, part in ipairs {ds:split {0.5, 0.25, 0.15, 0.1}} do
      n = n + #part
      for i, row in ipairs(rows(part)) do
        assert.is_nil(seen[row])
        seen[row] = true
        assert.equal(-row, part.x[i][2])
        assert.equal(1 + row % 3, part.y[i])
      end
    end
    assert.equal(103, n)
  end)

  it("keeps every class's share within one sample, and the whole's", function()
    for _, classes in ipairs {2, 7, 10} do
      local ds = numbered(997, classes)
      local whole, shares = counts(ds), {0.7, 0.15, 0.15}
      for p, part in ipairs {ds:split(shares)} do
        for label, n in pairs(counts(part)) do
          assert.is_true(math.abs(n - whole[label] * shares[p]) < 1)
        end
        assert.is_true(math.abs(#part - 997 * shares[p]) <= 1.5)
      end
    end
  end)

  it("shuffles, unless ordered", function()
    local ds = numbered(100, 2)
    local mixed = ds:split {0.6, 0.4}
    local in_order = true
    for i, row in ipairs(rows(mixed)) do in_order = in_order and row == i end
    assert.is_false(in_order)
    local a, b = ds:split {0.6, 0.4, ordered = true}
    for i, row in ipairs(rows(a)) do assert.equal(i, row) end
    for i, row in ipairs(rows(b)) do assert.equal(60 + i, row) end
  end)

  it("follows its own stream, or its seed", function()
    local ds = numbered(50, 2)
    nn.seed(5)
    local first = rows((ds:split {0.5, 0.5}))
    nn.seed(5)
    nn.randn(100)
    nn.randperm(10, {stream = "shuffle"})
    assert.same(first, rows((ds:split {0.5, 0.5})))
    assert.not_same(first, rows((ds:split {0.5, 0.5})))
    local seeded = rows((ds:split {0.5, 0.5, seed = 9}))
    assert.same(seeded, rows((ds:split {0.5, 0.5, seed = 9})))
    assert.not_same(seeded, rows((ds:split {0.5, 0.5, seed = 10})))
  end)

  it("marks the last of three as held out", function()
    local ds = numbered(60, 2)
    local a, b, c = ds:split {0.6, 0.2, 0.2}
    assert.is_nil(a.held_out)
    assert.is_nil(b.held_out)
    assert.is_true(c.held_out)
    assert.matches("held out$", tostring(c))
    local _, _, open = ds:split {0.6, 0.2, 0.2, held_out = false}
    assert.is_nil(open.held_out)
    local _, last = ds:split {0.6, 0.4, held_out = true}
    assert.is_true(last.held_out)
    assert.is_true(c:subset({1, 2}).held_out)
    assert.is_true(a:concat(c).held_out)
    assert.is_true(c:shuffle().held_out)
  end)

  it("needs labels to stratify", function()
    local ds = nn.data.line()
    local a, b = ds:split {0.5, 0.5}
    assert.equal(7, #a + #b)
    assert.matches("split: only labels can be stratified, but y is a float32 tensor of 7x1",
      message(ds.split, ds, {0.5, 0.5, stratify = true}))
    assert.matches("an ordered split cannot be stratified",
      message(ds.split, numbered(9, 2), {0.5, 0.5, stratify = true, ordered = true}))
    local c = numbered(99, 3):split {0.5, 0.5, stratify = false}
    assert.is_true(#c == 49 or #c == 50)
  end)

  it("says what is wrong", function()
    local ds = numbered(10, 2)
    assert.matches("split: the fractions must add up to 1, got 0.9",
      message(ds.split, ds, {0.5, 0.4}))
    assert.matches("split: part 2 must be a fraction between 0 and 1, got 0",
      message(ds.split, ds, {0.5, 0, 0.5}))
    assert.matches("split: expected two fractions or more", message(ds.split, ds, {}))
    assert.matches("there is no option 'stratifi'; did you mean 'stratify'%?",
      message(ds.split, ds, {0.5, 0.5, stratifi = true}))
    assert.matches("part 2 of 2 would be empty; 7 samples are too few",
      message(nn.data.line().split, nn.data.line(), {0.99, 0.01}))
    assert.matches("split: self must be a dataset", message(ds.split, {0.5, 0.5}))
  end)
end)

describe("subset, shuffle, concat", function()
  it("pick rows", function()
    local ds = numbered(10, 2)
    assert.same({3, 1, 3}, rows(ds:subset {3, 1, 3}))
    assert.same({10, 2}, rows(ds:subset(nn.tensor({10, 2}, {dtype = "int64"}))))
    assert.matches("subset: index 2 must be a row number in 1..10, got 11",
      message(ds.subset, ds, {1, 11}))
    assert.matches("subset: index 1 must be a row number in 1..10, got 1.5",
      message(ds.subset, ds, {1.5}))
  end)

  it("reorder", function()
    local ds = numbered(20, 2)
    local mixed = rows(ds:shuffle(4))
    assert.same(mixed, rows(ds:shuffle(4)))
    assert.not_same(rows(ds), mixed)
    table.sort(mixed)
    assert.same(rows(ds), mixed)
  end)

  it("join", function()
    local ds = numbered(3, 2)
    local both = ds:concat(numbered(2, 2))
    assert.same({1, 2, 3, 1, 2}, rows(both))
    assert.same({2, 1, 2, 2, 1}, both.y:totable())
    assert.matches("concat: x is a float32 tensor of 3x2 here and a float32 tensor of 7x1 there",
      message(ds.concat, ds, nn.data.line()))
    assert.matches("concat: the two datasets have different classes",
      message(ds.concat, ds, nn.data.tensors({{1, 2}}, {1}, {classes = {"a"}})))
  end)
end)

describe("batches", function()
  it("are all rows, in an order from the shuffle stream", function()
    local ds = numbered(10, 2)
    local function run(options)
      local list, sizes = {}, {}
      for x, y in ds:batches(options) do
        sizes[#sizes + 1] = #x
        assert.equal(#x, #y)
        for i = 1, #x do list[#list + 1] = math.tointeger(x[i][1]) end
      end
      return list, sizes
    end
    nn.seed(1)
    local first, sizes = run {size = 4}
    assert.same({4, 4, 2}, sizes)
    assert.not_same(first, (run {size = 4}))
    nn.seed(1)
    assert.same(first, (run {size = 3}))
    table.sort(first)
    assert.same(rows(ds), first)
    assert.same(rows(ds), (run {size = 3, shuffle = false}))
    assert.same({4, 4}, select(2, run {size = 4, drop_last = true}))
    assert.same({10}, select(2, run()))
  end)

  it("are the script's to keep and change", function()
    local ds = numbered(4, 2)
    for x, y in ds:batches {size = 2, shuffle = false} do
      x:zero_()
      y:zero_()
    end
    assert.same({1, 2, 3, 4}, rows(ds))
    assert.same({2, 1, 2, 1}, ds.y:totable())
  end)

  it("say what is wrong", function()
    local ds = numbered(4, 2)
    assert.matches("batches: option 'size' must be a positive whole number, got 0",
      message(ds.batches, ds, {size = 0}))
    assert.matches("batches: options have names, got 32 at %[1%]", message(ds.batches, ds, {32}))
    assert.matches("batches: options are a table of named fields, got 32",
      message(ds.batches, ds, 32))
  end)
end)

describe("Standardize", function()
  it("centres and scales by the training part", function()
    local ds = nn.data.tensors(nn.randn(200, 3) * 5 + 2, nn.zeros(200, 1))
    local train, rest = ds:split {0.5, 0.5}
    local t = nn.data.Standardize():fit(train)
    local x = t(train).x:to("float64")
    for j = 1, 3 do
      local column = x:select(2, j)
      assert.near(0, column:mean():item(), 1e-6)
      assert.near(1, column:square():mean():item(), 1e-5)
    end
    local expected = (rest.x[1][1] - t.mean[1]) / t.std[1]
    assert.near(expected, t(rest).x[1][1], 1e-5)
    assert.near(expected, t(rest.x)[1][1], 1e-5)
    assert.near(rest.x[7][2], t:invert(t(rest.x))[7][2], 1e-5)
    assert.near(rest.x[7][2], t:invert(t(rest)).x[7][2], 1e-5)
    assert.equal(rest.y, t(rest).y)
  end)

  it("makes nothing of constant features", function()
    local x = nn.full({5000, 2}, 0.1)
    x:select(2, 2):copy_(nn.randn(5000))
    local t = nn.data.Standardize():fit(x)
    assert.equal(0, t(x)[1][1])
    assert.equal(x[1][1], t:invert(t(x))[1][1])
    assert.near(0, t(x):select(2, 2):mean():item(), 1e-6)
  end)

  it("keeps names and the held-out mark", function()
    local train, val, test = nn.data.digits():split {0.7, 0.15, 0.15}
    local t = nn.data.Standardize():fit(train)
    assert.equal("Standardize(fitted to 1x8x8)", tostring(t))
    assert.is_true(t(test).held_out)
    assert.is_nil(t(val).held_out)
    assert.equal(10, #t(val).classes)
    assert.matches("this one is held out for the final test",
      message(t.fit, nn.data.Standardize(), test))
  end)

  it("makes floats of integers", function()
    local x = nn.tensor({{1, 2}, {3, 4}}, {dtype = "uint8"})
    local t = nn.data.Standardize():fit(x)
    assert.equal("float32", t(x):dtype())
    assert.same({{-1, -1}, {1, 1}}, t(x):totable())
  end)

  it("says what is wrong", function()
    local t = nn.data.Standardize()
    assert.matches("Standardize: call t:fit%(train%) before t%(x%)", message(t, nn.ones(2, 2)))
    t:fit(nn.ones(2, 2))
    assert.matches("Standardize: fitted to samples of 2, got x of 2x3", message(t, nn.ones(2, 3)))
    assert.matches("wants a dataset or a tensor of N x features, got 3", message(t.fit, t, 3))
  end)
end)
