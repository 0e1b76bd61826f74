-- gradients.lua: help texts of what is written in C about gradients, and of optimizers' methods.
-- Nothing runs here; the comments are read (gather.lua).

--- tensor:requires_grad_(flag = true) -> tensor
--- Says whether operations on this tensor are recorded, so that backward gives it a gradient.
--- x.requires_grad tells; x.is_leaf is true of a tensor that no recorded operation computed, such
--- as a parameter: leaves alone keep a gradient and can have the flag changed.
--- Example:
---   local w = nn.tensor{1, 2}:requires_grad_()
---   w:square():sum():backward()
---   print(w.grad) --> 2 w

--- tensor:backward(seed, {retain = false})
--- Computes the gradients of this tensor with respect to every tensor that it was computed from
--- and that
--- requires one, and adds them to their .grad. A scalar needs no seed; otherwise it is the
--- gradient of
--- what comes after, with this tensor's shape. The graph is dropped unless retain is true.
--- Example:
---   local w = nn.ones(2):requires_grad_()
---   local y = (w * 3):sum()
---   y:backward()
---   print(w.grad)

--- tensor:zero_grad()
--- Forgets the gradient: the next backward begins anew instead of adding.
--- Example:
---   local w = nn.ones(2):requires_grad_()
---   w:sum():backward()
---   w:zero_grad()
---   w:sum():backward()
---   print(w.grad) --> 1, not 2

--- tensor:detach() -> tensor
--- The same numbers (shared) without the history: gradients do not flow through.
--- Example:
---   local w = nn.ones(2):requires_grad_()
---   print((w * 2):detach().requires_grad)

--- nn.no_grad(f, ...) -> results of f
--- Calls f with nothing recorded, for evaluation and for updates by hand.
--- Example:
---   local w = nn.ones(2):requires_grad_()
---   w:square():sum():backward()
---   nn.no_grad(function() w:sub_(w.grad * 0.1) end)
---   print(w)

--- optimizer:step(closure) -> loss
--- Changes the parameters by one step from their gradients. A closure computes the loss and its
--- gradients
--- (zero_grad, forward, backward) and returns the loss; LBFGS, Nesterov and RandomSearch need one.
--- Example:
---   local w = nn.tensor{4}:requires_grad_()
---   local opt = nn.optim.SGD({w}, {lr = 0.1})
---   w:square():sum():backward()
---   opt:step()
---   print(w) --> 4 - 0.1 * 8

--- optimizer:zero_grad()
--- Forgets the gradients of its parameters.
--- Example:
---   local w = nn.ones(1):requires_grad_()
---   local opt = nn.optim.SGD({w}, {lr = 0.1})
---   w:sum():backward()
---   opt:zero_grad()

--- optimizer:groups() -> list of groups
--- The groups of parameters: each with `params` and the options, which can be read and assigned.
--- Example:
---   local a, b = nn.ones(1):requires_grad_(), nn.ones(1):requires_grad_()
---   local opt = nn.optim.SGD({{params = {a}, lr = 1}, {params = {b}}}, {lr = 0.1})
---   print(opt:groups()[1].lr, opt:groups()[2].lr)

--- optimizer:formula() -> string
--- The update rule with this optimizer's numbers in it.
--- Example:
---   local w = nn.ones(1):requires_grad_()
---   print(nn.optim.Adam({w}, {lr = 0.01}):formula())

--- optimizer:explain(tensor, index) -> explanation
--- What the last step did with one weight: gradient, state and change, number by number.
--- Example:
---   local w = nn.tensor{4}:requires_grad_()
---   local opt = nn.optim.SGD({w}, {lr = 0.1, momentum = 0.9})
---   w:square():sum():backward()
---   opt:step()
---   print(opt:explain(w, 1))

--- optimizer:state() -> table
--- A copy of all that it remembers between steps; load_state(table) takes it back, for the same
--- parameters in the same order.
--- Example:
---   local w = nn.ones(1):requires_grad_()
---   local opt = nn.optim.Adam({w})
---   opt:load_state(opt:state())

--- nn.func{forward = function(ctx, ...), backward = function(ctx, dy)} -> function
--- An operation of your own with its gradient, in Lua. `ctx` holds any fields that backward needs;
--- backward returns a gradient for each input that wants one.
--- Example:
---   local cube = nn.func{
---     forward = function(ctx, x) ctx.x = x return x * x * x end,
---     backward = function(ctx, dy) return dy * ctx.x * ctx.x * 3 end,
---   }
---   print(nn.gradcheck(cube, {nn.randn(3)}))

--- nn.clip_grad_norm(params, max, {norm_type = 2, error_if_nonfinite = false}) -> number
--- Scales all gradients together so that their norm is at most max; returns the norm before.
--- Example:
---   local w = nn.tensor{3, 4}:requires_grad_()
---   w:square():sum():backward()
---   print(nn.clip_grad_norm({w}, 1), w.grad:norm())

--- nn.clip_grad_value(params, max)
--- Cuts every element of the gradients to -max..max.
--- Example:
---   local w = nn.tensor{3, 4}:requires_grad_()
---   w:square():sum():backward()
---   nn.clip_grad_value({w}, 7)
---   print(w.grad)

--- nn.ols(X, y, {intercept = true}) -> w, b
--- Least squares in one step: the weights and the bias that linear regression would learn.
--- Example:
---   local line = nn.data.line()
---   print(nn.ols(line.x, line.y))

--- nn.optim
--- The optimizers, nn.optim.Adam(model:parameters(), {lr = 1e-3}) and so on: SGD, Nesterov,
--- Adagrad,
--- Adadelta, RMSprop, Adam, AdamW, Adamax, NAdam, RAdam, Rprop, Lion, LBFGS, RandomSearch.
--- Parameters
--- come as a list of tensors or of groups, {{params = ..., lr = ...}, ...}; every option can be
--- read
--- and assigned on the optimizer.
--- Example:
---   local model = nn.Linear(2, 1)
---   local opt = nn.optim.Adam(model:parameters(), {lr = 0.01})
---   opt.lr = 0.001

--- nn.schedule
--- Learning rates that change over the epochs or batches: Step, MultiStep, Exponential, Cosine,
--- CosineRestarts, OneCycle, Linear, Polynomial, Warmup, Lambda, InverseTime, ReduceOnPlateau.
--- Give one
--- to nn.fit as `schedule`, or call its step() after each epoch.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1})
---   print(nn.schedule.Cosine(opt, {T_max = 10}))

--- nn.schedule.OneCycle(optimizer, {max_lr, total_steps, pct_start = 0.3, div_factor = 25, ...})
--- -> schedule
--- Up to max_lr and down again within total_steps, usually by = "batch". Smith and Topin, 2017.
--- Example:
---   local opt = nn.optim.SGD({nn.ones(1):requires_grad_()}, {lr = 1, momentum = 0.9})
---   print(nn.schedule.OneCycle(opt, {max_lr = 0.1, total_steps = 100, by = "batch"}))

--- nn.init
--- Initial weights: functions that fill a tensor in place: zeros, ones, constant, uniform, normal,
--- xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal, orthogonal, sparse.
--- Example:
---   local fc = nn.Linear(4, 4)
---   nn.init.xavier_uniform(fc.weight)

--- nn.data
--- Where data comes from (csv, idx, mnist, cifar10, images, tensors, from, digits, iris, line,
--- overfit,
--- xor, blobs, moons, circles, spirals, polynomial, regression) and transforms of it (Standardize,
--- MinMax, Whiten, OneHot, Polynomial).
--- Example:
---   local train, val, test = nn.data.digits():split{0.7, 0.15, 0.15}
---   print(train, #val, #test)

--- nn.metrics
--- What nn.fit and nn.evaluate can measure, as functions of predictions and targets: accuracy,
--- top_k,
--- precision, recall, f1, auc, confusion, mse, mae, r2.
--- Example:
---   print(nn.metrics.mse(nn.tensor{1, 2}, nn.tensor{1, 4}))

--- nn.Module
--- The class behind every layer written in Lua; see nn.Module:extend.
--- Example:
---   local Twice = nn.Module:extend "Twice"
---   function Twice:forward(x) return x * 2 end
---   print(Twice()(nn.ones(2)))
