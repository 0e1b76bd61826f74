-- What ?name shows, and what is generated from the same texts.
local gather = require "nn.help.gather"
local help = require "nn.help"
local nnlua = dofile("spec/tools.lua").nnlua

describe("help", function()
  it("finds units, functions and methods by name, short name and value", function()
    for _, topic in ipairs {"nn.Linear", "Linear", nn.Linear, nn.Linear(2, 3)} do
      assert.matches("^nn%.Linear%(in, out, {bias = true", help.topic(topic))
    end
    local adam = nn.optim.Adam({nn.ones(2):requires_grad_()})
    for _, topic in ipairs {"nn.optim.Adam", "optim.Adam", nn.optim.Adam, adam} do
      assert.matches("^nn%.optim%.Adam%(params, {lr = 0.001", help.topic(topic))
    end
    assert.matches("^nn%.fit%(model, data, {", help.topic(nn.fit))
    assert.matches("^dataset:split{", help.topic "ds:split")
    assert.matches("^nn%.exp%(x%)", help.topic "x:exp")
    assert.matches("^nn%.exp%(x%)", help.topic "tensor:exp_")
  end)

  it("lists arguments with kinds, defaults and choices", function()
    local text = help.topic "nn.MSELoss"
    assert.matches('reduction  "mean" | "sum" | "none" = "mean": ', text, 1, true)
    assert.matches("in    whole number: input features", help.topic "nn.Linear", 1, true)
  end)

  it("searches, and knows the nearest name", function()
    local text = help.topic "dropout"
    assert.matches("nn.Dropout ", text, 1, true)
    assert.matches("nn.Dropout2d ", text, 1, true)
    assert.matches("Did you mean nn.Linear?", help.topic "Lnear", 1, true)
    assert.matches("^There is nothing about 'zzzzzz'", help.topic "zzzzzz")
    assert.matches("?nn.fit", help.topic "", 1, true)
  end)

  it("wraps its lines", function()
    for _, name in ipairs(gather.names()) do
      local text = help.text(gather.entries()[name])
      text = text:match "^.-\n\n(.*)$":gsub("\n  Example:.*$", "")
      for line in text:gmatch "[^\n]+" do
        assert.is_true(#line <= 100 or not line:find("%s", 60), name .. ": " .. line)
      end
    end
  end)

  -- Stands for a call of the generator: its messages, and whether it went well.
  local function generate(job)
    local f = io.popen(("'%s' doc/generate.lua %s 2>&1 >/dev/null </dev/null"):format(nnlua, job))
    local messages = f:read "a"
    return f:close() == true, messages
  end

  it("has a text and an example for every public name", function()
    local ok, messages = generate "check"
    assert.equal("", messages)
    assert.is_true(ok)
  end)

  it("has examples that run", function()
    local ok, messages = generate "examples"
    assert.equal("", messages)
    assert.is_true(ok)
  end)

  it("has examples of layers that run alone, nothing having been loaded before", function()
    local script = os.tmpname()
    for _, name in ipairs(gather.names()) do
      local entry = gather.entries()[name]
      if entry.kind == "layers" or name:find "^nn%.linalg" or name == "nn.matmul" then
        local f = assert(io.open(script, "w"))
        f:write(entry.example)
        f:close()
        assert.is_true(os.execute(("'%s' '%s' >/dev/null </dev/null"):format(nnlua, script)), name)
      end
    end
    os.remove(script)
  end)

  it("is the reference manual, as `make docs` writes it", function()
    local fresh = os.tmpname()
    assert.is_true((generate("reference " .. fresh)))
    local function read(path)
      local f = assert(io.open(path))
      local text = f:read "a"
      f:close()
      return text
    end
    assert.is_true(read(fresh) == read "doc/reference.md", "doc/reference.md is old: make docs")
    os.remove(fresh)
  end)

  it("generates what is installed", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir '%s' && '%s' doc/generate.lua share '%s'"):format(folder, nnlua,
      folder)))
    local function read(name)
      local f = assert(io.open(folder .. "/" .. name))
      local text = f:read "a"
      f:close()
      return text
    end
    assert.matches(".B \\-\\-seed", read "nnlua.1", 1, true)
    assert.matches(".B :time", read "nnlua.1", 1, true)
    assert.matches("--threads", read "nnlua.bash", 1, true)
    assert.matches("'--memory[limit for tensors", read "_nnlua", 1, true)
    assert.matches("-l strict", read "nnlua.fish", 1, true)
    assert.matches("Version: %d", read "nnlua.pc")
    assert.matches("\nfunction nn.fit(model, data, options", read "nn.meta.lua", 1, true)
    assert(load(read "nn.meta.lua"))
    local checked = assert(load(read "nn.luacheck.lua"))()
    assert.same({}, checked.fields.optim.fields.Adam)
    assert(os.execute(("rm -r '%s'"):format(folder)))
  end)
end)
