-- progress.lua: what nn.fit shows on stderr: one live line on a terminal, drawn at most ten times a
-- second; else a plain line an epoch when it was asked for; else nothing.
--
--   local show = progress.new(mode, epochs)  -- mode: the option `progress`: "auto", true or false
--   local _ <close> = show                   -- ends the line however the fit is left
--   show:begin(epoch, samples, batch_size)   -- an epoch begins
--   show:batch(done, total, n)  -- after a batch (n: after n of them): how many of the epoch's
--                               -- samples are done, and the sum of their losses, or nil
--   show:room() -> n            -- how many batches may go by before it wants to be called again;
--                               -- math.huge where nothing is live
--   show:pause()                -- takes the live line away before a script's code may print
--   show:epoch(record, columns) -- the epoch is over
--   show:close()                -- what leaving the block does too
--
-- progress.tasks(name, total): the same for experiments of many runs, on a terminal alone:
-- show:step(done, note) after each, show:close().
--
-- `show.live` is false where `batch` draws nothing: then it need not be called; `show.silent` is
-- true where nothing at all does. A call of `batch` that has nothing to draw counts down and
-- returns.
local core = require "nn.core"
local history = require "nn.history"
local terminal = require "nn.terminal"
local util = require "nn.util"

local progress = {}

local EVERY = 0.1 -- seconds between two drawings
local WIDTHS = {{16, 12}, {11, 8}, {6, 5}} -- of bar and sparkline, as there is room

-- ---- nothing, and a line an epoch -------------------------------------------------------------

local function nothing() end
local Silent = {
  live = false, silent = true, begin = nothing, batch = nothing, pause = nothing, epoch = nothing,
  close = nothing,
}
function Silent.room() return math.huge end

local Plain = setmetatable({silent = false}, {__index = Silent})

local function epoch_text(epoch, epochs)
  return ("epoch %" .. #tostring(epochs) .. "d/%d"):format(epoch, epochs)
end

function Plain:epoch(record, columns)
  local parts = {}
  for _, name in ipairs(columns) do
    local v = record[name]
    if name == "epoch" then
      parts[#parts + 1] = epoch_text(v, self.epochs)
    elseif name == "seconds" then
      parts[#parts + 1] = ("%.2f s"):format(v)
    elseif name ~= "lr" and type(v) == "number" then
      parts[#parts + 1] = name .. " " .. history.text(v)
    end
  end
  io.stderr:write(table.concat(parts, "  "), "\n")
end

-- ---- the live line ----------------------------------------------------------------------------

local Live = {live = true}

-- What the line says, as a list of {text, rank}; where there is no room, high ranks go first.
local function pieces(self, now, bar, spark)
  local list = {}
  local function add(rank, text) list[#list + 1] = {rank = rank, text = text} end
  local share = self.samples > 0 and self.done / self.samples or 0
  add(1, epoch_text(self.number, self.epochs))
  if not self.over then
    add(8, ("batch %d/%d"):format(math.ceil(self.done / self.size), self.batches))
    add(6, terminal.bar(share, bar, self.plain))
  end
  if self.rate then add(7, terminal.count(self.rate) .. "/s") end
  local behind = self.finished + (self.over and 0 or share)
  if self.closed then
    add(4, terminal.duration(now - self.began))
  elseif behind > 0 and now - self.began > 0.5 then
    local left = (now - self.began) / behind * (self.epochs - self.first + 1 - behind)
    add(4, terminal.duration(left) .. " left")
  end
  if self.loss then add(2, "loss " .. history.text(self.loss)) end
  local record = self.record or {}
  if record.val_loss then add(3, "val_loss " .. history.text(record.val_loss)) end
  if #self.curve > 1 then add(5, terminal.spark(self.curve, spark, self.plain)) end
  for i, name in ipairs(self.columns or {}) do
    local v = record[name]
    local known = ({epoch = true, loss = true, val_loss = true, lr = true, seconds = true})[name]
    if not known and type(v) == "number" then add(8 + i, name .. " " .. history.text(v)) end
  end
  return list
end

-- How many characters the pieces take, with the spaces between them.
local function width_of(list)
  local needed = -2
  for _, piece in ipairs(list) do
    piece.width = utf8.len(piece.text) or #piece.text
    needed = needed + piece.width + 2
  end
  return needed
end

-- Those of the pieces that fit into `room` characters, in their order.
local function fit_into(list, room)
  local needed = width_of(list)
  while needed > room and #list > 1 do
    local worst = 1
    for i, piece in ipairs(list) do
      if piece.rank > list[worst].rank then worst = i end
    end
    needed = needed - list[worst].width - 2
    table.remove(list, worst)
  end
  local texts = {}
  for i, piece in ipairs(list) do texts[i] = piece.text end
  local text = table.concat(texts, "  ")
  return needed > room and text:sub(1, math.max(room, 0)) or text
end

-- One write, so that nothing comes between; what stood there before is covered with spaces, since
-- not every terminal knows how to erase.
local function put(self, text)
  local width = utf8.len(text) or #text
  io.stderr:write("\r", text, (" "):rep(self.shown - width), ("\b"):rep(self.shown - width))
  self.shown = width
end

local function draw(self, now)
  local room, list = terminal.columns(2) - 1, nil
  for _, widths in ipairs(WIDTHS) do
    list = pieces(self, now, widths[1], widths[2])
    if width_of(list) <= room then break end
  end
  put(self, fit_into(list, room))
  self.drawn = now
end

-- Samples a second, of late.
local function measure(self, now)
  local seen, span = self.before + self.done, now - self.measured
  if span < EVERY / 2 then return end
  local rate = (seen - self.seen) / span
  self.rate = self.rate and 0.6 * self.rate + 0.4 * rate or rate
  self.seen, self.measured = seen, now
end

function Live:begin(epoch, samples, batch_size)
  local now = core.time()
  if not self.began or self.closed then -- closed: an interrupted fit goes on
    self.began, self.measured, self.first, self.drawn = now, now, epoch, -math.huge
    self.shown, self.finished, self.closed = 0, 0, false
  end
  self.number, self.samples, self.size = epoch, samples, batch_size
  self.batches = math.ceil(samples / batch_size)
  self.done, self.over, self.left, self.stride, self.looked = 0, false, 1, 1, now
  if now - self.drawn >= EVERY then draw(self, now) end
end

-- Looks at the clock so often that a drawing comes in time, whatever a batch takes.
function Live:batch(done, total, n)
  local left = self.left - (n or 1)
  self.left = left
  if left > 0 then return end
  local now = core.time()
  local each = (now - self.looked) / self.stride
  self.done, self.loss = done, total and done > 0 and total / done or self.loss
  if now - self.drawn >= EVERY then
    measure(self, now)
    draw(self, now)
  end
  local until_next = (self.drawn + EVERY - now) / math.max(each, 1e-9) / 2
  self.stride = math.max(1, math.min(until_next // 1, 2 * self.stride, 65536)) | 0
  self.left, self.looked = self.stride, now
end

function Live:room()
  return self.left
end

function Live:pause()
  if self.shown == 0 then return end
  io.stderr:write("\r", (" "):rep(self.shown), "\r")
  self.shown, self.drawn = 0, -math.huge
end

function Live:epoch(record, columns)
  local now = core.time()
  if not self.began then self:begin(record.epoch, 0, 1) end
  self.record, self.columns, self.loss, self.number = record, columns, record.loss, record.epoch
  self.done, self.over, self.finished = self.samples, true, self.finished + 1
  self.curve[#self.curve + 1] = record.val_loss or record.loss
  if now - self.drawn >= EVERY then
    measure(self, now)
    draw(self, now)
  end
  self.before = self.before + self.samples
  self.done = 0
end

-- The line as it is at last stays, and what comes after has a line of its own.
function Live:close()
  if not self.began or self.closed then return end
  self.closed = true
  draw(self, core.time())
  io.stderr:write "\n"
end

-- ---- tasks ------------------------------------------------------------------------------------

local Tasks = {}
local PATIENCE = 0.5 -- seconds; what is over before has no line

local function task_pieces(self, now, bar)
  local list = {{rank = 1, text = ("%s %" .. #tostring(self.total) .. "d/%d"):format(self.name,
    self.done, self.total)}}
  list[2] = {rank = 4, text = terminal.bar(self.done / self.total, bar, self.plain)}
  local spent = now - self.began
  list[3] = {rank = 2, text = self.done == self.total and terminal.duration(spent)
    or terminal.duration(spent / self.done * (self.total - self.done)) .. " left"}
  if self.note then list[4] = {rank = 3, text = self.note} end
  return list
end

function Tasks:step(done, note)
  local now = core.time()
  self.done, self.note = done, note
  if now - self.began < PATIENCE or (now - self.drawn < EVERY and done < self.total) then return end
  put(self, fit_into(task_pieces(self, now, WIDTHS[1][1]), terminal.columns(2) - 1))
  self.drawn = now
end

function Tasks:close()
  if self.shown > 0 then io.stderr:write "\n" end
  self.shown = 0
end

-- ---- which of them ----------------------------------------------------------------------------

local function meta_of(class)
  return {
    __index = class, __close = function(self) self:close() end,
    __call = function(self, record, columns) self:epoch(record, columns) end,
  }
end
local silent, plain, live = setmetatable({}, meta_of(Silent)), meta_of(Plain), meta_of(Live)

local tasks = {__index = Tasks, __close = function(self) self:close() end}

function progress.tasks(name, total)
  if require "nn".options.quiet or not core.isatty(2) then
    return setmetatable({step = nothing, close = nothing}, tasks)
  end
  return setmetatable({
    name = name, total = total, plain = not terminal.utf8(), shown = 0, began = core.time(),
    drawn = -math.huge,
  }, tasks)
end

-- On a terminal there is a live line unless it was refused; elsewhere lines, if they are wanted.
function progress.new(mode, epochs)
  if mode ~= "auto" and type(mode) ~= "boolean" then
    util.raise('fit: option \'progress\' must be "auto", true or false, got %s',
      util.describe(mode))
  end
  if not mode or require "nn".options.quiet then return silent end
  if not core.isatty(2) then
    return mode == true and setmetatable({epochs = epochs}, plain) or silent
  end
  return setmetatable({
    epochs = epochs, plain = not terminal.utf8(), shown = 0, finished = 0, before = 0, seen = 0,
    curve = {},
  }, live)
end

return progress
