/* base/library.c: see library.h. */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

/* By its full name; where the machine has no such folder, by what every flavour is called. */
static void *open_it(const char *file) {
  void *handle = dlopen(file, RTLD_LAZY | RTLD_LOCAL);
  const char *name = strrchr(file, '/');
  return handle != NULL || name == NULL ? handle : dlopen(name + 1, RTLD_LAZY | RTLD_LOCAL);
}

nn_status nn_library_load(nn_ctx *ctx, const char *file, const char *what, int count,
                          const char *const *names, void **to) {
  void *handle = open_it(file);
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
