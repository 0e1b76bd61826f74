-- nn.args: a script's own options.

local nn = require "nn"

local defaults = {lr = 0.1, epochs = 10, deep = false, name = "run", hidden_size = 3, bias = true}

local function read(...)
  return nn.args(defaults, {[0] = "train.lua", ...})
end

local function message(...)
  local ok, err = pcall(read, ...)
  assert.is_false(ok)
  return err
end

describe("nn.args", function()
  it("returns the defaults", function()
    assert.same(defaults, read())
    assert.equal("integer", math.type(read().epochs))
  end)

  it("reads each type", function()
    local o = read("--lr", "0.01", "--epochs=20", "--deep", "--no-bias", "--name", "x y",
      "--hidden-size", "-4")
    assert.same({lr = 0.01, epochs = 20, deep = true, bias = false, name = "x y", hidden_size = -4},
      o)
    assert.equal("float", math.type(read("--lr", "1").lr))
    assert.equal(1000, read("--epochs", "1e3").epochs)
    assert.equal("a=b", read("--name=a=b").name)
    assert.equal("", read("--name=").name)
    assert.is_false(read("--deep", "--no-deep").deep)
    assert.is_true(read("--deep=true").deep)
  end)

  it("leaves the rest in the list", function()
    local o = read("a", "--lr", "2", "b", "--", "--c")
    assert.same({"a", "b", "--c"}, table.move(o, 1, #o, 1, {}))
    assert.equal(2.0, o.lr)
  end)

  it("lists the options when one is wrong", function()
    local list = [[

  --bias, --no-bias (default: --bias)
  --deep, --no-deep (default: --no-deep)
  --epochs N (default: 10)
  --hidden_size N (default: 3)
  --lr X (default: 0.1)
  --name TEXT (default: "run")]]
    assert.equal("train.lua: there is no option --epoch; did you mean --epochs?; the options are"
      .. list, (message("--epoch", "3"):gsub("^.-:%d+: ", "")))
    assert.matches("%-%-epochs needs a whole number, got '2.5'; the options are\n",
      message("--epochs", "2.5"))
    assert.matches("%-%-lr needs a number, got 'fast'", message("--lr", "fast"))
    assert.matches("%-%-lr needs a value", message("--lr"))
    assert.matches("%-%-name needs a value", message("--name", "--deep"))
    assert.matches("%-%-deep is true or false, got 'x'", message("--deep=x"))
    assert.matches("the default of 'x' must be a number, a string, true or false, got a table",
      select(2, pcall(nn.args, {x = {}})))
  end)
end)
