-- fit/streams.lua: where all random streams stand, math.random's among them.
local core = require "nn.core"

local streams = {}

function streams.state()
  local state = core.rng_state()
  state.math = core.math_state()
  return state
end

function streams.set(state)
  core.set_rng_state(state)
  if state.math then core.set_math_state(state.math) end
end

return streams
