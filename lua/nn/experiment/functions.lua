-- experiment/functions.lua: nn.functions: functions of two variables on which optimizers are
-- compared.
--
-- Sources: Rosenbrock 1960; Beale 1958; Himmelblau 1972; Rastrigin 1974; Ackley 1987; Booth's is
-- the usual quadratic; saddle and valley are the pictures of the chapter on training.
local core = require "nn.core"

local PI = math.pi

local functions = {}
local meta = {__name = "function"}

function meta.__call(self, x, y) return self.formula(x, y) end
function meta.__tostring(self) return ("nn.functions.%s: %s"):format(self.name, self.text) end

local function add(name, text, range, minimum, formula)
  functions[name] = setmetatable(
    {name = name, text = text, range = range, minimum = minimum, formula = formula}, meta)
end

add("rosenbrock", "(1 - x)^2 + 100 (y - x^2)^2", {{-2, 2}, {-1, 3}}, {1, 1}, function(x, y)
  return (1 - x) ^ 2 + 100 * (y - x ^ 2) ^ 2
end)

add("beale", "(1.5 - x + x y)^2 + (2.25 - x + x y^2)^2 + (2.625 - x + x y^3)^2",
  {{-4.5, 4.5}, {-4.5, 4.5}}, {3, 0.5}, function(x, y)
    return (1.5 - x + x * y) ^ 2 + (2.25 - x + x * y ^ 2) ^ 2 + (2.625 - x + x * y ^ 3) ^ 2
  end)

add("himmelblau", "(x^2 + y - 11)^2 + (x + y^2 - 7)^2", {{-5, 5}, {-5, 5}},
  {{3, 2}, {-2.805118086952745, 3.131312518250573}, {-3.779310253377747, -3.283185991286170},
    {3.584428340330492, -1.848126526964404}},
  function(x, y) return (x ^ 2 + y - 11) ^ 2 + (x + y ^ 2 - 7) ^ 2 end)

add("booth", "(x + 2 y - 7)^2 + (2 x + y - 5)^2", {{-10, 10}, {-10, 10}}, {1, 3}, function(x, y)
  return (x + 2 * y - 7) ^ 2 + (2 * x + y - 5) ^ 2
end)

add("rastrigin", "20 + x^2 - 10 cos(2 pi x) + y^2 - 10 cos(2 pi y)",
  {{-5.12, 5.12}, {-5.12, 5.12}}, {0, 0}, function(x, y)
    return 20 + x ^ 2 - 10 * core.cos(2 * PI * x) + y ^ 2 - 10 * core.cos(2 * PI * y)
  end)

add("ackley", "-20 exp(-0.2 sqrt((x^2 + y^2) / 2)) - exp((cos(2 pi x) + cos(2 pi y)) / 2) + e + 20",
  {{-5, 5}, {-5, 5}}, {0, 0}, function(x, y)
    local near = core.exp(-0.2 * core.sqrt((x ^ 2 + y ^ 2) / 2))
    local waves = core.exp((core.cos(2 * PI * x) + core.cos(2 * PI * y)) / 2)
    return 20 + math.exp(1) - 20 * near - waves
  end)

add("sphere", "x^2 + y^2", {{-3, 3}, {-3, 3}}, {0, 0}, function(x, y) return x ^ 2 + y ^ 2 end)

add("saddle", "x^2 - y^2", {{-2, 2}, {-2, 2}}, nil, function(x, y) return x ^ 2 - y ^ 2 end)

add("valley", "x^2 / 20 + y^2", {{-10, 10}, {-4, 4}}, {0, 0}, function(x, y)
  return x ^ 2 / 20 + y ^ 2
end)

--- nn.functions
--- Functions of two variables to try optimizers on: `rosenbrock` (a bent valley), `beale` (flat
--- with steep corners), `himmelblau` (four minima), `booth` (a tilted bowl), `rastrigin` and
--- `ackley` (many local minima), `sphere`, `saddle` (x^2 - y^2, which has none) and `valley` (x^2 /
--- 20 + y^2: a ravine, twenty times steeper across than along). Each is called with two numbers or
--- tensors, `f(x, y)`, and has `.minimum` ({x, y}, a list of them for himmelblau, nil for the
--- saddle; its value is 0 there), `.range` ({{x0, x1}, {y0, y1}}, where it is drawn) and `.text`
--- (the formula). A script's own f(x, y) serves wherever one of these does.
--- Example:
---   local f = nn.functions.rosenbrock
---   print(f, f(1, 1), f.minimum[1])
---   nn.plot.contour(f)
return functions
