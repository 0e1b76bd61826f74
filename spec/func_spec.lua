-- func_spec.lua: nn.func, nn.gradcheck, nn.numeric_grad and nn.grad of functions.

local message = dofile("spec/tools.lua").message

local function square()
  return nn.func{
    forward = function(ctx, x, k)
      ctx.x, ctx.k = x, k
      ctx.y = x * x * k
      return ctx.y
    end,
    backward = function(ctx, dy) return dy * ctx.x * 2 * ctx.k end,
  }
end

describe("nn.func", function()
  it("goes forward and backward in Lua, among other operations", function()
    local x = nn.tensor({1, 2, 3}, {requires_grad = true})
    ;(square()(x * 2, 3) + x):sum():backward()
    assert.same({25, 49, 73}, x.grad:totable())
  end)

  it("takes several tensors, and gives nothing where nothing is wanted", function()
    local mul = nn.func{
      forward = function(ctx, a, b) ctx.a, ctx.b = a, b return a * b end,
      backward = function(ctx, dy) return dy * ctx.b end,
    }
    local a = nn.tensor({2, 3}, {requires_grad = true})
    mul(a, nn.tensor{5, 7}):sum():backward()
    assert.same({5, 7}, a.grad:totable())
    local b = nn.tensor({1, 1}, {requires_grad = true})
    assert.matches("backward must return a gradient for tensor 2 of the call, got nil",
      message(function() mul(a, b):sum():backward() end))
  end)

  it("agrees with differences, and is found out when it does not", function()
    assert.is_true(nn.gradcheck(function(x) return square()(x, 2) end, {nn.rand(4)}))
    local wrong = nn.func{
      forward = function(ctx, x) ctx.x = x return x * x end,
      backward = function(ctx, dy) return dy * ctx.x * 3 end,
    }
    local ok, report = nn.gradcheck(wrong, {nn.ones(2, 3)})
    assert.is_nil(ok)
    assert.matches("^input 1%[%d, %d%]: backward says %S+, differences say %S+ " ..
      "%(relative error 0.33%)$", report)
  end)

  it("hands on errors as they are, and leaves all usable", function()
    local err = {}
    local f = nn.func{forward = function(_, x) return x end, backward = function() error(err) end}
    local x = nn.ones({2}, {requires_grad = true})
    local ok, got = pcall(function() f(x):sum():backward() end)
    assert.is_false(ok)
    assert.equal(err, got)
    assert.is_nil(x.grad)
    assert.matches("gradient for tensor 1 must be float32 2, got float32 3", message(function()
      local f3 = nn.func{
        forward = function(_, y) return y end, backward = function() return nn.zeros(3) end,
      }
      f3(x):sum():backward()
    end))
    assert.matches("forward must return a tensor, got 5",
      message(nn.func{forward = function() return 5 end, backward = print}, x))
    assert.matches("'backward' must be a function, got nil", message(nn.func, {forward = print}))
    assert.matches("no option 'foward'", message(nn.func,
      {forward = print, backward = print, foward = print}))
    ;(x * 2):sum():backward()
    assert.same({2, 2}, x.grad:totable())
  end)

  it("works in coroutines and with gradients taken inside", function()
    local x = nn.tensor({3}, {requires_grad = true})
    local inner
    local f = nn.func{
      forward = function(ctx, a) ctx.a = a return a * 1 end,
      backward = function(_, dy)
        local z = nn.tensor(4.0, {requires_grad = true})
        local function y() return z * z end
        -- the flag that turns recording off is not lifted inside
        inner = y().requires_grad
        return dy * 5
      end,
    }
    coroutine.wrap(function() f(x):sum():backward() end)()
    assert.is_false(inner)
    assert.same({5}, x.grad:totable())
  end)

  it("keeps nothing alive that is not used any more", function()
    local f, x = square(), nn.ones({100}, {requires_grad = true})
    -- Tables of ours and the registry grow first, to what they need when everything waits for the
    -- collector at once: how much does wait depends on its pace, so on what the heap holds besides.
    collectgarbage "stop"
    for _ = 1, 20000 do local _ = f(x, 2) end
    collectgarbage "restart"
    collectgarbage()
    collectgarbage()
    local live, heap = nn.memory().live, collectgarbage("count")
    for _ = 1, 20000 do local _ = f(x, 2) end
    collectgarbage()
    collectgarbage()
    assert.is_true(nn.memory().live <= live)
    assert.is_true(collectgarbage("count") - heap < 100) -- 20,000 calls would hold megabytes
  end)
end)

describe("nn.gradcheck", function()
  it("checks modules with their parameters, random streams rewound", function()
    local model = nn.Sequential{nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2)}
    local before = model[1].weight:clone()
    assert.is_true(nn.gradcheck(model, {nn.rand(2, 3)}))
    assert.same(before:totable(), model[1].weight:totable())
    assert.equal("float32", model[1].weight:dtype())
  end)

  it("leaves integer inputs alone", function()
    local loss = nn.CrossEntropyLoss()
    local labels = nn.tensor({1, 3}, {dtype = "int64"})
    assert.is_true(nn.gradcheck(function(x, y) return loss(x, y) end, {nn.randn(2, 3), labels}))
  end)

  it("says what it wants", function()
    assert.matches("wants a function or a module, got 5", message(nn.gradcheck, 5, {}))
    assert.matches("input 1 must be a tensor, got 2", message(nn.gradcheck, print, {2}))
  end)
end)

describe("nn.numeric_grad", function()
  it("is the slow way itself", function()
    local x = nn.tensor{{1, 2}, {3, 4}}
    local g = nn.numeric_grad(function(t) return (t * t):sum() end, x)
    for i, want in ipairs{2, 4, 6, 8} do assert.near(want, g:view(-1)[i], 1e-7) end
    assert.same({2, 2}, g.shape)
    assert.same({{1, 2}, {3, 4}}, x:totable())
  end)
end)

describe("nn.grad of a function", function()
  it("takes numbers and gives numbers", function()
    local g, value = nn.grad(function(a, b) return a * a * b end, {2, 3})
    assert.same({12, 4}, g)
    assert.equal(12, value)
  end)

  it("takes tensors, without touching their own gradients", function()
    local x = nn.tensor({1, 2}, {requires_grad = true})
    local g, value = nn.grad(function(t) return (t * t):sum() end, {x})
    assert.same({2, 4}, g[1]:totable())
    assert.equal(5, value:item())
    assert.is_nil(x.grad)
  end)
end)
