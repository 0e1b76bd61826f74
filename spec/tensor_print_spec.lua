-- The text of tensors.

local nn = require "nn"

describe("tostring of a tensor", function()
  it("has a line of dtype and shape, then aligned numbers", function()
    assert.equal("float32 tensor of 2x2\n   1.0000   2.5000\n  -3.0000  10.0000",
      tostring(nn.tensor {{1, 2.5}, {-3, 10}}))
    assert.equal("float64 tensor of 3\n  1  2  3",
      tostring(nn.tensor({1, 2, 3}, {dtype = "float64"})))
    assert.equal("int64 tensor of 2\n  -1  10", tostring(nn.tensor({-1, 10}, {dtype = "int64"})))
    assert.equal("float32 tensor of 1, requires grad\n  5",
      tostring(nn.tensor({5}, {requires_grad = true})))
  end)

  it("is one line for a single number and for nothing", function()
    assert.equal("0.5 (float32)", tostring(nn.tensor(0.5)))
    assert.equal("0.1 (float64)", tostring(nn.tensor(0.1, {dtype = "float64"})))
    assert.equal("7 (int64)", tostring(nn.tensor(7, {dtype = "int64"})))
    assert.equal("nan (float32)", tostring(nn.tensor(0 / 0)))
    assert.equal("float32 tensor of 0x3, empty", tostring(nn.zeros(0, 3)))
    assert.equal("float32 tensor of 3x0, empty", tostring(nn.zeros(3, 0)))
  end)

  it("shows what is not finite, and large and small numbers", function()
    assert.equal("float32 tensor of 4\n   nan   inf  -inf     1",
      tostring(nn.tensor {0 / 0, 1 / 0, -1 / 0, 1}))
    assert.equal("float64 tensor of 2\n  1.0000e+10  2.5000e+00",
      tostring(nn.tensor({1e10, 2.5}, {dtype = "float64"})))
    assert.equal("float64 tensor of 2\n  1.0000e-05  2.0000e-04",
      tostring(nn.tensor({1e-5, 2e-4}, {dtype = "float64"})))
    assert.equal("float32 tensor of 2\n  0.0000  1.5000", tostring(nn.tensor {-1e-9, 1.5}))
  end)

  it("shows slices of more dimensions under their index", function()
    assert.equal("float32 tensor of 2x1x2\n[1]\n  1  1\n[2]\n  1  1", tostring(nn.ones(2, 1, 2)))
    assert.matches("%[1, 1%]\n.*%[1, 2%]\n", tostring(nn.ones(2, 2, 2, 2)))
  end)

  it("shows head and tail of what is large, within a screen", function()
    local x = nn.range(1, 1e6):to("float32"):view(1000, 1000)
    local text = tostring(x)
    assert.matches("^float32 tensor of 1000x1000\n", text)
    assert.matches("\n +1 +2 .* %.%. .* 1000\n", text)
    assert.matches(" 1000000$", text)
    local lines = 0
    for line in text:gmatch "[^\n]+" do
      lines = lines + 1
      assert.is_true(#line <= 100, line)
    end
    assert.is_true(lines <= 22)
    assert.is_true(#tostring(nn.rand(50, 50, 20, 20)) < 20000)
  end)

  it("reads only what it shows", function()
    local x = nn.zeros(3000, 1000)
    local began = nn.time()
    for _ = 1, 20 do tostring(x:t()) end
    assert.is_true(nn.time() - began < 1)
  end)

  it("leaves views and the graph alone", function()
    local x = nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true})
    assert.equal("float32 tensor of 2, requires grad\n  1  3", tostring(x:t()[1]))
    assert.equal("float32 tensor of 2x2, requires grad\n  1  3\n  2  4", tostring(x:t()))
    local y = x:mul(2):sum()
    assert.equal("20 (float32, requires grad)", tostring(y))
    y:backward()
    assert.equal(2, x.grad[1][1])
  end)
end)
