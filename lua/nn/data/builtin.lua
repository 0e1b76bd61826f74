-- builtin.lua: datasets that travel inside the binary (assets/README.md says whose they are).
local core = require "nn.core"
local dataset = require "nn.data.dataset"

local builtin = {}

--- nn.data.digits() -> dataset
--- 1,797 handwritten digits of 8 x 8 pixels in 0..1: x is 1797 x 1 x 8 x 8, y labels 1..10 with the
--- classes "0" to "9". The test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin, C.
--- Kaynak, 1998), UCI Machine Learning Repository, CC BY 4.0.
--- Example:
---   local train, test = nn.data.digits():split{0.8, 0.2}
---   print(#train, #test, train.classes[train.y[1]])
function builtin.digits()
  local records = core.asset("digits.gz")
  local n = records:numel() // 65
  records = records:view(n, 65)
  local classes = {}
  for digit = 0, 9 do classes[digit + 1] = tostring(digit) end
  return dataset.new {
    x = records:narrow(2, 1, 64):to("float32"):div(16):reshape(n, 1, 8, 8),
    y = records:select(2, 65):to("int64"):add(1),
    classes = classes,
  }
end

-- Points in a plane, x and y as columns.
local function points(x, y)
  return require "nn.data".tensors(x, y)
end

--- nn.data.line() -> dataset
--- The seven points to which the chapter fits a line: x and y are 7 x 1.
--- Example:
---   local ds = nn.data.line()
---   local w, b = nn.ols(ds.x, ds.y)
---   print(w, b)
function builtin.line()
  return points({2.4, 2.8, 3.2, 3.6, 4.0, 4.2, 5.0}, {1.7, 1.85, 1.79, 1.95, 2.1, 2.0, 2.7})
end

return builtin
