/* io/csv_write.c: see csv_write.h. */
#include "io/csv_write.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/file.h"

enum { ROOM = 1 << 16, NUMBER = 32 };

typedef struct writer {
  nn_output out;
  size_t used;
  char *buffer; /* (ROOM) */
} writer;

static nn_status flush(writer *w) {
  NN_TRY(nn_output_write(&w->out, w->buffer, w->used));
  w->used = 0;
  return NN_OK;
}

static nn_status put_text(writer *w, const char *text) {
  size_t n = strlen(text);
  if (n > ROOM - w->used) NN_TRY(flush(w));
  if (n > ROOM) return nn_output_write(&w->out, text, n);
  memcpy(w->buffer + w->used, text, n);
  w->used += n;
  return NN_OK;
}

/* The element at `at`, and the byte that follows. */
static nn_status put_number(writer *w, const nn_value *v, int64_t at, char after) {
  if (NUMBER > ROOM - w->used) NN_TRY(flush(w));
  char *to = w->buffer + w->used;
  int n;
  if (nn_is_real(v->dtype) && isnan(nn_value_real_at(v, at))) { /* printf may say -nan */
    w->used += (size_t)snprintf(to, NUMBER, "nan%c", after);
    return NN_OK;
  }
  switch (v->dtype) {
    case NN_F32: n = snprintf(to, NUMBER, "%.9g%c", nn_value_real_at(v, at), after); break;
    case NN_F64: n = snprintf(to, NUMBER, "%.17g%c", nn_value_real_at(v, at), after); break;
    default: n = snprintf(to, NUMBER, "%lld%c", (long long)nn_value_int_at(v, at), after); break;
  }
  w->used += (size_t)n;
  return NN_OK;
}

static nn_status put_label(writer *w, const nn_value *v, int64_t at, const nn_csv_labels *labels) {
  int64_t label = nn_value_int_at(v, at);
  if (label < 1 || label > labels->n)
    return nn_fail(w->out.ctx, NN_EVALUE, "save: label %lld is not in 1..%lld", (long long)label,
                   (long long)labels->n);
  NN_TRY(put_text(w, labels->text[label - 1]));
  return put_text(w, "\n");
}

/* Row i of one tensor. */
static nn_status put_row(writer *w, const nn_value *v, int64_t i, bool last,
                         const nn_csv_labels *labels) {
  int64_t columns = v->shape.ndim > 1 ? v->shape.dim[1] : 1, at = v->offset + i * v->stride[0];
  if (last && labels) return put_label(w, v, at, labels);
  for (int64_t c = 0; c < columns; c++)
    NN_TRY(put_number(w, v, at + (v->shape.ndim > 1 ? c * v->stride[1] : 0),
                      last && c == columns - 1 ? '\n' : ','));
  return NN_OK;
}

static nn_status put_rows(writer *w, int n, nn_tensor *const *tensor, const nn_csv_labels *labels) {
  for (int64_t i = 0; i < tensor[0]->v.shape.dim[0]; i++)
    for (int k = 0; k < n; k++) NN_TRY(put_row(w, &tensor[k]->v, i, k == n - 1, labels));
  return flush(w);
}

static nn_status check(nn_ctx *ctx, int n, nn_tensor *const *tensor, const nn_csv_labels *labels) {
  nn_text a, b;
  for (int k = 0; k < n; k++) {
    const nn_shape *s = &tensor[k]->v.shape;
    if (s->ndim < 1 || s->ndim > 2 || (s->ndim == 2 && s->dim[1] == 0))
      return nn_fail(ctx, NN_ESHAPE, "save: a table has one or two dimensions, got %s",
                     nn_shape_text(&a, s));
    if (s->dim[0] != tensor[0]->v.shape.dim[0])
      return nn_fail(ctx, NN_ESHAPE, "save: x and y differ in rows: %s and %s",
                     nn_shape_text(&a, &tensor[0]->v.shape), nn_shape_text(&b, s));
  }
  if (n < 1 || (labels && (tensor[n - 1]->v.shape.ndim != 1 || nn_is_real(tensor[n - 1]->v.dtype))))
    return nn_fail(ctx, NN_ESHAPE, "save: labels are whole numbers in one dimension");
  return NN_OK;
}

nn_status nn_csv_save(nn_ctx *ctx, const char *path, const char *header, int n,
                      nn_tensor *const *tensor, const nn_csv_labels *labels) {
  writer w = {0};
  NN_TRY(check(ctx, n, tensor, labels));
  w.buffer = nn_mem_take(ctx, ROOM);
  if (!w.buffer) return NN_ENOMEM;
  /* A script may have chosen a locale with a decimal comma. */
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = (locale_t)0;
  nn_status st = nn_output_open(ctx, path, &w.out);
  if (st == NN_OK) {
    if (plain) before = uselocale(plain);
    if (header) st = put_text(&w, header);
    if (st == NN_OK) st = put_rows(&w, n, tensor, labels);
    if (plain) uselocale(before);
    if (st == NN_OK)
      st = nn_output_commit(&w.out);
    else
      nn_output_drop(&w.out);
  }
  if (plain) freelocale(plain);
  nn_mem_give(ctx, w.buffer, ROOM);
  return st;
}
