-- plot_spec.lua: pictures: axes, odd data, errors, files that are whole or absent.

local check_xml = dofile "spec/xml.lua"
local tools = dofile "spec/file_tools.lua"
local text, read = tools.text, tools.read
local function svg(p) return check_xml(p:svg()) end

-- The numbers of a path's d, as points.
local function points(d)
  local list, x, y = {}, 0, 0
  local command = "M"
  d = d:gsub("[a-zA-Z]", " %0 "):gsub("%-", " -")
  local words = {}
  for w in d:gmatch "%S+" do words[#words + 1] = w end
  local i = 1
  while i <= #words do
    if words[i]:find "%a" then
      command = words[i]
      i = i + 1
    else
      local dx, dy = tonumber(words[i]), tonumber(words[i + 1])
      if command == "M" then x, y = dx, dy else x, y = x + dx, y + dy end
      list[#list + 1] = {x, y}
      i = i + 2
    end
  end
  return list
end

describe("pictures", function()
  it("put points where the axes say", function()
    local s = svg(nn.plot{xrange = {0, 10}, yrange = {0, 100}}:line {{0, 0}, {5, 50}, {10, 100}})
    local list = points(s:match 'd="(M[^"]*)" fill="none" stroke="#0072b2"')
    assert.equal(3, #list)
    assert.near((list[1][1] + list[3][1]) / 2, list[2][1], 0.11)
    assert.near((list[1][2] + list[3][2]) / 2, list[2][2], 0.11)
    assert.is_true(list[1][2] > list[3][2])
  end)

  it("have the same bytes for the same data, whatever the order of tables", function()
    local function make()
      return nn.plot{title = "t"}:line {b = {1, 2}, a = {3, 1}, c = {x = {1, 5}, y = {0, 9}}}:svg()
    end
    assert.equal(make(), make())
    local s = make()
    assert.is_true(s:find('data-series="a"', 1, true) < s:find('data-series="b"', 1, true))
  end)

  it("take series in every form", function()
    local function line(data) return nn.plot{}:line(data):svg() end
    local reference = line {3, 1, 2}
    assert.equal(reference, line(nn.tensor {3, 1, 2}))
    assert.equal(reference, line(nn.tensor({3, 1, 2}, {requires_grad = true}) * 1))
    assert.equal(reference, line {nn.tensor(3), 1, nn.tensor {2}})
    local xy = line {{1, 3}, {2, 1}, {3, 2}}
    assert.equal(xy, line(nn.tensor {{1, 3}, {2, 1}, {3, 2}}))
    assert.equal(xy, line {x = {1, 2, 3}, y = nn.tensor {3, 1, 2}})
    assert.equal(xy, line {nn.tensor {1, 3}, {2, 1}, nn.tensor {3, 2}})
    local ds = nn.data.tensors(nn.tensor {{1}, {2}, {3}}, nn.tensor {{3}, {1}, {2}})
    assert.equal(nn.plot{}:scatter(ds):svg(), nn.plot{}:scatter {{1, 3}, {2, 1}, {3, 2}}:svg())
  end)

  it("leave out what has no place: NaN, infinity, not above 0 on logarithmic axes", function()
    local function count(p)
      local n = 0
      for d in svg(p):gmatch '<path d="([^"]*)" fill="none" stroke="#0072b2"' do
        for _ in d:gmatch "M" do n = n + 1 end
      end
      return n
    end
    assert.equal(2, count(nn.plot{}:line {1, 2, 0 / 0, 3, 4}))
    assert.equal(2, count(nn.plot{}:line {1, 2, 1 / 0, 3, 4}))
    assert.equal(2, count(nn.plot{ylog = true}:line {1, 2, 0, 3, 4}))
    assert.equal(3, count(nn.plot{}:line {1, 2, 0 / 0, 3, -1 / 0, 3, 4}))
    assert.equal(1, count(nn.plot{}:line {1e308, -1e308, 1, 2}))
  end)

  it("say so when there is nothing to draw", function()
    for _, data in ipairs {{}, {0 / 0}, {1 / 0, -1 / 0}, nn.zeros(0), nn.zeros(0, 2)} do
      for _, kind in ipairs {"line", "scatter", "hist", "bar"} do
        local s = svg(nn.plot{}[kind](nn.plot{}, data))
        assert.truthy(kind == "bar" or s:find(">no data<", 1, true), kind)
        assert.is_nil(s:find "nan")
        assert.is_nil(s:find "inf")
      end
    end
    svg(nn.plot{})
    svg(nn.plot{}:bar {})
    assert.matches("no data", nn.plot{}:text())
  end)

  it("show a single point and equal values", function()
    for _, v in ipairs {0, 5, -3, 1e-30, 1e200} do
      for _, log in ipairs {false, true} do
        if not log or v > 0 then
          local s = svg(nn.plot{ylog = log}:line {v})
          assert.truthy(s:find('stroke-linecap="round"', 1, true))
          svg(nn.plot{ylog = log}:line {v, v, v})
          svg(nn.plot{xlog = log}:hist {v, v})
        end
      end
    end
  end)

  it("escape hostile titles and names", function()
    local evil = '</title><script>alert("x")</script>\0\1\27[31m&amp;\xff\xc0\xaf\u{202e}]]>'
    local p = nn.plot{title = evil, xlabel = evil, ylabel = evil}:line {[evil] = {1, 2}}
    local s = svg(p)
    assert.is_nil(s:find "<script")
    assert.is_nil(s:find "[%z\1\27\xff]")
    assert.truthy(utf8.len(s))
    local shown = p:text {color = false}
    assert.is_nil(shown:find "[%z\1\27\xff]")
    svg(nn.plot{title = ("wide "):rep(1000)}:line {1})
    svg(nn.plot{title = ("\u{1f600}"):rep(5000)}:line {1})
  end)

  it("keep labels inside the picture", function()
    local p = nn.plot{xlabel = ("x"):rep(300), ylabel = ("y"):rep(300), title = ("t"):rep(300)}
    p:line {[("name "):rep(100)] = {1e-300, 1e299}, other = {-1e299, 5}}
    p:bar {[("long name "):rep(20)] = 1, b = 2}
    local s = svg(p)
    for x in s:gmatch '<text x="([%d.-]+)"' do
      assert.is_true(tonumber(x) >= 0 and tonumber(x) <= 640)
    end
    for _, line in ipairs {p:text({columns = 40, unicode = false})} do
      for row in line:gmatch "[^\n]*" do assert.is_true(#row <= 40) end
    end
  end)
end)

describe("long series", function()
  it("are drawn quickly, in little space, with all that can be seen", function()
    local y = nn.randn(100000)
    y[31234], y[77777] = 40, -40
    local s = svg(nn.plot{}:line(y))
    assert.is_true(#s < 200000)
    local low, high = math.huge, -math.huge
    for _, p in ipairs(points(s:match 'd="(M[^"]*)" fill="none" stroke="#0072b2"')) do
      low, high = math.min(low, p[2]), math.max(high, p[2])
    end
    local ends = points(nn.plot{}:line {-40, 40}:svg():match
      'd="(M[^"]*)" fill="none" stroke="#0072b2"')
    assert.near(ends[2][2], low, 0.11)
    assert.near(ends[1][2], high, 0.11)
    assert.is_true(#svg(nn.plot{}:line(nn.randn(100000, 2))) < 1000000)
    assert.is_true(#svg(nn.plot{}:scatter(nn.randn(100000, 2))) < 1000000)
  end)
end)

describe("options", function()
  it("are checked, and a layer that fails leaves the picture as it was", function()
    local p = nn.plot{title = "before"}:line {1, 2}
    local before = p:svg()
    assert.matches("line: there is no option 'titel'; did you mean 'title'",
      text(p.line, p, {1}, {titel = "x"}))
    assert.matches("line: y%[2%] must be a number, got the string \"x\"", text(p.line, p, {1, "x"}))
    assert.matches("line: a series is a list of y or n x 2 points; got a float32 tensor of 2x3",
      text(p.line, p, nn.zeros(2, 3), {title = "after"}))
    assert.matches("option 'xrange' is {from, to}", text(p.line, p, {1}, {xrange = {2, 1}}))
    assert.matches("option 'yrange' starts at %-1", text(p.line, p, {1},
      {yrange = {-1, 1}, ylog = true}))
    assert.matches("element 1 is a table", text(p.line, p, {{1, 2, 3}}))
    assert.matches("x has 1 numbers and y has 2", text(p.line, p, {x = {1}, y = {1, 2}}))
    assert.matches("a color is", text(p.line, p, {1}, {color = "red\"/><script>"}))
    assert.matches("'out' for a layer; p:save", text(p.line, p, {1}, {out = "x.svg"}))
    assert.matches("width' is 100 to", text(nn.plot, {width = 1000000000}))
    assert.matches("must be a string", text(nn.plot, {title = {}}))
    assert.matches("there is no option 'title2'", text(nn.plot, {title2 = "x"}))
    assert.matches("called on 3; it wants a picture", text(p.line, 3))
    assert.matches("called on nothing", (text(p.show):gsub("nil", "nothing")))
    assert.matches("two features", text(p.scatter, p, nn.data.digits():subset {1, 2}))
    assert.equal(before, p:svg())
  end)

  it("order series, and name single ones", function()
    local s = svg(nn.plot{legend = {"z", "a"}}:line {a = {1}, b = {2}, z = {3}})
    local at = {}
    for i, name in ipairs {"z", "a", "b"} do
      at[i] = s:find('data-legend="' .. name .. '"', 1, true)
    end
    assert.is_true(at[1] < at[2] and at[2] < at[3])
    assert.truthy(svg(nn.plot{}:line({1, 2}, {name = "one"})):find('data-legend="one"', 1, true))
    assert.truthy(svg(nn.plot{legend = "one"}:line {1, 2}):find('data-legend="one"', 1, true))
    assert.is_nil(svg(nn.plot{legend = false}:line {a = {1}}):find("data-legend", 1, true))
  end)
end)

describe("files", function()
  it("are there as a whole or not at all", function()
    local path, drop = tools.temporary ".svg"
    finally(drop)
    local p = nn.plot{title = "a"}:line {1, 2}
    p:save(path)
    assert.equal(p:svg(), read(path))
    assert.matches("save: .*not written", text(p.save, p, "/nonexistent/folder/x.svg"))
    assert.matches("as .svg, .png or .pdf", text(p.save, p, "/tmp/x.gif"))
    assert.matches("as .svg, .png or .pdf", text(p.save, p, "/tmp/x"))
    assert.matches("the path must be a string, got 3", text(p.save, p, 3))
    assert.matches("as .svg", text(nn.plot.line, {1, 2}, {out = path .. ".bmp"}))
    assert.matches("NUL", text(p.save, p, "/tmp/x\0y.svg"))
    nn.plot.line({1, 2}, {title = "a", out = path})
    assert.equal(p:svg(), read(path))
    os.remove(path)
  end)
end)

describe("the terminal", function()
  it("gets ASCII, Braille or colours", function()
    local p = nn.plot{title = "Σ squares", ylabel = "y"}:line {1, 4, 9, 16}
    local plain = p:text {columns = 60, unicode = false}
    assert.is_nil(plain:find "[\128-\255]")
    assert.is_nil(plain:find "\27")
    local braille = p:text {columns = 60, unicode = true}
    assert.truthy(braille:find("\u{28}", 1, true) or braille:find "\xe2[\xa0-\xa3]")
    local color = p:text {columns = 60, unicode = true, color = "true"}
    assert.truthy(color:find("\27[38;2;47;147;214m", 1, true))
    assert.truthy(p:text {unicode = true, color = true}:find("\27[38;5;", 1, true))
    assert.equal(braille, (color:gsub("\27%[[%d;]*m", "")))
    for line in braille:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 60) end
  end)

  it("shows bars of the right height", function()
    local shown = nn.plot{yrange = {0, 4}}:bar({1, 2, 4}):text {columns = 40, rows = 14,
      unicode = true}
    local blocks, widest = {}, 0
    for line in shown:gmatch "[^\n]+" do
      local _, n = line:gsub("█", "")
      blocks[#blocks + 1] = n
      widest = math.max(widest, n)
    end
    local rows = {0, 0, 0}
    for _, n in ipairs(blocks) do
      for k = 1, 3 do rows[k] = rows[k] + (n >= widest / 3 * k - 1 and n > 0 and 1 or 0) end
    end
    assert.is_true(rows[3] >= 2)
    assert.near(2 * rows[3], rows[2], 1)
    assert.near(4 * rows[3], rows[1], 3)
  end)
end)
