/* io/cifar.c: see cifar.h. */
#include "io/cifar.h"

#include "io/file.h"

enum { RECORD = 1 + NN_CIFAR_PIXELS, TOGETHER = 64 };

/* The records of a file, by its size. */
static nn_status count(nn_ctx *ctx, const char *path, int64_t *n) {
  nn_file_source f;
  NN_TRY(nn_file_open(ctx, path, &f));
  const int64_t size = f.base.size;
  nn_file_close(&f);
  *n = size / RECORD;
  if (size > 0 && size % RECORD == 0) return NN_OK;
  return nn_fail(
    ctx, NN_EIO,
    "%s: byte %lld: the file's size: expected records of %d bytes, got %lld records and "
    "%lld bytes",
    path, (long long)(size - size % RECORD), RECORD, (long long)*n, (long long)(size % RECORD));
}

static void convert(const unsigned char *p, nn_dtype dtype, int64_t row, void *x) {
  const int64_t first = row * NN_CIFAR_PIXELS;
  for (int64_t i = 0; i < NN_CIFAR_PIXELS; i++) {
    if (dtype == NN_F32)
      ((float *)x)[first + i] = (float)p[i] / 255.0f;
    else
      ((double *)x)[first + i] = p[i] / 255.0;
  }
}

/* Records from `first` on into the rows from `row` on. */
static nn_status take(nn_source *s, unsigned char *buffer, int64_t n, int64_t row, nn_tensor *x,
                      nn_tensor *y) {
  const int64_t at = s->at;
  int64_t *label = nn_data(&y->v);
  NN_TRY(nn_source_take(s, buffer, (size_t)n * RECORD));
  for (int64_t i = 0; i < n; i++) {
    const unsigned char *p = buffer + i * RECORD;
    if (p[0] >= NN_CIFAR_CLASSES)
      return nn_source_fail(s, at + i * RECORD, "label %d: expected 0 to %d", p[0],
                            NN_CIFAR_CLASSES - 1);
    label[row + i] = p[0] + 1;
    convert(p + 1, x->v.dtype, row + i, nn_data(&x->v));
  }
  return NN_OK;
}

static nn_status read_file(nn_ctx *ctx, const char *path, int64_t n, int64_t row, nn_tensor *x,
                           nn_tensor *y) {
  nn_file_source f;
  nn_status st = NN_OK;
  NN_TRY(nn_file_open(ctx, path, &f));
  unsigned char *buffer = nn_mem_take(ctx, (size_t)TOGETHER * RECORD);
  if (!buffer) st = NN_ENOMEM;
  for (int64_t i = 0; st == NN_OK && i < n; i += TOGETHER)
    st = take(&f.base, buffer, n - i < TOGETHER ? n - i : TOGETHER, row + i, x, y);
  nn_mem_give(ctx, buffer, (size_t)TOGETHER * RECORD);
  nn_file_close(&f);
  return st;
}

nn_status nn_cifar_load(nn_ctx *ctx, int files, const char *const *path, nn_dtype dtype,
                        nn_tensor **x, nn_tensor **y) {
  int64_t total = 0, row = 0, n;
  nn_status st = NN_OK;
  *x = *y = NULL;
  for (int i = 0; i < files; i++) {
    NN_TRY(count(ctx, path[i], &n));
    total += n;
  }
  nn_shape s = {.ndim = 4, .dim = {total, 3, 32, 32}}, list = nn_shape_1(total);
  NN_GO(nn_shape_check(ctx, "cifar10", &s, nn_dtype_size(dtype)));
  NN_GO(nn_tensor_new(ctx, dtype, &s, x));
  NN_GO(nn_tensor_new(ctx, NN_I64, &list, y));
  for (int i = 0; i < files; i++) {
    NN_GO(count(ctx, path[i], &n)); /* again: it may have grown */
    if (n > total - row) n = total - row;
    NN_GO(read_file(ctx, path[i], n, row, *x, *y));
    row += n;
  }
  if (row < total) st = nn_fail(ctx, NN_EIO, "%s: the files have changed meanwhile", path[0]);
done:
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*x);
  nn_tensor_release(*y);
  *x = *y = NULL;
  return st;
}
