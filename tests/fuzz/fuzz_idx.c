/* fuzz_idx.c: IDX files, gzip-compressed or not, as images and as labels; record by record they are what
   they are as a whole. */
#include "fuzz.h"
#include "io/idx.h"

static void check_records(nn_ctx *ctx, const char *path, const nn_tensor *whole) {
  nn_idx f;
  nn_tensor *one = NULL;
  if (whole->v.numel == 0) return;
  if (nn_idx_open(ctx, path, &f) != NN_OK) abort();
  nn_shape s = f.shape;
  const int64_t n = s.dim[0], last = n < 4 ? n : 4;
  s.dim[0] = 1;
  if (nn_tensor_new(ctx, NN_F32, &s, &one) != NN_OK) abort();
  for (int64_t i = last - 1; i >= 0; i--) {
    const size_t bytes = (size_t)one->v.numel * sizeof(float);
    if (nn_idx_seek(&f, i) != NN_OK || nn_idx_read(&f, &one->v) != NN_OK) abort();
    if (memcmp(nn_data(&one->v), (float *)nn_data(&whole->v) + i * one->v.numel, bytes) != 0)
      abort();
  }
  nn_tensor_release(one);
  nn_idx_close(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  const char *path = fuzz_file(data, size);
  nn_tensor *t;
  int64_t most;
  nn_status st = nn_idx_load(ctx, path, NN_F32, &t);
  if ((st == NN_OK) != (t != NULL)) abort();
  if (t) check_records(ctx, path, t);
  nn_tensor_release(t);
  st = nn_idx_labels(ctx, path, 0, &t, &most);
  if ((st == NN_OK) != (t != NULL)) abort();
  nn_tensor_release(t);
  return fuzz_done(ctx, st);
}
