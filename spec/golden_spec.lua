-- golden_spec.lua: every operation against values and gradients that PyTorch computed
-- (tests/golden/ops.txt, made by ops.py beside it), in float64 and in float32.

local tolerance = {float64 = 1e-10, float32 = 1e-4}

local function make(input, dtype)
  local kind, shape, values = table.unpack(input)
  local options = {dtype = kind == "float" and dtype or kind}
  local t
  if #values == 0 then
    t = nn.zeros(shape, options)
  else
    t = nn.tensor(values, options):reshape(shape)
  end
  return kind == "float" and t:requires_grad_() or t
end

local function flat(t)
  if t:numel() == 0 then return {} end
  return t:reshape(t:numel()):totable()
end

-- Numbers relative to the largest of them; NaN and infinities exactly.
local function compare(what, want, got, dtype)
  local most = 1e-3
  assert.equal(#want, #got, what)
  for _, v in ipairs(want) do
    if v == v and v - v == 0 then most = math.max(most, math.abs(v)) end
  end
  for i, v in ipairs(want) do
    local g = got[i]
    local fine = v == g or (v ~= v and g ~= g) or math.abs(v - g) <= tolerance[dtype] * most
    if not fine then error(("%s, element %d: %.17g, wanted %.17g"):format(what, i, g, v), 0) end
  end
end

local function compare_result(what, want, got, dtype)
  if type(want) ~= "table" then
    assert.equal(want, got, what)
    return
  end
  local kind, shape, values = table.unpack(want)
  assert.is_true(nn.is_tensor(got), what)
  assert.same(shape, got.shape, what)
  assert.equal(kind == "float" and dtype or kind, got:dtype(), what)
  compare(what, values, flat(got), dtype)
end

local function run(case, dtype)
  local what = case.code .. " in " .. dtype
  local x = {}
  for i, input in ipairs(case.inputs) do x[i] = make(input, dtype) end
  local f = assert(load("local a, b, c = ...; return " .. case.code, "=" .. what))
  local got = table.pack(f(table.unpack(x)))
  assert.equal(#case.results, got.n, what)
  for i, want in ipairs(case.results) do compare_result(what, want, got[i], dtype) end
  if #case.grads == 0 then return end
  local seed = {}
  for i = 1, got[1]:numel() do seed[i] = ((i - 1) % 5 + 1) / 4 end
  local w = #seed > 0 and nn.tensor(seed, {dtype = dtype}):reshape(got[1].shape)
    or nn.zeros(got[1].shape, {dtype = dtype})
  got[1]:backward(w)
  for i, want in ipairs(case.grads) do
    if want then
      compare(what .. ", gradient " .. i, want, x[i].grad and flat(x[i].grad) or {}, dtype)
    end
  end
end

-- Beside this file, wherever the specs are run from.
local function cases()
  local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""
  local list = {}
  for line in assert(io.lines(here .. "tests/golden/ops.txt")) do
    list[#list + 1] = assert(load("return " .. line))()
  end
  return list
end

describe("every operation agrees with PyTorch", function()
  local list = cases()

  it("in at least 300 cases", function() assert.is_true(#list >= 300) end)

  for _, dtype in ipairs {"float64", "float32"} do
    it("in " .. dtype, function()
      local failed = {}
      nn.set_default_dtype(dtype)
      for _, case in ipairs(list) do
        local ok, err = pcall(run, case, dtype)
        if type(err) == "table" then err = err.message end
        if not ok then failed[#failed + 1] = tostring(err) end
      end
      nn.set_default_dtype("float32")
      assert.equal("", table.concat(failed, "\n"))
    end)
  end
end)
