/* embed.h: the files that travel inside the binary, everything below lua/ with its path from there:
 * "nn/init.lua", "nn/assets/digits.gz". The table is generated at build time. */
#ifndef NN_BIND_EMBED_H
#define NN_BIND_EMBED_H

#include <stddef.h>

typedef struct nn_embedded {
  const char *name;
  const unsigned char *data; /* (size), then one zero byte */
  size_t size;
} nn_embedded;

/* Sorted by name; the last entry has a NULL name. */
extern const nn_embedded nn_embedded_files[];

/* The file of that name, or NULL. */
const nn_embedded *nn_embedded_find(const char *name);

#endif
