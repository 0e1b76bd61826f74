# nnlua: GNU make. `make help` lists the targets; the modes live side by side in build/<mode>/.
#
#   MODE=release|debug|asan|ubsan|cover     what `make` builds (default: release)
#   WERROR=1                                warnings are errors
#   NO_INSTALL=1                            name missing packages, install nothing

MODE   ?= release
PREFIX ?= /usr/local
CC     ?= cc
SETUP   = CC='$(CC)' .ci/setup
B      := build/$(MODE)

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
# As many jobs as cores unless told otherwise; a sub-make shares its parent's.
ifeq ($(MAKELEVEL)$(findstring -j,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
endif
ifneq ($(filter clean install,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

# --- flags ---------------------------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wcast-qual \
        -Wdouble-promotion -Wvla -Wformat=2
SAN  := -fno-omit-frame-pointer -fno-sanitize-recover=undefined

MODE_release := -O3
MODE_debug   := -O1 -DNN_DEBUG
MODE_asan    := -O1 -DNN_DEBUG $(SAN) -fsanitize=address,undefined
MODE_ubsan   := -O1 -DNN_DEBUG $(SAN) -fsanitize=undefined
MODE_cover   := -O0 --coverage
MODE_fuzz     = -O1 -DNN_DEBUG $(SAN) -fsanitize=address,undefined,fuzzer-no-link \
                -w -idirafter $(shell gcc -print-file-name=include)
ifeq ($(MODE_$(MODE)),)
$(error MODE=$(MODE): must be release, debug, asan, ubsan or cover)
endif

# Not -ffast-math and none of its parts beyond these two: NaN and infinity keep their meaning.
BASE_FLAGS := -std=c11 -D_GNU_SOURCE -g $(MODE_$(MODE)) -fPIC -fno-semantic-interposition -fopenmp \
              -fno-math-errno -fno-trapping-math -ffp-contract=off $(WARN)
# libFuzzer is clang's; of OpenMP only the functions are there, and they are GCC's.
ifeq ($(MODE),fuzz)
BASE_FLAGS := $(filter-out -fopenmp,$(BASE_FLAGS))
FUZZ_LIBS  := -fsanitize=fuzzer -lgomp
endif
# Left out of the stamp below, so that `make` and `make test` share their objects.
STRICT     := $(if $(filter 1,$(WERROR)),-Werror)

LUA_PC     := $(firstword $(foreach p,lua5.4 lua-5.4 lua54,\
                $(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))))
ifneq ($(LUA_PC),)
LUA_CFLAGS := $(shell pkg-config --cflags $(LUA_PC))
LUA_LIBS   := $(shell pkg-config --libs $(LUA_PC))
else
LUA_CFLAGS := $(addprefix -I,$(firstword $(wildcard /usr/include/lua5.4 /usr/local/include/lua5.4)))
LUA_LIBS   := -llua5.4
endif

# Every OpenBLAS flavour of Debian has the same SONAME and the alternatives decide which one loads, so
# the OpenMP one, which shares a single thread pool with ours, is opened by its full name. (Opened at
# first use, see kernel/blas.c; only the programs in tests/bench are linked with it.)
MULTIARCH  := $(shell $(CC) -print-multiarch 2>/dev/null)
BLAS_DIR   := $(patsubst %/libopenblas.so,%,$(firstword \
                $(wildcard /usr/lib/$(MULTIARCH)/openblas-openmp/libopenblas.so)))
ifneq ($(BLAS_DIR),)
BLAS_CFLAGS := $(addprefix -isystem ,$(wildcard /usr/include/$(MULTIARCH)/openblas-openmp))
BLAS_LIBS   := -L$(BLAS_DIR) -lopenblas -Wl,--disable-new-dtags,-rpath,$(BLAS_DIR)
BLAS_FILE   := $(BLAS_DIR)/libopenblas.so.0
else ifneq ($(shell pkg-config --exists openblas 2>/dev/null && echo yes),)
BLAS_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags openblas))
BLAS_LIBS   := $(shell pkg-config --libs openblas)
else
BLAS_LIBS   := -lopenblas
endif

# Loaded at first use (base/library.h): headers to compile with, and the names of the files.
LAZY_PC     := libzip jansson libpng libjpeg cairo libedit
LAZY_CFLAGS := $(patsubst -I%,-isystem %,$(foreach p,$(LAZY_PC),\
                 $(shell pkg-config --cflags-only-I $(p) 2>/dev/null)))
LAZY_LIBS   := zip jansson png jpeg cairo edit

ALL_FLAGS = $(BASE_FLAGS) -Isrc -I$(B)/gen $(BLAS_CFLAGS) $(LAZY_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LIBS      = $(LDFLAGS) -lz -lm -ldl

# --- files ---------------------------------------------------------------------------------------

CORE_DIRS := base tensor kernel grad op layer loss optim io plot
SRC       := $(wildcard src/*/*.c)
OBJ       := $(SRC:%.c=$(B)/%.o)
CORE_OBJ  := $(foreach d,$(CORE_DIRS),$(filter $(B)/src/$(d)/%,$(OBJ)))
BIND_OBJ  := $(filter $(B)/src/bind/%,$(OBJ)) $(B)/gen/embedded.o
HOST_OBJ  := $(filter $(B)/src/host/%,$(OBJ))

EMBED     := $(sort $(shell find lua -name '*.lua' 2>/dev/null) $(wildcard lua/nn/assets/*))
EMBED_EXE := build/tools/embed

TESTS     := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/test_*.c))
# FANN is a contestant of `make bench` where it is installed (libfann-dev).
BENCHES   := $(patsubst tests/bench/%.c,$(B)/bench/%,\
               $(filter-out $(if $(wildcard /usr/include/floatfann.h),,%/fann.c),\
                 $(wildcard tests/bench/*.c)))
FUZZERS   := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all programs tests benches demo gallery chapter examples test test-browser bench bench-quick \
        lint format \
        asan ubsan soak valgrind cover fuzz fuzz-api fuzzers lua-tests install uninstall clean docs help \
        FORCE

all:
	@$(SETUP) check
	@+$(MAKE) programs

programs: $(B)/nnlua $(B)/nn.so
	@:
ifeq ($(MODE),release)
programs: build/nnlua build/nn.so
endif

tests: $(TESTS)
	@:
benches: $(BENCHES)
	@:
fuzzers: $(FUZZERS)
	@:

# --- rules ---------------------------------------------------------------------------------------

# Holds what the objects were compiled and linked with; rewritten, hence newer, only when it differs.
STAMP_TEXT = $(CC) $(ALL_FLAGS) $(LUA_CFLAGS) $(LUA_LIBS) $(LIBS)
$(B)/flags: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(STAMP_TEXT)' | cmp -s - $@ || printf '%s\n' '$(STAMP_TEXT)' > $@

# Likewise for the list of embedded files, to notice one that was removed.
$(B)/gen/list: FORCE
	@mkdir -p $(@D); printf '%s\n' '$(EMBED)' | cmp -s - $@ || printf '%s\n' '$(EMBED)' > $@

$(EMBED_EXE): src/host/tools/embed.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -O1 $(WARN) $(STRICT) $< -o $@

$(B)/gen/embedded.c: $(EMBED) $(EMBED_EXE) $(B)/gen/list
	@$(EMBED_EXE) lua/ $(EMBED) > $@

# The file that the linker would have named in the program, for each library loaded at first use.
$(B)/gen/sonames.h: Makefile
	@mkdir -p $(@D)
	@for l in $(LAZY_LIBS); do \
	  name=$$(readelf -d "$$($(CC) -print-file-name=lib$$l.so)" 2>/dev/null | \
	    sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p'); \
	  printf '#define NN_SONAME_%s "%s"\n' "$$(echo $$l | tr a-z A-Z)" "$${name:-lib$$l.so}"; \
	done > $@
	@file=$(BLAS_FILE); \
	name=$$(readelf -d "$$($(CC) -print-file-name=libopenblas.so)" 2>/dev/null | \
	  sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p'); name=$${name:-libopenblas.so.0}; \
	[ -n "$$file" ] && [ -e "$$file" ] || file=$$name; \
	printf '#define NN_SONAME_OPENBLAS "%s"\n' "$$file" >> $@

# The core never sees Lua's headers; that it compiles is the proof.
# (EXTRA is private, or the stamp would inherit it from whichever object is built first.)
COMPILE = $(CC) $(ALL_FLAGS) $(EXTRA) $(STRICT) -MMD -MP -c $< -o $@
$(CORE_OBJ) $(BIND_OBJ) $(HOST_OBJ) $(TESTS) $(BENCHES): | $(B)/gen/sonames.h
$(CORE_OBJ): $(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC  $@"; $(COMPILE)

$(BIND_OBJ) $(HOST_OBJ): private EXTRA = $(LUA_CFLAGS)
$(filter-out %/gen/embedded.o,$(BIND_OBJ)) $(HOST_OBJ): $(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  CC  $@"; $(COMPILE)

$(B)/gen/embedded.o: $(B)/gen/embedded.c $(B)/flags
	@echo "  CC  $@"; $(COMPILE)

# -Wl,-E exports Lua's symbols and ours to C modules, whichever Lua library was linked.
$(B)/nnlua: $(CORE_OBJ) $(BIND_OBJ) $(HOST_OBJ)
	@echo "  LD  $@"; $(CC) $(ALL_FLAGS) -Wl,-E $^ $(LIBS) $(LUA_LIBS) -o $@

# The interpreter that loads it brings Lua; a second copy inside would be a second Lua.
# Never unloaded: OpenMP's threads live on when a Lua state closes its libraries.
$(B)/nn.so: $(CORE_OBJ) $(BIND_OBJ)
	@echo "  LD  $@"; $(CC) $(ALL_FLAGS) -shared -Wl,-z,nodelete $^ $(LIBS) -o $@

build/nnlua: build/release/nnlua
	@ln -sf release/nnlua $@
build/nn.so: build/release/nn.so
	@ln -sf release/nn.so $@

PROGRAM = $(CC) $(ALL_FLAGS) -I. -Itests $(STRICT) -MMD -MP -MF $@.d -MT $@
$(B)/tests/test_bind%: tests/test_bind%.c $(CORE_OBJ) $(BIND_OBJ) $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD  $@"; $(PROGRAM) $(LUA_CFLAGS) -Wl,-E $< $(CORE_OBJ) $(BIND_OBJ) $(LIBS) $(LUA_LIBS) \
	  -lcmocka -o $@
$(B)/tests/%: tests/%.c $(CORE_OBJ) $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD  $@"; $(PROGRAM) $< $(CORE_OBJ) $(LIBS) -lcmocka -o $@
$(B)/fuzz/%: tests/fuzz/%.c $(CORE_OBJ) $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD  $@"; $(PROGRAM) $< $(CORE_OBJ) $(FUZZ_LIBS) $(LIBS) -o $@
$(B)/bench/fann: tests/bench/fann.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD  $@"; $(PROGRAM) $< -lfloatfann -lm -o $@
$(B)/bench/%: tests/bench/%.c $(CORE_OBJ) $(B)/flags
	@mkdir -p $(@D)
	@echo "  LD  $@"; $(PROGRAM) $< $(CORE_OBJ) $(LIBS) $(BLAS_LIBS) -o $@

-include $(OBJ:.o=.d) $(B)/gen/embedded.d $(addsuffix .d,$(TESTS) $(BENCHES) $(FUZZERS))

# --- jobs: each one sets up, then calls make again, so that flags are found after the set-up ------

demo:
	@$(SETUP) build
	@+$(MAKE) MODE=release programs
	build/nnlua examples/digits.lua

# Every kind of picture and the figures of the chapter, into doc/gallery; takes half a minute.
gallery:
	@$(SETUP) build
	@+$(MAKE) MODE=release programs
	@mkdir -p doc/gallery
	build/nnlua examples/gallery.lua --out doc/gallery

# What the chapter's experiments print and draw, into doc/chapter.md.
chapter:
	@$(SETUP) build
	@+$(MAKE) MODE=release programs
	build/nnlua doc/chapter.lua build/nnlua

# Every example, with small settings; what they print is checked, and that their figures are there.
examples:
	@$(SETUP) test
	@+$(MAKE) MODE=release programs
	@for s in chapter_spec mnist_examples digits_spec search_spec; do \
	  ONLY=$$s tests/run release || exit 1; done

# A report and an animation in headless Chromium, where there is one.
test-browser:
	@$(SETUP) build
	@+$(MAKE) MODE=release programs
	@tests/browser.sh

# The modes under test: both by default, or the one that was asked for (make test MODE=asan).
TEST_MODES := $(if $(filter command line environment,$(origin MODE)),$(MODE),release asan)
test:
	@$(SETUP) test
	@+for m in $(TEST_MODES); do $(MAKE) MODE=$$m WERROR=1 programs tests || exit 1; done
	@tests/run $(TEST_MODES)

asan ubsan:
	@+$(MAKE) test MODE=$@

# FUZZ_SECONDS= for each (60), ONLY= those with that text in their names.
fuzz:
	@if ! command -v clang >/dev/null 2>&1; then echo 'fuzz: clang is not installed; skipped'; \
	  else $(SETUP) build && $(MAKE) MODE=fuzz CC=clang fuzzers && \
	    tests/fuzz/run $(foreach f,$(FUZZERS:$(B)/%=build/fuzz/%),$(if $(findstring $(or $(ONLY),/),$(f)),$(f))); fi

# Lua's own test suite, from a folder that holds it (testes/ of the sources of the same Lua version):
# main.lua, for the interpreter, and all.lua.
lua-tests: programs
	@[ -f '$(LUA_TESTS)/main.lua' ] || { echo 'make lua-tests LUA_TESTS=folder with main.lua'; exit 1; }
	cd '$(LUA_TESTS)' && : | '$(abspath $(B)/nnlua)' -W main.lua
	cd '$(LUA_TESTS)' && : | '$(abspath $(B)/nnlua)' -W -e '_U=true' all.lua

# SEED= chooses another million.
fuzz-api:
	@$(SETUP) test
	@+$(MAKE) MODE=asan programs
	build/asan/nnlua tests/fuzz/api.lua --calls 1000000 --seed $(or $(SEED),1)

# N= kills.
soak:
	@$(SETUP) test
	@+$(MAKE) MODE=release programs
	tests/resume/kill build/nnlua $(or $(N),200) $(or $(SEED),1)
	tests/resume/kill build/nnlua $(or $(N),200) $(or $(SEED),1) --lua

valgrind:
	@$(SETUP) test valgrind
	@+$(MAKE) MODE=debug programs tests
	@tests/valgrind.sh debug

cover:
	@$(SETUP) test
	@find build/cover -name '*.gcda' -delete 2>/dev/null || true
	@+$(MAKE) MODE=cover programs tests
	@tests/run cover
	@tests/cover.sh

bench:
	@$(SETUP) build
	@+$(MAKE) MODE=release programs benches
	@tests/bench/run $(BENCH)
bench-quick:
	@+$(MAKE) bench BENCH="--quick $(BENCH)"

lint:
	@$(SETUP) build
	@+$(MAKE) MODE=release WERROR=1 programs
	@tests/lint.sh

format:
	clang-format -i $$(find src tests -name '*.c' -o -name '*.h')

# What is written from the texts behind `?name`: man page, completions, annotations for editors.
build/share/nnlua.1: $(B)/nnlua $(wildcard doc/generate.lua doc/generate/*.lua)
	@mkdir -p $(@D)
	$(B)/nnlua doc/generate.lua share $(@D)
docs: all
	$(B)/nnlua doc/generate.lua reference

LUA_CDIR ?= $(PREFIX)/lib/lua/5.4
SHAREDIR  = $(PREFIX)/share
DOCDIR    = $(SHAREDIR)/doc/nnlua
# file, folder, name there
INSTALLED = $(B)/nnlua:$(PREFIX)/bin/nnlua:755 $(B)/nn.so:$(LUA_CDIR)/nn.so:644 \
  build/share/nnlua.1:$(SHAREDIR)/man/man1/nnlua.1:644 \
  build/share/nnlua.bash:$(SHAREDIR)/bash-completion/completions/nnlua:644 \
  build/share/_nnlua:$(SHAREDIR)/zsh/site-functions/_nnlua:644 \
  build/share/nnlua.fish:$(SHAREDIR)/fish/vendor_completions.d/nnlua.fish:644 \
  build/share/nn.meta.lua:$(SHAREDIR)/nnlua/nn.meta.lua:644 \
  build/share/nn.luacheck.lua:$(SHAREDIR)/nnlua/nn.luacheck.lua:644 \
  build/share/nnlua.pc:$(PREFIX)/lib/pkgconfig/nnlua.pc:644 \
  $(foreach f,README.md ARCHITECTURE.md CONTRIBUTING.md CHANGELOG.md LICENSE $(wildcard doc/*.md doc/*.svg doc/*/*.svg \
    examples/*.md examples/*.lua examples/*/*.lua),$(f):$(DOCDIR)/$(f):644)
install: all build/share/nnlua.1
	@sed -i 's|^prefix=.*|prefix=$(PREFIX)|' build/share/nnlua.pc
	@printf '%s\n' $(INSTALLED) | while IFS=: read -r from to mode; do \
	  install -D -m "$$mode" "$$from" "$(DESTDIR)$$to" && echo "  $(DESTDIR)$$to" || exit 1; done

uninstall:
	rm -f $(foreach e,$(INSTALLED),'$(DESTDIR)$(word 2,$(subst :, ,$(e)))')
	@find '$(DESTDIR)$(DOCDIR)' '$(DESTDIR)$(SHAREDIR)/nnlua' -type d -empty -delete 2>/dev/null || true

clean:
	rm -rf build

help:
	@echo 'make            build/nnlua and build/nn.so'
	@echo 'make demo       set up, build, learn handwritten digits'
	@echo 'make test       set up, build, run every test, then again under ASan and UBSan'
	@echo 'make examples   every example, quickly; what they print is checked'
	@echo 'make chapter    the chapter'"'"'s experiments, in full, into doc/chapter.md'
	@echo 'make gallery    every kind of picture, into doc/gallery'
	@echo 'make test-browser   a report and an animation in headless Chromium, where there is one'
	@echo 'make asan       the tests under ASan and UBSan only;  make ubsan  under UBSan only'
	@echo 'make valgrind   the C tests and a smoke script under valgrind'
	@echo 'make fuzz       each loader of files for a minute under libFuzzer (clang); FUZZ_SECONDS=n'
	@echo 'make fuzz-api   a million random calls under ASan and UBSan; SEED=n for others'
	@echo 'make soak       a fit is killed 200 times and must end with the same bytes; N=n, SEED=n'
	@echo 'make docs       the reference manual, doc/reference.md, from the texts behind ?name'
	@echo 'make cover      line coverage of src/ by the tests'
	@echo 'make bench      measured speeds beside PyTorch, and the bars; CORETYPE=Haswell; bench-quick'
	@echo 'make lint       the rules of the house;  make format  clang-format in place'
	@echo 'make install    PREFIX=$(PREFIX), DESTDIR for packages;  make uninstall;  make clean'
	@echo 'variables       MODE=release|debug|asan|ubsan|cover  WERROR=1  NO_INSTALL=1  CC  CFLAGS'
