-- nn.data.images and nn.data.cifar10: folders of pictures, against what Pillow reads from the same
-- files (tests/golden/images.py).
local core = require "nn.core"

local GOLDEN = "tests/golden/images/"
local folder

local function shell(format, ...) assert(os.execute(format:format(...))) end

local function write(name, bytes)
  local f = assert(io.open(folder .. "/" .. name, "wb"))
  f:write(bytes)
  f:close()
end

local function bytes_of(name)
  local f <close> = assert(io.open(GOLDEN .. name, "rb"))
  return f:read "a"
end

local function refused(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^%S+:%d+: ", ""):gsub(folder:gsub("%p", "%%%0"), "FOLDER"))
end

-- {name, height, width, channels, pixels}
local function golden()
  local list = {}
  for line in io.lines "tests/golden/images.txt" do
    local words = {}
    for word in line:gmatch "%S+" do words[#words + 1] = word end
    local case = {name = words[1], pixels = {}}
    case.h, case.w, case.c = tonumber(words[2]), tonumber(words[3]), tonumber(words[4])
    for i = 5, #words do case.pixels[i - 4] = tonumber(words[i]) end
    assert(#case.pixels == case.h * case.w * case.c)
    list[#list + 1] = case
  end
  return list
end

before_each(function()
  folder = os.tmpname()
  os.remove(folder)
  shell("mkdir '%s' '%s/b' '%s/a'", folder, folder, folder)
end)
after_each(function() shell("rm -rf '%s'", folder) end)

describe("pictures", function()
  it("are what Pillow reads, grey and in colour, as they are and resampled", function()
    local seen = {}
    for _, case in ipairs(golden()) do
      local as_is = core.source.images({GOLDEN .. case.name}, 0, 0, case.c, "float64")
      local same = as_is:size(3) == case.h and as_is:size(4) == case.w
      local x = core.source.images({GOLDEN .. case.name}, case.h, case.w, case.c, "float64")
      assert.same({1, case.c, case.h, case.w}, x.shape)
      local got = x[1]:permute(2, 3, 1):contiguous():flatten():totable()
      for i, pixel in ipairs(case.pixels) do
        assert.near(pixel / 255, got[i], same and 0 or 1.01 / 255) -- Pillow rounds twice
      end
      if same then assert.is_true(nn.equal(x, as_is)) end
      seen[case.name] = true
    end
    assert.is_true(seen["interlaced.png"] and seen["progressive.jpg"] and seen["palette.png"])
  end)

  it("turn grey by Rec. 601", function()
    local colour = core.source.images({GOLDEN .. "rgb.png"}, 0, 0, 3, "float64")[1]
    local grey = core.source.images({GOLDEN .. "rgb.png"}, 0, 0, 1, "float64")[1][1]
    local want = colour[1] * 0.299 + colour[2] * 0.587 + colour[3] * 0.114
    assert.is_true(nn.allclose(grey, want, {atol = 1 / 255}))
  end)
end)

describe("nn.data.images", function()
  it("reads a subfolder a class, all sorted", function()
    write("b/2.png", bytes_of "interlaced.png")
    write("b/1.PNG", bytes_of "rgb.png")
    write("a/x.jpeg", bytes_of "rgb.jpg")
    write("a/notes.txt", "no picture")
    write("a/.hidden.png", "no picture")
    write("README", "no folder")
    local ds = nn.data.images(folder)
    assert.same({3, 3, 5, 7}, ds.x.shape)
    assert.same({1, 2, 2}, ds.y:totable())
    assert.same({"a", "b"}, ds.classes)
    assert.equal("float32", ds.x:dtype())
    assert.is_true(nn.equal(ds.x[2], ds.x[3])) -- interlaced.png shows what rgb.png shows
    assert.same({3, 1, 4, 4}, nn.data.images(folder, {size = 4, gray = true}).x.shape)
    assert.same({3, 3, 2, 9}, nn.data.images(folder, {size = {2, 9}}).x.shape)
  end)

  it("is the same with any number of threads", function()
    for i = 1, 150 do
      write(("a/%03d.jpg"):format(i), bytes_of "progressive.jpg")
      write(("b/%03d.png"):format(i), bytes_of(i % 2 == 0 and "rgb.png" or "rgba.png"))
    end
    local threads = nn.threads()
    nn.threads(1)
    local one = nn.data.images(folder, {size = {6, 5}})
    nn.threads(4)
    local four = nn.data.images(folder, {size = {6, 5}})
    nn.threads(threads)
    assert.equal(300, #one)
    assert.is_true(nn.equal(one.x, four.x))
  end)

  it("wants pictures that are alike", function()
    write("a/1.png", bytes_of "rgb.png")
    write("b/2.jpg", bytes_of "progressive.jpg")
    assert.equal("FOLDER/b/2.jpg: has 30x40 pixels (height x width), but FOLDER/a/1.png has 5x7; "
      .. "size = {5, 7} brings all to one size", refused(nn.data.images, folder))
    write("b/2.jpg", bytes_of "grey.jpg")
    assert.equal("FOLDER/b/2.jpg: is grey, but FOLDER/a/1.png is in colour; gray = true or gray = "
      .. "false makes them alike", refused(nn.data.images, folder))
    assert.same({2, 3, 5, 7}, nn.data.images(folder, {gray = false}).x.shape)
    assert.same({2, 1, 5, 7}, nn.data.images(folder, {gray = true}).x.shape)
  end)

  it("refuses damaged files by name", function()
    local png, jpg = bytes_of "rgb.png", bytes_of "rgb.jpg"
    for _, case in ipairs {
      {"", "byte 0: the file is empty"},
      {"GIF89a", "neither PNG nor JPEG, by its first bytes"},
      {png:sub(1, 30), "damaged PNG: the file ends too early"},
      {png:sub(1, -20), "damaged PNG: the file ends too early"},
      {png:sub(1, 50) .. "\0\0" .. png:sub(53), "damaged PNG: "},
      {png:sub(1, 16) .. "\0\1\0\0" .. png:sub(21), "damaged PNG: "},
      {jpg:sub(1, 3), "neither PNG nor JPEG, by its first bytes"},
      {jpg:sub(1, 20), "damaged JPEG: "},
      {jpg:sub(1, -40), "damaged JPEG: Premature end of JPEG file"},
      {bytes_of "cmyk.jpg", "damaged JPEG: it has four colours (CMYK); save it as RGB"},
    } do
      write("a/1.png", bytes_of "rgb.png")
      write("b/1.png", case[1])
      local err = refused(nn.data.images, folder)
      assert.matches("FOLDER/b/1.png: " .. case[2], err, nil, true)
    end
  end)

  it("refuses what is too large before it takes memory for it", function()
    local png = bytes_of "rgb.png"
    local function head(w, h) -- with its checksum
      local text = "IHDR" .. string.pack(">I4I4", w, h) .. "\8\2\0\0\0"
      local crc = 0xffffffff
      for i = 1, #text do
        crc = crc ~ text:byte(i)
        for _ = 1, 8 do crc = (crc >> 1) ~ (0xedb88320 & -(crc & 1)) end
      end
      return png:sub(1, 12) .. text .. string.pack(">I4", ~crc & 0xffffffff) .. png:sub(34)
    end
    write("a/1.png", head(7, 5))
    write("b/1.png", head(30000, 30000))
    local before = nn.memory().peak
    assert.equal("FOLDER/b/1.png: 30000x30000 pixels are too many: at most 64 Mi",
      refused(nn.data.images, folder, {size = 3}))
    assert.is_true(nn.memory().peak < before + (1 << 20))
    write("b/1.png", head(40000, 2))
    assert.matches("FOLDER/b/1.png: damaged PNG: ", refused(nn.data.images, folder, {size = 3}),
      nil, true)
  end)

  it("says what is wrong with the folder or the options", function()
    assert.matches("FOLDER/none: cannot be opened as a folder: No such file",
      refused(nn.data.images, folder .. "/none"))
    assert.equal("images: FOLDER/a has no pictures (.png, .jpg, .jpeg)",
      refused(nn.data.images, folder))
    assert.equal("images: FOLDER/a has no subfolders; each class wants one",
      refused(nn.data.images, folder .. "/a"))
    assert.equal("images: the folder must be a path, got nil", refused(nn.data.images))
    for _, size in ipairs {0, -3, 2.5, 40000, {3}, {0, 3}, "x", {}} do
      assert.matches("images: option 'size' must be {height, width} or one number for both, from 1 "
        .. "to 32768, got ", refused(nn.data.images, folder, {size = size}), nil, true)
    end
    assert.matches("there is no option 'grey'; did you mean 'gray'?",
      refused(nn.data.images, folder, {grey = true}), nil, true)
  end)
end)

describe("nn.data.cifar10", function()
  local function record(label, first) return string.char(label, first) .. ("\51"):rep(3071) end

  it("reads the six files, the test part held out", function()
    for i = 1, 5 do
      write(("data_batch_%d.bin"):format(i), record(i, 255) .. record(0, i))
    end
    write("test_batch.bin", record(9, 0))
    local train, test = nn.data.cifar10(folder)
    assert.same({10, 3, 32, 32}, train.x.shape)
    assert.same({2, 1, 3, 1, 4, 1, 5, 1, 6, 1}, train.y:totable())
    assert.equal("truck", test.classes[test.y[1]])
    assert.is_true(test.held_out)
    assert.is_nil(train.held_out)
    assert.equal(1, train.x[{1, 1, 1, 1}])
    assert.near(3 / 255, train.x[{6, 1, 1, 1}], 1e-7)
    assert.near(0.2, train.x[{10, 3, 32, 32}], 1e-7)
    write("data_batch_3.bin", record(1, 1) .. record(10, 1))
    assert.equal("FOLDER/data_batch_3.bin: byte 3073: label 10: expected 0 to 9",
      refused(nn.data.cifar10, folder))
    write("data_batch_3.bin", record(1, 1) .. "x")
    assert.equal("FOLDER/data_batch_3.bin: byte 3073: the file's size: expected records of 3073 "
      .. "bytes, got 1 records and 1 bytes", refused(nn.data.cifar10, folder))
    os.remove(folder .. "/data_batch_3.bin")
    assert.equal("cifar10: there is no data_batch_3.bin in FOLDER; the binary version's files are "
      .. "data_batch_1.bin to data_batch_5.bin and test_batch.bin",
      refused(nn.data.cifar10, folder))
  end)
end)
