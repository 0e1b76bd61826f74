/* io/npz.c: see npz.h. Nothing is ever unpacked to disk, so a name in the archive is only a name. */
#include "io/npz.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/library.h"
#include "io/dense.h"
#include "io/npy.h"
#include "io/npz_places.h"

#define ZIP(F)                      \
  F(zip_fdopen)                     \
  F(zip_open_from_source)           \
  F(zip_discard)                    \
  F(zip_close)                      \
  F(zip_get_num_entries)            \
  F(zip_stat_index)                 \
  F(zip_fopen_index)                \
  F(zip_fread)                      \
  F(zip_fclose)                     \
  F(zip_file_add)                   \
  F(zip_set_file_compression)       \
  F(zip_file_set_dostime)           \
  F(zip_source_function_create)     \
  F(zip_source_free)                \
  F(zip_source_make_command_bitmap) \
  F(zip_error_init)                 \
  F(zip_error_init_with_code)       \
  F(zip_error_fini)                 \
  F(zip_error_set)                  \
  F(zip_error_to_data) F(zip_error_strerror) F(zip_get_error) F(zip_file_get_error) F(zip_stat_init)
NN_LIBRARY(zl, NN_SONAME_ZIP, "libzip", ZIP)

enum { MOST = 10000, LONGEST_NAME = 4096, RATIO = 1032 };
static const char suffix[] = ".npy";

/* ---- reading ---- */

typedef struct archive {
  nn_file_source f;
  zip_t *zip;
  nn_bundle *out;
} archive;

/* An entry as a source of bytes. */
typedef struct entry_source {
  nn_source base;
  zip_file_t *file;
} entry_source;

static nn_status read_entry(nn_source *s, void *p, size_t n, size_t *got) {
  zip_file_t *file = ((entry_source *)s)->file;
  zip_int64_t r = zl.zip_fread(file, p, n);
  *got = r > 0 ? (size_t)r : 0;
  if (r >= 0) return NN_OK;
  return nn_source_fail(s, s->at, "%s", zl.zip_error_strerror(zl.zip_file_get_error(file)));
}

/* What is refused before anything is unpacked. */
static nn_status check_entry(const archive *a, const zip_stat_t *e) {
  const zip_uint64_t need = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                            ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  nn_ctx *ctx = a->f.base.ctx;
  const char *path = a->f.base.name, *name = e->name;
  if ((e->valid & need) != need)
    return nn_fail(ctx, NN_EIO, "%s: an entry without name or sizes", path);
  size_t n = strlen(name), end = sizeof suffix - 1;
  bool climbs = strcmp(name, "..") == 0 || strncmp(name, "../", 3) == 0 || strstr(name, "/../");
  if (n > LONGEST_NAME || name[0] == '/' || strchr(name, '\\') || climbs)
    return nn_fail(ctx, NN_EIO,
                   "%s: the entry '%.100s': a name must be relative, without '..' and at "
                   "most %d bytes long",
                   path, name, LONGEST_NAME);
  if (n <= end || strcmp(name + n - end, suffix) != 0)
    return nn_fail(ctx, NN_EIO, "%s: the entry '%.100s' is no array: its name does not end in .npy",
                   path, name);
  if (e->encryption_method != ZIP_EM_NONE)
    return nn_fail(ctx, NN_EIO, "%s: the entry '%.100s' is encrypted", path, name);
  if (e->comp_method != ZIP_CM_STORE && e->comp_method != ZIP_CM_DEFLATE)
    return nn_fail(ctx, NN_EIO,
                   "%s: the entry '%.100s' is compressed by method %d; only stored and "
                   "deflated ones can be read",
                   path, name, e->comp_method);
  if (e->size > INT64_MAX / 2 || e->size / RATIO > e->comp_size + 1 ||
      (e->comp_method == ZIP_CM_STORE && e->size != e->comp_size))
    return nn_fail(ctx, NN_EIO, "%s: the entry '%.100s': %llu bytes cannot come from %llu", path,
                   name, (unsigned long long)e->size, (unsigned long long)e->comp_size);
  return NN_OK;
}

static nn_status load_entry(archive *a, zip_uint64_t i, const zip_stat_t *e) {
  char name[512], more;
  nn_ctx *ctx = a->f.base.ctx;
  nn_tensor *t = NULL;
  snprintf(name, sizeof name, "%.300s: %.150s", a->f.base.name, e->name);
  entry_source s = {
    .base = {.ctx = ctx, .name = name, .size = (int64_t)e->size, .read = read_entry}};
  s.file = zl.zip_fopen_index(a->zip, i, 0);
  if (!s.file)
    return nn_fail(ctx, NN_EIO, "%s: %s", name, zl.zip_error_strerror(zl.zip_get_error(a->zip)));
  nn_status st = nn_npy_read(&s.base, &t);
  size_t got = 0; /* at its end the entry's checksum is compared */
  if (st == NN_OK) st = read_entry(&s.base, &more, 1, &got);
  if (st == NN_OK && got)
    st = nn_source_fail(&s.base, s.base.at, "has more bytes than the archive says");
  zl.zip_fclose(s.file);
  if (st == NN_OK)
    st = nn_bundle_add(a->out, e->name, strlen(e->name) - (sizeof suffix - 1), NULL, t);
  nn_tensor_release(t);
  return st;
}

static nn_status check_entries(const archive *a, zip_int64_t n) {
  nn_ctx *ctx = a->f.base.ctx;
  size_t left = nn_memory_left(ctx);
  for (zip_int64_t i = 0; i < n; i++) {
    zip_stat_t e;
    if (zl.zip_stat_index(a->zip, (zip_uint64_t)i, 0, &e) != 0)
      return nn_fail(ctx, NN_EIO, "%s: %s", a->f.base.name,
                     zl.zip_error_strerror(zl.zip_get_error(a->zip)));
    NN_TRY(check_entry(a, &e));
    if (e.size > left)
      return nn_fail(ctx, NN_ENOMEM, "%s: its arrays take more memory than is left",
                     a->f.base.name);
    left -= (size_t)e.size;
  }
  return NN_OK;
}

static nn_status load_entries(archive *a) {
  nn_ctx *ctx = a->f.base.ctx;
  zip_int64_t n = zl.zip_get_num_entries(a->zip, 0);
  if (n > MOST)
    return nn_fail(ctx, NN_EIO, "%s: %lld entries are more than %d", a->f.base.name, (long long)n,
                   MOST);
  nn_status st = check_entries(a, n);
  for (zip_int64_t i = 0; i < n && st == NN_OK; i++) {
    zip_stat_t e;
    zl.zip_stat_index(a->zip, (zip_uint64_t)i, 0, &e);
    st = load_entry(a, (zip_uint64_t)i, &e);
  }
  return st;
}

static nn_status open_archive(archive *a) {
  zip_error_t e;
  int code = 0, fd = dup(a->f.in.fd); /* libzip closes it */
  if (fd >= 0) a->zip = zl.zip_fdopen(fd, ZIP_CHECKCONS | ZIP_RDONLY, &code);
  if (a->zip) return NN_OK;
  if (fd >= 0) close(fd);
  zl.zip_error_init_with_code(&e, code);
  nn_status st = nn_fail(a->f.base.ctx, NN_EIO, "%s: not a zip archive in order: %s",
                         a->f.base.name, zl.zip_error_strerror(&e));
  zl.zip_error_fini(&e);
  return st;
}

nn_status nn_npz_load(nn_ctx *ctx, const char *path, nn_bundle *out) {
  archive a = {.out = out};
  nn_status st;
  NN_TRY(zl_load(ctx));
  NN_TRY(nn_file_open(ctx, path, &a.f));
  NN_GO(open_archive(&a));
  NN_GO(nn_npz_check_places(&a.f));
  NN_GO(load_entries(&a));
done:
  if (a.zip) zl.zip_discard(a.zip);
  nn_file_close(&a.f);
  return st;
}

/* ---- writing ---- */

/* Where the archive goes: libzip's view of an nn_output. */
typedef struct sink {
  nn_output out;
  zip_int64_t at;
  nn_status st;
  zip_error_t error;
} sink;

static zip_int64_t sink_seek(sink *k, const void *data, zip_uint64_t length) {
  const zip_source_args_seek_t *to = data;
  if (length < sizeof *to || to->whence == SEEK_END) return -1; /* libzip knows its places */
  zip_int64_t at = to->offset + (to->whence == SEEK_CUR ? k->at : 0);
  if (at < 0) return -1;
  k->st = nn_output_seek(&k->out, at);
  k->at = at;
  return k->st == NN_OK ? 0 : -1;
}

static zip_int64_t serve_sink(void *user, void *data, zip_uint64_t n, zip_source_cmd_t command) {
  sink *k = user;
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zl.zip_source_make_command_bitmap(
        ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
        ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
        ZIP_SOURCE_WRITE, ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_COMMIT_WRITE,
        ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_REMOVE, -1);
    case ZIP_SOURCE_STAT: /* there is nothing yet to be read */
      zl.zip_error_set(&k->error, ZIP_ER_READ, ENOENT);
      return -1;
    case ZIP_SOURCE_ERROR: return zl.zip_error_to_data(&k->error, data, n);
    case ZIP_SOURCE_WRITE:
      k->st = nn_output_write(&k->out, data, (size_t)n);
      if (k->st != NN_OK) {
        zl.zip_error_set(&k->error, ZIP_ER_WRITE, EIO);
        return -1;
      }
      k->at += (zip_int64_t)n;
      return (zip_int64_t)n;
    case ZIP_SOURCE_SEEK_WRITE: return sink_seek(k, data, n);
    case ZIP_SOURCE_TELL_WRITE: return k->at;
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_COMMIT_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_FREE: return 0;
    default: zl.zip_error_set(&k->error, ZIP_ER_OPNOTSUPP, 0); return -1;
  }
}

/* An entry's bytes: the head of an npy file, then the elements. */
typedef struct part {
  nn_ctx *ctx;
  nn_tensor *tensor, *dense; /* dense: while the source is open */
  char head[NN_NPY_HEAD];
  size_t nhead, size, at;
  zip_error_t error;
  nn_status *st;
} part;

static zip_int64_t part_read(part *p, char *to, size_t n) {
  size_t done = 0;
  if (p->at < p->nhead) {
    done = n < p->nhead - p->at ? n : p->nhead - p->at;
    memcpy(to, p->head + p->at, done);
    p->at += done;
  }
  size_t more = n - done < p->size - p->at ? n - done : p->size - p->at;
  if (more) memcpy(to + done, (char *)nn_data(&p->dense->v) + (p->at - p->nhead), more);
  p->at += more;
  return (zip_int64_t)(done + more);
}

static zip_int64_t serve_part(void *user, void *data, zip_uint64_t n, zip_source_cmd_t command) {
  part *p = user;
  zip_stat_t *e = data;
  switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zl.zip_source_make_command_bitmap(ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_OPEN,
                                               ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                               ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
    case ZIP_SOURCE_OPEN:
      p->at = 0;
      *p->st = nn_dense(p->ctx, p->tensor, &p->dense);
      if (*p->st == NN_OK) return 0;
      zl.zip_error_set(&p->error, ZIP_ER_MEMORY, 0);
      return -1;
    case ZIP_SOURCE_READ: return part_read(p, data, (size_t)n);
    case ZIP_SOURCE_CLOSE:
      nn_tensor_release(p->dense);
      p->dense = NULL;
      return 0;
    case ZIP_SOURCE_STAT:
      zl.zip_stat_init(e);
      e->valid = ZIP_STAT_SIZE;
      e->size = p->size;
      return (zip_int64_t)sizeof *e;
    case ZIP_SOURCE_ERROR: return zl.zip_error_to_data(&p->error, data, n);
    case ZIP_SOURCE_FREE: return 0;
    default: zl.zip_error_set(&p->error, ZIP_ER_OPNOTSUPP, 0); return -1;
  }
}

/* Adds one tensor; its bytes are asked for when the archive is closed. */
static bool add_part(zip_t *zip, part *p, const nn_named *item) {
  char name[LONGEST_NAME + sizeof suffix];
  size_t length = strlen(item->name);
  if (length > LONGEST_NAME) return false;
  memcpy(name, item->name, length);
  memcpy(name + length, suffix, sizeof suffix);
  zip_source_t *source = zl.zip_source_function_create(serve_part, p, NULL);
  if (!source) return false;
  zip_int64_t i = zl.zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
  if (i < 0) {
    zl.zip_source_free(source);
    return false;
  }
  /* The first moment that zip knows, so that the same arrays give the same bytes. */
  return zl.zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) == 0 &&
         zl.zip_file_set_dostime(zip, (zip_uint64_t)i, 0, 1 << 5 | 1, 0) == 0;
}

static nn_status zip_failed(sink *k, zip_t *zip) {
  if (k->st != NN_OK) return k->st;
  return nn_fail(k->out.ctx, NN_EIO, "%s: not written: %s", k->out.path,
                 zl.zip_error_strerror(zip ? zl.zip_get_error(zip) : &k->error));
}

static nn_status write_archive(sink *k, const nn_bundle *b, part *parts) {
  static const char nothing[22] =
    "PK\5\6"; /* an archive without entries, which libzip does not make */
  nn_status st = NN_OK;
  if (b->n == 0) return nn_output_write(&k->out, nothing, sizeof nothing);
  zip_source_t *source = zl.zip_source_function_create(serve_sink, k, NULL);
  if (!source) return nn_fail(k->out.ctx, NN_ENOMEM, "%s: no memory for libzip", k->out.path);
  zip_t *zip = zl.zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, &k->error);
  if (!zip) {
    zl.zip_source_free(source);
    return zip_failed(k, NULL);
  }
  for (int64_t i = 0; i < b->n && st == NN_OK; i++) {
    part *p = &parts[i];
    *p = (part){.ctx = k->out.ctx, .tensor = b->item[i].tensor, .st = &k->st};
    zl.zip_error_init(&p->error);
    p->nhead = nn_npy_head(&p->tensor->v, p->head);
    p->size = p->nhead + nn_value_bytes(&p->tensor->v);
    if (!add_part(zip, p, &b->item[i])) st = zip_failed(k, zip);
  }
  if (st == NN_OK && zl.zip_close(zip) == 0) return NN_OK;
  if (st == NN_OK) st = zip_failed(k, zip);
  zl.zip_discard(zip);
  return st;
}

nn_status nn_npz_save(nn_ctx *ctx, const char *path, const nn_bundle *b) {
  sink k = {.st = NN_OK};
  NN_TRY(zl_load(ctx));
  part *parts = nn_mem_take_zero(ctx, (size_t)b->n * sizeof *parts);
  if (!parts) return NN_ENOMEM;
  zl.zip_error_init(&k.error);
  nn_status st = nn_output_open(ctx, path, &k.out);
  if (st == NN_OK) {
    st = write_archive(&k, b, parts);
    if (st == NN_OK)
      st = nn_output_commit(&k.out);
    else
      nn_output_drop(&k.out);
  }
  for (int64_t i = 0; i < b->n; i++) nn_tensor_release(parts[i].dense);
  zl.zip_error_fini(&k.error);
  nn_mem_give(ctx, parts, (size_t)b->n * sizeof *parts);
  return st;
}
