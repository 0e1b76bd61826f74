-- check.lua: runs stored PyTorch cases (losses.txt, made by losses.py) in float64 and in float32.
-- For specs: `local check = dofile(folder .. "check.lua")`, then `check(folder, wanted, names)`.
local tolerance = {float64 = 1e-10, float32 = 1e-4}

local function make(input, dtype, wants)
  local kind, shape, values = table.unpack(input)
  local t = nn.tensor(values, {dtype = kind == "float" and dtype or kind}):reshape(shape)
  return kind == "float" and wants and t:requires_grad_() or t
end

local function flat(t)
  return t:reshape(t:numel()):totable()
end

-- Numbers relative to the largest of them.
local function compare(what, want, got, dtype)
  local most = 1e-3
  if #want ~= #got then error(("%s: %d numbers, wanted %d"):format(what, #got, #want), 0) end
  for _, v in ipairs(want) do most = math.max(most, math.abs(v)) end
  for i, v in ipairs(want) do
    local fine = math.abs(v - got[i]) <= tolerance[dtype] * most -- false for NaN
    if not fine then
      error(("%s, element %d: %.17g, wanted %.17g"):format(what, i, got[i], v), 0)
    end
  end
end

local function run(case, dtype, names)
  local what = case.code .. " in " .. dtype
  local x = {}
  for i, input in ipairs(case.inputs) do x[i] = make(input, dtype, case.grads[i]) end
  local env = setmetatable(names or {}, {__index = _G})
  local f = assert(load("local a, b, c = ...; return " .. case.code, "=" .. what, "t", env))
  local y, want = f(table.unpack(x)), case.results[1]
  local shape = table.concat(y.shape, "x") .. " " .. y:dtype()
  if shape ~= table.concat(want[2], "x") .. " " .. dtype then error(what .. ": is " .. shape, 0) end
  compare(what, want[3], flat(y), dtype)
  local seed = {}
  for i = 1, y:numel() do seed[i] = ((i - 1) % 5 + 1) / 4 end
  y:backward(nn.tensor(seed, {dtype = dtype}):reshape(y.shape))
  for i, grad in ipairs(case.grads) do
    if grad then compare(what .. ", gradient " .. i, grad, flat(x[i].grad), dtype) end
  end
end

-- Every case whose code `wanted` finds; `names` are more names that the code knows.
return function(folder, wanted, names)
  local n = 0
  for line in assert(io.lines(folder .. "losses.txt")) do
    local case = assert(load("return " .. line))()
    if wanted(case.code) then
      n = n + 1
      run(case, "float64", names)
      run(case, "float32", names)
    end
  end
  return n
end
