-- mnist_examples_spec.lua: the two examples on images run shortly on the embedded digits, and
-- learn.

local here = debug.getinfo(1, "S").source:match("^@(.*)spec/[^/]*$") or ""
local nnlua = dofile("spec/tools.lua").nnlua

local function run(name, options)
  local command = ("%s --threads 1 %sexamples/%s %s 2>&1"):format(nnlua, here, name, options)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  local ok = pipe:close()
  return text, ok
end

describe("examples on images", function()
  for name, least in pairs {["mnist_cnn.lua"] = 40, ["mnist_lstm.lua"] = 50} do
    it(name .. " learns the embedded digits where no folder of MNIST is given", function()
      local text, ok = run(name, "--quick")
      assert.truthy(ok, text)
      assert.truthy(text:find("no MNIST folder", 1, true), text)
      local accuracy = tonumber(text:match "accuracy on 270 digits it has not seen: ([%d.]+) %%")
      assert.truthy(accuracy, text)
      assert.is_true(accuracy > least, text)
    end)
  end

  it("say what a folder of MNIST lacks", function()
    local text, ok = run("mnist_cnn.lua", "--folder no/such/folder")
    assert.is_nil(ok)
    assert.truthy(text:find("there is no train-images-idx3-ubyte in no/such/folder", 1, true), text)
  end)

  it("say which options there are", function()
    local text, ok = run("mnist_cnn.lua", "--foldr x")
    assert.is_nil(ok)
    assert.truthy(text:find("folder", 1, true), text)
  end)
end)
