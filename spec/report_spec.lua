-- report_spec.lua: one page, whole or absent, that refers to nothing outside and escapes
-- everything.
local check_xml = dofile "spec/xml.lua"
local tools = dofile "spec/file_tools.lua"
local text, read = tools.text, tools.read

local function make(items)
  local path = os.tmpname()
  items.date = items.date or false
  assert.equal(path, nn.report(path, items))
  local page = read(path)
  os.remove(path)
  return page
end

-- The page as XML: scripts and styles left out, elements without an end closed.
local function check(page)
  local body = page:gsub("<!DOCTYPE html>", ""):gsub("<script.-</script>", "")
    :gsub("<style>.-</style>", ""):gsub("<(meta[^>]*)>", "<%1/>"):gsub("<(link[^>]*)>", "<%1/>")
    :gsub(" data%-plot", ' data-plot=""')
  check_xml(body)
  return page
end

local function history()
  nn.seed(1)
  local model = nn.Linear(1, 1)
  return nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 4,
    validation = nn.data.line(),
    optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}), progress = false}), model
end

describe("reports", function()
  it("hold texts, runs, pictures, models, tensors, tables and results, in order", function()
    local run, model = history()
    local result = setmetatable({}, {__index = {picture = function()
      return nn.plot {title = "of a result"}:line {1, 2}
    end}, __tostring = function() return "the result's table" end})
    local page = check(make {title = "T", "first\nline\n\nsecond\n# Heading\n## Lower", run,
      nn.plot {title = "picture"}:line {a = {1, 4}, b = {2, 3}}, model,
      nn.tensor {{1.5, 2}, {3, 4}},
      nn.randn(500), nn.zeros(0), nn.tensor(3), {loss = 0.25, accuracy = 1},
      {{name = "x", v = 1}, {name = "y"}}, {columns = {"c1", "c2"}, rows = {{1, "z"}}}, result,
      {caption = "named", nn.ones(2)}, 42, true, nn.data.line(), nn.MSELoss()})
    local at = 1
    for _, words in ipairs {"<title>T</title>", "<h1>T</h1>", "<p>first line</p>", "<p>second</p>",
        "<h2>Heading</h2>", "<h3>Lower</h3>", 'data-series="training"', "<th scope=\"col\">epoch",
        ">picture</text>", "Linear(1, 1)", "weight", "<td>1.5</td>", "500", "accuracy",
        "name</th>", "c1", ">of a result</text>", "the result&#39;s table", "named", "<p>42</p>",
        "<p>true</p>", "dataset of 7", "MSELoss", "seed", "BLAS"} do
      local found = page:find(words, at, true)
      assert.truthy(found, words)
      at = found
    end
  end)

  it("refer to nothing outside", function()
    local run = history()
    local page = make {run, nn.plot {}:images(nn.rand(2, 4, 4)), "https://example.org is text"}
    for attribute, value in page:gmatch '(%w+)="([^"]*)"' do
      if attribute == "href" or attribute == "src" then assert.equal("data:", value:sub(1, 5)) end
    end
    assert.is_nil(page:find("@import", 1, true))
    assert.is_nil(page:find("url(", 1, true))
    assert.truthy(page:find("default-src 'none'", 1, true))
  end)

  it("escape whatever they are given", function()
    local evil = '"><script>alert(1)</script></title></pre>\0\xff&'
    local page = check(make {title = evil, evil, {[evil] = evil},
      {columns = {evil}, rows = {{evil}}},
      nn.plot {title = evil, xlabel = evil}:line {[evil] = {1, 2}},
      {caption = evil, 1}, lang = evil})
    assert.equal(1, select(2, page:gsub("<script>", "")))
    assert.is_nil(page:find("alert(1)<", 1, true))
    assert.truthy(utf8.len(page))
  end)

  it("are the same bytes for the same data", function()
    local function again()
      return make {title = "T", (history()), {a = 1, b = 2},
        nn.plot {}:line {x = {1, 2}, y = {3, 4}}}
    end
    local function timeless(page) return (page:gsub("<td>[%d.e-]+</td></tr>", "")) end
    assert.equal(timeless(again()), timeless(again()))
    assert.matches("yesterday", make {date = "yesterday", "x"})
    assert.matches(os.date "%Y", (make {date = os.date "%Y", "x"}))
  end)

  it("have the numbers behind curves, thinned where they are many", function()
    local page = make {nn.plot {xlabel = "n"}:line {long = nn.range(1, 5000), odd = {1, 0 / 0, 3}}}
    local json = page:match '<script type="application/json">(.-)</script>'
    assert.is_true(select(2, json:gsub(",", "")) < 1100)
    assert.truthy(json:find("null", 1, true))
    assert.truthy(page:find("200 of 5000 rows", 1, true))
    assert.truthy(page:find("5000 points from 1 to 5000", 1, true))
  end)

  it("draw what experiments return", function()
    local function gd(params) return nn.optim.SGD(params, {lr = 0.001}) end
    local page = check(make {nn.race {f = nn.functions.beale, start = {1, 1}, steps = 5,
      optimizers = {gd = gd}}})
    assert.truthy(page:find('data-series="gd"', 1, true))
    assert.truthy(page:find("<pre>", 1, true))
  end)

  it("say what is wrong and leave no file behind", function()
    local path = os.tmpname()
    os.remove(path)
    assert.matches("report: item 2 is nil", text(nn.report, path, {"a", nil, "b"}))
    assert.matches("report: item 1: a report holds texts", text(nn.report, path, {print}))
    assert.matches("report: there is no option 'titel'; did you mean 'title'",
      text(nn.report, path, {titel = "x"}))
    assert.matches("report: the path must be a string", text(nn.report, 3, {}))
    assert.matches("report: expected a list", text(nn.report, path, "text"))
    assert.matches("must return a picture, got 3", text(nn.report, path, {
      setmetatable({}, {__index = {picture = function() return 3 end}})}))
    assert.is_nil(io.open(path))
    assert.matches("report: .*not written", text(nn.report, "/nonexistent/x.html", {"a"}))
  end)
end)
