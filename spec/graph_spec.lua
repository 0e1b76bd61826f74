-- graph_spec.lua: graphs of gradients as scripts build them: several at once, inside each other,
-- long, and broken off.

describe("graphs", function()
  it("of two models and two optimizers train against each other", function()
    nn.seed(0)
    local maker = nn.Sequential{nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1)}
    local judge = nn.Sequential{nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1), nn.Sigmoid()}
    local make = nn.optim.Adam(maker:parameters(), {lr = 0.01})
    local tell = nn.optim.Adam(judge:parameters(), {lr = 0.01})
    local mse = nn.MSELoss()
    for _ = 1, 300 do
      local real, fake = nn.randn(32, 1) * 0.1 + 3, maker(nn.randn(32, 2))
      tell:zero_grad()
      local d = mse(judge(real), nn.ones(32, 1)) + mse(judge(fake:detach()), nn.zeros(32, 1))
      d:backward()
      assert.is_nil(maker[1].weight.grad)
      tell:step()
      make:zero_grad()
      local before = judge[1].weight:clone()
      -- Through the judge, which has changed since fake was made.
      mse(judge(fake), nn.ones(32, 1)):backward()
      make:step()
      assert.is_true((before - judge[1].weight:detach()):abs():sum():item() == 0)
      maker:zero_grad()
    end
    local mean = maker(nn.randn(500, 2)):mean():item()
    assert.is_true(mean > 2 and mean < 4, "the made numbers have mean " .. mean)
  end)

  it("begin at leaves", function()
    local w = nn.ones({2}, {requires_grad = true})
    assert.is_true(w.is_leaf)
    assert.is_false((w * 2).is_leaf)
    assert.is_true((w * 2):detach().is_leaf)
    assert.is_true(nn.ones(2).is_leaf)
    assert.is_true(nn.no_grad(function() return w * 2 end).is_leaf)
  end)

  it("stand side by side and go backward in either order", function()
    for _, order in ipairs{{1, 2}, {2, 1}} do
      local w = nn.tensor({2, 3}, {requires_grad = true})
      local graphs = {(w * w):sum(), (w * 5):sum()}
      graphs[order[1]]:backward()
      graphs[order[2]]:backward()
      assert.same({9, 11}, w.grad:totable())
    end
  end)

  it("may be retained, and say so when they were not", function()
    local w = nn.tensor({2}, {requires_grad = true})
    local y = (w * w):sum()
    y:backward(nil, {retain = true})
    y:backward()
    assert.same({8}, w.grad:totable())
    assert.is_false(pcall(y.backward, y))
    assert.same({8}, w.grad:totable())
  end)

  it("let go of memory while backward walks back", function()
    local x = nn.rand(1000, 100)
    local w = nn.ones({100}, {requires_grad = true})
    local h = x
    for _ = 1, 100 do h = (h * w):tanh() end -- each keeps 400 kB for backward
    local y = h:sum()
    h = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    local before = nn.memory()
    y:backward()
    local after = nn.memory()
    local given_back = before.live - after.live
    assert.is_true(given_back > 35e6, "backward gave back " .. given_back)
    assert.is_true(after.peak - before.live < 5e6 or after.peak == before.peak)
  end)

  it("may be a hundred thousand nodes long, or be dropped unused", function()
    local w = nn.tensor(1.0, {requires_grad = true})
    local y = w
    for _ = 1, 100000 do y = y + w end
    y:backward()
    assert.equal(100001, w.grad:item())
    y = w
    for _ = 1, 100000 do y = y * w end
    y = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.is_true(nn.memory().live < 20 * 2 ^ 20)
  end)

  it("hold gradients taken inside a forward pass", function()
    local Tilt = nn.Module:extend "Tilt"
    function Tilt:init() self.w = nn.ones({1}, {requires_grad = true}) end
    function Tilt:forward(x)
      local z = x:detach():requires_grad_()
      local slope = nn.grad((z ^ 2):sum(), {z})[1] -- 2 x, a constant here
      return slope * self.w
    end
    local model = nn.Sequential{Tilt(), nn.ReLU()}
    local x = nn.tensor{{1, 2}}
    model(x):sum():backward()
    assert.same({6}, model[1].w.grad:totable())
  end)

  it("survive errors in coroutines and callbacks", function()
    local w = nn.ones({3}, {requires_grad = true})
    local model = nn.Sequential{function(x) return x * w end, function(x)
      if x:sum():item() > 100 then error("too large") end
      return x
    end}
    local co = coroutine.wrap(function()
      for i = 1, 3 do
        local ok = pcall(model, nn.full({3}, i * 20.0))
        coroutine.yield(ok)
      end
    end)
    assert.same({true, false, false}, {co(), co(), co()})
    model(nn.ones(3)):sum():backward()
    assert.same({1, 1, 1}, w.grad:totable())
    -- Yielding across C is Lua's own error, not a crash.
    local yielding = nn.Sequential{function(x) coroutine.yield(1) return x end}
    local ok, err = coroutine.resume(coroutine.create(function() return yielding(nn.ones(1)) end))
    assert.is_false(ok)
    assert.matches("yield across a C%-call boundary", err)
  end)

  it("refuse a value that was changed under them, and only then", function()
    local w = nn.tensor({2, 3}, {requires_grad = true})
    local x = nn.tensor{4, 5}
    local y = (w * x):sum()
    x:add_(1)
    assert.is_false(pcall(y.backward, y))
    local sum = (w + x):sum() -- needs neither value
    x:add_(1)
    sum:backward()
    assert.same({1, 1}, w.grad:totable())
  end)
end)
