-- schedule_spec.lua: learning rates that change: against independent traces, by hand, composed,
-- saved.

local function weights()
  return nn.tensor({{1, 2}, {3, 4}}, {requires_grad = true})
end

local function optimizer(lr)
  return nn.optim.SGD({weights()}, {lr = lr or 0.4})
end

local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  return (err:gsub("^.-schedule_spec%.lua:%d+: ", ""))
end

-- The losses that the traces of ReduceOnPlateau saw.
local function losses(t)
  return 1 / (1 + t) + 0.05 * math.cos(3 * t) + 0.2
end

local function rates_of(opt, s, n)
  local rates = {opt.lr}
  for t = 0, n - 1 do
    s:step(losses(t))
    rates[#rates + 1] = opt.lr
  end
  return rates
end

describe("schedules", function()
  it("follow traces that another program made", function()
    local file = assert(io.open("tests/golden/schedule_traces.txt"))
    local cases = 0
    for line in file:lines() do
      local name, options = line:match "^case (%w+) | ?(.*)$"
      local opt = optimizer()
      local make = assert(load("local nn, opt = ... return {" .. options .. "}"))
      local s = nn.schedule[name](opt, make(nn, opt))
      local wanted = {}
      for number in file:read "l":gmatch "%S+" do wanted[#wanted + 1] = tonumber(number) end
      assert.equal(41, #wanted)
      local ahead = name ~= "ReduceOnPlateau" and s:rates(41)
      for i, got in ipairs(rates_of(opt, s, 40)) do
        local where = ("%s{%s}, step %d"):format(name, options, i - 1)
        assert.near(wanted[i], got, 1e-12, where)
        if ahead then assert.near(wanted[i], ahead[i], 1e-12, where .. " foreseen") end
      end
      cases = cases + 1
    end
    file:close()
    assert.is_true(cases > 20)
  end)

  it("go on from a rate that was set by hand", function()
    local opt = optimizer(0.4)
    local s = nn.schedule.Step(opt, {step_size = 3, gamma = 0.5})
    s:step()
    opt.lr = 0.1
    s:step()
    assert.equal(0.1, opt.lr)
    s:step()
    assert.near(0.05, opt.lr, 1e-15)
    local cosine = nn.schedule.Cosine(optimizer(0.4), {T_max = 10})
    cosine.optimizer.lr = 0.2
    for _ = 1, 5 do cosine:step() end
    assert.near(0.1, cosine.optimizer.lr, 1e-15)
  end)

  it("multiply when there are two", function()
    local opt = optimizer(1)
    local a = nn.schedule.Exponential(opt, {gamma = 0.5})
    local b = nn.schedule.Step(opt, {step_size = 2, gamma = 0.1})
    for _ = 1, 4 do
      a:step()
      b:step()
    end
    assert.near(0.5 ^ 4 * 0.01, opt.lr, 1e-12)
  end)

  it("keep the groups' rates apart", function()
    local opt = nn.optim.SGD({{params = {weights()}, lr = 1}, {params = {weights()}, lr = 0.1}})
    local s = nn.schedule.Exponential(opt, {gamma = 0.5})
    s:step()
    assert.same({0.5, 0.05}, {opt:groups()[1].lr, opt:groups()[2].lr})
    local factors = {function(t) return 1 / (t + 1) end, function() return 2 end}
    s = nn.schedule.Lambda(opt, {lr_lambda = factors})
    s:step()
    assert.same({0.25, 0.1}, {opt:groups()[1].lr, opt:groups()[2].lr})
  end)

  it("warm up by batch and go on by epoch", function()
    local opt = optimizer(1)
    local s = nn.schedule.Warmup(opt, {
      steps = 2, by = "batch", after = nn.schedule.ReduceOnPlateau(opt, {patience = 0}),
    })
    assert.equal("batch", s.by)
    s:step()
    s:step()
    assert.equal("epoch", s.by)
    assert.equal(1, opt.lr)
    s:step(3)
    s:step(4)
    assert.near(0.1, opt.lr, 1e-15)
    assert.equal("batch", nn.schedule.OneCycle(opt, {max_lr = 1, total_steps = 5}).by)
    assert.equal("epoch", nn.schedule.Step(opt, {step_size = 5}).by)
  end)

  it("turn the momentum down while one cycle turns the rate up", function()
    local sgd = nn.optim.SGD({weights()}, {lr = 0.1, momentum = 0.5})
    local s = nn.schedule.OneCycle(sgd, {max_lr = 1, total_steps = 10, pct_start = 0.5})
    assert.near(0.95, sgd.momentum, 1e-15)
    for _ = 1, 4 do s:step() end
    assert.near(0.85, sgd.momentum, 1e-15)
    assert.near(1, sgd.lr, 1e-15)
    local adam = nn.optim.Adam({weights()})
    nn.schedule.OneCycle(adam, {max_lr = 1, total_steps = 10})
    assert.near(0.95, adam.betas[1], 1e-15)
    assert.equal(0.999, adam.betas[2])
    local plain = nn.optim.SGD({weights()}, {momentum = 0.3})
    nn.schedule.OneCycle(plain, {max_lr = 1, total_steps = 10, cycle_momentum = false})
    assert.equal(0.3, plain.momentum)
  end)

  it("save and load their state", function()
    local function make()
      local opt = optimizer(0.4)
      return opt, nn.schedule.Warmup(opt, {
        steps = 3, after = nn.schedule.ReduceOnPlateau(opt, {patience = 1, factor = 0.5}),
      })
    end
    local opt, s = make()
    rates_of(opt, s, 9)
    local saved, went = s:state(), {}
    for t = 9, 20 do
      s:step(losses(t))
      went[#went + 1] = opt.lr
    end
    local other, copy = make()
    copy:load_state(saved)
    for t = 9, 20 do
      copy:step(losses(t))
      assert.equal(went[t - 8], other.lr)
    end
    saved.t, saved.options.steps, saved.after.best = -1, 7, nil
    local before = copy:state()
    local err = text(copy.load_state, copy, saved)
    assert.matches("unchanged:\n  t: %-1, must be a whole number", err)
    assert.matches("options.steps: 7, here it is 3", err)
    assert.matches("missing: best", err)
    assert.same(before, copy:state())
    assert.matches('schedule: nil, must be "Warmup"', text(copy.load_state, copy, {}))
  end)

  it("refuse what makes no sense", function()
    local opt, S = optimizer(), nn.schedule
    assert.matches("Step: option 'step_size' is missing", text(S.Step, opt))
    assert.matches("did you mean 'gamma'", text(S.Step, opt, {step_size = 3, gama = 1}))
    assert.matches("option 'gamma' must be a finite", text(S.Exponential, opt, {gamma = 0 / 0}))
    assert.matches("must be a positive whole number", text(S.Cosine, opt, {T_max = 0}))
    assert.matches("Linear: option 'start_factor'", text(S.Linear, opt, {start_factor = 0}))
    assert.matches("Polynomial: option 'power'", text(S.Polynomial, opt, {power = -1}))
    assert.matches("rising whole numbers", text(S.MultiStep, opt, {milestones = {3, 2}}))
    assert.matches("'total_steps' is missing", text(S.OneCycle, opt, {max_lr = 1}))
    assert.matches("anneal_strategy", text(S.OneCycle, opt,
      {max_lr = 1, total_steps = 3, anneal_strategy = "x"}))
    assert.matches("'by' must be \"epoch\"", text(S.Step, opt, {step_size = 1, by = "year"}))
    assert.matches("must be an optimizer, got 3", text(S.Step, 3, {step_size = 1}))
    local blind = nn.optim.RandomSearch({weights()})
    assert.matches("has no learning rate", text(S.Step, blind, {step_size = 1}))
    assert.matches("above 0 and below 1", text(S.ReduceOnPlateau, opt, {factor = 1}))
    local plateau = S.ReduceOnPlateau(opt)
    assert.matches("step wants the number", text(plateau.step, plateau))
    assert.matches("of the same optimizer",
      text(S.Warmup, opt, {steps = 1, after = S.Step(optimizer(), {step_size = 1})}))
    assert.matches("must be a schedule", text(S.Warmup, opt, {steps = 1, after = 3}))
    local odd = S.Lambda(opt, {lr_lambda = function(t) return t == 0 and 1 or "x" end})
    assert.matches("must return a number from 0", text(odd.step, odd))
    assert.matches("call it with a colon", text(odd.step))
  end)

  it("show the coming rates", function()
    local s = nn.schedule.Cosine(optimizer(0.4), {T_max = 20})
    local path = os.tmpname() .. ".svg"
    local p = nn.schedule.plot(s, {steps = 20, out = path})
    os.remove(path)
    assert.matches("Cosine{T_max = 20", p.options.title)
    assert.same(s:rates(20), p.layers[1].series[1].y)
    assert.equal(0, s.t)
    p = nn.schedule.plot({a = s, b = nn.schedule.Step(optimizer(0.2), {step_size = 3})},
      {steps = 5, out = path})
    os.remove(path)
    assert.equal("b", p.layers[1].series[2].name)
    assert.same({0, 1, 2, 3, 4}, p.layers[1].series[2].x)
    assert.matches("^Cosine{T_max = 20", tostring(s))
    assert.equal(0.4, s:rates(3)[1])
    assert.matches("must be a group", text(nn.schedule.plot, s, {group = 2}))
    assert.matches("plot: called on 3", text(nn.schedule.plot, 3))
    assert.matches("plot: called on 3", text(nn.schedule.plot, {3}))
  end)
end)
