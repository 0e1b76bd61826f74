-- a session of nnlua 0.1.0
local kept = 5
