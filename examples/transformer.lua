-- A small transformer that learns to write by rule: sums like "27+95=221.", a character at a time.
--
--   nnlua examples/transformer.lua [--epochs 8] [--samples 9000] [--quick] [--out folder]
--
-- The sum stands with its last digit first, as one adds on paper. The model reads the characters so
-- far (attention is causal) and guesses the next.
local nn = require "nn"
local opt = nn.args {epochs = 8, samples = 9000, dim = 64, heads = 4, blocks = 2, quick = false,
  out = ".", seed = 0}
nn.seed(opt.seed)
if opt.quick then opt.epochs, opt.samples = 2, 1000 end

local letters = "0123456789+=."
local index = {}
for i = 1, #letters do index[letters:sub(i, i)] = i end

-- "27+95=221." : two numbers, their sum reversed, a full stop, always 10 characters.
local LENGTH = 10
local function text(a, b)
  return ("%02d+%02d=%s."):format(a, b, ("%03d"):format(a + b):reverse())
end
local function encode(list)
  local rows = {}
  for i, line in ipairs(list) do
    rows[i] = {}
    for k = 1, LENGTH do rows[i][k] = index[line:sub(k, k)] end
  end
  return nn.tensor(rows, {dtype = "int64"})
end

local Block = nn.Module:extend "Block"
function Block:init(dim, heads)
  self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
  self.attention = nn.MultiheadAttention(dim, heads, {causal = true})
  self.mlp = nn.Sequential {nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)}
end
function Block:forward(x)
  x = x + self.attention(self.norm1(x))
  return x + self.mlp(self.norm2(x))
end

local Writer = nn.Module:extend "Writer"
function Writer:init()
  self.letter, self.place = nn.Embedding(#letters, opt.dim), nn.Embedding(LENGTH, opt.dim)
  self.blocks = nn.Sequential {}
  for _ = 1, opt.blocks do self.blocks:add(Block(opt.dim, opt.heads)) end
  self.norm, self.head = nn.LayerNorm(opt.dim), nn.Linear(opt.dim, #letters)
end
function Writer:forward(x) -- N x T letters -> N x T x 13 scores for the letter after each
  local places = nn.range(1, x:size(2)):to "int64"
  return self.head(self.norm(self.blocks(self.letter(x) + self.place(places))))
end

-- 9,000 of the 10,000 sums are for learning; of the others 500 are asked.
local known, asked = {}, {}
local order = nn.randperm(10000)
for i = 1, 10000 do
  local n = order[i] - 1
  local list = i <= 9000 and known or asked
  list[#list + 1] = text(n // 100, n % 100)
end
known = encode(known):narrow(1, 1, math.min(opt.samples, #known))
local model = Writer()
print(("%d parameters, %d sums to learn from"):format(model:parameter_count(), #known))

local cross_entropy = nn.CrossEntropyLoss()
local function loss(scores, target) -- only what follows "=" can be known
  return cross_entropy(scores:narrow(2, 6, 4):reshape(-1, #letters),
    target:narrow(2, 6, 4):reshape(-1))
end
local data = nn.data.tensors(known:narrow(2, 1, LENGTH - 1), known:narrow(2, 2, LENGTH - 1))
local optimizer = nn.optim.AdamW(model:parameters(), {lr = 3e-3})
local steps = math.ceil(#known / 64) * opt.epochs
local history = nn.fit(model, data, {loss = loss, optimizer = optimizer, epochs = opt.epochs,
  batch_size = 64, clip_norm = 1, progress = true,
  schedule = nn.schedule.OneCycle(optimizer, {max_lr = 3e-3, total_steps = steps, by = "batch"})})
print(("loss %.4f"):format(history[#history].loss))

-- Write: give "27+95=", take the likeliest letter four times.
local questions = encode(asked):narrow(1, 1, 500)
local written = questions:narrow(2, 1, 6)
for _ = 1, 4 do
  local scores = model:predict(written)
  written = nn.cat({written, scores[{{}, -1}]:argmax(2):view(-1, 1)}, 2)
end
local right = written:eq(questions):all(2)
for i = 1, 5 do
  local out = {}
  for k = 1, LENGTH do out[k] = letters:sub(written[i][k], written[i][k]) end
  print(table.concat(out), right[i] == 1 and "right" or "wrong, it is " .. asked[i])
end
print(("%.1f %% of %d sums it has never seen are right"):format(
  100 * right:to("float32"):mean():item(), #questions))
history:plot(opt.out .. "/transformer.svg")
