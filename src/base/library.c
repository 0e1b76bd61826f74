/* base/library.c: see library.h. */
#include "base/library.h"

#include <dlfcn.h>

nn_status nn_library_load(nn_ctx *ctx, const char *file, const char *what, int count,
                          const char *const *names, void **to) {
  void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  if (handle == NULL) {
    return nn_fail(ctx, NN_EIO, "%s is needed for this, and %s cannot be loaded: %s", what, file,
                   dlerror());
  }
  for (int i = 0; i < count; i++) {
    if (dlsym(handle, names[i]) != NULL) continue;
    dlclose(handle);
    return nn_fail(ctx, NN_EIO, "%s (%s) is too old: it has no function %s", what, file, names[i]);
  }
  for (int i = 0; i < count; i++) to[i] = dlsym(handle, names[i]);
  return NN_OK;
}
