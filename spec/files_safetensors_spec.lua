-- safetensors: every case that the format's rules refuse, against files that an independent writer
-- here makes, and an independent reader of what nn.save writes. Rules: README and tensor.rs of
-- github.com/huggingface/safetensors.

local tools = dofile "spec/file_tools.lua"

local text = tools.text
local path, clean_up = tools.temporary ".safetensors"
local function write(bytes) tools.write(path, bytes) end

-- A file with that JSON and those bytes of data.
local function file(json, data)
  return string.pack("<s8", json) .. (data or "")
end
local function refused(json, data)
  write(file(json, data))
  return text(nn.load, path)
end
local function tensor(name, dtype, shape, first, last)
  return ('"%s":{"dtype":"%s","shape":%s,"data_offsets":[%s,%s]}'):format(name, dtype, shape, first,
    last)
end
local function one(dtype, shape, first, last)
  return "{" .. tensor("a", dtype, shape, first, last) .. "}"
end
local EIGHT = string.pack("<ff", 1.5, -2)

describe("safetensors", function()
  teardown(clean_up)

  it("reads what the format's rules write", function()
    write(file(' {"__metadata__":{"format":"pt","\\u00fc":""},'
      .. tensor("b", "F64", "[]", 8, 16) .. "," .. tensor("a", "F32", "[2,1]", 0, 8) .. ","
      .. tensor("empty", "I64", "[0,3]", 8, 8) .. "} \n ", EIGHT .. string.pack("<d", 0.1)))
    local t, metadata = nn.load(path)
    assert.same({{1.5}, {-2}}, t.a:totable())
    assert.equal(0.1, t.b:item())
    assert.equal("float64", t.b:dtype())
    assert.same({0, 3}, t.empty:size())
    assert.same({format = "pt", ["ü"] = ""}, metadata)
    write(file "{}")
    t, metadata = nn.load(path)
    assert.same({{}, {}}, {t, metadata})
  end)

  it("converts other element types", function()
    local function read(dtype, n, bytes)
      write(file(one(dtype, ("[%d]"):format(n), 0, #bytes), bytes))
      local t = nn.load(path).a
      return t:totable(), t:dtype()
    end
    local function is(dtype, values, other, bytes)
      local got, became = read(dtype, #values, bytes)
      assert.same(values, got)
      assert.equal(other, became)
    end
    is("F16", {1, -2.5, 0.0, 65504, 2^-24, math.huge, 2^-14}, "float32",
      string.pack("<I2I2I2I2I2I2I2", 0x3c00, 0xc100, 0, 0x7bff, 1, 0x7c00, 0x400))
    is("BF16", {1, -2.5, 2^-126}, "float32", string.pack("<I2I2I2", 0x3f80, 0xc020, 0x0080))
    is("I8", {-128, 127}, "int64", string.pack("<i1i1", -128, 127))
    is("I16", {-32768, 5}, "int64", string.pack("<i2i2", -32768, 5))
    is("I32", {-2147483648, 7}, "int64", string.pack("<i4i4", -2147483648, 7))
    is("I64", {math.mininteger, 7}, "int64", string.pack("<i8i8", math.mininteger, 7))
    is("U8", {255, 3}, "uint8", "\255\3")
    is("U16", {65535}, "int64", "\255\255")
    is("U32", {4294967295}, "int64", "\255\255\255\255")
    is("U64", {math.maxinteger}, "int64", string.pack("<i8", math.maxinteger))
    is("BOOL", {1, 0}, "uint8", "\1\0")
    local nan = read("F16", 1, "\1\124")
    assert.truthy(nan[1] ~= nan[1])
    local json = one("U64", "[2]", 0, 16)
    write(file(json, string.pack("<i8i8", 1, -1)))
    assert.equal(8 + #json + 8, tonumber(text(nn.load, path):match "^byte (%d+): "))
    assert.matches("element 2 is 18446744073709551615, which int64 cannot hold$", text(nn.load,
      path))
  end)

  it("1 to 5: refuses headers that are none", function()
    write "1234567"
    assert.equal("byte 0: not a safetensors file: it has only 7 bytes", text(nn.load, path))
    write ""
    assert.equal("byte 0: not a safetensors file: it has only 0 bytes", text(nn.load, path))
    for n, words in pairs {[100000001] = "100000001", [math.mininteger] = "9223372036854775808",
      [-1] = "18446744073709551615"} do
      write(string.pack("<i8", n) .. "{}")
      assert.equal(("byte 0: a header of %s bytes: at most 100000000 are allowed; is this a "
        .. "safetensors file?"):format(words), text(nn.load, path))
    end
    write(string.pack("<I8", 3) .. "{}")
    assert.equal("byte 0: a header of 3 bytes does not fit into the file", text(nn.load, path))
    write(string.pack("<I8", 0))
    assert.equal("byte 0: the header is empty", text(nn.load, path))
    assert.equal("byte 8: the header must be a JSON object", refused "[]")
    assert.matches("^byte %d+: the header: '%[' or '{' expected near '1'", refused "1")
  end)

  it("6 to 9: refuses bad text and bad JSON", function()
    local cases = {
      {"{\"\xff\":1}", "unable to decode byte 0xff"}, {"{\"\xc0\x80\":1}", "unable to decode"},
      {'{"\\ud800":1}', "invalid Unicode"}, {'{"a\\u0000b":1}', "NUL byte in object key"},
      {"{", "near end of file"}, {"{} x", "end of file expected"}, {"{}\0", "end of file expected"},
      {"{/* */}", "expected near"}, {'{"a":NaN}', "invalid token"}, {"{'a':1}", "expected near"},
      {'{"a":1,}', "expected"}, {("["):rep(3000), "maximum parsing depth"},
      {one("F32", "[02]", 0, 8), "invalid token"}, {one("F32", "[2.]", 0, 8), "token"},
      {one("F32", "[99999999999999999999]", 0, 8), "too big integer"},
    }
    for _, case in ipairs(cases) do
      local message = refused(case[1], EIGHT)
      assert.matches("^byte %d+: the header: ", message)
      assert.truthy(message:find(case[2], 1, true), message)
    end
    assert.equal("byte 8: 'a': size 1 of 'shape' must be a whole number in 0..2^48",
      refused(one("F32", "[[[[2]]]]", 0, 8), EIGHT))
  end)

  it("10 to 14: refuses names twice, other fields, other dtypes", function()
    local a = tensor("a", "F32", "[2]", 0, 8)
    assert.matches("duplicate object key", refused("{" .. a .. "," .. a .. "}", EIGHT))
    assert.matches("duplicate object key",
      refused("{" .. a .. "," .. a:gsub('"a"', '"\\u0061"') .. "}", EIGHT))
    assert.matches("duplicate object key",
      refused('{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', EIGHT))
    assert.equal("byte 8: 'a': has other fields than dtype, shape and data_offsets",
      refused('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}', EIGHT))
    assert.equal("byte 8: 'a': 'dtype' is "
      .. "missing", refused('{"a":{"shape":[2],"data_offsets":[0,8]}}'))
    assert.equal("byte 8: 'a': 'shape' is missing",
      refused('{"a":{"dtype":"F32","data_offsets":[0,8]}}'))
    assert.equal("byte 8: 'a': 'data_offsets' is missing",
      refused('{"a":{"dtype":"F32","shape":[2]}}'))
    assert.equal("byte 8: 'a': must be an object with dtype, shape and data_offsets",
      refused '{"a":1}')
    for _, dtype in ipairs {"f32", "F4", "C64", "F8_E4M3", "", "F32 "} do
      assert.equal(("byte 8: 'a': dtype '%s' cannot be read; F32, F64, F16, BF16, the integers and "
        .. "BOOL can"):format(dtype), refused(one(dtype, "[2]", 0, 8), EIGHT))
    end
    assert.equal("byte 8: 'a': 'dtype' must be a text",
      refused('{"a":{"dtype":5,"shape":[2],"data_offsets":[0,8]}}', EIGHT))
  end)

  it("15 to 18: refuses odd shapes and offsets", function()
    for _, size in ipairs {"-1", "2.0", "1e3", '"2"', "null", "true", "281474976710657"} do
      assert.equal("byte 8: 'a': size 1 of 'shape' must be a whole number in 0..2^48",
        refused(one("F32", "[" .. size .. "]", 0, 8), EIGHT))
    end
    assert.equal("byte 8: 'a': 'shape' must be a list", refused(one("F32", "2", 0, 8), EIGHT))
    assert.equal("byte 8: 'a': has 9 dimensions, at most 8 can be read",
      refused(one("F32", "[1,1,1,1,1,1,1,1,2]", 0, 8), EIGHT))
    for _, shape in ipairs {"[4294967296,4294967296]", "[281474976710656,16384,1]",
      "[281474976710656,281474976710656,0]"} do
      assert.equal("byte 8: 'a': has more elements than can be counted",
        refused(one("F32", shape, 0, 8), EIGHT))
    end
    for _, offsets in ipairs {"[0]", "[0,8,8]", "[8,0]", "[-8,0]", "[0.0,8]", '["0",8]', "{}",
      "[]"} do
      assert.equal("byte 8: 'a': 'data_offsets' must be two whole numbers from 0, the second not "
        .. "the "
        .. "less", refused('{"a":{"dtype":"F32","shape":[2],"data_offsets":' .. offsets .. "}}",
          EIGHT))
    end
    assert.equal("byte 8: 'a': ends at byte 12 of the data, which has 8",
      refused(one("F32", "[3]", 0, 12), EIGHT))
    assert.equal("byte 8: 'a': ends at byte 9223372036854775807 of the data, which has 8",
      refused(one("F32", "[2]", 0, math.maxinteger), EIGHT))
  end)

  it("19 to 22: refuses holes, overlaps and bytes too many or too few", function()
    local a, data = tensor("a", "F32", "[2]", 0, 8), EIGHT .. EIGHT
    assert.equal("byte 8: 'a': bytes 0 to 8 of the data before it belong to no tensor",
      refused(one("F32", "[2]", 8, 16), data))
    assert.equal("byte 8: 'b': bytes 8 to 12 of the data before it belong to no tensor",
      refused("{" .. a .. "," .. tensor("b", "F32", "[1]", 12, 16) .. "}", data))
    local json = "{" .. a .. "}    "
    assert.equal(("byte %d: 8 bytes follow the last tensor"):format(8 + #json + 8), refused(json,
      data))
    assert.equal("byte 8: 'b': overlaps the tensor before it: begins at byte 4 of the data, "
      .. "which is "
      .. "taken up to 8", refused("{" .. a .. "," .. tensor("b", "F32", "[2]", 4, 12) .. "}", data))
    assert.equal("byte 8: 'b': overlaps the tensor before it: begins at byte 0 of the data, "
      .. "which is "
      .. "taken up to 8", refused("{" .. a .. "," .. tensor("b", "F32", "[2]", 0, 8) .. "}", data))
    assert.equal("byte 8: 'a': its shape takes 8 bytes, 'data_offsets' give it 16",
      refused(one("F32", "[2]", 0, 16), data))
    assert.equal("byte 8: 'a': ends at byte 8 of the data, which has 7",
      refused("{" .. a .. "}", EIGHT:sub(1, 7)))
    assert.matches("bytes follow the last tensor$", refused("{}", "x"))
  end)

  it("23: refuses metadata that are no texts", function()
    assert.equal("byte 8: '__metadata__': must be an object of texts",
      refused '{"__metadata__":[]}')
    assert.equal("byte 8: '__metadata__': the value of 'a' must be a text",
      refused '{"__metadata__":{"a":1}}')
    assert.equal("byte 8: '__metadata__': the value of 'a' must be a text",
      refused '{"__metadata__":{"a":{"b":"c"}}}')
  end)

  it("24: refuses what takes more memory than there is", function()
    local limit = nn.memory_limit()
    nn.memory_limit(1 << 24)
    local _ <close> = setmetatable({}, {__close = function() nn.memory_limit(limit) end})
    assert.matches("not enough memory for a header of 2000000 bytes",
      refused("{" .. (" "):rep(1999998) .. "}"))
    write(file(one("I8", "[4000000]", 0, 4000000), ("\0"):rep(4000000)))
    assert.matches("not enough memory", text(nn.load, path)) -- 32 MB as int64
  end)

  it("24: refuses a name that is too long", function()
    local name = ("n"):rep(4097)
    assert.equal(("byte 8: '%s': a name has at most 4096 bytes"):format(name:sub(1, 100)),
      refused("{" .. tensor(name, "F32", "[2]", 0, 8) .. "}", EIGHT))
  end)

  it("25: a model tells all that does not fit, and is unchanged", function()
    local model = nn.Sequential {nn.Linear(2, 2), nn.Linear(2, 1)}
    nn.save(path, model)
    local state = nn.load(path)
    state["1.weight"], state["2.bias"], state.other = nn.zeros(3, 2), nil, nn.zeros(1)
    local before = model[1].bias:totable()
    local ok, err = pcall(model.load_state, model, state)
    assert.is_false(ok)
    assert.matches("wrong shape: 1.weight is 3x2, must be 2x2\n  missing: 2.bias %(1%)\n  "
      .. "not in the model: other$", err)
    assert.same(before, model[1].bias:totable())
  end)

  it("27: refuses what is no file", function()
    assert.matches("No such file", text(nn.load, "/nowhere/x.safetensors"))
    os.remove(path)
    assert(os.execute("mkdir " .. path))
    assert.equal("is a folder, not a file", text(nn.load, path))
    assert(os.execute("rmdir " .. path .. " && mkfifo " .. path))
    assert.equal("is a device, pipe or socket, not a file", text(nn.load, path))
    os.remove(path)
  end)

  it("writes what the format's rules read", function()
    local t = {
      ["w.b"] = nn.randn(3), ["w.a"] = nn.randn(4, 3):t(), d = nn.rand(2, {dtype = "float64"}),
      mask = nn.tensor({1, 0, 255}, {dtype = "uint8"}), n = nn.tensor({-5}, {dtype = "int64"}),
      empty = nn.zeros(0, 2), number = nn.tensor(7.25), ['odd "\\\n\1 ü'] = nn.ones(1),
    }
    nn.save(path, t, {metadata = {format = "pt", note = 'a "b"\n'}})
    local bytes = tools.read(path)
    local n = string.unpack("<I8", bytes)
    assert.equal(0, n % 8)
    assert.equal("{", bytes:sub(9, 9))
    -- an independent reader, by patterns: one tensor after the other, without a gap
    local json, at, seen, order = bytes:sub(9, 8 + n), 0, 0, {}
    for name, dtype, shape, first, last in json:gmatch(
      '"([^"]-)":{"dtype":"(%u%d+)","shape":%[([%d,]*)%],"data_offsets":%[(%d+),(%d+)%]}') do
      order[#order + 1] = dtype
      seen = seen + 1
      assert.equal(at, tonumber(first))
      at = tonumber(last)
      local x = t[name]
      if x then
        assert.equal(table.concat(x:size(), ","), shape)
        local formats = {F32 = "<f", F64 = "<d", I64 = "<i8", U8 = "B"}
        local place, flat = 9 + n + first, x:reshape(-1):totable()
        for _, v in ipairs(flat) do
          local got
          got, place = string.unpack(formats[dtype], bytes, place)
          assert.equal(v, got)
        end
        assert.equal(9 + n + last, place)
      end
    end
    assert.equal(#bytes - 8 - n, at)
    assert.equal(8, seen) -- of the odd name the pattern finds the end
    assert.equal("F64 I64 F32 F32 F32 F32 F32 U8", table.concat(order, " "))
    local back, metadata = nn.load(path)
    for name, x in pairs(t) do
      assert.truthy(nn.equal(back[name], x), name)
      assert.equal(x:dtype(), back[name]:dtype())
    end
    assert.same({format = "pt", note = 'a "b"\n'}, metadata)
    nn.save(path, t, {metadata = {format = "pt", note = 'a "b"\n'}})
    assert.equal(bytes, tools.read(path))
  end)

  it("says what cannot be written", function()
    local function says(want, ...)
      assert.equal(want, text(nn.save, path, ...))
    end
    says("save: a .safetensors file holds a model's tensors or a table of tensors by name, got 5",
      5)
    says("save: a: must be a tensor, got a table; .nn files hold any value", {a = {}})
    says("save: the name of a tensor must be a text, got 1.5", {[1.5] = nn.ones(1)})
    says("save: a tensor cannot be called __metadata__", {__metadata__ = nn.ones(1)})
    says("save: metadata are texts by name, got a = 5", {}, {metadata = {a = 5}})
    says("save: the name '\xff' is not valid UTF-8", {["\xff"] = nn.ones(1)})
    says("save: the metadata 'k' is not valid UTF-8", {}, {metadata = {k = "\xff"}})
    says("save: there is no option 'metdata'; did you mean 'metadata'? (the options are metadata)",
      {},
      {metdata = {}})
  end)
end)
