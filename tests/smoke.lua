-- A little of everything, for valgrind: tensors, a net that learns, an error that is caught.
local nn = require "nn"

local x = nn.tensor {{0, 0}, {0, 1}, {1, 0}, {1, 1}}
local y = nn.tensor {{0}, {1}, {1}, {0}}
local model = nn.Sequential {nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)}
local loss, opt = nn.MSELoss(), nn.optim.Adam(model:parameters(), {lr = 0.05})

local first, last
for _ = 1, 50 do
  opt:zero_grad()
  local l = loss(model(x), y)
  l:backward()
  opt:step()
  last = l:item()
  first = first or last
end
assert(last < first, "the loss must fall")
assert(not pcall(model, nn.zeros(3, 5)), "a wrong shape must be an error")
print(tostring(model))
