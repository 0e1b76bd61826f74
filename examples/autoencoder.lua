-- An autoencoder: digits squeezed through two numbers and drawn again, learnt without labels.
--
--   nnlua examples/autoencoder.lua [--code 2] [--epochs 150] [--out folder] [--seed 0]
local nn = require "nn"
local opt = nn.args {code = 2, epochs = 150, out = ".", seed = 0}
nn.seed(opt.seed)

local train, test = nn.data.digits():split {0.8, 0.2, seed = opt.seed}
local function pixels(ds) return ds.x:view(#ds, 64) end

local encoder = nn.Sequential {nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, opt.code)}
local decoder = nn.Sequential {nn.Linear(opt.code, 64), nn.Tanh(), nn.Linear(64, 64), nn.Sigmoid()}
local model = nn.Sequential {encoder, decoder}

-- Input and target are the same pictures.
local data = nn.data.tensors(pixels(train), pixels(train))
local history = nn.fit(model, data, {loss = nn.MSELoss(), epochs = opt.epochs,
  optimizer = nn.optim.Adam(model:parameters(), {lr = 5e-3})})

-- How good is it? Beside the best linear code of that size, the principal components.
local mean = pixels(train):mean(1)
local _, _, vt = nn.linalg.svd(pixels(train) - mean)
local directions = vt:narrow(1, 1, opt.code)
local centred = pixels(test) - mean
local linear = centred:matmul(directions:t()):matmul(directions)
local loss = nn.evaluate(model, nn.data.tensors(pixels(test), pixels(test)), {loss = nn.MSELoss()})
print(("%d epochs, loss %.4f"):format(#history, history[#history].loss))
print(("64 pixels as %d numbers, mean squared error on new digits:"):format(opt.code))
print(("  nothing but the mean digit  %.4f"):format(centred:square():mean():item()))
print(("  principal components        %.4f"):format((linear - centred):square():mean():item()))
print(("  autoencoder                 %.4f"):format(loss.loss))

local some = pixels(test):narrow(1, 1, 10)
local again = model:predict(some)
local pictures = {nn.plot {title = "Digits, and drawn again from their code"}
  :images(nn.cat {some, again}, {columns = 10, shape = {8, 8}})}
if opt.code == 2 then
  local codes = nn.data.tensors(encoder:predict(pixels(test)), test.y, {classes = test.classes})
  pictures[2] = nn.plot {title = "Every new digit's two numbers"}:scatter(codes)
end
nn.plot.grid(pictures, {out = opt.out .. "/autoencoder.svg"})
