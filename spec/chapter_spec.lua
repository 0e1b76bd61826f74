-- chapter_spec.lua: the examples run, with small settings where the full ones take long; what they
-- print is true, and the figures are there.

local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""
local nnlua = dofile("spec/tools.lua").nnlua

local folder

-- What a script prints.
local function run(path, options)
  local command = ("%s --threads 1 %sexamples/%s --out %s %s 2>&1"):format(nnlua, here, path,
    folder, options or "")
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  local ok = pipe:close()
  assert.truthy(ok, text)
  return text
end

local function contains(text, part)
  assert.truthy(text:find(part, 1, true), part .. "\nin\n" .. text)
end

-- The numbers that a pattern captures, which must be there.
local function numbers(text, pattern)
  local found = {text:match(pattern)}
  assert.truthy(found[1], pattern .. "\nin\n" .. text)
  for i, v in ipairs(found) do found[i] = tonumber(v) or v end
  return table.unpack(found)
end

local function picture(name)
  local file = assert(io.open(folder .. "/" .. name .. ".svg"))
  local svg = file:read "a"
  file:close()
  assert.truthy(svg:find("^<svg") or svg:find "<svg", name)
  assert.truthy(svg:find("</svg>%s*$"), name)
  assert.is_true(#svg > 1000, name)
end

-- Examples by name: their options and what must be true of what they print.
local chapter = {
  ["01_random_guessing"] = {"--most 3", function(text)
    for n = 1, 3 do
      local guesses, expected, steps = numbers(text,
        "\n +" .. n .. " +([%d.]+) +(%d+) +([%d.]+)")
      assert.equal(10 ^ n, expected)
      assert.is_true(guesses > expected / 2 and guesses < expected * 2, text)
      assert.is_true(steps < 20)
    end
    assert.is_true(numbers(text, "10%^11935 +([%d.]+)") < 20) -- as many weights as the digits' net
  end},
  ["02_line_and_loss"] = {"", function(text)
    contains(text, "-0.11 x + 2.50      0.1602       0.0801")
    contains(text, "0.50 x + 1.00      0.6559")
    contains(text, "m = 0.335593, b = 0.804722, MSE = 0.01805189")
    contains(text, "0.092443, across it 29.1761: 315.6 times")
  end},
  ["03_many_dimensions"] = {"", function(text)
    assert.is_true(numbers(text, "of the two forms: ([%d.e-]+);") < 1e-12)
    assert.is_true(numbers(text, "MSE ([%d.]+)") < 0.25) -- the noise's own 0.5^2
    contains(text, "784-15-10        11910       25    11935")
  end},
  ["04_gradient_descent"] = {"", function(text)
    local m, b = numbers(text, "by hand +([%d.]+) +([%d.]+)")
    for _, way in ipairs {"nn.grad", "nn.optim"} do
      local m2, b2 = numbers(text, "by " .. way:gsub("%.", "%%.") .. " +([%d.]+) +([%d.]+)")
      assert.near(m, m2, 1e-13)
      assert.near(b, b2, 1e-13)
    end
    contains(text, "0.068549")
    contains(text, "rate 0.01               5409 steps: there")
    contains(text, "rate 0.05               1080 steps: there")
    assert.truthy(text:find "rate 0.069 +%d+ steps: diverges")
    assert.is_true(numbers(text, "wrong sign +30 steps: diverges, loss ([%d.e+]+)") > 1e7)
  end},
  ["05_nonconvex"] = {"--starts 40", function(text)
    local sum = 0
    for count in text:gmatch "%(.-, .-%) +(%d+)\n" do
      assert.is_true(tonumber(count) > 0)
      sum = sum + count
    end
    assert.equal(40, sum)
    contains(text, "y = 0      ends at (0.000014, 0)")
    assert.is_true(numbers(text, "y = 0.001  ends at %(0.000014, ([%d.]+)%)") > 1)
    contains(text, "from x = -10 to  -9.99")
  end},
  ["06_batches"] = {"--epochs 3", function(text)
    local s1, n1, l1 = numbers(text, "\n +1 +(%d+) +([%d.]+) +([%d.]+)")
    local s10, n10, l10 = numbers(text, "\n +10 +(%d+) +([%d.]+) +([%d.]+)")
    local s100, n100, l100 = numbers(text, "\n +100 +(%d+) +([%d.]+) +([%d.]+)")
    local all, none, whole = numbers(text, "all +(%d+) +([%d.]+) +([%d.]+)")
    assert.same({3 * 1438, 3 * 144, 3 * 15, 3}, {s1, s10, s100, all})
    assert.is_true(n1 > n10 and n10 > n100 and n100 > none and none == 0, text)
    assert.is_true(l1 < l10 and l10 < l100 and l100 < whole, text)
  end},
  ["07_momentum"] = {"", function(text)
    assert.truthy(text:find "0.01 +7140 +656 +663 +diverges", text)
    assert.truthy(text:find "0.03 +2378 +152 +164 +diverges", text)
    assert.truthy(text:find "0.06 +1188 +142 +diverges +diverges", text)
    contains(text, "= 0.0465 at k = 0.9")
  end},
  ["08_adaptive"] = {"", function(text)
    local plain = numbers(text, "SGD +([%d.e-]+)")
    for _, name in ipairs {"momentum", "AdaGrad", "RMSprop", "Adam "} do
      assert.is_true(numbers(text, name .. " +([%d.e-]+)") < plain / 1e6, text)
    end
    contains(text, "w = 9.683772")
  end},
  ["09_overfitting"] = {"", function(text)
    contains(text, "met best by degree 1\n")
    assert.is_true(numbers(text, "\n +10 +([%d.]+)") == 0)
    local low = numbers(text, "curve +go from +(-[%d.]+)")
    assert.is_true(low < 3 * numbers(text, "points +go from +(-[%d.]+)"))
  end},
  ["10_validation"] = {"--folds 4 --tries 200 --epochs 25", function(text)
    local lucky, truly = numbers(text, "50 coins: (%d+) %%; on 5000 fresh ones: ([%d.]+) %%")
    assert.is_true(lucky >= 62 and math.abs(truly - 50) < 3, text)
    local units, folds, test = numbers(text,
      "chosen: (%d+) hidden units, ([%d.]+) %% .-, ([%d.]+) %%")
    assert.is_true(units > 1 and folds > 84 and test > 84, text)
  end},
  ["11_regularization"] = {"--epochs 100", function(text)
    local pattern = " +[%d.]+ +([%d.]+) +[%d.]+ %% +([%d.]+), (%d+) %%"
    local loss, size, small = numbers(text, "none" .. pattern)
    local loss2, size2, small2 = numbers(text, "L2" .. pattern)
    local loss1, size1, small1 = numbers(text, "L1" .. pattern)
    assert.is_true(loss2 < loss - 0.1 and loss1 < loss - 0.1, text)
    assert.is_true(size2 < size / 2 and size1 < size / 2 and small1 > small2 and small2 > small)
    assert.is_true(numbers(text, "difference of the last two: ([%d.]+)") < 5e-3, text)
  end},
  ["12_dropout"] = {"--seeds 1 --seed 1 --epochs 80", function(text)
    contains(text, "the mean of 100,000\t1.00")
    assert.truthy(text:find("in use\t1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0 1.0", 1, true))
    local holes, whole, loss = numbers(text, " 50 %% +([%d.]+) +([%d.]+) +([%d.]+)")
    assert.is_true(holes > 3 * whole, text)
    assert.is_true(loss < select(3, numbers(text, " 0 %% +([%d.]+) +([%d.]+) +([%d.]+)")), text)
  end},
  ["13_backpropagation"] = {"--largest 8", function(text)
    local one, two = numbers(text, "1e%-5 +([%d.e-]+) +([%d.e-]+)")
    assert.is_true(one < 1e-4 and two < 1e-8, text)
    contains(text, "nn.gradcheck says true")
    contains(text, "108                109")
  end},
  ["14_digits"] = {"--epochs 25", function(text)
    assert.is_true(numbers(text, "opened once: ([%d.]+) %%") > 90, text)
    contains(text, "1298 images to learn from, 229 to watch, 270 to test with")
  end},
}

local beyond = {
  xor = {"", function(text)
    contains(text, "0.6931")
    local stuck, left = numbers(text, "loss +([%d.]+) +([%d.]+)")
    assert.is_true(stuck > 0.69 and left < 0.01, text)
  end},
  spirals = {"", function(text)
    local seen, fresh = numbers(text, "accuracy ([%d.]+) %% on these points, ([%d.]+) %%")
    assert.is_true(seen >= 95 and fresh >= 92, text)
  end},
  csv_to_model = {"", function(text)
    assert.is_true(numbers(text, "test: accuracy ([%d.]+) %%") > 90, text)
    local saved = nn.load(folder .. "/csv_to_model.nn")
    assert.same({2, 3}, saved.model(saved.scale(nn.data.iris().x:narrow(1, 1, 2))).shape)
  end},
  autoencoder = {"--epochs 60", function(text)
    local mean = numbers(text, "mean digit +([%d.]+)")
    local linear = numbers(text, "components +([%d.]+)")
    assert.is_true(linear < mean and numbers(text, "autoencoder +([%d.]+)") < linear, text)
  end},
  transfer = {"--seeds 1", function(text)
    local frozen, scratch = numbers(text, "mean +([%d.]+) %% +([%d.]+) %%")
    assert.is_true(frozen > scratch + 5, text)
  end},
  custom_layer = {"--epochs 200", function(text)
    contains(text, "gradients\ttrue")
    contains(text, "the same after loading\ttrue")
    assert.is_true(numbers(text, "loss ([%d.]+);") < 0.1, text)
  end},
  custom_loss = {"--epochs 150", function(text)
    assert.near(10, numbers(text, "10 %%   ([%d.]+) %%"), 8)
    assert.near(50, numbers(text, "50 %%   ([%d.]+) %%"), 8)
    assert.near(90, numbers(text, "90 %%   ([%d.]+) %%"), 8)
  end},
  custom_operation = {"--epochs 20", function(text)
    contains(text, "cube: gradcheck\ttrue")
    assert.is_true(numbers(text, "of one bit +([%d.]+) %%") > 90, text)
  end},
  resume = {"--epochs 8", function(text)
    contains(text, "bit for bit\ttrue")
    assert.equal(numbers(text, "up to epoch  8: loss ([%d.]+)"),
      numbers(text, "go: +loss ([%d.]+)"))
  end},
  transformer = {"--quick", function(text)
    assert.is_true(numbers(text, "\nloss ([%d.]+)\n") < 1.7, text) -- it begins above log 13 = 2.6
    contains(text, "of 500 sums it has never seen are right")
  end},
}

local function each(list, prefix)
  local names = {}
  for name in pairs(list) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name, function()
      list[name][2](run(prefix .. name .. ".lua", list[name][1]))
      picture(name)
    end)
  end
end

describe("examples", function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)
  teardown(function() os.execute("rm -r " .. folder) end)

  describe("of the chapter", function() each(chapter, "chapter/") end)
  describe("beyond it", function() each(beyond, "") end)

  it("are short, and listed with a picture each", function()
    local file = assert(io.open(here .. "examples/README.md"))
    local index = file:read "a"
    file:close()
    local pipe = assert(io.popen(("ls %sexamples/*.lua %sexamples/*/*.lua"):format(here, here)))
    for path in pipe:lines() do
      local name = path:match "examples/(.*)$"
      contains(index, "(" .. name .. ")")
      if name:find "^chapter/" then
        local lines = 0
        for _ in io.lines(path) do lines = lines + 1 end
        assert.is_true(lines < 80, path)
      end
    end
    pipe:close()
    for path in index:gmatch 'src="([^"]+)"' do
      assert(io.open(here .. "examples/" .. path)):close()
    end
  end)
end)
