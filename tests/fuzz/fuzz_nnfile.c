/* fuzz_nnfile.c: the container of .nn files. Its checksum would stop nearly every change at the end, so
   each file is read as it is and once more with the right one. (The tree in it is Lua's to read:
   spec/files_nn_spec.lua changes trees at random.) */
#include <zlib.h>

#include "fuzz.h"
#include "io/file.h"
#include "io/nnfile.h"

static int try_file(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  nn_nnfile f;
  nn_status st = nn_nnfile_read(ctx, fuzz_file(data, size), &f);
  if (st != NN_OK && (f.n || f.tree || f.tensor)) abort();
  nn_nnfile_drop(ctx, &f);
  return fuzz_done(ctx, st);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t copy[1 << 16];
  try_file(data, size);
  if (size < 40 || size > sizeof copy) return 0;
  memcpy(copy, data, size);
  nn_put_le(copy + 24, size, 8);
  nn_put_le(copy + size - 8, crc32(crc32(0, NULL, 0), copy, (uInt)size - 8), 4);
  memcpy(copy + size - 4, "end\n", 4);
  return try_file(copy, size);
}
