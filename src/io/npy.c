/* io/npy.c: see npy.h. */
#include "io/npy.h"

#include <stdio.h>
#include <string.h>

#include "io/dense.h"
#include "io/elements.h"

enum { MAGIC = 6, LONGEST = 64 << 10 };
static const char magic[] = "\x93NUMPY";

/* ---- the header ---- */

typedef struct header {
  nn_source *s;
  const char *text, *p, *end;
  int64_t at; /* of the text in the file */
  nn_elements elements;
  bool fortran;
  nn_shape shape;
} header;

static int64_t place(const header *h) {
  return h->at + (h->p - h->text);
}

static void skip_spaces(header *h) {
  while (h->p < h->end && (*h->p == ' ' || *h->p == '\t' || *h->p == '\n')) h->p++;
}

/* Steps over one character, perhaps after spaces. */
static bool accept(header *h, char c) {
  skip_spaces(h);
  if (h->p == h->end || *h->p != c) return false;
  h->p++;
  return true;
}

static nn_status expected(header *h, const char *what) {
  skip_spaces(h);
  if (h->p == h->end)
    return nn_source_fail(h->s, place(h), "the header ends where %s should be", what);
  return nn_source_fail(h->s, place(h), "the header should have %s here, it has '%c'", what,
                        *h->p >= ' ' && *h->p <= '~' ? *h->p : '?');
}

/* 'text' or "text", without escapes. */
static nn_status read_text(header *h, char *text, size_t size) {
  skip_spaces(h);
  char quote = h->p < h->end ? *h->p : 0;
  if (quote != '\'' && quote != '"') return expected(h, "a text in quotes");
  const char *first = ++h->p;
  while (h->p < h->end && *h->p != quote && *h->p >= ' ' && *h->p <= '~' && *h->p != '\\') h->p++;
  size_t n = (size_t)(h->p - first);
  if (h->p == h->end || *h->p != quote || n >= size) {
    h->p = first;
    return nn_source_fail(h->s, place(h), "the header has a text that is too long, or odd");
  }
  h->p++;
  memcpy(text, first, n);
  text[n] = 0;
  return NN_OK;
}

static nn_status read_descr(header *h) {
  char text[16] = "";
  skip_spaces(h);
  if (h->p < h->end && *h->p == '[')
    return nn_source_fail(h->s, place(h), "arrays of records (structured dtypes) cannot be read");
  int64_t at = place(h);
  NN_TRY(read_text(h, text, sizeof text));
  if (text[0] && strchr("OVSUMmca", text[1] ? text[1] : text[0]))
    return nn_source_fail(h->s, at, "elements of dtype '%s' cannot be read%s; save numbers", text,
                          text[1] == 'O' ? " (pickled objects can run any program)" : "");
  if (text[0] == '=')
    return nn_source_fail(h->s, at, "dtype '%s' does not say the order of bytes", text);
  /* All that can be read have one digit. */
  nn_elements e = {.kind = text[1], .width = text[2] - '0', .big = text[0] == '>'};
  bool whole = strlen(text) == 3;
  bool ordered = text[0] == '<' || text[0] == '>' || (text[0] == '|' && e.width == 1);
  if (!whole || !ordered || e.kind == 'r' || !nn_elements_known(&e))
    return nn_source_fail(h->s, at,
                          "'%s' is no dtype that can be read; '<f4', '<f8', '<i8' and "
                          "'|u1' are, and other floats and integers",
                          text);
  h->elements = e;
  return NN_OK;
}

static nn_status read_flag(header *h, bool *flag) {
  skip_spaces(h);
  size_t left = (size_t)(h->end - h->p);
  if (left >= 4 && memcmp(h->p, "True", 4) == 0) {
    *flag = true;
    h->p += 4;
  } else if (left >= 5 && memcmp(h->p, "False", 5) == 0) {
    *flag = false;
    h->p += 5;
  } else {
    return expected(h, "True or False");
  }
  return NN_OK;
}

/* One size, below 2^48. Python 2 wrote 3L. */
static nn_status read_size(header *h, int64_t *size) {
  skip_spaces(h);
  const char *first = h->p;
  *size = 0;
  while (h->p < h->end && *h->p >= '0' && *h->p <= '9' && *size <= (int64_t)1 << 48)
    *size = *size * 10 + (*h->p++ - '0');
  if (h->p == first) return expected(h, "a size, a whole number from 0");
  if (*size > (int64_t)1 << 48)
    return nn_source_fail(h->s, h->at + (first - h->text), "a size is above 2^48");
  if (h->p < h->end && *h->p == 'L') h->p++;
  return NN_OK;
}

static nn_status read_shape(header *h) {
  nn_shape s = {0};
  bool comma = true;
  if (!accept(h, '(')) return expected(h, "'(', the shape,");
  while (!accept(h, ')')) {
    if (!comma) return expected(h, "',' or ')'");
    if (s.ndim == NN_MAXDIM)
      return nn_source_fail(h->s, place(h), "the array has more than %d dimensions", NN_MAXDIM);
    NN_TRY(read_size(h, &s.dim[s.ndim++]));
    comma = accept(h, ',');
  }
  if (s.ndim == 1 && !comma) return expected(h, "',' after the only size");
  h->shape = s;
  return NN_OK;
}

static nn_status read_entry(header *h, bool seen[3]) {
  static const char *const keys[] = {"descr", "fortran_order", "shape"};
  char key[32] = "";
  int k = 0;
  skip_spaces(h);
  int64_t at = place(h);
  NN_TRY(read_text(h, key, sizeof key));
  while (k < 3 && strcmp(key, keys[k]) != 0) k++;
  if (k == 3) return nn_source_fail(h->s, at, "the header has a key '%s' too many", key);
  if (seen[k]) return nn_source_fail(h->s, at, "the header has the key '%s' twice", key);
  seen[k] = true;
  if (!accept(h, ':')) return expected(h, "':'");
  return k == 0 ? read_descr(h) : k == 1 ? read_flag(h, &h->fortran) : read_shape(h);
}

static nn_status read_dictionary(header *h) {
  bool seen[3] = {false}, comma = true;
  if (!accept(h, '{')) return expected(h, "'{'");
  while (!accept(h, '}')) {
    if (!comma) return expected(h, "',' or '}'");
    NN_TRY(read_entry(h, seen));
    comma = accept(h, ',');
  }
  skip_spaces(h);
  if (h->p != h->end) return expected(h, "nothing more");
  if (seen[0] && seen[1] && seen[2]) return NN_OK;
  return nn_source_fail(h->s, place(h), "the header has no key '%s'",
                        seen[0] ? seen[1] ? "shape" : "fortran_order" : "descr");
}

/* Reads up to the first element. */
static nn_status read_header(nn_source *s, header *h) {
  unsigned char start[MAGIC + 6] = {0};
  if (s->size < MAGIC + 4)
    return nn_source_fail(s, 0, "not an npy file: it has only %lld bytes", (long long)s->size);
  NN_TRY(nn_source_take(s, start, MAGIC + 4));
  if (memcmp(start, magic, MAGIC) != 0)
    return nn_source_fail(s, 0, "not an npy file: it does not begin with \\x93NUMPY");
  int major = start[MAGIC], minor = start[MAGIC + 1], width = major == 1 ? 2 : 4;
  if (major < 1 || major > 3 || minor != 0)
    return nn_source_fail(s, MAGIC, "version %d.%d of npy is unknown; 1.0, 2.0 and 3.0 can be read",
                          major, minor);
  if (width == 4) NN_TRY(nn_source_take(s, start + MAGIC + 4, 2));
  int64_t length = (int64_t)nn_get_le(start + MAGIC + 2, width);
  if (length > LONGEST || length > s->size - s->at)
    return nn_source_fail(s, MAGIC + 2, "a header of %lld bytes %s", (long long)length,
                          length > LONGEST ? "is too long" : "does not fit into the file");
  char *text = nn_mem_take(s->ctx, LONGEST);
  if (!text) return NN_ENOMEM;
  *h = (header){.s = s, .text = text, .p = text, .end = text + length, .at = s->at};
  nn_status st = nn_source_take(s, text, (size_t)length);
  if (st == NN_OK) st = read_dictionary(h);
  nn_mem_give(s->ctx, text, LONGEST);
  return st;
}

/* ---- reading ---- */

/* The same elements with the dimensions turned round, dense. */
static nn_status turn(nn_ctx *ctx, nn_tensor *from, const nn_shape *shape, nn_tensor **out) {
  nn_value v;
  NN_TRY(nn_tensor_new(ctx, from->v.dtype, shape, out));
  nn_value_copy(&v, &from->v);
  v.shape = *shape;
  for (int d = 0; d < shape->ndim; d++) v.stride[d] = from->v.stride[shape->ndim - 1 - d];
  nn_value_settle(&v);
  nn_status st = nn_copy_into(ctx, &(*out)->v, &v);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return st;
}

/* The header, and that the rest of the source is as long as it says. */
static nn_status read_checked(nn_source *s, header *h) {
  int64_t bytes = 0, most = INT64_MAX / 2;
  NN_TRY(read_header(s, h));
  if (nn_shape_bytes(&h->shape, (size_t)h->elements.width, most, &bytes) &&
      bytes == s->size - s->at)
    return NN_OK;
  return nn_source_fail(s, s->at, "an array of these sizes has %lld bytes, the file has %lld",
                        (long long)bytes, (long long)(s->size - s->at));
}

nn_status nn_npy_read(nn_source *s, nn_tensor **out) {
  header h = {0};
  nn_tensor *t = NULL;
  *out = NULL;
  NN_TRY(read_checked(s, &h));
  nn_shape shape = h.shape;
  bool turned = h.fortran && shape.ndim > 1;
  for (int d = 0; turned && d < shape.ndim; d++) shape.dim[d] = h.shape.dim[shape.ndim - 1 - d];
  nn_status st;
  NN_GO(nn_tensor_new(s->ctx, nn_elements_dtype(&h.elements), &shape, &t));
  NN_GO(nn_elements_read(s, &h.elements, &t->v));
  if (turned) NN_GO(turn(s->ctx, t, &h.shape, out));
  if (!turned) *out = nn_tensor_retain(t);
done:
  nn_tensor_release(t);
  return st;
}

/* `count` rows (the first dimension) from row `first` on, both cut to what there is. */
static nn_status read_rows(nn_file_source *f, int64_t first, int64_t count, nn_shape *shape,
                           nn_tensor **out) {
  header h = {0};
  nn_source *s = &f->base;
  NN_TRY(read_checked(s, &h));
  *shape = h.shape;
  if (h.shape.ndim == 0 || (h.fortran && h.shape.ndim > 1))
    return nn_source_fail(s, 0, "%s",
                          h.shape.ndim ? "a column-major array cannot be read in batches; save it "
                                         "row-major (numpy.ascontiguousarray)"
                                       : "a single number has no rows");
  nn_shape part = h.shape;
  if (first > part.dim[0]) first = part.dim[0];
  if (count > part.dim[0] - first) count = part.dim[0] - first;
  part.dim[0] = 1;
  const int64_t row = nn_shape_numel(&part) * h.elements.width;
  part.dim[0] = count;
  NN_TRY(nn_input_seek(&f->in, s->at + first * row));
  s->at += first * row;
  NN_TRY(nn_tensor_new(s->ctx, nn_elements_dtype(&h.elements), &part, out));
  return nn_elements_read(s, &h.elements, &(*out)->v);
}

nn_status nn_npy_rows(nn_ctx *ctx, const char *path, int64_t first, int64_t count, nn_shape *shape,
                      nn_tensor **out) {
  nn_file_source f;
  *out = NULL;
  NN_TRY(nn_file_open(ctx, path, &f));
  nn_status st = read_rows(&f, first, count, shape, out);
  nn_file_close(&f);
  if (st == NN_OK) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return st;
}

nn_status nn_npy_load(nn_ctx *ctx, const char *path, nn_tensor **out) {
  nn_file_source f;
  *out = NULL;
  NN_TRY(nn_file_open(ctx, path, &f));
  nn_status st = nn_npy_read(&f.base, out);
  nn_file_close(&f);
  return st;
}

/* ---- writing ---- */

size_t nn_npy_head(const nn_value *v, char head[NN_NPY_HEAD]) {
  static const char *const descr[NN_NDTYPE] = {"<f4", "<f8", "<i8", "|u1"};
  const size_t start = MAGIC + 4;
  size_t n = start;
  n += (size_t)sprintf(head + n, "{'descr': '%s', 'fortran_order': False, 'shape': (",
                       descr[v->dtype]);
  for (int d = 0; d < v->shape.ndim; d++)
    n += (size_t)sprintf(head + n, d ? ", %lld" : "%lld", (long long)v->shape.dim[d]);
  n += (size_t)sprintf(head + n, v->shape.ndim == 1 ? ",), }" : "), }");
  while ((n + 1) % 64 != 0) head[n++] = ' ';
  head[n++] = '\n';
  memcpy(head, magic, MAGIC);
  head[MAGIC] = 1;
  head[MAGIC + 1] = 0;
  nn_put_le((unsigned char *)head + MAGIC + 2, n - start, 2);
  return n;
}

nn_status nn_npy_save(nn_ctx *ctx, const char *path, nn_tensor *t) {
  nn_output out;
  nn_tensor *dense = NULL;
  char head[NN_NPY_HEAD];
  NN_TRY(nn_output_open(ctx, path, &out));
  nn_status st;
  NN_GO(nn_dense(ctx, t, &dense));
  NN_GO(nn_output_write(&out, head, nn_npy_head(&dense->v, head)));
  NN_GO(nn_output_write(&out, nn_data(&dense->v), nn_value_bytes(&dense->v)));
done:
  nn_tensor_release(dense);
  if (st == NN_OK) return nn_output_commit(&out);
  nn_output_drop(&out);
  return st;
}
