-- tensorboard.lua: nn.TensorBoard, which logs a fit so that TensorBoard can show it.
local append = require "nn.callbacks.append"
local core = require "nn.core"
local events = require "nn.callbacks.events"
local history = require "nn.history"
local module = require "nn.module"
local util = require "nn.util"

local raise = util.raise
local M = {}
local TensorBoard = {}
local meta = {__index = TensorBoard, __name = "TensorBoard"}

local BINS = 30

--- nn.TensorBoard{folder, histograms = false} -> callback
--- Writes an event file to `folder`, which is made if need be; `tensorboard --logdir FOLDER` shows
--- it, also while the fit runs. After each epoch every number of its record is a scalar, the epoch
--- being the step; with `histograms` each parameter is a histogram too. A fit that goes on from a
--- checkpoint continues the curves; a new fit in the same folder replaces them: give each run a
--- folder of its own below one, and they stand side by side.
--- Example:
---   local folder = os.tmpname()
---   os.remove(folder)
---   local model = nn.Linear(1, 1)
---   nn.fit(model, nn.data.line(), {loss = nn.MSELoss(), epochs = 3,
---     optimizer = nn.optim.SGD(model:parameters(), {lr = 0.01}),
---     callbacks = {nn.TensorBoard{folder = folder, histograms = true}}})
---   os.execute("ls " .. folder .. "; rm -r " .. folder)
function M.TensorBoard(options)
  local o = util.options("TensorBoard", options, {
    folder = {"string"}, histograms = {"boolean", false},
  })
  history.check_path("TensorBoard", o.folder)
  return setmetatable(o, meta)
end

-- The folder and those above it.
local function make_folders(folder)
  for last in folder:gmatch "()/" do
    if last > 1 then core.make_folder(folder:sub(1, last - 1)) end
  end
  local made, why = core.make_folder(folder)
  if not made then raise("TensorBoard: cannot make the folder %s: %s", folder, why) end
end

local function exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close()
end

-- Readers take a folder's files in the order of their names.
local function new_path(folder, time)
  local base = ("%s/events.out.tfevents.%010d.nnlua"):format(folder, time // 1)
  local path, n = base, 0
  while exists(path) do
    n = n + 1
    path = ("%s.%06d"):format(base, n)
  end
  return path
end

-- The finite elements of a tensor in bins of equal width; nil where there are none.
local function histogram(t)
  local x = t:detach():to("float64"):flatten()
  x = x:masked_select(x:isfinite())
  if x:numel() == 0 then return nil end
  local low, high = x:min():item(), x:max():item()
  local h = {min = low, max = high, num = x:numel()}
  h.sum, h.sum_squares = x:sum():item(), x:square():sum():item()
  if low == high then
    h.limits, h.counts = {high}, {h.num}
    return h
  end
  local place = x:sub(low):div(high - low):mul(BINS):floor():clamp(0, BINS - 1)
  h.counts, h.limits = place:to("int64"):add(1):bincount(BINS):totable(), {}
  for i = 1, BINS do h.limits[i] = low + (high - low) * i / BINS end
  return h
end

function TensorBoard:on_fit_begin(state)
  local time = core.wall_time()
  make_folders(self.folder)
  self.path = new_path(self.folder, time)
  append("TensorBoard", self.path, events.version(time) .. events.start(time, state.epoch + 1))
end

function TensorBoard:on_epoch_end(state)
  local values = {}
  for _, name in ipairs(util.sorted_keys(state.record)) do
    local v = state.record[name]
    if name ~= "epoch" and type(v) == "number" then
      values[#values + 1] = events.scalar(name, v)
    end
  end
  if self.histograms then
    for _, entry in ipairs(module.Module.named_parameters(state.model)) do
      local h = histogram(entry.tensor)
      if h then values[#values + 1] = events.histogram("parameters/" .. entry.name, h) end
    end
  end
  append("TensorBoard", self.path, events.summary(core.wall_time(), state.epoch, values))
end

function meta:__tostring()
  return ('TensorBoard{folder = "%s"}'):format(self.folder)
end

return M
