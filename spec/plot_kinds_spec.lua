-- plot_kinds_spec.lua: fields, pictures, classifiers, runs, paths and their animation, other
-- formats.
local check_xml = dofile "spec/xml.lua"
local tools = dofile "spec/file_tools.lua"
local text, read = tools.text, tools.read

-- A path that is gone after the test.
local function fresh(ending)
  local path, drop = tools.temporary(ending)
  finally(drop)
  return path
end

local function svg(p) return check_xml(p:svg()) end
local function count(s, pattern)
  return select(2, s:gsub(pattern, ""))
end
local square = {xrange = {-1, 1}, yrange = {-1, 1}}
local function bowl(x, y) return x * x + y * y end

describe("contours", function()
  it("are drawn at levels, those of a bowl spaced logarithmically", function()
    local p = nn.plot {xrange = {-2, 2}, yrange = {-2, 2}}:contour(bowl, {levels = 5})
    svg(p)
    local layer = p.layers[1]
    assert.is_true(layer.heights.log)
    local linear = nn.plot {xrange = {-2, 2}, yrange = {-2, 2}}:contour(bowl, {zlog = false})
    svg(linear)
    assert.is_false(linear.layers[1].heights.log)
    local some = svg(nn.plot(square):contour(bowl, {levels = {0.25}, color = "#123456"}))
    assert.equal(1, count(some, 'stroke="#123456"'))
  end)
  it("take tensors, coordinates and functions of other layers' ranges", function()
    local z = nn.tensor {{0, 0, 0}, {0, 1, 0}, {0, 0, 0}}
    svg(nn.plot {}:contour(z))
    svg(nn.plot {}:contour {x = {0, 1, 10}, y = {0, 1, 2}, z = z})
    svg(nn.plot {}:contour(z, {filled = true}))
    svg(nn.plot {}:contour(bowl):scatter {{0, 0}, {2, 3}})
    local f = setmetatable({range = {{-1, 1}, {-2, 2}}}, {__call = function(_, x, y)
      return bowl(x, y)
    end})
    svg(nn.plot {}:contour(f))
    svg(nn.plot {xlog = true, xrange = {0.1, 10}, yrange = {0, 1}}:contour(bowl))
  end)
  it("pass over what is not finite", function()
    local function holed(x, y) return x > 0.5 and 0 / 0 or y > 0.5 and 1 / 0 or x + y end
    for _, filled in ipairs {true, false} do
      local s = svg(nn.plot(square):contour(holed, {filled = filled}))
      assert.is_nil(s:find "nan")
      svg(nn.plot(square):contour(function() return 0 / 0 end, {filled = filled}))
      svg(nn.plot(square):contour(function() return 3 end, {filled = filled}))
      svg(nn.plot(square):contour(function() return 1 / 0 end, {filled = filled}))
    end
  end)
  it("say what is wrong", function()
    local p = nn.plot {}
    assert.matches("contour: say where the function is to be drawn", text(function()
      return nn.plot {}:contour(bowl):svg()
    end))
    assert.matches("levels' is how many", text(p.contour, p, bowl, {levels = 0}))
    assert.matches("levels' is how many", text(p.contour, p, bowl, {levels = "many"}))
    assert.matches("expected a 2%-d tensor", text(p.contour, p, nn.zeros(3)))
    assert.matches("expected a 2%-d tensor", text(p.contour, p, 3))
    assert.matches("x must be rising", text(p.contour, p, {x = {2, 1}, y = {1, 2}, z = nn.eye(2)}))
    assert.matches("y has 1 numbers; z needs 2",
      text(p.contour, p, {x = {1, 2}, y = {1}, z = nn.eye(2)}))
    assert.matches("f%(%-1, %-1%) must give a number, got nil", text(function()
      return nn.plot(square):contour(function() end):svg()
    end))
    assert.matches("my own", text(function()
      return nn.plot(square):contour(function() error "my own" end):svg()
    end))
  end)
end)

describe("heat maps and surfaces", function()
  it("show each cell, with its number where there are few", function()
    local s = svg(nn.plot {}:heatmap(nn.tensor {{1, 2}, {3, 0 / 0}}))
    for _, v in ipairs {">1<", ">2<", ">3<"} do assert.truthy(s:find(v, 1, true)) end
    assert.truthy(s:find("#c9c9c9", 1, true))
    assert.is_nil(svg(nn.plot {}:heatmap({{7, 8}}, {values = false})):find(">7<", 1, true))
    local big = svg(nn.plot {}:heatmap(nn.rand(80, 90)))
    assert.truthy(big:find("data:image/png;base64,", 1, true))
    assert.is_true(#svg(nn.plot {}:heatmap(nn.zeros(3000, 2000))) < 100000)
    svg(nn.plot(square):heatmap(bowl))
    assert.matches("there is no ramp 'virids'; did you mean 'viridis'",
      text(nn.plot {}.heatmap, nn.plot {}, nn.eye(2), {colors = "virids"}))
    assert.matches("zrange' is {from, to}", text(function()
      return nn.plot {}:heatmap(nn.eye(2), {zrange = {2, 1}}):svg()
    end))
  end)
  it("are seen from aside, faces from the back to the front", function()
    local s = svg(nn.plot(square):surface(bowl, {points = 10}))
    assert.equal(81, count(s, '<path d="[^"]*z" fill="#%x+"/>'))
    svg(nn.plot {}:surface(nn.tensor {{0, 0 / 0}, {1, 2}}))
    assert.truthy(svg(nn.plot {}:surface(nn.full({2, 2}, 0 / 0))):find(">no data<", 1, true))
    assert.matches("surface: say where", text(nn.plot {}.surface, nn.plot {}, bowl))
    assert.matches("surfaces have a picture for themselves", text(function()
      return nn.plot(square):surface(bowl):line {1, 2}
    end))
    local p = nn.plot(square):line {1, 2}
    assert.matches("nn.plot.grid", text(p.surface, p, bowl))
    assert.equal(1, #p.layers)
    nn.plot(square):surface(bowl):text {unicode = true}
  end)
end)

describe("images", function()
  it("come from tensors, rows of pixels, lists and datasets, with labels", function()
    local s = svg(nn.plot {}:images(nn.rand(3, 4, 5), {labels = {"a", "<b>", 3}}))
    assert.equal(3, count(s, "<image "))
    assert.truthy(s:find("&lt;b&gt;", 1, true))
    assert.equal(2, count(svg(nn.plot {}:images(nn.rand(2, 3, 4, 5))), "<image "))
    assert.equal(4, count(svg(nn.plot {}:images(nn.rand(2, 2, 4, 5))), "<image "))
    assert.equal(7, count(svg(nn.plot {}:images(nn.randn(7, 64))), "<image "))
    assert.equal(2, count(svg(nn.plot {}:images(nn.rand(2, 6), {shape = {2, 3}})), "<image "))
    assert.equal(2, count(svg(nn.plot {}:images {nn.rand(4, 4), nn.rand(4, 4)}), "<image "))
    local digits = svg(nn.plot {}:images(nn.data.digits(), {count = 5}))
    assert.equal(5, count(digits, "<image "))
    assert.truthy(digits:find(">4</text>", 1, true))
    svg(nn.plot {}:images(nn.full({1, 2, 2}, 0 / 0)))
    svg(nn.plot {}:images(nn.full({1, 3, 2, 2}, 1 / 0)))
    nn.plot {}:images(nn.rand(30, 8, 8)):text {unicode = true, color = "true"}
    assert.matches("expected pictures", text(nn.plot {}.images, nn.plot {}, nn.zeros(0, 2, 2)))
    assert.matches("does not hold pictures of 3x3",
      text(nn.plot {}.images, nn.plot {}, nn.rand(2, 8), {shape = {3, 3}}))
    assert.matches("tensors of one shape",
      text(nn.plot {}.images, nn.plot {}, {nn.rand(2, 2), nn.rand(3, 3)}))
  end)
  it("show mistakes with truth and answer", function()
    local ds = nn.data.digits():subset {1, 2, 3, 4}
    local model = nn.Sequential {nn.Flatten(), nn.Linear(64, 10)}
    model[2].weight:detach():fill_(0)
    model[2].bias:detach():fill_(0)[2] = 1 -- always "1"
    local s = svg(nn.plot {}:mistakes(model, ds))
    for _, label in ipairs {"0 → 1", "2 → 1", "3 → 1"} do
      assert.truthy(s:find(label, 1, true))
    end
    assert.equal(3, count(s, "<image "))
    assert.truthy(svg(nn.plot {}:mistakes(model, ds:subset {2})):find(">no data<", 1, true))
    assert.matches("second argument must be a dataset",
      text(nn.plot {}.mistakes, nn.plot {}, model, 3))
    assert.matches("the model must be", text(nn.plot {}.mistakes, nn.plot {}, 3, ds))
  end)
end)

describe("classifiers", function()
  it("have confusion matrices with all counts", function()
    local s = svg(nn.plot {}:confusion({{11, 2}, {3, 44}}, {classes = {"cat", "<dog>"}}))
    for _, v in ipairs {">11<", ">2<", ">3<", ">44<", ">cat<", "&lt;dog&gt;", ">truth<"} do
      assert.truthy(s:find(v, 1, true), v)
    end
    svg(nn.plot {}:confusion(nn.tensor({{5}}, {dtype = "int64"})))
    svg(nn.plot {}:confusion(nn.zeros(40, 40)))
    assert.matches("square matrix of counts", text(nn.plot {}.confusion, nn.plot {}, nn.ones(2, 3)))
  end)
  it("have boundaries where the scores say", function()
    local ds = nn.data.tensors(nn.tensor {{-1, -1}, {1, 1}, {-1, 1}}, nn.tensor({1, 2, 1},
      {dtype = "int64"}), {classes = {"left", "right"}})
    local function half(x) return nn.stack({-x:select(2, 1), x:select(2, 1)}, 2) end
    local p = nn.plot(square):boundary(half, ds, {points = 20})
    local s = svg(p)
    assert.truthy(s:find(">left<", 1, true) and s:find("<image", 1, true))
    local pixels = p.layers[1].pixels:totable()
    local left, right = pixels[10][3], pixels[10][18]
    assert.is_true(left[3] > left[1] and right[1] > right[3]) -- bluish and reddish
    svg(nn.plot {}:boundary(function(x) return x:select(2, 1) end, ds, {threshold = 0}))
    svg(nn.plot {}:boundary(nn.Linear(2, 3), ds))
    svg(nn.plot {}:boundary(nn.Sequential {nn.Linear(2, 1), nn.Sigmoid()}, ds))
    svg(nn.plot {}:boundary(function(x) return nn.full({#x, 2}, 0 / 0) end, ds))
    local empty = nn.plot {}
    assert.matches("samples of two features",
      text(empty.boundary, empty, half, nn.data.digits():subset {1}))
    assert.matches("must have labels", text(empty.boundary, empty, half,
      nn.data.tensors(nn.zeros(2, 2), nn.zeros(2, 1))))
    assert.matches("a row of scores for each point", text(function()
      return nn.plot {}:boundary(function() return nn.zeros(3, 3) end, ds):svg()
    end))
  end)
end)

describe("runs", function()
  it("have a panel for each measure, with validation and the best epoch", function()
    local model = nn.Linear(1, 1)
    local history = nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 6,
      validation = nn.data.line(), metrics = {"mae"},
      optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}), progress = false})
    local path = fresh ".svg"
    local s = check_xml((nn.plot.history(history, {out = path, title = "run"}):svg()))
    assert.equal(s, read(path))
    os.remove(path)
    assert.equal(2, count(s, 'data%-legend="validation"'))
    assert.truthy(s:find(">mae</text>", 1, true))
    assert.truthy(s:find("best: epoch ", 1, true))
    assert.matches("expected the history", text(nn.plot.history, {1, 2}))
  end)
  it("stand side by side in grids", function()
    local a, b = nn.plot {title = "a"}:line {1, 2}, nn.plot {title = "b"}:bar {1, 2}
    local path = fresh ".svg"
    local g = nn.plot.grid({a, b}, {title = "both", out = path})
    os.remove(path)
    local s = svg(g)
    for _, name in ipairs {"a", "b", "both"} do
      assert.truthy(s:find(">" .. name .. "</text>", 1, true))
    end
    g:text()
    assert.matches("a grid of others", text(g.line, g, {1}))
    assert.matches("expected a list of 1 to 36 pictures", text(nn.plot.grid, {}))
    assert.matches("element 2 must be a picture, nn.plot{}, got 3", text(nn.plot.grid, {a, 3}))
  end)
  it("have straight lines across", function()
    local s = svg(nn.plot {}:line {1, 2, 3}:vline(2, {name = "here"}):hline(2.5))
    assert.truthy(s:find(">here<", 1, true))
    assert.matches("vline: expected a finite number", text(nn.plot {}.vline, nn.plot {}, 0 / 0))
  end)
end)

describe("paths", function()
  local animate = require "nn.plot.animate"
  local ways = {gd = {{1, 1}, {0.5, 0.4}, {0.1, 0}}, wild = {{1, 1}, {-9, 30}, {0 / 0, 1}, {0, 0}},
    still = {{0.5, 0.5}}, none = {}}
  it("end where they leave or stop being numbers", function()
    local s = svg(nn.plot(square):contour(bowl, {filled = true}):paths(ways, {minimum = {0, 0}}))
    assert.is_nil(s:find "nan")
    for _, name in ipairs {"gd", "wild", "still"} do
      assert.truthy(s:find('data-series="' .. name .. '"', 1, true))
    end
    svg(nn.plot {}:paths {})
    nn.plot(square):paths(ways):text {unicode = true, color = true}
  end)
  it("move, all at the same beat, to the same end", function()
    local s = animate.svg("race", bowl, ways, {xrange = {-1, 1}, yrange = {-1, 1}, seconds = 3})
    check_xml(s)
    assert.equal(3, count(s, "<circle "))
    assert.equal(10, count(s, "<animate ")) -- three balls of three, and the clock
    assert.equal(s, animate.svg("race", bowl, ways, {xrange = {-1, 1}, yrange = {-1, 1},
      seconds = 3}))
    local lengths = {}
    for values in s:gmatch 'values="([^"]*)"' do
      lengths[select(2, values:gsub(";", ""))] = true
    end
    assert.is_nil(next(lengths, (next(lengths))))
    local long = {}
    for i = 1, 5000 do long[i] = {math.cos(i / 50) / i, math.sin(i / 50) / i} end
    assert.is_true(#animate.svg("race", nil, {a = long, b = long}, {}) < 40000)
    local path = fresh ".svg"
    animate.save("race", path, bowl, ways, {xrange = {-1, 1}, yrange = {-1, 1}, seconds = 3})
    assert.equal(s, read(path))
    os.remove(path)
    assert.matches("race: an animation is written as .svg", text(animate.save, "race", "x.png",
      bowl, ways))
    assert.matches("seconds' is 0.1", text(animate.svg, "race", bowl, ways, {seconds = 0}))
  end)
end)

describe("PNG and PDF", function()
  it("have all kinds of things in them", function()
    local p = nn.plot {title = "all <&> \u{e9} \u{4f60}", xlabel = "x", ylabel = "y",
      xrange = {-1, 1}, yrange = {-1, 1}}:contour(bowl, {filled = true}):line {{-1, -1}, {1, 1}}
      :scatter {a = {{0, 0}}, b = {{0.5, 0.5}}, c = {{0, 0.2}}}:paths {d = {{0, 0}, {1, 0}}}
    local png, pdf = fresh ".png", fresh ".PDF"
    p:save(png):save(pdf)
    local bytes = read(png)
    assert.equal("\x89PNG", bytes:sub(1, 4))
    local w, h = (">I4I4"):unpack(bytes, 17)
    assert.same({1280, 840}, {w, h})
    assert.equal("%PDF-", read(pdf):sub(1, 5))
    nn.plot {width = 200, height = 100, scale = 0.5}:images(nn.rand(2, 3, 3)):save(png)
    assert.equal(100, ((">I4"):unpack(read(png), 17)))
    os.remove(png)
    os.remove(pdf)
    assert.matches("picture of 200000 x", text(function()
      nn.plot {width = 10000, height = 100, scale = 20}:save(png)
    end))
    assert.is_nil(io.open(png))
  end)
end)
