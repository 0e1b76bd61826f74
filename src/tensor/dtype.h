/* tensor/dtype.h: the four element types. The two floating ones come first, so that a dtype
   indexes two-entry tables. */
#ifndef NN_TENSOR_DTYPE_H
#define NN_TENSOR_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum nn_dtype { NN_F32, NN_F64, NN_I64, NN_U8 } nn_dtype;
enum { NN_NREAL = 2, NN_NDTYPE = 4 };

static inline size_t nn_dtype_size(nn_dtype d) {
  return d == NN_F32 ? 4 : d == NN_U8 ? 1 : 8;
}
static inline bool nn_is_real(nn_dtype d) {
  return d <= NN_F64;
}
/* "float32", "float64", "int64", "uint8" */
const char *nn_dtype_name(nn_dtype d);
/* The dtype of that name, or -1. */
int nn_dtype_find(const char *name);
/* The four names, NULL ends. */
extern const char *const nn_dtype_names[NN_NDTYPE + 1];

#endif
