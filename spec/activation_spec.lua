-- activation_spec.lua: activations against PyTorch; noise and shapes.
local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""
local golden = here .. "tests/golden/"
local check = dofile(golden .. "check.lua")

local function says(text, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.is_truthy(err:find(text, 1, true), err)
end

-- PReLU with the given weights, which get the gradient.
local function prelu(x, w)
  local layer = nn.PReLU(w:numel()):to(w:dtype())
  layer.weight = w
  return layer(x)
end

describe("every activation", function()
  it("agrees with PyTorch, value and gradients", function()
    local names = {prelu = prelu}
    local n = check(golden, function(code) return not code:find "Loss" end, names)
    assert.is_true(n > 40)
  end)

  it("keeps NaN and infinities", function()
    local x = nn.tensor{0 / 0, 1 / 0, -1 / 0}
    local limits = {ReLU = 0, LeakyReLU = -1 / 0, ELU = -1, SiLU = 0, GELU = 0, Softplus = 0,
      Hardtanh = -1}
    for name, limit in pairs(limits) do
      local y = nn[name]()(x):totable()
      assert.is_true(y[1] ~= y[1], name)
      assert.equal(name == "Hardtanh" and 1 or 1 / 0, y[2], name)
      assert.equal(limit, y[3], name)
    end
  end)

  it("is small where x is small", function()
    local y = nn.ELU()(nn.tensor({-1e-12}, {dtype = "float64"}))[1]
    assert.is_true(math.abs(y + 1e-12) < 1e-24)
  end)
end)

describe("PReLU", function()
  it("says which dimension has the channels", function()
    says("dimension 2 must be 3", nn.PReLU(3), nn.zeros(2, 4))
    assert.equal(0.25, nn.PReLU().weight:item())
  end)
end)

describe("GaussianNoise", function()
  it("adds noise in training alone, the same with the same seed", function()
    local layer, x = nn.GaussianNoise(0.5), nn.zeros(100, 100)
    nn.seed(3)
    local y = layer(x)
    nn.seed(3)
    assert.is_true(nn.equal(y, layer(x)))
    assert.is_true(math.abs(y:mean():item()) < 0.02)
    assert.is_true(math.abs(y:std():item() - 0.5) < 0.02)
    assert.equal(x, layer:eval()(x))
  end)
end)

describe("Reshape", function()
  it("leaves the batch out", function()
    assert.same({4, 2, 3}, nn.Reshape{2, 3}(nn.zeros(4, 6)).shape)
    assert.same({4, 3, 2}, nn.Reshape(3, -1)(nn.zeros(4, 6)).shape)
    assert.same({0, 3, 2}, nn.Reshape(3, -1)(nn.zeros(0, 6)).shape)
    assert.equal("Reshape{2, 3}", tostring(nn.Reshape{2, 3}))
    says("6 elements", nn.Reshape{4, 2}, nn.zeros(4, 6))
    says("only one", nn.Reshape, {-1, -1})
  end)
end)
