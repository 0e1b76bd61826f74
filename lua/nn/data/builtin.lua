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

--- nn.data.iris() -> dataset
--- 150 irises of three kinds, 50 each (R. A. Fisher, 1936; UCI Machine Learning Repository, CC BY
--- 4.0): x is 150 x 4, length and width of sepal and petal in centimetres; y labels 1..3 with the
--- classes "setosa", "versicolor", "virginica".
--- Example:
---   local train, test = nn.data.iris():split{0.7, 0.3}
---   print(train, train.feature_names[3])
function builtin.iris()
  local records = core.asset("iris.gz")
  local n = records:numel() // 5
  records = records:view(n, 5)
  return dataset.new {
    x = records:narrow(2, 1, 4):to(core.zeros(1):dtype()):div(10),
    y = records:select(2, 5):to("int64"):add(1),
    classes = {"setosa", "versicolor", "virginica"},
    feature_names = {"sepal length", "sepal width", "petal length", "petal width"},
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

--- nn.data.overfit() -> dataset
--- Eleven points near a line, as in the chapter's picture of overfitting: a line is a little off at
--- each of them, a polynomial of degree 10 goes through all and swings far in between. (The picture
--- comes without its numbers; these have its shape.) x and y are 11 x 1, x from -5 to 5.
--- Example:
---   local ds = nn.data.overfit()
---   local w, b = nn.ols(ds.x, ds.y)
---   print(#ds, w, b)
function builtin.overfit()
  return points({-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5},
    {-4.3, -4.6, -2.4, -2.7, -0.4, -0.9, 1.8, 1.3, 3.7, 3.2, 5.5})
end

return builtin
