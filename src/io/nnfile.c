/* io/nnfile.c: see nnfile.h. */
#include "io/nnfile.h"

#include <string.h>
#include <zlib.h>

#include "io/dense.h"
#include "io/file.h"

enum { HEAD = 32, RECORD = 8, TAIL = 8, ALIGN = 64, MAX_RANK = NN_MAXDIM };
static const char magic[8] = "\x89nnlua\r\n", ending[4] = "end\n";

static int64_t padding(int64_t at, int64_t unit) {
  return (unit - at % unit) % unit;
}

/* ---- writing ---- */

typedef struct writer {
  nn_output out;
  uLong crc;
  int64_t at;
} writer;

static nn_status put(writer *w, const void *p, size_t n) {
  w->crc = crc32_z(w->crc, p, n);
  w->at += (int64_t)n;
  return nn_output_write(&w->out, p, n);
}

static nn_status pad(writer *w, int64_t unit) {
  static const char zeros[ALIGN];
  return put(w, zeros, (size_t)padding(w->at, unit));
}

static nn_status put_record(writer *w, const nn_value *v) {
  unsigned char record[RECORD + 8 * MAX_RANK] = {(unsigned char)v->dtype,
                                                 (unsigned char)v->shape.ndim};
  for (int d = 0; d < v->shape.ndim; d++)
    nn_put_le(record + RECORD + 8 * d, (uint64_t)v->shape.dim[d], 8);
  return put(w, record, RECORD + 8 * (size_t)v->shape.ndim);
}

static nn_status put_elements(writer *w, nn_tensor *t) {
  nn_tensor *dense;
  NN_TRY(pad(w, ALIGN));
  NN_TRY(nn_dense(w->out.ctx, t, &dense));
  nn_status st = put(w, nn_data(&dense->v), nn_value_bytes(&dense->v));
  nn_tensor_release(dense);
  return st;
}

/* The whole file's size, where the records and the tree end at `at`. */
static int64_t total_size(int64_t at, int64_t n, nn_tensor *const *tensor) {
  for (int64_t i = 0; i < n; i++) at += padding(at, ALIGN) + (int64_t)nn_value_bytes(&tensor[i]->v);
  return at + padding(at, 8) + TAIL;
}

static nn_status write_all(writer *w, const void *tree, size_t bytes, int64_t n,
                           nn_tensor *const *tensor) {
  unsigned char head[HEAD], tail[TAIL];
  int64_t at = HEAD + (int64_t)bytes;
  for (int64_t i = 0; i < n; i++) at += RECORD + 8 * tensor[i]->v.shape.ndim;
  memcpy(head, magic, sizeof magic);
  nn_put_le(head + 8, NN_NNFILE_VERSION, 4);
  nn_put_le(head + 12, (uint64_t)n, 4);
  nn_put_le(head + 16, bytes, 8);
  nn_put_le(head + 24, (uint64_t)total_size(at, n, tensor), 8);
  NN_TRY(put(w, head, sizeof head));
  for (int64_t i = 0; i < n; i++) NN_TRY(put_record(w, &tensor[i]->v));
  NN_TRY(put(w, tree, bytes));
  for (int64_t i = 0; i < n; i++) NN_TRY(put_elements(w, tensor[i]));
  NN_TRY(pad(w, 8));
  nn_put_le(tail, w->crc, 4);
  memcpy(tail + 4, ending, sizeof ending);
  return nn_output_write(&w->out, tail, sizeof tail);
}

nn_status nn_nnfile_write(nn_ctx *ctx, const char *path, const void *tree, size_t bytes, int64_t n,
                          nn_tensor *const *tensor) {
  writer w = {.crc = crc32_z(0, NULL, 0)};
  if (n > UINT32_MAX) return nn_fail(ctx, NN_EVALUE, "%s: too many tensors for one file", path);
  NN_TRY(nn_output_open(ctx, path, &w.out));
  nn_status st = write_all(&w, tree, bytes, n, tensor);
  if (st == NN_OK) return nn_output_commit(&w.out);
  nn_output_drop(&w.out);
  return st;
}

/* ---- reading ---- */

typedef struct reader {
  nn_source *s;
  uLong crc;
} reader;

static nn_status take(reader *r, void *p, size_t n) {
  NN_TRY(nn_source_take(r->s, p, n));
  r->crc = crc32_z(r->crc, p, n);
  return NN_OK;
}

/* The zeros before what begins at the next multiple of `unit`. */
static nn_status skip_padding(reader *r, int64_t unit) {
  unsigned char zeros[ALIGN];
  int64_t n = padding(r->s->at, unit), at = r->s->at;
  NN_TRY(take(r, zeros, (size_t)n));
  for (int64_t i = 0; i < n; i++)
    if (zeros[i]) return nn_source_fail(r->s, at + i, "padding must be 0, got %d", zeros[i]);
  return NN_OK;
}

static nn_status read_head(reader *r, nn_nnfile *f) {
  unsigned char head[HEAD];
  nn_source *s = r->s;
  if (s->size < HEAD + TAIL)
    return nn_source_fail(s, 0, "not a .nn file: it has only %lld bytes", (long long)s->size);
  NN_TRY(take(r, head, sizeof head));
  if (memcmp(head, magic, sizeof magic) != 0) {
    if (memcmp(head + 1, magic + 1, 5) == 0)
      return nn_source_fail(s, 0, "this .nn file was changed on its way, as by a transfer as text");
    return nn_source_fail(s, 0, "not a .nn file: it does not begin with the bytes of one");
  }
  uint64_t version = nn_get_le(head + 8, 4), size = nn_get_le(head + 24, 8);
  if (version != NN_NNFILE_VERSION)
    return nn_source_fail(s, 8,
                          "written in version %llu of the format; this nnlua reads version %d%s",
                          (unsigned long long)version, NN_NNFILE_VERSION,
                          version > NN_NNFILE_VERSION ? ", a newer one may read it" : "");
  if (size != (uint64_t)s->size)
    return nn_source_fail(s, 24, "the file should have %llu bytes, it has %lld: it is %s",
                          (unsigned long long)size, (long long)s->size,
                          size > (uint64_t)s->size ? "cut short" : "longer than written");
  f->n = (int64_t)nn_get_le(head + 12, 4);
  uint64_t tree = nn_get_le(head + 16, 8);
  if (f->n * RECORD > s->size - HEAD - TAIL)
    return nn_source_fail(s, 12, "%lld tensors do not fit into the file", (long long)f->n);
  if (tree > (uint64_t)(s->size - HEAD - TAIL - f->n * RECORD))
    return nn_source_fail(s, 16, "a tree of %llu bytes does not fit into the file",
                          (unsigned long long)tree);
  f->tree_bytes = (size_t)tree;
  return NN_OK;
}

/* One record; its elements must fit into what `*left` bytes the file still has. */
static nn_status read_record(reader *r, nn_value *v, int64_t *left) {
  unsigned char record[RECORD], size[8];
  nn_source *s = r->s;
  nn_shape shape = {0};
  int64_t at = s->at, bytes;
  NN_TRY(take(r, record, sizeof record));
  if (record[0] >= NN_NDTYPE)
    return nn_source_fail(s, at, "a dtype is a number below %d, got %d", NN_NDTYPE, record[0]);
  if (record[1] > MAX_RANK)
    return nn_source_fail(s, at + 1, "a tensor has at most %d dimensions, got %d", MAX_RANK,
                          record[1]);
  if (nn_get_le(record + 2, 6)) return nn_source_fail(s, at + 2, "six zeros are missing");
  shape.ndim = record[1];
  for (int d = 0; d < shape.ndim; d++) {
    NN_TRY(take(r, size, sizeof size));
    shape.dim[d] = (int64_t)nn_get_le(size, 8);
  }
  if (!nn_shape_bytes(&shape, nn_dtype_size((nn_dtype)record[0]), *left, &bytes))
    return nn_source_fail(s, at, "a tensor of these sizes does not fit into the file");
  *left -= bytes;
  nn_value_set(v, (nn_dtype)record[0], &shape);
  return NN_OK;
}

/* The records into `v`, after which the sizes of all that follows are known: they must come to the
   file's size. */
static nn_status read_records(reader *r, const nn_nnfile *f, nn_value *v) {
  int64_t left = r->s->size;
  for (int64_t i = 0; i < f->n; i++) NN_TRY(read_record(r, &v[i], &left));
  int64_t at = r->s->at + (int64_t)f->tree_bytes;
  for (int64_t i = 0; i < f->n; i++) at += padding(at, ALIGN) + (int64_t)nn_value_bytes(&v[i]);
  at += padding(at, 8) + TAIL;
  if (at == r->s->size) return NN_OK;
  return nn_source_fail(r->s, HEAD,
                        "the tree and the tensors come to %lld bytes, the file has %lld",
                        (long long)at, (long long)r->s->size);
}

static nn_status read_tail(reader *r) {
  unsigned char tail[TAIL];
  nn_source *s = r->s;
  NN_TRY(skip_padding(r, 8));
  NN_TRY(nn_source_take(s, tail, sizeof tail));
  if (memcmp(tail + 4, ending, sizeof ending) != 0)
    return nn_source_fail(s, s->size - 4, "the mark at the end is missing");
  if (nn_get_le(tail, 4) != (r->crc & 0xffffffff))
    return nn_source_fail(s, s->size - TAIL, "the checksum is wrong: the file is damaged");
  return NN_OK;
}

static nn_status read_all(nn_ctx *ctx, reader *r, nn_nnfile *f, nn_value *v) {
  NN_TRY(read_records(r, f, v));
  f->tree_at = (size_t)r->s->at;
  NN_TRY(take(r, f->tree, f->tree_bytes));
  for (int64_t i = 0; i < f->n; i++) {
    NN_TRY(skip_padding(r, ALIGN));
    NN_TRY(nn_tensor_new(ctx, v[i].dtype, &v[i].shape, &f->tensor[i]));
    NN_TRY(take(r, nn_data(&f->tensor[i]->v), nn_value_bytes(&v[i])));
  }
  return read_tail(r);
}

nn_status nn_nnfile_read(nn_ctx *ctx, const char *path, nn_nnfile *out) {
  nn_file_source f;
  nn_value *v = NULL;
  nn_status st;
  *out = (nn_nnfile){0};
  NN_TRY(nn_file_open(ctx, path, &f));
  reader r = {.s = &f.base, .crc = crc32_z(0, NULL, 0)};
  nn_nnfile head = {0};
  NN_GO(read_head(&r, &head));
  st = NN_ENOMEM;
  out->tree = nn_mem_take(ctx, head.tree_bytes);
  if (!out->tree) goto done;
  out->tree_bytes = head.tree_bytes;
  out->tensor = nn_mem_take_zero(ctx, (size_t)head.n * sizeof *out->tensor);
  if (!out->tensor) goto done;
  out->n = head.n;
  v = nn_mem_take(ctx, (size_t)head.n * sizeof *v);
  if (!v) goto done;
  st = read_all(ctx, &r, out, v);
done:
  nn_mem_give(ctx, v, (size_t)head.n * sizeof *v);
  nn_file_close(&f);
  if (st != NN_OK) nn_nnfile_drop(ctx, out);
  return st;
}

void nn_nnfile_drop(nn_ctx *ctx, nn_nnfile *f) {
  for (int64_t i = 0; i < f->n; i++) nn_tensor_release(f->tensor[i]);
  nn_mem_give(ctx, f->tensor, (size_t)f->n * sizeof *f->tensor);
  nn_mem_give(ctx, f->tree, f->tree_bytes);
  *f = (nn_nnfile){0};
}
