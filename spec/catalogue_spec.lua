-- The descriptors as tables, from which help, completion and the reference are made.
local core = require "nn.core"

local function find(list, name)
  for _, entry in ipairs(list) do
    if entry.name == name then return entry end
  end
end

describe("the catalogue", function()
  local catalogue = core.catalogue()

  it("has every unit that scripts can make", function()
    for _, layer in ipairs(catalogue.layers) do assert.not_nil(nn[layer.name], layer.name) end
    for _, loss in ipairs(catalogue.losses) do assert.not_nil(nn[loss.name], loss.name) end
    for _, optimizer in ipairs(catalogue.optimizers) do
      assert.not_nil(nn.optim[optimizer.name], optimizer.name)
    end
    assert.is_true(#catalogue.operations > 90)
  end)

  it("tells arguments, kinds, defaults, ranges and choices", function()
    local linear = find(catalogue.layers, "Linear")
    assert.matches("W%^T", linear.doc)
    assert.equal("in", linear.params[1].name)
    assert.is_true(linear.params[1].needed)
    assert.equal(1, linear.params[1].low)
    assert.is_nil(linear.params[1].default)
    assert.equal("true", find(linear.params, "bias").default)
    assert.equal("boolean", find(linear.params, "bias").kind)
    local mse = find(catalogue.losses, "MSELoss")
    assert.equal("prediction, target", mse.args)
    assert.same({"mean", "sum", "none"}, find(mse.params, "reduction").choices)
    local adam = find(catalogue.optimizers, "Adam")
    assert.equal("{0.9, 0.999}", find(adam.params, "betas").default)
  end)

  it("has a text for every unit and every argument", function()
    for kind, list in pairs(catalogue) do
      for _, entry in ipairs(list) do
        for _, p in ipairs(entry.params) do
          local where = ("%s %s.%s"):format(kind, entry.name, p.name)
          assert.is_true(type(p.doc) == "string" and #p.doc > 3, where)
        end
        assert.is_true(type(entry.doc) == "string" and #entry.doc > 10, kind .. " " .. entry.name)
      end
    end
  end)

  it("gives the embedded files", function()
    local names = core.embedded()
    assert.is_true(#names > 20)
    assert.matches("^%-%- init%.lua", core.embedded "nn/init.lua")
    assert.is_nil(core.embedded "nn/nothing.lua")
  end)
end)
