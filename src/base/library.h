/*
 * base/library.h: shared libraries that are loaded when they are first needed. Start-up stays short:
 * a script that draws nothing does not pay for loading Cairo and what Cairo needs. Headers are
 * included as usual; the names that are called are listed once:
 *
 *   #define ZIP(F) F(zip_open) F(zip_fopen_index) F(zip_fread)
 *   NN_LIBRARY(zip, NN_SONAME_ZIP, "libzip", ZIP)
 *
 *   NN_TRY(zip_load(ctx));          // once in each entry; free after the first time
 *   archive = zip.zip_open(path, ZIP_RDONLY, &code);
 */
#ifndef NN_BASE_LIBRARY_H
#define NN_BASE_LIBRARY_H

#include "base/context.h"
#include "sonames.h" /* made by the Makefile: NN_SONAME_ZIP "libzip.so.4" and its kin */

/*
 * Opens `file`, or where that is a full name and nothing is there, what goes by its last part, and
 * stores the addresses of the `count` functions called `names` in `to`, all or nothing. NN_EIO, with
 * the file and `what` (the library's name for people), when it or one of them is not there. The
 * library stays loaded for the life of the process.
 */
nn_status nn_library_load(nn_ctx *ctx, const char *file, const char *what, int count,
                          const char *const *names, void **to);

/* For what is written once, when a library is opened, and is the same in every context. */
#define NN_OPENED __attribute__((section(".data.opened")))

#define NN_LIBRARY_POINTER(name) __typeof__ (&(name))(name);
#define NN_LIBRARY_NAME(name) #name,

/* Defines the table `id` of function pointers, and id_load(ctx), which fills it. Loading twice, in
   two contexts at once even, stores the same addresses twice. */
#define NN_LIBRARY(id, file, what, LIST)                                              \
  static NN_OPENED union {                                                            \
    struct {                                                                          \
      LIST(NN_LIBRARY_POINTER)                                                        \
    };                                                                                \
    void *all[sizeof((const char *const[]){LIST(NN_LIBRARY_NAME)}) / sizeof(char *)]; \
  } id;                                                                               \
  static nn_status id##_load(nn_ctx *ctx) {                                           \
    static const char *const names[] = {LIST(NN_LIBRARY_NAME)};                       \
    const int count = (int)(sizeof names / sizeof *names);                            \
    if (id.all[count - 1] != NULL) return NN_OK;                                      \
    return nn_library_load(ctx, file, what, count, names, id.all);                    \
  }

#endif
