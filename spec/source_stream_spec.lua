-- nn.data.stream: batches from files that are read block by block.

local path, other

before_each(function()
  path, other = os.tmpname(), os.tmpname()
end)
after_each(function()
  os.remove(path)
  os.remove(other)
end)

local function write(name, text)
  local f = assert(io.open(name, "wb"))
  f:write(text)
  f:close()
end

local function refused(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  err = err:gsub("^%S+_spec.lua:%d+: ", ""):gsub(path:gsub("%p", "%%%0"), "FILE")
  return (err:gsub(other:gsub("%p", "%%%0"), "OTHER"))
end

local function save_npy(name, t)
  nn.save(name .. ".npy", t)
  assert(os.rename(name .. ".npy", name))
end

-- All rows that come, and the batches' sizes.
local function run(s, options)
  local xs, ys, sizes = {}, {}, {}
  for x, y in s:batches(options) do
    assert.equal(#x, #y)
    xs[#xs + 1], ys[#ys + 1], sizes[#sizes + 1] = x, y, #x
  end
  return nn.cat(xs, 1), nn.cat(ys, 1), sizes
end

-- In the file's order they are `x` and `y`; shuffled they are the same rows, by a seed.
local function check(s, x, y)
  local n = #x
  assert.equal(n, #s)
  assert.is_true(nn.data.is_stream(s))
  local a, b, sizes = run(s, {size = 1000, shuffle = false})
  assert.is_true(nn.equal(x, a))
  assert.is_true(nn.equal(y, b))
  for i = 1, #sizes - 1 do assert.equal(1000, sizes[i]) end
  assert.equal((n - 1) % 1000 + 1, sizes[#sizes])
  local _, _, dropped = run(s, {size = 999, drop_last = true})
  assert.equal(n // 999, #dropped)
  nn.seed(3)
  a, b = run(s, {size = 777, window = 2})
  nn.seed(3)
  local a2, b2 = run(s, {size = 777, window = 2})
  assert.is_true(nn.equal(a, a2) and nn.equal(b, b2))
  nn.seed(4)
  assert.is_false(nn.equal(a, (run(s, {size = 777, window = 2}))))
  local keys = x:select(2, 1)
  assert.is_false(nn.equal(keys, a:select(2, 1)))
  local sorted, order = a:select(2, 1):contiguous():sort()
  assert.is_true(nn.equal(keys, sorted))
  assert.is_true(nn.equal(y, b[order]))
end

describe("a stream", function()
  it("reads tables of text", function()
    local n = 60000
    local rows, x, y = {"i,note,v,kind"}, {}, {}
    for i = 1, n do
      rows[i + 1] = ('%d,"%s\n",%s,%s'):format(i, ("z"):rep(150 + i % 90),
        i % 10 == 0 and "" or i % 10, ({"plum", "fig", "pear"})[i % 3 + 1])
      x[i], y[i] = {i, i % 10 == 0 and 5 or i % 10}, ({3, 1, 2})[i % 3 + 1]
    end
    write(path, table.concat(rows, "\n"))
    local s = nn.data.csv(path, {stream = true, columns = {"i", "v"}, missing = "mean"})
    assert.same({"fig", "pear", "plum"}, s.classes)
    assert.same({"i", "v"}, s.feature_names)
    assert.matches("^stream of 60000 samples from .* in [2-9] blocks, 3 classes$", tostring(s))
    check(s, nn.tensor(x), nn.tensor(y, {dtype = "int64"}))
    local whole = nn.data.csv(path, {columns = {"i", "v"}, missing = "mean"})
    local head = s:head(40000)
    assert.equal(40000, #head)
    assert.is_true(nn.equal(whole.x:narrow(1, 1, 40000), head.x))
    assert.is_true(nn.equal(whole.y:narrow(1, 1, 40000), head.y))
    assert.equal(n, #s:head(n + 1))
  end)

  it("reads npy files, the target a column or a file of its own", function()
    local n = 300000
    local t = nn.cat({nn.range(1, n):view(n, 1):to "float32", nn.rand(n, 4)}, 2)
    save_npy(path, t)
    check(nn.data.stream(path), t:narrow(2, 1, 4), t:narrow(2, 5, 1))
    local s = nn.data.stream(path, {target = 2})
    local x, y = run(s, {size = 50000, shuffle = false})
    assert.is_true(nn.equal(nn.cat({t:narrow(2, 1, 1), t:narrow(2, 3, 3)}, 2), x))
    assert.is_true(nn.equal(t:narrow(2, 2, 1), y))
    local labels = nn.randint(1, 7, n)
    save_npy(other, labels)
    s = nn.data.stream(path, {y = other})
    assert.same({"1", "2", "3", "4", "5", "6", "7"}, s.classes)
    check(s, t, labels)
    assert.equal("stream: the labels in OTHER go from 1 to 7, expected 1 to 2",
      refused(nn.data.stream, path, {y = other, classes = {"a", "b"}}))
    save_npy(other, nn.zeros(3))
    assert.equal("stream: FILE has 300000 rows, but OTHER has 3",
      refused(nn.data.stream, path, {y = other}))
    save_npy(path, nn.ones(7))
    assert.matches("stream: FILE has 7; without {y = path} it must be rows x columns",
      refused(nn.data.stream, path), nil, true)
  end)

  it("reads IDX files", function()
    local n = 30000
    local pixels, labels = {}, {}
    for i = 1, n do
      pixels[i] = string.pack(">I2", i) .. ("\7"):rep(98)
      labels[i] = string.char(i % 10)
    end
    write(path, string.pack(">I4I4I4I4", 0x803, n, 10, 10) .. table.concat(pixels))
    write(other, string.pack(">I4I4", 0x801, n) .. table.concat(labels))
    local whole = nn.data.idx(path, other)
    local s = nn.data.stream(path, {y = other})
    assert.same(whole.classes, s.classes)
    assert.matches("in [2-9] blocks", tostring(s))
    local x, y = run(s, {size = 1000, shuffle = false})
    assert.is_true(nn.equal(whole.x, x))
    assert.is_true(nn.equal(whole.y, y))
    assert.equal("stream: FILE: {y = path} says where the labels are",
      refused(nn.data.stream, path))
    assert(os.execute(("gzip '%s' && mv '%s.gz' '%s'"):format(path, path, path)))
    assert.equal("stream: FILE: gzip data can only be read from its beginning; unpack it first "
      .. "(gunzip)", refused(nn.data.stream, path, {y = other}))
  end)

  it("notices that its file has changed", function()
    write(path, "a,b\n" .. ("1,2\n"):rep(100))
    local s = nn.data.csv(path, {stream = true})
    assert.equal(100, #s)
    write(path, "a,b\n" .. ("1,2\n"):rep(50))
    assert.matches("FILE: line 2: the file has changed since it was opened",
      refused(function() return s:batches()() end), nil, true)
  end)

  it("says what is wrong", function()
    write(path, "a,b\n1,2\n")
    local s = nn.data.stream(path, {target = "a"})
    assert.same({{2}}, (run(s)):totable())
    assert.matches("batches: option 'size' must be a positive whole number, got 0",
      refused(s.batches, s, {size = 0}), nil, true)
    assert.equal("batches: self must be a stream, such as nn.data.stream(path), got a table",
      refused(s.batches, {}))
    assert.equal("head: expected a number of rows from 1, got 0", refused(s.head, s, 0))
    assert.equal("stream: the first argument must be a path, got nil", refused(nn.data.stream))
    assert.matches("there is no option 'targt'; did you mean 'target'?",
      refused(nn.data.stream, path, {targt = "a"}), nil, true)
  end)
end)
