-- nn.data.idx and nn.data.mnist: IDX files as scripts see them.

local folder

local function write(name, magic, sizes, bytes)
  local path = folder .. "/" .. name
  local f = assert(io.open(path, "wb"))
  f:write(string.pack(">I4" .. ("I4"):rep(#sizes), magic, table.unpack(sizes)), bytes)
  f:close()
  return path
end

local function message(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^%S+:%d+: ", ""):gsub(folder:gsub("%p", "%%%0") .. "/", ""))
end

-- The images' pixels count up; the labels are given.
local function write_part(name, labels, between)
  local n = #labels
  local pixels = {}
  for i = 1, n * 4 do pixels[i] = string.char(i % 256) end
  write(name .. "-images" .. between .. "idx3-ubyte", 0x803, {n, 2, 2}, table.concat(pixels))
  write(name .. "-labels" .. between .. "idx1-ubyte", 0x801, {n}, string.char(table.unpack(labels)))
end

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute(("mkdir '%s'"):format(folder)))
end)
after_each(function() os.execute(("rm -rf '%s'"):format(folder)) end)

describe("nn.data.idx", function()
  it("reads images and labels", function()
    local images = write("i", 0x803, {2, 2, 3}, "\0\255\51\0\0\0\102\0\0\0\0\255")
    local labels = write("l", 0x801, {2}, "\2\0")
    local ds = nn.data.idx(images, labels)
    assert.same({2, 1, 2, 3}, ds.x.shape)
    assert.equal("float32", ds.x:dtype())
    assert.same({0, 1}, {ds.x[{1, 1, 1, 1}], ds.x[{1, 1, 1, 2}]})
    assert.near(0.2, ds.x[{1, 1, 1, 3}], 1e-7)
    assert.same({3, 1}, ds.y:totable())
    assert.equal("int64", ds.y:dtype())
    assert.same({"0", "1", "2"}, ds.classes)
    assert.is_nil(ds.held_out)
  end)

  it("takes names and float64", function()
    local images = write("i", 0x802, {2, 1}, "\51\255")
    local labels = write("l", 0x801, {2}, "\1\0")
    local ds = nn.data.idx(images, labels, {classes = {"cat", "dog"}, dtype = "float64"})
    assert.same({{0.2}, {1.0}}, ds.x:totable())
    assert.equal("dog", ds.classes[ds.y[1]])
    assert.equal("l: byte 8: label 1 of sample 1: expected 0 to 0",
      message(nn.data.idx, images, labels, {classes = {"cat"}}))
  end)

  it("takes floats for targets", function()
    local images = write("i", 0xc01, {2}, string.pack(">i4i4", -7, 70000))
    local targets = write("t", 0xd02, {2, 2}, string.pack(">ffff", 1, 0.5, -2, 3))
    local ds = nn.data.idx(images, targets)
    assert.same({{-7}, {70000}}, ds.x:totable())
    assert.same({{1, 0.5}, {-2, 3}}, ds.y:totable())
    assert.is_nil(ds.classes)
    assert.equal("idx: 'classes' names labels, but t holds floats",
      message(nn.data.idx, images, targets, {classes = {"a"}}))
  end)

  it("says what is wrong", function()
    local images = write("i", 0x803, {2, 1, 1}, "ab")
    local labels = write("l", 0x801, {3}, "\0\1\1")
    assert.equal("idx: i has 2 samples, but l has 3 labels", message(nn.data.idx, images, labels))
    assert.equal("idx: images must be a path, got nil", message(nn.data.idx))
    assert.equal("idx: labels must be a path, got 7", message(nn.data.idx, images, 7))
    assert.matches("^none: cannot be opened: No such file", message(nn.data.idx, folder .. "/none",
      labels))
    assert.matches("there is no option 'clases'; did you mean 'classes'%?",
      message(nn.data.idx, images, labels, {clases = {}}))
    assert.equal("idx: option 'dtype' must be \"float32\" or \"float64\", got \"uint8\"",
      message(nn.data.idx, images, labels, {dtype = "uint8"}))
    assert.equal("idx: 'classes' must be a list of names, got 3 at [1]",
      message(nn.data.idx, images, labels, {classes = {3}}))
    assert.equal("idx: the path has a NUL byte in it", message(nn.data.idx, "a\0b", labels))
  end)
end)

describe("nn.data.mnist", function()
  it("reads the four files, the test part held out", function()
    write_part("train", {5, 0, 1}, "-")
    write_part("t10k", {1, 4}, ".")
    local train, test = nn.data.mnist(folder)
    assert.same({3, 1, 2, 2}, train.x.shape)
    assert.same({2, 1, 2, 2}, test.x.shape)
    assert.same({6, 1, 2}, train.y:totable())
    assert.same({"0", "1", "2", "3", "4", "5"}, test.classes)
    assert.is_nil(train.held_out)
    assert.is_true(test.held_out)
  end)

  it("reads them compressed", function()
    write_part("train", {1, 0}, "-")
    write_part("t10k", {1}, "-")
    assert(os.execute(("gzip '%s'/*"):format(folder)))
    local train, test = nn.data.mnist(folder)
    assert.same({2, 1, 1}, {train.y[1], train.y[2], #test})
  end)

  it("knows Fashion-MNIST", function()
    write_part("train", {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}, "-")
    write_part("t10k", {9, 2}, "-")
    local train, test = nn.data.mnist(folder)
    assert.equal("Ankle boot", train.classes[train.y[1]])
    assert.equal("Pullover", test.classes[test.y[2]])
    local names = {}
    for i = 1, 10 do names[i] = "c" .. i end
    assert.equal("c10", nn.data.mnist(folder, {classes = names}).classes[10])
  end)

  it("says what is missing, or does not fit", function()
    assert.equal("mnist: there is no train-images-idx3-ubyte in " .. folder
      .. " (nor train-images-idx3-ubyte.gz, train-images.idx3-ubyte, train-images.idx3-ubyte.gz)",
      message(nn.data.mnist, folder))
    write_part("train", {1, 0}, "-")
    write_part("t10k", {3}, "-")
    assert.equal("mnist: the test labels go to 3, the training labels only to 1",
      message(nn.data.mnist, folder))
    assert.equal("mnist: the folder must be a path, got a table", message(nn.data.mnist, {}))
  end)

  it("reads the real ones", function()
    local train_known = {[0] = 5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}
    if not io.open "../shared/data/mnist/train-images-idx3-ubyte.gz" then
      io.stderr:write "nn.data.mnist: no ../shared/data/mnist here, its test is left out\n"
      return
    end
    local train, test = nn.data.mnist "../shared/data/mnist"
    assert.same({60000, 1, 28, 28}, train.x.shape)
    assert.equal(10000, #test)
    local counts = train.y:bincount()
    for label = 0, 9 do assert.equal(train_known[label], counts[label + 1]) end
    -- the published mean and deviation of the training pixels
    assert.near(0.1307, train.x:mean():item(), 5e-5)
    assert.near(0.3081, train.x:std():item(), 5e-5)
    assert.equal(7, test.y[1] - 1)
  end)
end)
