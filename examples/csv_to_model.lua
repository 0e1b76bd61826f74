-- From a CSV file to a model: classes (wine) or numbers (diabetes), the same script.
--
--   nnlua examples/csv_to_model.lua --file wine.csv --target label --classes
--   nnlua examples/csv_to_model.lua --file diabetes.csv --target target
--   nnlua examples/csv_to_model.lua               the irises that come with nnlua
--
-- --classes: the target is the number of a class. A target of texts is one without being told.
local nn = require "nn"
local opt = nn.args {file = "", target = "label", classes = false, hidden = 16, epochs = 200,
  out = ".", seed = 0}
nn.seed(opt.seed)

if opt.file == "" then -- write the irises out first, so that there is a file to read
  opt.file, opt.target = os.tmpname(), "kind"
  local iris = nn.data.iris()
  local file <close> = assert(io.open(opt.file, "w"))
  file:write(table.concat(iris.feature_names, ","), ",kind\n")
  for i = 1, #iris do
    file:write(table.concat(iris.x[i]:totable(), ","), ",", iris.classes[iris.y[i]], "\n")
  end
end
local data = nn.data.csv(opt.file, {target = opt.target, classes = opt.classes or nil})
print(data:describe())

local train, val, test = data:split {0.7, 0.15, 0.15, seed = opt.seed}
local scale = nn.data.Standardize():fit(train) -- learns from the training part alone
train, val, test = scale(train), scale(val), scale(test)

-- Numbers are scaled as well, so that the loss is near 1 at the start, and scaled back at the end.
local mean, std = 0, 1
if not data.classes then
  mean, std = train.y:mean():item(), train.y:std():item()
  for _, part in ipairs {train, val} do part.y = (part.y - mean) / std end
end

local model = nn.Sequential {
  nn.Linear(#data.feature_names, opt.hidden), nn.Tanh(),
  nn.Linear(opt.hidden, data.classes and #data.classes or 1),
}
local history = nn.fit(model, train, {
  validation = val, epochs = opt.epochs, batch_size = 16,
  loss = data.classes and nn.CrossEntropyLoss() or nn.MSELoss(),
  optimizer = nn.optim.Adam(model:parameters(), {lr = 0.01}),
  callbacks = {nn.EarlyStopping {monitor = "val_loss", patience = 20}},
})
print(("stopped by %s; best epoch %d"):format(history.stopped_by, history.best_epoch))

if data.classes then
  local result = nn.evaluate(model, test, {metrics = {"accuracy", "f1", "confusion"}})
  print(("test: accuracy %.1f %%, f1 %.3f"):format(100 * result.accuracy, result.f1))
  nn.plot {title = "Test"}:confusion(result.confusion, {classes = test.classes})
    :save(opt.out .. "/csv_to_model.svg")
else
  local guess = model:predict(test.x) * std + mean
  local error = (guess - test.y):abs():mean():item()
  print(("test: mean error %.1f, r2 %.3f"):format(error, nn.metrics.r2(guess, test.y)))
  nn.plot {title = "Test", xlabel = "truth", ylabel = "answer"}
    :scatter(nn.cat({test.y, guess}, 2)):save(opt.out .. "/csv_to_model.svg")
end

nn.save(opt.out .. "/csv_to_model.nn", {model = model, scale = scale, mean = mean, std = std})
print("saved: " .. opt.out .. "/csv_to_model.nn")
