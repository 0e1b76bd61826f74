/* fuzz_npy.c: .npy files. */
#include "fuzz.h"
#include "io/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  nn_tensor *t;
  nn_status st = nn_npy_load(ctx, fuzz_file(data, size), &t);
  if ((st == NN_OK) != (t != NULL)) abort();
  nn_tensor_release(t);
  return fuzz_done(ctx, st);
}
