-- examples/digits.lua, the first thing that a newcomer runs, as a newcomer runs it.

local nnlua = dofile("spec/tools.lua").nnlua

-- Its output, progress and all, without the timings.
local function run(arguments)
  local f = assert(io.popen(("'%s' examples/digits.lua %s 2>&1"):format(nnlua, arguments)))
  local text = f:read "a"
  assert.is_true(f:close(), text)
  return (text:gsub("  %d+%.%d+ s\n", "\n"))
end

local function accuracy(text)
  return tonumber(text:match "\ntest accuracy: (%d%.%d%d%d%d)\n$")
end

describe("examples/digits.lua", function()
  it("reads at least 97 of 100 digits right, whatever the seed", function()
    local sum = 0
    for seed = 0, 4 do
      local text = run("--seed " .. seed)
      local share = accuracy(text)
      assert.is_true(share >= 0.96, text)
      sum = sum + share
    end
    assert.is_true(sum / 5 >= 0.97)
  end)

  it("prints the same each time: a line an epoch, why it stopped, the test", function()
    local text = run ""
    assert.is_true(accuracy(text) >= 0.97)
    assert.equal(text, run "--seed 0")
    assert.not_equal(text, run "--seed 1")
    local line = "epoch +%d+/60  loss %S+  accuracy %S+  val_loss %S+  val_accuracy %S+\n"
    assert.matches("\n" .. line .. line, text)
    assert.matches("\nstopped by EarlyStopping after %d+ epochs; "
      .. "the weights are those of epoch %d+\n", text)
  end)

  it("is short", function()
    local n = 0
    for _ in io.lines "examples/digits.lua" do n = n + 1 end
    assert.is_true(n < 60)
  end)
end)
