/* fuzz_csv.c: tables of text. The first byte says what is asked of them; read in blocks a table is what
   it is as a whole. */
#include "fuzz.h"
#include "io/csv.h"

static nn_status open_table(nn_ctx *ctx, const char *path, int asked, nn_csv **out) {
  const nn_csv_options o = {.decimal = asked & 1 ? ',' : '.', .header = asked / 2 % 3 - 1};
  NN_TRY(nn_csv_open(ctx, path, &o, out));
  nn_csv *r = *out;
  r->plan = (nn_csv_plan){.dtype = asked & 8 ? NN_F64 : NN_F32,
                          .missing = (nn_csv_missing)(asked / 16 % 4),
                          .value = -1,
                          .codes = asked & 64,
                          .nonfinite = asked % 7 == 0};
  for (int64_t c = 0; c + 1 < r->ncol; c++) {
    r->column[c].use = NN_CSV_X;
    r->column[c].to = c;
  }
  r->column[r->ncol - 1].use = asked & 128 ? NN_CSV_LABEL : NN_CSV_TARGET;
  return nn_csv_begin(r);
}

static bool same(const nn_tensor *a, const nn_tensor *b) {
  if (!a || !b) return a == b;
  if (!nn_shape_equal(&a->v.shape, &b->v.shape)) return false;
  return memcmp(nn_data(&a->v), nn_data(&b->v), (size_t)a->v.numel * nn_dtype_size(a->v.dtype)) ==
         0;
}

/* The whole is small enough to be a single block. */
static void check_block(nn_ctx *ctx, const char *path, int asked, const nn_tensor *x,
                        const nn_tensor *y) {
  nn_csv *r = NULL;
  nn_tensor *bx, *by;
  if (open_table(ctx, path, asked, &r) != NN_OK) abort();
  if (!r->in.gzip) {
    if (nn_csv_scan(r) != NN_OK || r->nblock != 1) abort();
    if (nn_csv_load_block(r, 0, &bx, &by) != NN_OK) abort();
    if (!same(x, bx) || !same(y, by)) abort();
    nn_tensor_release(bx);
    nn_tensor_release(by);
  }
  nn_csv_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  nn_ctx *ctx = fuzz_context();
  nn_csv *r = NULL;
  nn_tensor *x = NULL, *y = NULL;
  if (size == 0) return 0;
  const char *path = fuzz_file(data + 1, size - 1);
  nn_status st = open_table(ctx, path, data[0], &r);
  if (st == NN_OK) {
    st = nn_csv_load(r, &x, &y);
    if ((st == NN_OK && r->nx > 0) != (x != NULL)) abort();
  }
  if (st == NN_OK) check_block(ctx, path, data[0], x, y);
  nn_tensor_release(x);
  nn_tensor_release(y);
  if (r) nn_csv_close(r);
  return fuzz_done(ctx, st);
}
