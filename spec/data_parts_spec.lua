-- What datasets do beyond batches: groups, numbers of samples and folds, duplicates, weights, map,
-- describe, augmentation, files; and the edges: nothing, one row, NaN, other dtypes.

local nn = require "nn"
local message = dofile("spec/tools.lua").message

-- n rows: x is {row, -row}, y the label 1 + row % classes, the weight row / 2.
local function numbered(n, classes)
  local x, y, w = {}, {}, {}
  for row = 1, n do x[row], y[row], w[row] = {row, -row}, 1 + row % classes, row / 2 end
  return nn.data.tensors(x, y, {weight = w})
end

local function rows(ds)
  local list = {}
  for i, x in ipairs(ds.x:totable()) do list[i] = math.tointeger(x[1]) end
  return list
end

-- Every row 1..n is in exactly one of the parts, with its y and weight.
local function check_partition(parts, n, classes)
  local seen, count = {}, 0
  for _, part in ipairs(parts) do
    for i, row in ipairs(rows(part)) do
      assert.is_nil(seen[row])
      seen[row], count = true, count + 1
      assert.equal(1 + row % classes, part.y[i])
      assert.equal(row / 2, part.weight[i])
    end
  end
  assert.equal(n, count)
end

-- Every part has its share of every class within one sample.
local function check_classes(parts, shares, n, classes)
  for p, part in ipairs(parts) do
    local count = {}
    for _, label in ipairs(part.y:totable()) do count[label] = (count[label] or 0) + 1 end
    for label = 1, classes do
      local all = n // classes + ((label - 1) % classes <= n % classes and 1 or 0)
      if label == 1 then all = n // classes end
      assert.is_true(math.abs((count[label] or 0) - all * shares[p]) < 1 + 1e-9)
    end
  end
end

describe("split", function()
  it("takes numbers of samples, exactly, and stratifies them", function()
    local ds = numbered(997, 7)
    local parts = {ds:split {500, 297, 200}}
    check_partition(parts, 997, 7)
    assert.same({500, 297, 200}, {#parts[1], #parts[2], #parts[3]})
    check_classes(parts, {500 / 997, 297 / 997, 200 / 997}, 997, 7)
    assert.is_true(parts[3].held_out)
    assert.matches("the numbers of samples must add up to 997, all that there are, got 600",
      message(ds.split, ds, {500, 100}))
    assert.matches("fractions or numbers of samples, not both", message(ds.split, ds, {0.5, 500}))
  end)

  it("rounds the sizes of parts up or down, for any classes", function()
    for _, classes in ipairs {1, 2, 5, 13, 40} do
      for n = 41, 60, 3 do
        local shares = {0.55, 0.15, 0.3}
        local parts = {numbered(n, classes):split {0.55, 0.15, 0.3, seed = n}}
        check_partition(parts, n, classes)
        for p, part in ipairs(parts) do
          assert.is_true(math.abs(#part - n * shares[p]) < 1, ("%d %d"):format(classes, n))
        end
      end
    end
  end)

  it("is the same everywhere for a seed", function()
    local a, b = numbered(12, 2):split {0.5, 0.5, seed = 7}
    assert.same({1, 3, 2, 10, 6, 5}, rows(a))
    assert.same({8, 12, 4, 9, 11, 7}, rows(b))
  end)

  it("never cuts a group", function()
    for _, kind in ipairs {"list", "tensor", "strings", "float"} do
      for _, stratify in ipairs {true, false} do
        local ds, groups = numbered(200, 3), {}
        for row = 1, 200 do groups[row] = row * row % 31 end
        local given = groups
        if kind == "strings" then
          given = {}
          for i, g in ipairs(groups) do given[i] = "patient " .. g end
        elseif kind ~= "list" then
          given = nn.tensor(groups, {dtype = kind == "tensor" and "int64" or "float32"})
        end
        local parts = {ds:split {0.6, 0.2, 0.2, groups = given, stratify = stratify, seed = 2}}
        check_partition(parts, 200, 3)
        local home = {}
        for p, part in ipairs(parts) do
          assert.is_true(math.abs(#part / 200 - (p == 1 and 0.6 or 0.2)) < 0.1)
          for _, row in ipairs(rows(part)) do
            local g = groups[row]
            assert.is_true(home[g] == nil or home[g] == p)
            home[g] = p
          end
        end
      end
    end
  end)

  it("fills every part with groups, where there are as many", function()
    local ds = numbered(9, 1)
    local parts = {ds:split {0.8, 0.1, 0.1, groups = {1, 1, 1, 2, 2, 2, 3, 3, 3}}}
    assert.same({3, 3, 3}, {#parts[1], #parts[2], #parts[3]})
    assert.matches("2 groups cannot fill 3 parts; a group is never cut",
      message(ds.split, ds, {0.8, 0.1, 0.1, groups = {1, 1, 1, 1, 2, 2, 2, 2, 2}}))
  end)

  it("says what is wrong with groups", function()
    local ds = numbered(4, 2)
    assert.matches("must name the group of each of the 4 samples, got 2 names",
      message(ds.split, ds, {0.5, 0.5, groups = {1, 2}}))
    assert.matches("groups%[2%] must be a number or a string, got a table",
      message(ds.split, ds, {0.5, 0.5, groups = {1, {}, 2, 3}}))
    assert.matches("must be a list or a tensor with a name for each sample, got the string",
      message(ds.split, ds, {0.5, 0.5, groups = "patient"}))
    assert.matches("got a float32 tensor of 3",
      message(ds.split, ds, {0.5, 0.5, groups = nn.zeros(3)}))
    assert.matches("cannot keep groups together",
      message(ds.split, ds, {0.5, 0.5, groups = {1, 1, 2, 2}, ordered = true}))
  end)
end)

describe("kfold", function()
  it("has every row in val once, in folds of one size and the classes' shares", function()
    for _, n in ipairs {20, 23} do
      local ds, shares = numbered(n, 3), {0.25, 0.25, 0.25, 0.25}
      local folds, vals = ds:kfold(4), {}
      assert.equal(4, #folds)
      for i, fold in ipairs(folds) do
        vals[i] = fold.val
        check_partition({fold.train, fold.val}, n, 3)
        assert.is_true(#fold.val == n // 4 or #fold.val == n // 4 + 1)
      end
      check_partition(vals, n, 3)
      check_classes(vals, shares, n, 3)
    end
  end)

  it("keeps the order without shuffle", function()
    local folds = nn.data.tensors(nn.range(1, 5.0), nn.zeros(5)):kfold(2, {shuffle = false})
    assert.same({{1}, {2}, {3}}, folds[1].val.x:totable())
    assert.same({{4}, {5}}, folds[1].train.x:totable())
    local labelled = numbered(6, 2):kfold(3, {shuffle = false})
    assert.same({1, 2}, rows(labelled[1].val))
    assert.same({3, 4, 5, 6}, rows(labelled[1].train))
  end)

  it("follows its seed, keeps groups and leaves one out", function()
    local ds = numbered(12, 2)
    assert.same(rows(ds:kfold(3, {seed = 5})[2].train), rows(ds:kfold(3, {seed = 5})[2].train))
    assert.not_same(rows(ds:kfold(3, {seed = 5})[2].val), rows(ds:kfold(3, {seed = 6})[2].val))
    for _, fold in ipairs(ds:kfold(3, {groups = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}})) do
      local has = {}
      for _, row in ipairs(rows(fold.val)) do has[row] = true end
      for row = 1, 11, 2 do assert.equal(has[row], has[row + 1]) end
    end
    assert.equal(12, #ds:kfold(12))
    for _, fold in ipairs(ds:kfold(12)) do assert.equal(1, #fold.val) end
  end)

  it("makes a fold's datasets when they are asked for", function()
    local fold = numbered(6, 2):kfold(2)[1]
    local train = fold.train
    assert.equal(train, fold.train)
    local names = {}
    for name in pairs(fold) do names[#names + 1] = name end
    assert.same({"train", "val"}, names)
    assert.equal("fold 1 of 2: train 3, val 3", tostring(fold))
    assert.is_nil(fold.test)
  end)

  it("says what is wrong", function()
    local ds = numbered(3, 1)
    assert.matches("kfold: 3 samples cannot make 4 folds", message(ds.kfold, ds, 4))
    assert.matches("kfold: k must be a whole number from 2, got 1", message(ds.kfold, ds, 1))
    assert.matches("kfold: k must be a whole number from 2, got nil", message(ds.kfold, ds))
    assert.matches("there is no option 'folds'", message(ds.kfold, ds, 2, {folds = 3}))
  end)
end)

describe("duplicates", function()
  it("are the rows in both", function()
    local nan = 0 / 0
    local a = nn.data.tensors({{1, 2}, {0, nan}, {3, 4}, {1, 2}}, {1, 1, 1, 2})
    local b = nn.data.tensors({{5, 6}, {-0.0, nan}, {1, 2}, {1, 2}}, {1, 1, 1, 1})
    local mine, theirs = a:duplicates(b)
    assert.same({1, 2, 4}, mine:totable())
    assert.same({3, 2, 3}, theirs:totable())
    mine, theirs = a:duplicates()
    assert.same({4}, mine:totable())
    assert.same({1}, theirs:totable())
    assert.equal(0, #(b:duplicates(b:subset {})))
    assert.equal(0, #(b:subset({}):duplicates(b)))
  end)

  it("are found in any dtype and shape, among many", function()
    for _, dtype in ipairs {"float32", "float64", "int64", "uint8"} do
      local x = nn.randint(0, 2, {300, 2, 3}):to(dtype)
      local ds = nn.data.tensors(x, nn.zeros(300))
      local first, expected = {}, {}
      for row, sample in ipairs(x:reshape(300, 6):totable()) do
        local key = table.concat(sample, " ")
        if first[key] then expected[#expected + 1] = {row, first[key]} end
        first[key] = first[key] or row
      end
      local mine, theirs = ds:duplicates()
      assert.is_true(#expected > 10)
      assert.equal(#expected, #mine)
      for i, pair in ipairs(expected) do assert.same(pair, {mine[i], theirs[i]}) end
    end
    assert.matches("rows can only be compared with rows like them, but x is a float32 tensor of "
      .. "7x1",
      message(nn.data.line().duplicates, nn.data.line(), nn.data.iris()))
  end)
end)

describe("weights", function()
  it("go where their samples go", function()
    local ds = numbered(10, 2)
    for x, _, w in ds:batches {size = 3} do
      for i = 1, #x do assert.equal(x[i][1] / 2, w[i]) end
    end
    assert.equal(1.5, ds:subset({3}).weight[1])
    local both = ds:subset({1, 2}):concat(nn.data.tensors({{7, 8}}, {1}))
    assert.same({0.5, 1, 1}, both.weight:totable())
    assert.same({1, 0.5, 1}, nn.data.tensors({{7, 8}}, {1}):concat(ds:subset {1,
      2}).weight:totable())
    assert.equal(10, #ds:map(function(x) return x end).weight)
    assert.matches("weights", tostring(ds))
  end)

  it("are numbers from 0, one a sample", function()
    local x, y = {{1}, {2}}, {1, 2}
    local function with(weight) return message(nn.data.tensors, x, y, {weight = weight}) end
    assert.matches("'weight' must be a list of 2 numbers, one for each sample, got", with {1})
    assert.matches("weight%[2%] must be a finite number from 0, got %-1", with {1, -1})
    assert.matches("weight%[1%] must be a finite number from 0, got %-?nan", with {0 / 0, 1})
    assert.matches("got a float32 tensor of 2x1", with(nn.ones(2, 1)))
    assert.matches("got 3", with(3))
  end)
end)

describe("map and from", function()
  it("make a dataset row by row", function()
    local ds = nn.data.from(function(i) return {i, i * i}, i % 2 + 1 end, 4, {classes = {"a", "b"}})
    assert.same({{1, 1}, {2, 4}, {3, 9}, {4, 16}}, ds.x:totable())
    assert.same({2, 1, 2, 1}, ds.y:totable())
    assert.same({4, 1}, nn.data.from(function(i) return i, i / 2 end, 4).y:size())
    local calls = 0
    local mapped = ds:map(function(x, y)
      calls = calls + 1
      x:mul_(10)
      return x[1], 3 - y
    end)
    assert.equal(4, calls)
    assert.same({{10}, {20}, {30}, {40}}, mapped.x:totable())
    assert.same({1, 2, 1, 2}, mapped.y:totable())
    assert.same({"a", "b"}, mapped.classes)
    assert.equal(1, ds.x[1][1])
    assert.equal(ds.y, ds:map(function(x) return x end).y)
    local targets = ds:map(function(x, y) return x, {y, 0.5} end)
    assert.same({4, 2}, targets.y:size())
    assert.is_nil(targets.classes)
  end)

  it("say which row is wrong", function()
    local ds = numbered(3, 2)
    assert.matches("map: x of row 2 is a float32 tensor of 1, but that of the first row is a "
      .. "float32 tensor of 2", message(ds.map, ds, function(x, y)
      return x[1] == 2 and {1} or x, y
    end))
    assert.matches("map: x of row 1 must be a number, a tensor or a table of numbers, got nil",
      message(ds.map, ds, function() end))
    assert.matches("map: expected a function", message(ds.map, ds, 3))
    assert.matches("from: the number of rows must be a whole number from 1, got 0",
      message(nn.data.from, print, 0))
    assert.matches("from: expected a function", message(nn.data.from, 3, 3))
    assert.matches("mine", message(ds.map, ds, function() error "mine" end))
  end)
end)

describe("describe", function()
  it("is a table of fields that prints as one", function()
    local ds = nn.data.tensors({{1, 2}, {3, 0 / 0}, {5, 2000}}, {1, 1, 2},
      {classes = {"yes", "no", "never"}, feature_names = {"age", "income"}})
    local d = ds:describe()
    assert.equal(3, d.samples)
    assert.same({"age", "income"}, {d.features[1].name, d.features[2].name})
    assert.same({1, 5, 3, 0}, {d.features[1].min, d.features[1].max, d.features[1].mean,
      d.features[1].missing})
    assert.near(math.sqrt(8 / 3), d.features[1].std, 1e-12)
    assert.same({2, 2000, 1001, 1}, {d.features[2].min, d.features[2].max, d.features[2].mean,
      d.features[2].missing})
    assert.equal(1, d.missing)
    assert.same({name = "yes", label = 1, count = 2, share = 2 / 3}, d.classes[1])
    assert.equal(0, d.classes[3].count)
    local text = tostring(d)
    for _, part in ipairs {"age +1 +5 +3 +1.633 +0\n", "income +2 +2000 +1001 +999 +1\n",
      "yes +2  66.67 %%\n", "missing numbers: 1 NaN, in income", "unscaled inputs: income",
      "classes without a sample: never", "scarce classes: yes, no"} do
      assert.matches(part, text)
    end
    local scaled = nn.data.tensors(nn.randn(100, 3), nn.rand(100))
    assert.same({}, scaled:describe().warnings)
    assert.equal("feature 1", scaled:describe().targets[1].name)
    assert.equal("channel 1", nn.data.digits():describe().features[1].name)
    assert.equal(561718 / 16 / 64 / 1797, nn.data.digits():describe().features[1].mean)
  end)

  it("stands what others make", function()
    for _, ds in ipairs {
      numbered(4, 2):subset {}, numbered(1, 1), nn.data.tensors(nn.zeros(3, 0), nn.zeros(3)),
      nn.data.tensors(nn.full({3, 2}, 1 / 0), nn.full({3}, 0 / 0)),
      nn.data.tensors(nn.randn(3, 40), nn.zeros({3, 2}, {dtype = "int64"})),
    } do
      assert.is_string(tostring(ds:describe()))
    end
  end)
end)

describe("augment", function()
  local function images(n, h, w)
    return nn.data.tensors(nn.rand(n, 2, h, w) + 1, nn.randint(1, 2, {n}))
  end

  local function batch(ds, size)
    return ds:batches {size = size or #ds, shuffle = false}()
  end

  it("moves by whole pixels", function()
    local ds = images(200, 5, 4)
    local x, seen = batch(ds:augment {shift = {2, 1}, fill = -1}), {}
    for i = 1, 200 do
      local found
      for dx = -2, 2 do
        for dy = -1, 1 do
          local moved = nn.full({2, 5, 4}, -1)
          moved[{{}, {1 + math.max(dy, 0), 5 + math.min(dy, 0)}, {1 + math.max(dx, 0),
            4 + math.min(dx, 0)}}] = ds.x[i][{{}, {1 + math.max(-dy, 0), 5 + math.min(-dy, 0)},
            {1 + math.max(-dx, 0), 4 + math.min(-dx, 0)}}]
          if nn.equal(moved, x[i]) then found = dx .. "," .. dy end
        end
      end
      assert.is_string(found)
      seen[found] = (seen[found] or 0) + 1
    end
    local kinds = 0
    for _ in pairs(seen) do kinds = kinds + 1 end
    assert.equal(15, kinds)
  end)

  it("mirrors about half of the images", function()
    local ds = images(400, 3, 4)
    for flip, dims in pairs {[true] = {4}, horizontal = {4}, vertical = {3}, both = {3, 4}} do
      local x, count = batch(ds:augment {flip = flip}), {}
      for i = 1, 400 do
        local options = {nothing = ds.x[i]}
        for _, d in ipairs(dims) do options[d] = ds.x[i]:flip(d - 1) end
        if #dims == 2 then options.both = ds.x[i]:flip(2):flip(3) end
        local found
        for name, image in pairs(options) do found = nn.equal(image, x[i]) and name or found end
        count[found] = (count[found] or 0) + 1
      end
      for _, n in pairs(count) do
        assert.is_true(math.abs(n - 400 / 2 ^ #dims) < 50, tostring(flip) .. n)
      end
    end
  end)

  -- The documented map with bilinear taps, plainly: only for what one draw decides.
  it("turns and scales about the centre, bilinearly", function()
    local function at(image, x, y)
      local x0, y0 = math.floor(x), math.floor(y)
      local function tap(i, j)
        return i >= 0 and i < 7 and j >= 0 and j < 7 and image[j + 1][i + 1] or 0.25
      end
      local u, v = x - x0, y - y0
      return (1 - v) * ((1 - u) * tap(x0, y0) + u * tap(x0 + 1, y0))
        + v * ((1 - u) * tap(x0, y0 + 1) + u * tap(x0 + 1, y0 + 1))
    end
    local x = nn.rand({1, 1, 7, 7}, {dtype = "float64"})
    local plane = x[1][1]:totable()
    local ds = nn.data.tensors(x, nn.zeros(1))
    local half = batch(ds:augment {scale = {0.5, 0.5}, fill = 0.25})
    for j = 0, 6 do
      for i = 0, 6 do
        assert.near(at(plane, (i - 3) * 2 + 3, (j - 3) * 2 + 3), half[1][1][j + 1][i + 1], 1e-12)
      end
    end
    -- Whatever the angle was, one of a fine grid of angles gives that picture.
    local turned = batch(ds:augment {rotate = 40, fill = 0.25})
    local function off(angle)
      local c, s, worst = math.cos(angle), math.sin(angle), 0
      for j = 0, 6 do
        for i = 0, 6 do
          local px, py = i - 3, j - 3
          local value = at(plane, c * px + s * py + 3, c * py - s * px + 3)
          worst = math.max(worst, math.abs(value - turned[1][1][j + 1][i + 1]))
        end
      end
      return worst
    end
    local best, angle = math.huge, 0
    for _, grid in ipairs {{0, 0.1, 400}, {nil, 0.001, 100}} do
      local centre = grid[1] or angle
      for step = -grid[3], grid[3] do
        local d = off(math.rad(centre + step * grid[2]))
        if d < best then best, angle = d, centre + step * grid[2] end
      end
    end
    assert.is_true(best < 1e-3, tostring(best))
  end)

  it("adds noise and cuts squares out", function()
    local ds = nn.data.tensors(nn.zeros(50, 1, 20, 20), nn.zeros(50))
    local x = batch(ds:augment {noise = 0.5})
    assert.near(0, x:mean():item(), 0.02)
    assert.near(0.5, x:std():item(), 0.01)
    x = batch(ds:augment {cutout = 6, fill = 1})
    for i = 1, 50 do
      local area = x[i]:sum():item()
      assert.is_true(area >= 9 and area <= 36 and area % 1 == 0)
    end
  end)

  it("is drawn anew for each batch, from a stream of its own", function()
    local ds = images(8, 6, 6)
    local changed = ds:augment {shift = 2, noise = 0.1, rotate = 5}
    nn.seed(5)
    local a, b = batch(changed), batch(changed)
    local user, order = nn.rand(3), nn.randperm(9, {stream = "shuffle"})
    assert.is_false(nn.equal(a, b))
    nn.seed(5)
    assert.is_true(nn.equal(a, (batch(changed))))
    nn.seed(5)
    assert.is_true(nn.equal(user, nn.rand(3)))
    assert.is_true(nn.equal(order, nn.randperm(9, {stream = "shuffle"})))
  end)

  it("does not depend on threads", function()
    local ds = images(300, 12, 12):augment {rotate = 20, shift = 1.5, flip = "both", noise = 0.1}
    local before = nn.threads()
    nn.threads(1)
    nn.seed(2)
    local one = batch(ds)
    nn.threads(3)
    nn.seed(2)
    assert.is_true(nn.equal(one, (batch(ds))))
    nn.threads(before)
  end)

  it("leaves the dataset alone, and evaluation", function()
    local ds = images(20, 4, 4)
    local before, changed = ds.x:clone(), ds:augment {noise = 1}
    batch(changed)
    assert.is_true(nn.equal(before, ds.x))
    assert.equal(ds.x, changed.x)
    local model = nn.Sequential {nn.Flatten(), nn.Linear(32, 2)}
    local want = {loss = nn.CrossEntropyLoss()}
    assert.equal(nn.evaluate(model, ds, want).loss, nn.evaluate(model, changed, want).loss)
    assert.is_nil(changed:augment({}).augmentation)
    assert.matches("augmented %(noise 1%)", tostring(changed))
    assert.is_table(changed:subset({1, 2}).augmentation)
    assert.is_nil(changed:map(function(x) return x:flatten() end).augmentation)
  end)

  it("changes what a fit learns from", function()
    local ds = images(16, 4, 4)
    local function fit(data)
      nn.seed(1)
      local model = nn.Sequential {nn.Flatten(), nn.Linear(32, 2)}
      return nn.fit(model, data, {epochs = 2, loss = nn.CrossEntropyLoss(), batch_size = 8,
        optimizer = nn.optim.SGD(model:parameters(), {lr = 0.1}), progress = false})
    end
    assert.not_equal(fit(ds)[2].loss, fit(ds:augment {noise = 1})[2].loss)
    assert.equal(fit(ds:augment {noise = 1})[2].loss, fit(ds:augment {noise = 1})[2].loss)
  end)

  it("says what is wrong", function()
    local ds = images(2, 3, 3)
    local function with(options) return message(ds.augment, ds, options) end
    assert.matches("'shift' must be a number of pixels from 0, or two", with {shift = -1})
    assert.matches("'shift' must be .*, got a table", with {shift = {1, 2, 3}})
    assert.matches("'rotate' must be degrees from 0 to 180, got 200", with {rotate = 200})
    assert.matches("'scale' must be below 1", with {scale = 1})
    assert.matches("'scale' is a range from less to more", with {scale = {2, 1}})
    assert.matches("'cutout' must be a whole number from 0, got %-1", with {cutout = -1})
    assert.matches("'flip' must be true", with {flip = "left"})
    assert.matches("'noise' must be a finite number, got", with {noise = 0 / 0})
    assert.matches("did you mean 'rotate'", with {rotat = 3})
    local flat = nn.data.line()
    assert.matches("expected floating images, N x channels x height x width, but x is a float32 "
      .. "tensor of 7x1", message(flat.augment, flat, {shift = 1}))
  end)
end)

describe("datasets", function()
  it("live in files, with everything that belongs to them", function()
    local path = os.tmpname() .. ".nn"
    local ds = nn.data.tensors(nn.rand(4, 1, 2, 2), {1, 2, 1, 2},
      {classes = {"a", "b"}, weight = {1, 2, 3, 4}}):augment {flip = true}
    ds.held_out = true
    ds.opened = 3
    nn.save(path, {ds = ds, plain = nn.data.line()})
    local back = nn.load(path)
    os.remove(path)
    assert.equal(tostring(ds), tostring(back.ds))
    assert.equal(3, back.ds.opened)
    assert.is_true(nn.equal(ds.x, back.ds.x))
    assert.same({1, 2, 3, 4}, back.ds.weight:totable())
    assert.is_true(nn.equal(nn.data.line().y, back.plain.y))
  end)

  it("count how often held-out data was opened, however transformed", function()
    local _, _, test = numbered(30, 2):split {0.6, 0.2, 0.2}
    local model = nn.Linear(2, 2)
    assert.equal(0, test.opened)
    nn.evaluate(model, test, {metrics = {"accuracy"}})
    nn.evaluate(model, test:subset {1, 2}, {metrics = {"accuracy"}})
    nn.evaluate(model, test:map(function(x) return x * 2 end), {metrics = {"accuracy"}})
    assert.equal(3, test.opened)
    assert.matches("held out, opened 3 times$", tostring(test))
  end)

  it("pick rows by masks", function()
    local ds = numbered(6, 2)
    assert.same({2, 4, 6}, rows(ds:subset(ds.y:eq(1))))
    assert.equal(0, #ds:subset {})
    assert.matches("row numbers %(int64, one dimension%) or a mask of 6, got a float32 tensor of 2",
      message(ds.subset, ds, nn.zeros(2)))
    assert.matches("subset: index 2 must be a row number in 1..6, got 7",
      message(ds.subset, ds, nn.tensor({1, 7}, {dtype = "int64"})))
  end)

  it("take batches in a seed's order, and views as they are", function()
    local ds = numbered(10, 2)
    local function order(options)
      local list = {}
      for x in ds:batches(options) do list[#list + 1] = x:select(2, 1):totable() end
      return list
    end
    assert.same(order {size = 4, seed = 3}, order {size = 4, seed = 3})
    assert.not_same(order {size = 4, seed = 3}, order {size = 4, seed = 4})
    assert.matches("a seed without shuffle", message(ds.batches, ds, {seed = 1, shuffle = false}))
    ds.x = nn.randn(2, 10):t() -- columns far apart
    local x = ds:batches {size = 3, shuffle = false}()
    assert.is_true(nn.equal(ds.x:narrow(1, 1, 3), x))
  end)

  it("of nothing, or of one row, do what they can", function()
    local none = numbered(3, 2):subset {}
    assert.equal(0, #none)
    for _ in none:batches() do error "a batch of nothing" end
    assert.equal(0, #none:shuffle())
    assert.equal(0, #none:map(function(x) return x end))
    assert.equal(3, #none:concat(numbered(3, 2)))
    assert.matches("split: the dataset has no samples", message(none.split, none, {0.5, 0.5}))
    assert.matches("0 samples cannot make 2 folds", message(none.kfold, none, 2))
    local one = numbered(1, 2)
    assert.equal(1, #one:shuffle())
    assert.matches("would be empty", message(one.split, one, {0.5, 0.5}))
  end)

  it("notice when a script has spoiled them", function()
    local ds = numbered(4, 2)
    ds.x = nn.zeros(3, 2)
    assert.matches("x and y must have a row for each sample, got 3x2 and 4",
      message(ds.batches, ds))
    ds.x = "x"
    assert.matches("the dataset's x must be a tensor", message(ds.shuffle, ds))
    assert.equal(0, #ds)
    assert.is_string(tostring(ds))
    assert.matches("self must be a dataset", message(ds.describe, {}))
  end)
end)
