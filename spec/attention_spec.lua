-- attention_spec.lua: MultiheadAttention as scripts see it; its numbers are in layers_golden_spec.

local nn = require "nn"

local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.truthy(err:find("attention_spec.lua", 1, true), err)
  return (err:gsub("^.-:%d+: ", ""))
end

local function mask(rows)
  return nn.tensor(rows, {dtype = "uint8"})
end

describe("MultiheadAttention", function()
  it("has PyTorch's tensors and initial weights", function()
    local m, names = nn.MultiheadAttention(16, 4), {}
    for i, entry in ipairs(m:named_parameters()) do names[i] = entry.name end
    assert.same({"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"}, names)
    assert.same({48, 16}, m.in_proj_weight:size())
    assert.is_true(m.in_proj_weight:abs():max():item() <= math.sqrt(6 / 64))
    assert.is_true(m.in_proj_weight:abs():max():item() > 0.9 * math.sqrt(6 / 64))
    assert.is_true(m.out_proj.weight:abs():max():item() <= 0.25)
    assert.equal(0, m.in_proj_bias:abs():max():item())
    assert.equal(m.out_proj.bias, m["out_proj.bias"])
    assert.is_nil(m.out)
    assert.equal("MultiheadAttention(16, 4, {causal = true})",
      tostring(nn.MultiheadAttention(16, 4, {causal = true})))
  end)

  it("takes x, or q, k and v, which are the same thing where they are one", function()
    local m, x, memory = nn.MultiheadAttention(8, 2), nn.randn(2, 5, 8), nn.randn(2, 3, 8)
    assert.same({2, 5, 8}, m(x):size())
    assert.is_true(nn.equal(m(x), m(x, x, x)))
    assert.is_true(nn.allclose(m(x), m(x, x:clone(), x:clone()), {atol = 1e-6}))
    assert.same({2, 5, 8}, m(x, memory, memory):size())
    assert.same({0, 5, 8}, m(nn.zeros(0, 5, 8)):size())
    assert.same({2, 5, 8}, nn.Sequential {m, nn.Residual(m)}(x):size())
  end)

  it("sees no later step when causal", function()
    local m, x = nn.MultiheadAttention(8, 2, {causal = true}), nn.randn(2, 600, 8)
    local before = m(x):clone()
    x:narrow(2, 501, 100):fill_(3)
    local after = m(x)
    assert.is_true(nn.equal(before:narrow(2, 1, 500), after:narrow(2, 1, 500)))
    assert.is_false(nn.allclose(before:narrow(2, 501, 1), after:narrow(2, 501, 1)))
  end)

  it("ignores masked keys, whatever stands there", function()
    local m, x = nn.MultiheadAttention(8, 2), nn.randn(2, 3, 8)
    local padded = nn.cat({x, nn.full({2, 2, 8}, 1e3)}, 2)
    local hidden = mask {{0, 0, 0, 1, 1}, {0, 0, 0, 1, 1}}
    assert.is_true(nn.allclose(m(x), m(padded, hidden):narrow(2, 1, 3), {atol = 1e-5}))
  end)

  it("gives out_proj's bias where every key is masked, and finite gradients", function()
    local m, x = nn.MultiheadAttention(4, 2), nn.randn(2, 3, 4, {requires_grad = true})
    nn.no_grad(function() m.out_proj.bias:fill_(0.5) end)
    local y = m(x, mask {{1, 1, 1}, {0, 1, 0}})
    assert.equal(0.5, y[1]:min():item())
    assert.equal(0.5, y[1]:max():item())
    y:square():sum():backward()
    assert.equal(0, x.grad[1]:abs():max():item())
    assert.is_true(x.grad:isfinite():all())
    assert.is_true(m.in_proj_weight.grad:isfinite():all())
  end)

  it("stays finite at scores far beyond what exp can take", function()
    local m = nn.MultiheadAttention(4, 1)
    local x = nn.full({1, 3, 4}, 1e15, {requires_grad = true})
    local y = m(x)
    assert.is_true(y:isfinite():all())
    y:sum():backward()
    assert.is_true(x.grad:isfinite():all())
  end)

  it("drops weights in training alone, the same ones for the same seed", function()
    local m, x = nn.MultiheadAttention(8, 2, {dropout = 0.5}), nn.randn(2, 5, 8)
    nn.seed(3)
    local a, b = m(x), m(x)
    nn.seed(3)
    assert.is_true(nn.equal(a, m(x)))
    assert.is_false(nn.equal(a, b))
    m:eval()
    assert.is_true(nn.equal(m(x), m(x)))
  end)

  it("never holds the weights of all heads", function()
    local m, x = nn.MultiheadAttention(16, 8), nn.randn(2, 768, 16)
    local before = nn.memory().peak
    m(x):sum():backward()
    assert.is_true(nn.memory().peak - before < 16e6) -- all of them: 2 x 8 x 768 x 768 x 4 = 38e6
  end)

  it("says what does not fit", function()
    local m = nn.MultiheadAttention(8, 2)
    local x, other = nn.zeros(2, 5, 8), nn.zeros(2, 4, 8)
    local name = "MultiheadAttention(8, 2): "
    assert.equal(name .. "the input must be N x steps x 8, got 2x5x7", text(m, nn.zeros(2, 5, 7)))
    assert.equal(name .. "k and v must have one shape and q's batch of 2, got k 2x5x8 and v 2x4x8",
      text(m, x, x, other))
    assert.truthy(text(m, x, other):find("other keys and values are given as m(q, k, v)", 1, true))
    assert.truthy(text(m, x, other, other, mask {{0, 1}}):find("2x4 of uint8", 1, true))
    assert.truthy(text(m, x, nn.zeros(2, 5)):find("got 2x5 of float32", 1, true))
    assert.truthy(text(m, x:to "float64"):find("the weights are float32", 1, true))
    assert.equal("MultiheadAttention(10, 3): dim must be a multiple of heads, each takes dim / "
      .. "heads", text(nn.MultiheadAttention, 10, 3))
  end)

  it("counts its products in a summary", function()
    local row = nn.MultiheadAttention(8, 2):summary {5, 8}[1]
    assert.equal(4 * 8 * 8 + 4 * 8, row.parameters)
    assert.equal(5 * 4 * 8 * 8 + 2 * 5 * 5 * 8, row.multiply_adds)
  end)
end)
