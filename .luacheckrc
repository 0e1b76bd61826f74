std = "lua54"
max_line_length = 100
read_globals = {"nn"}
files["spec"].std = "+busted"
exclude_files = {"build"}
