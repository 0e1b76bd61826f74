-- optim_spec.lua: optimizers as scripts use them: options, conventions, closures, state, words,
-- clipping, least squares. (Their mathematics is held to traces in tests/test_optim_traces.c.)

local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^.-optim_spec%.lua:%d+: ", ""))
end

local function leaf(values)
  return nn.tensor(values, {dtype = "float64", requires_grad = true})
end

-- Two parameters and a loss of them.
local function bowl()
  local w, b = leaf {{3, -2}, {0.5, 1}}, leaf {1, -1}
  local function loss() return w:square():sum() + (b * b):sum() * 3 end
  return {w, b}, loss
end

local function train(opt, loss, steps)
  local value
  for _ = 1, steps do
    value = opt:step(function()
      opt:zero_grad()
      local l = loss()
      l:backward()
      return l
    end)
  end
  return type(value) == "number" and value or value:item()
end

local names = {}
for name in pairs(nn.optim) do names[#names + 1] = name end
table.sort(names)

-- Options that make each one keep all that it can.
local richest = {
  SGD = {lr = 0.01, momentum = 0.9}, Nesterov = {lr = 0.01}, RandomSearch = {low = -3, high = 3},
  RMSprop = {momentum = 0.5, centered = true}, Adam = {amsgrad = true}, AdamW = {amsgrad = true},
  LBFGS = {max_iter = 2, history = 3},
}

describe("optimizers", function()
  it("are all there", function()
    assert.same({
      "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "Lion", "NAdam", "Nesterov",
      "RAdam", "RMSprop", "RandomSearch", "Rprop", "SGD",
    }, names)
  end)

  it("lower a loss", function()
    for _, name in ipairs(names) do
      local params, loss = bowl()
      local opt = nn.optim[name](params, richest[name])
      local first = loss():item()
      train(opt, loss, 30)
      assert.is_true(loss():item() < first, name)
    end
  end)

  it("refuse hyper-parameters that make no sense", function()
    local params = bowl()
    local bad = {
      SGD = {{momentum = 1}, {momentum = -0.1}, {lr = 1e9}, {dampening = 2}, {weight_decay = -1}},
      Adam = {{betas = {0.9, 1}}, {betas = {0.9}}, {eps = -1}, {lr = "big"}, {l1 = 0 / 0}},
      RMSprop = {{alpha = 1}, {eps = math.huge}},
      Rprop = {{etas = {1.2, 0.5}}, {step_sizes = {2, 1}}},
      LBFGS = {{history = 0}, {line_search = "x"}, {max_iter = 1.5}, {weight_decay = 1}},
      RandomSearch = {{low = 2, high = 1}, {lr = 1}}, Adagrad = {{lr_decay = -1}},
      Adadelta = {{rho = 1}}, Nesterov = {{momentum = 1}}, Lion = {{betas = {2, 0}}},
      AdamW = {{convention = "torch7"}}, NAdam = {{momentum_decay = -1}},
    }
    for name, list in pairs(bad) do
      for _, options in ipairs(list) do
        assert.matches("^" .. name .. ": ", text(nn.optim[name], params, options))
      end
    end
    assert.matches("takes one list of parameters", text(nn.optim.LBFGS,
      {{params = {params[1]}}, {params = {params[2]}}}))
    assert.matches('knows no dampening', text(nn.optim.SGD, params,
      {convention = "keras", momentum = 0.5, dampening = 0.1}))
  end)

  it("change an option in all groups or in none", function()
    local params = bowl()
    local opt = nn.optim.SGD({
      {params = {params[1]}, momentum = 0.5},
      {params = {params[2]}, momentum = 0.5, nesterov = true},
    })
    assert.matches("nesterov needs", text(function() opt.momentum = 0 end))
    assert.same({0.5, 0.5}, {opt:groups()[1].momentum, opt:groups()[2].momentum})
    opt:groups()[1].momentum = 0
    assert.same({0, 0.5}, {opt:groups()[1].momentum, opt:groups()[2].momentum})
    assert.matches("did you mean 'momentum'", text(function() opt:groups()[1].momentun = 0 end))
    local seen = {}
    for name, value in pairs(opt:groups()[2]) do seen[name] = value end
    assert.equal(params[2], seen.params[1])
    assert.equal(true, seen.nesterov)
  end)
end)

describe("conventions", function()
  local params = bowl()

  it("choose the defaults of options that were not given", function()
    local O = nn.optim
    assert.equal('RMSprop{lr = 0.001, convention = "keras"}',
      tostring(O.RMSprop(params, {convention = "keras"})))
    local keras = O.RMSprop(params, {convention = "keras", eps = 1e-3})
    assert.same({0.001, 0.9, 1e-3}, {keras.lr, keras.alpha, keras.eps})
    assert.equal(0.1, O.Adagrad(params, {convention = "keras"}).initial_accumulator_value)
    assert.equal(0.01, O.Adagrad(params).lr)
    assert.equal(0.5, O.SGD(params, {convention = "torch7", momentum = 0.5}).dampening)
    assert.equal(0,
      O.SGD(params, {convention = "torch7", momentum = 0.5, dampening = 0}).dampening)
    assert.equal(1, O.NAdam(params, {convention = "keras"}).momentum_decay)
    local groups = O.SGD({{params = {params[1]}}, {params = {params[2]}, convention = "pytorch"}},
      {convention = "keras"}):groups()
    assert.same({0.01, 0.001}, {groups[1].lr, groups[2].lr})
    assert.matches('must be one of "pytorch"', text(O.Adam, params, {convention = "jax"}))
    assert.matches("must be one of", text(O.Adam, params, {convention = 3}))
  end)

  it("give Keras's documented step of RMSprop", function()
    local w = leaf {10}
    local opt = nn.optim.RMSprop({w}, {lr = 0.1, convention = "keras"})
    ;(w * w / 2):sum():backward()
    opt:step()
    assert.near(9.683772, w[1]:item(), 1e-6)
  end)
end)

describe("closures", function()
  it("drive L-BFGS to the bottom of Rosenbrock's valley", function()
    local w, count = leaf {-1.2, 1}, 0
    local opt = nn.optim.LBFGS {w}
    local function f() return (1 - w[1]) ^ 2 + 100 * (w[2] - w[1] ^ 2) ^ 2 end
    repeat
      opt:step(function()
        count = count + 1
        opt:zero_grad()
        local l = f()
        l:backward()
        return l
      end)
    until f():item() < 1e-12 or count > 60
    assert.is_true(f():item() < 1e-12 and count < 60)
    assert.equal(count, opt:state().globals.evaluations)
  end)

  it("are needed by those that say so", function()
    for _, name in ipairs(names) do
      local params, loss = bowl()
      local opt = nn.optim[name](params)
      local wants = name == "LBFGS" or name == "Nesterov" or name == "RandomSearch"
      assert.equal(wants, opt:needs_closure())
      loss():backward()
      if wants then assert.matches("step needs a closure", text(opt.step, opt)) else opt:step() end
    end
  end)

  it("may fail, and nothing has changed", function()
    for _, name in ipairs {"LBFGS", "Nesterov", "RandomSearch"} do
      local params, loss = bowl()
      local opt = nn.optim[name](params)
      train(opt, loss, 2)
      local before, calls = params[1]:detach():clone(), 0
      local what = {}
      local ok, err = pcall(opt.step, opt, function() error(what) end)
      assert.is_false(ok)
      assert.equal(what, err)
      assert.is_true(nn.equal(before, params[1]:detach()))
      pcall(opt.step, opt, function() -- the second evaluation of L-BFGS fails
        calls = calls + 1
        if calls > 1 then error "later" end
        opt:zero_grad()
        local l = loss()
        l:backward()
        return l
      end)
      if name == "LBFGS" then assert.is_true(nn.equal(before, params[1]:detach())) end
      train(opt, loss, 2)
      assert.matches("must return the loss", text(opt.step, opt, function() end))
      assert.matches("inside the closure of a step", text(opt.step, opt, function()
        opt:step(function() return 1 end)
      end))
      assert.matches("not inside the closure", text(opt.step, opt, function()
        opt:load_state(opt:state())
      end))
      before = params[1]:detach():clone()
      opt:step(function() return 0 / 0 end)
      assert.is_true(nn.equal(before, params[1]:detach()))
    end
  end)

  it("survive an optimizer that is released inside", function()
    local params, loss = bowl()
    local opt = nn.optim.LBFGS(params)
    assert.is_false(pcall(opt.step, opt, function()
      local _ <close> = opt
      local l = loss()
      l:backward()
      return l
    end) and pcall(opt.step, opt, loss))
    collectgarbage()
  end)

  it("leave frozen parameters alone", function()
    for _, name in ipairs {"LBFGS", "Nesterov", "RandomSearch"} do
      local params, loss = bowl()
      local opt = nn.optim[name](params)
      params[2]:requires_grad_(false)
      local before = params[2]:clone()
      train(opt, loss, 3)
      assert.is_true(nn.equal(before, params[2]), name)
    end
  end)

  it("are made by nn.fit", function()
    local line = nn.data.line()
    local model = nn.Linear(1, 1)
    nn.fit(model, line, {
      loss = nn.MSELoss(), optimizer = nn.optim.LBFGS(model:parameters()), epochs = 3,
      batch_size = 7,
    })
    assert.near(0.335593220338983, model.weight:item(), 1e-4)
    assert.near(0.8047215496368041, model.bias:item(), 1e-4)
  end)
end)

describe("state", function()
  it("goes on exactly, for every optimizer", function()
    for _, name in ipairs(names) do
      local params, loss = bowl()
      local opt = nn.optim[name](params, richest[name])
      train(opt, loss, 5)
      local saved, rng = opt:state(), require "nn.core".rng_state()
      local here = {params[1]:detach():clone(), params[2]:detach():clone()}
      train(opt, loss, 5)
      local others, other_loss = bowl()
      local other = nn.optim[name](others)
      nn.no_grad(function()
        for i = 1, 2 do others[i]:copy_(here[i]) end
      end)
      other:load_state(saved)
      require "nn.core".set_rng_state(rng)
      train(other, other_loss, 5)
      for i = 1, 2 do
        assert.is_true(nn.equal(params[i]:detach(), others[i]:detach()), name)
      end
      assert.equal("integer", math.type(saved.params[1].steps))
    end
  end)

  it("is a copy, and clears what it does not have", function()
    local params, loss = bowl()
    local opt = nn.optim.SGD(params, {lr = 0.01})
    local fresh = opt:state()
    opt.momentum = 0.9
    train(opt, loss, 2)
    local saved = opt:state()
    assert.is_true(saved.params[1].momentum:abs():sum():item() > 0)
    opt:load_state(fresh)
    assert.equal(0, opt.momentum)
    assert.equal(0, opt:_slots()[1].momentum:abs():sum():item())
    assert.is_true(saved.params[1].momentum:abs():sum():item() > 0)
  end)

  it("that does not fit is refused whole, with all that is wrong", function()
    local params, loss = bowl()
    local opt = nn.optim.Adam({{params = {params[1]}}, {params = {params[2]}}}, {lr = 0.1})
    train(opt, loss, 2)
    local before, saved = opt:state(), opt:state()
    saved.params[1].m = nn.zeros({2, 2})
    saved.params[1].v = nil
    saved.params[1].extra = 1
    saved.params[2].steps = 1.5
    saved.params[2].v = nn.zeros({3}, {dtype = "float64"})
    saved.groups[1].lr = -1
    saved.groups[1].betas = nil
    saved.groups[2].params = {1}
    saved.globals.more = 1
    local err = text(opt.load_state, opt, saved)
    for _, part in ipairs {
      "params[1].m: a float32 tensor of 2x2, must be a float64 tensor of 2x2",
      "missing: params[1].v",
      "not in this optimizer: params[1].extra", "params[2].steps: 1.5",
      "params[2].v: a float64 tensor of 3, must be a float64 tensor of 2",
      "groups[1]: Adam: 'lr' must be", "missing: groups[1].betas",
      "groups[2].params: {1}, must be {2}",
      "not in this optimizer: globals.more",
    } do
      assert.truthy(err:find(part, 1, true), part .. "\n" .. err)
    end
    assert.same(before.groups, opt:state().groups)
    assert.is_true(nn.equal(before.params[1].m, opt:state().params[1].m))
    assert.matches('optimizer: the string "Adam", must be "SGD"',
      text(nn.optim.SGD(params).load_state, nn.optim.SGD(params), before))
    for _, junk in ipairs {3, {}, {optimizer = "Adam"}, {optimizer = "Adam", groups = {1, 2},
      params = {1, 2}, globals = 7}} do
      assert.is_false(pcall(opt.load_state, opt, junk))
    end
    local lbfgs = nn.optim.LBFGS(params)
    saved = lbfgs:state()
    saved.globals.pairs = 1000000
    assert.is_false(pcall(lbfgs.load_state, lbfgs, saved))
  end)
end)

describe("words", function()
  it("show the update with its numbers", function()
    local params = bowl()
    assert.equal("g = dJ/dw + 0.1 w (not for biases)\nz = 0.9 z + g\nw = w - 0.05 z",
      nn.optim.SGD(params, {lr = 0.05, momentum = 0.9, weight_decay = 0.1, decay_bias = false})
        :formula())
    assert.matches("diverges along curvatures above 2.11111",
      nn.optim.Nesterov(params, {convention = "chapter"}):formula())
    for _, name in ipairs(names) do
      assert.matches("w = ", nn.optim[name](params, richest[name]):formula())
    end
    local two = nn.optim.Adagrad({{params = {params[1]}}, {params = {params[2]}, lr = 0.5}})
    assert.matches("group 1 %(1 parameter%):\n.*group 2 .*w = w %- 0.5 g", two:formula())
  end)

  it("tell the last step of one weight", function()
    local params, loss = bowl()
    local opt = nn.optim.Adam(params, {lr = 0.1, weight_decay = 0.2})
    train(opt, loss, 3)
    local before = params[1][2][1]:item()
    train(opt, loss, 1)
    local story = opt:explain(params[1], {2, 1})
    assert.near(before, story.before, 1e-14)
    assert.equal(params[1][2][1]:item(), story.weight)
    assert.near(story.weight - before, story.step, 1e-14)
    assert.equal(4, story.steps)
    assert.near(2 * before, story.gradient, 1e-14)
    assert.near(2.2 * before, story.entered, 1e-13)
    assert.equal(opt:state().params[1].m[2][1], story.slots.m)
    assert.matches("^Adam, step 4, parameter 1%[2, 1%]\n", tostring(story))
    assert.matches("index of a weight", text(opt.explain, opt, params[1], 1))
    assert.matches("index 3 is not in 1..2", text(opt.explain, opt, params[1], {3, 1}))
    assert.matches("no parameter", text(opt.explain, opt, leaf {1}, 1))
    loss():backward()
    assert.matches("computed anew", text(opt.explain, opt, params[1], {2, 1}))
    local fresh = nn.optim.SGD(params)
    assert.matches("no step yet", text(fresh.explain, fresh, params[2], -1))
  end)
end)

describe("gradients", function()
  it("are clipped to the threshold, not to 1", function()
    local params, loss = bowl()
    loss():backward()
    local norm = 0
    for _, p in ipairs(params) do norm = norm + p.grad:square():sum():item() end
    norm = norm ^ 0.5
    assert.near(norm, nn.clip_grad_norm(params, 1e6), 1e-12)
    assert.near(norm, nn.clip_grad_norm(params, 3), 1e-12)
    assert.near(3, nn.clip_grad_norm(params, 5), 1e-12)
    assert.near(3, nn.clip_grad_norm({params[1], params[2], params[1]}, 5), 1e-12)
    local largest = nn.clip_grad_norm(params, 100, {norm_type = math.huge})
    assert.near(largest, params[1].grad:abs():reshape(4)[1], 1e-12)
    local sum = params[1].grad:abs():sum():item() + params[2].grad:abs():sum():item()
    assert.near(sum, nn.clip_grad_norm(params, 100, {norm_type = 1}), 1e-12)
    nn.clip_grad_value(params, 0.5)
    assert.same({0.5, -0.5}, params[1].grad[1]:totable())
  end)

  it("that are not finite stay, and the norm says so", function()
    local w = leaf {1, 2}
    ;(w * nn.tensor({math.huge, 1}, {dtype = "float64"})):sum():backward()
    assert.equal(math.huge, nn.clip_grad_norm(w, 1))
    assert.same({math.huge, 1}, w.grad:totable())
    assert.matches("is inf; they are unchanged",
      text(nn.clip_grad_norm, w, 1, {error_if_nonfinite = true}))
    assert.matches("above 0, got 0", text(nn.clip_grad_norm, w, 0))
    assert.matches("a tensor or a list", text(nn.clip_grad_value, {3}, 1))
    assert.equal(0, nn.clip_grad_norm({leaf {1}}, 1))
  end)
end)

describe("nn.ols", function()
  local x = nn.tensor({2.4, 2.8, 3.2, 3.6, 4.0, 4.2, 5.0}, {dtype = "float64"})
  local y = nn.tensor({1.7, 1.85, 1.79, 1.95, 2.1, 2.0, 2.7}, {dtype = "float64"})

  it("gives the chapter's line to 1e-12", function()
    local m, b = nn.ols(x, y)
    assert.near(0.335593220338983, m:item(), 1e-12)
    assert.near(0.8047215496368041, b:item(), 1e-12)
    assert.near(0.01805188516084405, (m * x + b - y):square():mean():item(), 1e-12)
    local w, c = nn.ols(x:view(7, 1), y:view(7, 1))
    assert.same({1, 1}, w.shape)
    assert.same({1}, c.shape)
    local data = nn.data.line()
    local m32 = nn.ols(data.x, data.y)
    assert.equal("float32", m32:dtype())
    assert.near(0.3355932, m32:item(), 1e-6)
  end)

  it("fits several columns, targets and strides, with and without intercept", function()
    local X = nn.randn(50, 3, {dtype = "float64"})
    local W = nn.tensor({{1, -2}, {0.5, 3}, {4, 0}}, {dtype = "float64"})
    local shift = nn.tensor({5, -7}, {dtype = "float64"})
    local w, b = nn.ols(X:t():contiguous():t(), X:matmul(W) + shift)
    assert.is_true(nn.allclose(w, W, {atol = 1e-12}))
    assert.is_true(nn.allclose(b, shift, {atol = 1e-12}))
    local w0, none = nn.ols(X, X:matmul(W):select(2, 1), {intercept = false})
    assert.is_nil(none)
    assert.is_true(nn.allclose(w0, W:select(2, 1), {atol = 1e-12}))
    local twice = nn.cat({X, X}, 2) -- columns that depend on each other: the shortest solution
    local short = nn.ols(twice, X:matmul(W))
    assert.is_true(nn.allclose(short:narrow(1, 1, 3), W / 2, {atol = 1e-12}))
  end)

  it("says what is wrong", function()
    assert.matches("got 7 and 3", text(nn.ols, x, nn.zeros({3}, {dtype = "float64"})))
    assert.matches("of one floating dtype", text(nn.ols, x, y:to "float32"))
    assert.matches("X has nan in row 2", text(nn.ols, nn.tensor({1, 0 / 0}), nn.tensor({1, 2})))
    assert.matches("must be a tensor, got a table", text(nn.ols, {1, 2}, y))
    assert.matches("no option 'intercep'", text(nn.ols, x, y, {intercep = true}))
  end)
end)
