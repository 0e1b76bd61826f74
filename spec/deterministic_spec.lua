-- nn.deterministic(true): the same bits with one, two and three threads.
local nn = require "nn"

describe("nn.deterministic", function()
  local threads

  before_each(function() threads = nn.threads() end)
  after_each(function()
    nn.deterministic(false)
    nn.threads(threads)
  end)

  local function exact(number)
    return ("%a "):format(number:item())
  end

  -- The losses, then every weight, after a few steps; all sizes above the grain of the threads.
  local function trained(make, x, y, loss)
    nn.seed(3)
    local model = make()
    local history = nn.fit(model, nn.data.tensors(x, y), {loss = loss, epochs = 2, batch_size = 256,
      optimizer = nn.optim.Adam(model:parameters(), {lr = 1e-3}), progress = false})
    local parts = {}
    for _, record in ipairs(history) do parts[#parts + 1] = ("%a"):format(record.loss) end
    for _, p in ipairs(model:parameters()) do
      local flat = p:detach():reshape{-1}
      parts[#parts + 1] = exact(flat:sum()) .. exact(flat:cumsum(1):sum()) .. exact(flat:norm())
    end
    return table.concat(parts, "\n")
  end

  local function same_for_threads(make, x, y, loss)
    nn.deterministic(true)
    local first
    for n = 1, 3 do
      nn.threads(n)
      local now = trained(make, x, y, loss)
      first = first or now
      assert.equal(first, now, ("with %d threads"):format(n))
    end
  end

  it("holds for wide layers, whose products BLAS would share out", function()
    nn.seed(1)
    same_for_threads(function()
      return nn.Sequential{nn.Linear(300, 400), nn.ReLU(), nn.Dropout(0.2), nn.Linear(400, 300),
        nn.BatchNorm1d(300), nn.Tanh(), nn.Linear(300, 10)}
    end, nn.rand(512, 300), nn.randint(1, 10, {512}), nn.CrossEntropyLoss())
  end)

  it("holds for convolutions", function()
    nn.seed(1)
    same_for_threads(function()
      return nn.Sequential{nn.Conv2d(1, 8, 3, {padding = 1}), nn.BatchNorm2d(8), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 36, 10)}
    end, nn.rand(512, 1, 16, 16), nn.randint(1, 10, {512}), nn.CrossEntropyLoss())
  end)

  it("holds for sums, products and reductions of many numbers", function()
    nn.seed(1)
    local x, a, b = nn.rand(700, 700), nn.rand(300, 900), nn.rand(900, 400)
    local function all()
      local c = a:matmul(b)
      local wide = a:to("float64"):matmul(b:to("float64"))
      local parts = {}
      for i, number in ipairs{x:sum(), x:std(), x:norm(), c:sum(), wide:sum(), x:exp():mean(),
          x:softmax(-1):max(), x:cumsum(1):sum()} do
        parts[i] = exact(number)
      end
      return table.concat(parts)
    end
    nn.deterministic(true)
    nn.threads(1)
    local first = all()
    for n = 2, 3 do
      nn.threads(n)
      assert.equal(first, all())
    end
  end)

  it("is asked, and refuses what is no answer", function()
    assert.is_false(nn.deterministic())
    assert.is_true(nn.deterministic(true))
    assert.is_true(nn.deterministic())
    assert.matches("BLAS 1", nn.version().threads)
    assert.is_false(nn.deterministic(false))
    assert.error_matches(function() nn.deterministic(1) end, "wants true or false, got 1")
  end)
end)
