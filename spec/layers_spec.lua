-- layers_spec.lua: layers as scripts see them: shapes, defaults, names of the tensors, training and
-- eval mode, initial weights, several inputs and results, error texts.

local nn = require "nn"

-- The message without its position, which must be this file's.
local function text(f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  local position, rest = err:match("^(.-:%d+): (.*)$")
  assert.truthy(position and position:find("layers_spec.lua", 1, true), err)
  return rest
end

local function names_of(m)
  local list = {}
  for i, entry in ipairs(m:named_parameters()) do list[i] = entry.name end
  return table.concat(list, " ")
end

local function shape_of(m, ...)
  return table.concat(m(nn.randn(...)):size(), "x")
end

-- All of U(-bound, bound), and spread over it.
local function is_uniform(t, bound)
  local most = t:abs():max():item()
  assert.is_true(most <= bound and most > 0.8 * bound)
  assert.near(0, t:mean():item(), bound / 5)
end

describe("convolutions", function()
  it("give PyTorch's sizes", function()
    assert.equal("2x4x3x4", shape_of(nn.Conv2d(3, 4, 3), 2, 3, 5, 6))
    assert.equal("2x4x5x6", shape_of(nn.Conv2d(3, 4, 3, {padding = 1}), 2, 3, 5, 6))
    assert.equal("2x4x2x2", shape_of(nn.Conv2d(3, 4, {3, 4}, {stride = 2}), 2, 3, 5, 6))
    assert.equal("2x4x1x2", shape_of(nn.Conv2d(3, 4, 3, {dilation = 2}), 2, 3, 5, 6))
    assert.equal("2x4x3", shape_of(nn.Conv1d(3, 4, 3), 2, 3, 5))
    assert.equal("2x4x11x13", shape_of(nn.ConvTranspose2d(3, 4, 3, {stride = 2}), 2, 3, 5, 6))
    assert.equal("0x4x3x4", shape_of(nn.Conv2d(3, 4, 3), 0, 3, 5, 6))
  end)

  it("with padding are those of an image that was padded before, rows of any length", function()
    for _, case in ipairs {{5, 1}, {9, 2}, {17, 1}, {28, 2}, {33, 4}, {1, 3}} do
      local width, padding = case[1], case[2]
      local m = nn.Conv2d(2, 3, {3, 2}, {padding = padding, dilation = {1, 2}}):to("float64")
      local x = nn.randn(2, 2, 6, width):to("float64"):requires_grad_()
      local wide = nn.zeros(2, 2, 6 + 2 * padding, width + 2 * padding):to("float64")
      wide[{{}, {}, {padding + 1, padding + 6}, {padding + 1, padding + width}}] = x:detach()
      wide:requires_grad_()
      local bare = nn.Conv2d(2, 3, {3, 2}, {dilation = {1, 2}}):to("float64")
      bare:load_state(m:state())
      local y, z = m(x), bare(wide)
      assert.is_true(nn.allclose(y, z, {rtol = 0, atol = 1e-13}))
      y:square():sum():backward()
      z:square():sum():backward()
      assert.is_true(nn.allclose(x.grad, wide.grad[{{}, {}, {padding + 1, padding + 6},
        {padding + 1, padding + width}}], {rtol = 0, atol = 1e-11}))
      assert.is_true(nn.allclose(m.weight.grad, bare.weight.grad, {rtol = 0, atol = 1e-10}))
    end
  end)

  it("have weight and bias from U(-1/sqrt(n), 1/sqrt(n)), n the inputs of a sum", function()
    local c = nn.Conv2d(8, 64, 3, {groups = 2})
    assert.equal("weight bias", names_of(c))
    assert.same({64, 4, 3, 3}, c.weight:size())
    assert.same({64}, c.bias:size())
    is_uniform(c.weight, 1 / 6)
    is_uniform(c.bias, 1 / 6)
    assert.equal("weight", names_of(nn.Conv2d(1, 2, 3, {bias = false})))
    assert.same({4, 3, 2, 2}, nn.ConvTranspose2d(4, 6, 2, {groups = 2}).weight:size())
  end)

  it("print as they were made", function()
    assert.equal("Conv2d(3, 4, 3)", tostring(nn.Conv2d(3, 4, 3)))
  end)

  it("say what does not fit", function()
    assert.equal("Conv2d(3, 4, 3): the input must have 3 channels (dimension 2), got 2x1x5x5",
      text(nn.Conv2d(3, 4, 3), nn.ones(2, 1, 5, 5)))
    assert.equal("Conv2d(3, 4, 3): the input must be N x C x H x W, got 3x5x5; x:unsqueeze() "
      .. "gives it the dimension it lacks", text(nn.Conv2d(3, 4, 3), nn.ones(3, 5, 5)))
    assert.equal("Conv2d(1, 1, 5): the kernel of 5x5 (dilation 1x1) does not fit into 1x1x4x8 with "
      .. "padding 0x0", text(nn.Conv2d(1, 1, 5), nn.ones(1, 1, 4, 8)))
    assert.truthy(text(nn.Conv2d, 3, 4, 3, {groups = 2}):find("multiples of groups", 1, true))
    assert.truthy(text(nn.Conv1d, 3, 4, {3, 3}):find("'kernel_size' must be a number", 1, true))
    assert.truthy(text(nn.Conv2d(1, 1, 1), nn.ones(1, 1, 2, 2):to("float64"))
      :find("the weights are float32, the input is float64", 1, true))
  end)
end)

describe("pooling", function()
  it("of 2x2 side by side is what the general way gives, with NaN, infinities and ties", function()
    for _, dtype in ipairs {"float32", "float64"} do
      local x = nn.randint(-3, 3, {3, 4, 9, 11}):to(dtype)
      x[{1, 1, 2, 3}], x[{3, 4, 8, 10}] = 0 / 0, math.huge
      x[{2, 2, {1, 2}, {1, 2}}] = -math.huge
      local a, b = x:clone():requires_grad_(true), x:clone():requires_grad_(true)
      local y = nn.MaxPool2d(2)(a)
      -- rounded up there are windows that end outside, which takes the general way
      local z = nn.MaxPool2d(2, {ceil_mode = true})(b):narrow(3, 1, 4):narrow(4, 1, 5)
      assert.is_true(nn.equal(y:isnan(), z:isnan()))
      assert.equal(1, y:isnan():sum():item())
      assert.is_true(nn.equal(y:masked_fill(y:isnan(), 9), z:masked_fill(z:isnan(), 9)))
      local seed = nn.rand(3, 4, 4, 5):to(dtype)
      y:backward(seed)
      z:backward(seed)
      assert.is_true(nn.equal(a.grad, b.grad))
    end
  end)

  it("gives PyTorch's sizes; the step is the window unless told", function()
    assert.equal("2x3x2x3", shape_of(nn.MaxPool2d(2), 2, 3, 4, 6))
    assert.equal("2x3x3x3", shape_of(nn.MaxPool2d(3, {stride = 2, padding = 1}), 2, 3, 5, 6))
    assert.equal("2x3x2", shape_of(nn.MaxPool1d(2), 2, 3, 5))
    assert.equal("2x3x3", shape_of(nn.AvgPool1d(2, {ceil_mode = true}), 2, 3, 5))
    assert.equal("2x3x1x1", shape_of(nn.AdaptiveAvgPool2d(1), 2, 3, 5, 7))
    assert.equal("2x3x4x2", shape_of(nn.AdaptiveAvgPool2d {4, 2}, 2, 3, 5, 7))
  end)

  it("keeps NaN, and infinity among padding", function()
    local nan, inf = 0 / 0, math.huge
    local y = nn.MaxPool1d(2)(nn.tensor {{{1, nan, -inf, -inf}}}):totable()[1][1]
    assert.is_true(y[1] ~= y[1])
    assert.equal(-inf, y[2])
  end)

  it("says what does not fit", function()
    assert.equal("MaxPool2d(3): the window of 3x3 does not fit into 1x1x2x5",
      text(nn.MaxPool2d(3), nn.ones(1, 1, 2, 5)))
    assert.truthy(text(nn.MaxPool2d, 2, {padding = 2})
      :find("'padding' must be at most half", 1, true))
  end)
end)

describe("normalisation", function()
  it("keeps running statistics: momentum 0.1, the unbiased variance", function()
    local b = nn.BatchNorm1d(2)
    b(nn.tensor {{1, 10}, {3, 30}, {5, 80}})
    assert.near(0.3, b.running_mean[1], 1e-6)
    assert.near(0.9 + 0.1 * 4, b.running_var[1], 1e-6)
    assert.near(4, b.running_mean[2], 1e-5)
    assert.near(0.9 + 0.1 * 1300, b.running_var[2], 1e-4)
    assert.equal("weight bias", names_of(b))
    local state = b:state()
    assert.truthy(state.running_mean and state.running_var)
  end)

  it("uses them in eval mode, and changes nothing then", function()
    local b = nn.BatchNorm1d(1)
    b:eval()
    local y = b(nn.tensor {{2}, {4}})
    assert.near(2 / math.sqrt(1 + 1e-5), y[1]:totable()[1], 1e-6)
    assert.equal(0, b.running_mean[1])
    assert.is_true(nn.gradcheck(b, {nn.randn(3, 1)}))
  end)

  it("needs more than one number a channel to train", function()
    assert.truthy(text(nn.BatchNorm1d(2), nn.ones(1, 2))
      :find("more than one number a channel", 1, true))
    assert.equal("BatchNorm2d(3): the input must be N x 3 x H x W, got 2x3",
      text(nn.BatchNorm2d(3), nn.ones(2, 3)))
  end)

  it("of layers and groups is the same in both modes", function()
    for _, m in ipairs {nn.LayerNorm(6), nn.LayerNorm {4, 6}, nn.GroupNorm(2, 4)} do
      local x = nn.randn(3, 4, 6)
      local y = m(x)
      m:eval()
      assert.is_true(nn.equal(y, m(x)))
      assert.equal("weight bias", names_of(m))
    end
    assert.equal("LayerNorm(6): the input's last dimensions must be 6, got 2x5",
      text(nn.LayerNorm(6), nn.ones(2, 5)))
    assert.truthy(text(nn.GroupNorm, 3, 4):find("multiple of num_groups", 1, true))
  end)
end)

describe("Embedding", function()
  it("looks rows up, counted from 1", function()
    local e = nn.Embedding(4, 3)
    local y = e(nn.tensor({{1, 4}, {2, 2}}, {dtype = "int64"}))
    assert.same({2, 2, 3}, y:size())
    assert.same(e.weight[4]:totable(), y[1][2]:totable())
  end)

  it("names place, index and range", function()
    assert.equal("Embedding(4, 3): the index at [2, 1] is 0, must be in 1..4 (counting starts "
      .. "at 1)",
      text(nn.Embedding(4, 3), nn.tensor({{1, 4}, {0, 2}}, {dtype = "int64"})))
    assert.equal('Embedding(4, 3): indices must be int64, got float32; x:to("int64") converts',
      text(nn.Embedding(4, 3), nn.ones(2)))
  end)
end)

describe("several inputs", function()
  it("are counted and compared", function()
    local b = nn.Bilinear(3, 2, 4)
    assert.same({5, 4}, b(nn.ones(5, 3), nn.ones(5, 2)):size())
    assert.equal("Bilinear(3, 2, 4): takes 2 tensors, got 1", text(b, nn.ones(5, 3)))
    assert.equal("Bilinear: takes at most 2 arguments, got 3",
      text(b, nn.ones(5, 3), nn.ones(5, 2), nn.ones(1)))
    assert.truthy(text(b, nn.ones(5, 3), nn.ones(4, 2)):find("got 5x3 and 4x2", 1, true))
  end)
end)

describe("recurrent layers", function()
  it("have PyTorch's parameters in its order", function()
    assert.equal("weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0", names_of(nn.GRU(4, 5)))
    assert.equal("weight_ih_l0 weight_hh_l0 weight_ih_l0_reverse weight_hh_l0_reverse "
      .. "weight_ih_l1 weight_hh_l1 weight_ih_l1_reverse weight_hh_l1_reverse",
      names_of(nn.LSTM(4, 5, {layers = 2, bidirectional = true, bias = false})))
    local m = nn.LSTM(4, 16, {layers = 2})
    assert.same({64, 4}, m.weight_ih_l0:size())
    assert.same({64, 16}, m.weight_ih_l1:size())
    is_uniform(m.weight_hh_l0, 0.25)
  end)

  it("return their state, and go on from it", function()
    for _, make in ipairs {nn.RNN, nn.LSTM, nn.GRU} do
      local m, x = make(3, 4, {layers = 2}), nn.randn(2, 5, 3)
      local all, last = m(x)
      assert.same({2, 5, 4}, all:size())
      local _, half = m(x[{{}, {1, 3}}])
      local rest, state = m(x[{{}, {4, 5}}], half)
      assert.is_true(nn.allclose(all[{{}, {4, 5}}], rest, {atol = 1e-6}))
      if make == nn.LSTM then
        assert.equal(2, #state)
        assert.same({2, 2, 4}, state[2]:size())
        assert.is_true(nn.allclose(last[2], state[2], {atol = 1e-6}))
      else
        assert.is_true(nn.allclose(last, state, {atol = 1e-6}))
      end
    end
  end)

  it("give a Sequential their outputs", function()
    local m = nn.Sequential {nn.LSTM(3, 4), nn.Linear(4, 2)}
    assert.same({2, 5, 2}, m(nn.randn(2, 5, 3)):size())
  end)

  it("drop between the layers in training alone", function()
    local m, x = nn.GRU(3, 8, {layers = 2, dropout = 0.5}), nn.randn(2, 4, 3)
    assert.is_false(nn.equal((m(x)), (m(x))))
    m:eval()
    assert.is_true(nn.equal((m(x)), (m(x))))
  end)

  it("say what does not fit", function()
    local m = nn.LSTM(3, 4)
    assert.equal("LSTM(3, 4): the input must be N x steps x 3, got 2x3", text(m, nn.ones(2, 3)))
    assert.truthy(text(m, nn.ones(2, 5, 3), nn.ones(1, 2, 4))
      :find("must be a list of 2 tensors", 1, true))
    assert.truthy(text(m, nn.ones(2, 5, 3), {nn.ones(1, 2, 4), nn.ones(1, 3, 4)})
      :find("the state must be 1x2x4 (layers x N x hidden_size), got 1x3x4", 1, true))
    assert.truthy(text(nn.GRU, 3, 4, {layer = 2}):find("layers", 1, true))
  end)
end)

describe("Dropout2d", function()
  it("drops whole channels in training", function()
    local d = nn.Dropout2d(0.5)
    local y = d(nn.ones(8, 16, 3, 3)):reshape(128, 9)
    local kept = 0
    for i = 1, 128 do
      local row = y[i]:totable()
      assert.is_true(row[1] == 0 or row[1] == 2)
      for j = 2, 9 do assert.equal(row[1], row[j]) end
      if row[1] > 0 then kept = kept + 1 end
    end
    assert.is_true(kept > 40 and kept < 88)
    d:eval()
    local x = nn.ones(1, 1, 2, 2)
    assert.equal(x, d(x))
  end)
end)

describe("models of these", function()
  it("are cloned and converted", function()
    local m = nn.Sequential {nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.MaxPool2d(2), nn.Flatten()}
    local x = nn.randn(3, 1, 6, 6)
    m(x)
    m:eval()
    assert.is_true(nn.equal(m(x), m:clone()(x)))
    assert.is_true(nn.allclose(m(x):to("float64"), m:clone():to("float64")(x:to("float64")),
      {rtol = 1e-4, atol = 1e-5}))
    assert.equal(2 * 9 + 2 + 4, m:parameter_count())
  end)
end)
