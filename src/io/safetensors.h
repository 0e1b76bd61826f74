/*
 * io/safetensors.h: the safetensors format (github.com/huggingface/safetensors):
 *
 *   8 bytes, little-endian: N; N bytes of JSON; the tensors' elements, row-major, little-endian
 *   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}
 *
 * Offsets count from the end of the JSON; the tensors cover all that follows, without gap or overlap.
 * Read are F16 BF16 F32 F64, the integers and BOOL (io/elements.h); others are refused by name.
 */
#ifndef NN_IO_SAFETENSORS_H
#define NN_IO_SAFETENSORS_H

#include "io/bundle.h"

/* Adds the tensors, and the metadata as texts, to the bundle; the caller drops it, on failure too. */
nn_status nn_safetensors_load(nn_ctx *ctx, const char *path, nn_bundle *out);
/* Writes the bundle's tensors, and its texts as metadata, atomically, in the reference writer's order. */
nn_status nn_safetensors_save(nn_ctx *ctx, const char *path, const nn_bundle *b);

#endif
