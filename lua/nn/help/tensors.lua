-- tensors.lua: help texts of what is written in C and is no unit with a descriptor: making tensors,
-- asking and taking them apart. Nothing runs here; the comments are read (gather.lua).

--- nn.tensor(value, {dtype, requires_grad = false}) -> tensor
--- A tensor of a number or of nested tables of numbers, all rows of one length. The dtype is the
--- default float (float32, see nn.set_default_dtype) unless given: "float32", "float64", "int64" or
--- "uint8". A number gives a tensor of 0 dimensions.
--- Example:
---   local x = nn.tensor{{1, 2, 3}, {4, 5, 6}}
---   print(x, x.shape[1], x[2][3], x:sum())

--- nn.zeros(2, 3, {dtype, requires_grad = false}) -> tensor
--- A tensor full of zeros; the sizes as numbers or as one table, nn.zeros{2, 3}.
--- Example:
---   print(nn.zeros(2, 3))

--- nn.ones(2, 3, {dtype, requires_grad = false}) -> tensor
--- A tensor full of ones; the sizes as numbers or as one table.
--- Example:
---   print(nn.ones(3, {dtype = "int64"}))

--- nn.full({2, 3}, value, {dtype, requires_grad = false}) -> tensor
--- A tensor full of one number.
--- Example:
---   print(nn.full({2, 3}, 0.5))

--- nn.rand(2, 3, {dtype, requires_grad = false}) -> tensor
--- Random numbers, uniform in 0 (included) to 1 (excluded), from the stream "user". The same seed
--- gives the same numbers with any number of threads.
--- Example:
---   nn.seed(7)
---   print(nn.rand(2, 2))

--- nn.randn(2, 3, {dtype, requires_grad = false}) -> tensor
--- Random numbers of the normal distribution with mean 0 and standard deviation 1.
--- Example:
---   local x = nn.randn(1000)
---   print(x:mean(), x:std())

--- nn.randint(low, high, shape, {dtype = "int64"}) -> tensor
--- Random whole numbers from low to high, both included. shape is a table or a number.
--- Example:
---   print(nn.randint(1, 6, {10})) -- ten dice

--- nn.randperm(n, {stream}) -> tensor
--- The numbers 1 to n in random order, int64.
--- Example:
---   local order = nn.randperm(5)
---   print(order, nn.range(1, 5)[order])

--- nn.range(first, last, step = 1, {dtype}) -> tensor
--- first, first + step, ... up to last, which is included if it is met, as in Lua's `for`. int64
--- where
--- all three are whole.
--- Example:
---   print(nn.range(1, 5), nn.range(0, 1, 0.25))

--- nn.linspace(first, last, n, {dtype}) -> tensor
--- n numbers at equal distances, both ends included.
--- Example:
---   print(nn.linspace(-1, 1, 5))

--- nn.eye(n, {dtype}) -> tensor
--- The unit matrix, n x n.
--- Example:
---   print(nn.eye(3))

--- nn.zeros_like(x, {dtype}) -> tensor
--- Zeros with the shape and dtype of x; also x:zeros_like(). ones_like, full_like(x, value),
--- rand_like and randn_like are its kin.
--- Example:
---   print(nn.randn(2, 2):zeros_like())

--- nn.ones_like(x, {dtype}) -> tensor
--- Ones with the shape and dtype of x; also x:ones_like().
--- Example:
---   print(nn.ones_like(nn.zeros(2)))

--- nn.full_like(x, value, {dtype}) -> tensor
--- One number everywhere, with the shape and dtype of x; also x:full_like(value).
--- Example:
---   print(nn.zeros(2):full_like(7))

--- nn.rand_like(x, {dtype}) -> tensor
--- Random numbers in 0..1 with the shape and dtype of x; also x:rand_like().
--- Example:
---   print(nn.zeros(2):rand_like())

--- nn.randn_like(x, {dtype}) -> tensor
--- Normal random numbers with the shape and dtype of x; also x:randn_like().
--- Example:
---   print(nn.zeros(2):randn_like())

--- nn.meshgrid(x, y) -> tensor, tensor
--- For lists x of m and y of n numbers two tensors m x n: the x and the y of every point of the
--- grid.
--- Example:
---   local x, y = nn.meshgrid(nn.linspace(-1, 1, 3), nn.linspace(0, 1, 2))
---   print(x * x + y)

--- nn.is_tensor(value) -> boolean
--- Whether a value is a tensor.
--- Example:
---   print(nn.is_tensor(nn.ones(2)), nn.is_tensor{1, 2})

--- nn.set_default_dtype(dtype)
--- What nn.tensor, nn.zeros, layers and so on make when no dtype is given: "float32", which is the
--- default, or "float64".
--- Example:
---   nn.set_default_dtype "float64"
---   print(nn.ones(1):dtype())
---   nn.set_default_dtype "float32"

--- nn.equal(a, b) -> boolean
--- Whether two tensors have the same shape and the same numbers; NaN equals nothing. `a == b` says
--- whether they are the same object, a:eq(b) compares element by element.
--- Example:
---   print(nn.equal(nn.ones(2), nn.tensor{1, 1}))

--- nn.allclose(a, b, {rtol = 1e-5, atol = 1e-8}) -> boolean
--- Whether |a - b| <= atol + rtol |b| everywhere; also a:allclose(b).
--- Example:
---   print(nn.allclose(nn.tensor{1}, nn.tensor{1.000001}))

--- tensor:size(d) -> number | table
--- The size along dimension d (from 1; negative ones count from the end), or the list of all sizes,
--- which is also x.shape. #x is x:size(1).
--- Example:
---   local x = nn.zeros(4, 5)
---   print(x:size(1), x:size(-1), #x)

--- tensor:dim() -> number
--- How many dimensions there are; 0 for a single number.
--- Example:
---   print(nn.zeros(4, 5):dim())

--- tensor:numel() -> number
--- How many elements there are.
--- Example:
---   print(nn.zeros(4, 5):numel())

--- tensor:dtype() -> string
--- "float32", "float64", "int64" or "uint8".
--- Example:
---   print(nn.zeros(1):dtype(), nn.randperm(3):dtype())

--- tensor:is_contiguous() -> boolean
--- Whether its elements stand one after the other in memory. A transposed matrix is a view and is
--- not.
--- Example:
---   print(nn.zeros(2, 3):t():is_contiguous())

--- tensor:item() -> number
--- The number in a tensor of one element.
--- Example:
---   print(nn.tensor{3}:item() + 1)

--- tensor:totable() -> table | number
--- Nested tables with the numbers.
--- Example:
---   print(nn.eye(2):totable()[1][1])

--- tensor:to(dtype) -> tensor
--- The same numbers in another dtype; the tensor itself if it has that dtype already.
--- Example:
---   print(nn.tensor{1.7, -1.7}:to "int64")

--- nn.flatten(x, first = 1, last = -1) -> tensor
--- Dimensions first to last as one; also x:flatten(). A view where that is possible.
--- Example:
---   print(nn.zeros(2, 3, 4):flatten(2).shape[2])

--- nn.squeeze(x, d) -> tensor
--- A view without dimensions of size 1, or without dimension d if its size is 1; also x:squeeze().
--- Example:
---   print(nn.zeros(1, 3, 1):squeeze():dim())

--- nn.unsqueeze(x, d) -> tensor
--- A view with a new dimension of size 1 at d; also x:unsqueeze(d).
--- Example:
---   print(nn.zeros(3):unsqueeze(1).shape[1])

--- nn.t(x) -> tensor
--- The transposed matrix, a view; also x:t(). A list stays what it is.
--- Example:
---   print(nn.tensor{{1, 2}, {3, 4}}:t())

--- nn.view_as(x, other) -> tensor
--- x:view with the sizes of another tensor; also x:view_as(other).
--- Example:
---   print(nn.range(1, 4):view_as(nn.zeros(2, 2)))

--- nn.contiguous(x) -> tensor
--- x itself if its elements stand one after the other in memory, else a copy whose elements do;
--- also
--- x:contiguous().
--- Example:
---   print(nn.zeros(2, 3):t():contiguous():is_contiguous())

--- nn.split(x, size, d = 1) -> list of tensors
--- Views of `size` rows each along dimension d, the last one shorter; size may be a list of
--- sizes. Also
--- x:split(size, d).
--- Example:
---   print(#nn.zeros(10):split(4))

--- nn.chunk(x, n, d = 1) -> list of tensors
--- n views of (nearly) equal size along dimension d; also x:chunk(n, d).
--- Example:
---   print(#nn.zeros(10):chunk(3))

--- nn.unbind(x, d = 1) -> list of tensors
--- A view for each index along dimension d; also x:unbind(d).
--- Example:
---   for i, row in ipairs(nn.eye(3):unbind()) do print(i, row) end

--- nn.masked_fill(x, mask, value) -> tensor
--- A copy of x with the value wherever the mask is not 0; also x:masked_fill(mask, value), and
--- x:masked_fill_ in place.
--- Example:
---   local x = nn.tensor{1, -2, 3}
---   print(x:masked_fill(x:lt(0), 0))

--- tensor:fill_(value) -> tensor
--- Writes one number everywhere, in place.
--- Example:
---   print(nn.zeros(3):fill_(2))

--- tensor:zero_() -> tensor
--- Writes zeros everywhere, in place.
--- Example:
---   print(nn.ones(3):zero_())

--- tensor:copy_(other) -> tensor
--- Writes the numbers of another tensor, whose shape must broadcast to this one's, in place,
--- converting
--- them to this one's dtype. Source and target may overlap.
--- Example:
---   print(nn.zeros(2, 3):copy_(nn.tensor{1, 2, 3}))

--- tensor:release()
--- Drops this reference at once instead of when Lua's collector finds it; what shares the memory
--- lives
--- on. `local x <close> = ...` does so at the end of the block. Using x afterwards is an error.
--- Example:
---   local x = nn.zeros(1000, 1000)
---   x:release()

--- nn.linalg
--- Linear algebra through LAPACK, differentiable: solve, lstsq, cholesky, qr, svd, eigh, inv, det.
--- Example:
---   local a = nn.tensor{{2, 1}, {1, 3}}
---   print(nn.linalg.solve(a, nn.tensor{3, 5}))

--- nn.memory() -> table
--- Bytes of tensors: live (in use), peak, pooled (freed, kept for the next), limit; and mallocs and
--- requests, how often memory was asked of the system and of the pool.
--- Example:
---   print(nn.memory().live)

--- nn.memory_limit(bytes) -> number
--- Sets, and returns, how many bytes tensors may take; more is an error that can be caught. The
--- default
--- is 90 % of what the machine, the control group and the process limits allow.
--- Example:
---   print(nn.memory_limit())

--- nn.threads(n) -> number
--- Sets, and returns, how many threads kernels and BLAS may use.
--- Example:
---   print(nn.threads())

--- nn.deterministic(on) -> boolean
--- With true, the same bits for any number of threads, not only for this one. It costs what BLAS
--- gains
--- by its threads: large matrix products then run in one. Small ones, and everything else, are
--- shared
--- out by their shapes alone anyway.
--- Without an argument: whether it is on.
--- Example:
---   nn.deterministic(true)
---   print(nn.deterministic())
---   nn.deterministic(false)

--- nn.seed(n) -> number
--- Starts every stream of random numbers anew, math.random's too, and returns the seed; nn.seed
--- "random"
--- draws one. Initial weights, shuffles, dropout, noise and user numbers have streams of their
--- own, so
--- that one does not disturb the other. Without it the seed is 0.
--- Example:
---   nn.seed(1)
---   local a = nn.rand(3)
---   nn.seed(1)
---   print(nn.equal(a, nn.rand(3)))

--- nn.time() -> number
--- Seconds of the wall clock since some moment, for measuring.
--- Example:
---   local began = nn.time()
---   nn.randn(100, 100):matmul(nn.randn(100, 100))
---   print(nn.time() - began < 10)

--- nn.version() -> table
--- The versions of nnlua, Lua and BLAS, the kernels that BLAS chose, and the number of threads.
--- Example:
---   print(nn.version().nnlua)

--- nn.strict()
--- From here on, reading a global that was never assigned, or assigning a new one inside a
--- function, is
--- an error: it finds misspelt names. The same as the option --strict.
--- Example:
---   print(nn.strict)
