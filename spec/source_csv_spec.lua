-- nn.data.csv: tables of text: what they mean, and everything that is refused, with its message.

local path

local function write(text)
  local f = assert(io.open(path, "wb"))
  f:write(text)
  f:close()
end

local function read(text, options)
  write(text)
  return nn.data.csv(path, options)
end

local function refused(text, options)
  write(text)
  local ok, err = pcall(nn.data.csv, path, options)
  assert.is_false(ok)
  err = err:gsub("^%S+_spec.lua:%d+: ", ""):gsub(path:gsub("%p", "%%%0"), "FILE")
  return err
end

local function values(ds) return ds.x:totable(), ds.y:totable() end

before_each(function() path = os.tmpname() end)
after_each(function() os.remove(path) end)

describe("nn.data.csv", function()
  it("reads numbers, the last column the target", function()
    local ds = read "a,b,c\n1,-2.5,3\n4e1,.5,6\n"
    local x, y = values(ds)
    assert.same({{1, -2.5}, {40, 0.5}}, x)
    assert.same({{3}, {6}}, y)
    assert.same({"a", "b"}, ds.feature_names)
    assert.is_nil(ds.classes)
    assert.equal("float32", ds.x:dtype())
    assert.equal("float64", read("a,b\n1,2\n", {dtype = "float64"}).y:dtype())
  end)

  it("rounds once, to the nearest", function()
    -- between two floats, and a hair above: a double in between would be rounded twice
    local x = read("a,b\n1.00000005960464477539062500001,0.1\n", {dtype = "float32"}).x
    assert.equal(1 + 2 ^ -23, x[1][1])
    x = read("a,b\n0.1,1\n1.7976931348623157e308,1\n4.9e-324,1\n9007199254740993,1\n",
      {dtype = "float64"}).x
    assert.same({{0.1}, {1.7976931348623157e308}, {4.9e-324}, {9007199254740992.0}}, x:totable())
  end)

  it("takes a target by name or number, or several, or none", function()
    local text = "a,b,c\n1,7,2\n3,9,4\n"
    local ds = read(text, {target = "a"})
    assert.same({"b", "c"}, ds.feature_names)
    assert.same({{1}, {3}}, ds.y:totable())
    assert.same({{7}, {9}}, read(text, {target = 2}).y:totable())
    assert.same({{7}, {9}}, read(text, {target = -2}).y:totable())
    ds = read(text, {target = {"c", "a"}})
    assert.same({{2, 1}, {4, 3}}, ds.y:totable())
    assert.same({"b"}, ds.feature_names)
    ds = read(text, {target = false})
    assert.equal(ds.x, ds.y)
    assert.same({2, 3}, ds.x.shape)
  end)

  it("takes features in the order asked for", function()
    local text = "a,b,c\n1,7,2\n3,9,4\n"
    local ds = read(text, {columns = {3, "a"}})
    assert.same({"c", "a"}, ds.feature_names)
    assert.same({{2, 1}, {4, 3}}, ds.x:totable())
    assert.same({{7}, {9}}, ds.y:totable()) -- the last that is no feature
  end)

  it("makes labels of texts, in their order", function()
    local ds = read("a,kind\n1,plum\n2,apple\n3,plum\n")
    assert.same({2, 1, 2}, ds.y:totable())
    assert.equal("int64", ds.y:dtype())
    assert.same({"apple", "plum"}, ds.classes)
    ds = read("a,kind\n1,plum\n2,apple\n", {classes = {"plum", "apple", "fig"}})
    assert.same({1, 2}, ds.y:totable())
    assert.equal(3, #ds.classes)
    assert.same({"3rd", "4th"}, read("a,b\n1,4th\n2,3rd\n").classes)
    assert.same({"NA", "US"}, read("a,b\n1,US\n2,NA\n").classes) -- Namibia
  end)

  it("makes labels of numbers when asked", function()
    local ds = read("a,b\n1,10\n2,9\n3,10.0\n", {classes = true})
    assert.same({2, 1, 2}, ds.y:totable())
    assert.same({"9", "10"}, ds.classes)
    local names = {"p", "q", "r"}
    assert.same({1, 3, 2}, read("a,b\n1,0\n2,2\n3,1\n", {classes = names}).y:totable())
    assert.same({1, 3, 1}, read("a,b\n1,1\n2,3\n3,1\n", {classes = names}).y:totable())
    assert.same({1, 2, 1}, read("a,b\n1,7\n2,9\n3,7\n", {classes = {"p", "q"}}).y:totable())
    assert.same({2, 1}, read("a,b\n1,1\n2,2\n", {classes = {"2", "1"}}).y:totable())
    assert.equal("csv: 'classes' has 3 names, but column b has 2 different numbers, 1 to 2; which "
      .. "is which cannot be told", refused("a,b\n1,1\n2,2\n", {classes = names}))
    assert.equal("csv: column b has the text \"appel\", which is not in 'classes' (did you mean "
      .. "\"apple\"?)", refused("a,b\n1,appel\n", {classes = {"plum", "apple"}}))
  end)

  it("makes codes of texts in features when asked", function()
    local ds = read("size,n,b\nlarge,1,2\nsmall,2,3\nlarge,3,4\n", {text = "codes"})
    assert.same({{1, 1}, {2, 2}, {1, 3}}, ds.x:totable())
    assert.same({size = {"large", "small"}}, ds.codes)
    assert.equal('FILE: row 1 (line 2), column 1 "size": "large" is a text; leave the column out '
      .. '(columns = {...}), or turn its texts into numbers (text = "codes")',
      refused "size,n,b\nlarge,1,2\n")
    assert.equal('FILE: row 2 (line 3), column 1 "a": "foo" is not a number',
      refused("a,b\n1,2\nfoo,3\n", {text = "codes"}))
  end)
end)

describe("the forms of a table", function()
  local function same(text, options)
    local x, y = values(read(text, options))
    assert.same({{1}, {3}}, x)
    assert.same({{2}, {4}}, y)
  end

  it("differ in line ends, marks, quotes, blanks and delimiters", function()
    same "a,b\n1,2\n3,4\n"
    same "a,b\n1,2\n3,4"
    same "a,b\r\n1,2\r\n3,4\r\n"
    same "\xef\xbb\xbfa,b\n1,2\n3,4\n"
    same '"a","b"\n"1","2"\n" 3 ", 4 \n'
    same "a;b\n1;2\n3;4\n"
    same "a\tb\n1\t2\n3\t4\n"
    same "a|b\n1|2\n3|4\n"
    same("a b\n1 2\n3 4\n", {delimiter = " "})
    same("a:b\n1:2\n3:4\n", {delimiter = ":"})
    same "sep=:\na:b\n1:2\n3:4\n"
    same "\n\na,b\n\n1,2\n\r\n\n3,4\n\n"
    same("1,2\n3,4\n", {header = false})
    same("0,5\n1,2\n3,4\n", {header = true})
    same("a;b\n1,0;2,0\n3,0;4,0\n", {decimal = ","})
  end)

  it("may have columns without a name, which are left out", function()
    same ",a,b\n0,1,2\n1,3,4\n"
    same "a,b,\n1,2,\n3,4,\n"
    assert.same({{0}, {1}}, read(",a,b\n0,1,2\n1,3,4\n", {columns = {1}}).x:totable())
    assert.same({"column 1", "column 2"},
      read("1,2,3\n", {header = false}).feature_names)
  end)

  it("may be compressed", function()
    write "a,b\n1,2\n3,4\n"
    assert(os.execute(("gzip '%s' && mv '%s.gz' '%s'"):format(path, path, path)))
    assert.same({{1}, {3}}, nn.data.csv(path).x:totable())
  end)

  it("may quote delimiters, line ends and quotes", function()
    local ds = read('a,"b, c"\n1,"x""y"\n2,"p,\nq"\n3,""\n', {missing = "drop"})
    assert.same({{1}, {2}}, ds.x:totable())
    assert.same({"p,\nq", 'x"y'}, ds.classes)
    assert.equal('FILE: row 3 (line 5), column 1 "a": "oops" is not a number',
      refused('a,b\n1,"x\ny"\n2,z\noops,z\n', {missing = "drop"}))
  end)

  it("may have other letters", function()
    local ds = read "größe,b\n1,ü\n"
    assert.same({"größe"}, ds.feature_names)
    assert.same({"ü"}, ds.classes)
  end)
end)

describe("missing values", function()
  local text = "a,b,c\nNA,1,1\n3,,2\n5,3,3\n"
  it("are an error", function()
    assert.equal('FILE: row 1 (line 2), column 1 "a": a number is missing ("NA"); missing = '
      .. '"mean", "drop" or a number says what to do', refused(text))
    for _, word in ipairs {"", "  ", "na", "NaN", "nan", "N/A", "#N/A", "null", "NULL", "None",
      "?", '""', '"NA"'} do
      local err = refused("a,b,c\n1,1,1\n1," .. word .. ",2\n")
      assert.matches('column 2 "b": a number is missing', err, nil, true)
    end
  end)
  it("become the mean, a number, or leave the row out", function()
    assert.same({{4, 1}, {3, 2}, {5, 3}}, read(text, {missing = "mean"}).x:totable())
    assert.same({{-1, 1}, {3, -1}, {5, 3}}, read(text, {missing = -1}).x:totable())
    local ds = read(text, {missing = "drop"})
    assert.same({{5, 3}}, ds.x:totable())
    assert.same({{3}}, ds.y:totable())
    assert.equal(2, #read("a,b\n1,2\nNA,3\n4,5\n", {missing = "drop", columns = {"a"}}))
  end)
  it("matter only in columns that are used", function()
    assert.same({{1}, {2}}, read("a,b,c\n1,,1\n2,x,2\n", {columns = {"a"}}).x:totable())
  end)
  it("of targets are never made up", function()
    for _, missing in ipairs {"mean", "error"} do
      assert.equal('FILE: row 2 (line 3), column 2 "b": the target is missing ("?"); missing = '
        .. '"drop" leaves such rows out', refused("a,b\n1,2\n2,?\n", {missing = missing}))
    end
    assert.matches("the label is missing", refused("a,b\n1,x\n2,\n", {missing = 0}))
  end)
  it("are not nan and inf where these are numbers", function()
    local ds = read("a,b\ninf,1\n-Infinity,nan\n+NaN,3\n", {target = "b", nonfinite = true})
    assert.equal(1 / 0, ds.x[1][1])
    assert.equal(-1 / 0, ds.x[2][1])
    assert.is_true(ds.x:isnan()[3][1] == 1 and ds.y:isnan()[2][1] == 1)
    assert.matches('row 1 (line 2), column 1 "a": a number is missing ("NA")',
      refused("a,b\nNA,1\n", {nonfinite = true}), nil, true)
    for _, cell in ipairs {"in", "infi", "infinit", "infinityx", "nanx", "1e999", "--inf", "+"} do
      assert.matches('row 2 (line 3), column 1 "a": "' .. cell .. '" is ',
        refused("a,b\n1,1\n" .. cell .. ",1\n", {nonfinite = true}), nil, true)
    end
  end)
  it("may be all there is", function()
    assert.equal('FILE: column 1 "a" has no number, so no mean',
      refused("a,b\n,1\n?,2\n", {missing = "mean"}))
    assert.equal("FILE: every row misses something, so none is left",
      refused("a,b\n,1\n?,2\n", {missing = "drop"}))
  end)
end)

describe("a table is refused when", function()
  for _, case in ipairs {
    {"it is empty", "", "FILE: the file is empty"},
    {"it has empty lines only", "\n\r\n\n", "FILE: the file is empty"},
    {"it has a header only", "a,b\n", "FILE: there is a header, but no row"},
    {"it is UTF-16", "\xff\xfea\0,\0b\0\n\0",
      "FILE: byte 0: this is UTF-16; save the table as UTF-8"},
    {"it says to part by quotes", 'sep="\n"\nH\n1\n',
      'FILE: line 1: "sep=" names a delimiter that numbers or quotes have'},
    {"its header holds numbers", "1,2\n3,4\n", "FILE: line 1: the first row holds numbers, not "
      .. "names; header = false reads it as data, header = true takes it for names"},
    {"two columns have the same name", "a,b,a\n1,2,3\n",
      'FILE: columns 1 and 3 have the same name "a"'},
    {"a name is not UTF-8", "a,\xff\n1,2\n", 'FILE: line 1, the header, column 2 "column 2": '
      .. '"\\xff" is not text in UTF-8, has a zero byte, or is over 4096 bytes long'},
    {"a row is short", "a,b,c\n1,2,3\n1,2\n", "FILE: row 2 (line 3) has 2 cells, expected 3"},
    {"a row is long", "a,b\n1,2\n1,2,3,4\n", "FILE: row 2 (line 3) has 4 cells, expected 2"},
    {"a delimiter trails", "a,b\n1,2,\n", "FILE: row 1 (line 2) has 3 cells, expected 2"},
    {"the delimiter is another", "a,b\n1;2\n",
      "FILE: row 1 (line 2) has 1 cells, expected 2; is the delimiter another?"},
    {"a quote is not closed", 'a,b\n1,2\n1,"2\n3,4\n', "FILE: line 3: a quote here is never "
      .. "closed; within a cell with quotes it is written twice"},
    {"a quote stands inside", 'a,b\n1,2"3"\n', 'FILE: row 1 (line 2), column 2 "b": "2"3"" has a '
      .. "quote inside; a cell with quotes begins and ends with one, and has them twice within"},
    {"something follows a quote", 'a,b\n1,"2"3\n', 'FILE: row 1 (line 2), column 2 "b": "2" is '
      .. "followed by something else behind its closing quote"},
    {"a line ends in CR alone", "a,b\n1,2\r3,4\n", 'FILE: row 1 (line 2), column 2 "b": "2\\x0d3" '
      .. "has a carriage return without a line feed; lines end in LF or CR LF"},
    {"a zero byte is in it", "a,b\n1,2\n\0,3\n",
      'FILE: row 2 (line 3), column 1 "a": "\\x00" is not a number'},
    {"a decimal comma is in it", "a;b\n1,5;2\n", 'FILE: row 1 (line 2), column 1 "a": "1,5" is not '
      .. 'a number; if this is a decimal comma: decimal = ","'},
    {"thousands are parted", 'a,b\n1,2\n"1,000,000",3\n',
      'FILE: row 2 (line 3), column 1 "a": "1,000,000" is not a number'},
    {"a number is hexadecimal", "a,b\n1,2\n0x10,3\n",
      'FILE: row 2 (line 3), column 1 "a": "0x10" is not a number'},
    {"a number is infinite", "a,b\n1,2\n-Inf,3\n", 'FILE: row 2 (line 3), column 1 "a": "-Inf" is '
      .. "not a number; nonfinite = true lets infinite numbers in"},
    {"a number is too large", "a,b\n1,2\n1,1e39\n", 'FILE: row 2 (line 3), column 2 "b": "1e39" is '
      .. 'too large for float32; dtype = "float64"'},
    {"a text is among numbers", "a,b\n1,2\n3,x\n", 'FILE: row 2 (line 3), column 2 "b": "x" is not '
      .. "a number; are the numbers in this column labels? classes = true"},
    {"a label is not UTF-8", "a,b\n1,ok\n2,\xc3(\n", 'FILE: row 2 (line 3), column 2 "b": "\\xc3(" '
      .. "is not text in UTF-8, has a zero byte, or is over 4096 bytes long"},
    {"it has one column", "a\n1\n", "csv: there is no feature: the only column is a; is the "
      .. "delimiter another?"},
  } do
    it(case[1], function() assert.equal(case[3], refused(case[2])) end)
  end

  it("a cell is long, which is shown cut", function()
    assert.equal('FILE: row 1 (line 2), column 1 "a": "' .. ("7"):rep(39) .. '..." is not a number',
      refused("a,b\n" .. ("7"):rep(39) .. "äx,2\n"))
  end)

  it("a header is taken for data", function()
    assert.matches("if the first row names the columns: header = true",
      refused("a,b\n1,2\n", {header = false}), nil, true)
  end)

  it("a double is too large", function()
    assert.equal('FILE: row 1 (line 2), column 1 "a": "1e999" is too large for float64',
      refused("a,b\n1e999,2\n", {dtype = "float64"}))
  end)

  it("there are too many texts, columns, or bytes in a line", function()
    local rows = {"a,b"}
    for i = 1, 65537 do rows[i + 1] = "1,t" .. i end
    assert.equal('FILE: row 65537 (line 65538), column 2 "b": "t65537" is text number 65537 that '
      .. "differs from all before: no classes", refused(table.concat(rows, "\n")))
    assert.equal("FILE: line 1: more than 1000000 columns", refused(("a,"):rep(1000001) .. "\n1\n"))
    assert.equal("FILE: line 2: a line of more than 16 MiB; is this a table?",
      refused("a,b\n" .. ("7"):rep((16 << 20) + 1)))
    assert.equal("FILE: line 3: a quote here is never closed; within a cell with quotes it is "
      .. "written twice", refused("a,b\n1,2\n\"" .. (("7"):rep(1023) .. "\n"):rep(16 << 10)))
  end)

  it("the options are wrong", function()
    local text = "a,b,c\n1,2,3\n"
    for _, case in ipairs {
      {{target = "d"}, "csv: there is no column 'd'; the columns are a, b, c"},
      {{target = 4}, "csv: 'target' must name a column or be its number in 1..3, got 4"},
      {{target = 1.5}, "csv: 'target' must name a column or be its number in 1..3, got 1.5"},
      {{target = {}}, "csv: 'target' must be a list of columns, got an empty table"},
      {{columns = {"a", 1}}, "csv: 'columns' has column a twice"},
      {{columns = {"a", "b"}, target = 1}, "csv: column a cannot be a feature and the target"},
      {{columns = {1, 2, 3}}, "csv: all columns are features, and none is left for the target; "
        .. "target = false does without"},
      {{missing = "zero"}, 'csv: option \'missing\' must be "error", "mean", "drop" or a finite '
        .. 'number, got the string "zero"'},
      {{missing = 0 / 0}, 'csv: option \'missing\' must be "error", "mean", "drop" or a finite '
        .. "number, got nan"},
      {{delimiter = ";;"}, "csv: option 'delimiter' must be a single character that no number has, "
        .. 'got the string ";;"'},
      {{delimiter = "1"}, "csv: option 'delimiter' must be a single character that no number has, "
        .. 'got the string "1"'},
      {{dtype = "int64"}, 'csv: option \'dtype\' must be "float32" or "float64", got "int64"'},
      {{text = "label"}, 'csv: option \'text\' must be "error" or "codes", got "label"'},
      {{classes = 3}, "csv: option 'classes' must be true or a list of names, got 3"},
      {{classes = {"a", 2}}, "csv: 'classes' must be a list of names, got 2 at [2]"},
      {{classes = {"a", "a"}}, "csv: 'classes' has the name \"a\" twice"},
      {{classes = true, target = {1, 2}}, "csv: 'classes' wants one target that holds labels, got "
        .. "2 targets"},
      {{sep = ","}, "csv: there is no option 'sep'; the options are classes, columns, decimal, "
        .. "delimiter, dtype, header, missing, nonfinite, stream, target, text"},
    } do
      assert.equal(case[2], refused(text, case[1]))
    end
    assert.matches("csv: the first argument must be a path, got nil",
      select(2, pcall(nn.data.csv)))
  end)
end)

describe("large tables", function()
  -- Many blocks, rows with texts in quotes and line ends in them, some dropped, some lines empty.
  local function make(n)
    local rows, x, y = {"i,note,v,kind"}, {}, {}
    for i = 1, n do
      local kind = ("k%d"):format(i * i % 7)
      local v = i % 11 == 0 and "NA" or ("%.3f"):format(i / 8)
      rows[#rows + 1] = ('%d,"note ""%d"",\n%s",%s,%s'):format(i, i, ("x"):rep(i % 40), v, kind)
      if i % 13 == 0 then rows[#rows + 1] = "" end
      if i % 11 ~= 0 then
        x[#x + 1], y[#y + 1] = {i, i / 8}, i * i % 7
      end
    end
    return table.concat(rows, "\n"), x, y
  end

  it("come out the same with any number of threads", function()
    local n = 60000
    local text, x, y = make(n)
    write(text)
    local threads = nn.threads()
    for _, count in ipairs {1, 2, 5} do
      nn.threads(count)
      local ds = nn.data.csv(path, {columns = {"i", "v"}, target = "kind", missing = "drop"})
      assert.equal(#x, #ds)
      assert.is_true(nn.equal(nn.tensor(x), ds.x))
      assert.same({"k0", "k1", "k2", "k4"}, ds.classes)
      for i = 1, #y, 97 do assert.equal("k" .. y[i], ds.classes[ds.y[i]]) end
    end
    local wrong = text .. ('\n7,"a\nb",x,k1\n8,c,y,k1')
    for _, count in ipairs {1, 3} do
      nn.threads(count)
      local lines = select(2, text:gsub("\n", "")) + 1
      assert.equal(('FILE: row %d (line %d), column 3 "v": "x" is not a number'):format(n + 1,
        lines + 2), refused(wrong, {columns = {"i", "v"}, missing = "drop"}))
    end
    nn.threads(threads)
  end)
end)
