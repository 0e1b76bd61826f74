-- container_spec.lua: Residual, Concat, Parallel, Lambda, and model:summary.

local function says(text, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.is_truthy(err:find(text, 1, true), err)
end

describe("Residual", function()
  it("adds its input", function()
    local m = nn.Residual(nn.Linear(3, 3))
    local x = nn.randn(2, 3)
    assert.is_true(nn.allclose(x + m[1](x), m(x)))
    assert.equal("1.weight", m:named_parameters()[1].name)
    assert.is_true(nn.gradcheck(m:to "float64", {nn.randn({2, 3}, {dtype = "float64"})}))
    says("2x4", nn.Residual(nn.Linear(3, 4)), x)
    says("must be a layer", nn.Residual, 3)
  end)
end)

describe("Concat", function()
  it("joins outputs", function()
    local m = nn.Concat{nn.Linear(3, 2), nn.Identity(), function(x) return x * 2 end}
    assert.same({5, 8}, m(nn.ones(5, 3)).shape)
    assert.same({10, 3}, nn.Concat{nn.Identity(), nn.Identity(), dim = 1}(nn.ones(5, 3)).shape)
    assert.same({10, 3}, nn.Concat{nn.Identity(), nn.Identity(), 1}(nn.ones(5, 3)).shape)
    assert.equal(2, #m:parameters())
    assert.same({5, 8}, m:clone()(nn.ones(5, 3)).shape)
    says("did you mean 'dim'", nn.Concat, {nn.Identity(), dmi = 1})
    says("list of layers", nn.Concat, {})
    says("must be a layer", nn.Concat, {nn.Identity(), "b"})
  end)
end)

describe("Parallel", function()
  it("maps a list", function()
    local m = nn.Parallel{nn.Linear(3, 2), nn.Identity()}
    local y = m{nn.ones(5, 3), nn.ones(5, 4)}
    assert.same({5, 2}, y[1].shape)
    assert.same({5, 4}, y[2].shape)
    says("list of 2 inputs", m, nn.ones(5, 3))
    says("list of 2 inputs", m, {nn.ones(5, 3)})
  end)
end)

describe("Lambda", function()
  it("is a function among layers", function()
    local m = nn.Sequential{nn.Linear(3, 2), nn.Lambda(function(x) return x * 0 end)}
    assert.equal(0, m(nn.ones(4, 3)):abs():sum():item())
    says("a function", nn.Lambda, 3)
  end)
end)

describe("summary", function()
  local Block = nn.Module:extend "Block"
  function Block:init(n)
    self.fc = nn.Linear(n, n)
    self.scale = nn.Parameter(nn.ones(1))
  end
  function Block:forward(x) return x + self.fc(x):relu() * self.scale end

  it("counts 784-15-10", function()
    local m = nn.Sequential{nn.Linear(784, 15), nn.Sigmoid(), nn.Linear(15, 10)}
    local s = m:summary{784}
    assert.equal(11935, s.parameters)
    assert.equal(784 * 15 + 15 * 10, s.multiply_adds)
    assert.equal(3, #s)
    assert.equal("Sequential[3]", s[3].path)
    assert.same({1, 10}, s[3].shape)
    local text = tostring(s)
    for _, part in ipairs{"11,935", "11,775", "Linear(784, 15)", "Nx15", "Sequential[2]"} do
      assert.is_truthy(text:find(part, 1, true), text)
    end
    assert.equal(11935, m:summary().parameters)
    assert.equal(11935, m:summary(784).parameters)
  end)

  it("sees convolutions and modules in modules, and leaves all as it was", function()
    local m = nn.Sequential{nn.Conv2d(1, 4, 3), nn.Dropout(0.5), nn.Flatten(), Block(16),
      nn.Residual(nn.Linear(16, 16))}
    nn.seed(1)
    local before = m:eval()(nn.ones(2, 1, 4, 4)):sum():item()
    m:train()
    local s = m:summary{1, 4, 4}
    assert.equal(m:parameter_count(), s.parameters)
    assert.same({1, 4, 2, 2}, s[1].shape)
    assert.equal(4 * 4 * 9, s[1].multiply_adds)
    local rows = {}
    for _, row in ipairs(s) do rows[row.path] = row.parameters end
    assert.equal(272, rows["Sequential[4].fc"])
    assert.equal(1, rows["Sequential[4]"])
    assert.equal(272, rows["Sequential[5][1]"])
    assert.is_true(m.training and m[2].training)
    assert.equal(before, m:eval()(nn.ones(2, 1, 4, 4)):sum():item())
  end)

  it("counts shared parameters once", function()
    local fc = nn.Linear(4, 4)
    local s = nn.Sequential{fc, nn.ReLU(), fc}:summary{4}
    assert.equal(20, s.parameters)
    assert.equal(32, s.multiply_adds)
  end)

  it("names the path where shapes do not fit", function()
    local m = nn.Sequential{nn.Linear(4, 5), nn.ReLU(), Block(6)}
    says("Sequential[3].fc: Linear(6, 6)", m.summary, m, {4})
    assert.is_true(nn.is_tensor(m[1](nn.ones(1, 4))))
    says("shape of one sample", m.summary, m, {0})
    says("shape of one sample", m.summary, m, "x")
  end)
end)
