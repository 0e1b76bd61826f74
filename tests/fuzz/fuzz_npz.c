/* fuzz_npz.c: .npz archives. */
#include "fuzz.h"
#include "io/npz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  nn_bundle b = {.ctx = ctx};
  nn_status st = nn_npz_load(ctx, fuzz_file(data, size), &b);
  nn_bundle_drop(&b);
  return fuzz_done(ctx, st);
}
