-- units.lua: examples of units whose descriptor's own example cannot be written as one line of Lua.
-- Nothing runs here; the comments are read (gather.lua), the texts come from the descriptors.

--- nn.cat({x, y, ...}, dim = 1) -> tensor
--- Example:
---   print(nn.cat({nn.ones(2, 2), nn.zeros(1, 2)}, 1))

--- nn.stack({x, y, ...}, dim = 1) -> tensor
--- Example:
---   print(nn.stack({nn.range(1, 3), nn.range(4, 6)}))

--- nn.to(x, dtype) -> tensor
--- Example:
---   print(nn.to(nn.tensor{1.5, -1.5}, "int64"))

--- nn.expand(x, ...) -> tensor
--- Example:
---   print(nn.expand(nn.tensor{{1}, {2}}, 2, 3))

--- nn.pad(x, {before, after, ...}, value = 0) -> tensor
--- Example:
---   print(nn.pad(nn.ones(2, 2), {1, 1}))

--- nn.permute(x, ...) -> tensor
--- Example:
---   print(nn.permute(nn.zeros(2, 3, 4), 3, 1, 2).shape[1])

--- nn.reshape(x, ...) -> tensor
--- Example:
---   print(nn.reshape(nn.range(1, 6), 2, -1))

--- nn.view(x, ...) -> tensor
--- Example:
---   print(nn.view(nn.range(1, 6), 2, 3))

--- nn.tile(x, ...) -> tensor
--- Example:
---   print(nn.tile(nn.tensor{1, 2}, 3))

--- nn.HingeLoss{margin = 1, reduction = "mean"}; loss(prediction, target)
--- Example:
---   local loss = nn.HingeLoss()
---   print(loss(nn.tensor{0.5, -2}, nn.tensor{1, -1}))

--- nn.AdaptiveAvgPool2d(output_size)
--- Example:
---   print(nn.AdaptiveAvgPool2d(2)(nn.rand(1, 3, 7, 5)).shape[3])

--- nn.Reshape{sizes}
--- Example:
---   print(nn.Reshape{2, 3}(nn.rand(5, 6)).shape[2])

--- nn.Sequential{layer, layer, ...}
--- Example:
---   local model = nn.Sequential{nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)}
---   print(model, model(nn.rand(3, 4)))
