/* io/gzip.c: see gzip.h; zlib does the work. */
#include "io/gzip.h"

#include <limits.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { TRAILER = 4, HEADER = 10, MOST = 1 << 30 };

nn_status nn_gunzip(nn_ctx *ctx, const char *name, const unsigned char *data, size_t size,
                    nn_tensor **out) {
  z_stream z;
  *out = NULL;
  if (size < HEADER + 2 * TRAILER || size > UINT_MAX || data[0] != 0x1f || data[1] != 0x8b)
    return nn_fail(ctx, NN_EIO, "%s: not gzip data", name);
  const unsigned char *t =
    data + size - TRAILER; /* the last four bytes: the content's length, least byte first */
  size_t length = (size_t)t[0] | (size_t)t[1] << 8 | (size_t)t[2] << 16 | (size_t)t[3] << 24;
  if (length > MOST)
    return nn_fail(ctx, NN_EIO, "%s: states a content of %zu bytes, over 1 GiB", name, length);
  nn_shape s = nn_shape_1((int64_t)length);
  NN_TRY(nn_tensor_new(ctx, NN_U8, &s, out));
  memset(&z, 0, sizeof z);
  int ok = inflateInit2(&z, 16 + MAX_WBITS);
  if (ok == Z_OK) {
    z.next_in = data;
    z.avail_in = (uInt)size;
    z.next_out = nn_data(&(*out)->v);
    z.avail_out = (uInt)length;
    ok = inflate(&z, Z_FINISH);
    inflateEnd(&z);
  }
  if (ok == Z_STREAM_END && z.total_out == length) return NN_OK;
  nn_tensor_release(*out);
  *out = NULL;
  return nn_fail(ctx, NN_EIO, "%s: damaged gzip data", name);
}
