/* io/safetensors.c: see safetensors.h. The JSON is Jansson's. */
#include "io/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/library.h"
#include "io/dense.h"
#include "io/elements.h"
#include "io/file.h"

#define JANSSON(F)          \
  F(json_loadb)             \
  F(json_delete)            \
  F(json_object_get)        \
  F(json_object_size)       \
  F(json_object_iter)       \
  F(json_object_iter_next)  \
  F(json_object_iter_key)   \
  F(json_object_iter_value) \
  F(json_array_get)         \
  F(json_array_size)        \
  F(json_integer_value)     \
  F(json_string_value)      \
  F(json_object)            \
  F(json_array)             \
  F(json_integer) F(json_string) F(json_object_set_new) F(json_array_append_new) F(json_dumpb)
NN_LIBRARY(js, NN_SONAME_JANSSON, "Jansson", JANSSON)

#define LONGEST 100000000 /* bytes of JSON, the reference's limit */
enum { START = 8, LONGEST_NAME = 4096, MOST = 1000000, EACH = 64 };
static const char metadata[] = "__metadata__";

/* The library's own json_decref would call json_delete by its name. */
static void drop(json_t *j) {
  if (j && j->refcount != (size_t)-1 && --j->refcount == 0) js.json_delete(j);
}

static const struct {
  const char *name;
  nn_elements e;
} dtypes[] = {
  {"F32", {'f', 4, false}},  {"F64", {'f', 8, false}}, {"F16", {'f', 2, false}},
  {"BF16", {'r', 2, false}}, {"I64", {'i', 8, false}}, {"I32", {'i', 4, false}},
  {"I16", {'i', 2, false}},  {"I8", {'i', 1, false}},  {"U64", {'u', 8, false}},
  {"U32", {'u', 4, false}},  {"U16", {'u', 2, false}}, {"U8", {'u', 1, false}},
  {"BOOL", {'b', 1, false}},
};

/* ---- reading the JSON ---- */

typedef struct entry {
  const char *name;
  nn_elements e;
  nn_shape shape;
  int64_t first, end; /* bytes of the data */
} entry;

typedef struct reader {
  nn_source *s;
  json_t *root;
  entry *entry; /* (room) */
  int64_t n, room;
  nn_bundle *out;
} reader;

/* "x.safetensors: byte 8: 'name': ..." */
static nn_status bad(const reader *r, const char *name, const char *format, ...)
  __attribute__((format(printf, 3, 4)));
static nn_status bad(const reader *r, const char *name, const char *format, ...) {
  char text[512];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  return nn_source_fail(r->s, START, "'%.100s': %s", name, text);
}

static nn_status read_dtype(reader *r, entry *t, const json_t *j) {
  if (!json_is_string(j)) return bad(r, t->name, "'dtype' must be a text");
  const char *name = js.json_string_value(j);
  for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
    if (strcmp(name, dtypes[i].name) != 0) continue;
    t->e = dtypes[i].e;
    return NN_OK;
  }
  return bad(r, t->name,
             "dtype '%.20s' cannot be read; F32, F64, F16, BF16, the integers and BOOL can", name);
}

static nn_status read_shape(reader *r, entry *t, const json_t *j) {
  if (!json_is_array(j)) return bad(r, t->name, "'shape' must be a list");
  size_t n = js.json_array_size(j);
  if (n > NN_MAXDIM)
    return bad(r, t->name, "has %zu dimensions, at most %d can be read", n, NN_MAXDIM);
  t->shape.ndim = (int)n;
  for (size_t d = 0; d < n; d++) {
    const json_t *size = js.json_array_get(j, d);
    t->shape.dim[d] = json_is_integer(size) ? js.json_integer_value(size) : -1;
    if (t->shape.dim[d] < 0 || t->shape.dim[d] > (int64_t)1 << 48)
      return bad(r, t->name, "size %zu of 'shape' must be a whole number in 0..2^48", d + 1);
  }
  return NN_OK;
}

static nn_status read_offsets(reader *r, entry *t, const json_t *j) {
  int64_t v[2] = {-1, -1}, left = r->s->size - r->s->at, bytes;
  if (json_is_array(j) && js.json_array_size(j) == 2)
    for (int i = 0; i < 2; i++) {
      const json_t *offset = js.json_array_get(j, (size_t)i);
      if (json_is_integer(offset)) v[i] = js.json_integer_value(offset);
    }
  if (v[0] < 0 || v[1] < v[0])
    return bad(r, t->name,
               "'data_offsets' must be two whole numbers from 0, the second not the less");
  if (v[1] > left)
    return bad(r, t->name, "ends at byte %lld of the data, which has %lld", (long long)v[1],
               (long long)left);
  if (!nn_shape_bytes(&t->shape, (size_t)t->e.width, INT64_MAX, &bytes))
    return bad(r, t->name, "has more elements than can be counted");
  if (bytes != v[1] - v[0])
    return bad(r, t->name, "its shape takes %lld bytes, 'data_offsets' give it %lld",
               (long long)bytes, (long long)(v[1] - v[0]));
  t->first = v[0];
  t->end = v[1];
  return NN_OK;
}

static nn_status check_name(const reader *r, const char *name) {
  if (strlen(name) <= LONGEST_NAME) return NN_OK;
  return bad(r, name, "a name has at most %d bytes", LONGEST_NAME);
}

static nn_status read_entry(reader *r, const char *name, const json_t *j) {
  static const char *const fields[] = {"dtype", "shape", "data_offsets"};
  entry t = {.name = name};
  const json_t *field[3];
  NN_TRY(check_name(r, name));
  if (!json_is_object(j))
    return bad(r, name, "must be an object with dtype, shape and data_offsets");
  for (int i = 0; i < 3; i++) {
    field[i] = js.json_object_get(j, fields[i]);
    if (!field[i]) return bad(r, name, "'%s' is missing", fields[i]);
  }
  if (js.json_object_size(j) != 3)
    return bad(r, name, "has other fields than dtype, shape and data_offsets");
  NN_TRY(read_dtype(r, &t, field[0]));
  NN_TRY(read_shape(r, &t, field[1]));
  NN_TRY(read_offsets(r, &t, field[2]));
  r->entry[r->n++] = t;
  return NN_OK;
}

static nn_status read_metadata(reader *r, json_t *j) {
  if (!json_is_object(j)) return bad(r, metadata, "must be an object of texts");
  for (void *i = js.json_object_iter(j); i; i = js.json_object_iter_next(j, i)) {
    const char *key = js.json_object_iter_key(i);
    const json_t *value = js.json_object_iter_value(i);
    if (!json_is_string(value))
      return bad(r, metadata, "the value of '%.100s' must be a text", key);
    NN_TRY(nn_bundle_add(r->out, key, strlen(key), js.json_string_value(value), NULL));
  }
  return NN_OK;
}

static nn_status read_entries(reader *r) {
  const size_t n = js.json_object_size(r->root);
  if (n > MOST) return nn_source_fail(r->s, START, "%zu tensors are more than %d", n, MOST);
  r->room = (int64_t)n;
  r->entry = nn_mem_take(r->s->ctx, n * sizeof *r->entry);
  if (!r->entry) return NN_ENOMEM;
  for (void *i = js.json_object_iter(r->root); i; i = js.json_object_iter_next(r->root, i)) {
    const char *name = js.json_object_iter_key(i);
    json_t *value = js.json_object_iter_value(i);
    if (strcmp(name, metadata) == 0)
      NN_TRY(read_metadata(r, value));
    else
      NN_TRY(read_entry(r, name, value));
  }
  return NN_OK;
}

static nn_status parse(reader *r, const char *text, size_t n) {
  json_error_t e;
  r->root = js.json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);
  if (!r->root)
    return nn_source_fail(r->s, START + (e.position > 0 ? e.position : 0), "the header: %s",
                          e.text);
  if (json_is_object(r->root)) return NN_OK;
  return nn_source_fail(r->s, START, "the header must be a JSON object");
}

/* The N bytes after the first eight. */
static nn_status read_header(reader *r) {
  unsigned char start[START];
  nn_source *s = r->s;
  if (s->size < START)
    return nn_source_fail(s, 0, "not a safetensors file: it has only %lld bytes",
                          (long long)s->size);
  NN_TRY(nn_source_take(s, start, START));
  uint64_t n = nn_get_le(start, 8);
  if (n > LONGEST)
    return nn_source_fail(s, 0,
                          "a header of %llu bytes: at most %d are allowed; is this a safetensors "
                          "file?",
                          (unsigned long long)n, LONGEST);
  if ((int64_t)n > s->size - START)
    return nn_source_fail(s, 0, "a header of %llu bytes does not fit into the file",
                          (unsigned long long)n);
  if (n == 0) return nn_source_fail(s, 0, "the header is empty");
  /* Parsed, short values take up to some 50 times their text. */
  if (n > 1 << 20 && n > nn_memory_left(s->ctx) / EACH)
    return nn_fail(s->ctx, NN_ENOMEM, "%s: not enough memory for a header of %llu bytes", s->name,
                   (unsigned long long)n);
  char *text = nn_mem_take(s->ctx, (size_t)n);
  if (!text) return NN_ENOMEM;
  nn_status st = nn_source_take(s, text, (size_t)n);
  if (st == NN_OK) st = parse(r, text, (size_t)n);
  nn_mem_give(s->ctx, text, (size_t)n);
  return st;
}

/* ---- reading the tensors ---- */

static int by_place(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->first != y->first) return x->first < y->first ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return strcmp(x->name, y->name);
}

static nn_status check_cover(const reader *r) {
  int64_t at = 0, left = r->s->size - r->s->at;
  for (int64_t i = 0; i < r->n; i++) {
    const entry *t = &r->entry[i];
    if (t->first < at)
      return bad(r, t->name,
                 "overlaps the tensor before it: begins at byte %lld of the data, which is "
                 "taken up to %lld",
                 (long long)t->first, (long long)at);
    if (t->first > at)
      return bad(r, t->name, "bytes %lld to %lld of the data before it belong to no tensor",
                 (long long)at, (long long)t->first);
    at = t->end;
  }
  if (at == left) return NN_OK;
  return nn_source_fail(r->s, r->s->at + at, "%lld bytes follow the last tensor",
                        (long long)(left - at));
}

static nn_status read_tensors(reader *r) {
  nn_ctx *ctx = r->s->ctx;
  if (r->n) qsort(r->entry, (size_t)r->n, sizeof *r->entry, by_place);
  NN_TRY(check_cover(r));
  for (int64_t i = 0; i < r->n; i++) {
    const entry *t = &r->entry[i];
    nn_tensor *x;
    NN_TRY(nn_tensor_new(ctx, nn_elements_dtype(&t->e), &t->shape, &x));
    nn_status st = nn_elements_read(r->s, &t->e, &x->v);
    if (st == NN_OK) st = nn_bundle_add(r->out, t->name, strlen(t->name), NULL, x);
    nn_tensor_release(x);
    NN_TRY(st);
  }
  return NN_OK;
}

nn_status nn_safetensors_load(nn_ctx *ctx, const char *path, nn_bundle *out) {
  nn_file_source f;
  NN_TRY(js_load(ctx));
  NN_TRY(nn_file_open(ctx, path, &f));
  reader r = {.s = &f.base, .out = out};
  nn_status st;
  NN_GO(read_header(&r));
  NN_GO(read_entries(&r));
  NN_GO(read_tensors(&r));
done:
  drop(r.root);
  nn_mem_give(ctx, r.entry, (size_t)r.room * sizeof *r.entry);
  nn_file_close(&f);
  return st;
}

/* ---- writing ---- */

/* The widest dtypes first, so that all stand at multiples of their size; then by name. */
static int by_width(const void *a, const void *b) {
  const nn_named *x = *(nn_named *const *)a, *y = *(nn_named *const *)b;
  size_t m = nn_dtype_size(x->tensor->v.dtype), n = nn_dtype_size(y->tensor->v.dtype);
  return m != n ? (m > n ? -1 : 1) : strcmp(x->name, y->name);
}

static json_t *describe(const nn_value *v, int64_t at) {
  static const char *const names[NN_NDTYPE] = {"F32", "F64", "I64", "U8"};
  json_t *j = js.json_object(), *shape = js.json_array(), *offsets = js.json_array();
  for (int d = 0; d < v->shape.ndim; d++)
    js.json_array_append_new(shape, js.json_integer(v->shape.dim[d]));
  js.json_array_append_new(offsets, js.json_integer(at));
  js.json_array_append_new(offsets, js.json_integer(at + (int64_t)nn_value_bytes(v)));
  js.json_object_set_new(j, "dtype", js.json_string(names[v->dtype]));
  js.json_object_set_new(j, "shape", shape);
  js.json_object_set_new(j, "data_offsets", offsets);
  return j;
}

static nn_status build(nn_ctx *ctx, const nn_bundle *b, int64_t n, nn_named *const *sorted,
                       json_t *root) {
  int64_t at = 0;
  json_t *texts = b->n > n ? js.json_object() : NULL;
  bool ok = root && (!texts || js.json_object_set_new(root, metadata, texts) == 0);
  for (int64_t i = 0; ok && i < b->n; i++)
    if (b->item[i].text &&
        js.json_object_set_new(texts, b->item[i].name, js.json_string(b->item[i].text)) != 0)
      return nn_fail(ctx, NN_EVALUE, "save: the metadata '%.100s' is not valid UTF-8",
                     b->item[i].name);
  for (int64_t i = 0; ok && i < n; i++) {
    const nn_value *v = &sorted[i]->tensor->v;
    if (js.json_object_set_new(root, sorted[i]->name, describe(v, at)) != 0)
      return nn_fail(ctx, NN_EVALUE, "save: the name '%.100s' is not valid UTF-8", sorted[i]->name);
    at += (int64_t)nn_value_bytes(v);
  }
  return ok ? NN_OK : nn_fail(ctx, NN_ENOMEM, "save: no memory for the header");
}

static nn_status write_all(nn_output *out, const json_t *root, int64_t n, nn_named *const *sorted) {
  size_t used = js.json_dumpb(root, NULL, 0, JSON_COMPACT), size = (used + 7) & ~(size_t)7;
  if (used == 0 || size > LONGEST)
    return nn_fail(out->ctx, NN_EVALUE, "save: the header would be longer than %d bytes", LONGEST);
  char *text = nn_mem_take(out->ctx, START + size);
  if (!text) return NN_ENOMEM;
  nn_put_le((unsigned char *)text, size, 8);
  memset(text + START, ' ', size);
  js.json_dumpb(root, text + START, used, JSON_COMPACT);
  nn_status st = nn_output_write(out, text, START + size);
  nn_mem_give(out->ctx, text, START + size);
  for (int64_t i = 0; i < n && st == NN_OK; i++) {
    nn_tensor *dense;
    NN_TRY(nn_dense(out->ctx, sorted[i]->tensor, &dense));
    st = nn_output_write(out, nn_data(&dense->v), nn_value_bytes(&dense->v));
    nn_tensor_release(dense);
  }
  return st;
}

nn_status nn_safetensors_save(nn_ctx *ctx, const char *path, const nn_bundle *b) {
  nn_output out;
  json_t *root = NULL;
  int64_t n = 0;
  nn_status st;
  NN_TRY(js_load(ctx));
  nn_named **sorted = nn_mem_take(ctx, (size_t)b->n * sizeof *sorted);
  if (!sorted) return NN_ENOMEM;
  for (int64_t i = 0; i < b->n; i++)
    if (b->item[i].tensor) sorted[n++] = &b->item[i];
  if (n) qsort(sorted, (size_t)n, sizeof *sorted, by_width);
  NN_GO(nn_output_open(ctx, path, &out));
  root = js.json_object();
  st = build(ctx, b, n, sorted, root);
  if (st == NN_OK) st = write_all(&out, root, n, sorted);
  if (st == NN_OK)
    st = nn_output_commit(&out);
  else
    nn_output_drop(&out);
done:
  drop(root);
  nn_mem_give(ctx, sorted, (size_t)b->n * sizeof *sorted);
  return st;
}
