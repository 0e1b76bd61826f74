-- Runs busted inside the interpreter under test, whichever `lua` the busted command would pick.
require "busted.runner" { standalone = false }
