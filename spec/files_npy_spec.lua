-- npy and npz: every case that must be refused, against files that an independent writer here
-- makes;
-- files that NumPy wrote (tests/golden/npy, made by tests/golden/npy.py); and NumPy itself, where
-- /usr/bin/python3 has it.

local tools = dofile "spec/file_tools.lua"

local text, read, write = tools.text, tools.read, tools.write
local npy, clean_npy = tools.temporary ".npy"
local npz, clean_npz = tools.temporary ".npz"

-- An array with that header and those bytes.
local function array(header, data, version)
  local major = version or 1
  return "\x93NUMPY" .. string.char(major, 0) .. string.pack(major == 1 and "<s2" or "<s4", header)
    .. (data or "")
end
local function dict(descr, order, shape)
  return ("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n"):format(descr, order, shape)
end
local function load_array(...)
  write(npy, array(...))
  return nn.load(npy)
end
local function refused(...)
  write(npy, array(...))
  return text(nn.load, npy)
end
local TWO = string.pack("<ff", 1.5, -2)

describe("npy", function()

  it("reads all three versions, any order of keys, spaces and quotes", function()
    for version = 1, 3 do
      assert.same({1.5, -2}, load_array(dict("'<f4'", "False", "(2,)"), TWO, version):totable())
    end
    assert.same({{1.5, -2}},
      load_array('{ "shape" :(1L , 2L) ,"descr":"<f4","fortran_order" : False}  \n', TWO):totable())
    assert.equal(1.5, load_array(dict("'<f4'", "False", "()"), TWO:sub(1, 4)):item())
    assert.same({0, 3}, load_array(dict("'<f4'", "True", "(0, 3)"), ""):size())
    assert.same({2, 1, 1, 1, 1, 1, 1, 1},
      load_array(dict("'<f4'", "True", "(2,1,1,1,1,1,1,1)"), TWO):size())
  end)

  it("transposes what stands column by column", function()
    local data = string.pack("<ffffff", 1, 2, 3, 4, 5, 6)
    assert.same({{1, 3, 5}, {2, 4, 6}}, load_array(dict("'<f4'", "True", "(2, 3)"), data):totable())
    assert.same({{1, 2, 3}, {4, 5, 6}}, load_array(dict("'<f4'", "False", "(2, 3)"),
      data):totable())
    local t = load_array(dict("'<f4'", "True", "(1, 2, 3)"), data)
    assert.same({{{1, 3, 5}, {2, 4, 6}}}, t:totable())
    assert.truthy(t:is_contiguous())
  end)

  it("converts other element types, in either order of bytes", function()
    for _, case in ipairs {
      {"f2", "I2", {0x3c00, 0xc100}, {1, -2.5}, "float32"}, {"f4", "f", nil, {1.5, -2}, "float32"},
      {"f8", "d", nil, {0.1, -2}, "float64"}, {"i2", "i2", nil, {-300, 5}, "int64"},
      {"i4", "i4", nil, {-70000, 5}, "int64"}, {"i8", "i8", nil, {math.mininteger, 5}, "int64"},
      {"u2", "I2", nil, {65535, 1}, "int64"}, {"u4", "I4", nil, {4294967295, 1}, "int64"},
      {"u8", "I8", nil, {math.maxinteger, 1}, "int64"},
    } do
      local descr, letter, raw, values, dtype = table.unpack(case, 1, 5)
      raw = raw or values
      for _, order in ipairs {"<", ">"} do
        local t = load_array(dict("'" .. order .. descr .. "'", "False", "(2,)"),
          string.pack(order .. letter .. letter, raw[1], raw[2]))
        assert.same(values, t:totable())
        assert.equal(dtype, t:dtype())
      end
    end
    assert.same({-1, 5}, load_array(dict("'|i1'", "False", "(2,)"), "\xff\5"):totable())
    assert.same({255, 5}, load_array(dict("'|u1'", "False", "(2,)"), "\xff\5"):totable())
    local mask = load_array(dict("'|b1'", "False", "(2,)"), "\0\1")
    assert.same({0, 1}, mask:totable())
    assert.equal("uint8", mask:dtype())
    assert.matches("element 2 is 9223372036854775808, which int64 cannot hold$",
      refused(dict("'<u8'", "False", "(2,)"), string.pack("<i8i8", 1, math.mininteger)))
  end)

  it("refuses what is no npy file", function()
    write(npy, "\x93NUMPY")
    assert.equal("byte 0: not an npy file: it has only 6 bytes", text(nn.load, npy))
    write(npy, "\x93NUMPX\1\0\0\0\0")
    assert.equal("byte 0: not an npy file: it does not begin with \\x93NUMPY", text(nn.load, npy))
    for _, version in ipairs {"\0\0", "\4\0", "\1\1", "\2\1"} do
      write(npy, "\x93NUMPY" .. version .. ("\0"):rep(20))
      assert.equal(("byte 6: version %d.%d of npy is unknown; 1.0, 2.0 and 3.0 can be read"):format(
        version:byte(1, 2)), text(nn.load, npy))
    end
    write(npy, "\x93NUMPY\2\0\xff\xff\xff\xff")
    assert.equal("byte 8: a header of 4294967295 bytes is too long", text(nn.load, npy))
    write(npy, "\x93NUMPY\2\0\0\0")
    assert.equal("byte 10: the data ends here, 2 bytes too early", text(nn.load, npy))
    write(npy, "\x93NUMPY\1\0\xff\xff{}")
    assert.equal("byte 8: a header of 65535 bytes does not fit into the file", text(nn.load, npy))
  end)

  it("refuses anything but the small dictionary", function()
    local good = dict("'<f4'", "False", "(2,)")
    for _, case in ipairs {
      {"", "the header ends where '{' should be"},
      {"[1]", "the header should have '{' here, it has '['"},
      {good .. "x", "the header should have nothing more here, it has 'x'"},
      {good:sub(1, 30), "the header ends where ':' should be", 1},
      {good:sub(1, 15), "the header ends where ',' or '}' should be", 1},
      {"{'descr': '<f4', 'descr': '<f4'}", "the header has the key 'descr' twice"},
      {"{'descr': '<f4', 'x': 1}", "the header has a key 'x' too many"},
      {"{'descr': '<f4', 'fortran_order': False}", "the header has no key 'shape'"},
      {"{'descr': '<f4', 'shape': (2,)}", "the header has no key 'fortran_order'"},
      {"{'shape': (2,), 'fortran_order': False}", "the header has no key 'descr'"},
      {"{}", "the header has no key 'descr'"},
      {"{'de\\x73cr': 1}", "the header has a text that is too long, or odd"},
      {"{'" .. ("a"):rep(40) .. "': 1}", "the header has a text that is too long, or odd"},
      {"{descr: '<f4'}", "the header should have a text in quotes here, it has 'd'"},
      {dict("'<f4'", "1", "(2,)"), "the header should have True or False here, it has '1'"},
      {dict("'<f4'", "false", "(2,)"), "the header should have True or False here, it has 'f'"},
      {dict("'<f4'", "False", "[2]"), "the header should have '(', the shape, here, it has '['"},
      {dict("'<f4'", "False", "(2)"), "the header should have ',' after the only size here, it "
        .. "has ','"},
      {dict("'<f4'", "False", "(-2,)"), "the header should have a size, a whole number from 0 "
        .. "here, "
        .. "it has '-'"},
      {dict("'<f4'", "False", "(True,)"), "the header should have a size, a whole number from 0 "
        .. "here, "
        .. "it has 'T'"},
      {dict("'<f4'", "False", "(2.0,)"), "the header should have ',' or ')' here, it has '.'"},
      {dict("'<f4'", "False", "(1+1,)"), "the header should have ',' or ')' here, it has '+'"},
      {dict("'<f4'", "False", "(1 1)"), "the header should have ',' or ')' here, it has '1'"},
      {dict("'<f4'", "False", "(281474976710657,)"), "a size is above 2^48"},
      {dict("'<f4'", "False", "(99999999999999999999999,)"), "a size is above 2^48"},
      {dict("'<f4'", "False", "(1,1,1,1,1,1,1,1,1)"), "the array has more than 8 dimensions"},
      {dict("[('a', '<f4')]", "False", "(2,)"), "arrays of records (structured dtypes) cannot be "
        .. "read"},
      {dict("__import__('os')", "False", "(2,)"), "the header should have a text in quotes here, "
        .. "it has "
        .. "'_'"},
    } do
      local message = refused(case[1], TWO)
      assert.matches("^byte %d+: ", message)
      if not case[3] then assert.equal(case[2], (message:gsub("^byte %d+: ", ""))) end
    end
  end)

  it("refuses elements that are no numbers of ours", function()
    assert.equal("byte 20: elements of dtype '|O' cannot be read (pickled objects can run any "
      .. "program); save numbers", refused(dict("'|O'", "False", "(2,)"), TWO))
    for _, descr in ipairs {"|V8", "|S5", "<U3", "<M8", "<m8", "<c8", "<c16"} do
      assert.equal(("byte 20: elements of dtype '%s' cannot be read; save numbers"):format(descr),
        refused(dict("'" .. descr .. "'", "False", "(1,)"), TWO))
    end
    assert.equal("byte 20: dtype '=f4' does not say the order of bytes",
      refused(dict("'=f4'", "False", "(2,)"), TWO))
    for _, descr in ipairs {"<f16", "<f3", "<i0", "<f", "f4", "|f4", "<f04", "<r2", "", "<", "<f4 ",
      "<i16", "<f-4", "<b2"} do
      assert.equal(("byte 20: '%s' is no dtype that can be read; '<f4', '<f8', '<i8' and '|u1' "
        .. "are, "
        .. "and other floats and integers"):format(descr),
        refused(dict("'" .. descr .. "'", "False", "(2,)"), TWO))
    end
  end)

  it("refuses sizes that are not those of the data", function()
    assert.matches("an array of these sizes has 12 bytes, the file has 8$",
      refused(dict("'<f4'", "False", "(3,)"), TWO))
    assert.matches("an array of these sizes has 4 bytes, the file has 8$",
      refused(dict("'<f4'", "False", "(1,)"), TWO))
    for _, shape in ipairs {"(4294967296, 4294967296)", "(281474976710656, 281474976710656, 0)",
      "(2, 281474976710656)", "(281474976710656, 65536, 2)"} do
      assert.matches("an array of these sizes has %-?%d+ bytes, the file has 8$",
        refused(dict("'<f4'", "False", shape), TWO))
    end
  end)

  it("writes what NumPy's rules read", function()
    for _, t in ipairs {nn.randn(2, 3):t(), nn.tensor(2.5), nn.zeros(0, 3), nn.rand(5),
      nn.tensor({-1, math.maxinteger}, {dtype = "int64"}), nn.rand(1, 2, 3, 4, 5, 6, 7, 1),
      nn.tensor({{0, 255}}, {dtype = "uint8"}), nn.rand(3, {dtype = "float64"})} do
      nn.save(npy, t)
      local bytes = read(npy)
      local header = string.unpack("<s2", bytes, 9)
      assert.equal("\x93NUMPY\1\0", bytes:sub(1, 8))
      assert.equal(0, (10 + #header) % 64)
      local descr = {float32 = "<f4", float64 = "<f8", int64 = "<i8", uint8 = "|u1"}
      local sizes = table.concat(t:size(), ", ") .. (t:dim() == 1 and "," or "")
      assert.equal(("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"):format(
        descr[t:dtype()], sizes), (header:gsub(" *\n$", "")))
      assert.truthy(nn.equal(nn.load(npy), t))
      assert.equal(t:dtype(), nn.load(npy):dtype())
    end
    assert.equal("save: a .npy file holds one tensor, got a table; .npz and .nn hold more",
      text(nn.save, npy, {}))
  end)
end)

-- ---- zip archives by the format's own rules ---------------------------------------------------

-- An archive of entries {name, data, method =, flags =, crc =, size =, packed =, at =, other =
-- name in
-- the local header}.
local function zip(entries)
  local out, at, directory = {}, 0, {}
  for _, e in ipairs(entries) do
    local crc, size = e.crc or tools.crc32(e[2]), e.size or #e[2]
    local packed = e.packed or #e[2]
    local numbers = string.pack("<I2I2I2I2I2I4I4I4", 20, e.flags or 0, e.method or 0, 0, 33, crc,
      packed,
      size)
    local name = e.other or e[1]
    local head = "PK\3\4" .. numbers .. string.pack("<I2I2", #name, 0) .. name
    directory[#directory + 1] = "PK\1\2" .. string.pack("<I2", 20) .. numbers
      .. string.pack("<I2I2I2I2I2I4I4", #e[1], 0, 0, 0, 0, 0, e.at or at) .. e[1]
    if not e.at then
      out[#out + 1] = head .. e[2]
      at = at + #out[#out]
    end
  end
  local central = table.concat(directory)
  return table.concat(out) .. central
    .. "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #entries, #entries, #central, at, 0)
end

describe("npz", function()
  local a = array(dict("'<f4'", "False", "(2,)"), TWO)

  local function refused_zip(entries)
    write(npz, zip(entries))
    return text(nn.load, npz)
  end

  it("reads what the rules write", function()
    write(npz, zip {{"a.npy", a}, {"folder/b.npy", a}})
    local t = nn.load(npz)
    assert.same({1.5, -2}, t.a:totable())
    assert.same({1.5, -2}, t["folder/b"]:totable())
    write(npz, zip {})
    assert.same({}, nn.load(npz))
  end)

  it("refuses what is no archive in order", function()
    write(npz, "PK no")
    assert.equal("not a zip archive in order: Not a zip archive", text(nn.load, npz))
    write(npz, "")
    assert.matches("^not a zip archive in order", text(nn.load, npz))
    local good = zip {{"a.npy", a}, {"b.npy", a}}
    write(npz, good:sub(1, -5))
    assert.matches("^not a zip archive in order", text(nn.load, npz))
    write(npz, good:sub(10))
    assert.matches("^not a zip archive in order", text(nn.load, npz))
  end)

  it("refuses entries that are not as the directory says", function()
    assert.matches("^not a zip archive in order: Zip archive inconsistent",
      refused_zip {{"a.npy", a, other = "b.npy"}})
    assert.matches("^a.npy: byte %d+: CRC error$", refused_zip {{"a.npy", a, crc = 5}})
    for _, again in ipairs {{"a.npy", a}, {"a.npy", a, at = 0}} do
      assert.equal("not a zip archive in order: File already exists", refused_zip {{"a.npy", a},
        again})
    end
    assert.equal("the entry 'a.npy': 70 bytes cannot come from " .. #a,
      refused_zip {{"a.npy", a, size = 70}})
  end)

  it("refuses entries that overlap", function()
    -- b's header and data stand inside a's data
    local inner = zip {{"b.npy", a}}
    local local_entry = inner:sub(1, 30 + #"b.npy" + #a)
    local entries = {{"a.npy", local_entry}, {"b.npy", a, at = 30 + #"a.npy"}}
    assert.matches("byte 35: the archive's entries overlap$", refused_zip(entries))
  end)

  it("refuses names that lead elsewhere, other entries, methods and encryption", function()
    for _, name in ipairs {"/a.npy", "../a.npy", "b/../../a.npy", "b\\a.npy", ".."} do
      assert.equal(("the entry '%s': a name must be relative, without '..' and at most 4096 bytes "
        .. "long"):format(name), refused_zip {{name, a}})
    end
    for _, name in ipairs {"a.txt", ".npy", "npy", "folder/"} do
      assert.equal(("the entry '%s' is no array: its name does not end in .npy"):format(name),
        refused_zip {{name, name == "folder/" and "" or a}})
    end
    assert.equal("the entry 'a.npy' is encrypted", refused_zip {{"a.npy", a, flags = 1}})
    for _, method in ipairs {1, 9, 12, 14, 95} do
      assert.equal(("the entry 'a.npy' is compressed by method %d; only stored and deflated ones "
        .. "can be "
        .. "read"):format(method), refused_zip {{"a.npy", a, method = method}})
    end
    assert.matches("a.npy: byte 0: not an npy file", refused_zip {{"a.npy", "not an array at all"}})
  end)

  it("refuses bombs", function()
    assert.equal("the entry 'a.npy': 4000000000 bytes cannot come from " .. #a,
      refused_zip {{"a.npy", a, method = 8, size = 4000000000}})
    local limit = nn.memory_limit()
    nn.memory_limit(1 << 24)
    local _ <close> = setmetatable({}, {__close = function() nn.memory_limit(limit) end})
    local big = array(dict("'|u1'", "False", "(9000000,)"), ("\0"):rep(9000000))
    write(npz, zip {{"a.npy", big, crc = 0}, {"b.npy", big, crc = 0}})
    assert.equal("its arrays take more memory than is left", text(nn.load, npz))
    local many = {}
    for i = 1, 10001 do many[i] = {i .. ".npy", ""} end
    assert.equal("10001 entries are more than 10000", refused_zip(many))
  end)

  it("comes back as it was, the same bytes each time", function()
    local t = {a = nn.randn(2, 3):t(), ["x/y"] = nn.rand(4, {dtype = "float64"}),
      ["ü"] = nn.ones(1),
      n = nn.tensor({1, 2}, {dtype = "int64"}), empty = nn.zeros(0, 2), s = nn.tensor(5)}
    nn.save(npz, t)
    local bytes = read(npz)
    local back = nn.load(npz)
    for name, x in pairs(t) do
      assert.truthy(nn.equal(back[name], x), name)
      assert.equal(x:dtype(), back[name]:dtype())
      back[name] = nil
    end
    assert.same({}, back)
    nn.save(npz, t)
    assert.equal(bytes, read(npz))
    nn.save(npz, {nn.ones(1), nn.zeros(2)})
    assert.same({0, 0}, nn.load(npz).arr_1:totable())
    nn.save(npz, {})
    assert.same({}, nn.load(npz))
    assert.equal('save: in a .npz file the name "../x" looks like a path that leads elsewhere',
      text(nn.save, npz, {["../x"] = nn.ones(1)}))
    local model = nn.Linear(2, 2)
    nn.save(npz, model)
    assert.truthy(nn.equal(model.weight, nn.load(npz).weight))
  end)
end)

describe("NumPy", function()
  teardown(function()
    clean_npy()
    clean_npz()
  end)

  local function expected(k, n) -- what tests/golden/npy.py puts into element k of n
    return (k * 7 + n) % 11 - 3
  end

  it("wrote these files", function()
    local list = assert(io.open "tests/golden/npy/list.txt")
    local count = 0
    for line in list:lines() do
      local name, dtype, sizes = line:match "^(%S+) (%S+) (%S*)$"
      local t = nn.load("tests/golden/npy/" .. name)
      if name:find "npz$" then t = t.x end
      local shape, n = {}, 1
      for size in sizes:gmatch "%d+" do
        shape[#shape + 1] = math.tointeger(size)
        n = n * math.tointeger(size)
      end
      assert.same(shape, t:size())
      assert.equal(dtype, t:dtype())
      local flat = t:reshape(-1)
      for k = 1, n do
        local want = expected(k - 1, n)
        if dtype == "uint8" then want = name:find "bool" and (want > 0 and 1 or 0) or want % 256 end
        if name:find "_u" then want = want % 256 end
        assert.equal(want, flat[k])
      end
      count = count + 1
    end
    list:close()
    assert.truthy(count >= 20)
  end)

  it("reads ours, and we read its", function()
    local python = "/usr/bin/python3"
    if not os.execute(python .. " -c 'import numpy' 2>/dev/null") then
      return pending("python3-numpy is not installed")
    end
    local t = {f = nn.randn(3, 4), d = nn.rand(2, 3, {dtype = "float64"}):t(),
      n = nn.tensor({-1, math.maxinteger}, {dtype = "int64"}), s = nn.tensor(2.5), e = nn.zeros(0,
        3),
      u = nn.tensor({0, 255}, {dtype = "uint8"})}
    nn.save(npz, t)
    nn.save(npy, t.d)
    local program = npz .. ".py"
    write(program, ([[
import numpy as np
z = np.load("%s")
d = np.load("%s")
assert np.array_equal(d, z["d"]) and d.dtype == np.float64 and d.shape == (3, 2)
assert z["f"].dtype == np.float32 and z["n"].dtype == np.int64 and z["u"].dtype == np.uint8
assert z["s"].shape == () and z["s"] == 2.5 and z["e"].shape == (0, 3)
assert z["n"].tolist() == [-1, 2 ** 63 - 1] and z["u"].tolist() == [0, 255]
np.savez_compressed("%s", f=np.asfortranarray(z["f"]), d=z["d"][::-1], b=z["u"] > 0)
]]):format(npz, npy, npz .. "2.npz"))
    local ok = os.execute(python .. " " .. program)
    local back = ok and nn.load(npz .. "2.npz")
    os.remove(program)
    os.remove(npz .. "2.npz")
    assert.truthy(ok)
    assert.truthy(nn.equal(t.f, back.f))
    assert.truthy(nn.equal(t.d:flip(1), back.d))
    assert.same({0, 1}, back.b:totable())
  end)
end)
