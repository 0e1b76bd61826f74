-- init_spec.lua: nn.init: spread, range, structure, stream and refusals.

local function says(text, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.is_truthy(err:find(text, 1, true), err)
end

local function near(want, got, tolerance)
  assert.is_true(math.abs(want - got) <= tolerance, ("%g, wanted %g"):format(got, want))
end

-- Mean, standard deviation and largest of what an initialiser makes of out x in.
local function spread(name, options, shape)
  local t = nn.zeros(shape or {300, 200})
  assert.equal(t, nn.init[name](t, options))
  return t:mean():item(), t:std():item(), t:abs():max():item()
end

describe("nn.init", function()
  it("fills with constants", function()
    local t = nn.zeros(2, 3)
    assert.equal(6, nn.init.ones(t):sum():item())
    assert.equal(3, nn.init.constant(t, 0.5):sum():item())
    assert.equal(-6, nn.init.constant(t, {val = -1}):sum():item())
    assert.equal(0, nn.init.zeros(t):sum():item())
  end)

  it("draws with the spread of the formulas", function()
    local mean, _, most = spread "uniform"
    near(0.5, mean, 0.01)
    near(1, most, 0.001)
    local std
    mean, std = spread("normal", {mean = 2, std = 0.5})
    near(2, mean, 0.01)
    near(0.5, std, 0.01)
    mean, std, most = spread("xavier_uniform", {gain = 2})
    near(0, mean, 0.005)
    near(2 * math.sqrt(2 / 500), std, 0.002)
    near(2 * math.sqrt(6 / 500), most, 0.001)
    near(math.sqrt(2 / 500), select(2, spread "xavier_normal"), 0.002)
    near(math.sqrt(6 / 200), select(3, spread "kaiming_uniform"), 0.001)
    near(math.sqrt(2 / 300), select(2, spread("kaiming_normal",
      {mode = "fan_out", nonlinearity = "relu"})), 0.002)
    near(math.sqrt(1 / 200), select(2, spread("kaiming_normal", {a = 1})), 0.002)
  end)

  it("counts kernels into the fans", function()
    near(math.sqrt(6 / (20 * 9)), select(3, spread("kaiming_uniform", nil, {40, 20, 3, 3})), 0.001)
  end)

  it("knows the gains", function()
    near(5 / 3, nn.init.calculate_gain "tanh", 1e-12)
    near(math.sqrt(2 / 1.04), nn.init.calculate_gain("leaky_relu", 0.2), 1e-12)
    near(1, nn.init.calculate_gain "sigmoid", 0)
    says("did you mean 'relu'", nn.init.calculate_gain, "rellu")
  end)

  it("makes orthonormal rows or columns, and sparse columns", function()
    for _, shape in ipairs{{5, 3}, {3, 5}, {4, 2, 3}} do
      local t = nn.init.orthogonal(nn.zeros(shape, {dtype = "float64"}), {gain = 2})
      local flat = t:reshape(shape[1], -1)
      local square = shape[1] > flat:size(2) and flat:t():matmul(flat) or flat:matmul(flat:t())
      assert.is_true(nn.allclose(square, nn.eye(square:size(1), {dtype = "float64"}) * 4,
        {rtol = 1e-10, atol = 1e-10}))
    end
    local t = nn.init.sparse(nn.ones(10, 4), {sparsity = 0.25})
    assert.same({3, 3, 3, 3}, t:eq(0):sum(1):totable())
  end)

  it("draws from its own stream, in place, of parameters and of views", function()
    local fc = nn.Linear(4, 3)
    local function run()
      nn.seed(5)
      return nn.init.normal(fc.weight):detach():clone()
    end
    local first = run()
    nn.seed(5)
    nn.rand(100)
    assert.is_true(nn.equal(first, nn.init.normal(fc.weight):detach()))
    assert.is_true(fc.weight.requires_grad)
    local t = nn.zeros(4, 3)
    nn.seed(5)
    nn.init.normal(t:t())
    assert.is_true(t:abs():min():item() > 0)
    assert.same({0, 3}, nn.init.orthogonal(nn.zeros(0, 3)).shape)
  end)

  it("refuses what makes no sense", function()
    says("floating tensor", nn.init.zeros, 3)
    says("floating tensor", nn.init.normal, nn.zeros(3, {dtype = "int64"}))
    says("2 dimensions", nn.init.xavier_normal, nn.zeros(3))
    says("fan_in", nn.init.kaiming_normal, nn.zeros(3, 3), {mode = "fan"})
    says("did you mean 'std'", nn.init.normal, nn.zeros(3), {sdt = 1})
    says("negative", nn.init.normal, nn.zeros(3), {std = -1})
    says("empty", nn.init.uniform, nn.zeros(3), {a = 1, b = 0})
    says("sparsity", nn.init.sparse, nn.zeros(3, 3))
    says("number", nn.init.constant, nn.zeros(3))
  end)
end)
