-- .csv files by nn.save and nn.load, and what a fresh process loads.

local tools = dofile "spec/file_tools.lua"

local message = tools.text
local path, clean_up = tools.temporary ".csv"
local function read() return tools.read(path) end

describe("a .csv file", function()
  teardown(clean_up)

  it("keeps every float of a tensor", function()
    for _, dtype in ipairs {"float32", "float64"} do
      local before = nn.zeros(1):dtype()
      nn.set_default_dtype(dtype)
      local x = nn.randn(50, 3):mul(nn.randn(50, 3):mul(20):exp())
      nn.save(path, x)
      local y, names = nn.load(path)
      nn.set_default_dtype(before)
      assert.equal(dtype, y:dtype())
      assert.truthy(nn.equal(x, y))
      assert.same({"x1", "x2", "x3"}, names)
    end
    nn.save(path, nn.range(1, 6):view(2, 3):t())
    assert.same({{1, 4}, {2, 5}, {3, 6}}, (nn.load(path)):totable())
    nn.save(path, nn.tensor {5.5, 7})
    assert.equal("x\n5.5\n7\n", read())
  end)

  it("keeps what is no finite number", function()
    for _, dtype in ipairs {"float32", "float64"} do
      local before = nn.zeros(1):dtype()
      nn.set_default_dtype(dtype)
      nn.save(path, nn.tensor {{1, -(0 / 0)}, {1 / 0, -1 / 0}, {0 / 0, 2}})
      local y = nn.load(path)
      nn.set_default_dtype(before)
      assert.equal("x1,x2\n1,nan\ninf,-inf\nnan,2\n", read())
      assert.same({{1, 1 / 0, -1 / 0, 2}, {0, 1, 0, 0, 1, 0}},
        {{y[1][1], y[2][1], y[2][2], y[3][2]}, y:isnan():reshape(-1):totable()})
    end
    nn.save(path, {{loss = -(0 / 0), at = 1}})
    assert.equal("at,loss\n1,nan\n", read())
    nn.save(path, nn.tensor {{0 / 0, 1}})
    assert.matches('a number is missing ("nan"); missing = "mean", "drop" or a number says what to '
      .. "do, nonfinite = true keeps it as NaN", message(nn.load, path, {target = false}), nil,
      true)
  end)

  it("has the names that are given", function()
    nn.save(path, nn.ones(1, 2), {columns = {"a", 'b,"c"'}})
    assert.equal('a,"b,""c"""\n1,1\n', read())
    local _, names = nn.load(path)
    assert.same({"a", 'b,"c"'}, names)
  end)

  it("holds a dataset, labels by their names", function()
    local ds = nn.data.digits():subset {3, 1, 2}
    nn.save(path, ds)
    local back = nn.load(path, {target = "y", classes = ds.classes})
    assert.truthy(nn.equal(ds.x:view(3, 64), back.x))
    assert.truthy(nn.equal(ds.y, back.y))
    nn.save(path, nn.data.line())
    back = nn.load(path, {target = "y"})
    assert.truthy(nn.equal(nn.data.line().x, back.x))
    assert.truthy(nn.equal(nn.data.line().y, back.y))
  end)

  it("holds a list of tables", function()
    nn.save(path, {{epoch = 1, loss = 0.5, name = 'a "b"'}, {epoch = 2, ok = true}})
    assert.equal('epoch,loss,name,ok\n1,0.5,"a ""b""",\n2,,,true\n', read())
    nn.save(path, {{b = 1, a = 2}}, {columns = {"b"}})
    assert.equal("b\n1\n", read())
  end)

  it("has a point, whatever the locale", function()
    local before = os.setlocale(nil, "numeric")
    for _, name in ipairs {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"} do
      if os.setlocale(name, "numeric") then break end
    end
    nn.save(path, nn.tensor {0.5})
    local first = read()
    nn.save(path, {{a = 0.5}})
    os.setlocale(before, "numeric")
    assert.equal("x\n0.5\n", first)
    assert.equal("a\n0.5\n", read())
  end)

  it("says what it cannot hold", function()
    assert.equal("save: a .csv file holds a tensor of one or two dimensions, got a float32 tensor "
      .. "of 1x2x3", message(nn.save, path, nn.ones(1, 2, 3)))
    assert.equal("save: a .csv file holds a tensor, a dataset or a list of tables with the same "
      .. "fields, got 5", message(nn.save, path, 5))
    assert.equal("save: row 2 must be a table of named fields, got 5",
      message(nn.save, path, {{a = 1}, 5}))
    assert.equal("save: row 1: a field has a name and holds a text, number or boolean, got a = a "
      .. "table", message(nn.save, path, {{a = {}}}))
    assert.equal("save: 1 names for 2 columns",
      message(nn.save, path, nn.ones(1, 2), {columns = {"a"}}))
  end)
end)

describe("what a crash left beside a file", function()
  it("goes when the file is written the next time, by nn.save", function()
    local gone <close> = assert(io.popen "echo $$")
    local pid = gone:read "l"
    gone:read "a"
    gone:close()
    local file = path:gsub("%.csv$", ".npy")
    local folder, name = file:match "^(.*/)([^/]*)$"
    local function left(text) return ("%s.%s.tmp-%s-%s"):format(folder, name, pid, text) end
    local function is_there(p)
      local f = io.open(p)
      if f then f:close() end
      return f ~= nil
    end
    for _, p in ipairs {left "0123abcd", left "other"} do
      local f = assert(io.open(p, "w"))
      f:close()
      assert(os.execute(("touch -d 2001-01-01 '%s'"):format(p)))
    end
    nn.save(file, nn.ones(2))
    assert.is_false(is_there(left "0123abcd"))
    assert.is_true(is_there(left "other"))
    os.remove(left "other")
    os.remove(file)
  end)
end)

describe("a process that made nothing", function()
  it("loads all that .nn files hold", function()
    local file, script = path .. ".nn", path .. ".lua"
    local model = nn.Sequential {nn.Linear(2, 3), nn.Residual(nn.Linear(3, 3))}
    local opt = nn.optim.Adam(model:parameters(), {lr = 0.25})
    nn.save(file, {schedule = nn.schedule.Step(opt, {step_size = 2}), model = model, opt = opt,
      loss = nn.MSELoss(), ds = nn.data.line(), t = nn.data.Standardize():fit(nn.data.line())})
    local f = assert(io.open(script, "w"))
    f:write(("local t = nn.load %q\n"):format(file),
      "print(t.opt.lr, t.schedule.kind, #t.ds, t.t(t.ds.x):size(1), tostring(t.loss))\n",
      "assert(t.schedule.optimizer == t.opt)\n")
    f:close()
    local nnlua = os.getenv "NNLUA" or "build/nnlua"
    local p = assert(io.popen(nnlua .. " " .. script .. " 2>&1"))
    local out = p:read "a"
    p:close()
    os.remove(file)
    os.remove(script)
    assert.equal("0.25\tStep\t7\t7\tMSELoss()\n", out)
  end)
end)
