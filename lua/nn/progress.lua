-- progress.lua: what nn.fit shows on stderr: one live line on a terminal, drawn at most ten times a
-- second; else a plain line an epoch when it was asked for; else nothing.
--
--   local show = progress.new(mode, epochs)  -- mode: the option `progress`: "auto", true or false
--   local _ <close> = show                   -- ends the line however the fit is left
--   show:begin(epoch, samples, batch_size)   -- an epoch begins
--   show:batch(done, total)     -- after a batch, or a stretch of them: how many of the epoch's
--                               -- samples are done, and the sum of their losses (shown: total / done)
--   show:room() -> n            -- how many batches may go by before it wants to be called again;
--                               -- math.huge where nothing is live
--   show:pause()                -- takes the live line away before a script's code may print
--   show:epoch(record, columns) -- the epoch is over
--
-- `show.live` is false where `batch` draws nothing: then it need not be called. A call of `batch`
-- that has nothing to draw counts down and returns.
local core = require "nn.core"
local history = require "nn.history"
local util = require "nn.util"

local progress = {}

local function is_terminal()
  return core.isatty ~= nil and core.isatty(2)
end

local function line(record, columns, epochs)
  local parts = {}
  for _, name in ipairs(columns) do
    local v = record[name]
    if name == "epoch" then
      parts[#parts + 1] = ("epoch %" .. #tostring(epochs) .. "d/%d"):format(v, epochs)
    elseif name == "seconds" then
      parts[#parts + 1] = ("%.2f s"):format(v)
    elseif name ~= "lr" and v ~= nil then
      parts[#parts + 1] = name .. " " .. history.text(v)
    end
  end
  return table.concat(parts, "  ")
end

-- What shows nothing is the same object for all.
local function nothing() end
local Silent = {live = false, begin = nothing, batch = nothing, pause = nothing, epoch = nothing}
function Silent.room() return math.huge end

-- A line an epoch.
local Plain = setmetatable({}, {__index = Silent})

function Plain:epoch(record, columns)
  io.stderr:write(line(record, columns, self.epochs), "\n")
end

local function meta_of(class)
  return {
    __index = class, __close = function(self) if class.close then class.close(self) end end,
    __call = function(self, record, columns) self:epoch(record, columns) end,
  }
end
local silent, plain = setmetatable({close = nothing}, meta_of(Silent)), meta_of(Plain)

function progress.new(mode, epochs)
  if mode ~= "auto" and type(mode) ~= "boolean" then
    util.raise('fit: option \'progress\' must be "auto", true or false, got %s',
      util.describe(mode))
  end
  local quiet = require "nn".options.quiet
  if quiet or not mode or (mode == "auto" and not is_terminal()) then return silent end
  return setmetatable({epochs = epochs, close = nothing}, plain)
end

return progress
