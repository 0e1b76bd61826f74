-- loss_spec.lua: every loss against PyTorch, its refusals, and scores without end.
local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""
local golden = here .. "tests/golden/"
local check = dofile(golden .. "check.lua")
local message = dofile("spec/tools.lua").message

local function says(text, f, ...)
  local err = message(f, ...)
  assert.is_truthy(err:find(text, 1, true), err)
end

local function labels(t)
  return nn.tensor(t, {dtype = "int64"})
end

describe("every loss", function()
  it("agrees with PyTorch, value and gradients", function()
    assert.is_true(check(golden, function(code) return code:find "Loss" end) > 100)
  end)

  it("never broadcasts", function()
    for _, name in ipairs{"MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "BCELoss",
      "BCEWithLogitsLoss", "KLDivLoss", "HingeLoss", "PoissonNLLLoss"} do
      says("32x1", nn[name](), nn.zeros(32, 1), nn.zeros(32))
      says("view", nn[name](), nn.zeros(32, 1), nn.zeros(32))
    end
  end)

  it("is finite at any score", function()
    local x = nn.tensor({1e4, -1e4, 700, -700}, {requires_grad = true})
    local y = nn.BCEWithLogitsLoss{reduction = "none"}(x, nn.tensor{1, 0, 0, 1})
    assert.same({0, 0, 700, 700}, y:totable())
    y:sum():backward()
    assert.same({0, 0, 1, -1}, x.grad:totable())
    local s = nn.tensor({{1e30, -1e30}, {-1e4, 1e4}}, {requires_grad = true})
    local loss = nn.CrossEntropyLoss{reduction = "sum"}(s, labels{1, 2})
    assert.equal(0, loss:item())
    loss:backward()
    assert.same({{0, 0}, {0, 0}}, s.grad:totable())
  end)

  it("counts hinges by hand", function()
    local p = nn.tensor({0.5, -2, 3}, {requires_grad = true})
    local l = nn.HingeLoss{reduction = "none"}(p, nn.tensor{1, 1, -1})
    assert.same({0.5, 3, 4}, l:totable())
    l:sum():backward()
    assert.same({-1, -1, 1}, p.grad:totable())
  end)
end)

describe("labels out of range", function()
  it("are named with row, label, range and cure", function()
    for _, name in ipairs{"CrossEntropyLoss", "NLLLoss"} do
      local err = message(nn[name](), nn.zeros(3, 4), labels{1, 0, 3})
      for _, text in ipairs{"row 2", "is 0", "1..4", "labels:add(1)"} do
        assert.is_truthy(err:find(text, 1, true), err)
      end
      says("is 5", nn[name](), nn.zeros(1, 4), labels{5})
      says("widen the last layer", nn[name](), nn.zeros(1, 4), labels{5})
      says("int64", nn[name](), nn.zeros(2, 4), nn.zeros(2))
      says("N x C", nn[name](), nn.zeros(4), labels{1})
      says("2x3 labels", nn[name](), nn.zeros(2, 4, 3), labels{1, 2})
    end
  end)

  it("are sides for hinge and cosine, parts for the binary ones", function()
    says("2 * target - 1", nn.HingeLoss(), nn.zeros(2), nn.tensor{0, 1})
    says("2 * target - 1", nn.CosineEmbeddingLoss(), nn.zeros(2, 3), nn.zeros(2, 3), labels{0, 1})
    says("BCEWithLogitsLoss", nn.BCELoss(), nn.tensor{2}, nn.tensor{1})
    says("target must be in 0..1", nn.BCEWithLogitsLoss(), nn.tensor{2}, nn.tensor{2})
  end)
end)

describe("numbers as options", function()
  it("are lists or tensors of any length", function()
    local w = {}
    for i = 1, 20 do w[i] = i end
    local loss = nn.CrossEntropyLoss{weight = w}
    assert.same(w, loss.weight)
    assert.same(w, nn.CrossEntropyLoss{weight = nn.tensor(w)}.weight)
    assert.is_nil(nn.CrossEntropyLoss().weight)
    assert.equal("NLLLoss{weight = {1, 2.5}}", tostring(nn.NLLLoss{weight = {1, 2.5}}))
    says("20 numbers", loss, nn.zeros(2, 3), labels{1, 2})
    says("list of other things", nn.NLLLoss, {weight = {1, "a"}})
    says("at least 0", nn.NLLLoss, {weight = {1, -1}})
    says("at least 0", nn.NLLLoss, {weight = {}})
    says("a tensor", nn.NLLLoss, {weight = nn.zeros(2, 2)})
    says("for each column", nn.BCEWithLogitsLoss{pos_weight = {1, 2}}, nn.zeros(2, 3),
      nn.zeros(2, 3))
  end)
end)

describe("losses of three tensors", function()
  it("say which one is missing or wrong", function()
    says("the target must be a tensor", nn.CosineEmbeddingLoss(), nn.zeros(2, 3), nn.zeros(2, 3))
    says("negative must be a tensor", nn.TripletMarginLoss(), nn.zeros(2, 3), nn.zeros(2, 3), 1)
    says("2x4", nn.TripletMarginLoss(), nn.zeros(2, 3), nn.zeros(2, 4), nn.zeros(2, 3))
    says("for each row", nn.CosineEmbeddingLoss(), nn.zeros(2, 3), nn.zeros(2, 3), labels{1})
  end)
end)
